"""Check a proof that lower ≤ L ≤ upper for the Lipschitz constant L of a network. Stand-alone; the format: FORMAT.md.

    python -I checker.py NETWORK CERTIFICATE --p 2 --lower 1.9 --upper 2 [--box FILE | --polytope FILE | --ball FILE]

Network, domain, norms and claim come from the arguments; the certificate only brings evidence. Everything is
integer arithmetic: there is no float, no tolerance and no plug-in here, and only the standard library is needed.
Exit status 0 and one line `VERIFIED ...`; or 1, with the rule and the place; or 2 for arguments that say nothing.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import operator
import re
import sys
import zlib
from bisect import bisect
from fractions import Fraction
from math import gcd, lcm
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeAlias

Row: TypeAlias = list[int]
Matrix: TypeAlias = list[Row]
Pair: TypeAlias = tuple[int, int]  # p and q of a norm p→q, 0 for ∞

MOST_BYTES = 1 << 30  # of a file, unpacked
MOST_NEURONS = 1 << 14
MOST_ENTRIES = 1 << 24  # of the network's matrices together
MOST_SIGNS = 16  # of an enumeration of sign vectors
MOST_ELIMINATED = 200  # rows of a matrix on which exact elimination is tried
MULTIPLIERS = 1 << 16384  # are smaller
PRECISION = 160  # bits to which a matrix is rounded before it is eliminated
RULES = {"split": 1, "empty": 1, "slopes": 0, "sdp": 2}  # and how many arguments they have


class Refused(Exception):
    """What does not hold, and where."""


def ensure(condition: bool, *message: object) -> None:
    """The one primitive: everything that is checked passes through here."""
    if not condition:
        raise Refused(" ".join(map(str, message)))


# Numbers and files -----------------------------------------------------------------------------------

_PLAIN = r"[+-]?([0-9]{1,4000}(/0*[1-9][0-9]{0,3999})?|[0-9]{1,400}(\.[0-9]{1,400})?(e[+-]?[0-9]{1,4})?)"
_HEX = r"([+-]?)0x([0-9a-f]{1,40})(?:\.([0-9a-f]{1,40}))?p([+-]?[0-9]{1,5})"


def number(text: object, where: str) -> Fraction:
    """The rational number that a string writes as a decimal, a fraction or a hexadecimal float."""
    string = text if isinstance(text, str) else ""
    if re.fullmatch(_PLAIN, string, re.IGNORECASE):
        return Fraction(string)
    found = re.fullmatch(_HEX, string, re.IGNORECASE)
    if found is None:
        raise Refused(f"{where}: {text!r:.60} is no string with a decimal, a fraction or a hexadecimal float")
    sign, whole, part, exponent = found.groups(default="")
    shift = int(exponent) - 4 * len(part)
    return Fraction(int(sign + whole + part, 16) << max(0, shift), 1 << max(0, -shift))


def read_json(path: str) -> Any:
    """A JSON file, plain or gzip, without floats, constants or doubled keys."""
    try:
        with Path(path).open("rb") as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(MOST_BYTES + 1)
        ensure(len(data) <= MOST_BYTES, f"{path}: more than {MOST_BYTES} bytes")
        return json.loads(data.decode(), parse_float=_refuse, parse_constant=_refuse, object_pairs_hook=_unique)
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise Refused(f"{path}: not readable as JSON: {error}") from error


def _refuse(text: str) -> NoReturn:
    raise Refused(f"the number {text:.40}: numbers are integers, or strings")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    ensure(len(dict(pairs)) == len(pairs), "a key of a JSON object stands twice")
    return dict(pairs)


def fields(value: Any, names: tuple[str, ...], where: str) -> list[Any]:
    """The values of a JSON object with exactly these keys."""
    ensure(isinstance(value, dict) and value.keys() == set(names), f"{where}: expected the keys {', '.join(names)}")
    return [value[name] for name in names]


def listed(value: Any, where: str, length: int | None = None) -> list[Any]:
    """A JSON array, of a length if one is given."""
    ensure(isinstance(value, list) and length in (None, len(value)), where, "is no array, or has another length")
    return list(value)


def integer(value: Any, where: str, low: int, high: int) -> int:
    """A JSON integer, low ≤ value < high."""
    ensure(type(value) is int and low <= value < high, where, "is no integer, or out of range")
    return int(value)


def numbers(value: Any, where: str, *shape: int) -> Any:
    """Numbers in nested arrays of this shape."""
    if not shape:
        return number(value, where)
    return [numbers(x, where, *shape[1:]) for x in listed(value, where, shape[0])]


def common(rows: list[list[Fraction]]) -> tuple[Matrix, int]:
    """Integers and one positive denominator for all of them."""
    below = lcm(*(x.denominator for row in rows for x in row))
    return [[x.numerator * (below // x.denominator) for x in row] for row in rows], below


class Layer(NamedTuple):
    """W, b, and two slopes of each neuron behind it, as integers: pre-activations are `scale` times the network's."""

    weight: Matrix
    bias: Row
    slopes: Matrix
    scale: int


