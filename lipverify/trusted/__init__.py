"""Everything that a ROUNDED or PROVED number rests on beyond exact rationals, and nothing else (proofs/trusted.md).

rounding.py      numbers rounded outward, one at a time and in arrays
scaling.py       powers of two taken out, so that nothing overflows or is lost without being said
balls.py         matrices with a radius: products, sums, scalings
intervals.py     enclosures between two ends, through affine maps and two-slope neurons
layer.py         an affine map known up to a radius, and where its float sums are exact
functionals.py   linear functionals pushed through relaxed layers
multipliers.py   bounds of linear forms over polyhedra from any multipliers
halfspaces.py    on which side of hyperplanes a point is, proven
circuits.py      linear dependencies that decide signs
chains.py        what rounding can do to products along a network
vectors.py       norms of vectors, from above and from below
evidence.py      what a search may claim of a partial pattern; evidence_moves and evidence_replay: what holds where;
                 evidence_floats (arrays, sizes, compiled forms, passes, blocks) and evidence_exact: who reads it
spectral/        operator norms from above
semidefinite.py  positive semidefinite, and largest eigenvalues from above, in floats and in rationals
algebraic.py     norms known exactly: rational, or the root of a rational or of a polynomial's largest root
"""
