"""Proofs of bounds that anyone can check: their format (FORMAT.md), their writer, and the checker, which stands alone."""
