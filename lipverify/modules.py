"""Verbs on torch modules, whatever their graph."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lipverify.bound import Bound
from lipverify.domain import Domain, Everywhere
from lipverify.errors import InvalidDomain, UnsupportedNorm
from lipverify.estimators.graph.bound import GraphAutoLip
from lipverify.norms import norm_pair

if TYPE_CHECKING:
    import torch


def autolip(module: torch.nn.Module, example_input: Any, *, p: Any = 2, domain: Domain | None = None) -> Bound:
    """AutoLip on any torch module: an upper bound of its Lipschitz constant, node by node.

    Parameters
    ----------
    module
        In eval mode wherever that makes a difference.
    example_input
        ONE sample, without a batch axis: for an image network a tensor of shape (C, H, W). The module is run on
        `example_input.unsqueeze(0)`, and the bound is for the function from one flat sample to the flat output.
        Only the shape matters.
    p
        1, 2 or inf, for the norm on both sides.
    domain
        Where; None for everywhere. A `Box` over the flat sample bounds the ranges of values, without which
        products of varying values, exponentials and their like have no finite constant.

    Returns
    -------
    Bound
        ROUNDED. `.upper` is inf where a node has no finite constant: `.stats["unbounded"]` says why. `.details`
        is a tuple with one `NodeConstant` per node: its name, its operator, its local constant and the
        cumulative constant up to it, both rounded up.

    Raises
    ------
    UnsupportedLayer
        For an operator that is not known: the message names node, operator and source line.
    InvalidNetwork, InvalidDomain, UnsupportedNorm
        For a module that is no function, a domain of another dimension, or another norm.

    References
    ----------
    Scaman & Virmaux, "Lipschitz regularity of deep neural networks", NeurIPS 2018, arXiv:1805.10965,
    Algorithm 1. Every node rule is proved in proofs/graph.md.
    """
    from lipverify.readers.torch_graph import trace

    started = time.monotonic()
    pair = norm_pair(p)
    if pair.p != pair.q:
        raise UnsupportedNorm(f"autolip does not support p = {pair}; it supports p = 1, 2, inf")
    where = Everywhere() if domain is None else domain
    if not isinstance(where, Domain):
        raise InvalidDomain(f"domain must be Everywhere, Box, Polytope, Ball or None; got {domain!r}")
    graph = trace(module, example_input).graph
    if where.dimension not in (None, graph.inputs):
        raise InvalidDomain(f"the domain has {where.dimension} coordinates, the sample {graph.inputs} entries")
    bound = GraphAutoLip(graph).bound(pair.p, where)
    return replace(bound, seconds=time.monotonic() - started, subject=graph.subject)
