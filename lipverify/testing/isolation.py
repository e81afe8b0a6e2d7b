"""An estimator in a process of its own: one that ends its process, or never answers, is then a finding.

The process is a plain child of this one. It is not forked, since BLAS and torch have threads, and it knows
nothing of the main module, so that no script needs a guard. POSIX only: it inherits its end of a pipe.
"""

from __future__ import annotations

import atexit
import math
import os
import pickle
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection, Pipe
from typing import Any

import cloudpickle

from lipverify.domain import Domain
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.testing.estimators import Estimator, answer

_LINGER = 10.0  # seconds for a process to be gone after its pipe


class ProcessEnded(RuntimeError):
    """The estimator ended the process that it ran in: a segmentation fault, `os._exit`, memory that ran out."""


@dataclass(frozen=True)
class Isolated:
    """The same estimator, asked in a process of its own, which is started again when it was lost.

    The process is shared by all that are equal, and lives until this one ends.

    Attributes
    ----------
    estimator
        A callable as `lipverify.testing.audit` takes it; it travels by cloudpickle, lambdas and closures too.
    call_limit
        Seconds that one call may take; inf for any number.

    Raises
    ------
    InvalidArgument
        When the limit is no positive number, or the estimator cannot be sent to another process. When asked:
        `ProcessEnded`, `TimeoutError`, and what the estimator raises.
    """

    estimator: Estimator
    call_limit: float = math.inf

    def __post_init__(self) -> None:
        if not (isinstance(self.call_limit, (int, float)) and self.call_limit > 0):
            raise InvalidArgument(f"call_limit must be a number of seconds > 0; got {self.call_limit!r}")
        _ = self._pickled

    @property
    def __wrapped__(self) -> Estimator:
        return self.estimator

    @cached_property
    def _pickled(self) -> bytes:
        try:
            return cloudpickle.dumps(self.estimator)
        except (pickle.PicklingError, TypeError) as error:
            raise InvalidArgument(f"{self.estimator!r} cannot be sent to another process: {error}") from error

    def __call__(self, net: Network, *, p: Any, domain: Domain | None) -> Any:
        return _child(self._pickled).ask((net, p, domain), self.call_limit)


class _Child:
    """The process of one estimator."""

    def __init__(self, estimator: bytes) -> None:
        self._here, there = Pipe()
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import _serve; _serve({there.fileno()})"
        self._process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[there.fileno()])
        there.close()
        self._exchange(estimator, math.inf)  # it has been imported

    @property
    def lives(self) -> bool:
        return not self._here.closed

    def ask(self, question: Any, limit: float) -> Any:
        return self._exchange(pickle.dumps(question), limit)

    def end(self) -> None:
        self._here.close()
        self._process.kill()
        self._process.wait()

    def _exchange(self, message: bytes, limit: float) -> Any:
        """Send a message, and return or raise what comes back; whatever goes wrong ends the process."""
        try:
            self._here.send_bytes(message)
            reply = self._here.recv_bytes() if self._here.poll(None if math.isinf(limit) else limit) else None
        except (EOFError, OSError):  # the other end is closed
            raise ProcessEnded(f"the estimator ended its process: {self._last_words()}") from None
        except BaseException:
            self.end()  # Ctrl-C: its answer, when it comes, is to another question
            raise
        if reply is None:
            self.end()
            raise TimeoutError(f"no answer within {limit:g} s")
        raised, said = pickle.loads(reply)
        if raised:
            raise said
        return said

    def _last_words(self) -> str:
        """How the process ended."""
        try:
            code = self._process.wait(_LINGER)
        except subprocess.TimeoutExpired:
            code = None
        self.end()
        if code is None:
            return "it closed its pipe and went on"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


_CHILDREN: dict[bytes, _Child] = {}


def _child(estimator: bytes) -> _Child:
    """The living process of an estimator."""
    child = _CHILDREN.get(estimator)
    if child is None or not child.lives:
        _CHILDREN[estimator] = child = _Child(estimator)
    return child


@atexit.register
def _end_all() -> None:
    for child in _CHILDREN.values():
        if child.lives:
            child.end()


def _serve(descriptor: int) -> None:
    """What the child does: answer questions until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # shrinking a crash repeats it many times
    os.dup2(2, 1)  # what an estimator prints would spoil an answer in JSON
    pipe = Connection(descriptor)
    try:
        estimator = pickle.loads(pipe.recv_bytes())
        pipe.send_bytes(pickle.dumps((False, None)))
        while True:
            pipe.send_bytes(_said(estimator, *pickle.loads(pipe.recv_bytes())))
    except (EOFError, BrokenPipeError):
        return


def _said(estimator: Estimator, net: Network, p: Any, domain: Domain | None) -> bytes:
    """Whether the estimator raised, and what; or what it answered. In plain pickles: torch's share memory."""
    try:
        return pickle.dumps((False, answer(estimator, net, p, domain)))
    except Exception as error:  # noqa: BLE001 it is raised again where the question came from
        return pickle.dumps((True, _portable(error)))


def _portable(error: Exception) -> Exception:
    """The exception, or one of a standard type with the same words where it cannot be pickled."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 exceptions with arguments of their own fail in any way they like
        kind = NotImplementedError if isinstance(error, NotImplementedError) else RuntimeError
        return kind(f"{type(error).__name__}: {error}")
