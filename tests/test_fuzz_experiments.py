"""Any valid experiment without noise: every shot is kept, the state is |H>, twice the same.

Experiments are drawn as files, read, planned, compiled for a device and run by the engines to their
tables and reports. What is expected of them needs no look at how.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fakes.world import make_services
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hexmagic.driver.adapters import load_engine
from hexmagic.driver.run import Run
from hexmagic.driver.start import resume, run
from hexmagic.experiments.spec import Experiment, parse_experiment
from hexmagic.experiments.spec.strict_yaml import write_strict_yaml

SIGMAS = 5.0
EXACT = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2), "H": 1.0}
DEVICES = ("fake_boston", "fake_torino", "fake_sherbrooke", "heavy_hex_5", "heavy_hex_5_cx")
FEW = settings(
    database=None,
    phases=[Phase.generate],  # each example is a whole run: no time to make one smaller
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def experiments(draw: st.DrawFn, *, backend: str, distances: tuple[int, ...] = (3,)) -> Experiment:
    """Draw a valid experiment without noise."""
    distance = draw(st.sampled_from(distances))
    small = ("fold", "fold13", "fold14", "tree16", "routed", "encoded", "bare")
    scheme = draw(st.sampled_from(small if distance == 3 else ("fold", "fold40", "encoded")))
    repeats = scheme not in ("encoded", "bare")
    protocol: dict[str, Any] = {"scheme": scheme}
    protocol |= {} if scheme == "bare" else {"distance": distance}
    reuse = "reset"
    if repeats:
        protocol["rounds"] = draw(st.sampled_from(["auto", 1, 2])) if backend != "aer" else "auto"
        reuse = protocol["reuse"] = draw(st.sampled_from(["reset", "xor", "deferred"]))
    judged = scheme not in ("routed", "bare")
    letters = ["X", "Y", "Z"] + (["H"] if judged else [])
    letters += ["H_ideal"] if judged and backend == "clifft" else []
    measure = draw(st.lists(st.sampled_from(letters), min_size=1, max_size=3, unique=True))
    accept = {name: draw(st.booleans()) for name in ("hadamard", "flags", "syndromes")}
    accept = accept if reuse == "reset" else {}
    baselines = {"bare", "encoded"} - {scheme} - ({"encoded"} if scheme == "bare" else set())
    simple = bool(baselines) and not {"H", "H_ideal"} & {*measure}
    beside = draw(st.lists(st.sampled_from(sorted(baselines)), unique=True)) if simple else []
    shots = draw(st.integers(1, 40) if backend == "aer" else st.integers(1, 3000))
    document: dict[str, Any] = {
        "schema_version": 1,
        "name": "drawn",
        "protocol": protocol,
        "device": {
            "backend": backend,
            "name": draw(st.sampled_from(DEVICES if distance == 3 else DEVICES[:3])),
            "noise": "none",
            "decoupling": draw(st.sampled_from(["none", "none", "xx"])),
        },
        "measure": measure,
        "accept": accept | {"readout": draw(st.sampled_from(["detect", "correct"]))},
        "shots": shots,
        "seed": draw(st.integers(0, 2**63 - 1)),
        "keep": draw(st.sampled_from(["auto", "tallies"])),
        **({"baselines": beside} if beside else {}),
    }
    return parse_experiment(write_strict_yaml(document), source="drawn.yaml")


def run_it(experiment: Experiment, folder: Path) -> Run:
    services = replace(make_services(), load_engine=load_engine)
    return run(experiment, runs=folder, services=services, workers=2)


def assert_is_the_state(row: pd.Series) -> None:
    """Check one measure of one point: all shots kept, and the expectation value."""
    assert row["kept"] == row["shots"] and row["acceptance"] == 1.0, row.to_dict()
    exact = EXACT.get(row["basis"], 1.0)
    sigma = sqrt((1 - exact**2) / row["shots"])
    # of few shots the distribution is no normal one: at least two may be on the other side
    assert abs(row["expectation"] - exact) <= SIGMAS * sigma + (sigma > 0) * 4 / row["shots"]
    assert row["acceptance_low"] <= 1 <= row["acceptance_high"]
    assert row["expectation_low"] <= row["expectation"] <= row["expectation_high"]


def assert_right(made: Run, experiment: Experiment) -> None:
    """Check the tables of a run."""
    assert made.state == "done" and made.problems() == ()
    points, flow = made.points(), made.cutflow()
    assert len(points) >= len(experiment.measure) * (1 + len(experiment.baselines))
    assert {*points["basis"]} == {*experiment.measure}
    for _, row in points.iterrows():
        assert_is_the_state(row)
    applied = flow[flow["applied"]]
    assert (applied["failed"] == 0).all() and (applied["passed"] == applied["entered"]).all()
    judged = made.fidelity().query("estimate in ('h_measured', 'h_ideal')")
    assert len(judged) >= len({"H", "H_ideal"} & {*experiment.measure})
    assert ((judged["fidelity"] - 1).abs() < 1e-9).all()
    for letter in ("x", "y", "z"):
        assert made.fidelity()[letter].dropna().between(-1, 1).all()


def tables(made: Run) -> list[bytes]:
    """Return the tables but for that of jobs, which tells when they were done."""
    names = sorted((made.folder / "tables").glob("*.csv"))
    return [path.read_bytes() for path in names if path.stem != "jobs"]


def assert_holds(experiment: Experiment) -> None:
    with tempfile.TemporaryDirectory(prefix="hexmagic-") as place:
        first = run_it(experiment, Path(place) / "a")
        assert_right(first, experiment)
        before = tables(first)
        assert tables(run_it(experiment, Path(place) / "b")) == before
        services = replace(make_services(), load_engine=load_engine)
        assert tables(resume(str(first.folder), services=services)) == before


@settings(FEW, max_examples=3)
@given(experiments(backend="clifft"))
def test_an_experiment_without_noise_keeps_all_and_is_right(experiment: Experiment) -> None:
    assert_holds(experiment)


@pytest.mark.slow
@settings(FEW, max_examples=20)
@given(experiments(backend="clifft"))
def test_many_experiments_without_noise_keep_all_and_are_right(experiment: Experiment) -> None:
    assert_holds(experiment)


@pytest.mark.slow
@settings(FEW, max_examples=8)
@given(experiments(backend="aer"))
def test_many_of_aer(experiment: Experiment) -> None:
    assert_holds(experiment)


@pytest.mark.slow
@settings(FEW, max_examples=2)
@given(experiments(backend="clifft", distances=(5,)))
def test_some_of_distance_5(experiment: Experiment) -> None:
    assert_holds(experiment)
