"""Measure what `hexmagic overhead` shows without a run.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --runs DIR

runs the experiments below and writes analysis/overhead/measured.csv, which ships with the package,
with each experiment's seed, shots, versions and hash beside its figures. A finished run of the same
experiment, byte for byte, that DIR holds is taken as it is. A quarter of an hour on two cores; then
`HEXMAGIC_REWRITE=1 pytest tests/test_overhead_docs.py` puts the tables into docs/overhead.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hexmagic.analysis.overhead.comparison import MEASURED_FILE, run_points
from hexmagic.driver.folder.catalogue import open_run_folder, run_ids
from hexmagic.driver.footprints import attempts
from hexmagic.driver.results import csv_bytes
from hexmagic.driver.run import Run
from hexmagic.driver.start import run

ROOT = Path(__file__).parents[1]
EXPERIMENTS = ("overhead_d3", "overhead_d5", "overhead_boston", "overhead_boston_d5")
TABLE = ROOT / "analysis" / "overhead" / MEASURED_FILE


def measure(experiment: str, runs: Path) -> pd.DataFrame:
    """Return the points of an experiment of ours, run now or found in a runs directory."""
    spec = ROOT / "experiments" / f"{experiment}.yaml"
    found = finished(spec, runs) or run(spec, runs=runs)
    folder = open_run_folder(found.folder)
    return run_points(found.fidelity(), attempts(folder, f"experiments/{spec.name}"))


def finished(spec: Path, runs: Path) -> Run | None:
    """Return the newest finished run of an experiment's file as it is now, None if there is none.

    Nothing may be missing from it; that it stopped short of its goal, its shots used up, is no
    reason against it: its intervals say so.
    """
    for run_id in reversed(run_ids(runs)):
        known = Run(open_run_folder(runs / run_id))
        same = (known.folder / "spec.yaml").read_bytes() == spec.read_bytes()
        overridden = open_run_folder(known.folder).plan.overrides
        if same and not overridden and known.state == "done" and not known.problems():
            return known
    return None


def write(tables: Sequence[pd.DataFrame], path: Path) -> None:
    """Write the points of all experiments as one CSV file."""
    path.write_bytes(csv_bytes(pd.concat(tables, ignore_index=True)))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, help="keep the runs here, and take what is here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = [measure(name, options.runs or Path(folder)) for name in EXPERIMENTS]
    write(tables, TABLE)
    print(f"{sum(map(len, tables))} points: {TABLE}")


if __name__ == "__main__":
    main()
