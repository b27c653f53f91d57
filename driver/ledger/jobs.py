"""Jobs: the rows of the ledger, the states of a job, and the tables that hold them.

What each state means for a job on paid hardware is told in docs/hardware.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ...experiments.measures import MEASURES, Measure
from ..folder.files import StorageError
from ..shards import FIRST_SHARD_SHOTS, Gives, Shard

JobState = Literal[
    "planned", "intended", "unknown", "parked", "submitted", "done", "failed", "cancelled"
]
RunState = Literal[
    "running", "waiting", "parked", "cancelling", "interrupted", "cancelled", "failed", "done"
]
JobKey = tuple[str, str, int]

RUN_ENDED = frozenset({"cancelled", "failed", "done"})
"""States of a run that nothing more is done for, unless a person resumes it."""

SCHEMA_VERSION = 3
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"intended", "cancelled"}),
    "intended": frozenset({"submitted", "unknown", "failed"}),
    "unknown": frozenset({"submitted", "planned", "parked"}),
    "parked": frozenset({"submitted", "planned", "cancelled"}),
    "submitted": frozenset({"done", "failed", "cancelled"}),
    "done": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
FINISHED = frozenset(state for state, following in TRANSITIONS.items() if not following)
OPEN = ("planned", "intended", "unknown", "submitted")
"""States of a job that a step may change without a person's word."""

_REMOTE = """
CREATE TABLE submissions (
    run_id TEXT NOT NULL, shard TEXT NOT NULL, attempt INTEGER NOT NULL,
    tag TEXT NOT NULL UNIQUE, device TEXT NOT NULL,
    estimated_seconds REAL NOT NULL, most_seconds INTEGER NOT NULL,
    batch TEXT, payload TEXT, intended TEXT, looks INTEGER NOT NULL DEFAULT 0,
    unclear INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, shard, attempt),
    FOREIGN KEY (run_id, shard, attempt) REFERENCES jobs
) STRICT;
CREATE TABLE remote_jobs (
    remote_id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL, shard TEXT NOT NULL, attempt INTEGER NOT NULL,
    kept INTEGER NOT NULL, state TEXT NOT NULL, charged_seconds REAL,
    found TEXT NOT NULL, ended_at TEXT, settled TEXT, fetches INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (run_id, shard, attempt) REFERENCES submissions
) STRICT;
CREATE TABLE schedules (
    name TEXT PRIMARY KEY, spec TEXT NOT NULL, overrides TEXT NOT NULL,
    registered TEXT NOT NULL, state TEXT NOT NULL,
    last_due TEXT, last_calibration TEXT, last_run TEXT, tried TEXT, refusal TEXT NOT NULL
) STRICT;
"""

SCHEMA = f"""
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
    first_shot INTEGER NOT NULL, gives TEXT NOT NULL, faults INTEGER,
    PRIMARY KEY (run_id, shard, attempt),
    FOREIGN KEY (run_id, point) REFERENCES points
) STRICT;
CREATE TABLE events (
    event INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, run_id TEXT NOT NULL,
    shard TEXT, attempt INTEGER, from_state TEXT, to_state TEXT, detail TEXT NOT NULL
) STRICT;
{_REMOTE}"""

_FROM_1_TO_2 = f"""
ALTER TABLE jobs ADD COLUMN first_shot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN gives TEXT NOT NULL DEFAULT 'shots';
ALTER TABLE jobs ADD COLUMN faults INTEGER;
UPDATE jobs SET first_shot = shard_index * {FIRST_SHARD_SHOTS};
"""

CHANGES: Mapping[int, str] = {0: SCHEMA, 1: _FROM_1_TO_2 + _REMOTE, 2: _REMOTE}
"""By the version that a ledger has: what makes it one of SCHEMA_VERSION."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run: `state` is a RunState; `created` is UTC, ISO 8601."""

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
    basis: Measure
    shard_index: int
    shots: int
    seed: int
    state: str
    changed: str
    detail: str
    first_shot: int
    gives: Gives
    faults: int | None

    def __post_init__(self) -> None:
        known = self.state in TRANSITIONS and self.basis in MEASURES
        if not known or self.gives not in get_args(Gives):
            raise StorageError(
                f"ledger: damaged: job {self.shard[:16]}-{self.attempt} of run {self.run_id} has "
                f"state {self.state!r}, basis {self.basis!r} and gives {self.gives!r}"
            )

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
            first_shot=self.first_shot,
            shots=self.shots,
            seed=self.seed,
            gives=self.gives,
            faults=self.faults,
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


def latest(jobs: Sequence[JobRow]) -> list[JobRow]:
    """Return the last attempt at each shard."""
    return list({job.shard: job for job in jobs}.values())
