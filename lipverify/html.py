"""What notebooks show: small tables, with bars in SVG. Nothing in them is fetched, and nothing runs."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from html import escape

from lipverify.bound import Bound, Rigor, Status
from lipverify.report import digits_down, digits_up, exact_text

COLOURS = {  # Okabe and Ito's
    Rigor.PROVED: "#009e73",
    Rigor.ROUNDED: "#0072b2",
    Rigor.NUMERICAL: "#cc79a7",
    Rigor.HEURISTIC: "#d55e00",
}
WIDTH, HEIGHT = 200, 14
FAR = 1e30  # what is further from the reference ends at the edge


class Scale:
    """A logarithmic axis of `WIDTH` pixels around a reference, wide enough for some values.

    Attributes
    ----------
    reference
        Where bars begin; None when there is nothing positive to begin at.
    """

    def __init__(self, reference: float, values: Sequence[float]) -> None:
        self.reference = reference if 0 < reference < math.inf else None
        base = self.reference or 1.0
        near = [v / base for v in (base, *values) if 0 < v < math.inf and 1 / FAR < v / base < FAR]
        low, high = math.log(min(near)), math.log(max(near))
        margin = max(0.06 * (high - low), 0.02)
        self._base, self._low, self._high = base, low - margin, high + margin

    def place(self, value: float) -> float:
        """A value's pixel; 0 and inf are at the ends."""
        if not 0 < value < math.inf or not 1 / FAR < value / self._base < FAR:
            return float(WIDTH) if value > self._base else 0.0
        share = (math.log(value / self._base) - self._low) / (self._high - self._low)
        return WIDTH * min(max(share, 0.0), 1.0)


def bar(scale: Scale, low: float, high: float, rigor: Rigor, title: str) -> str:
    """A bar from one value to another, and the line of the reference."""
    left, right = sorted((scale.place(low), scale.place(high)))
    start = 0.0 if scale.reference is None else scale.place(scale.reference)
    middle = f'<line x1="{start:.1f}" y1="0" x2="{start:.1f}" y2="{HEIGHT}" stroke="currentColor" stroke-width="1"/>'
    dashes = ' stroke-dasharray="2 2"' if rigor is Rigor.HEURISTIC else ""
    filled = f'fill="{COLOURS[rigor]}" fill-opacity="{0.25 if dashes else 0.85}" stroke="{COLOURS[rigor]}"{dashes}'
    shape = f'<rect x="{left:.1f}" y="3" width="{max(right - left, 1.5):.1f}" height="{HEIGHT - 6}" {filled}/>'
    return svg(shape + middle, title)


def svg(content: str, title: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    """A picture with its words for those who do not see it."""
    words = escape(title, quote=True)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" aria-label="{words}">'
    return f"{head}<title>{words}</title>{content}</svg>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int], caption: Sequence[str]) -> str:
    """A table; its cells are HTML, its header and its caption text."""
    lines = "<br>".join(escape(line) for line in caption)
    head = "".join(f"<th style='text-align:{_side(k, left)}'>{escape(name)}</th>" for k, name in enumerate(header))
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:{_side(k, left)}'>{cell}</td>" for k, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    top = f"<caption style='text-align:left;caption-side:top'>{lines}</caption>" if caption else ""
    return f"<table>{top}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _side(column: int, left: Collection[int]) -> str:
    return "left" if column in left else "right"


def bound_html(bound: Bound) -> str:
    """A bound: its sides with what they rest on, and the interval as a bar on the way from 0."""
    value = f"L = {exact_text(bound)}" if bound.status is Status.EXACT else ""
    rows = [
        ["L ≥", escape(digits_down(bound.lower)), escape(f"{bound.lower_rigor.name}: {bound.lower_rigor.value}")],
        ["L ≤", escape(digits_up(bound.upper)), escape(f"{bound.upper_rigor.name}: {bound.upper_rigor.value}")],
    ]
    lines = [f"{bound.method}, {bound.seconds:.2f} s: {bound.status.value}", value, bound.subject]
    caption = [line for line in lines if line]
    return f"<div>{table(('', 'value', 'rests on'), rows, (0, 2), caption)}{_interval(bound)}</div>"


def _interval(bound: Bound) -> str:
    """From 0 to the upper side: certain as far as the lower one, open beyond."""
    share = 1.0 if bound.upper == 0 else 0.0 if bound.upper == math.inf else min(bound.lower / bound.upper, 1.0)
    low = WIDTH * share
    colour = COLOURS[bound.lower_rigor], COLOURS[bound.upper_rigor]
    certain = f'<rect x="0" y="3" width="{low:.1f}" height="{HEIGHT - 6}" fill="{colour[0]}"/>'
    left = max(WIDTH - low, 0.0)
    dashes = ' stroke-dasharray="2 2"' if bound.upper == math.inf else ""
    unknown = (
        f'<rect x="{low:.1f}" y="3" width="{left:.1f}" height="{HEIGHT - 6}" fill="{colour[1]}" fill-opacity="0.2" '
        f'stroke="{colour[1]}"{dashes}/>'
    )
    return svg(unknown + certain, f"between {digits_down(bound.lower)} and {digits_up(bound.upper)}")


def layers_html(words: str, sizes: Sequence[int]) -> str:
    """A network: its layers as bars, one of each width, taller on a logarithmic scale."""
    tall = max(math.log2(n + 1) for n in sizes)
    step, full = 30, 48
    bars = []
    for k, n in enumerate(sizes):
        height = max(full * math.log2(n + 1) / tall, 2.0)
        place = f'x="{k * step + 8}" y="{full - height:.1f}" width="14" height="{height:.1f}"'
        bars.append(f'<rect {place} fill="{COLOURS[Rigor.ROUNDED]}"/>')
        style = 'font-size="9" text-anchor="middle" fill="currentColor"'
        bars.append(f'<text x="{k * step + 15}" y="{full + 11}" {style}>{n}</text>')
    picture = svg("".join(bars), "widths " + ", ".join(map(str, sizes)), step * len(sizes), full + 14)
    return f"<div>{escape(words)}<br>{picture}</div>"
