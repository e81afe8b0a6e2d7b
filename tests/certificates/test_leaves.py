"""Leaves that floats propose: they are to be those that the checker accepts."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

import lipverify as lv
from lipverify.certificates import checker
from lipverify.certificates.leaves import SlopeRanges
from lipverify.certificates.writer import exact_network, exact_pair
from lipverify.norms import INF, NormPair

PAIRS = [NormPair(p, q) for p, q in itertools.product((1.0, 2.0, INF), repeat=2) if (p, q) != (2.0, 2.0)]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("bent", [False, True])
def test_ranges_close_a_node_from_the_bound_on_that_the_checker_accepts(pair: NormPair, bent: bool) -> None:
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=shape) for shape in ((3, 2), (4, 3), (2, 4))]
    slopes = [rng.normal(size=(n, 2)) if bent else np.tile([0.0, 1.0], (n, 1)) for n in (3, 4)]
    net = lv.Network(weights, [np.zeros(len(w)) for w in weights], slopes)
    leaves, exact = SlopeRanges(net, pair), exact_network(net)
    for wanted in ([0] * 7, [1] + [0] * 6, [0] * 6 + [-1], [1, -1, 0, -1, 0, 0, 1]):
        tree = checker.Tree(exact, checker.Domain(), checker.reduced(exact, exact_pair(pair)), Fraction(0))
        tree.signs = list(wanted)
        low, high = 0.0, 1e6
        for _ in range(60):  # where the checker begins to accept
            tree.bound = Fraction(middle := (low + high) / 2)
            low, high = (low, middle) if tree.compare(1) else (middle, high)
        signs = np.array(wanted, dtype=np.int8)
        assert leaves.offer(signs, None, high * (1 + 1e-7)).closes
        assert not leaves.offer(signs, None, high * (1 - 1e-7)).closes
