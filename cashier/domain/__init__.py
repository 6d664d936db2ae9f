"""Values and rules of the till: no clock, no chance, no file, no line, no Qt."""
