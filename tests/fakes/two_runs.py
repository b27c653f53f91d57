"""The data of a report of two runs of one experiment, made by hand."""

from __future__ import annotations

from dataclasses import replace

from hexmagic.analysis.report.page import ReportData
from hexmagic.driver.report_data import join_reports

from .reports import CERTIFICATE, make_full_data

RUNS = ("steane-h-boston-20261123-143306-7dcf", "steane-h-boston-20261123-143948-7011")
POINTS = 4  # rows of the fidelity table of either run


def named(run: str, better: float) -> ReportData:
    """Return the made-up data under a run's id, its infidelities somewhat changed."""
    data = make_full_data()
    frames = {
        name: getattr(data, name).assign(run=run)
        for name in ("fidelity", "cutflow", "points", "flags", "predicted", "drift")
    }
    moved = [f"{name}{end}" for name in ("x", "z", "fidelity") for end in ("", "_low", "_high")]
    fidelity = frames["fidelity"]
    for name in moved:
        fidelity[name] += better
    for name in ("infidelity", "infidelity_low", "infidelity_high"):
        fidelity[name] -= better
    certificate = {"fold14 d=3 r=1": CERTIFICATE}
    problems = ("a shard is missing",)
    return replace(data, run=run, problems=problems, certificate=certificate, **frames)


def make_both() -> ReportData:
    """Return the report of both runs."""
    return join_reports([named(run, -0.003 * i) for i, run in enumerate(RUNS)])
