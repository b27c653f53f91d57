"""How runs stand: for `hexmagic list` and `hexmagic status`."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .catalogue import ledger_jobs, run_ids
from .folder.files import StorageError
from .folder.resuming import resume_command, runs_words
from .folder.run_folder import RunFolder
from .hardware.standing import (
    hardware_status,
    render_hardware,
    render_schedules,
    schedule_standings,
)
from .ledger.jobs import JobRow, latest
from .run import Run
from .strata import read_groups
from .strata_rounds import planned_shots, sampled_strata

SCHEMA_VERSION = 1
_STATES = ("planned", "intended", "submitted", "unknown", "parked", "done", "failed", "cancelled")


def make_status(folder: RunFolder) -> dict[str, Any]:
    """Return how a run stands in JSON types; counts are of the last attempt at each shard.

    Without a ledger beside the folder, a shard counts as done if its shot file is there.
    """
    jobs = latest(ledger_jobs(folder))
    counts = Counter(job.state for job in jobs) if jobs else _counts_on_disk(folder)
    state = Run(folder).state
    return {
        "schema_version": SCHEMA_VERSION,
        "run": folder.run_id,
        "folder": str(folder.path),
        "name": folder.plan.name,
        "created": folder.document["created"],
        "engine": folder.document["engine"],
        "state": state,
        "jobs": {name: counts[name] for name in _STATES if counts[name]},
        "shots": planned_shots(folder),
        "shots_done": _shots_done(folder, jobs),
        "failed": [_failure(folder, job) for job in jobs if job.state == "failed"],
        "hardware": hardware_status(folder),
        "next": _next_step(folder, state),
    }


def list_standings(runs: Path) -> list[dict[str, Any]]:
    """Return a line's worth of every run in a runs directory, oldest first."""
    standings = []
    for run_id in run_ids(runs):
        folder = RunFolder(path=runs / run_id)
        try:
            status = make_status(folder)
        except StorageError as error:
            standings.append({"run": run_id, "state": "damaged", "detail": str(error)})
            continue
        keys = ("run", "state", "created", "name", "shots", "shots_done")
        standings.append({key: status[key] for key in keys})
    return standings


def render_standings(standings: Sequence[Mapping[str, Any]], runs: Path, width: int) -> str:
    """Return a list of runs, and of schedules if there are any, as text."""
    schedules = "".join(f"{line}\n" for line in render_schedules(schedule_standings(runs)))
    if not standings:
        return f"no runs in {runs}\n{schedules}"
    first = max(len(standing["run"]) for standing in standings)
    lines = [f"{'run'.ljust(first)}  {'state'.ljust(11)}  shots"]
    for standing in standings:
        done = standing.get("detail") or f"{standing['shots_done']} of {standing['shots']}"
        lines.append(f"{standing['run'].ljust(first)}  {standing['state'].ljust(11)}  {done}")
    return "\n".join(line[: max(width, first + 13)] for line in lines) + f"\n{schedules}"


def render_status(document: Mapping[str, Any], width: int = 80) -> str:
    """Return how a run stands as text within `width` columns."""
    jobs = ", ".join(f"{count} {state}" for state, count in document["jobs"].items())
    lines = [
        f"run      {document['run']}",
        f"state    {document['state']}",
        f"created  {document['created']}",
        f"engine   {document['engine']}",
        f"shots    {document['shots_done']} of {document['shots']}",
        f"jobs     {jobs}",
        f"folder   {document['folder']}",
    ]
    if document["hardware"]:
        lines += render_hardware(document["hardware"], width)
    for failure in document["failed"]:
        text = (
            f"{failure['label']} in {failure['basis']}, shard {failure['shard']}, attempt "
            f"{failure['attempt']}: {failure['error']}"
        )
        lines += textwrap.wrap(text, width, initial_indent="failed   ", subsequent_indent=" " * 9)
    lines += textwrap.wrap(
        document["next"],
        max(width, 40),
        initial_indent="next     ",
        subsequent_indent=" " * 9,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) + "\n"


def _counts_on_disk(folder: RunFolder) -> Counter[str]:
    return Counter("done" if folder.has(shard) else "planned" for shard in folder.shards)


def _shots_done(folder: RunFolder, jobs: Sequence[JobRow]) -> int:
    if jobs:
        return sum(job.shots for job in jobs if job.state == "done")
    whole = sum(shard.shots for shard in folder.shards if folder.has(shard))
    sampled = (sampled_strata(folder, group) for group in read_groups(folder))
    return whole + sum(counts.shots for strata in sampled for counts in strata.values())


def _failure(folder: RunFolder, job: JobRow) -> dict[str, Any]:
    return {
        "label": folder.plan.points[job.point].label,
        "basis": job.basis,
        "shard": job.shard_index,
        "attempt": job.attempt,
        "error": job.detail,
        "time": job.changed,
    }


def _next_step(folder: RunFolder, state: str) -> str:
    words = runs_words(folder)
    if state in ("done", "cancelled"):
        table = f"hexmagic table {folder.path.name}{words}"
        again = f", or {resume_command(folder)} for what is missing"
        return table if state == "done" else table + again
    if state in ("waiting", "cancelling"):
        return f"hexmagic tick{words}"
    if state == "parked":
        name = f"{folder.path.name}{words}"
        return (
            f"hexmagic tick --resubmit {name}, or hexmagic cancel {name}; docs/hardware.md tells "
            "which"
        )
    return "wait: a process is running it" if state == "running" else resume_command(folder)
