"""One Hypothesis run: many questions, each judged; or the search for one small question of a kind.

The first run never fails, so that every verdict and ratio is collected; the second repeats it with the
same seed, fails on the verdict that is wanted, and so lets Hypothesis shrink it.
"""

from __future__ import annotations

import contextlib
import enum
import math
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from lipverify.bound import Bound
from lipverify.domain import Ball, Box, Domain, Everywhere
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.norms import NormPair
from lipverify.testing.estimators import AuditSide, Claim, Estimator, claim
from lipverify.testing.strategies import networks
from lipverify.testing.verdicts import FINDINGS, Verdict, excess, judge, ratio, truth
from lipverify.watch import listening, tick

Where: TypeAlias = Domain | st.SearchStrategy[Domain] | Callable[[int], Any] | None
"""A domain, a strategy for domains, or a function from the number of inputs to either."""
Kind: TypeAlias = tuple[Verdict, str]
"""A verdict and, for a crash, the exception's type."""

_AGAIN = 10  # every tenth question is asked twice


class OutOfTime(BaseException):
    """The deadline has come; no Exception, so that neither an estimator nor Hypothesis swallows it."""


class End(enum.Enum):
    """How a run ended."""

    COMPLETE = "all was asked"
    TIME_LIMIT = "stopped by the time limit"
    INTERRUPTED = "stopped by Ctrl-C"
    LOST = "the processes that asked ended again and again"


@dataclass(frozen=True)
class Cube:
    """The box [low, high]^d for every number d of inputs."""

    low: float
    high: float

    def __call__(self, dimension: int) -> Box:
        return Box([self.low] * dimension, [self.high] * dimension)

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]^d"


@dataclass(frozen=True)
class Round:
    """The open Euclidean ball of a radius around the origin, for every number d of inputs."""

    radius: float

    def __call__(self, dimension: int) -> Ball:
        return Ball([0.0] * dimension, self.radius)

    def __str__(self) -> str:
        return f"‖x‖₂ < {self.radius:g}"


@dataclass(frozen=True)
class Plan:
    """What one audit asks: of whom, for which side and norm, on which networks and domains.

    Attributes
    ----------
    deadline
        On the clock of `time.monotonic`, which is each machine's own: to others it travels as a time of day.
    """

    estimator: Estimator
    side: AuditSide
    norm: NormPair
    rtol: float
    nets: st.SearchStrategy[Network] | None
    where: Where
    seed: int
    deadline: float

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"deadline": self.deadline - time.monotonic() + time.time()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, deadline=state["deadline"] - time.time() + time.monotonic())


@dataclass(frozen=True)
class Observation:
    """A question and what became of it."""

    family: str
    network: Network
    domain: Domain
    verdict: Verdict
    message: str = ""
    claim: Claim | None = None
    exact: Bound | None = None
    seconds: float = 0.0

    @property
    def kind(self) -> Kind:
        """What makes two findings the same finding."""
        return self.verdict, self.message.partition(":")[0] if self.verdict is Verdict.CRASH else ""

    @property
    def excess(self) -> float:
        """By what factor a violation is one; 1 for everything else."""
        if self.verdict is not Verdict.VIOLATION or self.claim is None or self.exact is None:
            return 1.0
        return excess(self.claim, self.exact)

    @property
    def size(self) -> tuple[float, ...]:
        """What makes one counterexample simpler than another."""
        net = self.network
        values = [abs(v) for array in (*net.weights, *net.biases) for v in array.ravel().tolist() if v]
        digits = sum(len(repr(v)) for v in values)
        return (net.neurons, len(net.weights), net.input_dim + net.output_dim, len(values), digits, sum(values))


@dataclass(frozen=True)
class Sample:
    """What statistics need of an observation."""

    family: str
    kind: Kind
    ratio: float | None
    zero: bool | None
    seconds: float


@dataclass(frozen=True)
class Survey:
    """The samples of a run in order, its first observation of every kind of finding, and how it ended.

    Attributes
    ----------
    greatest
        The violation by the greatest factor, the smallest network of several; None without any.
    lost
        How many questions went with the processes that asked them.
    """

    samples: tuple[Sample, ...]
    firsts: tuple[Observation, ...]
    end: End
    greatest: Observation | None = None
    lost: int = 0


