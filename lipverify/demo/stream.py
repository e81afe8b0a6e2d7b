"""A solve whose bounds are read while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

import lipverify as lv

Stop: TypeAlias = Callable[[], bool]
"""Asked about ten times a second whether nobody waits for the answer any more."""


def streamed(solve: Callable[[Callable[[lv.Bound], bool]], lv.Bound], stop: Stop) -> Iterator[lv.Bound]:
    """The bounds that a solve reports, and its last one; it runs in a thread of its own.

    Both end when stop says so: the bounds at once, the solve when it reports the next time.
    """
    queue: SimpleQueue[lv.Bound | BaseException | None] = SimpleQueue()

    def tell(bound: lv.Bound) -> bool:
        queue.put(bound)
        return stop()

    def work() -> None:
        try:
            queue.put(solve(tell))
        except BaseException as error:  # noqa: BLE001 it is raised again where it is waited for
            queue.put(error)
        queue.put(None)

    Thread(target=work, daemon=True).start()
    while True:
        try:
            found = queue.get(timeout=0.1)
        except Empty:
            continue
        if found is None:
            return
        if isinstance(found, BaseException):
            raise found
        if stop():
            return  # what waits in the queue is news for nobody
        yield found
