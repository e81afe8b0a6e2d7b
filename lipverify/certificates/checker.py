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


def ensure(condition: bool, message: str) -> None:
    """The one primitive: everything that is checked passes through here."""
    if not condition:
        raise Refused(message)


# Numbers and files -----------------------------------------------------------------------------------

_HEX = re.compile(r"([+-]?)0x([0-9a-f]{1,40})(?:\.([0-9a-f]{1,40}))?p([+-]?[0-9]{1,5})", re.IGNORECASE)
_DECIMAL = re.compile(r"([+-]?)([0-9]{1,400})(?:\.([0-9]{1,400}))?(?:e([+-]?[0-9]{1,4}))?", re.IGNORECASE)
_FRACTION = re.compile(r"[+-]?[0-9]{1,4000}(?:/0*[1-9][0-9]{0,3999})?")


def number(text: object, where: str) -> Fraction:
    """The rational number that a string writes as a decimal, a fraction or a hexadecimal float."""
    ensure(isinstance(text, str), f"{where}: expected a number in a string")
    assert isinstance(text, str)
    if _FRACTION.fullmatch(text):
        return Fraction(text)
    for pattern, base, exponent_base in ((_HEX, 16, 2), (_DECIMAL, 10, 10)):
        found = pattern.fullmatch(text)
        if found:
            sign, whole, part, exponent = found.groups()
            digits = Fraction(int(whole + (part or ""), base), base ** len(part or ""))
            return (-digits if sign == "-" else digits) * Fraction(exponent_base) ** int(exponent or "0")
    raise Refused(f"{where}: {text!r:.60} is no decimal, fraction or hexadecimal float")


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


def listed(value: object, where: str, length: int | None = None) -> list[Any]:
    """A JSON array, of a length if one is given."""
    ensure(isinstance(value, list), f"{where}: expected an array")
    assert isinstance(value, list)
    ensure(length is None or len(value) == length, f"{where}: {len(value)} entries; expected {length}")
    return value


def integer(value: object, where: str, low: int, high: int | None = None) -> int:
    """A JSON integer within limits."""
    good = isinstance(value, int) and not isinstance(value, bool)
    ensure(good, f"{where}: expected an integer")
    assert isinstance(value, int)
    ensure(value >= low and (high is None or value < high), f"{where}: {value!r:.40} is out of range")
    return value


def keys(value: object, names: tuple[str, ...], where: str) -> dict[str, Any]:
    """A JSON object with exactly these keys."""
    ensure(isinstance(value, dict) and sorted(value) == sorted(names), f"{where}: expected the keys {', '.join(names)}")
    assert isinstance(value, dict)
    return value


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
    record = keys(record, ("format", "version", "lowering", "source", "weights", "biases", "slopes"), "network")
    ensure(record["format"] == "lipverify-network" and record["version"] == 1, "network: not of a known format")
    weights = [_table(w, f"weights[{k}]") for k, w in enumerate(listed(record["weights"], "weights"))]
    ensure(len(weights) >= 1, "network: no layer")
    biases = listed(record["biases"], "biases", len(weights))
    slopes = [*listed(record["slopes"], "slopes", len(weights) - 1), []]
    width = inputs = len(weights[0][0])
    layers: list[Layer] = []
    for k, weight in enumerate(weights):
        ensure(len(weight[0]) == width, f"weights[{k}]: its columns do not fit the layer before")
        width = len(weight)
        bias = [number(x, f"biases[{k}]") for x in listed(biases[k], f"biases[{k}]", width)]
        behind = 0 if k + 1 == len(weights) else width
        pairs = [listed(pair, f"slopes[{k}]", 2) for pair in listed(slopes[k], f"slopes[{k}]", behind)]
        values = [[number(x, f"slopes[{k}]") for x in pair] for pair in pairs]
        (row,), bias_below = common([bias])
        layers.append(Layer(*common(weight), row, bias_below, *common(values)))
    place = [(k, i) for k, layer in enumerate(layers[:-1]) for i in range(len(layer.weight))]
    ensure(len(place) <= MOST_NEURONS, f"network: more than {MOST_NEURONS} neurons")
    ensure(sum(len(x.weight) * len(x.weight[0]) for x in layers) <= MOST_ENTRIES, "network: too large")
    first = list(itertools.accumulate((len(layer.weight) for layer in layers[:-1]), initial=0))
    return Network(layers, inputs, first, place)


