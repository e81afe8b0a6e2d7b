"""Learned circuits: linear dependencies that decide sides without another LP.

Take m independent rows B of an arrangement in R^m and write any other row as g = λB. On every cell where the
signs s of B are known and λ_j s_j > 0 for all j, g is positive; where all are < 0, negative. The coefficients' signs
do not depend on the cell, so one verified inverse of B serves every cell that the walk will ever meet
(they are circuits of the oriented matroid of the rows). Float arithmetic, rigorous: proofs/circuits.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Matrix, Signs
from lipverify.trusted.halfspaces import product_unit
from lipverify.trusted.rounding import TINY, gamma

_MEMORY = 2**20  # floats of the inverses of one block
_MOST = 512
_CARRIED = 64  # circuits of lower blocks that are tried on a new one


class Circuits:
    """Bases of rows with their inverses, and the signs of the coefficients of the rows of the top block."""

    def __init__(self, dimension: int, blocks: int) -> None:
        m = dimension
        self._m = m
        self._share = max(1, min(_MOST, _MEMORY // (m * m)))  # what one block may learn
        capacity = self._share * blocks
        self._members = np.zeros((capacity, m), dtype=np.intp)
        self._inverses = np.zeros((capacity, m, m))
        self._slack = np.zeros(capacity)
        self._known: set[tuple[int, ...]] = set()
        self._frames: list[tuple[int, set[tuple[int, ...]]]] = []
        self._tables: list[npt.NDArray[np.int8]] = []
        self._tops: list[tuple[int, Matrix, Matrix]] = []
        self.count = 0

    def push(self, first: int, rows: Matrix, radii: Matrix) -> None:
        """Enter a block whose row i has global index first + i; older circuits are applied to it at once."""
        self._frames.append((self.count, set(self._known)))
        self._tops.append((first, rows, radii))
        table = np.zeros((len(rows), self.count + self._share, self._m), dtype=np.int8)
        if self.count and len(rows):
            tried = slice(max(0, self.count - _CARRIED), self.count)
            with np.errstate(over="ignore", invalid="ignore"):  # an exact clause has infinite slack: 0 · inf
                found = _coefficient_signs(rows, radii, self._inverses[tried], self._slack[tried])
            table[:, tried] = found.swapaxes(0, 1)
        self._tables.append(table)

    def pop(self) -> None:
        """Leave the block, forgetting the circuits learned in it."""
        self.count, self._known = self._frames.pop()
        self._tops.pop()
        self._tables.pop()

    def imply(self, i: int, sign: int, signs: Signs) -> bool:
        """Whether some circuit forces `sign` on row i of the top block, given the signs of all rows."""
        k = self.count
        return bool(k and (self._tables[-1][i, :k] * signs[self._members[:k]] == sign).all(axis=1).any())

    def support(self, i: int, sign: int, signs: Signs) -> list[int]:
        """Global indices of the rows from which some circuit forces `sign` on row i; none where no circuit does."""
        k = self.count
        agreed = (self._tables[-1][i, :k] * signs[self._members[:k]] == sign).all(axis=1)
        found = np.flatnonzero(agreed)
        return list(dict.fromkeys(self._members[found[0]].tolist())) if len(found) else []

    def forced(self, signs: Signs) -> Signs:
        """The sign that some circuit forces on each row of the top block, 0 where none does, shape (n,)."""
        k = self.count
        agreed = self._tables[-1][:, :k] * signs[self._members[:k]]
        positive, negative = (agreed == 1).all(axis=2).any(axis=1), (agreed == -1).all(axis=2).any(axis=1)
        return positive.astype(np.int8) - negative.astype(np.int8)

    def learn(self, members: Sequence[int], rows: Matrix, radii: Matrix, inverse: Matrix | None = None) -> bool:
        """Add the circuits of a basis: global indices, the basis' rows, their radii and maybe their inverse, (m, m).

        Returns False, and learns nothing, when floats cannot verify that the rows are independent.
        """
        key = tuple(sorted(members))
        if key in self._known:
            return False
        if inverse is None:
            try:
                inverse = np.linalg.inv(rows).astype(np.float64, copy=False)
            except np.linalg.LinAlgError:
                return False
        size = np.abs(inverse)
        # B X = I − E; |λ − gX| ≤ ‖gX‖₁ max|E| / (1 − m max|E|).
        residual = np.abs(np.eye(self._m) - rows @ inverse) + radii @ size
        worst = float((residual + gamma(2 * self._m + 8) * (np.abs(rows) @ size + 1.0)).max())
        if not worst * self._m < 0.25:
            return False
        slot = self._slot(key, members)
        self._inverses[slot] = inverse
        self._slack[slot] = 2 * worst
        _, top, spread = self._tops[-1]
        if len(top):
            table = _coefficient_signs(top, spread, inverse[None], self._slack[slot : slot + 1])
            self._tables[-1][:, slot] = table[0]
        return True

    def learn_clause(self, i: int, members: Sequence[int], coefficients: Sequence[int]) -> None:
        """Add one exact dependency: row i of the top block is a combination of rows with these signs."""
        padded = [*members, *[members[0]] * (self._m - len(members))]
        states = [*coefficients, *[coefficients[0]] * (self._m - len(members))]
        slot = self._slot((-1 - i, *sorted(members)), padded)
        self._slack[slot] = np.inf  # decides nothing in later blocks
        self._inverses[slot] = 0.0
        self._tables[-1][:, slot] = 0
        self._tables[-1][i, slot] = states

    def _slot(self, key: tuple[int, ...], members: Sequence[int]) -> int:
        start, known = self._frames[-1]
        if self.count == start + self._share:  # full: forget what this block has learned, and no more
            self.count, self._known = start, set(known)
        slot = self.count
        self._members[slot] = members
        self._known.add(key)
        self.count += 1
        return slot


def _coefficient_signs(rows: Matrix, radii: Matrix, inverses: Array, slack: Array) -> npt.NDArray[np.int8]:
    """Proven signs of the coefficients of rows (n, m) in bases with these inverses (k, m, m): shape (k, n, m)."""
    m = rows.shape[1]
    value = rows @ inverses
    spread = (product_unit(rows) + radii) @ np.abs(inverses) * (1 + gamma(4 * m))
    error = spread + slack[:, None, None] * np.abs(value).sum(axis=2, keepdims=True) + TINY
    finite = np.abs(value) < np.inf
    return ((value > error) & finite).astype(np.int8) - ((value < -error) & finite).astype(np.int8)
