"""A Python process beside this one, with a pipe to it, that ends when it is not needed any more.

It is a plain child: not forked, since BLAS and torch have threads, and it knows nothing of the main module, so that no
script needs a guard. It leads a process group, so that what it starts ends with it, and Ctrl-C is this process'
business alone. What it prints goes to stderr. POSIX only: it inherits its end of the pipe.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import TypeAlias

Serve: TypeAlias = Callable[[Connection], None]

_LINGER = 10.0  # seconds for a process to be gone after its pipe
_VIGIL = 1.0  # seconds between two looks whether the parent lives


class Child:
    """A process that runs `serve`, a function of a module, with its end of the pipe, and then ends.

    It ends at the latest when this object or this process does. `serve` may wait for the pipe: EOFError and
    ConnectionError mean that nobody asks any more.

    Parameters
    ----------
    serve
        A function at a module's top level.
    environment
        Environment variables that it has besides this process' own.
    packages
        A folder whose packages it imports in place of this process' own; None for none.

    Attributes
    ----------
    pipe
        This end. EOFError or OSError here mean that the process has ended: see `last_words`.

    Raises
    ------
    OSError
        When no process can be started.
    """

    def __init__(self, serve: Serve, environment: Mapping[str, str] | None = None, packages: str | None = None) -> None:
        self.pipe, there = Pipe()
        path = sys.path if packages is None else [packages, *sys.path]
        code = f"import sys; sys.path[:] = {path!r}; from {__name__} import _begin; _begin({there.fileno()})"
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=2,  # stdout may be an answer in JSON
                pass_fds=[there.fileno()],
                env={**os.environ, **(environment or {})},
                process_group=0,
            )
        self._end = weakref.finalize(self, _end, self._process, self.pipe)  # at exit too
        self.pipe.send(serve)

    @property
    def lives(self) -> bool:
        """Whether nobody has ended it, nor heard its last words."""
        return self._end.alive

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    def end(self) -> None:
        """End it at once, with all that it started."""
        self._end()

    def last_words(self) -> str:
        """How it ended, after its pipe did."""
        try:
            code = self._process.wait(_LINGER)
        except subprocess.TimeoutExpired:
            code = None
        self.end()
        if code is None:
            return "it closed its pipe and went on"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _end(process: subprocess.Popen[bytes], pipe: Connection) -> None:
    pipe.close()
    with suppress(ProcessLookupError, PermissionError):  # gone, or nothing but zombies (macOS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _begin(descriptor: int) -> None:
    """What the child does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # shrinking a crash repeats it many times
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    pipe = Connection(descriptor)
    try:
        pipe.recv()(pipe)
    except (EOFError, ConnectionError):  # nobody asks any more
        os.killpg(0, signal.SIGKILL)


def _watch(parent: int) -> None:
    """End the group when the parent has ended without a chance to do it."""
    while os.getppid() == parent:
        time.sleep(_VIGIL)
    os.killpg(0, signal.SIGKILL)
