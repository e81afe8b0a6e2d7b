"""Walk through the full-dimensional activation regions of a problem, depth first.

Neurons are inserted layer by layer; on the open cell so far the next pre-activation is an affine form. If it
is constant its neuron is decided and adds no constraint; if not, each side that meets the cell's interior
is followed (`geometry.cone` answers exactly). Cost grows with the regions, and memory with the depth of the
network times its width: nothing is kept of a region that was left. Proof: proofs/walk.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Pattern, Point, Signs
from lipverify.domain import Domain
from lipverify.geometry.affine import LayerForms
from lipverify.geometry.cone import Cone, Inside
from lipverify.geometry.frame import Frame
from lipverify.network import Network
from lipverify.rationals import fraction, rational
from lipverify.watch import tick

_GLANCE, _PATIENCE = 4, 0.05  # rows between two looks at the clock, seconds between two signs of life
_SAMPLES = 256  # points to begin with: each region that one of them hits is found without an LP


@dataclass(frozen=True, slots=True)
class Leaf:
    """A region: the states of all hidden neurons, concatenated, and interior points in the walk's frame."""

    states: Bools
    inside: Inside
    frame: Frame
    net: Network

    @property
    def pattern(self) -> Pattern:
        """The activation pattern, one tuple per hidden layer."""
        layers = np.split(self.states, np.cumsum(self.net.hidden)[:-1]) if self.net.hidden else []
        return tuple(tuple(layer.tolist()) for layer in layers)

    @property
    def point(self) -> Point:
        """A rational point in the region's interior."""
        return self.frame.point(self.inside.rational())


