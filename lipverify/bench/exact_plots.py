"""Pictures of `lipverify bench exact`: the gap against time, and time against size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lipverify.bound import Bound, Status

FINE = 1e-6  # a gap below this is drawn here: floats cannot show 0 on a logarithmic axis


def plot_gaps(runs: Iterable[tuple[str, Sequence[tuple[float, Bound]]]], folder: Path) -> Path:
    """upper / lower − 1 against seconds, one line per network, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="seconds", ylabel="gap: upper / lower − 1")
    for label, history in runs:
        points = [(max(seconds, 1e-3), max(bound.gap, FINE)) for seconds, bound in history if bound.gap < 1e6]
        if points:
            (line,) = axes.plot(*zip(*points, strict=True), label=label, drawstyle="steps-post")
            if history[-1][1].status is Status.EXACT:
                axes.plot(*points[-1], "o", color=line.get_color())
    axes.axhline(FINE, color="#8c959f", linewidth=0.8)
    axes.annotate("closed", (axes.get_xlim()[0], FINE), (4, 4), textcoords="offset points", color="#57606a")
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return _saved(figure, folder / "gap.svg")


def plot_growth(sizes: Mapping[str, Sequence[tuple[str, Bound]]], folder: Path) -> Path:
    """Seconds and nodes against neurons or inputs, one panel per quantity that is varied; open runs are hollow."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * max(1, len(sizes)), 3.4), layout="constrained")
    for k, (varied, rows) in enumerate(sizes.items()):
        axes = figure.add_subplot(1, len(sizes), k + 1, yscale="log", title=varied)
        places = range(len(rows))
        axes.plot(places, [max(bound.seconds, 1e-3) for _, bound in rows], "-", color="#0072b2", label="seconds")
        axes.plot(places, [max(bound.nodes or 0, 1) for _, bound in rows], "--", color="#d55e00", label="nodes")
        for place, (_, bound) in zip(places, rows, strict=True):
            full = "#0072b2" if bound.status is Status.EXACT else "white"
            axes.plot(place, max(bound.seconds, 1e-3), "o", color="#0072b2", markerfacecolor=full)
        axes.set_xticks(list(places), [label for label, _ in rows], rotation=35, ha="right", fontsize="small")
        if k == 0:
            axes.legend(fontsize="small")
    return _saved(figure, folder / "growth.svg")


def _saved(figure: object, path: Path) -> Path:
    from matplotlib.figure import Figure

    assert isinstance(figure, Figure)
    figure.savefig(path, metadata={"Date": None})
    return path
