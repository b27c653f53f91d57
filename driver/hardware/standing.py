"""How a run on paid hardware stands: its charge, and each job that is not done."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..folder.run_folder import RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import JobRow, latest
from ..ledger.runs import LEDGER_NAME
from ..ledger.schedules import ScheduleLedger, ScheduleRow
from ..ledger.submissions import RemoteRow, SubmissionRow

_INDENT = 9
_MOST_JOBS = 12


def hardware_status(folder: RunFolder) -> dict[str, Any] | None:
    """Return the charge of a run and its jobs in JSON types; None if it asked no service."""
    path = folder.path.parent / LEDGER_NAME
    if not path.is_file():
        return None
    with HardwareLedger.reading(path) as ledger:
        submissions = ledger.submissions(folder.run_id)
        if not submissions:
            return None
        jobs = latest(ledger.jobs(folder.run_id))
        remotes = ledger.remotes(folder.run_id)
        claims = [claim for claim in ledger.claims() if claim.run_id == folder.run_id]
    asked = {(s.shard, s.attempt): s for s in submissions}
    kept = {(r.shard, r.attempt): r for r in remotes if r.kept}
    return {
        "charged_seconds": sum(r.charged_seconds or 0.0 for r in remotes),
        "open_seconds": sum(claim.open_seconds for claim in claims),
        "doubles": [r.remote_id for r in remotes if not r.kept],
        "jobs": [
            _job(folder, job, asked[job.key[1:]], kept.get(job.key[1:]))
            for job in jobs
            if job.key[1:] in asked
        ],
    }


def render_hardware(document: Mapping[str, Any], width: int) -> Iterator[str]:
    """Yield what `hardware_status` returned as lines: a job that is done is not listed."""
    pending = document["open_seconds"]
    more = f"; up to {pending:g} more in flight or planned" if pending else ""
    yield f"charged  {document['charged_seconds']:.1f} QPU seconds{more}"
    if document["doubles"]:
        yield from _wrap("doubles", ", ".join(document["doubles"]), width)
    listed = [job for job in document["jobs"] if job["state"] not in ("done", "failed")]
    for job in listed[:_MOST_JOBS]:
        where = job["remote_id"] or f"tag {job['tag']}"
        what = f"{job['label']} in {job['basis']}, shard {job['shard']}"
        text = f"{what}: {job['state']}, {where}"
        if job["state"] in ("unknown", "parked"):
            text += f"; {job['detail']}"
        yield from _wrap("job", text, width)
    if len(listed) > _MOST_JOBS:
        yield " " * _INDENT + f"and {len(listed) - _MOST_JOBS} more; --format json lists all"


def schedule_standings(runs: Path) -> list[ScheduleRow]:
    """Return the schedules of a runs directory."""
    path = runs / LEDGER_NAME
    if not path.is_file():
        return []
    with ScheduleLedger.reading(path) as ledger:
        return ledger.schedules()


def render_schedules(rows: list[ScheduleRow]) -> Iterator[str]:
    """Yield schedules as lines."""
    for row in rows:
        last = f"last run {row.last_run}" if row.last_run else "no run yet"
        refused = f"; refused: {row.refusal}" if row.refusal else ""
        yield f"schedule {row.name}: {row.state}, {last}{refused}"


def _job(
    folder: RunFolder, job: JobRow, asked: SubmissionRow, remote: RemoteRow | None
) -> dict[str, Any]:
    return {
        "label": folder.plan.points[job.point].label,
        "basis": job.basis,
        "shard": job.shard_index,
        "attempt": job.attempt,
        "state": job.state,
        "detail": job.detail,
        "changed": job.changed,
        "device": asked.device,
        "tag": asked.tag,
        "remote_id": remote.remote_id if remote else None,
        "charged_seconds": remote.charged_seconds if remote else None,
        "most_seconds": asked.most_seconds,
    }


def _wrap(name: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=name.ljust(_INDENT),
        subsequent_indent=" " * _INDENT,
    )
