"""The till's use cases over ports; what every front end holds."""
