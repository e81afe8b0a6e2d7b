"""lipverify hardness"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import App, Parameter

import lipverify as lv
from lipverify.cli import compare as compare_command
from lipverify.cli.exits import FAILED, HOLDS, LIMIT, exit_code
from lipverify.cli.options import Norm, norm
from lipverify.cli.printing import say, say_aside, say_json
from lipverify.cli.signals import working
from lipverify.comparing import InterruptedComparison
from lipverify.plots import plot_comparison, require_drawable
from lipverify.progress import interval, status

EXAMPLES = """Examples:

lipverify hardness maxcut petersen

lipverify hardness maxcut graph.txt --p inf --json

lipverify hardness independent-set C5

lipverify hardness clique house --colours 3

lipverify hardness sat formula.cnf --time-limit 60
"""

app = App(
    name="hardness",
    help="A combinatorial problem as a network: its exact constant, the solution decoded from it, and every estimator.",
    help_format="plaintext",
    help_epilogue=EXAMPLES,
)

Graph: TypeAlias = Annotated[
    str,
    Parameter(
        help="A file (one edge 'u v [weight]' a line, graph6, DIMACS), or a name: petersen, C5, K4, K3,3, random:12."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """How to compare, how long, and how to answer.

    Attributes
    ----------
    method
        Only these methods; the first exact one decides.
    time_limit
        Seconds for each method.
    seed
        The seed of every random choice.
    json
        Print one JSON object.
    plot
        Draw the bounds into this file.
    """

    method: Annotated[
        list[str] | None, Parameter(negative="", help="Only this method; repeatable. Default: all that apply.")
    ] = None
    time_limit: Annotated[
        float | None,
        Parameter(allow_leading_hyphen=True, help="Seconds for each method; what is known by then is printed."),
    ] = None
    seed: Annotated[int, Parameter(allow_leading_hyphen=True, help="The seed of every random choice.")] = 0
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False
    plot: Annotated[Path | None, Parameter(help="Draw the bounds into this .svg, .png or .pdf file.")] = None


DEFAULTS = Options()
_COUNTABLE = 14  # vertices of an independent-set network whose regions are counted in a moment
_ENUMERABLE = 1_000_000  # regions; measured: beyond them branch and bound leaves the narrower interval
_SPEED = (500, 4000)  # regions a second, measured on a slow machine that was busy and on one that was not
_PATIENCE = 10.0  # seconds that need no announcement


@app.command
def maxcut(graph: Graph, /, *, p: Norm = "2", options: Options = DEFAULTS) -> int:
    """Maximum cut: L² (p = 2) or L (p = 1, inf) is its value."""
    reduction = lv.hardness.maxcut(lv.hardness.load_graph(graph), _single(p))

    def words(cut: Any) -> tuple[str, Any]:
        side = sorted(map(str, cut.side), key=_natural)
        return f"{cut.value}, between {{{', '.join(side)}}} and the other vertices", side

    return _answer("maximum cut", reduction, words, "branch-and-bound", options)


@app.command(name="independent-set")
def independent_set(graph: Graph, /, *, options: Options = DEFAULTS) -> int:
    """Largest independent set: L_1 is its size."""
    reduction = lv.hardness.independent_set(lv.hardness.load_graph(graph))

    def words(found: Any) -> tuple[str, Any]:
        vertices = sorted(map(str, found.vertices), key=_natural)
        return f"{found.value}: {{{', '.join(vertices)}}}", vertices

    few = len(reduction.vertices) <= _COUNTABLE and reduction.regions <= _ENUMERABLE
    if options.method is None:
        _announce(reduction.regions if few else None)
    exact = "enumeration" if few else "branch-and-bound"
    return _answer("largest independent set", reduction, words, exact, options)


@app.command
def clique(
    graph: Graph,
    /,
    *,
    colours: Annotated[str, Parameter(help="A file with one 'vertex colour' a line, or the clique's size.")],
    p: Norm = "inf",
    options: Options = DEFAULTS,
) -> int:
    """A clique with one vertex of each colour, by a network with one input per colour."""
    read = lv.hardness.load_graph(graph)
    reduction = lv.hardness.clique(read, lv.hardness.load_colours(colours, read), _single(p))
    copies = colours.isdecimal()

    def words(found: Any) -> tuple[str, Any]:
        if found is None:
            return "none: there is no such clique", None
        vertices = [str(v[0] if copies else v) for v in found.vertices]
        return ", ".join(vertices), vertices

    return _answer("clique", reduction, words, "enumeration", options)


@app.command
def sat(file: str, /, *, p: Norm = "2", options: Options = DEFAULTS) -> int:
    """Satisfiability of a DIMACS file: L = 0 iff nothing satisfies the formula."""
    clauses, variables = lv.hardness.load_formula(file)
    reduction = lv.hardness.satisfiability(clauses, _single(p), variables=variables)

    def words(found: Any) -> tuple[str, Any]:
        if found is None:
            return "none: the formula is unsatisfiable", None
        literals = [k if on else -k for k, on in found.values.items()]
        return " ".join(map(str, literals)), literals

    return _answer("satisfying assignment", reduction, words, "enumeration", options)


def _answer(what: str, reduction: Any, words: Callable[[Any], tuple[str, Any]], exact: str, options: Options) -> int:
    """Compare every method on the reduction's network, decode the exact one, and print both."""
    if options.plot is not None:
        require_drawable(options.plot)
    methods = options.method or [exact, *_estimators(reduction.p)]
    interrupted = False
    try:
        with working(), status() as show:
            comparison = lv.compare(
                reduction.network,
                methods,
                p=reduction.p,
                time_limit=options.time_limit,
                seed=options.seed,
                on_progress=lambda name, bound: show(f"{name}: {interval(bound)}"),
            )
    except InterruptedComparison as stop:
        comparison, interrupted = stop.comparison, True
    bound = comparison.exact
    low, high = reduction.interval(bound)
    found = words(reduction.decode(bound)) if bound.witness is not None and (low > 0 or high == 0) else None
    line = f"{what}: {found[0]}" if found else f"{what}: none found yet"
    if low != high:
        line += f" (proved so far: between {low} and {high})"
    if options.json:
        say_json(
            {
                "problem": what,
                "description": reduction.describe(),
                "value": str(low) if low == high else None,
                "interval": [str(low), str(high)],
                "solution": found[1] if found else None,
                "network": {
                    "inputs": reduction.network.input_dim,
                    "hidden": list(reduction.network.hidden),
                    "outputs": reduction.network.output_dim,
                },
                "comparison": comparison.to_dict(),
            }
        )
    else:
        say(reduction.describe())
        say(line)
        say("")
        compare_command.say_table(comparison)
    if options.plot is not None:
        plot_comparison(comparison, options.plot)
    if any(row.failed for row in comparison.rows):
        return FAILED
    return LIMIT if interrupted or exit_code(bound) == LIMIT else HOLDS


