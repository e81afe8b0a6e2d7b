"""lipverify tightness"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from lipverify.cli.exits import FAILED, HOLDS, LIMIT
from lipverify.cli.options import Cluster, Jobs
from lipverify.cli.printing import say, say_json
from lipverify.cli.signals import working
from lipverify.progress import status

EXAMPLES = """Examples:

lipverify tightness check --jobs 2

lipverify tightness update my_package.my_module:my_bound --baseline tightness.txt

lipverify tightness show --plot ratios.svg
"""


def tightness(
    action: Annotated[
        Literal["check", "update", "show"],
        Parameter(help="Compare with the baseline, write it, or show the ratios by family."),
    ],
    /,
    *estimator: Annotated[
        str, Parameter(help="package.module:function or a method's name; default: every upper method.")
    ],
    baseline: Annotated[
        Path | None,
        Parameter(help="The baseline file; default: tightness.txt for MODULE:FUNCTION, else the one that comes along."),
    ] = None,
    rtol: Annotated[float, Parameter(help="How much looser a ratio may become.")] = 1e-3,
    jobs: Jobs = 1,
    cluster: Cluster = None,
    plot: Annotated[Path | None, Parameter(help="Draw the ratios into this .svg, .png or .pdf file.")] = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False,
) -> int:
    """Hold upper bounds to their stored ratios bound / exact on the suite of named networks.

    A check fails when a ratio is looser, unsound or less rigorous than its stored line, when an estimator answers
    nothing, when a stored line is not measured, and when nothing was compared. Exit codes: 0 holds, 1 failed, 2 bad
    usage or no baseline, 3 interrupted.
    """
    from lipverify.plots import require_drawable
    from lipverify.testing import baseline as files
    from lipverify.testing import pictures
    from lipverify.testing import tightness as held
    from lipverify.testing.estimators import as_estimator

    if plot is not None:
        require_drawable(plot)
    own = any(":" in name for name in estimator)
    path = baseline if baseline is not None else files.OWN if own else files.BASELINE
    fresh = action != "check" and not path.exists()
    stored = [] if fresh else files.read_baseline(path)
    asked = [as_estimator(name) for name in estimator or held.upper_methods()]
    interrupted = False
    try:
        with working(), status() as show:
            told = lambda name, case: show(f"{name}: {case.name}")  # noqa: E731
            measured = held.measure(asked, on_progress=told, jobs=jobs, cluster=cluster)
    except held.InterruptedMeasurement as stop:
        measured, interrupted = stop.measured, True
    if plot is not None:
        pictures.plot_ratios(measured.ratios(), plot)
    found = held.compare_entries(stored, measured, rtol=rtol, whole=not estimator and not interrupted)
    compared = len({entry.key for entry in stored} & {entry.key for entry in measured.entries})
    failing = any(finding.fails for finding in found) or not (compared or interrupted)
    if action == "update":
        files.write_baseline(path, held.updated(stored, measured))
        failing = False
    if json:
        entries = [dict(zip(files.COLUMNS, entry.cells(), strict=True)) for entry in measured.entries]
        changes = [{"change": f.change.name, "entry": " ".join(f.key), "text": f.text} for f in found]
        numbers = {"compared": compared, "stored": len(stored), "complete": not interrupted}
        say_json({"baseline": str(path), **numbers, "entries": entries, "changes": changes, "ok": not failing})
    elif action == "show":
        say(held.summary(measured))
    else:
        say("\n".join([*map(str, found), _verdict(path, found, action, compared, len(stored), interrupted)]))
    if failing and action == "check":
        return FAILED
    return LIMIT if interrupted else HOLDS


def _verdict(path: Path, found: Sequence[Any], action: str, compared: int, stored: int, interrupted: bool) -> str:
    failing = sum(finding.fails for finding in found)
    if action == "update":
        verdict = f"{path}: {len(found)} changes taken"
    elif compared:
        others = len(found) - failing
        verdict = f"{path}: {failing or 'no'} failures, {others} other changes; {compared} of {stored} lines compared"
    else:
        verdict = f"{path}: nothing was compared with its {stored} lines; `lipverify tightness update` stores bounds"
    return verdict + (" (interrupted: the rest was not measured)" if interrupted else "")
