"""Which parts of the Jacobian the norm is a maximum of: those whose norm the search by layers can bound."""

from __future__ import annotations

from lipverify.norms import INF, reduced_pair
from lipverify.problem import Problem
from lipverify.trusted.evidence import Block, Head


def heads(problem: Problem) -> tuple[Head | Block, ...]:
    """Vectors the greatest 1-norm of which is the norm of the Jacobian, or blocks and their spectral norms; else none.

    ∞→∞ is the largest 1-norm of a row, 1→1 that of a column, 1→∞ the largest entry in absolute value; 2→∞ is the
    largest 2-norm of a row, 1→2 that of a column.
    """
    net = problem.network
    pair = reduced_pair(problem.norm, net.output_dim, net.input_dim)
    inputs, outputs = tuple(range(net.input_dim)), tuple(range(net.output_dim))
    if not net.slopes:
        return ()
    if pair == (INF, INF):
        return tuple(Head(True, i, inputs) for i in outputs)
    if pair == (1.0, 1.0):
        return tuple(Head(False, j, outputs) for j in inputs)
    if pair == (1.0, INF):
        return tuple(Head(True, i, (j,)) for i in outputs for j in inputs)
    if pair == (2.0, 2.0):
        return (Block(outputs, inputs),)
    if pair == (2.0, INF):
        return tuple(Block((i,), inputs) for i in outputs)
    if pair == (1.0, 2.0):
        return tuple(Block(outputs, (j,)) for j in inputs)
    return ()