def greater(one: Observation | None, other: Observation | None) -> Observation | None:
    """The greater of two violations, or the one with the smaller network."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=lambda seen: (seen.excess, [-value for value in seen.size]))


def observe(plan: Plan, family: str, net: Network, domain: Domain, *, again: bool) -> Observation:
    """Ask one question, twice if `again`, and judge the answer."""
    tick()
    start = time.perf_counter()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what an estimator prints would spoil an answer in JSON
            said = claim(plan.estimator, net, plan.norm, domain, plan.side)
            seconds = time.perf_counter() - start
            repeated = claim(plan.estimator, net, plan.norm, domain, plan.side) if again else said
    except NotImplementedError as refusal:
        return Observation(family, net, domain, Verdict.REFUSED, str(refusal))
    except Exception as error:  # noqa: BLE001 - whatever an estimator raises is a finding, not the end
        return Observation(family, net, domain, Verdict.CRASH, f"{type(error).__name__}: {error}")
    if said.is_nan:
        return Observation(family, net, domain, Verdict.NAN, f"{said}", said, None, seconds)
    if repeated != said:
        message = f"{said}, then {repeated}"
        return Observation(family, net, domain, Verdict.UNSTABLE, message, said, None, seconds)
    exact = truth(net, plan.norm, domain)
    return Observation(family, net, domain, judge(said, exact, plan.rtol), "", said, exact, seconds)


class Recorder:
    """Collects samples, the first observation of every kind of finding, and the greatest violation."""

    def __init__(self, side: AuditSide) -> None:
        self.samples: list[Sample] = []
        self.firsts: dict[Kind, Observation] = {}
        self.greatest: Observation | None = None
        self._side = side

    def add(self, seen: Observation) -> None:
        """Take note of an observation."""
        quotient, zero = None, None
        if seen.claim is not None and seen.exact is not None:
            value = seen.claim.lower if self._side == "lower" else seen.claim.upper
            quotient = ratio(value, seen.exact)
            zero = value == 0 if seen.exact.upper == 0 else None
        self.samples.append(Sample(seen.family, seen.kind, quotient, zero, seen.seconds))
        if seen.verdict in FINDINGS:
            self.firsts.setdefault(seen.kind, seen)
        if seen.verdict is Verdict.VIOLATION:
            self.greatest = greater(self.greatest, seen)

    def survey(self, end: End) -> Survey:
        """What was collected."""
        return Survey(tuple(self.samples), tuple(self.firsts.values()), end, self.greatest)


def survey(plan: Plan, shard: int, examples: int) -> Survey:
    """Ask `examples` random questions; Ctrl-C leaves what was asked so far."""
    recorder = Recorder(plan.side)
    if time.monotonic() > plan.deadline:
        return recorder.survey(End.TIME_LIMIT)  # many shards may come after it

    def ask(question: tuple[Network, Domain]) -> None:
        recorder.add(observe(plan, _family(question[0]), *question, again=len(recorder.samples) % _AGAIN == 0))

    return recorder.survey(ended(lambda: _run(plan, shard, examples, ask, (Phase.generate,))))


def ended(work: Callable[[], None]) -> End:
    """Do the work, and say how it ended. Ctrl-C comes between two questions: Hypothesis has callbacks that lose it."""
    try:
        with listening():
            work()
    except OutOfTime:
        return End.TIME_LIMIT
    except KeyboardInterrupt:
        return End.INTERRUPTED
    return End.COMPLETE


def shrink(plan: Plan, shard: int, examples: int, kind: Kind) -> Observation | None:
    """The smallest question of this kind that Hypothesis finds, when the shard has any."""
    found: list[Observation] = []

    def ask(question: tuple[Network, Domain]) -> None:
        seen = observe(plan, _family(question[0]), *question, again=kind[0] is Verdict.UNSTABLE or len(found) == 0)
        if seen.kind == kind:
            found.append(seen)
            raise _Found

    # An estimator that changes its mind cannot be replayed.
    with listening(), contextlib.suppress(_Found, Flaky, OutOfTime):
        _run(plan, shard, examples, ask, (Phase.generate, Phase.shrink))
    return min(found, key=lambda seen: seen.size, default=None)


class _Found(Exception):
    """The question is of the kind that is looked for."""


def _run(
    plan: Plan,
    shard: int,
    examples: int,
    ask: Callable[[tuple[Network, Domain]], None],
    phases: tuple[Phase, ...],
) -> None:
    """Let Hypothesis ask; raises OutOfTime at the plan's deadline."""

    def timed(question: tuple[Network, Domain]) -> None:
        if time.monotonic() > plan.deadline:
            raise OutOfTime
        ask(question)

    quiet = settings(
        max_examples=examples,
        phases=phases,
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    test = seed(f"{plan.seed}/{shard}")(quiet(given(questions(plan.nets, plan.where))(timed)))
    with _same_everywhere():
        test()


@contextlib.contextmanager
def _same_everywhere() -> Generator[None]:
    """Keep Hypothesis from drawing constants that it reads in the source of imported modules.

    Which modules those are differs between processes and programs, and a seed is to mean one sequence of
    networks. Where Hypothesis has no such pool (or calls it something else) there is nothing to do.
    """
    pool = "_get_local_constants"
    try:
        from hypothesis.internal.conjecture import providers  # no promise of Hypothesis's
    except ImportError:
        yield
        return
    if not (hasattr(providers, pool) and hasattr(providers, "CONSTANTS_CACHE") and hasattr(providers, "Constants")):
        yield
        return
    usual = getattr(providers, pool)
    nothing = providers.Constants()
    setattr(providers, pool, lambda: nothing)
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        setattr(providers, pool, usual)
        providers.CONSTANTS_CACHE.cache.clear()


def questions(nets: st.SearchStrategy[Network] | None, where: Where) -> st.SearchStrategy[tuple[Network, Domain]]:
    """Networks with domains of their dimension."""
    dimension = getattr(where, "dimension", None)
    if nets is None:
        nets = networks() if dimension is None else networks(inputs=dimension)
    elif dimension is not None:
        nets = nets.filter(lambda net: net.input_dim == dimension)
    return _questions(nets, where)


@st.composite
def _questions(draw: st.DrawFn, nets: st.SearchStrategy[Network], where: Where) -> tuple[Network, Domain]:
    net = draw(nets)
    chosen: Any = Everywhere() if where is None else where
    if callable(chosen) and not isinstance(chosen, st.SearchStrategy):
        chosen = chosen(net.input_dim)
    if isinstance(chosen, st.SearchStrategy):
        chosen = draw(chosen)
    if not isinstance(chosen, Domain):
        raise InvalidArgument(f"domain must give Everywhere, Box, Polytope or Ball; got {chosen!r}")
    return net, chosen


def drawn(count: int, seed: int) -> list[Network]:
    """The random networks that an audit of so many examples with this seed asks about, in their order.

    Raises
    ------
    InvalidArgument
        For numbers that are none.
    """
    for name, value in (("count", count), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidArgument(f"{name} must be an integer ≥ 0; got {value!r}")
    plan = Plan(_nobody, "upper", NormPair(2.0, 2.0), 0.0, None, None, seed, math.inf)
    found: list[Network] = []

    def take(question: tuple[Network, Domain]) -> None:
        tick()  # Ctrl-C comes here: Hypothesis has callbacks that lose it
        found.append(question[0])

    with listening():
        for shard, number in enumerate(sizes(count)):
            _run(plan, shard, number, take, (Phase.generate,))
    return found


def _nobody(net: Network, *, p: Any, domain: Domain | None) -> float:
    raise NotImplementedError


SHARD = 100  # questions to a Hypothesis run: a constant, so that the number of processes changes no result


def sizes(examples: int) -> list[int]:
    """The questions of every shard."""
    return [min(SHARD, examples - done) for done in range(0, examples, SHARD)]


def fixed_questions(plan: Plan, tagged: tuple[tuple[str, Network], ...]) -> Iterator[tuple[str, Network, Domain]]:
    """Given networks with the plan's domain: the fixed one, or one drawn for each."""
    for family, net in tagged:
        domain: list[Domain] = []
        dimension = getattr(plan.where, "dimension", None)
        if dimension not in (None, net.input_dim):
            continue
        if plan.where is None or isinstance(plan.where, Domain):
            domain.append(plan.where or Everywhere())
        else:
            drawn = Plan(plan.estimator, plan.side, plan.norm, 0.0, st.just(net), plan.where, plan.seed, math.inf)
            _run(drawn, 0, 2, lambda question, into=domain: into.append(question[1]), (Phase.generate,))
        for where in domain[-1:]:
            yield family, net, where


def _family(net: Network) -> str:
    """The family of a random network."""
    return f"random, {len(net.hidden)} hidden layer{'' if len(net.hidden) == 1 else 's'}"
