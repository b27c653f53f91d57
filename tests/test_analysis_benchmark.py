"""The benchmark of the analysis, small: its figures agree, and memory stays within its bound."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.engine import make_engine
from fakes.world import make_services, write_spec

from hexmagic.driver.run import Run
from hexmagic.driver.start import run

CHILD = Path(__file__).parents[1] / "benchmarks" / "analysis_child.py"
MEBIBYTE = 1 << 20


def make_run(folder: Path, shots: int) -> Run:
    """Return a run of `fold`, 31 bits a shot, X and Z, in shards of 2^16 shots."""
    folder.mkdir()
    changes = [("fold13", "fold"), ("[bare]", "[]"), ("1200", str(shots // 2))]
    engine = replace(make_engine(), shots_per_shard=lambda _compiled, _counted: 1 << 16)
    return run(write_spec(folder, *changes), runs=folder, services=make_services(engine))


def measure(way: str, made: Run) -> dict[str, Any]:
    command = [sys.executable, str(CHILD), way, str(made.folder)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.slow
def test_pandas_finds_what_the_table_says(tmp_path: Path) -> None:
    made = make_run(tmp_path / "few", 3000)
    table, pandas = measure("tables", made), measure("pandas", made)
    assert table["bits"] == 31
    assert 0 < table["kept"] < 3000
    assert (table["kept"], table["fidelity"]) == (pandas["kept"], pandas["fidelity"])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_shots(tmp_path: Path) -> None:
    few, many = (make_run(tmp_path / str(shots), shots) for shots in (500_000, 5_000_000))
    small, large = measure("tables", few)["peak"], measure("tables", many)["peak"]
    assert small < large + 16 * MEBIBYTE  # of the same order: neither is a failed measurement
    assert large < small + 16 * MEBIBYTE  # the shots themselves are 20 MB, their files 38 MB
    assert large < 300e6
