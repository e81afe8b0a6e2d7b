"""Exact constants by mixed-integer programming.

network → `chain` (a box to work in) → `encoding` (variables and rows, `model`) → `backends` (PuLP and a solver)
→ `regions` (what a pattern really is, in rationals) → `proof` (the bound again, without trusting the solver)
→ `method` (all of it in order). `relaxation` solves LPs with bounds that rounding cannot spoil, `tightening` uses
them on the model while it is being built.
"""