def _announce(regions: int | None) -> None:
    """Say on stderr, beforehand, how long an exact answer will take, when that is long."""
    if regions is None:
        say_aside("an exact answer may take hours here; --time-limit bounds each method's seconds")
    elif regions / _SPEED[0] > _PATIENCE:
        slow, fast = (math.ceil(regions / speed) for speed in _SPEED)
        say_aside(f"enumeration will visit {regions:,} regions: about {fast} to {slow} s; --time-limit ends it")


def _estimators(p: float) -> list[str]:
    """The methods that bound one side, on the whole space, in a norm."""
    return [m.name for m in lv.methods() if m.side != "exact" and not m.needs_box and (p, p) in m.norms]


def _single(p: str) -> float:
    """The same norm on both sides, as a number."""
    value = norm(p)
    if isinstance(value, tuple):
        raise lv.InvalidArgument(f"--p {p}: a reduction has one norm on both sides: 1, 2 or inf")
    try:
        return {1.0: 1.0, 2.0: 2.0, math.inf: math.inf}[float(value)]
    except (ValueError, KeyError):
        raise lv.InvalidArgument(f"--p {p}: expected 1, 2 or inf") from None


def _natural(text: str) -> tuple[int, int, str]:
    """Numbers by size, then words."""
    return (0, int(text), "") if text.isdecimal() and len(text) < 19 else (1, 0, text)
