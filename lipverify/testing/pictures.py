"""Pictures of tightness: bound / exact by method and family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipverify.plots import GREY, INK, SHADE, house_style, require_drawable, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # Okabe and Ito's
MARKERS = "osD^vPX"
FAR = 1e6  # what is further from 1 is an arrow at the end of the axis
WRONG = "#fbe3d6"  # the side on which a bound is none


def plot_ratios(ratios: Mapping[str, Mapping[str, Sequence[float]]], path: str | Path, *, side: str = "upper") -> None:
    """Draw bound / exact on a logarithmic axis: a row for every method, a colour for every family.

    The side of 1 on which a bound is none is shaded where a ratio lies there; 0 and inf are arrows at the ends.

    Parameters
    ----------
    ratios
        method → family → ratios.
    side
        "lower" for lower bounds, which are wrong above 1.
    path
        Where to write; the suffix .svg, .png or .pdf decides the format.

    Raises
    ------
    InvalidArgument
        For another suffix, or a path that cannot be written.
    """
    path = Path(path)
    require_drawable(path)
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(7.2, 1.0), layout="constrained")
        _draw(figure, ratios, side)
        save_figure(figure, path)


def _draw(figure: Figure, ratios: Mapping[str, Mapping[str, Sequence[float]]], side: str) -> None:
    families = list(dict.fromkeys(family for groups in ratios.values() for family in groups))
    figure.set_figheight(1.3 + 0.12 * max(1, len(families)) * max(1, len(ratios)))
    axes = figure.add_subplot()
    axes.set_xscale("log")
    every = [value for groups in ratios.values() for values in groups.values() for value in values]
    left, right = _ends(every)
    axes.set_xlim(left, right)
    below = side != "lower"
    if any(value < 1 if below else value > 1 for value in every):
        axes.axvspan(*((left, 1) if below else (1, right)), color=WRONG, zorder=0)
        axes.annotate(
            f"{'below' if below else 'above'} 1: not {'an upper' if below else 'a lower'} bound",
            (0 if below else 1, 1),
            (0, 2),
            "axes fraction",
            textcoords="offset points",
            ha="left" if below else "right",
            va="bottom",
            fontsize=7,
            color=INK,
        )
    for row, groups in enumerate(ratios.values()):
        for k, family in enumerate(families):
            _strip(axes, row + 0.7 * ((k + 0.5) / len(families) - 0.5), k, groups.get(family, ()))
    axes.axvline(1, color=INK, linewidth=1.0, zorder=1)
    axes.set_ylim(len(ratios) - 0.5, -0.5)
    axes.set_yticks(range(len(ratios)), list(ratios))
    axes.set_xlabel("bound / exact constant (tick: the median; arrow: 0, or beyond the axis)")
    axes.grid(axis="x", color=SHADE, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(axis="y", length=0)
    if families:
        handles = [axes.plot([], [], **_dot(k), markersize=4, label=family)[0] for k, family in enumerate(families)]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(families)), frameon=False)


def _strip(axes: Axes, y: float, k: int, values: Sequence[float]) -> None:
    """One family's ratios on a line, with their median."""
    if not values:
        return
    left, right = axes.get_xlim()
    shown = sorted(min(max(value, left), right) for value in values)
    inside = [value for value in values if left <= value <= right]
    axes.plot(inside, [y] * len(inside), **_dot(k), markersize=3.2, alpha=0.45)
    for end, marker, many in ((left, "<", sum(v < left for v in values)), (right, ">", sum(v > right for v in values))):
        if many:
            arrow: dict[str, Any] = {**_dot(k), "marker": marker}
            axes.plot([end], [y], **arrow, markersize=5.0, clip_on=False)
    median = shown[(len(shown) - 1) // 2]
    axes.plot([median, median], [y - 0.06, y + 0.06], color=COLOURS[k % len(COLOURS)], linewidth=2.0)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """An axis with room around 1 and around every ratio that is not too far from it."""
    near = [1.0, *(value for value in values if 1 / FAR <= value <= FAR)]
    low, high = min(near), max(near)
    if any(value < 1 / FAR for value in values):
        low = min(low / 3, 0.3)  # an arrow at the end stands apart from what is near it
    if any(value > FAR for value in values):
        high = max(3 * high, 3.0)
    margin = max((high / low) ** 0.04, 1.03)
    return low / margin, high * margin


def _dot(k: int) -> dict[str, Any]:
    colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
    return {"color": colour, "marker": marker, "linestyle": "", "markeredgewidth": 0}
