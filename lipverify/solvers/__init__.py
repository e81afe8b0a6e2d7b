"""Exact methods, one per file; they share no search code."""