class Network(NamedTuple):
    """The layers; inputs and outputs; each layer's first neuron; and what divides every entry of every Jacobian."""

    layers: list[Layer]
    inputs: int
    outputs: int
    first: Row
    grid: Fraction


def network(record: Any) -> Network:
    """The network in lipverify's JSON format."""
    names = ("format", "version", "lowering", "source", "weights", "biases", "slopes")
    kind, version, _, _, weights, biases, slopes = fields(record, names, "network")
    ensure(kind == "lipverify-network" and version == 1, "network: not of a known format")
    outs = [len(listed(rows, "weights")) for rows in listed(weights, "weights")]
    sizes = [len(listed(weights[0][0], "weights")) if outs and outs[0] else 0, *outs]
    ensure(min(sizes) > 0, "network: no layer, or an empty one")
    ensure(sum(outs[:-1]) <= MOST_NEURONS, f"network: more than {MOST_NEURONS} neurons")
    ensure(sum(map(operator.mul, sizes, outs)) <= MOST_ENTRIES, "network: too large")
    ends = zip(listed(biases, "biases", len(outs)), [*listed(slopes, "slopes", len(outs) - 1), None], strict=True)
    layers: list[Layer] = []
    behind, divisor = 1, 1  # what the values are multiplied by that come into a layer
    for k, (bias, pairs) in enumerate(ends):
        weight = numbers(weights[k], f"weights[{k}]", sizes[k + 1], sizes[k])
        offset = [x * behind for x in numbers(bias, f"biases[{k}]", sizes[k + 1])]
        (*rows, row), unit = common([*weight, offset])
        values, below = common([] if pairs is None else numbers(pairs, f"slopes[{k}]", sizes[k + 1], 2))
        layers.append(Layer(rows, row, values, behind * unit))
        behind *= unit * below
        divisor *= gcd(*itertools.chain(*rows)) * (gcd(*itertools.chain(*values)) or 1)
    first = list(itertools.accumulate(outs[:-1], initial=0))
    return Network(layers, sizes[0], sizes[-1], first, Fraction(divisor, behind))


class Domain(NamedTuple):
    """{x : every facet (a, c) has a·x + c > 0}, and ‖x − centre‖₂ < radius where there is a ball; all rational."""

    facets: tuple[tuple[Row, int], ...] = ()  # integers over a positive denominator
    ball: tuple[list[Fraction], Fraction] | None = None
    open: bool = True  # whether its interior is not empty, as far as its description shows


KINDS = {"box": ("lower", "upper"), "polytope": ("A", "b"), "ball": ("center", "radius")}


