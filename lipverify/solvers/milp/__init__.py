"""Exact constants by mixed-integer programming, in four rooms.

`encode`: a problem becomes a program: `lifting` (a box to work in), `neurons`, `derivative` and `norm` (variables and
rows of a `model`), put together by `encoding`. `bound`: `propagation` (with `sweep` and `cell_boxes`) and `lp` bound
nodes, and rounding cannot spoil it; `obbt` tightens the program by LPs while it is built. `search`: `tree` trusts
no solver; with `branching`, `nogoods` (what is closed), `patience` (which steps pay), and `regions`, which says in
rationals what a pattern really is. `external`: where the search takes long, a solver works beside it: `pulp` and
`backends` ask one, `process` has it run apart, and `oracle` says what its answers mean. `run` does all of it in order
for the `method`.
"""
