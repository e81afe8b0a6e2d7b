"""The mistake that the second tab warns of: accepting activation patterns that hold on boundaries only."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from lipverify.demo.plane import Forms, Pattern, Tile, Triple
from lipverify.demo.stream import Stop
from lipverify.demo.surd import largest, norm, norm_text, short

ZEROS = 12  # pre-activations at one corner whose signs the page tries out
PATTERNS = 2048  # patterns on boundaries that it looks at


def closed(forms: Forms, tiles: Sequence[Tile], p: float, stop: Stop = lambda: False) -> dict[str, Any]:
    """What one gets who accepts every pattern whose closed inequalities y ≥ 0, y ≤ 0 have a solution.

    Every set of points with the same zero pre-activations has a corner of some region in its closure, where at least
    these are zero: looking at corners is enough. There the non-zero ones decide, and the zero ones may be either.
    """
    seen: set[Pattern] = {tile.region.pattern for tile in tiles}
    looked: set[Triple] = set()
    best = largest([tile.norm for tile in tiles])
    worst, where, extra = best, None, 0
    for tile in tiles:
        for corner in tile.shape.corners:
            if corner in looked:
                continue
            looked.add(corner)
            zeros = forms.vanishing(tile.region.pattern, corner)
            if len(zeros) > ZEROS:
                return {"skipped": f"{len(zeros)} pre-activations are zero at one point, with too many combinations"}
            if extra > PATTERNS or stop():
                return {"skipped": f"there are more than {extra}"}
            for states in itertools.product((False, True), repeat=len(zeros)):
                pattern = _changed(tile.region.pattern, dict(zip(zeros, states, strict=True)))
                if pattern in seen:
                    continue
                seen.add(pattern)
                extra += 1
                size = norm(forms.jacobian(pattern), p)
                if size.exceeds(worst):
                    worst, where = size, (pattern, corner)
    found: dict[str, Any] = {"extra": extra, "text": norm_text(worst), "ratio": None}
    if where is not None:
        pattern, (x, y, t) = where
        found["ratio"] = float(worst) / float(best) if float(best) else None
        found["pattern"] = ["".join("1" if on else "0" for on in layer) for layer in pattern]
        found["point"] = f"({short(Fraction(x, t))}, {short(Fraction(y, t))})"
        found["at"] = [x / t, y / t]
        found["wrong"] = True
    return found


def _changed(pattern: Pattern, states: Mapping[tuple[int, int], bool]) -> Pattern:
    return tuple(tuple(states.get((k, i), on) for i, on in enumerate(layer)) for k, layer in enumerate(pattern))
