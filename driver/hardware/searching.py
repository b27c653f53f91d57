"""Searching: what became of a submission whose answer was lost, by its tag in the listing.

A listing that lacks a job proves nothing: it may lag behind acceptance. So a submission is sent
again only after a failure that proves it was not accepted; otherwise, if it stays unlisted, it is
parked for a person to decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...backends.remote import REMOTE_ENDED, RemoteError, RemoteJob
from ..clockwork import seconds_between
from ..folder.files import StorageError
from ..ledger.jobs import JobRow
from ..ledger.submissions import RemoteRow, SubmissionRow
from .settling import look_or_gone
from .submitted import note_accepted

if TYPE_CHECKING:
    from .step import HardwareRun

LEAST_LOOKS = 3
"""Listings that must lack a job before it is parked, however long ago it was sent."""


def search(run: HardwareRun, job: JobRow) -> None:
    """Look for a job that is unknown or parked: adopt it, look again later, or park it.

    Of several jobs with its tag the oldest that was not cancelled is adopted; the rest are
    cancelled. If the clock was ahead when it was sent, nobody can tell how long ago that was:
    it is parked after its looks alone.

    Raises:
        RemoteError: the service does not answer.
        StorageError: the file system refuses.
    """
    asked = submission_of(run, job)
    found = run.remote.find(asked.tag)
    if found:
        alive = [r for r in found if r.state not in ("failed", "cancelled")]
        kept = (alive or list(found))[0]
        job = run.ledger.adopt(job, kept, detail=f"found by its tag: {kept.id}")
        note_accepted(run.folder, asked.tag, kept.id)
        run.said.append(f"{run.name(job)}: found at the service as {kept.id}")
        _cancel_doubles(run, job, found)
        return
    looks = run.ledger.count_look(job)
    if job.state == "parked":
        return
    waited = seconds_since(run, asked)
    patience = run.site.ibm.listing_wait_seconds
    ahead = was_ahead(run, asked)
    if ahead:
        run.waits.append(
            f"{run.name(job)}: the clock was ahead when it was sent, at {asked.intended}: how long "
            "ago that was is not known"
        )
    if looks >= LEAST_LOOKS and (ahead or waited >= patience):
        since = f"over {waited:.0f} s"
        if ahead:
            since = f"since it was sent, at {asked.intended} by a clock that was ahead"
        detail = f"not listed in {looks} looks {since}; nothing proves either way"
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


def kept_of(run: HardwareRun, job: JobRow) -> RemoteRow:
    """Return the service's job that counts for a submitted one.

    Raises:
        StorageError: the ledger does not have it.
    """
    for row in run.ledger.remotes_of(job):
        if row.kept:
            return row
    raise StorageError(f"{run.ledger.path}: job {job.key} is submitted without an id")


def _cancel_doubles(run: HardwareRun, job: JobRow, found: tuple[RemoteJob, ...]) -> None:
    known = {remote.remote_id for remote in run.ledger.remotes_of(job)}
    kept = kept_of(run, job)
    ours = kept.remote_id
    counts = _which_counts(run, job, found, kept)
    if counts is None:
        run.waits.append(f"{run.name(job)}: not audited before {ours} is listed beside the others")
        return
    for other in (one for one in found if one.id not in known):
        detail = f"the service has a second job for it, {other.id} ({other.word})"
        run.ledger.add_double(job, other, detail=detail)
        run.said.append(f"{run.name(job)}: {detail}")
    if counts != ours:
        why = f"not {ours}: a copy of this run has submitted it too"
        if any(one.id == counts and one.state == "done" for one in found):
            why = f"not {ours}: it is done"
        detail = f"its double {counts} counts, {why}"
        run.ledger.keep(job, counts, detail=detail)
        run.said.append(f"{run.name(job)}: {detail}")
    others = {one.id: one.state for one in found} | {ours: kept.state}
    for other_id, state in others.items():
        if other_id == counts:
            continue
        if state not in REMOTE_ENDED:
            run.remote.cancel(other_id)
        run.ledger.update_remote(look_or_gone(run.remote, other_id))


def _which_counts(
    run: HardwareRun, job: JobRow, found: tuple[RemoteJob, ...], ours: RemoteRow
) -> str | None:
    """Return the id of the job that counts; None: not to be told before ours is listed too.

    Ours, if it is done; else the first that is, for it is paid. None is: ours, if we have sent it
    more than once. Else another ledger has sent the other, and decides by the same rule, so that
    both keep the same one: the oldest that was not cancelled.
    """
    others = [one for one in found if one.id != ours.remote_id]
    done = [one for one in found if one.state == "done"]
    if done and ours.state != "done":
        return done[0].id
    if not others or ours.state == "done" or submission_of(run, job).unclear:
        return ours.remote_id
    alive = [one for one in found if one.state not in ("failed", "cancelled")]
    if not alive:
        return ours.remote_id
    if not ours.ended and len(others) == len(found):
        return None
    return alive[0].id


def was_ahead(run: HardwareRun, asked: SubmissionRow) -> bool:
    """Return whether the clock was ahead when something was sent, by more than a listing lags."""
    return seconds_since(run, asked) < -run.site.ibm.listing_wait_seconds


def seconds_since(run: HardwareRun, asked: SubmissionRow) -> float:
    """Return for how long something has been sent; 0 if it never was."""
    return 0.0 if asked.intended is None else seconds_between(asked.intended, run.now())
