"""Pictures of comparisons, without a browser and without pyplot's global state."""

from __future__ import annotations

import io
import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from lipverify.bound import Rigor, Status
from lipverify.comparison import Comparison, Row
from lipverify.errors import InvalidArgument
from lipverify.html import COLOURS
from lipverify.network import Network
from lipverify.report import digits_nearest, exact_text
from lipverify.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png", ".pdf")
INK, GREY, SHADE = "#24292f", "#8c959f", "#eaeef2"
MARKERS = {Rigor.PROVED: "D", Rigor.ROUNDED: "o", Rigor.NUMERICAL: "s", Rigor.HEURISTIC: "o"}
STYLES = {rigor: (COLOURS[rigor], marker) for rigor, marker in MARKERS.items()}  # shapes tell the same as colours do
LABELS = {Rigor.HEURISTIC: "heuristic (may be on the wrong side)"}
FINE, COARSE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0)
MANY_DECADES = 3
FAR = 1e30  # what is further from the exact value is an arrow at the end of the axis
CHARACTER = 5.5  # points, generously: the width of a digit


@dataclass(frozen=True)
class _Axis:
    """Where the lollipops stand: everything is divided by `reference`, stems start at `origin`."""

    reference: float
    origin: float
    left: float
    right: float
    name: str

    def place(self, value: float) -> float:
        """A value's position, at an end when it lies beyond."""
        return min(max(value / self.reference, self.left), self.right)

    def beyond(self, value: float) -> bool:
        """Whether the axis does not reach the value: 0 and inf never have a place."""
        return not self.left <= value / self.reference <= self.right


def plot_comparison(comparison: Comparison, path: str | Path) -> None:
    """Draw every bound as a lollipop from the exact value, on a logarithmic axis.

    Parameters
    ----------
    comparison
        From `lipverify.compare`.
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
        rows = [row for row in comparison.ranked() if row.bound is not None]
        figure = Figure(figsize=(7.2, 1.5 + 0.27 * len(rows)), layout="constrained")
        _draw(figure, comparison, rows)
        save_figure(figure, path)


@contextmanager
def house_style() -> Generator[None]:
    """Text as paths, our ink, and nothing random: the same input gives the same file."""
    from matplotlib import rc_context

    style: dict[Any, Any] = {
        "svg.fonttype": "path",
        "svg.hashsalt": "lipverify",
        "font.size": 9.0,
        "text.color": INK,
    }
    with rc_context(style):
        yield


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, undated.

    Raises
    ------
    InvalidArgument
        For a path that cannot be written.
    """
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    suffix, drawn = path.suffix.lower(), io.BytesIO()
    figure.savefig(drawn, format=suffix[1:], dpi=200, metadata=undated.get(suffix))
    try:
        write_whole(path, drawn.getvalue())
    except OSError as error:
        raise InvalidArgument(f"cannot write {str(path)!r}: {error.strerror or error}") from error


