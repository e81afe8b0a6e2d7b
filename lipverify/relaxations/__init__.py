"""Bounds of the Jacobians of a whole set of regions: of a box, or of a partial activation pattern."""
