"""Cells of partial activation patterns, visited in any order: exactly which of them are full-dimensional.

A partial pattern decides some neurons of some layers. Its cell is cut out by the decided neurons of the first
layers, up to and including the first one that is not decided throughout; what is decided above it waits until the
layers below are complete, since only then its pre-activations are affine on the cell. Each row enters on one
side of a full-dimensional cell, and `geometry.cone` says exactly whether that side exists. A cell is a value: the
stack of rows inside the cone is brought to whichever cell is asked about. Proof: proofs/cells.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from flint import fmpq

from lipverify.arrays import Bools, Indices, Pattern, Point, Signs
from lipverify.domain import Domain
from lipverify.geometry.affine import LayerForms
from lipverify.geometry.cone import Cone, Inside
from lipverify.geometry.frame import Frame
from lipverify.network import Network

_SAMPLES = 256
_KEPT = 64  # interior points carried along; each saves the LPs of the rows on whose sides it lies


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """One layer's pre-activations on a cell on which all layers below are decided.

    Attributes
    ----------
    forms
        The affine forms, valid on the cell.
    states
        The states of the neurons that need no decision there, shape (n_k,).
    rows
        Those that do, increasing, shape (r,).
    first
        The number of neurons in the layers below.
    """

    forms: LayerForms
    states: Bools
    rows: Indices
    first: int


@dataclass(frozen=True, eq=False, slots=True)
class Cell:
    """A full-dimensional cell, with points inside it.

    Attributes
    ----------
    layers
        The layers whose forms are known on it, the last of them not decided throughout (unless the cell is a region).
    signs, enforced
        Per layer and row the sign on the cell, 0 where it changes or is not known, and the signs that cut it out.
    inside
        Interior points in the frame of `Cells`.
    """

    layers: tuple[Layer, ...]
    signs: tuple[Signs, ...]
    enforced: tuple[Signs, ...]
    inside: Inside

    @property
    def top(self) -> Layer | None:
        """The layer at which rows are being decided; None for a network without hidden neurons."""
        return self.layers[-1] if self.layers else None

    @property
    def undecided(self) -> Indices:
        """Neurons of the top layer whose sign is not known, counted over the whole network."""
        if self.top is None:
            return np.zeros(0, dtype=np.intp)
        return self.top.first + self.top.rows[self.signs[-1] == 0]

    @property
    def complete(self) -> bool:
        """Whether every row of the top layer has a sign."""
        return not self.signs or bool(self.signs[-1].all())


@dataclass(frozen=True, slots=True)
class Ruling:
    """A neuron has one sign on the whole cell of the signs decided so far, and why.

    Attributes
    ----------
    neuron, sign
        Counted over the whole network; +1 or −1.
    carriers
        Of which rows, named as there, floats have seen that they carry the multipliers; None names one that is constant
        and positive. Empty where they have not.
    multipliers
        λ > 0 with sign·row = Σ λ_j s_j row_j + λ₀, λ₀ ≥ 0, by neuron j, or by −1 − j for the domain's half-space j;
        every row as the affine form that it is. Found when asked for, which must be before `Cells` is asked for another
        cell. None where the neuron is constant.
    """

    neuron: int
    sign: int
    carriers: tuple[int | None, ...]
    multipliers: Callable[[], dict[int, fmpq]] | None


@final
class Cells:
    """The cells of one network on one domain: mutable, one per search; counts its linear programs.

    Parameters
    ----------
    trail
        Where to leave a ruling, with exact multipliers, for every sign that `restrict` finds to follow: the last one
        contradicts the signs asked for where no region has them. None for no evidence, which is faster.
    """

    def __init__(self, net: Network, domain: Domain, seed: int = 0, trail: list[Ruling] | None = None) -> None:
        self._trail = trail
        self._net = net
        self._domain = domain
        self._seed = seed
        self._frame = Frame.of(net, domain)
        self._cone = Cone(domain, self._frame, len(net.slopes))
        self._stack: list[tuple[Layer, slice]] = []
        halfspaces = domain.rows(net.input_dim)
        facets = np.flatnonzero(self._frame.restrict(halfspaces).any(axis=1))
        # t ≥ 0, and what says no more than that (0·x ≤ 1), is the constant that a ruling leaves over.
        named = [-1 - int(j) if halfspaces[j, :-1].any() else None for j in facets]
        self._names: list[int | None] = [*([None] if self._frame.has_t else []), *named]  # of the cone's rows

    @property
    def lps(self) -> int:
        """How many linear programs were solved."""
        return self._cone.lps

    @property
    def settled(self) -> int:
        """How many questions needed rational arithmetic."""
        return self._cone.settled

    def compile(self) -> None:
        """Load compiled code for the LPs; worth a second once thousands of them are to come."""
        self._cone.compile()

    def root(self) -> Cell:
        """The domain itself, with no neuron decided."""
        rng = np.random.default_rng(self._seed)
        samples = self._frame.samples(self._domain, _SAMPLES, rng)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            inside = self._cone.start(samples)
        return Cell((), (), (), Inside(inside.floats[:_KEPT], inside.exact))

    def restrict(self, cell: Cell, signs: Signs) -> tuple[Cell, Signs] | None:
        """The part of a cell on which neurons have the given signs, and the signs that follow.

        Parameters
        ----------
        cell
            A cell of some of these signs.
        signs
            Per neuron of the network +1, −1, or 0 for undecided; neurons with equal slopes are +1.

        Returns
        -------
        cell, signs
            The cell, and the signs with those added that hold on all of it; None when, proven, no
            full-dimensional region of the cell has these signs.
        """
        signs = signs.copy()
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            found: Cell | None = cell
            if not cell.layers and self._net.slopes:
                found = self._open(cell, LayerForms.first(self._net), 0, signs)
            while found is not None and found.layers:
                found = self._enter(found, signs)
                if found is None or not found.complete or len(found.layers) == len(self._net.slopes):
                    break
                top = found.layers[-1]
                states = top.states.copy()
                states[top.rows] = found.signs[-1] > 0
                found = self._open(found, top.forms.above(states), top.first + len(states), signs)
        return None if found is None else (found, signs)

    def is_region(self, cell: Cell) -> bool:
        """Whether every neuron is decided on the cell."""
        return len(cell.layers) == len(self._net.slopes) and cell.complete

    def pattern(self, cell: Cell) -> Pattern:
        """The activation pattern of a region."""
        found = []
        for layer, signs in zip(cell.layers, cell.signs, strict=True):
            states = layer.states.copy()
            states[layer.rows] = signs > 0
            found.append(tuple(states.tolist()))
        return tuple(found)

    def point(self, cell: Cell) -> Point:
        """A rational point in the cell's interior."""
        return self._frame.point(cell.inside.rational())

    def _open(self, cell: Cell, forms: LayerForms, first: int, signs: Signs) -> Cell | None:
        """The cell with one layer more; its constant neurons are decided, against `signs` if that is how it is."""
        states, rows = forms.classified()
        slopes = self._net.slopes[forms.k]
        layer = slice(first, first + len(states))
        fixed = np.ones(len(states), dtype=bool)
        fixed[rows] = False
        fixed &= slopes[:, 0] != slopes[:, 1]
        value = np.where(states, 1, -1).astype(np.int8)
        # A constant neuron is active iff it is positive; no region has it otherwise.
        against = np.flatnonzero(fixed & (signs[layer] != 0) & (signs[layer] != value))
        if len(against):
            if self._trail is not None:
                self._trail.append(Ruling(first + int(against[0]), int(value[against[0]]), (), None))
            return None
        signs[layer] = np.where(fixed, value, signs[layer])
        blank = np.zeros(len(rows), dtype=np.int8)
        return Cell(
            (*cell.layers, Layer(forms, states, rows, first)),
            (*cell.signs, blank),
            (*cell.enforced, blank),
            cell.inside,
        )

    def _enter(self, cell: Cell, signs: Signs) -> Cell | None:
        """The cell cut by the decided rows of its top layer, one after the other; None when nothing is left."""
        top = cell.layers[-1]
        wanted = signs[top.first + top.rows]
        fresh = ((wanted != 0) & (cell.signs[-1] == 0)).nonzero()[0]
        if not len(fresh):
            return cell
        where = self._visit(cell)
        cone = self._cone
        known, enforced, inside = cell.signs[-1].copy(), cell.enforced[-1].copy(), cell.inside
        at = cone.signs_at(inside.floats)
        agree = (at[:, fresh] == wanted[fresh]).all(axis=1)
        if agree.any():  # some point shows that every side is there
            inside = Inside(inside.floats[agree])
            index = where.start + fresh
            known[fresh] = enforced[fresh] = cone.signs[index] = cone.enforced[index] = wanted[fresh]
            fresh = fresh[:0]
        for i in fresh.tolist():
            side, index = int(wanted[i]), where.start + i
            here = at[:, i].tolist()  # a few numbers, faster to compare as such
            if side in here:
                if len(here) > 1 and not all(sign == side for sign in here):
                    kept = at[:, i] == side
                    inside, at = Inside(inside.floats[kept]), at[kept]
            else:
                beyond = self._across(i, side, inside, here)
                if beyond is None:
                    self._rule(top, i, -side)
                    return None
                if beyond is not inside:
                    inside, at = beyond, cone.signs_at(beyond.floats)
            known[i] = enforced[i] = cone.signs[index] = cone.enforced[index] = side
        forced = cone.forced()
        gained = ((known == 0) & (forced != 0)).nonzero()[0]
        for i in gained.tolist():
            self._rule(top, i, int(forced[i]))
        known[gained] = signs[top.first + top.rows[gained]] = forced[gained]
        return Cell(cell.layers, (*cell.signs[:-1], known), (*cell.enforced[:-1], enforced), inside)

    def _across(self, i: int, side: int, inside: Inside, here: list[int]) -> Inside | None:
        """Interior points on one side of row i when no point is known there; None when, proven, there are none."""
        cone = self._cone
        if -side in here:
            if cone.implied(i, -side):
                return None
            first = here.index(-side)
            return cone.beyond(i, -side, Inside(inside.floats[first : first + 1]))
        exact = inside.rational()
        known = cone.exact_sign(i, exact)
        if known == 0:
            return cone.both_sides(i, exact)[side > 0]
        first = inside if len(here) <= 1 else Inside(inside.floats[:1])  # of the others no sign is known
        return first if known == side else cone.beyond(i, known, first)

    def _rule(self, top: Layer, i: int, sign: int) -> None:
        """Leave the evidence for a sign that follows, if it is wanted."""
        if self._trail is None:
            return
        members = self._cone.carrying(i, sign)
        carriers = tuple(self._names[j] for j in members)
        evidence = self._cone.multipliers(i, sign, members)

        def named() -> dict[int, fmpq]:
            by_name = ((self._names[j], x) for j, x in evidence().items())
            return {name: x for name, x in by_name if name is not None}

        self._trail.append(Ruling(top.first + int(top.rows[i]), sign, carriers, named))

    def _visit(self, cell: Cell) -> slice:
        """Bring the cone to a cell; returns the indices of the top layer's rows."""
        cone, frame = self._cone, self._frame
        shared = 0
        for (layer, _), wanted in zip(self._stack, cell.layers, strict=False):
            if layer is not wanted:
                break
            shared += 1
        while len(self._stack) > shared:
            layer, _ = self._stack.pop()
            del self._names[len(self._names) - len(layer.rows) :]
            cone.pop()
        for depth, (_, where) in enumerate(self._stack):
            cone.signs[where], cone.enforced[where] = cell.signs[depth], cell.enforced[depth]
        for depth in range(shared, len(cell.layers)):
            layer = cell.layers[depth]
            forms, rows = layer.forms, layer.rows
            where = cone.push(
                frame.restrict(forms.ball.mid[rows]),
                frame.restrict(forms.ball.rad[rows]),
                lambda forms=forms, rows=rows: frame.restrict_exact(forms.exact, rows),
            )
            cone.signs[where], cone.enforced[where] = cell.signs[depth], cell.enforced[depth]
            self._stack.append((layer, where))
            self._names += (layer.first + rows).tolist()
        return self._stack[-1][1]
