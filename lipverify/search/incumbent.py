"""The best that is certified so far."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar, final

from lipverify.trusted.algebraic import ExactNorm


class Attained(Protocol):
    """Something that attains a norm: a region with a verified witness."""

    @property
    def norm(self) -> ExactNorm:
        """The norm, exactly."""
        ...


A = TypeVar("A", bound=Attained)


@final
class Incumbent(Generic[A]):
    """The best of what was offered: mutable, one per run, shared by all who search.

    Attributes
    ----------
    best
        It, or None while there is none.
    lower
        A float ≤ its norm; 0 while there is none.
    floor
        The same, but −1 while there is none: a bound ≤ floor can hold nothing better.
    """

    def __init__(self) -> None:
        self.best: A | None = None
        self.lower = 0.0
        self.floor = -1.0

    @property
    def upper(self) -> float:
        """A float ≥ its norm; 0 while there is none."""
        return self.best.norm.upper if self.best else 0.0

    def offer(self, found: A | None) -> bool:
        """Take what is better; whether it was."""
        if found is None or not self.improved_by(found.norm):
            return False
        self.best = found
        self.lower = self.floor = found.norm.lower
        return True

    def improved_by(self, norm: ExactNorm) -> bool:
        """Whether a norm, exactly, is a better one."""
        return self.best is None or norm.exceeds(self.best.norm)
