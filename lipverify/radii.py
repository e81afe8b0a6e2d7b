"""How far an input may move before a classification can change, certified by margins and local Lipschitz constants.

If the margin m of a label over another is Lipschitz with constant L on the open ball of radius r around x, and
m(x) ≥ r·L, then m > 0 all over that ball. L grows with r, so there is a largest r for which this says something; it is
found by bisection, each step one `decide`. Proof: proofs/radius.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Point, Vector
from lipverify.bound import Bound, Rigor
from lipverify.decision import Answer, decide
from lipverify.domain import Ball
from lipverify.driver import budget_of
from lipverify.errors import InvalidArgument
from lipverify.evaluate import forward_exact
from lipverify.geometry.witness import certify_point
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from lipverify.readers import as_network
from lipverify.trusted.rounding import float_down
from lipverify.verbs import exact, upper

if TYPE_CHECKING:
    from lipverify.readers import Model

_LARGEST = 2.0**100  # a radius beyond which nobody looks


@final
@dataclass(frozen=True, kw_only=True)
class Step:
    """One link of the chain: on the ball of this radius the margin's constant is at most margin / radius.

    Attributes
    ----------
    against
        The other label.
    margin
        f_label − f_against at the point, exactly.
    radius
        Of the ball.
    bound
        What proves the constant: `.upper` ≤ margin / radius.
    """

    against: int
    margin: Fraction
    radius: float
    bound: Bound


@final
@dataclass(frozen=True, kw_only=True)
class CertifiedRadius:
    """No point nearer than `radius` is classified otherwise.

    Attributes
    ----------
    radius
        A float, so a rational: 0 when nothing is certified, inf when no label can ever overtake.
    label
        The label; of a network with one output 1 where it is positive and 0 elsewhere.
    ceiling
        A radius at which margins and local constants certify nothing any more, as far as that is known; inf if not.
    chain
        Per other label the link that covers the radius.
    others
        What global constants certify: "autolip", "lipsdp" (p = 2), and "exact", the exact one or the upper end reached
        in the time for it.
    rigor
        The least of the chain's.
    """

    radius: float
    label: int
    ceiling: float
    chain: tuple[Step, ...] = ()
    others: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "others", MappingProxyType(dict(self.others)))

    @property
    def rigor(self) -> Rigor:
        """The least rigor of the chain's bounds."""
        return min((step.bound.upper_rigor for step in self.chain), default=Rigor.PROVED)


def certified_radius(
    net: Model,
    x: npt.ArrayLike,
    label: int | npt.ArrayLike | None = None,
    *,
    p: Any = 2,
    rtol: float = 1e-3,
    time_limit: float | None = None,
    global_seconds: float = 1.0,
    seed: int = 0,
) -> CertifiedRadius | Iterator[CertifiedRadius]:
    """The largest radius that margins and exact local Lipschitz constants certify around a point.

    Parameters
    ----------
    net
        A Network, a torch module, or a path; its largest output is the label. One output: its sign.
    x
        A point of shape (d,), or points of shape (N, d).
    label
        The label, or one per point; None for the network's own. Where the network says otherwise the radius is 0.
    p
        1, 2 or inf: the norm of the ball.
    rtol
        How near to the largest radius, relatively.
    time_limit
        Seconds for each point; what is certified by then is returned.
    global_seconds
        Seconds for each exact global constant, reported for comparison and used where it is better; 0 for none.

    Returns
    -------
    CertifiedRadius
        For one point; an iterator of them for several, each computed when it is asked for.

    Raises
    ------
    InvalidArgument
        For points or labels of other shapes, or a tolerance that is no number in (0, 1).
    UnsupportedNorm
        For a pair of norms, or an unknown one.
    """
    network = as_network(net)
    pair = norm_pair(p)
    if pair.p != pair.q:
        raise InvalidArgument(f"the norm of a ball is 1, 2 or inf, not a pair; got p = {p!r}")
    if not 0 < rtol < 1:
        raise InvalidArgument(f"rtol must lie between 0 and 1; got {rtol!r}")
    points = np.asarray(x, dtype=np.float64)
    if points.ndim not in (1, 2) or points.shape[-1] != network.input_dim or not np.isfinite(points).all():
        d = network.input_dim
        raise InvalidArgument(f"x has shape {points.shape}; expected finite numbers of shape ({d},) or (N, {d})")
    search = _Search(network, pair.p, rtol, time_limit, global_seconds, seed)
    if points.ndim == 1:
        return search.around(points, _label(label, network))
    labels: list[Any] = np.broadcast_to(np.asarray(label, dtype=object), (len(points),)).tolist()
    known = [_label(value, network) for value in labels]
    return (search.around(point, own) for point, own in zip(points, known, strict=True))


