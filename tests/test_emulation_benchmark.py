"""The benchmark of the engines: the same circuit on both, and figures that say what they name."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.noise.channels import PauliChannel
from hexmagic.backends.noise.models import make_noise
from hexmagic.driver.adapters import load_engine
from hexmagic.driver.request import prepare_request, read_request
from hexmagic.driver.services import Services
from hexmagic.experiments.program import make_program
from hexmagic.experiments.spec import NoiseSpec, parse_experiment

ROOT = Path(__file__).parents[1]
P = 0.03


def load(name: str) -> ModuleType:
    folder = str(ROOT / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


setups, aer, emulation = map(load, ("emulation_setups", "emulation_aer", "emulation"))


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    device = load_device("fake_boston")
    program = make_program(scheme="fold14", distance=3, rounds=1, basis="Z")
    return compile_program(program, device, choose_embedding(program, device))


def run_figures(shots: int, seconds: float) -> dict[str, Any]:
    return {
        "shots": shots,
        "run, s": seconds,
        "driver, CPU s": 1.0,
        "workers, CPU s": seconds,
        "fidelity": [{"acceptance": 0.7}],
    }


@pytest.mark.parametrize("keep", ["tallies", "shots"])
@pytest.mark.parametrize("backend", ["aer", "clifft"])
def test_a_setup_is_an_experiment(backend: str, keep: str) -> None:
    setup = setups.Setup(
        scheme="fold14", distance=3, device="fake_boston", backend=backend, keep=keep
    )
    experiment = parse_experiment(setup.text(1234), source="benchmark")
    assert (experiment.device.backend, experiment.keep) == (backend, keep)
    assert (experiment.shots, experiment.protocol.reuse) == (1234, setups.REUSE)
    assert experiment.device.noise == NoiseSpec(kind="uniform", p=setups.P)


def test_both_engines_get_the_same_circuit() -> None:
    setup = setups.Setup(scheme="fold14", distance=3, device="fake_boston", measure=("X", "Z"))
    plans = {}
    for backend in ("aer", "clifft"):
        assert load_engine(backend).name == backend
        text = replace(setup, backend=backend).text(100)
        request = read_request(parse_experiment(text, source="benchmark"))
        prepared, _ = prepare_request(request, Services())
        plans[backend] = [circuit.fingerprint for circuit in prepared.circuits]
    assert plans["aer"] == plans["clifft"]


def test_rate_is_of_the_whole_run_and_its_slope_is_of_the_sampling() -> None:
    found = setups.rates([run_figures(1000, 3.0), run_figures(9000, 5.0)])
    assert found["shots/s"] == 1800
    assert found["shots/CPU s"] == 1500
    assert found["sampling, shots/s"] == 4000
    assert found["fixed, s"] == 2.75


@pytest.mark.parametrize("runs", [[(1000, 3.0)], [(1000, 3.0), (9000, 2.0)]])
def test_no_slope_without_two_runs_of_which_the_larger_takes_longer(runs: Any) -> None:
    found = setups.rates([run_figures(*run) for run in runs])
    assert "sampling, shots/s" not in found and "fixed, s" not in found


def test_direct_sampling_needs_the_shots_of_a_binomial() -> None:
    shots = setups.direct_shots(infidelity=1e-6, kept=0.5, relative_error=0.05)
    kept = shots * 0.5
    assert (1e-6 * (1 - 1e-6) / kept) ** 0.5 / 1e-6 == pytest.approx(0.05)


def test_a_table_shows_what_a_row_lacks_and_says_what_was_refused() -> None:
    rows = [{"d": 5, "shots/s": 123456.7}, {"d": 3, "e": 1.5e-7}]
    refusal = {"engine": "aer", "scheme": "fold", "refused": "too many qubits"}
    lines = emulation.render([*rows, refusal]).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")] == ["", "5", "123,457", "-", ""]
    assert [cell.strip() for cell in lines[3].split("|")] == ["", "3", "-", "1.5e-07", ""]
    assert lines[4] == "aer, fold: too many qubits"


def test_aers_noise_model_is_uniform_noise(compiled: Compiled) -> None:
    model = aer.noise_model(compiled, P).to_dict()["errors"]
    gates = {name: error for error in model for name in error["operations"]}
    noise = make_noise(compiled, NoiseSpec(kind="uniform", p=P))
    for channel in noise.channels:
        assert isinstance(channel, PauliChannel)
        name = "reset" if channel.at < 0 else compiled.instructions[channel.at].name
        assert aers_paulis(gates[name]) == pytest.approx(dict(channel.probabilities))
    flips = {tuple(pair) for pair in noise.readout.values()}
    ((up, down),) = flips
    assert gates["measure"]["probabilities"] == [[1 - up, up], [down, 1 - down]]


def test_noiseless_shots_of_aer_are_all_accepted() -> None:
    found = aer.measure("fold14", 3, "xor", "fake_boston", 0.0, 20)
    assert (found["shots"], found["acceptance"]) == (40, 1)


@pytest.mark.slow
def test_quick_benchmark_fills_every_section(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "emulation.py"), "--quick"]
    options = ["--json", str(file), "--runs", str(tmp_path)]
    shown = subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout
    document = json.loads(file.read_text())
    assert document["machine"]["workers"] >= 1
    fast, *slow = document["engines"]
    assert [row["engine"] for row in slow] == ["aer", "Aer's own noise"]
    for row in slow:
        assert row["clifft / this"] == pytest.approx(fast["shots/s"] / row["shots/s"])
    assert slow[0]["acceptance"] == pytest.approx(fast["acceptance"], abs=0.15)
    assert any("40 qubits" in row.get("refused", "") for row in document["distances"])
    assert "40 qubits" in shown
    by_readout = {row["readout"]: row for row in document["precision"]}
    assert by_readout["detect"]["infidelity"] < by_readout["correct"]["infidelity"] < 1e-4
    assert all(row["direct, shots"] > row["shots"] for row in document["precision"])
    assert {row["keep"] for row in document["cost"]} == {"tallies", "shots"}
    assert all(0 < row["largest worker, MiB"] < row["all, MiB"] < 1024 for row in document["cost"])
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def aers_paulis(error: Any) -> dict[str, float]:
    """Return the probability of each Pauli but the identity in Aer's error."""
    found: dict[str, float] = {}
    for instructions, p in zip(error["instructions"], error["probabilities"], strict=True):
        (instruction,) = instructions
        name = instruction.get("params", [instruction["name"].upper()])[0]
        letters = name.replace("ID", "I")
        if set(letters) != {"I"}:
            found[letters] = found.get(letters, 0.0) + p
    return found
