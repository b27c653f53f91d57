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
        if told.charged_seconds is None and _age(row, now) > PATIENCE_SECONDS:
            most = ledger.charge_most(row)
            said.append(
                f"charge of {row.remote_id}: not told in three days; counted as {most:g} s, the "
                "most that it can be"
            )
    return tuple(said)


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


def _age(row: RemoteRow, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(row.found)).total_seconds()
