"""What is on the disk of compiled functions: older than its sources it is forgotten, and one process makes it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lipverify import kernels


def function(index: Path | None) -> Any:
    """A stand-in for a compiled function whose index is there."""
    file = None if index is None else SimpleNamespace(_index_path=str(index))
    return SimpleNamespace(_cache=SimpleNamespace(_cache_file=file))


@pytest.mark.parametrize(("age", "kept"), [(-10, True), (10, False)])
def test_what_is_older_than_a_source_is_forgotten(tmp_path: Path, age: int, kept: bool) -> None:
    index, source = tmp_path / "f.nbi", tmp_path / "f.py"
    for path, time in ((index, 1000), (source, 1000 + age)):
        path.touch()
        os.utime(path, (time, time))
    kernels.forget_older(function(index), [source])
    assert index.exists() is kept


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with kernels.alone(function(tmp_path / "f.nbi")):
        (lock,) = tmp_path.iterdir()
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("index", [None, Path("/nowhere/f.nbi")])
def test_where_nothing_can_be_written_nothing_is_locked(index: Path | None) -> None:
    kernels.forget_older(function(index), [])
    with kernels.alone(function(index)):
        pass
