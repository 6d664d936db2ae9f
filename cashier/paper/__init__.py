"""What is printed: the receipt page."""
