"""Exact constants by mixed-integer programming.

problem → `arena` (a box to work in) → `encoding` (variables and rows: a `model`; `measure` for the norm) → `program`
and `backends` (PuLP and a solver) → `regions` (what a pattern really is, in rationals) → `proof` (the bound again,
without trusting the solver). `run` does all of it in order for the `method`. `relaxation` solves LPs with bounds that
rounding cannot spoil; `tightening` uses them on the model while it is being built.
"""
