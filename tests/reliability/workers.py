"""Which processes work for this one, and how to lose one of them."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection
from pathlib import Path

import pytest


def workers() -> list[int]:
    """The processes of this one's pool."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("/proc does not tell here which processes there are")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):  # it has ended meanwhile
            status, command = (folder / "stat").read_text(), (folder / "cmdline").read_bytes()
            if int(status.rpartition(")")[2].split()[1]) == os.getpid() and b"LokyProcess" in command:
                found.append(int(folder.name))
    return sorted(found)


def kill_a_worker(spared: Collection[int] = ()) -> int:
    """Kill the first one that is not spared; 0 when there is none."""
    for pid in workers():
        if pid not in spared:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return pid
    return 0
