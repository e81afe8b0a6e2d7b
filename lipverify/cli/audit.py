"""lipverify audit"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

import lipverify as lv
from lipverify.cli import options
from lipverify.cli.exits import FAILED, HOLDS, LIMIT
from lipverify.cli.options import Cluster, Norm
from lipverify.cli.printing import say, say_json
from lipverify.cli.signals import working
from lipverify.progress import status

EXAMPLES = """Examples:

lipverify audit my_package.my_module:my_bound

lipverify audit my_package.my_module:my_bound --p inf --box -1:1 --max-examples 1000

lipverify audit lipsdp --ball 0.5

lipverify audit lipverify.testing.adapters:eclipse_fast --with eclipse-nn==0.1.6

lipverify audit lipsdp --max-examples 10000 --jobs 2

lipverify audit lipsdp --max-examples 10000 --cluster tcp://scheduler:8786

lipverify audit seqlip-greedy --json
"""


def audit(
    estimator: Annotated[
        str, Parameter(help="package.module:function, called as function(net, p=…, domain=…); or a method's name.")
    ],
    /,
    *,
    p: Norm = "2",
    side: Annotated[
        Literal["upper", "lower", "both"], Parameter(help="What it bounds; both for an exact solver.")
    ] = "upper",
    box: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="Look only here: LO:HI for every input; default: the whole space."),
    ] = None,
    ball: Annotated[
        float | None,
        Parameter(allow_leading_hyphen=True, help="Look only in the Euclidean ball of this radius around the origin."),
    ] = None,
    max_examples: Annotated[int, Parameter(help="How many random networks.")] = 200,
    own: Annotated[
        list[str] | None, Parameter(name="--network", negative="", help="A small network of your own; repeatable.")
    ] = None,
    seed: Annotated[int, Parameter(allow_leading_hyphen=True, help="The seed of every random choice.")] = 0,
    rtol: Annotated[float, Parameter(help="Below exact·(1 − rtol) is a violation, in between is rounding.")] = 1e-9,
    time_limit: Annotated[float | None, Parameter(help="Seconds; the report speaks of what was asked by then.")] = None,
    call_limit: Annotated[
        float, Parameter(help="Seconds that one call may take; a longer one is a finding. Not for methods by name.")
    ] = 60.0,
    packages: Annotated[
        list[str] | None,
        Parameter(
            name="--with",
            negative="",
            help="Ask the estimator with this package in place of what is installed, NAME==VERSION; repeatable.",
        ),
    ] = None,
    jobs: Annotated[int | None, Parameter(help="Processes; default: one per core where it is worth it.")] = None,
    cluster: Cluster = None,
    plot: Annotated[Path | None, Parameter(help="Draw the ratios into this .svg, .png or .pdf file.")] = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False,
) -> int:
    """Hold an estimator to the exact constant on random networks, and shrink what it gets wrong.

    The estimator runs in a process of its own, so one that crashes for good is a finding too. Ctrl-C leaves the
    report on what was asked by then.
    """
    from lipverify.plots import require_drawable
    from lipverify.testing import InterruptedAudit, Isolated
    from lipverify.testing import audit as run
    from lipverify.testing.elsewhere import installed
    from lipverify.testing.estimators import Named, load

    if plot is not None:
        require_drawable(plot)
    if packages is not None and ":" not in estimator:
        raise lv.InvalidArgument(f"--with is for other people's estimators, module:function; got {estimator}")
    with working(), status() as show, ExitStack() as stack:
        try:
            if packages is not None:
                show(f"pip: {', '.join(packages)}")
                folder = stack.enter_context(installed(packages))
                asked: Any = Isolated(Named(estimator), call_limit, folder)
            else:
                asked = Isolated(load(estimator), call_limit) if ":" in estimator else estimator
            report = run(
                asked,
                side=side,
                p=options.norm(p),
                domain=_domain(box, ball),
                max_examples=max_examples,
                seed=seed,
                rtol=rtol,
                own=own or (),
                time_limit=time_limit,
                jobs=jobs,
                cluster=cluster,
                on_progress=lambda n, kinds: show(_progress(estimator, n, kinds)),
            )
        except InterruptedAudit as stop:
            report = stop.report
    if json:
        say_json(report.to_dict())
    else:
        say(report.text())
    if plot is not None:
        from lipverify.testing.pictures import plot_ratios

        plot_ratios({report.estimator: report.ratios}, plot, side=report.side)
    if report.findings or (report.complete and not report.answered):
        return FAILED
    return HOLDS if report.complete else LIMIT


def _progress(estimator: str, asked: int, kinds: int) -> str:
    found = f", {kinds} kind{'' if kinds == 1 else 's'} of findings" if kinds else ""
    return f"{estimator}: {asked} networks{found}"


def _domain(box: str | None, ball: float | None) -> Any:
    """A box or a ball for every number of inputs."""
    from lipverify.testing import Cube, Round

    if box is not None and ball is not None:
        raise lv.InvalidArgument(f"there is one domain: --box {box!r} or --ball {ball!r}, not both")
    if ball is not None:
        lv.Ball([0.0], ball)  # refused here, if at all
        return Round(ball)
    if box is None:
        return None

    try:
        low, high = map(float, box.split(":"))
    except ValueError:
        raise lv.InvalidArgument(f"--box {box!r} is not LO:HI, two numbers such as -1:1") from None
    lv.Box([low], [high])  # refused here, if at all
    return Cube(low, high)
