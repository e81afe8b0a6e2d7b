"""Neurons that a bounded domain and the decided neurons decide by themselves: CROWN's ranges."""

from __future__ import annotations

from typing import final

import numpy as np

from lipverify.arrays import Signs
from lipverify.domain import Domain
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.network import Network
from lipverify.relaxations.crown import crown_ranges
from lipverify.relaxations.layers import Layers


@final
class Stability:
    """Signs that follow from ranges over the domain's box (proofs/crown.md)."""

    def __init__(self, net: Network, domain: Domain) -> None:
        self._box = enclosing_box(domain)
        self._layers = Layers.of(net)
        self._cuts = np.cumsum(net.hidden)[:-1]
        self._bent = np.concatenate([np.zeros(0, dtype=bool), *(s[:, 0] != s[:, 1] for s in net.slopes)])

    def implied(self, signs: Signs) -> Signs | None:
        """Per neuron the sign that it has wherever the decided ones have theirs, 0 where nothing follows, shape (n,).

        None when the decided neurons contradict each other. A range that only touches 0 decides nothing: the neuron
        may be constant there.
        """
        if not len(signs):
            return signs
        split = np.split(signs, self._cuts)
        ranges = crown_ranges(self._layers, self._box.lower, self._box.upper, split)
        low, high = np.concatenate(ranges.low[:-1]), np.concatenate(ranges.high[:-1])
        beyond = ((signs > 0) & (high < 0)) | ((signs < 0) & (low > 0))
        if (low > high).any() or (beyond & self._bent).any():  # the sign of a linear neuron says nothing
            return None
        return (low > 0).astype(np.int8) - (high < 0).astype(np.int8)
