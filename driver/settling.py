"""Settling: what ended jobs were charged, asked for until the service tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ..backends.remote import Remote, RemoteError
from .charges import charges
from .hardware_ledger import HardwareLedger, RemoteRow
from .provenance import PROVENANCE
from .run_folder import RunFolder

PATIENCE_SECONDS = 3 * 86400.0
"""A charge that is not told for so long counts as the most that it can be."""


def settle(
    ledger: HardwareLedger, rows: Sequence[RemoteRow], remote: Callable[[], Remote], now: str
) -> tuple[str, ...]:
    """Ask what jobs were charged, and cancel doubles that still run.

    Returns what stood in the way, or was decided, in words.

    Args:
        ledger: that the answers go to.
        rows: jobs whose charge is not known.
        remote: the service; asked for only if there is something to ask.
        now: UTC, ISO 8601.
    """
    said: list[str] = []
    for row in rows:
        try:
            if not (row.kept or row.ended):
                remote().cancel(row.remote_id)
            told = remote().look(row.remote_id)
        except RemoteError as error:
            return (*said, f"charge of {row.remote_id}: {error}")
        ledger.update_remote(told)
        said += above_most(ledger, row, told.charged_seconds)
        if told.charged_seconds is None and _seconds(row.found, now) > PATIENCE_SECONDS:
            most = ledger.charge_most(row)
            said.append(
                f"charge of {row.remote_id}: not told in three days; counted as {most:g} s, the "
                "most that it can be"
            )
    return tuple(said)


def hear(
    ledger: HardwareLedger, remote: Callable[[], Remote], now: str
) -> dict[str, tuple[str, ...]]:
    """Look for jobs that were given up while their fate was not clear; return what was found.

    What the service lists after all is recorded as a double, which `settle` cancels. After
    PATIENCE_SECONDS nobody looks any more.
    """
    found: dict[str, tuple[str, ...]] = {}
    for job in ledger.unheard():
        asked = ledger.submission(job)
        if (
            asked is None
            or asked.intended is None
            or _seconds(asked.intended, now) > (PATIENCE_SECONDS)
        ):
            continue
        try:
            listed = remote().find(asked.tag)
        except RemoteError:
            return found  # asked again at the next tick
        for other in listed:
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
    from .outputs import jobs_table
    from .results import save_tables

    jobs, remotes = ledger.jobs(folder.run_id), ledger.remotes(folder.run_id)
    known = charges(ledger, folder.run_id, jobs)
    provenance = folder.read_json(PROVENANCE)
    if provenance | known != provenance:
        save_tables(folder, {"jobs": jobs_table(folder, jobs, remotes)})
        folder.write_json(PROVENANCE, provenance | known)


def _seconds(then: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
