"""Activation regions: cells, the LP that explores them, and the exact arithmetic that settles them."""
