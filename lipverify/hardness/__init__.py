"""NP-hardness, made of networks: each reduction with its way back.

    maxcut(graph, p=2)        L² (p = 2) or L (p = 1, inf) is the maximum cut
    independent_set(graph)    L_1 is the size of the largest independent set
    satisfiability(clauses)   L = 0 iff nothing satisfies the formula
    clique(graph, colours)    L = a known number iff a clique has one vertex of each colour; one input per colour
    convex_quadratic(A)       ⌊L²⌋ is the maximum of sᵀAAᵀs over the hypercube

Each returns a `Reduction`: `.network` and `.p` go into lipverify.exact, and from its bound `.value(bound)` and
`.decode(bound)` give the problem's own answer; `.encode(solution)` is the way forward.

    unreachable(layers)       L = 1, and bounds that cannot see what is reachable are exponential in the depth
"""

from lipverify.hardness.cliques import Clique, MulticolouredClique, clique
from lipverify.hardness.cuts import Cut, MaxCut, maxcut
from lipverify.hardness.files import load_colours, load_formula, load_graph, parse_formula, parse_graph
from lipverify.hardness.formulas import Assignment, Satisfiability, satisfiability
from lipverify.hardness.independent_sets import IndependentSet, MaxIndependentSet, independent_set
from lipverify.hardness.quadratic import ConvexQuadratic, HypercubeVertex, convex_quadratic
from lipverify.hardness.reduction import Reduction
from lipverify.hardness.staircases import Unreachable, unreachable

__all__ = [
    "Assignment",
    "Clique",
    "ConvexQuadratic",
    "Cut",
    "HypercubeVertex",
    "IndependentSet",
    "MaxCut",
    "MaxIndependentSet",
    "MulticolouredClique",
    "Reduction",
    "Satisfiability",
    "Unreachable",
    "clique",
    "convex_quadratic",
    "independent_set",
    "load_colours",
    "load_formula",
    "load_graph",
    "maxcut",
    "parse_formula",
    "parse_graph",
    "satisfiability",
    "unreachable",
]
