"""Tasks for the workers of a dask scheduler, which gives those of a worker that is gone to another one.

A cluster on this machine ("local:N") is dask's own commands as plain children: nothing is forked, no script needs a
guard, they end with the work, and when this process is killed they end by themselves a minute later.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast, final

from lipverify.errors import InvalidArgument, WorkerLost

if TYPE_CHECKING:
    from lipverify.fanout import Crew, Lost, Task

T = TypeVar("T")

AHEAD = 10
"""Tasks that are dealt out for every thread of the cluster: enough to be waiting there, few enough to be cheap."""
_RECOUNT = 5.0  # seconds between two looks how many workers there are: clusters grow
_PATIENCE = 30.0  # seconds for a scheduler to answer
_IDLE = "60 seconds"  # a scheduler that nobody asks ends after so long


def check_address(cluster: str) -> None:
    """Raise InvalidArgument for what is no cluster, or where dask.distributed is missing."""
    if not isinstance(cluster, str) or not re.fullmatch(r"local:[1-9]\d{0,3}|(tcp|tls|ucx|ws|wss)://\S+", cluster):
        raise InvalidArgument(f"a cluster is tcp://HOST:PORT (a dask scheduler's), or local:N; got {cluster!r}")
    if find_spec("distributed") is None:
        raise InvalidArgument("a cluster needs dask.distributed: pip install 'lipverify[cluster]'")


def by_dask(tasks: Sequence[Task[T]], cluster: str, lost: Lost[T]) -> Generator[tuple[int, T]]:
    """See `fan_out`."""
    with _client(cluster) as client:
        room, suspects = _Room(client), []
        for index, value in _dealt(client, dict(enumerate(tasks)), lambda: room.tasks):
            if isinstance(value, WorkerLost):
                suspects.append(index)  # it may only have waited where another one ended the worker
            else:
                yield index, cast("T", value)
        for index, value in _dealt(client, {index: tasks[index] for index in suspects}, lambda: 1):
            yield index, lost(index, value) if isinstance(value, WorkerLost) else cast("T", value)


def _dealt(client: Any, tasks: Mapping[int, Task[T]], room: Callable[[], int]) -> Generator[tuple[int, T | WorkerLost]]:
    """The values of tasks of which so many are dealt out at a time."""
    from distributed import KilledWorker, as_completed

    waiting = iter(tasks.items())
    out: dict[str, int] = {}
    ended = as_completed(loop=client.loop, with_results=True, raise_errors=False)

    def deal() -> None:
        while len(out) < room() and (following := next(waiting, None)) is not None:
            future = client.submit(following[1], pure=False)
            out[future.key] = following[0]
            ended.add(future)

    deal()
    for future, value in ended:
        index = out.pop(future.key)
        deal()
        if future.status != "error":
            yield index, cast("T", value)
            continue
        _, error, trace = value
        if not isinstance(error, KilledWorker):
            raise error.with_traceback(trace)
        times = error.allowed_failures + 1
        yield index, WorkerLost(f"task {index} ended its worker, {times} times when it was alone")


@final
class _Workers:
    """See `Crew`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._room = _Room(client, ahead=2)
        self._out: dict[Any, int] = {}
        self._news = threading.Event()  # dask's own `wait` wants a client that all of the process shares

    @property
    def room(self) -> int:
        """Two for every thread."""
        return self._room.tasks - len(self._out)

    def start(self, key: int, task: Task[Any]) -> None:
        """Deal a task out."""
        future = self._client.submit(task, pure=False)
        self._out[future] = key
        future.add_done_callback(lambda _: self._news.set())

    def finished(self, seconds: float) -> list[tuple[int, Any]]:
        """What is done; the scheduler gives the tasks of a worker that is gone to others, a few times."""
        from distributed import KilledWorker

        if self._out:
            self._news.wait(seconds)
            self._news.clear()
        found: list[tuple[int, Any]] = []
        for future in [future for future in self._out if future.done()]:
            key = self._out.pop(future)
            try:
                found.append((key, future.result()))
            except KilledWorker as error:
                found.append((key, WorkerLost(f"{error.allowed_failures + 1} workers ended with it")))
        return found

    def end(self) -> None:
        """Call off what is under way."""
        self._client.cancel(list(self._out), force=True)


@contextmanager
def cluster_crew(cluster: str) -> Generator[Crew]:
    """The workers of a scheduler."""
    with _client(cluster) as client:
        workers = _Workers(client)
        try:
            yield workers
        finally:
            workers.end()


class _Room:
    """How many tasks may be dealt out."""

    def __init__(self, client: Any, ahead: int = AHEAD) -> None:
        self._client = client
        self._ahead = ahead
        self._counted = -_RECOUNT
        self._tasks = ahead

    @property
    def tasks(self) -> int:
        """Some for every thread that there is by now."""
        now = time.monotonic()
        if now - self._counted > _RECOUNT:
            self._counted = now
            self._tasks = self._ahead * max(1, sum(self._client.nthreads().values()))
        return self._tasks


@contextmanager
def _client(cluster: str) -> Generator[Any]:
    from distributed import Client

    with ExitStack() as stack:
        kind, _, number = cluster.partition(":")
        address = {"address": cluster}
        if kind == "local":
            address = {"scheduler_file": stack.enter_context(_scheduler(int(number)))}
        try:
            client = Client(**address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            told = " ".join(str(error).split())
            raise InvalidArgument(
                f"no dask scheduler answers at {cluster} (`dask scheduler` starts one): {told}"
            ) from None
        yield stack.enter_context(client)


@contextmanager
def _scheduler(workers: int) -> Generator[str]:
    """The file that tells where a scheduler listens, with so many workers of one thread each, all on this machine."""
    with tempfile.TemporaryDirectory(prefix="lipverify-cluster-") as folder, ExitStack() as stack:
        file = Path(folder) / "scheduler.json"
        common = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
        log = stack.enter_context((Path(folder) / "log").open("w+b"))
        scheduler = stack.enter_context(_command(log, "scheduler", *common, "--port", "0", "--idle-timeout", _IDLE))
        deadline = time.monotonic() + _PATIENCE
        while not (file.exists() and file.read_text().endswith("}")):
            if scheduler.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                told = log.read().decode(errors="replace").strip()[-300:]
                raise InvalidArgument(f"dask's scheduler did not start within {_PATIENCE:g} s on this machine: {told}")
            time.sleep(0.02)
        threads = ["--nworkers", str(workers), "--nthreads", "1", "--death-timeout", _IDLE]
        stack.enter_context(_command(log, "worker", *common, *threads, "--local-directory", folder))
        yield str(file)


@contextmanager
def _command(log: IO[bytes], name: str, *options: str) -> Generator[subprocess.Popen[bytes]]:
    """One of dask's commands, in a process group that ends with the context: Ctrl-C is not for it."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{name}", *options],
        stdin=subprocess.DEVNULL,
        stdout=log,  # what tasks raise comes back; workers that are ended complain
        stderr=log,
        env={**os.environ, "PYTHONPATH": path},
        process_group=0,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
