"""Which neuron to decide next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from lipverify.arrays import Indices, Signs, Vector

_MOST = 2.0**900  # of a score that counts: overflow promises no more


class BranchingRule(Protocol):
    """A choice among the undecided neurons of a node."""

    def choose(self, scores: Vector, signs: Signs, ready: Indices) -> int:
        """A neuron with sign 0.

        Parameters
        ----------
        scores
            What the node's bound promises of each neuron, shape (n,).
        signs
            The node's signs, shape (n,).
        ready
            The undecided neurons whose sides can be checked for feasibility at once: those of the first layer that is
            not decided throughout. Never empty.
        """
        ...


@final
@dataclass(frozen=True)
class BestScore:
    """The neuron of the greatest score, with a preference for those whose feasibility is checked at once.

    Attributes
    ----------
    ready
        What the scores of ready neurons are multiplied by. `lipverify bench exact --only branching` measures what it
        does: more is better on some networks (wine 11-24-24-1), less on others (bike 13-20-16-8-3).
    """

    ready: float = 3.0

    def choose(self, scores: Vector, signs: Signs, ready: Indices) -> int:
        """The first of the greatest."""
        weighted = np.where(signs == 0, np.minimum(np.nan_to_num(scores, nan=0.0), _MOST), -1.0)
        weighted[ready] *= self.ready
        best = int(np.argmax(weighted))
        # Where nothing promises anything, a ready neuron at least cuts the cell.
        return best if weighted[best] > 0 else int(ready[0])
