"""The ledger: what was asked of the engines and what became of it, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from ..experiments.colour_code import Basis
from .files import StorageError
from .shards import Shard

JobState = Literal["planned", "intended", "submitted", "unknown", "done", "failed", "cancelled"]
RunState = Literal["running", "interrupted", "failed", "done"]
Clock = Callable[[], str]
JobKey = tuple[str, str, int]

SCHEMA_VERSION = 1
LEDGER_NAME = "hexmagic.sqlite"
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"intended", "cancelled"}),
    "intended": frozenset({"submitted", "unknown"}),
    "unknown": frozenset({"submitted", "planned"}),
    "submitted": frozenset({"done", "failed", "cancelled"}),
    "done": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
FINISHED = frozenset(state for state, following in TRANSITIONS.items() if not following)

_SCHEMA = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, state TEXT NOT NULL
) STRICT;
CREATE TABLE points (
    run_id TEXT NOT NULL REFERENCES runs, point INTEGER NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (run_id, point)
) STRICT;
CREATE TABLE jobs (
    run_id TEXT NOT NULL, shard TEXT NOT NULL, attempt INTEGER NOT NULL,
    point INTEGER NOT NULL, basis TEXT NOT NULL, shard_index INTEGER NOT NULL,
    shots INTEGER NOT NULL, seed INTEGER NOT NULL,
    state TEXT NOT NULL, changed TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (run_id, shard, attempt),
    FOREIGN KEY (run_id, point) REFERENCES points
) STRICT;
CREATE TABLE events (
    event INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, run_id TEXT NOT NULL,
    shard TEXT, attempt INTEGER, from_state TEXT, to_state TEXT, detail TEXT NOT NULL
) STRICT;
"""


_THIS_JOB = " WHERE run_id = ? AND shard = ? AND attempt = ?"


class IllegalTransitionError(StorageError):
    """A job was to change between two states that do not follow each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run: `state` is running, interrupted, failed or done; `created` is UTC, ISO 8601."""

    run_id: str
    name: str
    created: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One attempt at one shard; `detail` is the verbatim error of a failed one."""

    run_id: str
    shard: str
    attempt: int
    point: int
    basis: Basis
    shard_index: int
    shots: int
    seed: int
    state: str
    changed: str
    detail: str

    @property
    def key(self) -> JobKey:
        """(run, shard, attempt)."""
        return (self.run_id, self.shard, self.attempt)

    def to_shard(self) -> Shard:
        """Return the shard that this is an attempt at."""
        return Shard(
            id=self.shard,
            point=self.point,
            basis=self.basis,
            index=self.shard_index,
            shots=self.shots,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One change; `shard` and `attempt` are None for a change of the run itself."""

    event: int
    time: str
    run_id: str
    shard: str | None
    attempt: int | None
    from_state: str | None
    to_state: str | None
    detail: str


class Ledger:
    """The runs, points, jobs and events of one runs directory.

    Every change is one durable transaction that also writes its event. Use as a context manager.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        """Open the ledger, creating it if the file does not exist.

        Raises:
            StorageError: it cannot be opened, or a newer program wrote it.
        """
        self.path = path
        self._clock = clock
        with _storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

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

    def set_run_state(self, run_id: str, state: RunState, *, detail: str = "") -> None:
        """Change the state of a run."""
        with self._transaction():
            before = self._one("SELECT state FROM runs WHERE run_id = ?", run_id)
            if before is None:
                raise StorageError(f"{self.path}: no run {run_id}")
            self._db.execute("UPDATE runs SET state = ? WHERE run_id = ?", (state, run_id))
            self._event(run_id, from_state=before["state"], to_state=state, detail=detail)

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
        """Write one more attempt at a finished job's shard, planned; return it."""
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
        return sorted(jobs, key=lambda job: (job.point, job.basis, job.shard_index, job.attempt))

    def latest_jobs(self, run_id: str) -> dict[str, JobRow]:
        """Return the last attempt at each shard of a run."""
        return {job.shard: job for job in self.jobs(run_id)}

    def events(self, run_id: str) -> list[EventRow]:
        """Return a run's events in the order in which they happened."""
        rows = self._all("SELECT * FROM events WHERE run_id = ? ORDER BY event", run_id)
        return [EventRow(**row) for row in rows]

    def _open(self) -> None:
        self._db.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._all(f"PRAGMA {setting}")
        self._prepare_schema()

    def _prepare_schema(self) -> None:
        with self._transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise StorageError(
                    f"{self.path}: ledger schema {version}, this program knows {SCHEMA_VERSION}; "
                    "use the newer hexmagic that wrote it"
                )
            if version == 0:
                for statement in _SCHEMA.strip().split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

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
        row = (run_id, shard.id, attempt, *about, "planned", self._clock(), "")
        self._db.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
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
        with _storage_errors(self.path):
            return [dict(row) for row in self._db.execute(statement, values)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _storage_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{path}: ledger: {error}") from error
