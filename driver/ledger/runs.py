"""The ledger: what was asked of the engines and what became of it, in one SQLite file."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from ..folder.files import StorageError
from ..shards import Shard
from .jobs import (
    FINISHED,
    SCHEMA_VERSION,
    TRANSITIONS,
    EventRow,
    JobKey,
    JobRow,
    JobState,
    RunRow,
    RunState,
)
from .reading import (
    WAIT_SECONDS,
    LedgerReader,
    bring_up_to_date,
    check_tables,
    schema_version,
    storage_errors,
)

LEDGER_NAME = "hexmagic.sqlite"
Clock = Callable[[], str]

_PROBE_BYTES = 1 << 16
_OF_THE_DISK = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
)
_THIS_JOB = " WHERE run_id = ? AND shard = ? AND attempt = ?"


class IllegalTransitionError(StorageError):
    """A job was to change between two states that do not follow each other."""


class Ledger:
    """The runs, points, jobs and events of one runs directory.

    Every change is one durable transaction that also writes its event. Use as a context manager.
    """

    _reader: LedgerReader | None = None

    def __init__(self, path: Path, *, clock: Clock) -> None:
        """Open the ledger, creating it if the file does not exist.

        Raises:
            StorageError: it cannot be opened, or a newer program wrote it.
        """
        self.path = path
        self._clock = clock
        with _storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def reading(cls, path: Path) -> Self:
        """Open a ledger to read it: it is left as it is, and so is its folder.

        Raises:
            StorageError: it cannot be read, or a newer program wrote it.
        """
        ledger = cls.__new__(cls)
        ledger.path = path
        ledger._reader = LedgerReader(path)
        return ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        (self._reader or self._db).close()

    def register(
        self, run: RunRow, *, labels: Iterable[tuple[int, str]], shards: Iterable[Shard]
    ) -> None:
        """Write a new run with its points and its jobs, all planned; nothing if it is there."""
        with self._transaction():
            if self._one("SELECT 1 FROM runs WHERE run_id = ?", run.run_id):
                return
            row = (run.run_id, run.name, run.created, run.state)
            self._db.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", row)
            points = [(run.run_id, index, label) for index, label in labels]
            self._db.executemany("INSERT INTO points VALUES (?, ?, ?)", points)
            for shard in shards:
                self._insert_job(run.run_id, shard, attempt=1)
            self._event(run.run_id, to_state=run.state, detail="registered")

    def add(self, run_id: str, shards: Iterable[Shard]) -> list[JobRow]:
        """Write jobs for shards that a run found it needs, planned; return those that are new."""
        with self._transaction():
            known = {job.shard for job in self.jobs(run_id)}
            new = [shard for shard in shards if shard.id not in known]
            return [self._insert_job(run_id, shard, attempt=1) for shard in new]

    def set_run_state(self, run_id: str, state: RunState, *, detail: str = "") -> None:
        """Change the state of a run.

        Raises:
            StorageError: there is no such run.
        """
        with self._transaction():
            before = self._one("SELECT state FROM runs WHERE run_id = ?", run_id)
            if before is None:
                raise StorageError(f"{self.path}: no run {run_id}")
            self._db.execute("UPDATE runs SET state = ? WHERE run_id = ?", (state, run_id))
            self._event(run_id, from_state=before["state"], to_state=state, detail=detail)

    def run(self, run_id: str) -> RunRow | None:
        """Return a run, None if the ledger does not have it."""
        row = self._one("SELECT * FROM runs WHERE run_id = ?", run_id)
        return None if row is None else RunRow(**row)

    def note_run(self, run_id: str, detail: str) -> None:
        """Write an event about a run that leaves its state as it is."""
        with self._transaction():
            row = self._one("SELECT state FROM runs WHERE run_id = ?", run_id)
            state = None if row is None else row["state"]
            self._event(run_id, from_state=state, to_state=state or "", detail=detail)

    def move(self, job: JobRow, *states: JobState, detail: str = "") -> JobRow:
        """Take a job through `states`, one after the other, in one transaction; return it.

        Raises:
            IllegalTransitionError: a step is not in TRANSITIONS; nothing has changed then.
        """
        with self._transaction():
            for state in states:
                job = self._step(job, state, detail)
        return job

    def retry(self, job: JobRow, *, detail: str) -> JobRow:
        """Write one more attempt at a finished job's shard, planned; return it.

        Raises:
            IllegalTransitionError: the job is not finished.
        """
        if job.state not in FINISHED:
            raise IllegalTransitionError(f"shard {job.shard}: {job.state}, so it cannot be retried")
        with self._transaction():
            again = self._insert_job(job.run_id, job.to_shard(), attempt=job.attempt + 1)
            self._event(*again.key, to_state="planned", detail=detail)
        return again

    def note(self, job: JobRow, detail: str) -> None:
        """Write an event about a job that leaves its state as it is."""
        with self._transaction():
            self._event(*job.key, from_state=job.state, to_state=job.state, detail=detail)

    def runs(self) -> list[RunRow]:
        """Return every run, oldest first."""
        return [RunRow(**row) for row in self._all("SELECT * FROM runs ORDER BY created, rowid")]

    def jobs(self, run_id: str) -> list[JobRow]:
        """Return every attempt at every shard of a run, in plan order."""
        rows = self._all("SELECT * FROM jobs WHERE run_id = ? ORDER BY rowid", run_id)
        jobs = [JobRow(**row) for row in rows]
        return sorted(jobs, key=_plan_order)

    def latest_jobs(self, run_id: str) -> dict[str, JobRow]:
        """Return the last attempt at each shard of a run."""
        return {job.shard: job for job in self.jobs(run_id)}

    def events(self, run_id: str) -> list[EventRow]:
        """Return a run's events in the order in which they happened."""
        rows = self._all("SELECT * FROM events WHERE run_id = ? ORDER BY event", run_id)
        return [EventRow(**row) for row in rows]

    def _open(self) -> None:
        self._db.row_factory = sqlite3.Row
        self._schema_version()  # before the first setting: another program's file stays as it is
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._all(f"PRAGMA {setting}")
        self._prepare_schema()

    def _prepare_schema(self) -> None:
        if self._schema_version() < SCHEMA_VERSION:  # else without a transaction: waits for nobody
            with self._transaction():
                version = self._schema_version()
                if version < SCHEMA_VERSION:
                    bring_up_to_date(self._db, version)
        with _storage_errors(self.path):
            check_tables(self._db, self.path)

    def _schema_version(self) -> int:
        with _storage_errors(self.path):
            return schema_version(self._db, self.path)

    def _step(self, job: JobRow, state: JobState, detail: str) -> JobRow:
        before = self._job(job.key).state
        if state not in TRANSITIONS[before]:
            raise IllegalTransitionError(
                f"shard {job.shard} attempt {job.attempt}: {before} -> {state} is not possible"
            )
        change = "UPDATE jobs SET state = ?, changed = ?, detail = ?" + _THIS_JOB
        self._db.execute(change, (state, self._clock(), detail, *job.key))
        self._event(*job.key, from_state=before, to_state=state, detail=detail)
        return self._job(job.key)

    def _job(self, key: JobKey) -> JobRow:
        row = self._one("SELECT * FROM jobs" + _THIS_JOB, *key)
        if row is None:
            raise StorageError(f"{self.path}: no job {key}")
        return JobRow(**row)

    def _insert_job(self, run_id: str, shard: Shard, *, attempt: int) -> JobRow:
        about = (shard.point, shard.basis, shard.index, shard.shots, shard.seed)
        more = (shard.first_shot, shard.gives, shard.faults)
        row = (run_id, shard.id, attempt, *about, "planned", self._clock(), "", *more)
        self._db.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(row))})", row)
        return self._job((run_id, shard.id, attempt))

    def _event(
        self,
        run_id: str,
        shard: str | None = None,
        attempt: int | None = None,
        *,
        from_state: str | None = None,
        to_state: str,
        detail: str,
    ) -> None:
        row = (None, self._clock(), run_id, shard, attempt, from_state, to_state, detail)
        self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _one(self, statement: str, *values: Any) -> dict[str, Any] | None:
        rows = self._all(statement, *values)
        return rows[0] if rows else None

    def _all(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        if self._reader is not None:
            return [dict(row) for row in self._reader.execute(statement, values)]
        with _storage_errors(self.path):
            return [dict(row) for row in self._db.execute(statement, values)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._reader is not None:
            raise StorageError(f"{self.path}: ledger: opened to be read only")
        with _storage_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _plan_order(job: JobRow) -> tuple[int, str, int, int, int]:
    stratum = -1 if job.faults is None else job.faults
    return (job.point, job.basis, stratum, job.shard_index, job.attempt)


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """Turn what is refused into one line; SQLite does not say what the file system said."""
    with storage_errors(path):
        try:
            yield
        except sqlite3.OperationalError as error:
            cause = _cause(path.parent) if error.sqlite_errorcode & 0xFF in _OF_THE_DISK else ""
            if not cause:
                raise
            raise OSError(f"{error} ({cause})") from error


def _cause(folder: Path) -> str:
    """Return why nothing can be written in a folder, in the system's words; empty if it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""
