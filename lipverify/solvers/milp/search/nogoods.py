"""What is closed already, as nogoods over the binaries, and as rows of the program."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lipverify.solvers.milp.encode.model import INF, Model, Row
from lipverify.solvers.milp.search.regions import Assignment, Nogood


class Nogoods:
    """Nogoods, of which many are compared with an assignment at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: list[Nogood] = []
        self._table = np.zeros((256, size), dtype=np.float32)
        self._lengths = np.ones(256, dtype=np.float32)

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Nogood]:
        return iter(self._known)

    def add(self, nogood: Nogood) -> None:
        """Remember a nogood."""
        k = len(self._known)
        if k == len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
            self._lengths = np.concatenate([self._lengths, np.ones_like(self._lengths)])
        self._table[k, [s for s, _ in nogood]] = [1.0 if side else -1.0 for _, side in nogood]
        self._lengths[k] = len(nogood)
        self._known.append(nogood)

    def contradict(self, values: Assignment) -> bool:
        """Whether an assignment contains a nogood."""
        signs = np.zeros(self._size, dtype=np.float32)
        signs[list(values)] = [1.0 if side else -1.0 for side in values.values()]
        k = len(self._known)
        return bool((self._table[:k] @ signs == self._lengths[:k]).any())


def nogood_row(model: Model, nogood: Nogood) -> Row:
    """Σ over the nogood of (binary if it says so, else 1 − binary) ≤ its length − 1."""
    coefficients = tuple(1.0 if side else -1.0 for _, side in nogood)
    limit = sum(side for _, side in nogood) - 1.0
    return Row(f"not_{len(model.rows)}", tuple(s for s, _ in nogood), coefficients, -INF, limit)
