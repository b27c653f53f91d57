"""Comparing: the runs that are named, as the analysis wants them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..analysis.comparison import combined_table, differences_table
from ..analysis.tables.basic import fidelity_table
from .catalogue import find_runs
from .results import load_results


def compared_runs(
    names: Sequence[str], runs: Path, kind: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a table of several runs, and in words what is missing; columns as docs/tables.md has.

    Args:
        names: of the runs, the one to compare with first.
        runs: directory that they are looked for in.
        kind: "differences" or "combined" (`analysis.comparison`).

    Raises:
        UsageError: a run is not there, or two names are one run.
    """
    folders = find_runs(names, runs)
    ids = [folder.run_id for folder in folders]
    loaded = [load_results(folder) for folder in folders]
    points = [(run_id, one.points) for run_id, one in zip(ids, loaded, strict=True)]
    problems = tuple(
        f"{run_id}: incomplete: {problem}"
        for run_id, one in zip(ids, loaded, strict=True)
        for problem in one.problems
    )
    if kind == "differences":
        tables = [(run_id, fidelity_table(found)) for run_id, found in points]
        return differences_table(tables), problems
    circuits = {
        (folder.run_id, folder.plan.points[circuit.point].label, circuit.basis): circuit.fingerprint
        for folder in folders
        for circuit in folder.circuits
    }
    return combined_table(points, circuits), problems
