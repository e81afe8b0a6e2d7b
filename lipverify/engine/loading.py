"""Loads compiled code without keeping anybody waiting.

numba needs a second or two to load what it has on disk and half a minute to compile it, once per machine. Loading
runs in a thread; compiling, which would take turns with this process' interpreter, in a process of its own that
leaves the result on disk. Until then whoever asks goes on as before.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar, final

from lipverify.child import Child

T = TypeVar("T")


@final
class Loading:
    """Something compiled, on its way.

    Parameters
    ----------
    load
        A module's function that loads it, and compiles what is not on disk.
    stored
        A module's function that says whether it is on disk; may take as long as an import.

    Attributes
    ----------
    done
        Whether it is there.
    """

    def __init__(self, load: Callable[[], T], stored: Callable[[], bool]) -> None:
        self._load = load
        self._stored = stored
        self._thread: threading.Thread | None = None
        self.done = False
        self._failure: Exception | None = None

    @property
    def begun(self) -> bool:
        """Whether anybody has asked for it."""
        return self._thread is not None

    def ready(self) -> bool:
        """Whether it is there; the first call starts loading it."""
        if self._failure is not None:
            raise self._failure
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self.done

    def wait(self) -> None:
        """Until it is there."""
        self.ready()
        assert self._thread is not None
        self._thread.join()
        self.ready()

    def _run(self) -> None:
        try:
            if not self._stored():
                with contextlib.suppress(OSError, EOFError):  # no process: compile here
                    child = Child(_compile)
                    child.pipe.send(self._load)
                    child.pipe.recv()
                    child.end()
                if not threading.main_thread().is_alive():  # this process ends, and has ended the other one
                    return
            self._load()
            self.done = True
        except Exception as failure:  # noqa: BLE001 (whoever asks next gets it)
            self._failure = failure


def _compile(pipe: Connection) -> None:
    """What the child does."""
    pipe.recv()()
    pipe.send(True)