@dataclass(slots=True)
class _Cell:
    """A cell of the current block: how far its rows are decided, and points inside it.

    It owns its arrays: they are filled in place, and copied for a sibling.
    """

    row: int
    signs: Signs
    enforced: Signs
    inside: Inside
    at: Signs  # signs of the block's rows at inside.floats, shape (k, n)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a walk: the cell that the first rows of the first block cut out, with points inside it.

    Attributes
    ----------
    signs, enforced
        Per row that is decided, shape (rows,).
    floats, exact
        Interior points in the walk's frame, or a rational one as strings: what travels to other processes.
    """

    signs: Signs
    enforced: Signs
    floats: Array
    exact: tuple[str, ...] | None = None

    @property
    def inside(self) -> Inside:
        """The points."""
        return Inside(self.floats, None if self.exact is None else tuple(map(rational, map(Fraction, self.exact))))


@dataclass
class Walk:
    """The walk itself; iterate over `leaves()`.

    Attributes
    ----------
    net, domain, seed
        The problem, and the seed of the starting points (it changes the order of the regions, nothing else).
    part
        The part of it that is wanted, one of `parts()`; None for the whole.
    """

    net: Network
    domain: Domain
    seed: int = 0
    part: Part | None = None
    frame: Frame = field(init=False)
    cone: Cone = field(init=False)

    def __post_init__(self) -> None:
        self.frame = Frame.of(self.net, self.domain)
        self.cone = Cone(self.domain, self.frame, len(self.net.slopes))

    def leaves(self) -> Iterator[Leaf]:
        """Every full-dimensional activation region, once."""
        return (leaf for leaf in self.steps() if leaf is not None)

    def steps(self) -> Iterator[Leaf | None]:
        """The same, with None now and then while nothing is found: a chance to look at the clock."""
        yield from self._layer(LayerForms.first(self.net), self._start() if self.part is None else self.part.inside, ())

    def parts(self, least: int) -> list[Part]:
        """Parts that have every region once between them: so many, or as many as the first block cuts out.

        For a walk on which nobody has set out.
        """
        forms, inside = LayerForms.first(self.net), self._start()
        variable = np.zeros(0, dtype=np.intp)
        while forms.k < len(self.net.slopes):
            states, variable = forms.classified()
            if len(variable):
                break
            forms = forms.above(states)
        where = self._push(forms, variable) if len(variable) else slice(0, 0)
        cells, n = [self._blank(inside, len(variable))], 0
        while n < len(variable) and len(cells) < least:
            cells = [found for cell in cells for found in self._cut(n, where, cell)]
            n += 1
        if len(variable):
            self.cone.pop()
        return [_part(cell, n) for cell in cells]

    def _cut(self, i: int, where: slice, cell: _Cell) -> list[_Cell]:
        """A cell cut by row i: both sides of it, or itself."""
        self.cone.signs[where], self.cone.enforced[where] = cell.signs, cell.enforced
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            sibling = self._insert(i, where.start + i, cell)
        tick()
        return [cell] if sibling is None else [cell, sibling]

    def _start(self) -> Inside:
        """Points inside the domain."""
        samples = self.frame.samples(self.domain, _SAMPLES, np.random.default_rng(self.seed))
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return self.cone.start(samples)

    def _push(self, forms: LayerForms, variable: Indices) -> slice:
        """Add the rows of a layer's neurons that bend."""
        return self.cone.push(
            self.frame.restrict(forms.ball.mid[variable]),
            self.frame.restrict(forms.ball.rad[variable]),
            lambda: self.frame.restrict_exact(forms.exact, variable),
        )

    def _layer(self, forms: LayerForms, inside: Inside, below: tuple[Bools, ...]) -> Iterator[Leaf | None]:
        if forms.k == len(self.net.slopes):
            states = np.concatenate(below) if below else np.zeros(0, dtype=bool)
            yield Leaf(states, inside, self.frame, self.net)
            return
        states, variable = forms.classified()
        if not len(variable):
            yield from self._layer(forms.above(states), inside, (*below, states))
            return
        first = self.cone.blocks == 1
        where = self._push(forms, variable)
        last = forms.k + 1 == len(self.net.slopes)
        part = self.part if first else None
        for cell in self._cells(where, inside, part):
            if cell is None:
                yield None
                continue
            found = states.copy()
            found[variable] = cell.signs > 0
            if last:
                yield Leaf(np.concatenate([*below, found]), cell.inside, self.frame, self.net)
            else:
                yield from self._layer(forms.above(found), cell.inside, (*below, found))
        self.cone.pop()

    def _blank(self, inside: Inside, n: int) -> _Cell:
        """A cell on which none of the n rows of the top block is decided."""
        signs = np.zeros(n, dtype=np.int8)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return _Cell(0, signs, signs.copy(), inside, self.cone.signs_at(inside.floats))

    def _cells(self, where: slice, inside: Inside, part: Part | None) -> Iterator[_Cell | None]:
        """The cells into which one block of rows cuts the current cell, and None after slow decisions."""
        cone = self.cone
        stack = [self._blank(inside, where.stop - where.start)]
        if part is not None:
            stack[0].row = len(part.signs)
            stack[0].signs[: len(part.signs)], stack[0].enforced[: len(part.signs)] = part.signs, part.enforced
        while stack:
            cell = stack.pop()
            # Arrays of the cone are replaced by pushes and pops, so they are addressed afresh every time.
            cone.signs[where], cone.enforced[where] = cell.signs, cell.enforced
            while not self._decide(cell, where, stack):
                yield None
            yield cell

    def _decide(self, cell: _Cell, where: slice, stack: list[_Cell]) -> bool:
        """Decide a cell's rows, stacking what is split off, until all are decided or patience runs out."""
        begun = time.monotonic()
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            for i in range(cell.row, where.stop - where.start):
                sibling = self._insert(i, where.start + i, cell)
                if sibling is not None:
                    stack.append(sibling)
                if i % _GLANCE == _GLANCE - 1 and time.monotonic() - begun > _PATIENCE:
                    cell.row = i + 1
                    return False
        return True

    def _insert(self, i: int, index: int, cell: _Cell) -> _Cell | None:
        """Decide row i on a cell: the cell keeps one side; the other, if it exists, comes back as a cell."""
        cone = self.cone
        at, start = cell.at, cell.inside
        if len(at) == 1:  # by far the most frequent case
            known = int(at[0, i])
        else:
            positive, negative = at[:, i] > 0, at[:, i] < 0
            known = int(positive.any()) - int(negative.any())
            if known == 0 and positive.any():
                return self._split(i, index, cell, positive, negative)
            here = at[:, i] == known if known else np.arange(len(at)) == 0  # points beyond floats may be anywhere
            if not here.all():
                start = Inside(cell.inside.floats[here])
        if known == 0:
            exact = cell.inside.rational()
            known = cone.exact_sign(i, exact)
            if known == 0:
                left, right = cone.both_sides(i, exact)
                sibling = self._sibling(i, cell, 1, right)
                self._keep(i, index, cell, -1, left)
                return sibling
        beyond = None if cone.implied(i, known) else cone.beyond(i, known, start)
        if beyond is None:
            cell.signs[i] = cone.signs[index] = known
            return None
        sibling = self._sibling(i, cell, -known, beyond)
        self._keep(i, index, cell, known, None if start is cell.inside else start)
        return sibling

    def _split(self, i: int, index: int, cell: _Cell, positive: Bools, negative: Bools) -> _Cell:
        """Both sides are known from points: distribute the points."""
        floats, at = cell.inside.floats, cell.at
        sibling = _branch(cell, i, 1, Inside(floats[positive]), at[positive])
        cell.inside, cell.at = Inside(floats[negative]), at[negative]
        self._keep(i, index, cell, -1, None)
        return sibling

    def _sibling(self, i: int, cell: _Cell, side: int, inside: Inside) -> _Cell:
        return _branch(cell, i, side, inside, self.cone.signs_at(inside.floats))

    def _keep(self, i: int, index: int, cell: _Cell, side: int, inside: Inside | None) -> None:
        """Cut the cell down to one side of row i."""
        cell.signs[i] = cell.enforced[i] = side
        self.cone.signs[index] = self.cone.enforced[index] = side
        if inside is not None:
            cell.inside, cell.at = inside, self.cone.signs_at(inside.floats)


def _part(cell: _Cell, rows: int) -> Part:
    """A cell of which so many rows are decided, as it travels."""
    exact = cell.inside.exact
    told = None if exact is None else tuple(str(fraction(value)) for value in exact)
    return Part(cell.signs[:rows], cell.enforced[:rows], cell.inside.floats, told)


def _branch(cell: _Cell, i: int, side: int, inside: Inside, at: Signs) -> _Cell:
    """The cell on one side of row i, with the rows before it decided alike."""
    signs, enforced = cell.signs.copy(), cell.enforced.copy()
    signs[i] = enforced[i] = side
    return _Cell(i + 1, signs, enforced, inside, at)
