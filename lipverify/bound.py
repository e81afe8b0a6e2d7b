"""The one result record: an interval, how rigorous each side is, and why the method stopped."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import total_ordering
from types import MappingProxyType
from typing import Any, final

from lipverify.arrays import Pattern, Point
from lipverify.errors import LipverifyError
from lipverify.trusted.algebraic import ExactNorm


@total_ordering
class Rigor(enum.Enum):
    """How far a side of a bound may be trusted; PROVED > ROUNDED > NUMERICAL > HEURISTIC."""

    HEURISTIC = "an estimate that may be on the wrong side"
    NUMERICAL = "a theorem in real arithmetic, rounding ignored"
    ROUNDED = "a theorem, with every rounding error accounted for"
    PROVED = "exact rational arithmetic"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Rigor):
            return NotImplemented
        order = list(Rigor)
        return order.index(self) < order.index(other)


class Status(enum.Enum):
    """Why a method stopped; the value is the sentence that a user reads."""

    EXACT = "both sides enclose one proved value"
    CLOSED = "the gap is within the tolerance that was asked for"
    TIME_LIMIT = "stopped by the time limit; the interval is valid"
    INTERRUPTED = "stopped before the end; the interval is valid"
    ONE_SIDED = "the method bounds one side only"
    FAILED = "the method failed; the interval is valid but may say nothing"


@final
@dataclass(frozen=True)
class Witness:
    """A point inside a full-dimensional activation region, and the region's pattern.

    Attributes
    ----------
    point
        Rational coordinates, length n_0, in the interior of the domain; every pre-activation that is not
        constant around it is non-zero at it.
    pattern
        One tuple per hidden layer, True where the neuron is active. A neuron that is constant on the region is
        active iff it is positive; one with equal slopes has no sign and counts as active.
    """

    point: Point
    pattern: Pattern


_NOT_SAID: Any = None


@final
@dataclass(frozen=True, kw_only=True, repr=False)
class Bound:
    """lower ≤ L ≤ upper for a Lipschitz constant L.

    Attributes
    ----------
    lower, upper
        Floats, rounded outward; 0 and inf for a side that is not given.
    lower_rigor, upper_rigor
        How each side was obtained; to be said of every side but the trivial ones, 0 and inf, which are PROVED.
    status, method, seconds
        Why the method stopped, its name, and the wall-clock time it took.
    witness
        Where the lower side is attained, when it is.
    stats
        Counts: "regions", "nodes", "lps", …
    exact
        The exact constant, when the status is EXACT, and only then is the status EXACT.
    certificate, details
        What the method leaves for a checker, and for a curious reader.
    subject
        What the number speaks of when that is not exactly the model given.

    Raises
    ------
    LipverifyError
        For what no method may claim: sides that contradict each other, a side without its rigor, EXACT without the
        exact constant.
    """

    method: str
    status: Status
    lower: float = 0.0
    upper: float = math.inf
    lower_rigor: Rigor = _NOT_SAID
    upper_rigor: Rigor = _NOT_SAID
    seconds: float = 0.0
    witness: Witness | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    exact: ExactNorm | None = None
    certificate: Any = None
    details: Any = None
    subject: str = ""

    def __post_init__(self) -> None:
        if not (self.lower >= 0 and self.upper >= 0):
            raise LipverifyError(f"{self.method} produced [{self.lower}, {self.upper}]; this is a bug in it")
        self._settle_rigor("lower_rigor", trivial=self.lower == 0.0)
        self._settle_rigor("upper_rigor", trivial=self.upper == math.inf)
        heuristic = Rigor.HEURISTIC in (self.lower_rigor, self.upper_rigor)
        if self.lower > self.upper and not heuristic:
            raise LipverifyError(
                f"{self.method} contradicts itself: lower {self.lower!r} > upper {self.upper!r}; this is a bug in it"
            )
        if self.status is Status.EXACT:
            self._require_proof()
        object.__setattr__(self, "stats", MappingProxyType(dict(self.stats)))

    def _settle_rigor(self, name: str, *, trivial: bool) -> None:
        rigor = getattr(self, name)
        if rigor is None and trivial:
            object.__setattr__(self, name, Rigor.PROVED)
        elif not isinstance(rigor, Rigor):
            side, given = name.removesuffix("_rigor"), "nothing" if rigor is None else repr(rigor)
            raise LipverifyError(
                f"{self.method} gave {side}={getattr(self, side)!r} and of its {name} {given}; "
                f"pass {name}=Rigor.HEURISTIC, NUMERICAL, ROUNDED or PROVED: how far it may be trusted"
            )

    def _require_proof(self) -> None:
        """What EXACT says."""
        if self.exact is None:
            raise LipverifyError(f"{self.method} claims EXACT without `exact`, the constant that it has proved")
        if not (self.lower <= self.exact.lower and self.exact.upper <= self.upper):
            raise LipverifyError(
                f"{self.method} claims EXACT for [{self.lower}, {self.upper}], not around {self.exact}"
            )
        if min(self.lower_rigor, self.upper_rigor) < Rigor.ROUNDED:
            raise LipverifyError(f"{self.method} claims EXACT with sides that are less than ROUNDED")

    @classmethod
    def exactly(cls, norm: ExactNorm, *, upper_rigor: Rigor = Rigor.PROVED, **fields: Any) -> Bound:
        """EXACT at a norm that is attained, and that nothing exceeds as far as `upper_rigor` says."""
        exact = norm.settled()
        return cls(
            status=Status.EXACT,
            lower=exact.lower,
            upper=exact.upper,
            lower_rigor=Rigor.PROVED,
            upper_rigor=upper_rigor,
            exact=exact,
            **fields,
        )

    @property
    def exact_value(self) -> Fraction | None:
        """L as a Fraction, when it is known and rational (always for p ∈ {1, inf} and status EXACT)."""
        return self.exact.root if self.exact else None

    @property
    def exact_square(self) -> Fraction | None:
        """L² as a Fraction, when it is known and rational (always for scalar outputs and status EXACT)."""
        return self.exact.square if self.exact else None

    @property
    def enclosure(self) -> tuple[Fraction, Fraction] | None:
        """Rationals around L, of relative width ≤ 2⁻⁵², when the status is EXACT."""
        return self.exact.enclosure if self.exact else None

    @property
    def regions(self) -> int | None:
        """The number of full-dimensional activation regions visited."""
        return self.stats.get("regions")

    @property
    def nodes(self) -> int | None:
        """The number of search nodes."""
        return self.stats.get("nodes")

    @property
    def gap(self) -> float:
        """upper / lower − 1; 0 when both are 0, inf when only lower is."""
        if self.upper == self.lower:
            return 0.0
        return self.upper / self.lower - 1 if self.lower > 0 else math.inf

    def stopped(self, status: Status) -> Bound:
        """The same interval with another reason for stopping."""
        return replace(self, status=status)

    def __str__(self) -> str:
        from lipverify.report import digits_down, digits_up

        sides = f"[{digits_down(self.lower)}, {digits_up(self.upper)}]"
        return f"{self.method}: {sides} ({self.lower_rigor.name}, {self.upper_rigor.name}), {self.status.value}"

    def __repr__(self) -> str:
        return f"<Bound {self}>"

    def _repr_html_(self) -> str:
        """Both sides and what they rest on, with the interval as a bar."""
        from lipverify.html import bound_html

        return bound_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data: fractions and infinities are strings; without the certificate and the details."""
        from lipverify.records import bound_to_dict

        return bound_to_dict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Bound:
        """The bound that `to_dict` wrote down: what a method said, not a proof of it.

        Raises
        ------
        LipverifyError
            For data that no bound can have written.
        """
        from lipverify.records import bound_from_dict

        return bound_from_dict(data)

    def to_frame(self) -> Any:
        """One row of a pandas DataFrame.

        Raises
        ------
        LipverifyError
            Where pandas is not installed.
        """
        from lipverify.frames import frame

        names = ("method", "lower", "upper", "seconds")
        rigors = {"lower_rigor": self.lower_rigor.name, "upper_rigor": self.upper_rigor.name}
        return frame([{name: getattr(self, name) for name in names} | rigors | {"status": self.status.name}])

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return _rebuild, (state | {"stats": dict(self.stats)},)


def _rebuild(state: dict[str, Any]) -> Bound:
    return Bound(**state)
