"""Independent tasks dealt out: one after the other here, to processes by joblib, or to a cluster by dask.

A task is a pure function without arguments: whoever does it, and however often, the value is the same. So a task whose
process was killed is done again, and its value counts once, by its place among the tasks. Ctrl-C is this process'
business alone: what has been yielded by then is done.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar, final

import cloudpickle

from lipverify.errors import InvalidArgument, WorkerLost

T = TypeVar("T")
Task: TypeAlias = Callable[[], T]
Lost: TypeAlias = Callable[[int, WorkerLost], T]
"""What stands for the value of a task that ends every process it runs in."""


def fan_out(
    tasks: Sequence[Task[T]], *, jobs: int = 1, cluster: str | None = None, lost: Lost[T] | None = None
) -> Generator[tuple[int, T]]:
    """Every task's place and value, each once, as they come.

    Parameters
    ----------
    tasks
        Pure functions; those that go elsewhere travel by cloudpickle.
    jobs
        Processes on this machine; 1 is this one. Tasks that cannot be pickled are done in this one.
    cluster
        The address of a dask scheduler, such as "tcp://host:8786", or "local:N" for one with N workers that is started
        here and ends with the work; in place of `jobs`. Needs the extra `[cluster]`.
    lost
        Called with a task's place and a `WorkerLost` when every process that it was given to ended: gives its value.

    Raises
    ------
    InvalidArgument
        For other numbers of processes, and for a cluster that is none, does not answer, or cannot be sent the tasks.
    WorkerLost
        When a task ends its process again and again, and `lost` is None.
    Exception
        Whatever a task raises, which ends the rest.
    """
    check_workers(jobs, cluster)
    if cluster is not None:
        from lipverify.fanout.cluster import by_dask

        if tasks and not travels(tasks[0]):
            raise InvalidArgument(f"a cluster cannot be sent what cannot be pickled: {tasks[0]!r}")
        return by_dask(tasks, cluster, lost or _raise)
    if jobs > 1 and len(tasks) > 1 and travels(tasks[0]):
        from lipverify.fanout.processes import by_joblib

        return by_joblib(tasks, min(jobs, len(tasks)), lost or _raise)
    return ((index, task()) for index, task in enumerate(tasks))


class Crew(Protocol):
    """Others who work, for a search that deals out what it finds: it knows only later what there is to do."""

    @property
    def room(self) -> int:
        """How many tasks may be dealt out now."""
        ...

    def start(self, key: int, task: Task[Any]) -> None:
        """Deal a task out, under a number that no other one has; it is pickled at once."""
        ...

    def finished(self, seconds: float) -> list[tuple[int, Any]]:
        """What is done, after so many seconds at most: number and value, or `WorkerLost` where its process ended.

        Raises what a task raised.
        """
        ...


@final
@dataclass(frozen=True)
class Team:
    """Who works on one question: this process alone, several of this machine, or a cluster's; as for `fan_out`.

    Raises
    ------
    InvalidArgument
        As `fan_out`.
    """

    jobs: int = 1
    cluster: str | None = None

    def __post_init__(self) -> None:
        check_workers(self.jobs, self.cluster)

    @property
    def alone(self) -> bool:
        """Whether this process does everything."""
        return self.jobs == 1 and self.cluster is None

    def hired(self) -> AbstractContextManager[Crew]:
        """The others, until the end of the context, which ends what they are doing."""
        if self.cluster is not None:
            from lipverify.fanout.cluster import cluster_crew

            return cluster_crew(self.cluster)
        from lipverify.fanout.processes import process_crew

        return process_crew(self.jobs)


def check_workers(jobs: int, cluster: str | None) -> None:
    """Raise InvalidArgument unless they say who does the work."""
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InvalidArgument(f"jobs must be an integer ≥ 1; got {jobs!r}")
    if cluster is None:
        return
    if jobs > 1:
        raise InvalidArgument(f"the work is done by jobs={jobs} processes here, or by cluster={cluster!r}: not by both")
    from lipverify.fanout.cluster import check_address

    check_address(cluster)


def travels(task: Callable[[], Any]) -> bool:
    """Whether another process can do it."""
    try:
        cloudpickle.dumps(task)
    except (pickle.PicklingError, TypeError):
        return False
    return True


def _raise(index: int, error: WorkerLost) -> Any:
    raise error


ALONE = Team()
"""This process."""
