"""Check a proof that lower ≤ L ≤ upper for the Lipschitz constant L of a network. Stand-alone; the format: FORMAT.md.

    python -I checker.py NETWORK.json CERTIFICATE --p 2 --lower 1.999 --upper 2 [--box LO:HI | --ball X:R | ...]

Network, domain, norms and claim come from the arguments; the certificate only brings evidence. Everything is
integer arithmetic: there is no float, no tolerance and no plug-in here, and only the standard library is needed
(python-flint multiplies large matrices faster where it is installed; the verdicts are the same). Exit status 0 and one
line `VERIFIED ...`, or 1 and the rule and the place that do not hold, or 2 for arguments that say nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import operator
import re
import sys
import zlib
from fractions import Fraction
from math import gcd, isqrt, lcm
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeAlias

fmpz_mat: Any
try:
    from flint import fmpz_mat
except ImportError:  # pragma: no cover (which branch runs depends on the machine; a test runs both)
    fmpz_mat = None

Row: TypeAlias = list[int]
Matrix: TypeAlias = list[Row]

MOST_BYTES = 1 << 30  # of a file, unpacked
MOST_NEURONS = 1 << 14
MOST_ENTRIES = 1 << 24  # of the network's matrices together
MOST_SIGNS = 16  # of an enumeration of sign vectors
MOST_ELIMINATED = 200  # rows of a matrix on which exact elimination is tried
PRECISION = 128  # bits behind the point of a Cholesky factor


class Refused(Exception):
    """What does not hold, and where."""


def ensure(condition: bool, *message: object) -> None:
    """The one primitive: everything that is checked passes through here."""
    if not condition:
        raise Refused(" ".join(map(str, message)))


# Numbers and files -----------------------------------------------------------------------------------

_HEX = re.compile(r"([+-]?)0x([0-9a-f]{1,40})(?:\.([0-9a-f]{1,40}))?p([+-]?[0-9]{1,5})", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:e[+-]?[0-9]{1,4})?", re.IGNORECASE)
_FRACTION = re.compile(r"[+-]?[0-9]{1,4000}(?:/0*[1-9][0-9]{0,3999})?")


def number(text: object, where: str) -> Fraction:
    """The rational number that a string writes as a decimal, a fraction or a hexadecimal float."""
    string = text if isinstance(text, str) else ""
    if _FRACTION.fullmatch(string) or _DECIMAL.fullmatch(string):
        return Fraction(string)
    found = _HEX.fullmatch(string)
    if found is None:
        raise Refused(f"{where}: {text!r:.60} is no string with a decimal, a fraction or a hexadecimal float")
    sign, whole, part, exponent = found.groups(default="")
    size = Fraction(int(whole + part, 16), 16 ** len(part)) * Fraction(2) ** int(exponent)
    return -size if sign == "-" else size


def read_json(path: str) -> Any:
    """A JSON file, plain or gzip, without floats, constants or doubled keys."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if data[:2] == b"\x1f\x8b":
            unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
            data = unpack.decompress(data, MOST_BYTES + 1)
            ensure(len(data) > MOST_BYTES or (unpack.eof and not unpack.unused_data), f"{path}: a damaged gzip file")
        ensure(len(data) <= MOST_BYTES, f"{path}: more than {MOST_BYTES} bytes")
        return json.loads(
            data.decode("utf-8"), parse_float=_refuse_number, parse_constant=_refuse_number, object_pairs_hook=_unique
        )
    except (OSError, ValueError, RecursionError, zlib.error) as error:
        raise Refused(f"{path}: not readable as JSON: {error}") from error


def _refuse_number(text: str) -> NoReturn:
    raise Refused(f"the number {text:.40}: numbers are integers, or strings")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    ensure(len(found) == len(pairs), "a key of a JSON object stands twice")
    return found


def listed(value: Any, where: str, length: int | None = None) -> list[Any]:
    """A JSON array, of a length if one is given."""
    ensure(
        isinstance(value, list) and length in (None, len(value)), where, "is no array of", length or "some", "values"
    )
    found: list[Any] = value
    return found


def integer(value: Any, where: str, low: int, high: int) -> int:
    """A JSON integer, low ≤ value < high."""
    good = isinstance(value, int) and not isinstance(value, bool) and low <= value < high
    ensure(good, where, "is no integer, or out of range")
    return int(value)


