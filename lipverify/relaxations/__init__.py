"""Bounds on a box or a cell: pre-activations, Jacobians and their norms, certified and batched."""
