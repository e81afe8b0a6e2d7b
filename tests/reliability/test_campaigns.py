"""Campaigns through faults: kills, full disks, files that are no store. No row is lost, and none is there twice."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lipverify as lv
from lipverify.campaigns.store import Store
from tests.conftest import examples, long_only
from tests.reliability.workers import kill_a_worker

SPEC: dict[str, Any] = {
    "networks": [{"random": [2, 4, 1], "seeds": list(range(12))}],
    "domains": ["everywhere", "-1:1"],
    "methods": ["frobenius", "autolip"],
}
TOTAL = 12 * 2 * 2
PROGRAM = """
import sys, lipverify as lv
print("begun", flush=True)
found = lv.campaign({spec!r}, store=sys.argv[1], jobs=int(sys.argv[2]), on_progress=lambda p: print(p.done, flush=True))
print("whole", found.complete, found.found)
"""


def start(store: Path, jobs: int = 1, **options: Any) -> subprocess.Popen[str]:
    """The campaign in a process of its own."""
    command = [sys.executable, "-c", PROGRAM.format(spec=SPEC), str(store), str(jobs)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0, **options
    )


def numbers(store: Path) -> list[tuple[Any, ...]]:
    """What a reader of the file sees, through SQLite alone."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT job, network, domain, method FROM results").fetchall()
    finally:
        connection.close()


def answers(found: lv.Campaign) -> list[Any]:
    return [(row.job.key, row.bound and (row.bound.lower, row.bound.upper), row.error) for row in found]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The answers of a campaign that nothing happened to."""
    return answers(lv.campaign(SPEC, store=tmp_path_factory.mktemp("whole") / "store"))


def test_kill_9_at_random_moments(tmp_path: Path, whole: list[Any]) -> None:
    store, chance = tmp_path / "store", random.Random(24)
    kills = 0
    for _ in range(examples(1, long=40)):
        process = start(store)
        assert process.stdout is not None
        for line in process.stdout:  # so many rows more, then some part of the next
            if line.strip() != "begun" and chance.random() < 0.1:
                break
        time.sleep(chance.random() * 0.01)
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        if store.exists():
            with Store(store) as kept:
                assert len(kept.answers()) == len({job for job, *_ in numbers(store)})
    assert kills
    found = lv.campaign(SPEC, store=store)
    assert found.complete
    assert found.found > 0
    assert answers(found) == whole
    assert len(numbers(store)) == TOTAL
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_kill_while_the_store_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(source: Path, target: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(os, "link", crash)
    with pytest.raises(MemoryError):
        Store(tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


@long_only
def test_a_worker_killed_in_the_middle(tmp_path: Path, whole: list[Any]) -> None:
    killed: list[int] = []

    def kill(progress: Any) -> None:
        if progress.done in (6, 20):
            killed.append(kill_a_worker(killed))

    found = lv.campaign(SPEC, store=tmp_path / "store", jobs=2, on_progress=kill)
    assert len(killed) == 2
    assert answers(found) == whole
    assert len(numbers(tmp_path / "store")) == TOTAL


def test_two_processes_on_one_store(tmp_path: Path, whole: list[Any]) -> None:
    """This one and another: whoever is first with a row, both find all of them."""
    other = start(tmp_path / "store")
    assert other.stdout is not None
    assert other.stdout.readline() == "begun\n"
    mine = lv.campaign(SPEC, store=tmp_path / "store", on_progress=lambda progress: time.sleep(0.01))
    _, err = other.communicate(timeout=120)
    assert other.returncode == 0, err
    assert answers(mine) == whole
    assert len(numbers(tmp_path / "store")) == TOTAL
    assert answers(lv.campaign(SPEC, store=tmp_path / "store")) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


# Files that are no store ---------------------------------------------------------------------------


def other_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE results (job TEXT); INSERT INTO results VALUES ('mine');")
    connection.close()


def other_format(path: Path) -> None:
    Store(path).__exit__(None, None, None)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()


def truncated(path: Path) -> None:
    filled(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    filled(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(bytes(range(256)) * ((size - size // 2) // 256))


def bad_row(path: Path, record: str = '{"lower": 1}') -> None:
    Store(path).__exit__(None, None, None)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "INSERT INTO results VALUES (1, 'j', '', '', '', '', '', 0, NULL, 'answered', ?, '', '', '')", (record,)
        )
    connection.close()


def nonsense(path: Path) -> None:
    path.write_text("network,upper\niris,2\n" * 50)


def filled(path: Path) -> None:
    lv.campaign(SPEC, store=path)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "it is no SQLite file"),
        (nonsense, "it is no SQLite file"),
        (other_schema, "another program's"),
        (other_format, "format 2"),
        (truncated, "it is cut short"),
        (overwritten, "damaged|malformed"),
        (bad_row, "the row of job j… is damaged"),
        (lambda path: bad_row(path, "[" * 10**5), "the row of job j… is damaged"),
        (lambda path: bad_row(path, '{"lower": NaN}'), "the row of job j… is damaged"),
        (lambda path: bad_row(path, "1" + "0" * 10**5), "the row of job j… is damaged"),
    ],
    ids=["empty", "header", "csv", "schema", "format", "truncated", "overwritten", "row", "deep", "nan", "digits"],
)
def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path, make: Callable[[Path], Any], why: str) -> None:
    path = tmp_path / "store"
    make(path)
    before = path.read_bytes()
    with pytest.raises(lv.InvalidArgument, match=why) as caught:
        lv.campaign(SPEC, store=path)
    assert "left as it is" in str(caught.value)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["store"]


def test_places_where_no_store_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "store", tmp_path / "nowhere" / "store", Path("/proc/store"), tmp_path):
        with pytest.raises(lv.LipverifyError, match=r"the store .* cannot be (made|read)"):
            lv.campaign(SPEC, store=path)
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(lv.LipverifyError, match="cannot be read"):
        lv.campaign(SPEC, store=tmp_path / "link")


READ_ONLY = """
import os, sys, lipverify as lv, lipverify.campaigns.running
from pathlib import Path
lv.campaign({spec!r}, store=sys.argv[1] + "/warm", on_progress=lambda p: p.done == 2)
folder = Path(sys.argv[1])
(folder / "warm").chmod(0o444)
folder.chmod(0o555)
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for name in ("warm", "new"):
    try:
        lv.campaign({spec!r}, store=folder / name)
    except lv.LipverifyError as error:
        print(type(error).__name__, error)
"""


def test_a_read_only_folder(tmp_path: Path) -> None:
    """As nobody where this is root, who may write anywhere; found out before anything is computed."""
    folder = Path(f"/tmp/lipverify-read-only-{os.getpid()}")
    folder.mkdir()
    try:
        run = [sys.executable, "-c", READ_ONLY.format(spec=SPEC), str(folder)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.splitlines()
        assert "warm cannot be written: attempt to write a readonly database" in first
        assert "new cannot be made" in second
        assert [path.name for path in folder.iterdir()] == ["warm"]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_full_disk(tmp_path: Path, whole: list[Any]) -> None:
    """Files may not grow beyond what ten rows need: one error, the rows before it are kept, and it goes on later."""
    store = tmp_path / "store"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(progress: Any) -> None:
        if progress.done == 10:
            resource.setrlimit(resource.RLIMIT_FSIZE, (store.stat().st_size, before[1]))

    try:
        with pytest.raises(lv.LipverifyError, match="cannot be written"):
            lv.campaign(SPEC, store=store, on_progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept = len(numbers(store))
    assert 10 <= kept < TOTAL
    found = lv.campaign(SPEC, store=store)
    assert found.found == kept
    assert answers(found) == whole