def domain_of(kind: str, record: Any, inputs: int) -> Domain:
    """The domain in a JSON object with the keys of its kind; the polytope is {x : A x ≤ b}."""
    first, second = fields(record, KINDS[kind], f"the {kind}")
    if kind == "ball":
        centre, radius = numbers(first, "center", inputs), number(second, "radius")
        ensure(radius > 0, "the ball has no interior")
        return Domain(ball=(centre, radius))
    if kind == "box":
        lower, upper = numbers(first, "lower", inputs), numbers(second, "upper", inputs)
        ensure(all(map(operator.lt, lower, upper)), "the box has no interior")
        A = [[Fraction(sign * (i == j)) for j in range(inputs)] for sign in (-1, 1) for i in range(inputs)]
        b = [*map(operator.neg, lower), *upper]
    else:
        b = numbers(second, "b", len(listed(second, "b")))
        A = numbers(first, "A", len(b), inputs)
    facets = [common([[*map(operator.neg, row), c]]) for row, c in zip(A, b, strict=True)]
    return Domain(tuple((row, below) for (row,), below in facets), open=kind == "box")


def reduced(net: Network, norms: Pair) -> Pair:
    """The pair that counts: one input makes p→q the norm 1→q, one output p→∞."""
    return 1 if net.inputs == 1 else norms[0], 0 if net.outputs == 1 else norms[1]


def _norm_square(J: Matrix, p: int, q: int) -> int:
    """‖J‖² for every pair but 2→2: the greatest q-norm of a column, or of J s for a vector s of signs."""
    if p != 1 and (q == 0 or p == 2 or (q == 1 and len(J) < len(J[0]))):
        dual = {0: 1, 1: 0, 2: 2}
        J, p, q = transposed(J), dual[q], dual[p]
    images = transposed(J)
    if p != 1:
        ensure(len(images) <= MOST_SIGNS, f"this norm is NP-hard and the matrix has more than {MOST_SIGNS} columns")
        signs = itertools.product((1, -1), repeat=len(images) - 1)
        images = [[_dot(row, (1, *s)) for row in J] for s in signs]
    if q == 2:
        return int(max(_dot(x, x) for x in images))
    return int(max((sum if q == 1 else max)(map(abs, x)) for x in images)) ** 2


def transposed(A: Matrix) -> Matrix:
    """Aᵀ."""
    return [list(column) for column in zip(*A, strict=True)]


def _dot(a: Any, b: Any) -> Any:
    """a·b, as far as the shorter one goes."""
    return sum(map(operator.mul, a, b))


def product(A: Matrix, B: Matrix) -> Matrix:
    """A B; rows of zeros in B, as those of inactive neurons, cost nothing."""
    kept = [any(row) for row in B]
    columns = [list(itertools.compress(column, kept)) for column in zip(*B, strict=True)]
    return [[_dot(row, column) for column in columns] for row in (list(itertools.compress(a, kept)) for a in A)]


