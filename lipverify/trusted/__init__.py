"""Everything that a ROUNDED or PROVED number rests on beyond exact rationals, and nothing else.

rounding.py      floats rounded outward, and matrices with a radius
vectors.py       norms of vectors of floats, from above and from below
algebraic.py     norms known exactly: rational, or the root of a rational or of a polynomial's largest root
semidefinite.py  positive semidefinite, shown in floats and in rationals
circuits.py      linear dependencies that decide signs, in floats with their errors
evidence.py      what a search may claim, and with what evidence; evidence_replay: what holds where;
                 evidence_floats (with evidence_passes) and evidence_exact: who reads it
spectral/        operator norms from above
"""
