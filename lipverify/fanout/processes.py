"""Tasks for processes of this machine, by joblib (loky).

When one process of a pool ends, all tasks that were dealt out are lost, and none is known to be the culprit. They are
dealt out again; those that this has happened to several times go one by one, where it is known.
"""

from __future__ import annotations

import re
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from joblib import Parallel, delayed

from lipverify.errors import WorkerLost

if TYPE_CHECKING:
    from lipverify.fanout import Lost, Task

T = TypeVar("T")

SUSPECT = 3
"""Pools that ended with a task among those dealt out, before it goes alone."""
ALONE = 4
"""Processes of its own that a task may end."""


def by_joblib(tasks: Sequence[Task[T]], jobs: int, lost: Lost[T]) -> Generator[tuple[int, T]]:
    """See `fan_out`."""
    left = dict(enumerate(tasks))
    broken: Counter[int] = Counter()
    while left:
        together = [index for index in left if broken[index] < SUSPECT]
        dealt = together or [next(iter(left))]
        out: set[int] = set()
        try:
            with closing(_pool(jobs, _noted(dealt, left, out))) as values:
                for index, value in values:
                    out.discard(index)
                    del left[index]
                    yield index, cast("T", value)
        except BrokenProcessPool as error:
            broken.update(out)
            if not together and broken[dealt[0]] >= SUSPECT + ALONE:
                del left[dealt[0]]
                cause = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
                told = f"task {dealt[0]} ended its process, {ALONE} times when it was alone"
                yield dealt[0], lost(dealt[0], WorkerLost(f"{told}: {cause[1]}" if cause else told))


def _noted(dealt: Iterable[int], left: dict[int, Task[T]], out: set[int]) -> Iterator[Any]:
    """The tasks as joblib takes them, and which of them it has taken."""
    for index in dealt:
        out.add(index)
        yield delayed(_done)(index, left[index])


def _pool(jobs: int, calls: Iterator[Any]) -> Generator[tuple[int, Any]]:
    # One process would be this one, for joblib: a task that goes alone has a pool of two.
    pool: Any = Parallel(n_jobs=max(2, jobs), backend="loky", return_as="generator_unordered", batch_size=1)
    values = pool(calls)
    try:
        while True:
            with _no_complaint():
                value = next(values, None)
            if value is None:
                return
            yield value
    finally:
        with _no_complaint():
            values.close()


@contextmanager
def _no_complaint() -> Generator[None]:
    """Joblib complains when somebody stops, or fails, before all is done."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\d+ tasks (which|have been)", UserWarning)
        yield


def _done(index: int, task: Callable[[], T]) -> tuple[int, T]:
    """A task's place and value, in the process that does it, which leaves Ctrl-C to the one that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return index, task()
