"""Outputs: the tables and the report that a run folder gets when its shots are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

from .folder.run_folder import RunFolder
from .ledger.jobs import JobRow
from .ledger.submissions import RemoteRow
from .provenance import job_id
from .report_data import join_reports, make_report_data
from .results import load_results, make_tables, save_tables
from .strata_rounds import shortfalls
from .table_kinds import BASIC, TableKind

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.report.page import ReportData

REPORT = "report.html"
_JOB_COLUMNS = {
    "run": "str",
    "job": "str",
    "point": "int64",
    "label": "str",
    "basis": "str",
    "shard": "int64",
    "attempt": "int64",
    "shots": "int64",
    "seed": "int64",
    "state": "str",
    "changed": "str",
    "detail": "str",
    "remote_id": "str",
    "charged_seconds": "float64",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """The tables of a run, and in words what failed or is missing."""

    tables: dict[TableKind, pd.DataFrame]
    problems: tuple[str, ...]


def write_tables(
    folder: RunFolder, jobs: Sequence[JobRow], remotes: Sequence[RemoteRow] = ()
) -> Outputs:
    """Write the tables of the shots that there are; return them and what failed or is missing."""
    results = load_results(folder)
    tables = make_tables(results.points)
    told = {kind: table for kind, table in tables.items() if kind in BASIC or not table.empty}
    save_tables(folder, {**told, "jobs": jobs_table(folder, jobs, remotes)})
    return Outputs(tables=tables, problems=results.problems + failed_jobs(folder, jobs))


def write_report(folder: RunFolder, outputs: Outputs) -> None:
    """Write the report, last of all: one that cannot be drawn costs nothing else."""
    short = tuple(dict.fromkeys(shortfalls(folder).values()))
    data = make_report_data(folder, outputs.tables, outputs.problems + short)
    folder.write_text(REPORT, render(data))


def render(data: ReportData) -> str:
    """Return a report as HTML."""
    from ..analysis.report.page import render_report

    return render_report(data)


def render_together(reports: Sequence[ReportData]) -> str:
    """Return one HTML report of several runs; points are named by their run."""
    if len(reports) == 1:
        return render(reports[0])
    return render(join_reports(reports))


def failed_jobs(folder: RunFolder, jobs: Sequence[JobRow]) -> tuple[str, ...]:
    """Return one line for each shard whose last attempt failed, with its error."""
    last = {job.shard: job for job in jobs}.values()
    return tuple(
        f"{folder.plan.points[job.point].label} in {job.basis}, shard {job.shard_index}, attempt "
        f"{job.attempt} failed: {' '.join(job.detail.split())}"
        for job in last
        if job.state == "failed"
    )


def jobs_table(
    folder: RunFolder, jobs: Sequence[JobRow], remotes: Sequence[RemoteRow] = ()
) -> pd.DataFrame:
    """Return one row per attempt at a shard: run, job, point, state, seed, error and time.

    On hardware also the service's id of it, and what it charged, doubles that it made included.
    """
    import pandas as pd

    kept = {(r.shard, r.attempt): r.remote_id for r in remotes if r.kept}
    charged: dict[tuple[str, int], float] = {}
    for r in remotes:
        if r.charged_seconds is not None:
            key = (r.shard, r.attempt)
            charged[key] = charged.get(key, 0.0) + r.charged_seconds

    rows = [
        {
            "run": job.run_id,
            "job": job_id(job),
            "point": job.point,
            "label": folder.plan.points[job.point].label,
            "basis": job.basis,
            "shard": job.shard_index,
            "attempt": job.attempt,
            "shots": job.shots,
            "seed": job.seed,
            "state": job.state,
            "changed": job.changed,
            "detail": job.detail,
            "remote_id": kept.get((job.shard, job.attempt), ""),
            "charged_seconds": charged.get((job.shard, job.attempt), nan),
        }
        for job in jobs
    ]
    return pd.DataFrame(rows, columns=list(_JOB_COLUMNS)).astype(_JOB_COLUMNS)