@final
@dataclass(frozen=True)
class _Search:
    """The search for one network; global constants are computed once."""

    network: Network
    p: float
    rtol: float
    time_limit: float | None
    global_seconds: float
    seed: int
    _constants: dict[tuple[int, int], dict[str, Bound]] = field(default_factory=dict)

    def around(self, x: Vector, label: int | None) -> CertifiedRadius:
        """The radius around one point."""
        budget = budget_of(self.time_limit, self.seed)
        values = forward_exact(self.network, x.tolist())
        own = _own_label(values)
        label = own if label is None else label
        rivals = self._rivals(values, label)
        if any(margin <= 0 for _, _, margin in rivals):
            return CertifiedRadius(radius=0.0, label=label, ceiling=0.0)
        radius, ceiling = math.inf, math.inf
        links: dict[int, Step] = {}
        # The rival that is nearest as far as the gradient tells comes first: most others then need one look.
        others: dict[str, float] = {}
        for rival, margin_net, margin in sorted(rivals, key=lambda r: self._reach(r[1], r[2], x)):
            constants = self._globally(label, rival, margin_net)
            for name, bound in constants.items():
                others[name] = min(others.get(name, math.inf), _quotient(margin, bound.upper))
            known = min(constants.values(), key=lambda bound: bound.upper)
            low, high, step = self._largest(margin_net, margin, rival, x, radius, budget.remaining, known)
            if step is not None:
                links[rival] = step
            radius, ceiling = min(radius, low), min(ceiling, high)
        return CertifiedRadius(radius=radius, label=label, ceiling=ceiling, chain=tuple(links.values()), others=others)

    def _rivals(self, values: Point, label: int) -> list[tuple[int, Network, Fraction]]:
        """The other labels, the networks of the margins over them, and the margins."""
        if len(values) == 1:
            sign = 1 if label else -1
            return [(1 - label, self.network.output([sign]), sign * values[0])]
        found = []
        for rival, value in enumerate(values):
            if rival != label:
                row = np.zeros(len(values))
                row[label], row[rival] = 1.0, -1.0
                found.append((rival, self.network.output(row), values[label] - value))
        return found

    def _reach(self, net: Network, margin: Fraction, x: Vector) -> float:
        """A radius beyond which the gradient at the point alone forbids a certificate; inf where it says nothing."""
        found = certify_point(Problem(net, norm_pair(self.p)), x.tolist())
        if found is None or found.norm.lower == 0:
            return math.inf
        return _quotient(margin, found.norm.lower)

    def _largest(
        self, net: Network, margin: Fraction, rival: int, x: Vector, enough: float, seconds: float, known: Bound
    ) -> tuple[float, float, Step | None]:
        """A radius that is certified, one that is not (inf if none was met), and the link; no more than `enough`."""
        started = time.monotonic()

        def link(radius: float, bound: Bound) -> Step:
            return Step(against=rival, margin=margin, radius=radius, bound=bound)

        low = _quotient(margin, known.upper)
        step = link(low, known) if low > 0 else None
        if low >= min(enough, _LARGEST):
            return low, math.inf, step
        cap = min(self._reach(net, margin, x), enough)
        high, tried = math.inf, cap if cap < math.inf else max(4 * low, 1e-300)
        while True:
            left = seconds - (time.monotonic() - started)
            if left <= 0 or tried <= low or tried > _LARGEST:
                return low, high, step
            ball = Ball(x, tried, self.p)
            limit = None if left == math.inf else left
            found = decide(
                net, at_most=margin / Fraction(tried), p=self.p, domain=ball, time_limit=limit, seed=self.seed
            )
            if found.status is Answer.HOLDS:
                low, step = tried, link(tried, found.bound)
            elif found.status is Answer.REFUTED:
                high = tried
            below = _quotient(margin, found.bound.upper)
            if low < below < tried:  # the constant on this ball bounds that on a smaller one
                low, step = below, link(below, found.bound)
            if found.status is Answer.UNDECIDED or low >= cap or high <= low * (1 + self.rtol):
                return low, high, step
            tried = min(4 * low, cap) if high == math.inf else low + (high - low) / 2
            if low < high / 4:
                tried = math.sqrt(low) * math.sqrt(high) if low > 0 else high / 16

    def _globally(self, label: int, rival: int, net: Network) -> dict[str, Bound]:
        """Global constants of a margin, computed once: they hold on every ball."""
        if (label, rival) not in self._constants:
            found = {"autolip": upper(net, "autolip", p=self.p, seed=self.seed)}
            if self.p == 2:
                found["lipsdp"] = upper(net, "lipsdp", seed=self.seed)
            if self.global_seconds > 0:
                found["exact"] = exact(net, p=self.p, time_limit=self.global_seconds, seed=self.seed)
            self._constants[label, rival] = found
        return self._constants[label, rival]


def _quotient(margin: Fraction, constant: float) -> float:
    """margin / constant, rounded down; inf over 0, 0 over inf."""
    if constant == 0:
        return math.inf
    return 0.0 if math.isinf(constant) else float_down(margin / Fraction(constant))


def _own_label(values: Point) -> int:
    return int(values[0] > 0) if len(values) == 1 else max(range(len(values)), key=lambda i: values[i])


def _label(label: Any, network: Network) -> int | None:
    if label is None:
        return None
    count = max(network.output_dim, 2)
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)) or not 0 <= label < count:
        raise InvalidArgument(f"label must be an integer from 0 to {count - 1}; got {label!r}")
    return int(label)
