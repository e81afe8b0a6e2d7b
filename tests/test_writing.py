"""Files appear whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import lipverify as lv
from lipverify.testing import baseline
from lipverify.writing import write_whole

OLD = b"what was there before"


def test_a_file_is_written_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, OLD)
    path.chmod(0o640)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_what_is_no_file_is_written_in_place() -> None:
    write_whole(Path("/dev/null"), b"new")
    assert Path("/dev/null").is_char_device()


NETWORK = lv.Network([[[1.0] * 40] * 40, [[1.0] * 40]])


def _plot(path: Path) -> None:
    from lipverify.plots import plot_comparison

    plot_comparison(lv.compare(lv.Network([[[1.0]]]), ["autolip"]), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("base.txt", lambda path: baseline.write_baseline(path, baseline.read_baseline(baseline.BASELINE))),
        ("net.json", NETWORK.save),
        ("net.npz", NETWORK.save),
        ("plot.svg", _plot),
    ],
)
def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path, name: str, write: Callable[[Path], object]) -> None:
    path = tmp_path / name
    path.write_bytes(OLD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        write(tmp_path / f"first.{name}")  # everything is loaded and cached
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
        with pytest.raises((lv.LipverifyError, OSError)):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == OLD
    assert sorted(os.listdir(tmp_path)) == sorted([name, f"first.{name}"])