def _table(value: object, where: str) -> list[list[Fraction]]:
    rows = listed(value, where)
    ensure(len(rows) > 0, f"{where}: empty")
    width = len(listed(rows[0], where))
    ensure(width > 0, f"{where}: empty")
    return [[number(x, where) for x in listed(row, where, width)] for row in rows]


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
    """Pre-activations a·x + c of one layer, rows (a, c) of integers over one positive denominator."""

    rows: Matrix
    below: int


def first_forms(net: Network) -> Forms:
    """The first layer's."""
    layer = net.layers[0]
    below = lcm(layer.weight_below, layer.bias_below)
    up, across = below // layer.weight_below, below // layer.bias_below
    return Forms([[*(x * up for x in w), b * across] for w, b in zip(layer.weight, layer.bias, strict=True)], below)


def next_forms(net: Network, k: int, forms: Forms, signs: Row) -> Forms:
    """Those of layer k + 1 where the neurons of layer k have the given signs."""
    here, layer = net.layers[k], net.layers[k + 1]
    slopes = [pair[s > 0] for pair, s in zip(here.slopes, signs, strict=True)]
    values = [[slope * x for x in row] for slope, row in zip(slopes, forms.rows, strict=True)]
    rows, below = product(layer.weight, values), forms.below * here.slopes_below * layer.weight_below
    whole = lcm(below, layer.bias_below)
    up, across = whole // below, whole // layer.bias_below
    rows = [[*(x * up for x in r[:-1]), r[-1] * up + b * across] for r, b in zip(rows, layer.bias, strict=True)]
    common_factor = gcd(whole, *(x for row in rows for x in row))
    return Forms([[x // common_factor for x in row] for row in rows], whole // common_factor)


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
            clear = value != 0 or left == right or not any(row[:-1])
            ensure(clear, f"witness: on the boundary of neuron {i} of layer {k}")
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
        self.signs = [int(left == right) for layer in net.layers for left, right in layer.slopes]
        self.forms: list[Forms] = [first_forms(net)]
        self.waiting: list[tuple[int, Row, int]] = []  # splits whose other side is still to be closed
        self.closed = False
        self.at = 0
        self.open_layers()

    def check(self, steps: list[Any]) -> None:
        """Read the whole tree; every step must be needed."""
        for step in steps:
            ensure(not self.closed, f"step {self.at}: the tree is closed already")
            self.read(step)
        ensure(self.closed, "tree: it ends before all of its leaves are closed")

    def read(self, step: object) -> None:
        """Follow one step; one that is refused leaves the state as it was."""
        rest = listed(step, self.place())
        ensure(len(rest) > 0 and isinstance(rest[0], str), self.place(": expected a rule's name first"))
        rule, rest = rest[0], rest[1:]
        if rule == "split":
            neuron = self.undecided(listed(rest, self.place(), 1)[0])
            self.waiting.append((neuron, list(self.signs), len(self.forms)))
            self.decide(neuron, 1)
        elif rule == "implied":
            self.implied(rest)
        else:
            self.close(rule, rest)
            self.closed = not self.waiting
            if self.waiting:
                neuron, self.signs, depth = self.waiting.pop()
                del self.forms[depth:]
                self.decide(neuron, -1)
        self.at += 1

    def place(self, text: str = "") -> str:
        """Where we are."""
        return f"step {self.at}{text}"

    def undecided(self, value: object) -> int:
        """A neuron that the way to this node has not decided."""
        neuron = integer(value, self.place(), 0, len(self.signs))
        ensure(self.signs[neuron] == 0, self.place(f": neuron {neuron} is decided already"))
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
            for i, row in enumerate(forms.rows):
                if self.signs[start + i] == 0 and not any(row[:-1]):
                    self.signs[start + i] = 1 if row[-1] > 0 else -1
            signs = self.signs[start : start + len(forms.rows)]
            if 0 in signs:
                return
            self.forms.append(next_forms(self.net, k, forms, signs))

    def row(self, index: int) -> tuple[Row, int, int]:
        """The form of a neuron whose layers below are decided, or of a facet (-1 - j); its denominator; its sign."""
        if index < 0:
            ensure(-1 - index < len(self.domain.facets), self.place(f": there is no facet {-1 - index}"))
            row, below = self.domain.facets[-1 - index]
            return row, below, 1
        ensure(index < len(self.signs), self.place(f": there is no neuron {index}"))
        k, i = self.net.place[index]
        ensure(k < len(self.forms), self.place(f": the form of neuron {index} is not known here"))
        left, right = self.net.layers[k].slopes[i]
        ensure(left != right, self.place(f": neuron {index} is linear and has no sign"))
        return self.forms[k].rows[i], self.forms[k].below, self.signs[index]

    def refute(self, multipliers: object, extra: tuple[int, int] | None = None) -> None:
        """Rule REFUTE: rows that are > 0 on every region of the node, and a non-negative combination that is not.

        Every row used is not constant, so it is > 0, not only ≥ 0, in the interior of a region that has its sign.
        """
        used: list[tuple[int, Row, int]] = []
        for pair in listed(multipliers, self.place()):
            index, weight = listed(pair, self.place(), 2)
            index = integer(index, self.place(), -len(self.domain.facets), len(self.signs))
            weight = integer(weight, self.place(": a multiplier"), 1)
            row, below, sign = self.row(index)
            if extra is not None and index == extra[0]:
                sign = extra[1]
            ensure(sign != 0, self.place(f": neuron {index} is not decided"))
            ensure(any(row[:-1]), self.place(f": row {index} is constant, and bounds nothing"))
            used.append((weight * sign, row, below))
        ensure(len(used) > 0, self.place(": no multipliers"))
        whole = lcm(*(below for _, _, below in used))
        factors = [weight * (whole // below) for weight, _, below in used]
        total = [_dot(factors, column) for column in zip(*(row for _, row, _ in used), strict=True)]
        if self.domain.ball is None:
            ensure(not any(total[:-1]), self.place(": the combination is not constant"))
            ensure(total[-1] <= 0, self.place(": the combination is positive"))
            return
        centre, radius = self.domain.ball
        middle = sum((t * c for t, c in zip(total, centre, strict=False)), Fraction(total[-1]))
        ensure(middle <= 0, self.place(": the combination is positive at the centre"))
        ensure(radius**2 * sum(t * t for t in total[:-1]) <= middle**2, self.place(": it is positive in the ball"))

    def implied(self, rest: list[Any]) -> None:
        """Rule IMPLIED: no region of the node has the other sign of a neuron."""
        neuron, sign, multipliers = listed(rest, self.place(), 3)
        neuron = self.undecided(neuron)
        ensure(sign in (1, -1) and not isinstance(sign, bool), self.place(": the sign is neither 1 nor -1"))
        self.refute(multipliers, (neuron, -sign))
        self.decide(neuron, sign)

    def close(self, rule: str, rest: list[Any]) -> None:
        """The leaves' rules."""
        if rule == "empty":
            self.refute(*listed(rest, self.place(), 1))
        elif rule == "constant":
            neuron = integer(listed(rest, self.place(), 1)[0], self.place(), 0, len(self.signs))
            row, _, sign = self.row(neuron)
            ensure(not any(row[:-1]), self.place(f": neuron {neuron} is not constant here"))
            # A constant neuron is active iff it is positive; the other side of its split holds nothing.
            ensure(sign != (1 if row[-1] > 0 else -1), self.place(f": neuron {neuron} has the sign that it was given"))
        elif rule == "region":
            listed(rest, self.place(), 0)
            ensure(len(self.forms) == len(self.net.layers), self.place(": not every neuron is decided"))
            J = [row[:-1] for row in self.forms[-1].rows]
            ensure(self.claim.holds(J, self.forms[-1].below, 1), self.place(": this region exceeds the upper bound"))
        elif rule == "slopes":
            listed(rest, self.place(), 0)
            sizes, below = self.slope_ranges()
            ensure(self.claim.holds(sizes, below, 1), self.place(": the ranges exceed the upper bound"))
        elif rule == "sdp":
            self.sdp(rest)
        else:
            raise Refused(self.place(f": unknown rule {rule!r:.40}"))

    def chosen(self, k: int) -> list[tuple[int, int]]:
        """The range of slopes of every neuron of layer k: one slope where it is decided."""
        start = self.net.first[k]
        found = []
        for i, (left, right) in enumerate(self.net.layers[k].slopes):
            sign = self.signs[start + i]
            both = (min(left, right), max(left, right))
            found.append((right, right) if sign > 0 else (left, left) if sign < 0 else both)
        return found

    def slope_ranges(self) -> tuple[Matrix, int]:
        """Rule SLOPES: entrywise magnitudes of the Jacobian when every slope is anywhere in its range."""
        layers = self.net.layers
        # From the last decided layer on; what is below it is known exactly.
        low = high = [row[:-1] for row in self.forms[-1].rows]
        below = self.forms[-1].below
        for k in range(len(self.forms) - 1, len(layers) - 1):
            corners = [
                [[f * x for x in row] for f, row in zip(fs, side, strict=True)]
                for side in (low, high)
                for fs in zip(*self.chosen(k), strict=True)
            ]
            low = [list(map(min, *rows)) for rows in zip(*corners, strict=True)]
            high = [list(map(max, *rows)) for rows in zip(*corners, strict=True)]
            up = [[max(x, 0) for x in row] for row in layers[k + 1].weight]
            down = [[min(x, 0) for x in row] for row in layers[k + 1].weight]
            new_low = _sum(product(up, low), product(down, high))
            low, high = new_low, _sum(product(up, high), product(down, low))
            below *= layers[k].slopes_below * layers[k + 1].weight_below
        return [[max(abs(a), abs(b)) for a, b in zip(r, s, strict=True)] for r, s in zip(low, high, strict=True)], below

    def sdp(self, rest: list[Any]) -> None:
        """Rule SDP: ρ‖v₀‖² − ‖out‖² − Σ T_i · 2 u_i (δ_i y_i − u_i) ≥ 0 for all (v₀, u), ρ = upper².

        A neuron with slopes (α, β), δ = β − α, sends y to αy + u with u ∈ {0, δy}, so the sum vanishes at what the
        network does. Decided neurons are substituted. "backward" reads the Jacobian's transpose, of the same norm.
        """
        way, shift, integers = listed(rest, self.place(), 3)
        ensure(way in ("forward", "backward"), self.place(": the way is neither forward nor backward"))
        p = 2 if self.net.inputs == 1 else self.claim.p
        q = 2 if len(self.net.layers[-1].weight) == 1 else self.claim.q
        ensure((p, q) == (2, 2), self.place(": the rule is for p = 2"))
        shift = integer(shift, self.place(": the multipliers' exponent"), -4000, 4000)
        free = [i for i, sign in enumerate(self.signs) if sign == 0]
        T = [self.multiplier(t) for t in listed(integers, self.place(), len(free))]
        order = range(len(self.net.layers) - 1)
        weights = [(layer.weight, layer.weight_below) for layer in self.net.layers]
        if way == "backward":
            order = order[::-1]
            weights = [(transposed(weight), below) for weight, below in weights[::-1]]
        d, size = len(weights[0][0][0]), len(weights[0][0][0]) + len(free)
        column = {neuron: d + k for k, neuron in enumerate(free)}
        values, below = [[int(i == j) for j in range(size)] for i in range(d)], 1
        seen: dict[int, tuple[Row, int]] = {}
        for k, (weight, weight_below) in zip(order, weights[:-1], strict=True):
            y, below = product(weight, values), below * weight_below * self.net.layers[k].slopes_below
            one = below
            values = []
            for i, (row, (left, right)) in enumerate(zip(y, self.net.layers[k].slopes, strict=True)):
                neuron = self.net.first[k] + i
                carried = [(right if self.signs[neuron] > 0 else left) * x for x in row]
                if neuron in column:
                    delta = [(right - left) * x for x in row]
                    delta[column[neuron]] -= one
                    seen[neuron] = delta, one
                    carried[column[neuron]] += one
                values.append(carried)
        weight, weight_below = weights[-1]
        out, below = product(weight, values), below * weight_below
        # Z · below² · (denominator of ρ) · 2^max(0, −shift): every term becomes an integer.
        rho = self.claim.value**2
        factor = rho.denominator << max(0, -shift)
        gram = product(transposed(out), out)
        Z = [[-factor * x for x in row] for row in gram]
        for j in range(d):
            Z[j][j] += rho.numerator * below * below << max(0, -shift)
        for neuron, t in zip(free, T, strict=True):
            delta, one = seen[neuron]
            weight_of_row = (t * rho.denominator << max(0, shift)) * (below * below // one)
            j = column[neuron]
            for i, x in enumerate(delta):
                Z[j][i] -= weight_of_row * x
                Z[i][j] -= weight_of_row * x
        ensure(semidefinite(Z), self.place(": the matrix is not shown to be positive semidefinite"))

    def multiplier(self, value: object) -> int:
        """An SDP multiplier: an integer of either sign, times 2^shift."""
        return integer(value, self.place(": a multiplier"), -(1 << 4000), 1 << 4000)


def _sum(A: Matrix, B: Matrix) -> Matrix:
    return [[x + y for x, y in zip(a, b, strict=True)] for a, b in zip(A, B, strict=True)]


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
    record = keys(certificate, ("format", "version", "witness", "enough", "tree"), "certificate")
    known = record["format"] == "lipverify-certificate" and record["version"] == 1 and record["version"] is not True
    ensure(known, "certificate: not of a known format")
    ensure(all(len(facet) == net.inputs + 1 for facet, _ in domain.facets), "the domain has another dimension")
    ensure(domain.ball is None or len(domain.ball[0]) == net.inputs, "the domain has another dimension")
    ensure(lower >= 0 and (upper is None or upper >= lower), "the claim is empty: lower > upper, or negative")
    if record["witness"] is not None:
        point = [number(x, "witness") for x in listed(record["witness"], "witness", net.inputs)]
        check_witness(net, domain, point, Claim(*norms, lower))
    else:
        ensure(lower == 0, "the lower bound has no witness")
        ensure(domain.open, "without a witness nothing shows that the domain has an interior")
    if upper is not None:
        enough = upper if record["enough"] is None else number(record["enough"], "enough")
        ensure(enough >= 0, "enough: it is negative")
        ensure(reaches(net, Claim(*norms, upper), enough), "enough: it is above the claim, and a value may lie between")
        Tree(net, domain, Claim(*norms, enough)).check(listed(record["tree"], "tree"))


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
            pairs = pairs * (inputs if len(pairs) == 1 else 1)
            lower, upper = [list(side) for side in zip(*pairs, strict=True)]
        else:
            record = keys(read_json(given.box), ("lower", "upper"), given.box)
            lower, upper = listed(record["lower"], "lower", inputs), listed(record["upper"], "upper", inputs)
        return box([number(x, "--box") for x in lower], [number(x, "--box") for x in upper])
    if given.polytope is not None:
        record = keys(read_json(given.polytope), ("A", "b"), given.polytope)
        rows = [[number(x, "A") for x in listed(row, "A", inputs)] for row in listed(record["A"], "A")]
        return polytope(rows, [number(x, "b") for x in listed(record["b"], "b", len(rows))])
    if given.ball is not None:
        if ":" in given.ball:
            text, _, reach = given.ball.rpartition(":")
            centre = text.split(",")
        else:
            record = keys(read_json(given.ball), ("center", "radius"), given.ball)
            centre, reach = listed(record["center"], "center"), record["radius"]
        radius = number(reach, "--ball")
        ensure(radius > 0, "--ball: the radius is not positive")
        ensure(len(centre) == inputs, f"--ball: {len(centre)} coordinates; expected {inputs}")
        return Domain([], ([number(x, "--ball") for x in centre], radius), True)
    return Domain([], None, True)


if __name__ == "__main__":  # pragma: no cover (tested in a process of its own)
    sys.exit(main())
