"""A compiled search by layers, in plain floats: it proposes, trusts nothing and is trusted by nobody.

layout.py     a network, a domain and a head as flat arrays; the arrays of a dive
simplex.py    a tableau of boxed variables: one row per decided neuron, a split is a bound
cells.py      which neurons of the front, and above it, have one sign on a cell
passes.py     functional passes over the slopes that are left
sign_tree.py  the signs of the entries, chosen one by one, without a look at feasibility
blocks.py     the spectral norm of a block, turned so that it is nearly diagonal
points.py     points where the norm is large, and points inside cells
dive.py       depth first through some hundred nodes

Nothing imports these modules at start: they load numba.
"""