def require_drawable(path: Path) -> None:
    """Raise InvalidArgument for a path that no picture can be written to; cheap, for asking beforehand."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidArgument(f"cannot draw to {str(path)!r}; the name must end in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise InvalidArgument(f"cannot draw to {str(path)!r}; there is no directory {str(path.parent)!r}")


def _draw(figure: Figure, comparison: Comparison, rows: list[Row]) -> None:
    axis = _axis(comparison, rows)
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.set_xlim(axis.left, axis.right)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    if axis.origin > axis.left:
        axes.axvline(1, color=INK, linewidth=1.0, zorder=1)
        if not comparison.settled:
            axes.axvspan(1, axis.place(comparison.exact.upper), color=SHADE, zorder=0)
    texts = [("! " if row.wrong_side else "") + comparison.ratio_text(row) for row in rows]
    column = 8 + CHARACTER * max(map(len, ["ratio", *texts]))  # where the ratios end, right of the axis
    for y, (row, text) in enumerate(zip(rows, texts, strict=True)):
        _lollipop(axes, axis, y, row)
        colour = STYLES[Rigor.HEURISTIC][0] if row.rigor is Rigor.HEURISTIC else INK
        axes.annotate(
            text,
            (1, y),
            (column, 0),
            ("axes fraction", "data"),
            "offset points",
            va="center",
            ha="right",
            color=colour,
        )
    axes.annotate("ratio", (1, 1), (column, 4), "axes fraction", "offset points", va="bottom", ha="right", color=GREY)
    _dress(axes, axis, rows)
    _title(figure, comparison)
    _legend(figure, rows)


def _axis(comparison: Comparison, rows: list[Row]) -> _Axis:
    exact = comparison.exact
    reference = exact.lower if 0 < exact.lower < math.inf else 1.0
    candidates = [value / reference for value in (*(row.value for row in rows), exact.upper)]
    places = [x for x in candidates if 1 / FAR < x < FAR]
    known = exact.lower > 0
    low, high = min(places, default=1.0), max(places, default=1.0)
    if known:
        low, high = min(low, 1.0), max(high, 1.0)
    margin = 10 ** (max(math.log10(high / low), 0.3) * 0.06)
    left, right = low / margin, high * margin
    name = "bound (the exact constant is 0)" if exact.upper == 0 else "bound"
    if known:
        unit = "exact constant" if comparison.settled else "lower end of the exact interval (shaded)"
        name = f"bound / {unit}"
    return _Axis(reference, 1.0 if known else left, left, right, name)


def _lollipop(axes: Axes, axis: _Axis, y: int, row: Row) -> None:
    ends = [row.bound.lower, row.bound.upper] if row.side == "exact" and row.bound else [row.value]
    for value in ends:
        x = axis.place(value)
        beyond = (">" if x >= axis.right else "<") if axis.beyond(value) else ""
        axes.plot([axis.origin, x], [y, y], **_stem(row.rigor), zorder=2)
        axes.plot([x], [y], **_head(row.rigor, beyond), clip_on=False, zorder=3)


def _stem(rigor: Rigor) -> dict[str, Any]:
    return {
        "color": STYLES[rigor][0],
        "linewidth": 1.6,
        "linestyle": ":" if rigor is Rigor.HEURISTIC else "-",
    }


def _head(rigor: Rigor, marker: str = "") -> dict[str, Any]:
    colour, usual = STYLES[rigor]
    face = "white" if rigor is Rigor.HEURISTIC else colour
    shape = {"marker": marker or usual, "markersize": 6.5, "markeredgewidth": 1.4}
    return {"color": colour, "markerfacecolor": face} | shape


def _dress(axes: Axes, axis: _Axis, rows: list[Row]) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", color=GREY)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_xlabel(axis.name)
    axes.grid(axis="x", color=SHADE, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    first, last = math.floor(math.log10(axis.left)), math.ceil(math.log10(axis.right))
    if last - first <= MANY_DECADES:
        steps = FINE if axis.right < 10 * axis.left else COARSE
        ticks = [m * 10.0**k for k in range(first, last + 1) for m in steps]
        ticks = [t for t in ticks if axis.left <= t <= axis.right]
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _title(figure: Figure, comparison: Comparison) -> None:
    exact = comparison.exact
    value = f"L = {exact_text(exact)}"
    if exact.status is not Status.EXACT:
        value = f"L in [{digits_nearest(exact.lower)}, {digits_nearest(exact.upper)}]"
    figure.suptitle(
        f"{_name(comparison.network)}    p = {comparison.norm}    {comparison.domain}\nexact: {value}",
        x=0.012,
        ha="left",
        fontsize=10,
    )


def _name(network: Network) -> str:
    shape = " → ".join(str(n) for n in (network.input_dim, *network.hidden, network.output_dim))
    return f"{PurePath(network.source).name} ({shape})" if network.source else shape


def _legend(figure: Figure, rows: list[Row]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], label=LABELS.get(rigor, rigor.name.lower()), **(_stem(rigor) | _head(rigor)))
        for rigor in sorted({row.rigor for row in rows}, reverse=True)
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
