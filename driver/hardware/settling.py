"""Settling: what ended jobs were charged, asked for until the service tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...backends.remote import AccountError, GoneError, Remote, RemoteError, RemoteJob
from ...experiments.errors import HexmagicError
from ..clockwork import seconds_between
from ..folder.run_folder import RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.submissions import RemoteRow
from ..provenance import PROVENANCE
from .charges import charges

PATIENCE_SECONDS = 3 * 86400.0
"""A charge that is not told for so long after a job's end counts as the most that it can be."""

GONE = "gone"
"""In the place of the service's word for a job that it has no longer."""

MOST_FAILURES = 2
"""Questions without an answer after which the service is left alone until the next step."""


def settle(
    ledger: HardwareLedger, rows: Sequence[RemoteRow], remote: Callable[[], Remote], now: str
) -> tuple[str, ...]:
    """Ask what jobs were charged, and cancel those that nobody waits for any more.

    Returns what stood in the way, or was decided, in words.

    Args:
        ledger: that the answers go to.
        rows: `HardwareLedger.unsettled`: those of them that have not ended are cancelled.
        remote: the service; asked for only if there is something to ask.
        now: UTC, ISO 8601.
    """
    said: list[str] = []
    failures = 0
    for row in rows:
        try:
            if not row.ended:
                remote().cancel(row.remote_id)
            told = look_or_gone(remote(), row.remote_id)
        except RemoteError as error:
            said.append(f"charge of {row.remote_id}: {error}")
            failures += 1
            charged = None
        else:
            ledger.update_remote(told)
            said += above_most(ledger, row, told.charged_seconds)
            said += take_back(ledger, row, told)
            charged = told.charged_seconds
        overdue = row.ended_at is not None and seconds_between(row.ended_at, now) > PATIENCE_SECONDS
        if charged is None and overdue:
            most = ledger.charge_most(row)
            said.append(
                f"charge of {row.remote_id}: not told in three days; counted as {most:g} s, the "
                "most that it can be"
            )
        if failures == MOST_FAILURES:
            break
    return tuple(said)


def take_back(ledger: HardwareLedger, row: RemoteRow, told: RemoteJob) -> list[str]:
    """Let a job that the service had no longer, and now has as done, be collected: it is paid.

    Only as long as nobody resumed or cancelled its run: then its place is taken, or nobody wants
    it. Returns what was done in words.
    """
    if not row.kept or row.state == "done" or told.state != "done":
        return []
    job = ledger.latest_jobs(row.run_id)[row.shard]
    run = ledger.run(row.run_id)
    if (job.attempt, job.state) != (row.attempt, "failed") or run is None:
        return []
    if run.state in ("cancelling", "cancelled"):
        return []
    detail = f"{row.remote_id} was gone, and is there again, done: to be collected"
    ledger.take_back(job, detail=detail)
    if run.state == "failed":
        ledger.set_run_state(row.run_id, "waiting", detail=detail)
    return [detail]


def gone_jobs(ledger: HardwareLedger, run_id: str) -> list[RemoteRow]:
    """Return the service's jobs of a run that failed because the service had them no longer."""
    jobs = {(job.shard, job.attempt): job for job in ledger.latest_jobs(run_id).values()}
    return [
        row
        for row in ledger.remotes(run_id)
        if row.kept
        and (job := jobs.get((row.shard, row.attempt))) is not None
        and job.state == "failed"
        and job.detail.startswith(f"{row.remote_id} {GONE}: ")
    ]


def look_or_gone(remote: Remote, remote_id: str) -> RemoteJob:
    """Return a job as it stands; one that the service has no longer counts as failed.

    Raises:
        RemoteError: the service does not answer.
    """
    try:
        return remote.look(remote_id)
    except GoneError as error:
        return RemoteJob(id=remote_id, state="failed", word=GONE, reason=str(error))


def hear(
    ledger: HardwareLedger, remote: Callable[[str], Remote], now: str
) -> dict[str, tuple[str, ...]]:
    """Look for submissions whose fate was not clear when their job ended; return what was found.

    What the service lists after all is recorded as a double, which `settle` cancels. When the job
    has ended for PATIENCE_SECONDS nobody looks any more.

    Args:
        ledger: that what is found goes to.
        remote: the service of a run; refused if it is not the one that has its jobs.
        now: UTC, ISO 8601.
    """
    found: dict[str, tuple[str, ...]] = {}
    for job in ledger.unheard():
        asked = ledger.submission(job)
        if asked is None or seconds_between(job.changed, now) > PATIENCE_SECONDS:
            continue
        try:
            listed = remote(job.run_id).find(asked.tag)
        except (RemoteError, AccountError):
            return found  # asked again at the next tick
        except HexmagicError as error:
            found[job.run_id] = (*found.get(job.run_id, ()), str(error))
            continue
        known = {row.remote_id for row in ledger.remotes_of(job)}
        for other in (one for one in listed if one.id not in known):
            detail = f"the service has it after all, as {other.id} ({other.word}): to be cancelled"
            ledger.add_double(job, other, detail=detail)
            found[job.run_id] = (*found.get(job.run_id, ()), detail)
    return found


def above_most(ledger: HardwareLedger, row: RemoteRow, charged: float | None) -> list[str]:
    """Say if the service charges more than it was told to stop a job at."""
    most = ledger.most_seconds(row)
    if charged is None or charged <= most:
        return []
    return [f"{row.remote_id} is charged {charged:.4g} s, more than its limit of {most:g} s"]


def settle_ended(folder: RunFolder, ledger: HardwareLedger) -> None:
    """Write what became known of a run's charge after its end."""
    from ..outputs import jobs_table
    from ..results import save_tables

    jobs, remotes = ledger.jobs(folder.run_id), ledger.remotes(folder.run_id)
    known = charges(ledger, folder.run_id, jobs)
    provenance = folder.read_json(PROVENANCE)
    if provenance | known != provenance:
        save_tables(folder, {"jobs": jobs_table(folder, jobs, remotes)})
        folder.write_json(PROVENANCE, provenance | known)
