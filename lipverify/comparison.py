"""Every method on one problem, each number beside the exact constant."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias, final

from lipverify import verbs
from lipverify.bound import Bound, Rigor, Status
from lipverify.catalogue import METHODS
from lipverify.contract import require_method
from lipverify.domain import Domain, Everywhere
from lipverify.errors import Interrupted, InvalidArgument, InvalidDomain, LipverifyError
from lipverify.estimators.graph.bound import GraphAutoLip
from lipverify.fixed_inputs import restrict
from lipverify.network import Lowering, Network
from lipverify.norms import NormPair, norm_pair
from lipverify.problem import Method, Problem, Side, require_supported, supports
from lipverify.readers import as_graph, as_network, is_torch_module
from lipverify.report import bound_to_dict, describe, digits_down, digits_up, early_stop, json_float
from lipverify.trusted.rounding import float_down, float_up
from lipverify.watch import listening, tick

if TYPE_CHECKING:
    from lipverify.readers import Model
    from lipverify.readers.graph import Graph

RTOL = 1e-9  # a NUMERICAL bound ignores rounding: it is unsound only beyond this
HEADER = ("method", "lower", "upper", "ratio to exact", "rigor", "seconds", "")
TEXTS = ("method", "rigor", "")  # columns that are no numbers

Progress: TypeAlias = Callable[[str, Bound], Any]


@final
@dataclass(frozen=True)
class Row:
    """One method's result.

    Attributes
    ----------
    name, side
        The method, and what it bounds.
    bound
        Its result; None when it raised an error.
    ratio
        upper / exact rounded up, or lower / exact rounded down; against the far end of the exact interval
        while that is not closed. None for exact methods, and without a bound.
    wrong_side
        Whether the exact interval disproves the number: an upper bound below it, a lower bound above it.
    error
        What the method said instead of a number.
    """

    name: str
    side: Side
    bound: Bound | None
    ratio: float | None = None
    wrong_side: bool = False
    error: str = ""

    @property
    def value(self) -> float:
        """The side that the method bounds (the upper one for exact methods); NaN without a bound."""
        if self.bound is None:
            return math.nan
        return self.bound.lower if self.side == "lower" else self.bound.upper

    @property
    def rigor(self) -> Rigor:
        """The rigor of what the method bounds, the weaker of two sides; HEURISTIC without a bound."""
        if self.bound is None:
            return Rigor.HEURISTIC
        sides = {"upper": [self.bound.upper_rigor], "lower": [self.bound.lower_rigor]}
        return min(sides.get(self.side, [self.bound.lower_rigor, self.bound.upper_rigor]))

    @property
    def unsound(self) -> bool:
        """Whether the number breaks its promise; a heuristic promises nothing, and rounding is forgiven
        up to 1e-9 where the method is NUMERICAL."""
        if not self.wrong_side or self.ratio is None or self.rigor is Rigor.HEURISTIC:
            return False
        excess = self.ratio - 1 if self.side == "lower" else 1 - self.ratio
        return self.rigor > Rigor.NUMERICAL or excess > RTOL

    @property
    def failed(self) -> bool:
        """Whether the method raised an error, gave up, or broke its promise."""
        gave_up = self.bound is not None and self.bound.status is Status.FAILED
        return bool(self.error) or self.unsound or gave_up

    @property
    def remark(self) -> str:
        """What a reader must know about the number; empty when all is as it should be."""
        if self.error:
            return self.error
        if self.unsound:
            return "UNSOUND: " + self._contradiction
        if self.wrong_side and self.rigor is Rigor.HEURISTIC:
            return self._contradiction
        return early_stop(self.bound)

    @property
    def _contradiction(self) -> str:
        return "above the exact value" if self.side == "lower" else "below the exact value"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        number: dict[str, Any] = {} if self.bound is None else bound_to_dict(self.bound)
        own = {"name": self.name, "side": self.side, "ratio": json_float(self.ratio)}
        return own | {"wrong_side": self.wrong_side, "unsound": self.unsound, "error": self.error} | number


@final
@dataclass(frozen=True)
class Comparison:
    """What every method says about one problem.

    Attributes
    ----------
    network, norm, domain
        The problem.
    exact
        The interval that everything is compared with: one value when its status is EXACT.
    rows
        One `Row` per method, in the order of the catalogue; the exact method comes first.
    """

    network: Network
    norm: NormPair
    domain: Domain
    exact: Bound
    rows: tuple[Row, ...]

    @property
    def settled(self) -> bool:
        """Whether the exact constant is known, so that ratios are ratios to it."""
        return self.exact.status is Status.EXACT

    def ranked(self) -> tuple[Row, ...]:
        """Upper bounds, exact methods, lower bounds, each from the largest; errors last."""
        places = {"upper": 0, "exact": 1, "lower": 2}
        return tuple(sorted(self.rows, key=lambda r: (r.bound is None, places[r.side], -r.value if r.bound else 0.0)))

    def cells(self) -> list[tuple[str, ...]]:
        """The text of the table below `HEADER`, one tuple per row."""
        return [self._cells(row) for row in self.ranked()]

    def _cells(self, row: Row) -> tuple[str, ...]:
        if row.bound is None:
            return (row.name, "", "", "", "", "", row.error)
        lower = "" if row.side == "upper" else digits_down(row.bound.lower)
        upper = "" if row.side == "lower" else digits_up(row.bound.upper)
        seconds = f"{row.bound.seconds:.2f}"
        return (row.name, lower, upper, self.ratio_text(row), row.rigor.name, seconds, row.remark)

    def ratio_text(self, row: Row) -> str:
        """The ratio as it is printed: with ≤ or ≥ while the exact interval is open."""
        if row.ratio is None:
            return "1" if row.bound is not None and row.bound.status is Status.EXACT else ""
        sign = "" if self.settled else ("≥ " if row.side == "lower" else "≤ ")
        return sign + (f"{row.ratio:.4f}" if row.ratio < 1e6 else f"{row.ratio:.4g}")

    def caption(self) -> list[str]:
        """Lines on what was asked, what the answer is, and what it speaks of."""
        problem = [f"network: {self.network!r}", f"domain: {self.domain}, p = {self.norm}"]
        lines = [*problem, *describe(self.exact)]
        if not self.settled:
            lines.append("ratios are worst cases over that interval: ≤ for upper bounds, ≥ for lower ones")
        return lines

    def table(self) -> str:
        """A plain text table with its caption."""
        rows = [HEADER, *self.cells()]
        widths = [max(len(row[k]) for row in rows) for k in range(len(HEADER))]
        pad = [str.ljust if name in TEXTS else str.rjust for name in HEADER]
        lines = ["  ".join(f(c, w) for f, c, w in zip(pad, row, widths, strict=True)) for row in rows]
        lines.insert(1, "  ".join("-" * w for w in widths))
        return "\n".join(line.rstrip() for line in [*self.caption(), "", *lines])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data: fractions and infinities are strings."""
        return {
            "network": repr(self.network),
            "digest": self.network.digest,
            "domain": str(self.domain),
            "p": str(self.norm),
            "exact": bound_to_dict(self.exact),
            "rows": [row.to_dict() for row in self.rows],
        }


