"""Rounding is accounted for in one package: nobody else names its constants, steps to a next float, or factorises."""

from __future__ import annotations

import ast
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest

import lipverify as lv
from lipverify.estimators.chain import links
from lipverify.evaluate import forward_exact, jacobian_exact, jacobian_with_error
from lipverify.geometry.affine import LayerForms
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.norms import NormPair, exact_norm, norm_pair, norms_upper
from lipverify.problem import Budget, Problem, Side
from lipverify.rationals import entries, fraction
from lipverify.relaxations.crown import crown_ranges
from lipverify.relaxations.interval import Ranges, Slopes, preactivation_ranges
from lipverify.relaxations.jacobian import jacobian_norms
from lipverify.trusted import rounding
from lipverify.trusted.balls import Ball
from lipverify.trusted.halfspaces import HalfSpaces
from lipverify.trusted.intervals import bent
from lipverify.trusted.multipliers import Sides, weak_duality
from lipverify.trusted.rounding import square_root_up, times_up
from lipverify.trusted.vectors import vectors_upper

PACKAGE = Path(lv.__file__).resolve().parent
OWN = ("trusted",)
PROPOSALS = ("attacks", "engine", "relaxations/barrier.py", "relaxations/compiled.py")
"""Floats that only propose, and are verified elsewhere, may step and factorise as they like."""
CONSTANTS = frozenset({"gamma", "U", "TINY"})
STEPS = frozenset({"nextafter"})
MODULES = ("np", "numpy", "math", "np.linalg", "numpy.linalg", "scipy.linalg", "linalg")
FACTORISATIONS = frozenset({"cholesky", "cho_factor", "ldl"})


