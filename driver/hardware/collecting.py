"""Collecting: a job that ended at the service becomes a shot file, its raw answer kept first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...backends.remote import GoneError, RemoteJob
from ...experiments.errors import HexmagicError
from ...experiments.shots import Shots
from ..clockwork import seconds_between
from ..folder.archive import load_canary, load_record, save_calibration
from ..ledger.jobs import JobRow
from ..ledger.submissions import RemoteRow
from .searching import audit, cancel_doubles, kept_of, submission_of
from .settling import GONE, above_most, look_or_gone

if TYPE_CHECKING:
    from .step import HardwareRun

MOST_FETCHES = 5
"""Results of one job that cannot be used before it counts as failed; each costs one step."""


def collect(run: HardwareRun, job: JobRow) -> None:
    """Look at a submitted job and take what it gave, or why it gave nothing.

    Raises:
        RemoteError: the service does not answer.
        StorageError: the file system refuses; the job stays submitted.
    """
    row = kept_of(run, job)
    told = _look(run, job, row)
    run.ledger.update_remote(told)
    if told.state in ("queued", "running"):
        audit(run, job)  # a double that is listed late runs, and costs
        return
    if told.state == "unrecognised":
        run.waits.append(f"{run.name(job)}: {row.remote_id} is {told.word!r}, a word not known")
        return
    run.said.extend(above_most(run.ledger, row, told.charged_seconds))
    cancel_doubles(run, job)  # the last time that anybody looks: without an answer the job waits
    if kept_of(run, job).remote_id != row.remote_id:
        return  # another counts now, and is looked at in the next step
    if told.state == "done":
        if run.canary_shots(job) or _watched(run, job):
            _take(run, job, row)
        return
    if _double_counts(run, job, f"{row.remote_id} {told.word}"):
        return
    reason = f"{row.remote_id} {told.word}: {told.reason or 'the service gives no reason'}"
    run.ledger.move(job, "failed" if told.state == "failed" else "cancelled", detail=reason)
    run.said.append(f"{run.name(job)}: {told.state}: {reason}")


def _look(run: HardwareRun, job: JobRow, row: RemoteRow) -> RemoteJob:
    """Return what the service tells of a job; one that it has no longer counts as failed.

    But if the run folder has its result, by a ledger that was lost since, it is done.

    Raises:
        RemoteError: the service does not answer, or lists a job that it says it has not.
    """
    told = look_or_gone(run.remote, row.remote_id)
    if told.word == GONE and run.raw_path(job).is_file():
        return replace(told, state="done")
    if told.word == GONE:
        age = abs(seconds_between(row.found, run.now()))  # a clock that was ahead is not for ever
        young = age < run.site.ibm.listing_wait_seconds
        listed = run.remote.find(submission_of(run, job).tag)
        if young or row.remote_id in {one.id for one in listed}:
            raise GoneError(told.reason)
    return told


def _double_counts(run: HardwareRun, job: JobRow, why: str) -> bool:
    """Return whether a double that is done takes the place of the job that was kept.

    It is paid for all the same; its result is taken in the next step.
    """
    done = [r for r in run.ledger.remotes_of(job) if not r.kept and r.state == "done"]
    if not done or done[0].fetches:
        return False
    detail = f"{why}; its double {done[0].remote_id} is done and counts"
    run.ledger.keep(job, done[0].remote_id, detail=detail)
    run.said.append(f"{run.name(job)}: {detail}")
    return True


def _take(run: HardwareRun, job: JobRow, row: RemoteRow) -> None:
    """Archive a result, then decode it; a damaged one is fetched again in the next steps."""
    from ...backends.canary import CanaryError
    from ...backends.ibm.results import ResultError

    raw = run.raw_path(job)
    if raw.is_file():
        content = raw.read_bytes()
    else:
        content = run.remote.fetch(row.remote_id)
        run.folder.write(raw, content)
    try:
        shots = _decode(run, job, content)
    except CanaryError as error:
        run.ledger.move(job, "failed", detail=f"bit-order canary: {error}")
        run.said.append(f"{run.name(job)}: failed: bit-order canary: {error}")
        return
    except ResultError as error:
        _set_aside(run, job, row, error)
        return
    run.folder.save_shots(job.to_shard(), shots, run.versions)
    device = run.machines.device(run.folder.plan.points[job.point].device.name)
    save_calibration(run.folder, device)
    detail = f"{row.remote_id}; collected under the calibration of {device.calibrated_at}"
    run.ledger.move(job, "done", detail=detail)
    run.said.append(f"{run.name(job)}: collected {job.shots} shots of {row.remote_id}")


def _decode(run: HardwareRun, job: JobRow, content: bytes) -> Shots:
    """Return the shots in a raw result, whose first circuit is the canary.

    Raises:
        ResultError: not the result of this job.
        CanaryError: its bits are not in the order that they should be.
    """
    from ...backends.ibm.results import ResultError, decode_result, to_shots

    name = run.circuit_name(job)
    parts = decode_result(content, run.folder.document["program"])
    submitted = 2 if run.canary_shots(job) else 1
    if len(parts) != submitted:
        raise ResultError(f"results of {len(parts)} circuits, {submitted} were submitted")
    record = load_record(run.folder, name)
    shots = to_shots(parts[-1], record, job.shots)
    if submitted == 2:
        # what is incomplete is no matter of order: the canary has the circuit's registers
        to_shots(parts[0], record, run.canary_shots(job))
        load_canary(run.folder, name).check(parts[0])
    return shots


def _watched(run: HardwareRun, job: JobRow) -> bool:
    """Return whether the job that has the canary of a job's machine has shown the bit order.

    Until then the job waits; if that one failed, it fails too.
    """
    device = run.folder.document["costs"][job.shard]["device"]
    costs = run.folder.document["costs"]
    (other,) = (o for o in run.jobs() if run.canary_shots(o) and costs[o.shard]["device"] == device)
    if other.state == "done":
        return True
    what = f"the bit order of {device} is not known: {run.name(other)} is {other.state}"
    if other.state in ("failed", "cancelled"):
        run.ledger.move(job, "failed", detail=what)
        run.said.append(f"{run.name(job)}: failed: {what}")
    else:
        run.waits.append(f"{run.name(job)}: {what}")
    return False


def _set_aside(run: HardwareRun, job: JobRow, row: RemoteRow, error: HexmagicError) -> None:
    count = run.ledger.count_fetch(row.remote_id)
    raw = run.raw_path(job)
    raw.replace(raw.with_suffix(f".unusable{count}.json"))
    if count < MOST_FETCHES:
        run.waits.append(f"{run.name(job)}: {error}; fetched again in the next step")
        return
    detail = f"{count} fetches of {row.remote_id} gave no usable result: {error}"
    if _double_counts(run, job, detail):
        return
    run.ledger.move(job, "failed", detail=detail)
    run.said.append(f"{run.name(job)}: failed: {detail}")
