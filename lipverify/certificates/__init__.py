"""Proofs of bounds that anyone can check: their format (FORMAT.md), their writer, and a checker that stands alone."""
