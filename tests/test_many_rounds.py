"""Many rounds are many cuts: a run of them is counted, tabled and predicted like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from pandas import read_csv

from hexmagic.driver.cli.main import cli

SPEC = """\
schema_version: 1
name: rounds
protocol: {scheme: fold, distance: 3, rounds: 7}
device: {backend: clifft, name: heavy_hex_5, noise: {uniform: 1e-3}}
measure: [Z]
shots: 100
seed: 7
keep: shots
"""


@pytest.mark.slow
def test_seven_rounds_run_from_the_command_line_to_the_prediction(tmp_path: Path) -> None:
    (tmp_path / "rounds.yaml").write_text(SPEC)
    runs = ["--runs", str(tmp_path / "runs")]
    to_csv = ["--format", "csv", "--output", str(tmp_path / "cutflow.csv")]
    for command in (
        ["run", str(tmp_path / "rounds.yaml"), *runs],
        ["predict", "latest", "--shots", "100", *runs],
        ["table", "latest", "--kind", "cutflow", *to_csv, *runs],
    ):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, done.output
    table = read_csv(tmp_path / "cutflow.csv").query("basis == 'Z'")
    assert table["entered"].iloc[0] == 100
    assert table["failed"].sum() + table["passed"].iloc[-1] == 100
    assert (table["failed"] > 0).sum() >= 2
