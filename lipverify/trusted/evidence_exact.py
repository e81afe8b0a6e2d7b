"""Reads single records of `evidence` in rational arithmetic: the same rules, for what floats cannot tell.

The inequalities are weak here, as they are in the theorems: a neuron that is nowhere positive on a full-dimensional
cell is inactive inside it, or constant and zero there, and then its slope does not matter. Proof: proofs/engine.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from flint import fmpq, fmpq_mat

from lipverify.arrays import Signs
from lipverify.rationals import Never, farkas, rational, rational_matrix, scale_rows
from lipverify.trusted.evidence import Chain, Space

_KEPT = 256  # layers of forms that are remembered


@final
class ExactReader:
    """The reader for one network on one domain."""

    def __init__(self, chain: Chain, space: Space) -> None:
        self.chain = chain
        self.space = space
        d = len(space.lower)
        unit = np.eye(d + 1)
        box = np.vstack(
            [unit[:d] - space.lower[:, None] * unit[d], space.upper[:, None] * unit[d] - unit[:d], unit[d:]]
        )
        if space.cone:
            box = unit[:d][space.lower == 0]
        rows = np.vstack([np.column_stack([space.rows, space.shifts]), box])
        self._domain: list[list[fmpq]] = [[rational(v) for v in row] for row in rows.tolist()]
        self._forms: dict[bytes, fmpq_mat] = {}

    def implied(self, signs: Signs, neuron: int, sign: int, support: Sequence[int]) -> bool:
        """Whether σ·y ≥ 0 on the closed cell for the pre-activation y of a neuron up to the front.

        `support` are rows, of the domain and then neurons, that may carry the multipliers: a hint.
        """
        chain, g = self.chain, len(self.space.rows)
        layer = int(np.searchsorted(chain.offsets, neuron, side="right")) - 1
        front = int(chain.fronts(signs[None])[0])
        if layer > front or chain.linear[neuron] or sign not in (-1, 1):
            return False
        rows, place = list(self._domain), {j: j for j in range(g)}
        for k in range(front + 1):
            first = chain.offsets[k]
            for i, row in enumerate(self._layer(signs, k).tolist()):
                s = int(signs[first + i])
                if s and not chain.linear[first + i] and any(row):
                    place[g + first + i] = len(rows)
                    rows.append(row if s > 0 else [-x for x in row])
        form = [-sign * x for x in self._layer(signs, layer).tolist()[neuron - chain.offsets[layer]]]
        answer = farkas(rows, form, [place[j] for j in support if j in place])
        if not isinstance(answer, Never):
            return False
        total = [-x for x in form]  # −form = Σ λ_i rows_i, λ ≥ 0
        for i, x in answer.multipliers.items():
            total = [t - x * r for t, r in zip(total, rows[i], strict=True)]
        return min(answer.multipliers.values(), default=fmpq(0)) >= 0 and not any(total)

    def _layer(self, signs: Signs, k: int) -> fmpq_mat:
        """The forms (a, c) of layer k's pre-activations under signs that decide all layers below."""
        chain = self.chain
        key = signs[: chain.offsets[k]].tobytes()
        found = self._forms.get(key)
        if found is None:
            bias = [rational(v) for v in chain.biases[k].tolist()]
            weight = rational_matrix(chain.weights[k])
            if k == 0:
                product = [[*row, c] for row, c in zip(weight.tolist(), bias, strict=True)]
            else:
                first = chain.offsets[k - 1]
                pairs = zip(signs[first : chain.offsets[k]].tolist(), chain.slopes[k - 1].tolist(), strict=True)
                factors = [rational(right if s > 0 else left) for s, (left, right) in pairs]
                product = (weight * scale_rows(self._layer(signs, k - 1), factors)).tolist()
                product = [[*row[:-1], row[-1] + c] for row, c in zip(product, bias, strict=True)]
            found = fmpq_mat(product)
            if len(self._forms) >= _KEPT:
                self._forms.clear()
            self._forms[key] = found
        return found
