"""Print how long the way from shot files to the fidelity table takes, and in how much memory.

What each figure means is in README.md beside this file. Shots are sampled first, which takes most
of the time: a minute for 1e7.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is loaded, here and in the children

SPEC = """\
schema_version: 1
name: shots-{shots}
description: 31 recorded bits a shot
protocol: {{state: H, distance: 3, scheme: fold, rounds: 1, reuse: xor}}
device: {{backend: clifft, name: heavy_hex_5, noise: {{uniform: 1e-3}}}}
measure: [X, Z]
shots: {half}
seed: 7
keep: shots
baselines: []
"""
SMALL_SHARD = 500  # as small as the shards of Aer
PANDAS_SHOTS = 1_000_000  # more than that are too many for pandas
WAYS = ("imports", "bytes", "tables")


def sample(shots: int, shard_shots: int | None, runs: Path) -> Path:
    """Return the folder of a run with so many shots; shards of the engine's size if None."""
    from hexmagic.driver.adapters import load_engine
    from hexmagic.driver.services import Services
    from hexmagic.driver.start import run
    from hexmagic.experiments.spec import parse_experiment

    engine = load_engine("clifft")
    if shard_shots is not None:
        engine = replace(engine, shots_per_shard=lambda _compiled, _counted: shard_shots)
    experiment = parse_experiment(SPEC.format(shots=shots, half=shots // 2), source="benchmark")
    return run(experiment, runs=runs, services=Services(load_engine=lambda _: engine)).folder


def measure(folder: Path, way: str, repeats: int) -> dict[str, Any]:
    """Return the figures of the fastest of some processes that each do one thing once."""
    command = [sys.executable, str(Path(__file__).with_name("analysis_child.py")), way, str(folder)]
    found = []
    for _ in range(repeats):
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        found.append(json.loads(done.stdout))
    return min(found, key=lambda figures: float(figures["seconds"]))


def measure_run(folder: Path, shots: int, repeats: int) -> dict[str, Any]:
    """Return the figures of one run folder, with their ratios."""
    by_way = {way: measure(folder, way, repeats) for way in WAYS}
    table, imports = by_way["tables"], by_way["imports"]
    files = [path.stat().st_size for path in (folder / "shots").iterdir()]
    figures = {
        "shots": shots,
        "bits": table["bits"],
        "files": len(files),
        "bytes a shot": sum(files) / shots,
        "table, s": table["seconds"],
        "table, CPU s": table["cpu"],
        "shots/CPU s": shots / table["cpu"],
        "peak, MB": table["peak"] / 1e6,
        "imports, s": imports["seconds"],
        "imports, MB": imports["peak"] / 1e6,
        "reading the bytes, CPU s": by_way["bytes"]["cpu"],
        "table / reading the bytes, CPU": table["cpu"] / by_way["bytes"]["cpu"],
        "fidelity": table["fidelity"],
    }
    if shots <= PANDAS_SHOTS:
        pandas = measure(folder, "pandas", repeats)
        if (pandas["kept"], pandas["fidelity"]) != (table["kept"], table["fidelity"]):
            raise SystemExit(f"pandas finds {pandas}, the table says {table}")
        figures |= {
            "pandas, CPU s": pandas["cpu"],
            "pandas, MB": pandas["peak"] / 1e6,
            "pandas / table, CPU": pandas["cpu"] / table["cpu"],
        }
    return figures


def show(figures: list[dict[str, Any]]) -> str:
    """Return figures as a text table, one column a run folder."""
    names = list(dict.fromkeys(name for column in figures for name in column))
    width = max(map(len, names))
    lines = []
    for name in names:
        cells = (_cell(column.get(name)) for column in figures)
        lines.append(f"{name:<{width}}" + "".join(f"{cell:>15}" for cell in cells))
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def main() -> None:
    """Sample, measure, print a table and, if asked, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--shots", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeats", type=int, default=3, help="processes a figure, fastest shown")
    parser.add_argument("--runs", type=Path, help="where the shots go; 8 bytes each")
    options = parser.parse_args()
    begun, load = time.perf_counter(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=options.runs, prefix="hexmagic-") as directory:
        sizes = [(shots, None) for shots in options.shots] + [(options.shots[0], SMALL_SHARD)]
        figures = []
        for shots, shard_shots in sizes:
            folder = sample(shots, shard_shots, Path(directory))
            figures.append(measure_run(folder, shots, options.repeats))
    print(show(figures))
    if options.json:
        machine = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "cores": os.cpu_count(),
            "load average, before": load,
            "load average, after": os.getloadavg()[0],
            "seconds": time.perf_counter() - begun,
            **{name: version(name) for name in ("numpy", "pandas", "pyarrow")},
        }
        document = {"schema_version": 1, "machine": machine, "runs": figures}
        options.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
