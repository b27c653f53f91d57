"""The whole road on paid hardware, by command line: real client, loopback service, direct Aer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from qiskit import QuantumCircuit, qpy
from qiskit_aer import AerSimulator
from service import LoopbackService, ServiceConfig
from service.simulation import circuit_fingerprint, pub_seed

import hexmagic

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "experiments" / "hardware_h.yaml"
CIRCUITS = 9
HEXMAGIC = [sys.executable, "-c", "from hexmagic.driver.cli.main import main; main()"]


class Shell:
    """Command lines in an empty directory, with the account of a loopback service."""

    def __init__(self, folder: Path, service: LoopbackService, **settings: str) -> None:
        self.folder, self.service = folder, service
        (folder / "runs").mkdir(parents=True)
        lines = [f'url = "{service.url}"', "posts_per_minute = 1000", "poll_seconds = 0.2"]
        lines += [f'{key} = "{value}"' for key, value in settings.items()]
        (folder / "runs" / "hexmagic.toml").write_text("\n".join(["[ibm]", *lines, ""]))

    def __call__(self, *words: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*HEXMAGIC, *map(str, words)],
            cwd=self.folder,
            env=os.environ | self.service.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    def tick_to_the_end(self) -> None:
        for _ in range(50):
            self.service.wait()
            if not json.loads(self("tick", "--json").stdout)["runs"]:
                return
        raise AssertionError("it does not end")


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    with LoopbackService(ServiceConfig(devices=("boston",), seed=5)) as running:
        yield running


def directly(circuit: QuantumCircuit, shots: int, seed: int) -> dict[str, NDArray[np.bool_]]:
    """Run a circuit on Aer, on the qubits that it uses; column k of a register is its bit k."""
    used = sorted(
        {
            circuit.find_bit(qubit).index
            for item in circuit.data
            if item.operation.name not in ("barrier", "delay")
            for qubit in item.qubits
        }
    )
    small = QuantumCircuit(len(used), len(circuit.clbits))
    for item in circuit.data:
        where = [circuit.find_bit(qubit).index for qubit in item.qubits]
        if item.operation.name == "barrier":
            small.barrier([used.index(q) for q in where if q in used])
        elif item.operation.name != "delay":
            bits = [circuit.find_bit(bit).index for bit in item.clbits]
            small.append(item.operation, [used.index(q) for q in where], bits)
    result = AerSimulator(max_parallel_threads=1).run(
        small, shots=shots, memory=True, seed_simulator=seed
    )
    words = [word[::-1] for word in result.result().get_memory()]
    table = np.array([[bit == "1" for bit in word] for word in words])
    return {
        register.name: table[:, [circuit.find_bit(bit).index for bit in register]]
        for register in circuit.cregs
    }


def load(path: Path) -> QuantumCircuit:
    with path.open("rb") as file:
        (circuit,) = qpy.load(file)
    assert isinstance(circuit, QuantumCircuit)
    return circuit


@pytest.mark.parametrize("program", ["sampler", pytest.param("executor", marks=pytest.mark.slow)])
def test_the_results_are_those_of_a_direct_run_with_the_same_seeds(
    tmp_path: Path, service: LoopbackService, program: str
) -> None:
    shell = Shell(tmp_path, service, program=program)
    shots = 100
    begun = shell("run", SPEC, "--no-wait", "--shots", shots)
    run_id = begun.stdout.splitlines()[-1].removeprefix("run: ")
    shell.tick_to_the_end()
    run = hexmagic.open_run(tmp_path / "runs" / run_id)
    assert run.state == "done"
    assert len(service.jobs) == CIRCUITS
    assert len({tag for job in service.jobs for tag in job.tags if ":" in tag}) > CIRCUITS

    table: Any = run.shots()
    for path in sorted((run.folder / "circuits").glob("p*.qpy")):
        if path.name.count(".") > 1:
            continue  # a canary
        circuit = load(path)
        point, basis = int(path.stem[1:4]), path.stem[5:]
        canaries = 1 if program == "sampler" or (point, basis) == (0, "X") else 0
        seed = pub_seed(5, circuit_fingerprint(circuit), shots, canaries)
        wanted = directly(circuit, shots, seed)
        mine = table[(table["shot", "point"] == point) & (table["shot", "basis"] == basis)]
        record = json.loads((path.parent / f"{path.stem}.record.json").read_text())
        assert len(mine) == shots
        for bit in record["bits"]:
            (column,) = (c for c in table.columns if is_column(c, bit))
            assert (
                mine[column].astype(bool).to_numpy() == wanted[bit["register"]][:, bit["index"]]
            ).all(), (path.name, bit)
    frame = pd.read_parquet(run.folder / "tables" / "fidelity.parquet")
    assert (frame["acceptance"] == 1).all()  # without noise nothing is discarded
    assert (frame["fidelity_low"] <= 1).all()
    assert (frame["fidelity_high"] >= 1).all()
    assert "ibm_boston" in (run.folder / "report.html").read_text()
    assert shell("table", run_id).stdout
    assert shell("report", run_id).stdout


def is_column(column: tuple[Any, ...], bit: dict[str, Any]) -> bool:
    """Whether a column of the shots table is that of a bit of the record map."""
    return bool(column[-1] == f"{bit['register']}[{bit['index']}]")


@pytest.mark.slow
def test_the_measured_acceptance_is_the_predicted_one(tmp_path: Path) -> None:
    """The service samples another model of the same calibration; 1200 shots tell 0.06 apart."""
    with LoopbackService(ServiceConfig(devices=("boston",), seed=6, noise="twirled")) as service:
        shell = Shell(tmp_path, service)
        done = shell("run", SPEC, "--shots", 400)
        run = hexmagic.open_run(tmp_path / "runs" / done.stdout.splitlines()[-1][5:])
    plan = json.loads((run.folder / "plan.json").read_text())
    predicted = plan["circuits"][0]["predicted_acceptance"]
    row = run.fidelity().query("scheme == 'fold14'").iloc[0]
    assert row["acceptance"] == pytest.approx(predicted, abs=0.06)
    assert 0.6 < row["acceptance"] < 0.9
    assert row["fidelity"] > 0.93
