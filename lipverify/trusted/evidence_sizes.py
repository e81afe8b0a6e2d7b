"""What no quantity of a search by layers exceeds, whatever the states, and so what its float evaluation errs by.

Every quantity is computed by sums, products and maxima of floats, so it errs by at most γ_m times the same expression
with all signs dropped, m the roundings on the longest path. Those expressions without signs do not depend on the
states: they are computed once per problem. Proof: proofs/engine.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.trusted.evidence import Block, Chain, Head, Space
from lipverify.trusted.rounding import TINY, gamma

LARGEST = 1.25
"""No entry of a matrix that turns a block is larger."""
_Ends = tuple[tuple[Matrix, Matrix], tuple[Vector, Vector]]


class Sizes(NamedTuple):
    """Bounds, over all states, of the absolute values of forms and pre-activations, and of their errors in floats.

    Attributes
    ----------
    form, form_error
        Of the coefficients of every neuron's affine form, shape (n, d).
    value, value_error
        Of its pre-activation over the box, and of what errors in its form change there, shape (n,).
    relaxed_error
        Of linear bounds of it above the front, shape (n,).
    rows
        Of the domain's rows over the box, shape (g,).
    steep
        The steeper slope of every neuron, shape (n,).
    """

    form: Matrix
    form_error: Matrix
    value: Vector
    value_error: Vector
    relaxed_error: Vector
    rows: Vector
    steep: Vector

    @classmethod
    def of(cls, chain: Chain, space: Space) -> Sizes:
        """The sizes for a network on a box."""
        with np.errstate(all="ignore"):
            return cls._of(chain, space)

    @classmethod
    def _of(cls, chain: Chain, space: Space) -> Sizes:
        reach = np.maximum(np.abs(space.lower), np.abs(space.upper))
        steep = [np.abs(s).max(axis=1) for s in chain.slopes]
        form, error = np.abs(chain.weights[0]), np.zeros_like(chain.weights[0])
        shift, shift_error = np.abs(chain.biases[0]), np.zeros_like(chain.biases[0])
        forms, errors, shifts, shift_errors = [form], [error], [shift], [shift_error]
        for k in range(1, len(chain.slopes)):
            size, n = np.abs(chain.weights[k]), chain.weights[k].shape[1]
            lost = TINY * (n + 4) * (1 + size.sum(axis=1))
            up = 1 + gamma(4 * n + 16)
            # W δ is rounded before it meets a form: what underflows there is a multiple of that form.
            magnified, magnified_shift = TINY * 2 * form.sum(axis=0), TINY * 2 * float(shift.sum())
            form, error = (size @ (steep[k - 1][:, None] * x) * up for x in (form, error))
            shift, shift_error = (size @ (steep[k - 1] * x) * up for x in (shift, shift_error))
            form = form + lost[:, None]
            shift = (shift + np.abs(chain.biases[k]) + lost) * up
            error = (error + gamma(n + 8) * form + lost[:, None] + magnified) * up
            shift_error = (shift_error + gamma(n + 8) * shift + lost + magnified_shift) * up
            for kept, new in ((forms, form), (errors, error), (shifts, shift), (shift_errors, shift_error)):
                kept.append(new)
        all_forms, all_errors = np.concatenate(forms), np.concatenate(errors)
        up, lost = 1 + gamma(4 * len(reach) + 16), TINY * (len(reach) + 4)
        value = (all_forms @ reach + np.concatenate(shifts) + lost) * up
        value_error = (all_errors @ reach + np.concatenate(shift_errors) + lost * (all_errors.any(axis=1))) * up
        depth, terms = len(chain.widths) + 2, sum(chain.widths) + len(reach)
        met = float(((1 + np.concatenate(steep)) * value).sum())  # what a coefficient that underflowed may be of
        relaxed = 4 * depth * gamma(terms + 30 * depth) * value + value_error + TINY * (terms + 8) * (1 + met)
        rows = np.abs(space.rows) @ reach + np.abs(space.shifts)
        return cls(all_forms, all_errors, value, value_error, relaxed, rows, np.concatenate(steep))


class Charges(NamedTuple):
    """What the passes of a head err by when the front is layer f, for all K of them; of a block any one of its passes.

    Attributes
    ----------
    size
        Bounds of |v| at each layer, shape (K, K, m).
    slack, more
        What its ranges err by: those of interval products, and those of passes, shape (K, K, m).
    reach, entry
        Bounds of the entries' absolute values, and what their passes err by, shape (K, D).
    error
        What any pass from the directions may err by, shape (K,).
    end
        What the functional at the other end errs by, shape (K, m).
    """

    size: Array
    slack: Array
    more: Array
    reach: Matrix
    entry: Matrix
    error: Vector
    end: Matrix

    @classmethod
    def of(cls, chain: Chain, sizes: Sizes, head: Head | Block) -> Charges:
        """The charges of a head, or of a block."""
        count = 1 if isinstance(head, Block) else len(head.directions)
        depth, top = len(chain.widths), max(chain.widths)
        size, slack, more = (np.zeros((depth, depth, top)) for _ in range(3))
        found = cls(
            size,
            slack,
            more,
            np.zeros((depth, count)),
            np.zeros((depth, count)),
            np.zeros(depth),
            np.zeros((depth, top)),
        )
        with np.errstate(all="ignore"):
            for front in range(depth):
                found._fill(front, chain, sizes, head)
        return found

    def _fill(self, front: int, chain: Chain, sizes: Sizes, head: Head | Block) -> None:
        depth, offsets = len(chain.widths), chain.offsets
        layers = list(range(front, depth)) if head.upward else list(range(depth - 1, front - 1, -1))
        rows = slice(offsets[front], offsets[front + 1])
        given = chain.weights[-1], sizes.form[rows], sizes.form_error[rows]
        ends = _ends_of_block(*given, head) if isinstance(head, Block) else _ends_of_head(*given, head)
        (start, start_error), (size, off) = ends
        size = np.nextafter(size + off, np.inf)
        self.end[front, : len(off)] = off
        steep = [sizes.steep[offsets[k] : offsets[k + 1]] for k in layers]
        total = sum(chain.widths) + 4 * len(start) + 30 * (depth + 2)
        rounding = 4 * (depth + 2) * gamma(total)
        # A coefficient that underflows behind a slope is of v itself, and before one of δv.
        lost = TINY * (total + 8) * (1 + 4 * float(((1 + steep[-1]) * size).sum()))
        self.size[front, layers[-1], : len(size)] = size
        for t in range(len(layers) - 2, -1, -1):
            link = np.abs(chain.weights[layers[t] + 1].T if head.upward else chain.weights[layers[t]])
            size = (link @ (steep[t + 1] * size)) * (1 + gamma(4 * link.shape[1] + 16))
            met = 1 + link.sum(axis=1)  # what a product of a slope that underflowed is multiplied by
            size = size + TINY * (link.shape[1] + 4) * met
            slack = rounding * size + TINY * (total + 8) * met
            n, k = len(size), layers[t]
            self.size[front, k, :n], self.slack[front, k, :n] = size, slack
            self.more[front, k, :n] = slack + lost * met
            lost = lost + TINY * (total + 8) * (1 + 4 * float(((1 + steep[t]) * size).sum()))
        reach = start @ (steep[0] * size)
        entry = rounding * reach + (start_error @ (steep[0] * size)) * (1 + rounding)
        entry = entry + lost * (1 + start.sum(axis=1))
        self.reach[front], self.entry[front] = reach, entry
        self.error[front] = float(entry.sum() * (1 + gamma(len(start) + 8)) * 2)


def _ends_of_head(last: Matrix, form: Matrix, error: Matrix, head: Head) -> _Ends:
    """Sizes and errors of the functionals that passes begin with, shape (D, n), and of v at the other end, (n,)."""
    directions = list(head.directions)
    if head.upward:
        v = np.abs(last[head.end])
        return (form[:, directions].T, error[:, directions].T), (v, np.zeros_like(v))
    start = np.abs(last[directions])
    return (start, np.zeros_like(start)), (form[:, head.end], error[:, head.end])


def _ends_of_block(last: Matrix, form: Matrix, error: Matrix, block: Block) -> _Ends:
    """The same for all combinations of rows, and of columns, with factors of at most `LARGEST`."""
    outputs, inputs = list(block.outputs), list(block.inputs)
    ends = []
    for given, off in ((np.abs(last[outputs]), np.zeros((1, last.shape[1]))), (form[:, inputs].T, error[:, inputs].T)):
        size = LARGEST * given.sum(axis=0) * (1 + gamma(2 * len(given) + 16))
        lost = TINY * (len(given) + 4) * (1 + LARGEST)
        more = (LARGEST * off.sum(axis=0) + gamma(2 * len(given) + 16) * size) * (1 + gamma(2 * len(given) + 16)) + lost
        ends.append((size, more))
    (top, top_error), (bottom, bottom_error) = ends
    if block.upward:
        return (bottom[None], bottom_error[None]), (top, top_error)
    return (top[None], top_error[None]), (bottom, bottom_error)
