"""The window: the only Qt besides the painted paper."""