def fields(value: Any, names: tuple[str, ...], where: str) -> list[Any]:
    """The values of a JSON object with exactly these keys."""
    ensure(isinstance(value, dict) and value.keys() == set(names), f"{where}: expected the keys {', '.join(names)}")
    return [value[name] for name in names]


def vector(value: Any, where: str, length: int) -> list[Fraction]:
    """An array of numbers."""
    return [number(x, where) for x in listed(value, where, length)]


def table(value: Any, where: str, rows: int | None, columns: int | None) -> list[list[Fraction]]:
    """A matrix that is not empty; None stands for any size."""
    found = listed(value, where, rows)
    width = columns if columns is not None else len(listed(found[0], where)) if found else 0
    ensure(len(found) > 0 and width > 0, where, "is empty")
    return [vector(row, where, width) for row in found]


def common(rows: list[list[Fraction]]) -> tuple[Matrix, int]:
    """Integers and one positive denominator for all of them."""
    below = lcm(*(x.denominator for row in rows for x in row))
    return [[x.numerator * (below // x.denominator) for x in row] for row in rows], below


# Network and domain ----------------------------------------------------------------------------------


class Layer(NamedTuple):
    """W, b, and the two slopes of the neurons behind it (none after the last), as integers over denominators."""

    weight: Matrix
    weight_below: int
    bias: Row
    bias_below: int
    slopes: Matrix
    slopes_below: int


class Network(NamedTuple):
    """The layers; inputs; and for every hidden neuron its layer and its place there."""

    layers: list[Layer]
    inputs: int
    first: Row
    place: list[tuple[int, int]]


def network(record: Any) -> Network:
    """The network in lipverify's JSON format."""
    names = ("format", "version", "lowering", "source", "weights", "biases", "slopes")
    kind, version, _, _, weights, biases, slopes = fields(record, names, "network")
    ensure(kind == "lipverify-network" and version == 1, "network: not of a known format")
    depth = len(listed(weights, "weights"))
    ensure(depth >= 1, "network: no layer")
    ends = zip(listed(biases, "biases", depth), [*listed(slopes, "slopes", depth - 1), None], strict=True)
    layers: list[Layer] = []
    width: int | None = None
    for k, (bias, pairs) in enumerate(ends):
        weight = table(weights[k], f"weights[{k}]", None, width)
        width = len(weight)
        (row,), bias_below = common([vector(bias, f"biases[{k}]", width)])
        values = table(pairs, f"slopes[{k}]", width, 2) if k + 1 < depth else []
        layers.append(Layer(*common(weight), row, bias_below, *common(values)))
    place = [(k, i) for k, layer in enumerate(layers[:-1]) for i in range(len(layer.weight))]
    ensure(len(place) <= MOST_NEURONS, f"network: more than {MOST_NEURONS} neurons")
    ensure(sum(len(x.weight) * len(x.weight[0]) for x in layers) <= MOST_ENTRIES, "network: too large")
    first = list(itertools.accumulate((len(layer.weight) for layer in layers[:-1]), initial=0))
    return Network(layers, len(layers[0].weight[0]), first, place)


class Domain(NamedTuple):
    """{x : every facet (a, c) has a·x + c > 0}, and ‖x − centre‖₂ < radius where there is a ball; all rational."""

    facets: list[tuple[Row, int]]  # integers over a positive denominator
    ball: tuple[list[Fraction], Fraction] | None
    open: bool  # whether its interior is not empty, as far as its description shows


def box(lower: list[Fraction], upper: list[Fraction]) -> Domain:
    """The box; facets x − lower, then upper − x."""
    d = len(lower)
    ensure(all(a < b for a, b in zip(lower, upper, strict=True)), "the box has no interior")
    unit = [[Fraction(int(i == j)) for j in range(d)] for i in range(d)]
    below = [[*row, -a] for row, a in zip(unit, lower, strict=True)]
    above = [[*(-x for x in row), b] for row, b in zip(unit, upper, strict=True)]
    return Domain([_integral(row) for row in (*below, *above)], None, True)


def polytope(A: list[list[Fraction]], b: list[Fraction]) -> Domain:
    """{x : A x ≤ b}; facet j is b_j − A_j x."""
    return Domain([_integral([*(-x for x in row), c]) for row, c in zip(A, b, strict=True)], None, not A)


def _integral(row: list[Fraction]) -> tuple[Row, int]:
    (integers,), below = common([row])
    return integers, below


# Norms -----------------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """(p, q) with 0 for ∞, and the side to be shown as a non-negative rational."""

    p: int
    q: int
    value: Fraction

    def holds(self, J: Matrix, below: int, side: int) -> bool:
        """Whether side·(value − ‖J / below‖_{p→q}) ≥ 0, J of integers."""
        p, q = self.p, self.q
        if len(J) == 1:
            q = 0
        elif len(J[0]) == 1:
            p = 1
        limit, scale = (self.value * below).numerator ** 2, (self.value * below).denominator ** 2
        if (p, q) == (2, 2):
            J = J if len(J) <= len(J[0]) else transposed(J)
            gram = product(J, transposed(J))
            Z = [[limit * (i == j) - scale * x for j, x in enumerate(row)] for i, row in enumerate(gram)]
            return semidefinite(Z) if side > 0 else not definite(Z)
        return side * (limit - scale * _norm_square(J, p, q)) >= 0


def _norm_square(J: Matrix, p: int, q: int) -> int:
    """‖J‖² for every pair but 2→2: by columns, by rows, or over sign vectors."""
    if p == 1:
        return max(_vector_square(column, q) for column in transposed(J))
    if q == 0:
        return max(_vector_square(row, {0: 1, 2: 2}[p]) for row in J)
    if p == 2 or (q == 1 and len(J) < len(J[0])):
        J, p, q = transposed(J), 0, 2 if p == 2 else 1
    ensure(len(J[0]) <= MOST_SIGNS, f"this norm is NP-hard and the matrix has more than {MOST_SIGNS} columns")
    signs = itertools.product((1, -1), repeat=len(J[0]) - 1)
    return max(_vector_square([_dot(row, (1, *s)) for row in J], q) for s in signs)


def _vector_square(x: Row, q: int) -> int:
    if q == 2:
        return sum(v * v for v in x)
    size = (sum if q == 1 else max)(abs(v) for v in x)
    return size * size


# Matrices of integers --------------------------------------------------------------------------------


def transposed(A: Matrix) -> Matrix:
    """Aᵀ."""
    return [list(column) for column in zip(*A, strict=True)]


def _dot(a: Any, b: Any) -> int:
    return sum(map(operator.mul, a, b))


def product(A: Matrix, B: Matrix) -> Matrix:
    """A B."""
    if fmpz_mat is not None and len(A) * len(B) > 64:
        return [[int(x) for x in row] for row in (fmpz_mat(A) * fmpz_mat(B)).tolist()]
    columns = transposed(B)
    return [[_dot(row, column) for column in columns] for row in A]


def semidefinite(Z: Matrix) -> bool:
    """Whether a symmetric Z ⪰ 0 is shown: by a Cholesky factor and a dominant remainder, or by exact elimination."""
    kept = [i for i, row in enumerate(Z) if any(row)]
    Z = [[Z[i][j] for j in kept] for i in kept]
    if any(Z[i][i] <= 0 for i in range(len(Z))):
        return False  # a zero on the diagonal needs a zero row, and zero rows are gone
    return _factored(Z) or (len(Z) <= MOST_ELIMINATED and _pivots(Z, strict=False))


def definite(Z: Matrix) -> bool:
    """Whether a symmetric Z ≻ 0, decided exactly."""
    ensure(len(Z) <= MOST_ELIMINATED, f"a matrix of more than {MOST_ELIMINATED} rows is not decided exactly")
    return _pivots(Z, strict=True)


def _factored(Z: Matrix) -> bool:
    """Whether S Z S − L Lᵀ is diagonally dominant for a dyadic L found here and powers of two S: then Z ⪰ 0."""
    n, bits = len(Z), PRECISION
    half = [(Z[i][i].bit_length() + 1) // 2 for i in range(n)]
    shift = max(half, default=0)
    # A = 2^lift · S Z S with S_ii = 2^-half_i: the diagonal of S Z S lies between 1/4 and 1.
    lift = 2 * max(bits, shift)
    A = [[Z[i][j] << (lift - half[i] - half[j]) for j in range(n)] for i in range(n)]
    drop = lift - bits
    slack = n << 8
    L: Matrix = []
    for i in range(n):
        row: Row = []
        for j in range(i):
            row.append((((A[i][j] >> drop) << bits) - _dot(row, L[j])) // L[j][j])
        rest = (((A[i][i] >> drop) - slack) << bits) - _dot(row, row)
        if rest <= 0:
            return False
        L.append([*row, isqrt(rest)])
    square = product([[*row, *[0] * (n - len(row))] for row in L], transposed([[*r, *[0] * (n - len(r))] for r in L]))
    rests = [[x - (y << (lift - 2 * bits)) for x, y in zip(a, s, strict=True)] for a, s in zip(A, square, strict=True)]
    return all(rest[i] >= 0 and 2 * rest[i] >= sum(map(abs, rest)) for i, rest in enumerate(rests))


def _pivots(Z: Matrix, strict: bool) -> bool:
    """Symmetric elimination without fractions: no negative pivot, and below a zero one (if allowed) only zeros."""
    Z = [list(row) for row in Z]
    before = 1
    for k in range(len(Z)):
        pivot = Z[k][k]
        if pivot < 0 or (strict and pivot == 0):
            return False
        if pivot == 0:
            if any(Z[k][k:]):
                return False
            continue
        for row in Z[k + 1 :]:
            factor = row[k]
            row[k + 1 :] = [
                (pivot * x - factor * y) // before for x, y in zip(row[k + 1 :], Z[k][k + 1 :], strict=True)
            ]
        before = pivot
    return True


# Activation patterns ---------------------------------------------------------------------------------


class Forms(NamedTuple):
    """Pre-activations a·x + c of one layer, rows (a, c) of integers over one positive denominator; which have a ≠ 0."""

    rows: Matrix
    below: int
    varying: list[bool]


def forms_of(layer: Layer, values: Matrix, below: int) -> Forms:
    """A layer's forms where `values` over `below` come into it: its weights times these, and its biases."""
    rows, below = product(layer.weight, values), below * layer.weight_below
    whole = lcm(below, layer.bias_below)
    up, across = whole // below, whole // layer.bias_below
    rows = [[*(x * up for x in r[:-1]), r[-1] * up + b * across] for r, b in zip(rows, layer.bias, strict=True)]
    shared = gcd(whole, *(x for row in rows for x in row))
    return Forms([[x // shared for x in row] for row in rows], whole // shared, [any(row[:-1]) for row in rows])


def first_forms(net: Network) -> Forms:
    """The first layer's, of the inputs themselves."""
    return forms_of(net.layers[0], [[int(i == j) for j in range(net.inputs + 1)] for i in range(net.inputs)], 1)


def next_forms(net: Network, k: int, forms: Forms, signs: Row) -> Forms:
    """Those of layer k + 1 where the neurons of layer k have the given signs."""
    slopes = [pair[s > 0] for pair, s in zip(net.layers[k].slopes, signs, strict=True)]
    values = [[slope * x for x in row] for slope, row in zip(slopes, forms.rows, strict=True)]
    return forms_of(net.layers[k + 1], values, forms.below * net.layers[k].slopes_below)


def check_witness(net: Network, domain: Domain, point: list[Fraction], claim: Claim) -> None:
    """Rule LOWER: ‖J‖ at a point inside the domain around which f is affine is a lower bound of L."""
    (z,), below = common([point])
    z = [*z, below]
    for j, (facet, _) in enumerate(domain.facets):
        ensure(_dot(facet, z) > 0 or not any(facet), f"witness: not inside facet {j}")
    if domain.ball is not None:
        centre, radius = domain.ball
        distance = sum(((x - c) ** 2 for x, c in zip(point, centre, strict=True)), Fraction(0))
        ensure(distance < radius**2, "witness: not inside the ball")
    forms = first_forms(net)
    for k in range(len(net.layers) - 1):
        signs: Row = []
        for i, (row, (left, right)) in enumerate(zip(forms.rows, net.layers[k].slopes, strict=True)):
            value = _dot(row, z)
            clear = value != 0 or left == right or not forms.varying[i]
            ensure(clear, "witness: on the boundary of neuron", i, "of layer", k)
            signs.append(1 if value > 0 else -1)
        forms = next_forms(net, k, forms, signs)
    J = [row[:-1] for row in forms.rows]
    ensure(claim.holds(J, forms.below, -1), "witness: the norm there is below the claimed lower bound")


class Tree:
    """Rule UPPER: a tree of splits, in preorder, whose leaves are closed one by one.

    The state is a node: the signs decided on the way to it, and the forms of the layers below which all is decided.
    """

    def __init__(self, net: Network, domain: Domain, claim: Claim) -> None:
        self.net, self.domain, self.claim = net, domain, claim
        self.linear = [left == right for layer in net.layers for left, right in layer.slopes]
        self.signs = list(map(int, self.linear))
        self.forms: list[Forms] = [first_forms(net)]
        self.waiting: list[tuple[int, Row, int]] = []  # splits whose other side is still to be closed
        self.closed = False
        self.at = 0
        self.open_layers()

    def check(self, steps: list[Any]) -> None:
        """Read the whole tree; every step must be needed."""
        for step in steps:
            self.read(step)
        ensure(self.closed, "tree: it ends before all of its leaves are closed")

    def read(self, step: Any) -> None:
        """Follow one step. A leaf that is refused leaves the state as it was."""
        try:
            ensure(not self.closed, "the tree is closed already")
            rule, *rest = listed(step, "a step") or [None]
            counts = {"split": 1, "implied": 3, "empty": 1, "constant": 1, "region": 0, "slopes": 0, "sdp": 3}
            ensure(isinstance(rule, str) and rule in counts, f"{rule!r:.40} is no rule")
            listed(rest, rule, counts[rule])
            if rule == "split":
                neuron = self.undecided(rest[0])
                self.waiting.append((neuron, list(self.signs), len(self.forms)))
                self.decide(neuron, 1)
            elif rule == "implied":
                self.implied(*rest)
            else:
                self.close(rule, rest)
                self.closed = not self.waiting
                if self.waiting:
                    neuron, self.signs, depth = self.waiting.pop()
                    del self.forms[depth:]
                    self.decide(neuron, -1)
        except Refused as error:
            raise Refused(f"step {self.at}: {error}") from error
        self.at += 1

    def undecided(self, value: Any) -> int:
        """A neuron that the way to this node has not decided."""
        neuron = integer(value, "a neuron", 0, len(self.signs))
        ensure(self.signs[neuron] == 0, "neuron", neuron, "is decided already")
        return neuron

    def decide(self, neuron: int, sign: int) -> None:
        """Go to the side of a neuron."""
        self.signs[neuron] = sign
        self.open_layers()

    def open_layers(self) -> None:
        """The forms of the next layer, as soon as every neuron below is decided; constant neurons decide themselves."""
        while len(self.forms) < len(self.net.layers):
            k = len(self.forms) - 1
            start, forms = self.net.first[k], self.forms[k]
            for i, varying in enumerate(forms.varying, start):
                if not (varying or self.signs[i]):
                    self.signs[i] = 1 if forms.rows[i - start][-1] > 0 else -1
            signs = self.signs[start : start + len(forms.rows)]
            if 0 in signs:
                return
            self.forms.append(next_forms(self.net, k, forms, signs))

    def form(self, neuron: int) -> tuple[Row, int, bool]:
        """The form of a neuron whose layers below are decided, its denominator, and whether it varies."""
        k, i = self.net.place[neuron]
        ensure(k < len(self.forms), "the form of neuron", neuron, "is not known here")
        ensure(not self.linear[neuron], "neuron", neuron, "is linear and has no sign")
        return self.forms[k].rows[i], self.forms[k].below, self.forms[k].varying[i]

    def refute(self, multipliers: Any) -> None:
        """Rule REFUTE: rows that are > 0 on every region of the node, and a non-negative combination that is not.

        Every row used is not constant, so it is > 0, not only ≥ 0, in the interior of a region that has its sign.
        """
        used: list[tuple[int, Row, int]] = []
        for pair in listed(multipliers, "the multipliers"):
            index, weight = listed(pair, "a multiplier", 2)
            integer(index, "a row", -len(self.domain.facets), len(self.signs))
            ensure(isinstance(weight, int) and weight is not True and weight > 0, "a multiplier is no positive integer")
            if index < 0:
                (row, below), varying = self.domain.facets[-1 - index], any(self.domain.facets[-1 - index][0][:-1])
            else:
                row, below, varying = self.form(index)
                ensure(self.signs[index] != 0, "neuron", index, "is not decided")
                weight *= self.signs[index]
            ensure(varying, "row", index, "is constant, and bounds nothing")
            used.append((weight, row, below))
        ensure(len(used) > 0, "no multipliers")
        whole = lcm(*(below for _, _, below in used))
        factors = [weight * (whole // below) for weight, _, below in used]
        *slope, constant = [_dot(factors, column) for column in zip(*(row for _, row, _ in used), strict=True)]
        if self.domain.ball is None:
            ensure(not any(slope), "the combination is not constant")
            ensure(constant <= 0, "the combination is positive")
        else:
            centre, radius = self.domain.ball
            middle = sum(map(operator.mul, slope, centre), Fraction(constant))
            ensure(middle <= 0, "the combination is positive at the centre")
            ensure(radius**2 * _dot(slope, slope) <= middle**2, "the combination is positive in the ball")

    def implied(self, value: Any, sign: Any, multipliers: Any) -> None:
        """Rule IMPLIED: no region of the node has the other sign of a neuron."""
        neuron = self.undecided(value)
        ensure(sign in (1, -1) and sign is not True, "the sign is neither 1 nor -1")
        self.signs[neuron] = -sign
        self.refute(multipliers)
        self.decide(neuron, sign)

    def close(self, rule: str, rest: list[Any]) -> None:
        """The leaves' rules."""
        if rule == "empty":
            self.refute(*rest)
        elif rule == "constant":
            neuron = integer(rest[0], "a neuron", 0, len(self.signs))
            row, _, varying = self.form(neuron)
            ensure(not varying, "neuron", neuron, "is not constant here")
            # A constant neuron is active iff it is positive; the other side of its split holds nothing.
            ensure(self.signs[neuron] != (1 if row[-1] > 0 else -1), "neuron", neuron, "has the sign that it was given")
        elif rule == "region":
            ensure(len(self.forms) == len(self.net.layers), "not every neuron is decided")
            J = [row[:-1] for row in self.forms[-1].rows]
            ensure(self.claim.holds(J, self.forms[-1].below, 1), "this region exceeds the upper bound")
        elif rule == "slopes":
            ensure(self.claim.holds(*self.slope_ranges(), 1), "the ranges exceed the upper bound")
        else:
            ensure(semidefinite(self.sdp(*rest)), "the matrix is not shown to be positive semidefinite")

    def slope_ranges(self) -> tuple[Matrix, int]:
        """Rule SLOPES: entrywise magnitudes of the Jacobian when every slope is anywhere in its range."""
        layers, known = self.net.layers, self.forms[-1]
        # Ranges as middle ± radius, both doubled; up to the last form that is known there is nothing but one value.
        middle, below = [[2 * x for x in row[:-1]] for row in known.rows], 2 * known.below
        radius = [[0] * self.net.inputs for _ in known.rows]
        for k in range(len(self.forms) - 1, len(layers) - 1):
            for i, (left, right) in enumerate(layers[k].slopes):
                sign = self.signs[self.net.first[k] + i]
                if sign:
                    slope = right if sign > 0 else left
                    middle[i] = [slope * x for x in middle[i]]
                    radius[i] = [abs(slope) * x for x in radius[i]]
                else:
                    ends = [(x - r, x + r) for x, r in zip(middle[i], radius[i], strict=True)]
                    corners = [[f * x for f in (left, right) for x in pair] for pair in ends]
                    middle[i] = [(max(c) + min(c)) // 2 for c in corners]
                    radius[i] = [(max(c) - min(c)) // 2 for c in corners]
            weight, below = layers[k + 1].weight, below * layers[k].slopes_below * layers[k + 1].weight_below
            middle, radius = product(weight, middle), product([list(map(abs, row)) for row in weight], radius)
        return [[abs(x) + r for x, r in zip(m, s, strict=True)] for m, s in zip(middle, radius, strict=True)], below

    def sdp(self, way: Any, exponent: Any, integers: Any) -> Matrix:
        """Rule SDP: ρ‖v₀‖² − ‖out‖² − Σ T_i · 2 u_i (δ_i y_i − u_i) ≥ 0 for all (v₀, u), ρ = upper².

        A neuron with slopes (α, β), δ = β − α, sends y to αy + u with u ∈ {0, δy}, so the sum vanishes at what the
        network does. Decided neurons are substituted. "backward" reads the Jacobian's transpose, of the same norm.
        """
        ensure(way in ("forward", "backward"), "the way is neither forward nor backward")
        p = 2 if self.net.inputs == 1 else self.claim.p
        q = 2 if len(self.net.layers[-1].weight) == 1 else self.claim.q
        ensure((p, q) == (2, 2), "the rule is for p = 2")
        shift = integer(exponent, "the multipliers' exponent", -4000, 4000)
        free = [i for i, sign in enumerate(self.signs) if sign == 0]
        T = [integer(t, "a multiplier", -(1 << 4000), 1 << 4000) for t in listed(integers, "sdp", len(free))]
        order = range(len(self.net.layers) - 1)
        weights = [(layer.weight, layer.weight_below) for layer in self.net.layers]
        if way == "backward":
            order = order[::-1]
            weights = [(transposed(weight), below) for weight, below in weights[::-1]]
        d = len(weights[0][0][0])
        column = {neuron: d + k for k, neuron in enumerate(free)}
        values, below = [[int(i == j) for j in range(d + len(free))] for i in range(d)], 1
        seen: dict[int, tuple[Row, int]] = {}
        for k, (weight, weight_below) in zip(order, weights[:-1], strict=True):
            y, below = product(weight, values), below * weight_below * self.net.layers[k].slopes_below
            values = []
            for neuron, (row, (left, right)) in enumerate(
                zip(y, self.net.layers[k].slopes, strict=True), self.net.first[k]
            ):
                carried = [(right if self.signs[neuron] > 0 else left) * x for x in row]
                if neuron in column:
                    delta = [(right - left) * x for x in row]
                    delta[column[neuron]] -= below
                    seen[neuron] = delta, below
                    carried[column[neuron]] += below
                values.append(carried)
        weight, weight_below = weights[-1]
        out, below = product(weight, values), below * weight_below
        # Z · below² · (denominator of ρ) · 2^max(0, −shift): every term becomes an integer.
        rho = self.claim.value**2
        factor = rho.denominator << max(0, -shift)
        Z = [[-factor * x for x in row] for row in product(transposed(out), out)]
        for j in range(d):
            Z[j][j] += rho.numerator * below * below << max(0, -shift)
        for neuron, t in zip(free, T, strict=True):
            delta, one = seen[neuron]
            weight_of_row = (t * rho.denominator << max(0, shift)) * (below * below // one)
            j = column[neuron]
            for i, x in enumerate(delta):
                Z[j][i] -= weight_of_row * x
                Z[i][j] -= weight_of_row * x
        return Z


def grid(net: Network, p: int, q: int) -> tuple[Fraction, int]:
    """(g, k) such that L^k is an integer multiple of g, for every choice of slopes; k = 0 where nothing is known.

    Every entry of every Jacobian is an integer multiple of the product over the layers of the greatest common divisors
    of the weights and of the slopes. Spectral norms of matrices are on no grid.
    """
    unit = Fraction(1)
    for layer in net.layers:
        unit *= Fraction(gcd(*(x for row in layer.weight for x in row)), layer.weight_below)
        if layer.slopes:
            unit *= Fraction(gcd(*(x for pair in layer.slopes for x in pair)), layer.slopes_below)
    p = 1 if net.inputs == 1 else p
    q = 0 if len(net.layers[-1].weight) == 1 else q
    power = 0 if (p, q) == (2, 2) else 2 if 2 in (p, q) else 1
    return unit**power, power


def reaches(net: Network, claim: Claim, enough: Fraction) -> bool:
    """Rule GRID: whether L <= enough implies L <= claim.value, since no value of the grid lies between."""
    if enough <= claim.value:
        return True
    unit, power = grid(net, claim.p, claim.q)
    if power == 0 or unit == 0:
        return power > 0  # all Jacobians are zero
    return claim.value**power // unit == enough**power // unit


# Verdicts --------------------------------------------------------------------------------------------


def check(
    net: Network, certificate: Any, domain: Domain, norms: tuple[int, int], lower: Fraction, upper: Fraction | None
) -> None:
    """Raise Refused unless the certificate proves lower ≤ L ≤ upper (None: no upper claim)."""
    names = ("format", "version", "witness", "enough", "tree")
    kind, version, witness, above, tree = fields(certificate, names, "certificate")
    known = kind == "lipverify-certificate" and version == 1 and version is not True
    ensure(known, "certificate: not of a known format")
    ensure(all(len(facet) == net.inputs + 1 for facet, _ in domain.facets), "the domain has another dimension")
    ensure(domain.ball is None or len(domain.ball[0]) == net.inputs, "the domain has another dimension")
    ensure(lower >= 0 and (upper is None or upper >= lower), "the claim is empty: lower > upper, or negative")
    if witness is not None:
        check_witness(net, domain, vector(witness, "witness", net.inputs), Claim(*norms, lower))
    else:
        ensure(lower == 0, "the lower bound has no witness")
        ensure(domain.open, "without a witness nothing shows that the domain has an interior")
    if upper is not None:
        enough = upper if above is None else number(above, "enough")
        ensure(enough >= 0, "enough: it is negative")
        ensure(reaches(net, Claim(*norms, upper), enough), "enough: it is above the claim, and a value may lie between")
        Tree(net, domain, Claim(*norms, enough)).check(listed(tree, "tree"))


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's first lines."""
    parser = argparse.ArgumentParser(description="check a proof of bounds of a Lipschitz constant", allow_abbrev=False)
    parser.add_argument("network", help="a network in lipverify's JSON format")
    parser.add_argument("certificate", help="a certificate, JSON, plain or gzip")
    parser.add_argument("--p", required=True, help="1, 2 or inf, or a pair p:q")
    parser.add_argument("--lower", default="0", help="the bound to be proved: decimal, fraction or hexadecimal float")
    parser.add_argument("--upper", default="inf", help="likewise")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--box", help="LO:HI for every input, LO:HI,LO:HI,... or a JSON file with lower and upper")
    group.add_argument("--polytope", help="a JSON file with A and b")
    group.add_argument("--ball", help="x1,x2,...:RADIUS, the open 2-ball, or a JSON file with center and radius")
    given = parser.parse_args(arguments)
    try:
        net = network(read_json(given.network))
        norms = _norms(given.p)
        domain = _domain(given, net.inputs)
        lower = number(given.lower, "--lower")
        upper = None if given.upper == "inf" else number(given.upper, "--upper")
    except Refused as error:
        print(f"REFUSED: {error}", file=sys.stderr)
        return 2
    try:
        check(net, read_json(given.certificate), domain, norms, lower, upper)
    except Refused as error:
        print(f"NOT VERIFIED: {error}")
        return 1
    print(f"VERIFIED {given.lower} <= L <= {given.upper}, p = {given.p}, {given.network}")
    return 0


def _norms(text: str) -> tuple[int, int]:
    known = {"1": 1, "2": 2, "inf": 0}
    parts = text.split(":")
    ensure(len(parts) <= 2 and all(part in known for part in parts), f"--p {text!r:.40}: use 1, 2, inf or a pair p:q")
    return known[parts[0]], known[parts[-1]]


def _domain(given: argparse.Namespace, inputs: int) -> Domain:
    if given.box is not None:
        if ":" in given.box:
            pairs = [part.split(":") for part in given.box.split(",")]
            good = len(pairs) in (1, inputs) and all(len(pair) == 2 for pair in pairs)
            ensure(good, "--box: expected one LO:HI, or one for each input")
            lower, upper = map(list, zip(*(pairs if len(pairs) == inputs else pairs * inputs), strict=True))
        else:
            lower, upper = fields(read_json(given.box), ("lower", "upper"), given.box)
        return box(vector(lower, "--box", inputs), vector(upper, "--box", inputs))
    if given.polytope is not None:
        A, b = fields(read_json(given.polytope), ("A", "b"), given.polytope)
        rows = table(A, "A", None, inputs)
        return polytope(rows, vector(b, "b", len(rows)))
    if given.ball is not None:
        if ":" in given.ball:
            text, _, reach = given.ball.rpartition(":")
            centre = text.split(",")
        else:
            centre, reach = fields(read_json(given.ball), ("center", "radius"), given.ball)
        radius = number(reach, "--ball")
        ensure(radius > 0, "--ball: the radius is not positive")
        return Domain([], (vector(centre, "--ball", inputs), radius), True)
    return Domain([], None, True)


if __name__ == "__main__":  # pragma: no cover (tested in a process of its own)
    sys.exit(main())
