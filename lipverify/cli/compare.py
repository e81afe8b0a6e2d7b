"""lipverify compare"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

import lipverify as lv
from lipverify.cli import options
from lipverify.cli.exits import FAILED, HOLDS, LIMIT, exit_code
from lipverify.cli.options import AS_IT_IS, DEFAULTS, Common, Model, Reading
from lipverify.cli.printing import say, say_json
from lipverify.cli.signals import working
from lipverify.comparing import InterruptedComparison
from lipverify.comparison import Row
from lipverify.plots import plot_comparison, require_drawable
from lipverify.progress import interval, status
from lipverify.tables import as_shown, wrapped
from lipverify.text import printable

EXAMPLES = """Examples:

lipverify compare

lipverify compare model.onnx --p 2 --p inf --time-limit 60 --method all

lipverify compare model.json --box -1:1 --method autolip --method sample --plot bounds.svg
"""


def compare(
    model: Model = None,
    /,
    *,
    p: Annotated[
        list[str] | None,
        Parameter(negative="", help="The norm: 1, 2 or inf, a pair such as 1:inf; repeatable. Default: 2."),
    ] = None,
    method: Annotated[
        list[str] | None,
        Parameter(negative="", help="This method; repeatable; `all` for every one. Default: the best of each kind."),
    ] = None,
    certify: Annotated[bool, Parameter(negative="", help="Prove both sides of the exact interval (PROVED).")] = False,
    plot: Annotated[Path | None, Parameter(help="Draw the bounds into this .svg, .png or .pdf file.")] = None,
    reading: Reading = AS_IT_IS,
    common: Common = DEFAULTS,
) -> int:
    """Hold every estimator to the exact Lipschitz constant."""
    norms = p or ["2"]
    if plot is not None:
        require_drawable(plot)
        if len(norms) > 1:
            raise lv.InvalidArgument(f"--plot draws one norm; got --p {' --p '.join(norms)}")
    net = options.network(model, reading)
    domain = options.domain(common.box, net, common.ball)
    done: list[lv.Comparison] = []
    interrupted = False
    for text in norms:
        try:
            with working(), status() as show:
                done.append(
                    lv.compare(
                        net,
                        "all" if method == ["all"] else method,
                        p=options.norm(text),
                        domain=domain,
                        time_limit=common.time_limit,
                        seed=common.seed,
                        on_progress=lambda name, bound: show(f"{name}: {interval(bound)}"),
                        certify=certify,
                    )
                )
        except InterruptedComparison as stop:
            done.append(stop.comparison)
            interrupted = True
        if not common.json:
            say_table(done[-1], first=len(done) == 1)
        if interrupted:
            break
    if common.json:
        say_json({"comparisons": [comparison.to_dict() for comparison in done]})
    if plot is not None:
        plot_comparison(done[0], plot)
    return _code(done, interrupted)


def _code(done: list[lv.Comparison], interrupted: bool) -> int:
    if any(row.failed for comparison in done for row in comparison.rows):
        return FAILED
    if interrupted or any(exit_code(comparison.exact) == LIMIT for comparison in done):
        return LIMIT
    return HOLDS


def say_table(comparison: lv.Comparison, *, first: bool = True) -> None:
    """The table: coloured and as wide as the terminal where somebody looks at it, plain and whole in a pipe."""
    if not first:
        say("")
    console = Console()
    if not console.is_terminal:
        say(comparison.table())
        return
    lines, remarks = comparison.body(console.width)
    styles = ["", "", *map(_style, comparison.ranked())]
    for line in comparison.caption():
        _print(console, wrapped(line, console.width))
    _print(console, [""])
    for line, style in zip(lines, styles, strict=True):
        _print(console, [line], style)
    _print(console, ["", *remarks] if remarks else [])


def _print(console: Console, lines: list[str], style: str = "") -> None:
    for line in lines:
        console.print(Text(as_shown(printable(line)), style), soft_wrap=True)


def _style(row: Row) -> str:
    if row.failed:
        return "bold red"
    if row.side == "exact":
        return "bold"
    return "yellow" if row.rigor is lv.Rigor.HEURISTIC else ""
