"""Searching: what became of a submission whose answer was lost, by its tag in the listing.

A listing that lacks a job proves nothing: it may lag behind acceptance. So a submission is sent
again only after a failure that proves it was not accepted; otherwise, if it stays unlisted, it is
parked for a person to decide.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ...backends.remote import RemoteError, RemoteJob
from ..folder.files import StorageError
from ..ledger.jobs import JobRow
from ..ledger.submissions import SubmissionRow
from .settling import look_or_gone

if TYPE_CHECKING:
    from .step import HardwareRun

LEAST_LOOKS = 3
"""Listings that must lack a job before it is parked, however long ago it was sent."""

_ENDED = ("done", "failed", "cancelled")


def search(run: HardwareRun, job: JobRow) -> None:
    """Look for a job that is unknown or parked: adopt it, look again later, or park it.

    Of several jobs with its tag the oldest that was not cancelled is adopted; the rest are
    cancelled.

    Raises:
        RemoteError: the service does not answer.
    """
    asked = submission_of(run, job)
    found = run.remote.find(asked.tag)
    if found:
        alive = [r for r in found if r.state not in ("failed", "cancelled")]
        kept = (alive or list(found))[0]
        job = run.ledger.adopt(job, kept, detail=f"found by its tag: {kept.id}")
        run.said.append(f"{run.name(job)}: found at the service as {kept.id}")
        _cancel_doubles(run, job, found)
        return
    looks = run.ledger.count_look(job)
    if job.state == "parked":
        return
    waited = seconds_between(asked.intended, run.now())
    patience = run.site.ibm.listing_wait_seconds
    if looks >= LEAST_LOOKS and waited >= patience:
        detail = f"not listed in {looks} looks over {waited:.0f} s; nothing proves either way"
        run.ledger.move(job, "parked", detail=detail)
        run.said.append(f"{run.name(job)}: parked: {detail}")


def recall(run: HardwareRun, job: JobRow) -> bool:
    """Return whether a planned job is at the service after all; it is adopted then.

    It was sent before and listed late, or the ledger is an old copy that does not know of it.

    Raises:
        RemoteError: the service does not answer.
    """
    if not run.remote.find(submission_of(run, job).tag):
        return False
    search(run, run.ledger.move(job, "intended", "unknown", detail="sent before and listed now"))
    return True


def audit(run: HardwareRun, job: JobRow) -> None:
    """Look whether the service has more than one job for a submission; cancel all but ours.

    A service that does not answer is only said: the audit is repeated in the next step.
    """
    try:
        cancel_doubles(run, job)
    except RemoteError as error:
        run.waits.append(f"{run.name(job)}: not audited yet: {error}")


def cancel_doubles(run: HardwareRun, job: JobRow) -> None:
    """Cancel all but one of the jobs that the service has for a submission, and record them.

    Raises:
        RemoteError: the service does not answer.
    """
    _cancel_doubles(run, job, run.remote.find(submission_of(run, job).tag))


def submission_of(run: HardwareRun, job: JobRow) -> SubmissionRow:
    """Return what a job asks for.

    Raises:
        StorageError: the ledger does not have it.
    """
    asked = run.ledger.submission(job)
    if asked is None:
        raise StorageError(f"{run.ledger.path}: no submission of job {job.key}")
    return asked


def _cancel_doubles(run: HardwareRun, job: JobRow, found: tuple[RemoteJob, ...]) -> None:
    known = {remote.remote_id: remote for remote in run.ledger.remotes_of(job)}
    for other in found:
        row = known.get(other.id)
        if row is not None and row.kept:
            continue
        if row is None:
            detail = f"the service has a second job for it, {other.id} ({other.word})"
            run.ledger.add_double(job, other, detail=detail)
            run.said.append(f"{run.name(job)}: {detail}")
        if other.state not in _ENDED:
            run.remote.cancel(other.id)
        run.ledger.update_remote(look_or_gone(run.remote, other.id))


def seconds_between(then: str | None, now: str) -> float:
    """Return the seconds from one ISO 8601 time to another; 0 if the first is not known."""
    if then is None:
        return 0.0
    return (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
