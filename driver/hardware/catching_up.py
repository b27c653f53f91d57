"""Catching up: a ledger from a backup learns from the run folder what was sent since."""

from __future__ import annotations

from datetime import datetime

from ..folder.run_folder import RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import FINISHED, RUN_ENDED, JobRow, RunState
from .start import plan_submissions
from .submitted import SUBMITTED, Document, read_submitted

_LATER = f"{SUBMITTED} has a later attempt"


def catch_up(folder: RunFolder, ledger: HardwareLedger, now: str) -> list[str]:
    """Let a ledger that is older than a run's folder know what was sent since; return it in words.

    What it does not know was sent is unknown then, and looked for; an attempt that it does not have
    is planned first.

    Raises:
        StorageError: the folder's file is damaged.
    """
    document = read_submitted(folder)
    if document is None:
        return []
    jobs = ledger.latest_jobs(folder.run_id)
    asked = {(row.shard, row.attempt): row.intended for row in ledger.submissions(folder.run_id)}
    said: list[str] = []
    for shard, attempt, intended, tag in _newest(document):
        job = jobs.get(shard)
        if job is not None and job.attempt < attempt:
            job = _planned_anew(folder, ledger, job, attempt)
            asked[shard, attempt] = None
        if job is None or job.state not in ("planned", "unknown", "parked"):
            continue
        if job.attempt == attempt and _is_news(asked.get((shard, attempt), ""), intended, now):
            detail = f"{SUBMITTED} has it as sent at {intended}: this ledger is an older one"
            ledger.was_sent(job, tag=tag, intended=intended, detail=detail)
            said.append(f"{shard[:16]}-{attempt}: {detail}")
    run = ledger.run(folder.run_id) if said else None
    if run is not None and run.state in RUN_ENDED:
        state: RunState = "cancelling" if run.state == "cancelled" else "waiting"
        ledger.set_run_state(folder.run_id, state, detail=said[0])
    return said


def _newest(document: Document) -> list[tuple[str, int, str, str]]:
    """Return (shard, attempt, intended, tag) of the latest attempt at each shard."""
    newest: dict[str, tuple[int, str, str]] = {}
    for tag, one in document["submissions"].items():
        found = (one["attempt"], one["intended"], tag)
        newest[one["shard"]] = max(found, newest.get(one["shard"], found))
    return [(shard, *found) for shard, found in newest.items()]


def _planned_anew(
    folder: RunFolder, ledger: HardwareLedger, job: JobRow, attempt: int
) -> JobRow | None:
    """Return an attempt that the ledger lacks; None before it knows what became of its own."""
    if job.state not in FINISHED:
        return None
    while True:
        job = ledger.retry(job, detail=_LATER)
        plan_submissions(folder, ledger)
        if job.attempt == attempt:
            return job
        job = ledger.move(job, "cancelled", detail=_LATER)


def _is_news(known: str | None, intended: str, now: str) -> bool:
    """Return whether the ledger does not know of a submission.

    Of one by a clock that was ahead it cannot be told, if the ledger knows of any.

    Args:
        known: when the ledger has it as sent; None: never; empty: it was not to be sent.
        intended: when it was sent.
        now: UTC, ISO 8601.
    """
    if not known:
        return known is None
    return (
        datetime.fromisoformat(known)
        < datetime.fromisoformat(intended)
        <= datetime.fromisoformat(now)
    )
