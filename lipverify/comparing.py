"""The comparison itself: every method asked, and held to the exact constant."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lipverify import verbs
from lipverify.bound import Bound, Rigor
from lipverify.catalogue import METHODS, SHORT
from lipverify.comparison import Comparison, Row, held_to
from lipverify.contract import require_method
from lipverify.domain import Domain, Everywhere
from lipverify.errors import Interrupted, InvalidArgument, InvalidDomain, LipverifyError
from lipverify.estimators.graph.bound import GraphAutoLip
from lipverify.fixed_inputs import restrict
from lipverify.network import Lowering
from lipverify.norms import norm_pair
from lipverify.problem import Method, Problem, Side, require_supported, supports
from lipverify.progress import interval, status
from lipverify.readers import as_graph, as_network, is_torch_module
from lipverify.watch import listening, tick

if TYPE_CHECKING:
    from lipverify.readers import Model
    from lipverify.readers.graph import Graph

Progress: TypeAlias = Callable[[str, Bound], Any]


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
    methods: Sequence[str | Method] | Literal["all"] | None = None,
    *,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    example_input: Any = None,
    certify: bool = False,
    verbose: bool = False,
) -> Comparison:
    """Hold estimators to the exact Lipschitz constant of a network.

    Parameters
    ----------
    net
        A network, a torch module, or a path. A torch module is bounded through its own graph too, by "autolip-graph".
    methods
        Names from `lipverify.methods()`, or method objects; "all" for every upper and lower method that supports the
        norm and the domain; None for a short list of them, the best of each kind and cost class. The first exact one
        is what the others are held to ("auto" if there is none).
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
    verbose
        Show on stderr what is going on.

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
    if verbose:
        options: dict[str, Any] = {"p": p, "domain": domain, "time_limit": time_limit, "seed": seed}
        with _narrated(on_progress) as told:
            return compare(net, methods, on_progress=told, example_input=example_input, certify=certify, **options)
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


@contextmanager
def _narrated(on_progress: Progress | None) -> Generator[Progress]:
    """A callback that shows progress as well."""
    with status(first=1.0) as show:

        def told(name: str, bound: Bound) -> Any:
            show(f"{name}: {interval(bound)}")
            return None if on_progress is None else on_progress(name, bound)

        yield told


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
    methods: Sequence[str | Method] | Literal["all"] | None, problem: Problem, graph: Graph | None
) -> tuple[str | Method, list[Method]]:
    """The exact method, and the others."""
    if methods is None or methods == "all":
        names = SHORT if methods is None else METHODS
        every = [*(METHODS[name]() for name in names), *([] if graph is None else [GraphAutoLip(graph)])]
        return "auto", [m for m in every if m.side != "exact" and supports(m, problem)]
    if isinstance(methods, str):
        raise InvalidArgument(f'methods must be "all", None, or a list of names and method objects; got {methods!r}')
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
