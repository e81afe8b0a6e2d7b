"""Tasks for processes of this machine, by joblib (loky).

When one process of a pool ends, all tasks that were dealt out are lost, and none is known to be the culprit. They are
dealt out again; those that this has happened to several times go one by one, where it is known.
"""

from __future__ import annotations

import re
import signal
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

import cloudpickle
from joblib import Parallel, delayed
from joblib.externals.loky import ProcessPoolExecutor

from lipverify.errors import WorkerLost

if TYPE_CHECKING:
    from lipverify.fanout import Crew, Lost, Task

T = TypeVar("T")

SUSPECT = 3
"""Pools that ended with a task among those dealt out, before it goes alone."""
ALONE = 12
"""Processes of its own that a task may end: whoever ends them for reasons of their own will have missed one by then."""


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
    with _no_signals():
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


@contextmanager
def _no_signals() -> Generator[None]:
    """Let nobody hear Ctrl-C for a moment: processes that start in it never will."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _done(index: int, task: Callable[[], T]) -> tuple[int, T]:
    """A task's place and value, in the process that does it, which leaves Ctrl-C to the one that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return index, task()


_AHEAD = 1
"""Tasks that wait beside those under way, so that nobody waits for one."""
_IDLE = 60  # seconds after which a process that nobody asks ends


_KEPT: dict[int, ProcessPoolExecutor] = {}
"""Idle processes for the next who wants so many: not loky's reusable ones, which are joblib's."""


@final
class _Pool:
    """See `Crew`: loky's pool, which is made anew when one of its processes has ended."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._out: dict[Future[Any], int] = {}
        self._executor = _KEPT.pop(jobs, None) or self._new()

    @property
    def room(self) -> int:
        """So many as there are processes, and one more."""
        return self._jobs + _AHEAD - len(self._out)

    def start(self, key: int, task: Task[Any]) -> None:
        """Deal a task out."""
        pickled = cloudpickle.dumps(task)
        with _no_signals():
            try:
                future = self._executor.submit(_unpickled, pickled)
            except RuntimeError:  # it is broken
                self._executor = self._new()
                future = self._executor.submit(_unpickled, pickled)
        self._out[future] = key

    def finished(self, seconds: float) -> list[tuple[int, Any]]:
        """What is done; when a process ends, all that was dealt out comes back as lost."""
        found: list[tuple[int, Any]] = []
        for future in wait(self._out, timeout=seconds, return_when=FIRST_COMPLETED).done:
            key = self._out.pop(future)
            try:
                found.append((key, future.result()))
            except BrokenProcessPool:
                found.append((key, WorkerLost("its process, or one beside it, ended")))
        return found

    def end(self) -> None:
        """End what is under way, and its processes with it; others stay for a minute."""
        if self._out:
            self._executor.shutdown(kill_workers=True)
        else:
            _KEPT[self._jobs] = self._executor

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._jobs, timeout=_IDLE)


@contextmanager
def process_crew(jobs: int) -> Generator[Crew]:
    """Processes of this machine, which stay for a minute, for the next who asks."""
    pool = _Pool(jobs)
    try:
        yield pool
    finally:
        pool.end()


def _unpickled(task: bytes) -> Any:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return cloudpickle.loads(task)()
