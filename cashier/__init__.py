"""The permit counter till."""