def accounts(package: Path) -> Iterator[str]:
    """Every place outside the trusted package that accounts for rounding by itself, as file:line and what."""
    for path in sorted(package.rglob("*.py")):
        where = path.relative_to(package).as_posix()
        if where.startswith(OWN):
            continue
        proposes = where.startswith(PROPOSALS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in names(node):
                if name in CONSTANTS or (name in STEPS | FACTORISATIONS and not proposes):
                    yield f"{where}:{getattr(node, 'lineno', 0)}: {name}"


def names(node: ast.AST) -> Iterator[str]:
    """The names of interest that a node imports or reads from a module."""
    if isinstance(node, ast.ImportFrom):
        trusted = (node.module or "").startswith("lipverify.trusted")
        for alias in node.names:
            if trusted or alias.name in STEPS | FACTORISATIONS:
                yield alias.name
    if isinstance(node, ast.Attribute):
        owner = ast.unparse(node.value)
        if node.attr in STEPS | FACTORISATIONS and owner in (
            "np",
            "numpy",
            "math",
            "np.linalg",
            "numpy.linalg",
            "scipy.linalg",
        ):
            yield node.attr
        if node.attr in CONSTANTS and owner.endswith("rounding"):
            yield node.attr


def test_rounding_is_accounted_for_in_one_place() -> None:
    assert list(accounts(PACKAGE)) == []


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("norms.py", "from lipverify.trusted.rounding import TINY, up", "TINY"),
        ("norms.py", "from lipverify.trusted.rounding import U as unit", "U"),
        ("norms.py", "from lipverify.trusted import rounding\nx = rounding.gamma(3)", "gamma"),
        ("relaxations/cells.py", "import numpy as np\nx = np.nextafter(1.0, 2.0)", "nextafter"),
        ("relaxations/cells.py", "from math import nextafter", "nextafter"),
        ("estimators/pair.py", "import numpy as np\nx = np.linalg.cholesky(y)", "cholesky"),
        ("attacks/points.py", "from lipverify.trusted.rounding import gamma", "gamma"),
    ],
)
def test_the_rule_can_fail(tmp_path: Path, file: str, text: str, name: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (found,) = accounts(tmp_path)
    assert found.startswith(file)
    assert found.endswith(name)


def test_proposals_and_other_letters_are_free(tmp_path: Path) -> None:
    (tmp_path / "attacks").mkdir()
    (tmp_path / "attacks" / "moves.py").write_text("import numpy as np\nx = np.nextafter(1.0, 2.0)")
    (tmp_path / "trusted.py").write_text("from lipverify.trusted.rounding import U")
    (tmp_path / "bench.py").write_text("U, s, V = np.linalg.svd(A)\nU @ V")
    assert list(accounts(tmp_path)) == []


# A primitive that rounds the wrong way is noticed in every package that rests on it -----------------


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def network(seed: int) -> lv.Network:
    """Three layers of numbers without structure: nearly every sum is rounded."""
    draw = np.random.default_rng(seed)
    sizes = (4, 6, 5, 3)
    weights = [draw.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
    return lv.Network(weights, [draw.normal(size=m) for m in sizes[1:]])


def norms_hold() -> bool:
    rows = rng().normal(size=(40, 1, 30))
    found = norms_upper(rows, np.zeros_like(rows), norm_pair(math.inf))
    truth = [sum(abs(Fraction(x)) for x in row[0].tolist()) for row in rows]
    return all(Fraction(a) >= b for a, b in zip(found.tolist(), truth, strict=True))


def evaluation_holds() -> bool:
    for seed in range(4):
        net = network(seed)
        active = [np.arange(n) % 2 == 0 for n in net.hidden]
        mid, rad = jacobian_with_error(net, active)
        exact = entries(jacobian_exact(net, tuple(tuple(layer.tolist()) for layer in active)))
        for row, middles, errors in zip(exact, mid.tolist(), rad.tolist(), strict=True):
            if any(abs(Fraction(m) - fraction(x)) > Fraction(e) for x, m, e in zip(row, middles, errors, strict=True)):
                return False
    return True


def relaxations_hold(ranges: Callable[..., Ranges]) -> bool:
    for seed in range(4):
        net = network(seed)
        x = rng().normal(size=4)
        found = ranges(net, x, x)
        ends = zip(found.low[-1].tolist(), forward_exact(net, x.tolist()), found.high[-1].tolist(), strict=True)
        if not all(Fraction(low) <= value <= Fraction(high) for low, value, high in ends):
            return False
    return True


def jacobians_hold() -> bool:
    for seed in range(4):
        net = network(seed)
        fixed = tuple(np.ones(n) for n in net.hidden)
        found = jacobian_norms(net, Slopes(fixed, fixed), norm_pair(math.inf))
        pattern = tuple((True,) * n for n in net.hidden)
        if Fraction(float(found)) < exact_norm(jacobian_exact(net, pattern), norm_pair(math.inf)).root:
            return False
    return True


def estimators_hold() -> bool:
    for seed in range(8):
        W = np.random.default_rng(seed).normal(size=(3, 9))
        net = lv.Network([W, np.ones((1, 3))])
        truth = 3 * max(sum(abs(Fraction(x)) for x in row) for row in W.tolist())
        if Fraction(lv.upper(net, "autolip", p=math.inf).upper) < truth:
            return False
    return True


def geometry_holds() -> bool:
    """No wrong side is claimed of points that lie as near to the hyperplane as floats allow."""
    draw = rng()
    for _ in range(60):
        row, z = draw.normal(size=8), draw.normal(size=8)
        rest = sum(Fraction(a) * Fraction(x) for a, x in zip(row[1:].tolist(), z[1:].tolist(), strict=True))
        z[0] = float(-rest / Fraction(row[0]))
        exact = Fraction(row[0]) * Fraction(z[0]) + rest
        sign = int(HalfSpaces.of(Ball.exact(row[None])).signs_at(z[None])[0, 0])
        if sign * exact < 0:
            return False
    return True


def solvers_hold() -> bool:
    draw = rng()
    for _ in range(20):
        A, costs, y = draw.normal(size=(6, 5)), draw.normal(size=5), draw.normal(size=6)
        limits = -np.ones(5), np.ones(5)
        high = draw.normal(size=6)
        found = weak_duality(costs, A, np.abs(A), Sides(np.full(6, -math.inf), high, *limits), np.abs(y))
        truth = sum(Fraction(abs(v)) * Fraction(h) for v, h in zip(y.tolist(), high.tolist(), strict=True))
        for j, c in enumerate(costs.tolist()):
            column = zip(A[:, j].tolist(), y.tolist(), strict=True)
            truth += abs(Fraction(c) - sum((Fraction(a) * Fraction(abs(v)) for a, v in column), Fraction(0)))
        if Fraction(found) < truth:
            return False
    return True


HOLD: dict[str, Callable[[], bool]] = {
    "norms": norms_hold,
    "evaluate": evaluation_holds,
    "relaxations, intervals": lambda: relaxations_hold(preactivation_ranges),
    "relaxations, crown": lambda: relaxations_hold(crown_ranges),
    "relaxations, passes": jacobians_hold,
    "estimators": estimators_hold,
    "geometry": geometry_holds,
    "solvers": solvers_hold,
}


def everywhere(patch: pytest.MonkeyPatch, name: str, new: Any) -> None:
    """Exchange a function of `rounding` wherever it was imported."""
    old = getattr(rounding, name)
    for module in [m for n, m in sys.modules.items() if n.startswith("lipverify") and getattr(m, name, None) is old]:
        patch.setattr(module, name, new)


@pytest.mark.parametrize("package", HOLD)
def test_an_error_bound_of_the_wrong_sign_is_noticed(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert HOLD[package]()
    gamma = rounding.gamma
    factor = 0.0 if package == "geometry" else -1.0  # of an error < 0 both sides would be claimed, which is neither
    everywhere(monkeypatch, "gamma", lambda n: factor * gamma(n))
    for step in ("up", "ups"):
        everywhere(monkeypatch, step, lambda x: x)
    assert not HOLD[package]()


# Two more mistakes, where nothing else makes up for them: a step that is not taken, a product's own rounding forgotten.


def boxes_hold() -> bool:
    """|3x| ≤ 1 lies in a box whose ends are floats."""
    box = enclosing_box(lv.Polytope([[3.0], [-3.0]], [1.0, 1.0]))
    return Fraction(float(box.lower[0])) <= Fraction(-1, 3) and Fraction(float(box.upper[0])) >= Fraction(1, 3)


def slopes_hold() -> bool:
    """Neurons over intervals: nothing is rounded but the slope's product."""
    for x in rng().uniform(0.5, 1.0, size=8).tolist():
        low, high = bent(np.array([x]), np.array([x]), np.array([[0.0, 0.3]]))
        if not Fraction(float(low[0])) <= Fraction(0.3) * Fraction(x) <= Fraction(float(high[0])):
            return False
    return True


def holds_exactly(ball: Ball, truth: list[list[Fraction]], power: Fraction) -> bool:
    """Whether a matrix lies in 2^e · ball."""
    for row, mids, rads in zip(truth, ball.mid.tolist(), ball.rad.tolist(), strict=True):
        for x, mid, rad in zip(row, mids, rads, strict=True):
            if abs(x - power * Fraction(mid)) > power * Fraction(rad):
                return False
    return True


def fused_layers_hold() -> bool:
    """Two linear layers become one matrix, known up to a radius."""
    for seed in range(4):
        net = network(seed)
        linear = lv.Network(net.weights[:2], slopes=[[[1.0, 1.0]] * net.hidden[0]])
        (link,) = links(linear)
        truth = [[fraction(x) for x in row] for row in entries(jacobian_exact(linear, ((True,) * net.hidden[0],)))]
        if not holds_exactly(link.ball, truth, Fraction(2) ** link.exponent):
            return False
    return True


def forms_hold() -> bool:
    """Pre-activations of the second layer as affine forms on a region."""
    for seed in range(4):
        net = network(seed)
        forms = LayerForms.first(net).above([True] * net.hidden[0])
        if not holds_exactly(forms.ball, [[fraction(x) for x in row] for row in entries(forms.exact)], Fraction(1)):
            return False
    return True


def no_step(patch: pytest.MonkeyPatch) -> None:
    for step in ("up", "ups"):
        everywhere(patch, step, lambda x: x)


def no_rounding_of_its_own(patch: pytest.MonkeyPatch) -> None:
    def product(A: Ball, B: Ball) -> Ball:
        return Ball(A.mid @ B.mid, A.rad @ (np.abs(B.mid) + B.rad) + np.abs(A.mid) @ B.rad)

    patch.setattr(Ball, "__matmul__", product)


@pytest.mark.parametrize(
    ("mistake", "hold"),
    [
        (no_step, boxes_hold),
        (no_step, slopes_hold),
        (no_rounding_of_its_own, fused_layers_hold),
        (no_rounding_of_its_own, forms_hold),
    ],
)
def test_a_forgotten_rounding_is_noticed(
    mistake: Callable[[pytest.MonkeyPatch], None], hold: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hold()
    mistake(monkeypatch)
    assert not hold()


# What a newcomer needs is there --------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Geometric:
    """Π √(‖|W|‖₁ ‖|W|‖_∞) ≥ Π ‖W‖₂: a method of somebody else's, out of what `trusted` offers."""

    name: ClassVar[str] = "geometric"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[lv.Rigor] = lv.Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = (norm_pair(2),)
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "every weight once"

    def run(self, problem: Problem, budget: Budget) -> Iterator[lv.Bound]:
        """The bound."""
        net, total = problem.network, 1.0
        for k, W in enumerate(net.weights):
            rows, columns = vectors_upper(np.abs(W), 1.0).max(), vectors_upper(np.abs(W.T), 1.0).max()
            total = times_up(total, square_root_up(times_up(float(rows), float(columns))))
            if k < len(net.slopes):
                total = times_up(total, float(np.abs(net.slopes[k]).max()))
        yield lv.Bound(
            method=self.name, status=lv.Status.ONE_SIDED, upper=total, upper_rigor=lv.Rigor.ROUNDED, lower=0.0
        )


@pytest.mark.parametrize("exponent", [0, 500, -500])
def test_a_newcomers_method_needs_nothing_but_trusted(exponent: int) -> None:
    draw = rng()
    for seed in range(4):
        net = network(seed)
        scaled = [np.ldexp(W, e) for W, e in zip(net.weights, (exponent, -exponent, 0), strict=True)]
        net = lv.Network(scaled, slopes=[draw.uniform(-1, 1, size=(n, 2)) for n in net.hidden])
        found = lv.upper(net, Geometric())
        assert found.upper_rigor is lv.Rigor.ROUNDED
        square = Fraction(1)
        for W, slopes in zip(net.weights, [*net.slopes, np.ones((1, 2))], strict=True):
            exact = [[abs(Fraction(x)) for x in row] for row in W.tolist()]
            square *= (
                max(map(sum, exact)) * max(map(sum, zip(*exact, strict=True))) * Fraction(np.abs(slopes).max()) ** 2
            )
        assert square <= Fraction(found.upper) ** 2 <= square * (1 + Fraction(1, 10**12))
