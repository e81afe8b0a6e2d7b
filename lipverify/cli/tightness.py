"""lipverify tightness"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from lipverify.cli.exits import FAILED, HOLDS
from lipverify.cli.printing import say, say_json
from lipverify.cli.signals import working

EXAMPLES = """Examples:

lipverify tightness check

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
    baseline: Annotated[Path | None, Parameter(help="The baseline file; default: the one that comes along.")] = None,
    rtol: Annotated[float, Parameter(help="How much looser a ratio may become.")] = 1e-3,
    plot: Annotated[Path | None, Parameter(help="Draw the ratios into this .svg, .png or .pdf file.")] = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False,
) -> int:
    """Hold upper bounds to their stored ratios bound / exact on the suite of named networks."""
    from lipverify.plots import require_drawable
    from lipverify.testing import pictures
    from lipverify.testing import tightness as held

    if plot is not None:
        require_drawable(plot)
    path = held.BASELINE if baseline is None else baseline
    stored = held.read_baseline(path)
    with working():
        measured = held.measure(list(estimator) or held.upper_methods())
    if plot is not None:
        pictures.plot_ratios(measured.ratios(), plot)
    found = held.compare_entries(stored, measured, rtol=rtol)
    failing = any(finding.fails for finding in found)
    if action == "update":
        held.write_baseline(path, held.updated(stored, measured))
        failing = False
    if json:
        entries = [dict(zip(held.COLUMNS, entry.cells(), strict=True)) for entry in measured.entries]
        changes = [{"change": f.change.name, "entry": " ".join(f.key), "text": f.text} for f in found]
        say_json({"baseline": str(path), "entries": entries, "changes": changes, "ok": not failing})
    else:
        lines = [held.summary(measured)] if action == "show" else [*map(str, found), _verdict(path, found, action)]
        say("\n".join(lines))
    return FAILED if failing and action == "check" else HOLDS


def _verdict(path: Path, found: Sequence[Any], action: str) -> str:
    failing = sum(finding.fails for finding in found)
    if action == "update":
        return f"{path}: {len(found)} changes taken"
    return f"{path}: {failing or 'no'} failures, {len(found) - failing} other changes"
