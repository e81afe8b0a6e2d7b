"""lipverify campaign"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import lipverify as lv
from lipverify.cli.exits import FAILED, HOLDS, LIMIT
from lipverify.cli.options import Cluster, Jobs
from lipverify.cli.printing import say, say_json
from lipverify.cli.signals import working
from lipverify.progress import status

EXAMPLES = """Examples:

lipverify campaign tightness --store tightness.sqlite --jobs 2

lipverify campaign SPEC.toml --store results.sqlite --export results.csv

lipverify campaign SPEC.toml --store results.sqlite --cluster tcp://scheduler:8786 --json
"""


def campaign(
    spec: Annotated[str, Parameter(help="A .toml file, or one that comes along: audit, paper, published, tightness.")],
    /,
    *,
    store: Annotated[Path, Parameter(help="The file of answers; what it knows is not asked again.")],
    export: Annotated[Path | None, Parameter(help="Write the rows to this .csv or .json file.")] = None,
    plot: Annotated[Path | None, Parameter(help="Draw the ratios into this .svg, .png or .pdf file.")] = None,
    jobs: Jobs = 1,
    cluster: Cluster = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False,
) -> int:
    """Ask many methods about many networks, and keep every answer; the same command goes on where it was stopped.

    Exit codes: 0 every row is answered, 1 a row failed or contradicts another, 2 bad usage, 3 a row was stopped by its
    time limit, or the campaign by Ctrl-C.
    """
    from lipverify.plots import require_drawable

    if export is not None and export.suffix not in (".csv", ".json"):
        raise lv.InvalidArgument(f"--export {export}: expected a name that ends in .csv or .json")
    if plot is not None:
        require_drawable(plot)
    try:
        with working(), status() as show:
            show("reading")
            found = lv.campaign(
                spec, store=store, jobs=jobs, cluster=cluster, on_progress=lambda progress: show(str(progress))
            )
    except lv.InterruptedCampaign as stop:
        found = stop.campaign
    if export is not None:
        found.save(export)
    if plot is not None:
        from lipverify.testing.pictures import plot_ratios

        plot_ratios(found.ratios, plot)
    if json:
        say_json(found.to_dict())
    else:
        say(found.table())
    if found.failures:
        return FAILED
    return LIMIT if not found.complete or any(row.limited for row in found) else HOLDS
