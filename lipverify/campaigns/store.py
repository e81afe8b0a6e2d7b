"""The answers of campaigns in one SQLite file, to which rows are added and nothing else.

SQLite and not Parquet: a row is safe as soon as it is written, whatever ends the process (the journal undoes half a
row), two processes may add to one file, and the standard library reads it; a Parquet file is written as a whole. The
rollback journal, not the write-ahead log: between two rows the store is one file, which can be copied. Triggers refuse
changes and deletions.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from lipverify.bound import Bound
from lipverify.campaigns.jobs import Answer, Job, Outcome
from lipverify.errors import InvalidArgument, LipverifyError

FORMAT = 1
APPLICATION = 0x4C697056  # "LipV": what tells a store from other SQLite files
_MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes, https://www.sqlite.org/fileformat2.html
_BUSY = 60.0  # seconds to wait for another process that is writing

_SCHEMA = f"""
BEGIN;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
CREATE TABLE results (
  number INTEGER PRIMARY KEY,
  job TEXT NOT NULL UNIQUE,
  network TEXT NOT NULL, digest TEXT NOT NULL, domain TEXT NOT NULL, norm TEXT NOT NULL, method TEXT NOT NULL,
  seed INTEGER NOT NULL, time_limit REAL,
  outcome TEXT NOT NULL, record TEXT, error TEXT NOT NULL,
  version TEXT NOT NULL, written TEXT NOT NULL
);
CREATE TRIGGER no_change BEFORE UPDATE ON results BEGIN SELECT RAISE(ABORT, 'a store is only added to'); END;
CREATE TRIGGER no_deletion BEFORE DELETE ON results BEGIN SELECT RAISE(ABORT, 'a store is only added to'); END;
COMMIT;
"""


class Store:
    """A file of answers; it is made when it is not there.

    Raises
    ------
    InvalidArgument
        For a file that is no store, is damaged, or has another format: it stays as it is.
    LipverifyError
        When it cannot be read, made or written: with the reason.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not os.path.lexists(self.path):
            self._make()
        self._check_header()
        with self._told("read"):
            self._connection = _connect(self.path)
        try:
            with self._told("read"):
                found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    raise self._refused(f"it is damaged ({' '.join(found.split())})")
                self._connection.execute("SELECT job, outcome, record, error FROM results LIMIT 1").fetchone()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def has(self, job: Job) -> bool:
        """Whether the question is answered by now, by whomever."""
        with self._told("read"):
            return self._connection.execute("SELECT 1 FROM results WHERE job = ?", (job.key,)).fetchone() is not None

    def require_writable(self) -> None:
        """Raise LipverifyError where no row can be added, before there is one to lose."""
        with self._told("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("ROLLBACK")

    def answers(self) -> dict[str, Answer]:
        """All answers by their questions' keys.

        Raises
        ------
        InvalidArgument
            For a row that no answer can have written.
        """
        with self._told("read"):
            rows = self._connection.execute("SELECT job, outcome, record, error FROM results").fetchall()
        found = {}
        for job, outcome, record, error in rows:
            try:
                data = None if record is None else json.loads(record)
                if data is not None:
                    Bound.from_dict(data)
                found[job] = Answer(Outcome(outcome), data, error)
            except (ValueError, TypeError, RecursionError, LipverifyError) as fault:
                raise self._refused(f"the row of job {job[:12]}… is damaged ({fault})") from fault
        return found

    def add(self, job: Job, answer: Answer) -> bool:
        """Keep an answer, for good when this returns; False when another process has answered the question before."""
        from lipverify import __version__

        asked = (job.key, job.network_name, job.network.digest, job.domain_name, str(job.norm), job.method, job.seed)
        record = None if answer.record is None else json.dumps(answer.record, allow_nan=False)
        said = (job.time_limit, answer.outcome.value, record, answer.error, __version__, datetime.now(UTC).isoformat())
        with self._told("written"):
            done = self._connection.execute(
                "INSERT OR IGNORE INTO results (job, network, digest, domain, norm, method, seed, time_limit, outcome, "
                "record, error, version, written) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*asked, *said),
            )
        return done.rowcount == 1

    def _make(self) -> None:
        """Whole or not at all: beside its place, and linked to it unless somebody else was faster."""
        beside = self.path.with_name(f".{self.path.name[:200]}.{secrets.token_hex(4)}")
        try:
            with self._told("made"):
                connection = _connect(beside, create=True)
                try:
                    connection.executescript(_SCHEMA)
                finally:
                    connection.close()
                with suppress(FileExistsError):
                    os.link(beside, self.path)
        finally:
            for left in (beside, beside.with_name(f"{beside.name}-journal")):
                with suppress(OSError):
                    left.unlink()

    def _check_header(self) -> None:
        """Look at the file before SQLite does, which would take an empty one for its own."""
        with self._told("read"), self.path.open("rb") as file:
            header = file.read(_HEADER)
            size = os.fstat(file.fileno()).st_size
        if not header:
            raise self._refused("it is empty")
        if len(header) < _HEADER or not header.startswith(_MAGIC):
            raise self._refused("it is no SQLite file")
        if int.from_bytes(header[68:72], "big") != APPLICATION:
            raise self._refused("it is another program's SQLite file")
        version = int.from_bytes(header[60:64], "big")
        if version != FORMAT:
            raise self._refused(f"it has format {version}, and this version of lipverify reads format {FORMAT}")
        page = int.from_bytes(header[16:18], "big")
        whole = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
        if size < whole and not self.path.with_name(f"{self.path.name}-journal").exists():
            raise self._refused(f"it is cut short: {size} of {whole} bytes")

    def _refused(self, why: str) -> InvalidArgument:
        return InvalidArgument(f"{self.path} is no store of a campaign: {why}; it is left as it is, name another file")

    @contextmanager
    def _told(self, what: str) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise LipverifyError(f"the store {self.path} cannot be {what}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._refused(str(error)) from error
        except OSError as error:
            raise LipverifyError(f"the store {self.path} cannot be {what}: {error.strerror or error}") from error


def _connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    mode = "rwc" if create else "rw"
    where = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(where, uri=True, timeout=_BUSY, isolation_level=None)
