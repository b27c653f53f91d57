"""What ships with the package is what its experiments give: three of its points measured again."""

from __future__ import annotations

from dataclasses import replace
from math import log
from pathlib import Path
from statistics import NormalDist

import pandas as pd
import pytest

from hexmagic.analysis.overhead.comparison import measured_points, run_points
from hexmagic.driver import judging
from hexmagic.driver.catalogue import open_run_folder
from hexmagic.driver.footprints import attempts
from hexmagic.driver.start import run
from hexmagic.experiments.spec import EstimateSpec, Experiment, load_experiment

ROOT = Path(__file__).parents[1]
SIGMA = 5
SIGMA_OF_THE_HEADLINE = 3
QUANTILE = NormalDist().inv_cdf(0.975)


def measure(experiment: Experiment, runs: Path) -> pd.DataFrame:
    done = run(experiment, runs=runs, workers=1)
    return run_points(done.fidelity(), attempts(open_run_folder(done.folder)))


def shipped(again: pd.Series) -> pd.Series:
    table = measured_points()
    keys = ["scheme", "noise", "device", "distance", "readout"]
    (row,) = table[(table[keys] == again[keys]).all(axis=1)].to_dict("records")
    return pd.Series(row)


def assert_same(again: pd.DataFrame) -> None:
    """Compare what a circuit takes exactly, and rates within 5 standard errors of both."""
    assert sorted(again["readout"]) == ["correct", "detect"]
    for _, row in again.iterrows():
        known = shipped(row)
        for name in ("qubits", "two_qubit_gates", "rounds"):
            assert row[name] == known[name]
        for name in ("time_steps", "seconds"):
            assert row[name] == pytest.approx(known[name], nan_ok=True)
        for name in ("acceptance", "infidelity"):
            widths = [(r[f"{name}_high"] - r[f"{name}_low"]) / 2 / QUANTILE for r in (row, known)]
            error = sum(width**2 for width in widths) ** 0.5
            assert abs(row[name] - known[name]) < SIGMA * error, (name, row[name], known[name])


@pytest.mark.slow
def test_d3_under_the_papers_noise_comes_out_again(tmp_path: Path) -> None:
    experiment = load_experiment(ROOT / "experiments" / "overhead_d3.yaml")
    sweep = {"protocol.scheme": ("fold13",), "device.noise.paper": (1e-3,)}
    estimate = EstimateSpec(kind="stratified", relative_error=0.1)
    again = measure(replace(experiment, sweep=sweep, estimate=estimate, seed=77), tmp_path)
    assert_same(again)


@pytest.mark.slow
def test_d3_on_fake_boston_comes_out_again(tmp_path: Path) -> None:
    experiment = load_experiment(ROOT / "experiments" / "overhead_boston.yaml")
    again = measure(replace(experiment, sweep={}, shots=3_000_000, seed=77), tmp_path)
    assert again["scheme"].tolist() == ["fold14", "fold14"]
    assert_same(again)


@pytest.mark.slow
def test_the_headline_at_d5_comes_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state that reaches a distilled one, from fewer shots and another seed.

    That no pair of faults defeats its detection is taken from docs/certificates.md: to judge all
    of them would take two minutes more.
    """
    pairs = {"exhaustive": True, "detection_failures": 0, "correction_failures": 1}
    monkeypatch.setattr(judging, "circuit_pairs", lambda *_: pairs)
    experiment = load_experiment(ROOT / "experiments" / "overhead_d5.yaml")
    sweep = {"protocol.scheme": ("fold40",), "device.noise.paper": (1e-4,)}
    estimate = EstimateSpec(kind="stratified", relative_error=0.5)
    again = measure(replace(experiment, sweep=sweep, estimate=estimate, seed=77), tmp_path)
    assert_same(again)
    for _, row in again.iterrows():
        assert_same_magnitude(row, shipped(row))


def assert_same_magnitude(row: pd.Series, known: pd.Series) -> None:
    """Compare infidelities with few errors behind them by their logarithms and their intervals."""
    assert row["infidelity_low"] < known["infidelity_high"]
    assert known["infidelity_low"] < row["infidelity_high"]
    widths = [log(r["infidelity_high"] / r["infidelity_low"]) / 2 / QUANTILE for r in (row, known)]
    error = sum(width**2 for width in widths) ** 0.5
    distance = abs(log(row["infidelity"] / known["infidelity"])) / error
    assert distance < SIGMA_OF_THE_HEADLINE, (row["readout"], row["infidelity"], distance)