class InterruptedComparison(Interrupted):
    """Ctrl-C during a comparison.

    Attributes
    ----------
    bound
        The exact interval so far.
    comparison
        The rows so far.
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(comparison.exact)
        self.comparison = comparison


def compare(
    net: Model,
    methods: Sequence[str | Method] | None = None,
    *,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    example_input: Any = None,
    certify: bool = False,
) -> Comparison:
    """Hold estimators to the exact Lipschitz constant of a network.

    Parameters
    ----------
    net
        A network, a torch module, or a path. A torch module is bounded through its own graph too, by "autolip-graph".
    methods
        Names from `lipverify.methods()`, or method objects; None for every upper and lower method that
        supports the norm and the domain. The first exact one is what the others are held to ("auto" if
        there is none).
    p, domain, seed
        As for `lipverify.exact`.
    time_limit
        Seconds for each method.
    on_progress
        Called with a method's name and its bound so far; a true return value stops the comparison there.
    example_input
        One sample, without a batch axis, for a torch module whose layers do not tell its shape.
    certify
        Prove both sides of the exact interval; the proof is in `.exact.certificate`.

    Returns
    -------
    Comparison
        One row per method. A method that raises a LipverifyError has it in its row.

    Raises
    ------
    InvalidArgument
        For a method that is not in the catalogue.
    UnsupportedNorm, UnsupportedDomain
        When nobody supports the problem, or a method that was named does not.
    Interrupted
        On Ctrl-C: an `InterruptedComparison`, with the exact interval and the rows so far.
    """
    if domain is not None and not isinstance(domain, Domain):
        raise InvalidDomain(f"domain must be Everywhere, Box, Polytope, Ball or None; got {domain!r}")
    network = as_network(net, example_input=example_input)
    where = Everywhere() if domain is None else domain
    norm, restricted = norm_pair(p), restrict(network, where)
    traced = is_torch_module(net) and not restricted.fixed  # the graph is a function of all inputs
    graph = as_graph(net, network, example_input) if traced else None
    reference, others = _select(methods, Problem(restricted.network, norm, restricted.domain), graph)
    stop = _Stop(on_progress)

    def run(method: str | Method, name: str, side: Side) -> Bound:
        bound = _VERBS[side](
            network,
            method,
            p=norm,
            domain=where,
            time_limit=time_limit,
            seed=seed,
            on_progress=lambda bound: stop(name, bound),
            **({"certify": certify} if side == "exact" and method is reference else {}),
        )
        if isinstance(method, GraphAutoLip) and network.lowering is Lowering.ROUNDED:
            # It bounds the module; that the network is near the module is what its rigor leaves out.
            return replace(bound, upper_rigor=Rigor.NUMERICAL)
        return bound

    def against(exact: Bound, rows: Sequence[Row] = ()) -> Comparison:
        first = Row(exact.method, "exact", exact)
        return Comparison(network, norm, where, exact, (first, *rows))

    exact: Bound | None = None
    rows: list[Row] = []
    with listening():  # from here on Ctrl-C comes between two steps only, and what is done is kept
        try:
            exact = run(reference, "exact", "exact")
            for method in others:
                tick()
                if stop.asked:
                    break
                name, side = method.name, method.side
                try:
                    rows.append(held_to(exact, name, side, run(method, name, side)))
                except LipverifyError as error:
                    rows.append(Row(name, side, None, error=str(error)))
                except Interrupted as interrupt:
                    rows.append(held_to(exact, name, side, interrupt.bound))
                    raise
        except Interrupted as interrupt:
            raise InterruptedComparison(against(exact or interrupt.bound, rows)) from interrupt
        except KeyboardInterrupt as interrupt:
            if exact is None:
                raise
            raise InterruptedComparison(against(exact, rows)) from interrupt
    return against(exact, rows)


_VERBS: dict[Side, Callable[..., Bound]] = {"exact": verbs.exact, "upper": verbs.upper, "lower": verbs.lower}


class _Stop:
    """Forwards progress and remembers whether anyone asked to stop."""

    def __init__(self, on_progress: Progress | None) -> None:
        self.asked = False
        self._on_progress = on_progress

    def __call__(self, name: str, bound: Bound) -> bool:
        if self._on_progress is not None and self._on_progress(name, bound):
            self.asked = True
        return self.asked


def _select(
    methods: Sequence[str | Method] | None, problem: Problem, graph: Graph | None
) -> tuple[str | Method, list[Method]]:
    """The exact method, and the others."""
    if methods is None:
        every = [*(make() for make in METHODS.values()), *([] if graph is None else [GraphAutoLip(graph)])]
        return "auto", [m for m in every if m.side != "exact" and supports(m, problem)]
    chosen = [_method(m, graph) for m in dict.fromkeys(methods)]
    for method in chosen:
        require_supported(method, problem)
    exact = next((m for m in chosen if m.side == "exact"), None)
    return exact or "auto", [m for m in chosen if m is not exact]


def _method(method: str | Method, graph: Graph | None) -> Method:
    if not isinstance(method, str):
        return require_method(method)
    if method == GraphAutoLip.name:
        if graph is None:
            raise InvalidArgument(f"{method} bounds a torch module through its graph; pass the module itself")
        return GraphAutoLip(graph)
    if method not in METHODS:
        raise InvalidArgument(f"there is no method {method!r}; there are: {', '.join(METHODS)}")
    return METHODS[method]()


def held_to(exact: Bound, name: str, side: Side, bound: Bound) -> Row:
    """A method's row: its bound, set against the exact interval."""
    low, high = exact.enclosure or (exact.lower, exact.upper)
    if side == "upper":
        return Row(name, side, bound, _ratio(bound.upper, low, float_up), bound.upper < low)
    if side == "lower":
        return Row(name, side, bound, _ratio(bound.lower, high, float_down), bound.lower > high)
    return Row(name, side, bound, None, bound.upper < low or bound.lower > high)


def _ratio(value: float, reference: Fraction | float, rounded: Callable[[Fraction], float]) -> float:
    """value / reference with 0 / 0 = 1."""
    if reference == 0:
        return 1.0 if value == 0 else math.inf
    if math.isinf(value) or reference == math.inf:  # a Fraction may be beyond floats
        return math.inf if math.isinf(value) else 0.0
    return rounded(Fraction(value) / Fraction(reference))
