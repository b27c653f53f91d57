"""A ledger with three planned submissions, and the steps that a test takes it through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from hexmagic.backends.remote import RemoteJob, RemoteState
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import EventRow, JobRow, JobState, RunRow
from hexmagic.driver.ledger.submissions import SubmissionRow
from hexmagic.driver.shards import Shard

from .remote import Clock

RUN = RunRow(run_id="r", name="n", created="2026", state="waiting")
SHARDS = [
    Shard(id=f"s{i}", point=0, basis="X", index=i, first_shot=5 * i, shots=5, seed=i)
    for i in range(3)
]
MOST = 10

WAYS: dict[str, tuple[JobState, ...]] = {
    "planned": (),
    "intended": ("intended",),
    "unknown": ("intended", "unknown"),
    "parked": ("intended", "unknown", "parked"),
    "submitted": ("intended", "submitted"),
    "done": ("intended", "submitted", "done"),
    "failed": ("intended", "failed"),
    "cancelled": ("intended", "unknown", "parked", "cancelled"),
}
"""The steps that lead a planned job to each state."""


@contextmanager
def open_paid(folder: Path, clock: Clock) -> Iterator[HardwareLedger]:
    """Open a new ledger of run `r`, its jobs s0, s1 and s2 planned, with their submissions."""
    with HardwareLedger(folder / "hexmagic.sqlite", clock=clock.now) as opened:
        opened.register(RUN, labels=[(0, "p")], shards=SHARDS)
        for job in opened.jobs("r"):
            plan(opened, job)
        yield opened


def later(clock: Clock, looks: int) -> str:
    """Return what the clock will tell at the so-manieth look from now."""
    return (clock.time + timedelta(microseconds=looks)).isoformat(timespec="microseconds")


def plan(ledger: HardwareLedger, job: JobRow) -> None:
    """Plan a job's submission on device `d`, of 4 s and at most 10."""
    ledger.plan_submission(job, device="d", estimated_seconds=4.0, most_seconds=MOST)


def first(ledger: HardwareLedger) -> JobRow:
    """Return the job of shard s0 as it stands."""
    return ledger.jobs("r")[0]


def asked(ledger: HardwareLedger, job: JobRow) -> SubmissionRow:
    """Return the submission of a job that has one."""
    row = ledger.submission(job)
    assert row is not None
    return row


def intend(ledger: HardwareLedger, job: JobRow | None = None) -> JobRow:
    """Intend a job, by default s0, in batch `b`."""
    return ledger.intend(job or first(ledger), batch="b", payload="hash", detail="")


def remote(
    number: int = 1, state: RemoteState = "queued", charged: float | None = None
) -> RemoteJob:
    """Return one of the service's jobs."""
    return RemoteJob(id=f"job-{number}", state=state, word=state, charged_seconds=charged)


def submit(ledger: HardwareLedger, number: int = 1, job: JobRow | None = None) -> JobRow:
    """Intend a job and adopt one of the service's for it."""
    return ledger.adopt(intend(ledger, job), remote(number), detail="accepted")


def last_events(ledger: HardwareLedger, count: int) -> list[EventRow]:
    """Return the last events of run `r`."""
    return ledger.events("r")[-count:]


def steps(
    events: list[EventRow],
) -> list[tuple[str | None, int | None, str | None, str | None, str]]:
    """Return of each event its shard, attempt, state before, state after and detail."""
    return [(e.shard, e.attempt, e.from_state, e.to_state, e.detail) for e in events]