def semidefinite(Z: Matrix) -> bool:
    """Whether a symmetric Z ⪰ 0: seen when rounded, or else exactly."""
    kept = [i for i, row in enumerate(Z) if any(row)]
    Z = [[Z[i][j] for j in kept] for i in kept]
    half = [row[i].bit_length() // 2 for i, row in enumerate(Z)]
    # Scaled by powers of two from both sides so that the diagonal is about 1, and rounded down; less a slack for that.
    scaled = [
        [(x << PRECISION) >> h + g for x, g in zip(row, half, strict=True)] for row, h in zip(Z, half, strict=True)
    ]
    for i, row in enumerate(scaled):
        row[i] -= len(Z)
    return eliminated(scaled, rounded=True) or eliminated(Z)


def eliminated(Z: Matrix, *, strict: bool = False, rounded: bool = False) -> bool:
    """Whether a symmetric Z ⪰ 0 (strict: ≻ 0), by elimination without fractions. Rounded: only True says something.

    Rounded, what is left of n rows is too large by less than 1 in each entry; less n on the diagonal, it is too small.
    """
    ensure(rounded or len(Z) <= MOST_ELIMINATED, f"a matrix of more than {MOST_ELIMINATED} rows is not decided exactly")
    rest, before = [list(row) for row in Z], 1
    for k, row in enumerate(rest):
        pivot = row[k]
        if pivot < 0 or (pivot == 0 and (strict or any(row[k:]))):
            return False
        for i in range(k + 1, len(Z)) if pivot else ():
            factor, pairs = row[i], zip(rest[i][i:], row[i:], strict=True)
            if rounded:
                rest[i][i:] = [x - factor * y // pivot for x, y in pairs]
                rest[i][i] -= len(Z)
            else:
                rest[i][i:] = [(pivot * x - factor * y) // before for x, y in pairs]
        before = pivot or before
    return True


# What proves it --------------------------------------------------------------------------------------


class Tree:
    """Rule UPPER: a tree of splits, in preorder, whose leaves are closed one by one. The state is a node of it.

    `signs` has what is decided there, 1 or −1, 0 for what is not, and 2 for linear neurons, which have no sign. `forms`
    has the layers below which all is decided: a pre-activation a·x + c is the row (a, c), times the layer's scale.
    """

    def __init__(self, net: Network, domain: Domain, pair: Pair, bound: Fraction) -> None:
        self.net, self.domain, self.pair, self.bound = net, domain, pair, bound
        self.signs = [2 * (left == right) for layer in net.layers for left, right in layer.slopes]
        self.forms: list[Matrix] = []
        # Splits whose other side is still to be closed, under them one that stands for the end.
        self.waiting: list[tuple[int, Row, list[Matrix]]] = [(0, [0], [])]

    def entering(self, k: int) -> Matrix | None:
        """What comes into layer k, as forms of the inputs, if every neuron below is decided and its form is open."""
        width = self.net.inputs + 1
        if k == 0:
            return [[int(i == j) for j in range(width)] for i in range(width - 1)]
        signs = self.signs[self.net.first[k - 1] : self.net.first[k]]
        if len(self.forms) < k or 0 in signs:
            return None
        slopes = [pair[sign > 0] for pair, sign in zip(self.net.layers[k - 1].slopes, signs, strict=True)]
        below = zip(slopes, self.forms[k - 1], strict=True)
        return [row if slope == 1 else [slope * x for x in row] for slope, row in below]

    def open_layers(self, end: int) -> None:
        """The forms of the layers before `end` below which all is decided; constant neurons decide themselves."""
        while (k := len(self.forms)) < end and (values := self.entering(k)) is not None:
            rows = product(self.net.layers[k].weight, values)
            for row, b in zip(rows, self.net.layers[k].bias, strict=True):
                row[-1] += b
            self.forms.append(rows)
            for i, row in zip(range(self.net.first[k], len(self.signs)), self.forms[k], strict=False):
                if self.signs[i] == 0 and not any(row[:-1]):
                    self.signs[i] = 1 if row[-1] > 0 else -1

    def witness(self, point: list[Fraction]) -> None:
        """Rule LOWER: ‖J‖ at a point inside the domain around which f is affine is a lower bound of L."""
        ((z,), _) = common([[*point, Fraction(1)]])
        for j, (facet, _) in enumerate(self.domain.facets):
            ensure(_dot(facet, z) > 0 or not any(facet), f"witness: not inside facet {j}")
        if self.domain.ball is not None:
            centre, radius = self.domain.ball
            apart = list(map(operator.sub, point, centre))
            ensure(_dot(apart, apart) < radius**2, "witness: not inside the ball")
        for k in range(len(self.net.layers) - 1):
            self.open_layers(k + 1)
            for i, row in enumerate(self.forms[k], self.net.first[k]):
                value = _dot(row, z)
                ensure(value != 0 or self.signs[i] == 2 or not any(row[:-1]), "witness: on the boundary of neuron", i)
                self.signs[i] = 1 if value > 0 else -1
        ensure(self.compare(-1), "witness: the norm there is below the claimed lower bound")

    def read(self, step: Any) -> None:
        """Follow one step. A leaf that is refused leaves the node open."""
        ensure(len(self.waiting) > 0, "the tree is closed already")
        rule, *rest = listed(step, "a step") or [None]
        ensure(isinstance(rule, str) and rule in RULES, f"{rule!r:.40} is no rule")
        getattr(self, rule)(*listed(rest, rule, RULES[rule]))
        if rule != "split":
            neuron, self.signs, self.forms = self.waiting.pop()
            self.signs[neuron] = -1

    def split(self, value: Any) -> None:
        """Rule SPLIT: first where a neuron is active, and when that is closed, where it is not."""
        self.open_layers(len(self.net.layers))
        neuron = integer(value, "a neuron", 0, len(self.signs))
        ensure(self.signs[neuron] == 0, "neuron", neuron, "is decided already")
        self.waiting.append((neuron, list(self.signs), list(self.forms)))
        self.signs[neuron] = 1

    def row(self, index: int) -> tuple[Row, int, int]:
        """A row, its denominator and its sign: of a facet, or of a neuron whose layers below are decided."""
        if index < 0:
            return *self.domain.facets[-1 - index], 1
        k = bisect(self.net.first, index) - 1
        layer, i = self.net.layers[k], index - self.net.first[k]
        if k >= len(self.forms):
            self.open_layers(k + (self.signs[index] == 0))  # the form of a neuron that has its sign is computed alone
        if k < len(self.forms):
            row = self.forms[k][i]
        elif (values := self.entering(k)) is not None:
            (row,) = product([layer.weight[i]], values)
            row[-1] += layer.bias[i]
        else:
            raise Refused(f"the form of neuron {index} is not known here")
        ensure(abs(self.signs[index]) == 1, "neuron", index, "has no sign here")
        return row, layer.scale, self.signs[index]

    def empty(self, multipliers: Any) -> None:
        """Rule EMPTY: rows that are > 0 on every region of the node, and a positive combination that is not.

        A row that is not constant is > 0, not only ≥ 0, in the interior of a region that has its sign. A constant
        neuron is active iff it is > 0; its row may only be used where it was given the other sign: no region has it.
        """
        rows, weights, belows = [], [], []
        ensure(multipliers != [], "no multipliers")
        for pair in listed(multipliers, "the multipliers"):
            index, weight = listed(pair, "a multiplier", 2)
            row, below, sign = self.row(integer(index, "a row", -len(self.domain.facets), len(self.signs)))
            wrong = index >= 0 and (row[-1] > 0) != (sign > 0)
            ensure(any(row[:-1]) or wrong, "row", index, "is constant, and bounds nothing")
            rows.append(row)
            weights.append(sign * integer(weight, "a multiplier", 1, MULTIPLIERS))
            belows.append(below)
        whole, columns = lcm(*belows), zip(*rows, strict=True)
        factors = [weight * (whole // below) for weight, below in zip(weights, belows, strict=True)]
        *slope, constant = [_dot(factors, column) for column in columns]
        if self.domain.ball is None:
            ensure(not any(slope), "the combination is not constant")
            ensure(constant <= 0, "the combination is positive")
        else:
            centre, radius = self.domain.ball
            middle = _dot(slope, centre) + constant
            ensure(middle <= 0, "the combination is positive at the centre")
            ensure(radius**2 * _dot(slope, slope) <= middle**2, "the combination is positive in the ball")

    def slopes(self) -> None:
        """Rule SLOPES: no choice of slopes in their ranges has a greater norm."""
        ensure(self.compare(1), "the ranges exceed the upper bound")

    def compare(self, side: int) -> bool:
        """Whether side·(bound − ‖J‖_{p→q}) ≥ 0."""
        J, below = self.jacobian()
        limit, scale = (self.bound.numerator * below) ** 2, self.bound.denominator**2
        if self.pair != (2, 2):
            return side * (limit - scale * _norm_square(J, *self.pair)) >= 0
        gram = product(J, transposed(J))
        Z = [[limit * (i == j) - scale * x for j, x in enumerate(row)] for i, row in enumerate(gram)]
        return semidefinite(Z) if side > 0 else not eliminated(Z, strict=True)

    def jacobian(self) -> tuple[Matrix, int]:
        """The Jacobian, over a denominator; or, where slopes are undecided, how large each of its entries may be."""
        self.open_layers(len(self.net.layers))
        layers, known = self.net.layers, len(self.forms)
        J = [row[:-1] for row in self.forms[-1]]
        if known == len(layers):
            return J, layers[-1].scale
        # Ranges as middle ± radius, both doubled; up to the last form that is known there is nothing but one value.
        middle, radius = [[2 * x for x in row] for row in J], [[0] * len(row) for row in J]
        for k in range(known - 1, len(layers) - 1):
            for i, pair in enumerate(layers[k].slopes):
                if sign := self.signs[self.net.first[k] + i]:
                    slope = pair[sign > 0]
                    middle[i], radius[i] = [slope * m for m in middle[i]], [abs(slope) * r for r in radius[i]]
                    continue
                ranges = zip(middle[i], radius[i], strict=True)
                corners = [[slope * x for slope in pair for x in (m - r, m + r)] for m, r in ranges]
                ends = [(min(c), max(c)) for c in corners]
                middle[i], radius[i] = [(x + y) // 2 for x, y in ends], [(y - x) // 2 for x, y in ends]
            weight = layers[k + 1].weight
            middle, radius = product(weight, middle), product([list(map(abs, row)) for row in weight], radius)
        largest = [[abs(x) + r for x, r in zip(m, s, strict=True)] for m, s in zip(middle, radius, strict=True)]
        return largest, 2 * layers[-1].scale

    def sdp(self, exponent: Any, integers: Any) -> None:
        """Rule SDP: ρ‖v₀‖² − ‖out‖² − Σ T_i · 2 u_i (δ_i y_i − u_i) ≥ 0 for all (v₀, u), ρ = upper².

        It reads the Jacobian's transpose, of the same norm. A neuron with slopes (α, β), δ = β − α, sends y to αy + u
        with u ∈ {0, δy}, so the sum vanishes at what the transpose does. Decided neurons are substituted.
        """
        self.open_layers(len(self.net.layers))
        ensure(self.pair == reduced(self.net, (2, 2)), "the rule is for p = 2")
        shift = integer(exponent, "the multipliers' exponent", -4000, 4000)
        free = [i for i, sign in enumerate(self.signs) if sign == 0]
        T = dict(zip(free, listed(integers, "sdp", len(free)), strict=True))
        j, size = self.net.outputs, self.net.outputs + len(free)
        values = [[int(i == m) for m in range(j)] for i in range(j)]  # in v₀ and the u that are met so far
        # Z is scaled by the square of all units; as u counts as its multiple by those passed, its row by those ahead.
        rho, whole = self.bound**2, self.net.layers[-1].scale
        up, down = rho.denominator << max(0, shift), rho.denominator << max(0, -shift)
        Z = [[0] * size for _ in range(size)]  # its lower triangle at first
        for k in range(len(self.net.layers) - 1, len(self.forms) - 1, -1):
            rows, values = product(transposed(self.net.layers[k].weight), values), []
            below, start = self.net.layers[k - 1], self.net.first[k - 1]
            fresh = [i for i in free if start <= i < start + len(rows)]
            for i, (y, (left, right)) in enumerate(zip(rows, below.slopes, strict=True), start):
                slope = right if self.signs[i] > 0 else left
                values.append([slope * x for x in y] + [int(i == m) for m in fresh])
                if self.signs[i] == 0:
                    factor = integer(T[i], "a multiplier", -MULTIPLIERS, MULTIPLIERS) * up * below.scale**2
                    Z[j][: len(y)] = [factor * (left - right) * x for x in y]
                    Z[j][j] = 2 * factor
                    j += 1
        # The rest of the way to the inputs, on which all is decided, is the transpose of the last known form.
        out = transposed(product(transposed([row[:-1] for row in self.forms[-1]]), values))
        for i, x in enumerate(out):
            for j, y in enumerate(out[: i + 1]):
                Z[i][j] = Z[j][i] = Z[i][j] - down * _dot(x, y)
        for i in range(self.net.outputs):
            Z[i][i] += rho.numerator * whole**2 << max(0, -shift)
        ensure(semidefinite(Z), "the matrix is not shown to be positive semidefinite")


def reaches(net: Network, pair: Pair, upper: Fraction, enough: Fraction) -> bool:
    """Rule GRID: whether L <= enough implies L <= upper, since no value of the grid lies between.

    The products of the greatest common divisors of all matrices and slopes divide every entry of every Jacobian, hence
    L; or their squares L², where a 2-norm is taken. Spectral norms of matrices are on no grid.
    """
    power = 2 if 2 in pair else 1
    if pair == (2, 2) or net.grid == 0:
        return enough <= upper or net.grid == 0
    return enough**power // net.grid**power <= upper**power // net.grid**power


def check(net: Network, certificate: Any, domain: Domain, norms: Pair, lower: Fraction, upper: Fraction | None) -> None:
    """Raise Refused unless the certificate proves lower ≤ L ≤ upper (None: no upper claim)."""
    names = ("format", "version", "witness", "enough", "tree")
    kind, version, witness, above, steps = fields(certificate, names, "certificate")
    ensure(kind == "lipverify-certificate" and type(version) is int and version == 1, "certificate: of no known format")
    sizes = {len(facet) - 1 for facet, _ in domain.facets} | ({len(domain.ball[0])} if domain.ball else set())
    ensure(sizes <= {net.inputs}, "the domain has another dimension")
    ensure(lower >= 0 and (upper is None or upper >= lower), "the claim is empty: lower > upper, or negative")
    pair = reduced(net, norms)
    if witness is not None:
        Tree(net, domain, pair, lower).witness(numbers(witness, "witness", net.inputs))
    else:
        ensure(lower == 0, "the lower bound has no witness")
        ensure(domain.open, "without a witness nothing shows that the domain has an interior")
    if upper is not None:
        enough = upper if above is None else number(above, "enough")
        ensure(enough >= 0, "enough: it is negative")
        ensure(reaches(net, pair, upper, enough), "enough: it is above the claim, and a value may lie between")
        tree = Tree(net, domain, pair, enough)
        for at, step in enumerate(listed(steps, "tree")):
            try:
                tree.read(step)
            except Refused as error:
                raise Refused(f"step {at}: {error}") from error
        ensure(not tree.waiting, "tree: it ends before all of its leaves are closed")


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's first lines."""
    parser = argparse.ArgumentParser(description="check a proof of bounds of a Lipschitz constant", allow_abbrev=False)
    parser.add_argument("network", help="a network in lipverify's JSON format")
    parser.add_argument("certificate", help="a certificate, JSON, plain or gzip")
    parser.add_argument("--p", required=True, help="1, 2 or inf, or a pair p:q")
    parser.add_argument("--lower", default="0", help="the bound to be proved: decimal, fraction or hexadecimal float")
    parser.add_argument("--upper", default="inf", help="likewise")
    group = parser.add_mutually_exclusive_group()
    for kind, names in KINDS.items():
        group.add_argument(f"--{kind}", help=f"a JSON file with {' and '.join(names)}")
    given = parser.parse_args(arguments)
    status, verdict = 2, "REFUSED"
    try:
        net, domain = network(read_json(given.network)), Domain()
        for kind in KINDS:
            if (path := getattr(given, kind)) is not None:
                domain = domain_of(kind, read_json(path), net.inputs)
        known, norms = {"1": 1, "2": 2, "inf": 0}, (given.p.split(":") * 2)[:2]
        ensure(given.p.count(":") < 2 and known.keys() >= set(norms), f"--p {given.p!r:.40}: 1, 2, inf or a pair p:q")
        p, q = (known[norm] for norm in norms)
        lower = number(given.lower, "--lower")
        upper = None if given.upper == "inf" else number(given.upper, "--upper")
        status, verdict = 1, "NOT VERIFIED"
        check(net, read_json(given.certificate), domain, (p, q), lower, upper)
    except Refused as error:
        print(f"{verdict}: {error}", file=sys.stdout if status == 1 else sys.stderr)
        return status
    print(f"VERIFIED {given.lower} <= L <= {given.upper}, p = {given.p}, {given.network}")
    return 0


if __name__ == "__main__":  # pragma: no cover (tested in a process of its own)
    sys.exit(main())
