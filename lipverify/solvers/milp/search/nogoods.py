"""What is closed already, as clauses over the binaries, and as rows of the program."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lipverify.solvers.milp.encode.model import INF, Model, Row
from lipverify.solvers.milp.search.regions import Assignment, Clause


class Clauses:
    """Clauses, of which many are compared with an assignment at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: list[Clause] = []
        self._table = np.zeros((256, size), dtype=np.float32)
        self._lengths = np.ones(256, dtype=np.float32)

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Clause]:
        return iter(self._known)

    def add(self, clause: Clause) -> None:
        """Remember a clause."""
        k = len(self._known)
        if k == len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
            self._lengths = np.concatenate([self._lengths, np.ones_like(self._lengths)])
        self._table[k, [s for s, _ in clause]] = [1.0 if side else -1.0 for _, side in clause]
        self._lengths[k] = len(clause)
        self._known.append(clause)

    def contradict(self, values: Assignment) -> bool:
        """Whether an assignment contains a clause."""
        signs = np.zeros(self._size, dtype=np.float32)
        signs[list(values)] = [1.0 if side else -1.0 for side in values.values()]
        k = len(self._known)
        return bool((self._table[:k] @ signs == self._lengths[:k]).any())


def clause_row(model: Model, clause: Clause) -> Row:
    """Σ over the clause of (binary if it says so, else 1 − binary) ≤ its length − 1."""
    coefficients = tuple(1.0 if side else -1.0 for _, side in clause)
    limit = sum(side for _, side in clause) - 1.0
    return Row(f"not_{len(model.rows)}", tuple(s for s, _ in clause), coefficients, -INF, limit)
