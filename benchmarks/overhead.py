"""Measure what `hexmagic overhead` shows without a run.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --runs DIR
    python benchmarks/overhead.py --only overhead_d5_correct

runs the experiments below and writes analysis/overhead/measured.csv, which ships with the package,
with each experiment's seed, shots, versions and hash beside its figures. A finished run of the same
experiment, byte for byte, that DIR holds is taken as it is. With --only the points of the other
experiments stay as they are. Half an hour on two cores; then
`HEXMAGIC_REWRITE=1 pytest tests/test_overhead_docs.py` puts the tables into docs/overhead.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hexmagic.analysis.overhead.comparison import MEASURED_FILE, measured_points, run_points
from hexmagic.driver.catalogue import open_run_folder, run_ids
from hexmagic.driver.footprints import attempts
from hexmagic.driver.results import csv_bytes
from hexmagic.driver.run import Run
from hexmagic.driver.start import run

ROOT = Path(__file__).parents[1]
BOTH = ("detect", "correct")
EXPERIMENTS: Mapping[str, tuple[str, ...]] = {
    "overhead_d3": BOTH,
    "overhead_d5": ("detect",),
    "overhead_d5_correct": ("correct",),
    "overhead_boston": BOTH,
    "overhead_boston_d5": BOTH,
}
"""The readouts that are taken of each: at d = 5 those that its goal is about, and no by-product."""

TABLE = ROOT / "analysis" / "overhead" / MEASURED_FILE


def measure(experiment: str, runs: Path) -> pd.DataFrame:
    """Return the points of an experiment of ours, run now or found in a runs directory."""
    spec = ROOT / "experiments" / f"{experiment}.yaml"
    found = finished(spec, runs) or run(spec, runs=runs)
    folder = open_run_folder(found.folder)
    points = run_points(found.fidelity(), attempts(folder, origin(experiment)))
    return points[points["readout"].isin(EXPERIMENTS[experiment])]


def shipped(experiment: str) -> pd.DataFrame:
    """Return the points of an experiment as they ship."""
    points = measured_points()
    taken = points["readout"].isin(EXPERIMENTS[experiment])
    return points[(points["origin"] == origin(experiment)) & taken]


def origin(experiment: str) -> str:
    """Return what the points of an experiment are traced to."""
    return f"experiments/{experiment}.yaml"


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


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, help="keep the runs here, and take what is here")
    parser.add_argument("--only", choices=EXPERIMENTS, help="leave the others' points as they are")
    options = parser.parse_args()
    tables: list[pd.DataFrame] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in EXPERIMENTS:
            wanted = options.only in (None, name)
            runs = options.runs or Path(folder)
            tables.append(measure(name, runs) if wanted else shipped(name))
    table = pd.concat(tables, ignore_index=True)
    TABLE.write_bytes(csv_bytes(table))
    print(f"{len(table)} points: {TABLE}")


if __name__ == "__main__":
    main()
