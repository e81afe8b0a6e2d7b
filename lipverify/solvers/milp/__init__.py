"""Exact constants by mixed-integer programming.

problem → `arena` (a box to work in) → `encoding` (variables and rows: a `model`; `values` for the neurons, `derivative`
and `measure` for the norm) → `proof`, a search that trusts no solver: `node_ranges` (with `sweep` and `cells`) and
`relaxation` bound its nodes, `regions` says in rationals what a pattern really is, `clauses` remembers it, `branching`
and `patience` decide where to go on. Where the search takes long, a solver works beside it: `program` and `backends`
ask one through PuLP, `process` has it run apart, and `dialogue` says what its answers mean for what is `known`. `run`
does all of it in order for the `method`. `relaxation` solves LPs with bounds that rounding cannot spoil; `tightening`
uses them on the model while it is being built.
"""
