"""An estimator in a process of its own: one that ends its process, or never answers, is then a finding."""

from __future__ import annotations

import math
import pickle
import time
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle

from lipverify.child import Child
from lipverify.domain import Domain
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.testing.estimators import Estimator, answer
from lipverify.watch import tick

_GLANCE = 0.05  # seconds between two looks whether somebody pressed Ctrl-C


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
    packages
        A folder whose packages the process imports in place of this one's, as `installed` makes it.

    Raises
    ------
    InvalidArgument
        When the limit is no positive number, or the estimator cannot be sent to another process. When asked:
        `ProcessEnded`, `TimeoutError`, and what the estimator raises.
    """

    estimator: Estimator
    call_limit: float = math.inf
    packages: str | None = None

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
        return _server(self._pickled, self.packages).ask((net, p, domain), self.call_limit)


class _Server:
    """The process of one estimator."""

    def __init__(self, estimator: bytes, packages: str | None) -> None:
        self._child = Child(_serve, packages=packages)
        self._exchange(estimator, math.inf)  # it has been imported

    @property
    def lives(self) -> bool:
        return self._child.lives

    def ask(self, question: Any, limit: float) -> Any:
        return self._exchange(pickle.dumps(question), limit)

    def _exchange(self, message: bytes, limit: float) -> Any:
        """Send a message, and return or raise what comes back; whatever goes wrong ends the process."""
        pipe = self._child.pipe
        try:
            pipe.send_bytes(message)
            reply = pipe.recv_bytes() if _waited(pipe, limit) else None
        except (EOFError, OSError):  # the other end is closed
            raise ProcessEnded(f"the estimator ended its process: {self._child.last_words()}") from None
        except BaseException:
            self._child.end()  # Ctrl-C: its answer, when it comes, is to another question
            raise
        if reply is None:
            self._child.end()
            raise TimeoutError(f"no answer within {limit:g} s")
        raised, said = pickle.loads(reply)
        if raised:
            raise said
        return said


def _waited(pipe: Connection, limit: float) -> bool:
    """Whether there is an answer within so many seconds; Ctrl-C does not wait for one."""
    deadline = time.monotonic() + limit
    while not pipe.poll(min(_GLANCE, max(0.0, deadline - time.monotonic()))):
        tick()
        if time.monotonic() >= deadline:
            return False
    return True


_SERVERS: dict[tuple[bytes, str | None], _Server] = {}


def _server(estimator: bytes, packages: str | None) -> _Server:
    """The living process of an estimator."""
    server = _SERVERS.get((estimator, packages))
    if server is None or not server.lives:
        _SERVERS[estimator, packages] = server = _Server(estimator, packages)
    return server


def _serve(pipe: Connection) -> None:
    """What the process does: answer questions until nobody asks."""
    estimator = pickle.loads(pipe.recv_bytes())
    pipe.send_bytes(pickle.dumps((False, None)))
    while True:
        pipe.send_bytes(_said(estimator, *pickle.loads(pipe.recv_bytes())))


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
