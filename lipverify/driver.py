"""One method, driven within a budget: its last bound, and why it is the last; and the proof of a bound."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from lipverify.bound import Bound, Status
from lipverify.catalogue import resolve
from lipverify.domain import Domain, domain_of
from lipverify.errors import Interrupted, InvalidArgument, WorkerLost
from lipverify.fanout import ALONE, Team
from lipverify.fixed_inputs import restrict
from lipverify.network import Lowering
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Method, Problem, Side, require_supported
from lipverify.readers import as_network
from lipverify.solvers.branch_and_bound.checkpoint import Checkpoint
from lipverify.threads import single_threaded
from lipverify.watch import OutOfTime, listening, tick, until

if TYPE_CHECKING:
    from lipverify.readers import Model

Progress: TypeAlias = Callable[[Bound], Any]

_PROGRESS_EVERY = 0.1  # seconds


def budget_of(time_limit: float | None, seed: int, rel_gap: float = 0.0, memory: float | None = None) -> Budget:
    """A budget from what a user says.

    Raises
    ------
    InvalidArgument
        For a time limit or a memory that is none.
    """
    if time_limit is not None and (isinstance(time_limit, bool) or not isinstance(time_limit, (int, float))):
        raise InvalidArgument(f"time_limit must be a number of seconds ≥ 0, or None; got {time_limit!r}")
    if memory is not None and (isinstance(memory, bool) or not isinstance(memory, (int, float))):
        raise InvalidArgument(f"memory must be a number of bytes > 0, or None; got {memory!r}")
    seconds = math.inf if time_limit is None else float(time_limit)
    return Budget(seconds, seed, float(rel_gap), memory=math.inf if memory is None else float(memory))


def drive(
    net: Model,
    method: str | Method,
    side: Side,
    p: Any,
    domain: Domain | None,
    budget: Budget,
    on_progress: Progress | None,
    checkpoint: Checkpoint | None = None,
    team: Team = ALONE,
) -> Bound:
    """Run a method within a budget, and return its last bound with the reason why it is the last."""
    network = as_network(net)
    where = restrict(network, domain_of(domain))
    problem = Problem(where.network, norm_pair(p), where.domain)
    choice = resolve(method, side, problem, budget, checkpoint, team)
    chosen = choice.method
    require_supported(chosen, problem)
    rounded = f"the float64 network read from {network.source or 'the model'}"
    subject = "; ".join(filter(None, [rounded if network.lowering is Lowering.ROUNDED else "", where.subject]))

    def finished(bound: Bound) -> Bound:
        stats = {**bound.stats, "choice": choice.reason} if choice.reason else bound.stats
        seconds = time.monotonic() - budget.started
        return replace(where.bound(bound), seconds=seconds, subject=subject, stats=stats)

    latest = Bound(method=chosen.name, status=Status.INTERRUPTED)
    reported = -math.inf
    with listening() as asked:
        try:
            with single_threaded(), until(budget.last_call):
                for latest in choice.run(problem, budget):
                    if latest.status is not Status.INTERRUPTED:
                        continue  # the last one: let the method end
                    if 0 < latest.gap <= budget.rel_gap:
                        return finished(latest.stopped(Status.CLOSED))
                    if budget.expired:
                        return finished(latest.stopped(Status.TIME_LIMIT))
                    tick()
                    if on_progress is not None and time.monotonic() - reported > _PROGRESS_EVERY:
                        reported = time.monotonic()
                        if on_progress(finished(latest)):
                            return finished(latest)
        except OutOfTime:
            return finished(latest.stopped(Status.TIME_LIMIT))
        except KeyboardInterrupt as stop:
            raise Interrupted(finished(latest)) from stop
        except MemoryError:
            return finished(replace(latest, status=Status.FAILED, stats={**latest.stats, "failure": "out of memory"}))
        except WorkerLost as lost:
            return finished(replace(latest, status=Status.FAILED, stats={**latest.stats, "failure": str(lost)}))
        except SystemError as error:  # a second Ctrl-C inside of compiled code
            if not asked.stopped:
                raise
            raise Interrupted(finished(latest)) from error
    return finished(latest)


def certified(problem: Problem, bound: Bound, budget: Budget, on_progress: Progress | None) -> Bound:
    """The bound with its certificate."""
    from lipverify.certificates.writer import certify

    with listening() as asked:

        def stop() -> bool:
            return asked.stopped or budget.expired or bool(on_progress is not None and on_progress(bound))

        try:
            with single_threaded():
                proved = certify(problem, bound, budget.seed, stop)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(bound) from interrupt
    proved = replace(proved, seconds=time.monotonic() - budget.started)
    if asked.stopped:
        raise Interrupted(proved)
    return proved
