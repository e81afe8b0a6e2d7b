"""Exact methods, a file or a package each; they share no search code."""
