"""Submitting: the intent is on disk before anything is sent, and what was sent is sent once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ...backends.remote import (
    AccountError,
    NotAcceptedError,
    RejectedError,
    RemoteError,
    RemoteJob,
    Submission,
    UnclearError,
)
from ...experiments.errors import RefusedError
from ..folder.archive import load_canary, load_circuit, save_calibration
from ..folder.files import StorageError
from ..ledger.jobs import OPEN, JobRow
from ..ledger.submissions import SubmissionRow
from .budgets import limits
from .preflight import check_machines
from .searching import audit, recall, search, seconds_since, submission_of, was_ahead
from .start import run_tag
from .submitted import note_accepted, note_submission, withdraw_submission

if TYPE_CHECKING:
    from .step import HardwareRun

PACE_SECONDS = 60.0
"""What `posts_per_minute` counts over."""


def submit(run: HardwareRun, jobs: Sequence[JobRow]) -> None:
    """Submit planned jobs, in order, as far as machine, gates, pace and budgets allow.

    Why some were not is added to the run's `waits`.

    Raises:
        AccountError: the service does not take the account.
        StorageError: the file system refuses; nothing was sent then.
    """
    if not jobs:
        return
    if run.hold:
        run.waits.append(f"nothing is submitted: {run.hold}")
        return
    try:
        devices = check_machines(run.folder, run.machines)
        strangers = _strangers(run)
    except (RefusedError, RemoteError) as error:
        if isinstance(error, AccountError):
            raise
        run.waits.append(f"nothing is submitted: {error}")
        return
    if strangers:
        run.refused.append(
            f"the service has jobs of this run that are not known here ({', '.join(strangers)}): a "
            "copy of it is at work elsewhere, or this ledger is older than they are; go on with "
            f"that copy or that ledger, and end this one with `hexmagic cancel "
            f"{run.folder.run_id}`: what it has submitted is cancelled, what it has collected stays"
        )
        return
    for device in devices:
        save_calibration(run.folder, device)
    _submit_all(run, jobs, {d.name: f"calibration of {d.calibrated_at}" for d in devices})


def _submit_all(run: HardwareRun, jobs: Sequence[JobRow], calibrations: Mapping[str, str]) -> None:
    for job in jobs:
        asked = submission_of(run, job)
        if _is_held(run, job, asked):
            continue
        if not _in_pace(run) or not _within_budget(run, asked):
            return
        if not _submit_one(run, job, asked, calibrations[asked.device]):
            return


def _strangers(run: HardwareRun) -> list[str]:
    """Return the ids of jobs that the service lists for this run and that are not known here.

    They come from a copy of the run in another runs directory, which is a second one to pay, or
    this ledger is an older copy. Those under a tag that may have more are none: `search` adopts
    them, or `hear` cancels them.

    Raises:
        RemoteError: the service does not answer.
    """
    known = {remote.remote_id for remote in run.ledger.remotes(run.folder.run_id)}
    expected = [*run.jobs(*OPEN, "parked"), *run.ledger.unheard()]
    tags = {submission_of(run, job).tag for job in expected}
    listed = {job.id for job in run.remote.find(run_tag(run.folder.run_id))} - known
    mine = {job.id for tag in (tags if listed else ()) for job in run.remote.find(tag)}
    return sorted(listed - mine)


def _is_held(run: HardwareRun, job: JobRow, asked: SubmissionRow) -> bool:
    """Return whether a job was sent so shortly ago that its listing might still lag.

    Even an answer that says "not accepted" may come from a gateway that knows no better.
    """
    if asked.intended is None:
        return False
    hold = run.site.ibm.listing_wait_seconds - seconds_since(run, asked)
    if hold <= 0:
        return False
    if was_ahead(run, asked):
        run.waits.append(
            f"{run.name(job)}: the clock was ahead when it was last sent, at {asked.intended}: "
            "sent again after that time only; if the clock is right now, cancel the run"
        )
        return True
    run.waits.append(f"{run.name(job)}: sent again in {hold:.0f} s, if it is not listed by then")
    return True


def _submit_one(run: HardwareRun, job: JobRow, asked: SubmissionRow, calibration: str) -> bool:
    """Submit one job; return whether to go on with the next."""
    try:
        if recall(run, job):
            return True
        batch = _batch(run, asked.device)
        body = run.remote.encode(_submission(run, job, asked, batch))
    except (RefusedError, RemoteError) as error:
        if isinstance(error, AccountError):
            raise
        run.waits.append(f"nothing is submitted: {error}")
        return False
    payload = hashlib.sha256(body).hexdigest()
    job = _intend(run, job, asked, batch=batch, payload=payload, detail=calibration)
    try:
        remote_id = run.remote.post(body)
    except RejectedError as error:
        _rejected(run, job, error)
        return False
    except (NotAcceptedError, AccountError) as error:
        sent = getattr(error, "sent", True)
        if not sent:
            withdraw_submission(run.folder, asked)
        run.ledger.was_not_accepted(job, before=asked, sent=sent, detail=f"not accepted: {error}")
        if isinstance(error, AccountError):
            raise
        run.pauses.append(error.retry_after or 0.0)
        run.waits.append(f"{run.name(job)}: not accepted, sent again later: {error}")
        return False
    except UnclearError as error:
        job = run.ledger.move(job, "unknown", detail=str(error))
        run.said.append(f"{run.name(job)}: its fate is not known: {error}")
        _look_once(run, job)
        return False
    # anything else, an interrupt included, leaves the intent: the next step finds it out
    sent = RemoteJob(id=remote_id, state="queued", word="submitted", device=asked.device)
    job = run.ledger.adopt(job, sent, detail=f"accepted as {remote_id}")
    run.said.append(f"{run.name(job)}: submitted as {remote_id}")
    note_accepted(run.folder, asked.tag, remote_id)
    audit(run, job)
    return True


def _intend(
    run: HardwareRun, job: JobRow, asked: SubmissionRow, *, batch: str, payload: str, detail: str
) -> JobRow:
    """Write the intent into the ledger and into the run folder; both are durable then.

    Raises:
        StorageError: one of them cannot be written; nothing was sent.
    """
    job = run.ledger.intend(job, batch=batch, payload=payload, detail=detail)
    try:
        note_submission(run.folder, submission_of(run, job), run.site.ibm.url)
    except StorageError as error:
        run.ledger.was_not_accepted(job, before=asked, sent=False, detail=f"not sent: {error}")
        with suppress(StorageError):  # it may be there all the same
            withdraw_submission(run.folder, asked)
        raise
    return job


def submit_again(run: HardwareRun, job: JobRow) -> None:
    """Plan a parked job again: a person's word that the service has not accepted it.

    If the clock was ahead when it was sent, it counts as sent now: in the run folder first, which
    would say else that the ledger is an older one.
    """
    asked = submission_of(run, job)
    sent = min(str(asked.intended), run.now())
    note_submission(run.folder, replace(asked, intended=sent), run.site.ibm.url)
    run.ledger.plan_again(job, intended=sent, detail="to be submitted again: a person's word")


def _rejected(run: HardwareRun, job: JobRow, error: RejectedError) -> None:
    """Let a job fail that the service does not want, unless it lists the job all the same."""
    try:
        listed = run.remote.find(submission_of(run, job).tag)
    except RemoteError as silence:
        run.ledger.move(job, "unknown", detail=f"{error}; and not looked for: {silence}")
        return
    if listed:
        search(run, run.ledger.move(job, "unknown", detail=f"{error}; but it is listed"))
        return
    run.ledger.move(job, "failed", detail=f"not accepted: {error}")
    run.said.append(f"{run.name(job)}: failed: {error}")


def _look_once(run: HardwareRun, job: JobRow) -> None:
    try:
        search(run, job)
    except RemoteError as error:
        run.waits.append(f"{run.name(job)}: {error}")


def _submission(
    run: HardwareRun, job: JobRow, asked: SubmissionRow, batch: str | None
) -> Submission:
    name, shots = run.circuit_name(job), run.canary_shots(job)
    canary = ((load_canary(run.folder, name).circuit, shots),) if shots else ()
    return Submission(
        device=asked.device,
        circuits=(*canary, (load_circuit(run.folder, name), job.shots)),
        tags=(asked.tag, run_tag(run.folder.run_id)),
        batch=batch,
        max_seconds=asked.most_seconds,
    )


def _batch(run: HardwareRun, device: str) -> str:
    """Return the batch that the run's jobs on a machine go into: its last one, or a new one."""
    used = [
        s.batch
        for s in run.ledger.submissions(run.folder.run_id)
        if s.device == device and s.batch is not None
    ]
    for batch in dict.fromkeys(reversed(used)):
        if run.remote.batch_takes_jobs(batch):
            return batch
    batch = run.remote.open_batch(device)
    run.said.append(f"opened batch {batch} on {device}")
    return batch


def _in_pace(run: HardwareRun) -> bool:
    now = run.now()
    since = datetime.fromisoformat(now) - timedelta(seconds=PACE_SECONDS)
    allowed = run.site.ibm.posts_per_minute
    if run.ledger.posts_since(since.isoformat(timespec="microseconds"), now) < allowed:
        return True
    run.waits.append(f"more is submitted later: at most {allowed} submissions a minute")
    return False


def _within_budget(run: HardwareRun, asked: SubmissionRow) -> bool:
    """Return whether a job fits every budget; if it does not fit the run's own, that is final."""
    found = limits(
        run.ledger.claims(),
        run_id=run.folder.run_id,
        budget=run.folder.plan.budget,
        site=run.site.budget,
        now=run.now(),
        planned=False,
    )
    for limit in found:
        refusal = limit.refusal(asked.most_seconds)
        if refusal:
            (run.refused if limit.field else run.waits).append(refusal)
            return False
    return True
