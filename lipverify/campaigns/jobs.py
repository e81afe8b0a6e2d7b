"""One question of a campaign, and its answer as data: what a method said, what it refused, or how it failed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from lipverify import verbs
from lipverify.bound import Bound
from lipverify.catalogue import METHODS
from lipverify.domain import Domain
from lipverify.errors import LipverifyError, WorkerLost
from lipverify.identity import domain_numbers
from lipverify.network import Network
from lipverify.norms import NormPair

VERBS: dict[str, Callable[..., Bound]] = {"exact": verbs.exact, "upper": verbs.upper, "lower": verbs.lower}


class Outcome(Enum):
    """What became of a question; the value is what a store keeps."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Answer:
    """What became of a question.

    Attributes
    ----------
    record
        `Bound.to_dict()` of what the method said; None without.
    error
        What was said instead: a refusal's words, or an error's with its type.
    """

    outcome: Outcome
    record: dict[str, Any] | None = None
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the method failed."""
        return self.outcome is Outcome.FAILED or (self.record is not None and self.record["status"] == "FAILED")


@dataclass(frozen=True)
class Job:
    """One question.

    Attributes
    ----------
    network_name, domain_name
        What a reader calls them; what they are is in `network` and `domain`.
    method
        A name of the catalogue; or "exact", "upper", "lower" for the verb's own choice.
    time_limit
        Seconds, or None.
    """

    network_name: str
    network: Network
    domain_name: str
    domain: Domain
    norm: NormPair
    method: str
    seed: int
    time_limit: float | None

    @property
    def side(self) -> str:
        """The verb that asks it."""
        return self.method if self.method in VERBS else METHODS[self.method]().side

    @cached_property
    def place(self) -> str:
        """Domain and norm, exactly: with the network's digest, what a constant depends on."""
        return json.dumps([domain_numbers(self.domain), [repr(self.norm.p), repr(self.norm.q)]])

    @cached_property
    def key(self) -> str:
        """A SHA-256 over all that the answer depends on: the same on every machine, whatever things are called."""
        asked = [self.network.digest, self.place, self.method, self.seed, self.time_limit]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def __call__(self) -> Answer:
        """Ask it; Ctrl-C alone is no answer."""
        method = "auto" if self.method in VERBS else self.method
        options: dict[str, Any] = {"p": self.norm, "domain": self.domain, "time_limit": self.time_limit}
        try:
            bound = VERBS[self.side](self.network, method, seed=self.seed, **options)
            return Answer(Outcome.ANSWERED, bound.to_dict())
        except NotImplementedError as refusal:
            return Answer(Outcome.REFUSED, None, str(refusal))
        except LipverifyError as error:
            return Answer(Outcome.FAILED, None, str(error))
        except Exception as error:  # noqa: BLE001 - whatever one method does, the campaign goes on and the row says it
            return Answer(Outcome.FAILED, None, f"{type(error).__name__}: {error}")


def lost(error: WorkerLost) -> Answer:
    """The answer of a question that ends every process it is asked in."""
    return Answer(Outcome.FAILED, None, str(error))
