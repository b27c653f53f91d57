"""Pre-flight: everything that must hold before money is spent, each told on its own line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.commands import one_line
from fakes.hardware import PROTOCOL, SPEC, World, make_world
from qiskit import QuantumCircuit, qpy

from hexmagic.backends.device import Device
from hexmagic.backends.remote import AccountError, RemoteError, Usage
from hexmagic.driver.folder.circuit_files import QPY_VERSION
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.judging import judge_circuit
from hexmagic.driver.plan import Point
from hexmagic.experiments.certificates.single import Certificate

ONE = SPEC.replace("shots: 300", "shots: 100")
LINE = 1 + SPEC.splitlines().index("seed: 7") + 1
"""Line of what is added to SPEC."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def refusal(world: World, more: str = "", *, code: int = 3, text: str = SPEC) -> str:
    """Return why a run is refused without the file's name; nothing but a lock was written."""
    spec = world.spec(more, text=text)
    result = world.call("run", spec, "--no-wait")
    assert result.exit_code == code, result.output
    assert {path.name for path in world.runs.glob("*")} <= {".hexmagic.lock", "hexmagic.toml"}
    assert world.remote.jobs == [] and world.remote.batches == {}
    return one_line(result).removeprefix(f"{spec}:")


# --- before a new run ---------------------------------------------------------------------------


def test_a_machine_that_takes_no_jobs(world: World) -> None:
    world.remote.stand(operational=False, message="maintenance", queue=4)
    line = refusal(world)
    assert line.startswith("4: device.name: ibm_boston takes no jobs now (maintenance); 4 jobs")


def test_a_queue_that_is_too_long(world: World) -> None:
    world.remote.stand(queue=4)
    line = refusal(world, "gates: {max_queue: 3}\n")
    assert line == f"{LINE}: gates.max_queue: ibm_boston: 4 jobs wait, the gate allows at most 3"
    world.start("gates: {max_queue: 4}\n")


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("max_median_cz_error: 1e-4", "median cz error 0.00"),
        ("max_median_readout_error: 1e-4", "median readout error 0.00"),
    ],
)
def test_a_calibration_that_is_too_bad(world: World, gate: str, words: str) -> None:
    line = refusal(world, f"gates: {{{gate}}}\n")
    assert line.startswith(f"{LINE}: gates.{gate.partition(':')[0]}: ibm_boston: {words}")
    assert line.endswith("the gate allows at most 0.0001")


def test_an_acceptance_that_is_predicted_too_low(world: World) -> None:
    line = refusal(world, "gates: {min_predicted_acceptance: 0.9}\n", text=PROTOCOL)
    assert line.startswith(f"{LINE + 1}: gates.min_predicted_acceptance: fold13 d=3 r=1 in X: ")
    assert "emulation by clifft, 20000 shots under the calibration of 2026-04-17" in line


def test_a_protocol_without_a_certificate(world: World) -> None:
    def judge(point: Point, compiled: Any) -> Any:
        return replace(judge_circuit(point, compiled), certificate=None)

    object.__setattr__(world.services, "judge", judge)
    line = refusal(world, text=PROTOCOL)
    assert line == (
        "3: protocol: fold13 d=3 r=1: no certificate could be made of the compiled circuit"
    )


def test_a_certificate_that_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Certificate, "failures", lambda *_: (3, 4))
    line = refusal(world, text=PROTOCOL)
    assert line.startswith("3: protocol: fold13 d=3 r=1: 2 of ")
    assert line.endswith("single faults of the compiled circuit go undetected and do harm")


def test_a_job_that_is_too_long_for_the_service(world: World) -> None:
    world.remote.stand(max_shots=100_000, repetition_delay_seconds=0.1)
    line = refusal(world, text=SPEC.replace("300", "60000"))
    assert line.startswith("6: shots: 1 jobs, estimated 6.01e+03 QPU seconds, at most 12")
    assert "of 10800" in line


def test_more_shots_than_a_job_takes_are_several_jobs(world: World) -> None:
    world.remote.stand(max_shots=70)
    world.start()
    shots = [job.submission.circuits[-1][1] for job in world.remote.jobs]
    assert shots == [70, 70, 70, 70, 20]


def test_an_account_with_too_little_time_left(world: World) -> None:
    world.remote.left = Usage(used_seconds=590, limit_seconds=600, remaining_seconds=10)
    line = refusal(world)
    assert line == "10 QPU seconds are left on the account's instance, up to 15 are needed"
    world.remote.left = Usage(used_seconds=590, limit_seconds=600, remaining_seconds=15)
    world.start()


@pytest.mark.parametrize("call", ["standing", "device", "usage"])
def test_no_account(world: World, call: str) -> None:
    world.remote.fail(call, AccountError("IBM account: none found; set QISKIT_IBM_TOKEN"))
    assert refusal(world).endswith("IBM account: none found; set QISKIT_IBM_TOKEN")


@pytest.mark.parametrize("call", ["standing", "device", "usage"])
def test_a_service_that_does_not_answer(world: World, call: str) -> None:
    world.remote.fail(call, RemoteError("ibm_boston: HTTP 503: down"))
    line = refusal(world, code=75)
    assert line == "ibm_boston: HTTP 503: down; nothing was made or submitted, try again later"


def test_an_unknown_machine(world: World) -> None:
    line = refusal(world, text=SPEC.replace("ibm_boston", "ibm_bosten"), code=2)
    assert line.startswith("4: device.name: unknown machine 'ibm_bosten'")


def test_the_first_of_several_is_told(world: World) -> None:
    world.remote.stand(operational=False, queue=9)
    assert "device.name" in refusal(world, "gates: {max_queue: 3}\nbudget: {qpu_seconds: 1}\n")


# --- shown without being done -------------------------------------------------------------------

SHOWN = (
    "ibm_boston takes jobs; 0 jobs wait; calibrated 2026-04-17",
    "the gate allows at most 3",
    "only native gates, on qubits and edges that work",
    "gadgets intact",
    "single faults of the compiled circuit go undetected",
    "jobs, estimated ",
    "the account's instance has no limit, or does not tell it",
    "left of the run's budget of 99",
    "left of this day's budget",
)


def words(result: Any) -> str:
    """Return a text without its line breaks."""
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("verb", [("check",), ("run", "--dry-run")])
def test_every_check_is_shown_and_nothing_written(world: World, verb: tuple[str, ...]) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 500\n")
    spec = world.spec("gates: {max_queue: 3}\nbudget: {qpu_seconds: 99}\n", text=PROTOCOL)
    before = world.files()
    result = world.call(*verb, spec)
    assert result.exit_code == 0, result.output
    assert [text for text in SHOWN if text not in words(result)] == []
    assert world.files() == before
    changing = {"post", "open_batch", "close_batch", "cancel"}
    assert not changing & {name for name, _ in world.remote.calls}


@pytest.mark.parametrize("verb", [("check",), ("run", "--dry-run")])
def test_with_one_that_fails_all_are_shown_and_the_exit_code_is_3(
    world: World, verb: tuple[str, ...]
) -> None:
    world.remote.stand(queue=4)
    spec = world.spec("gates: {max_queue: 3}\n")
    before = world.files()
    result = world.call(*verb, spec)
    assert result.exit_code == 3
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{spec}:{LINE}: gates.max_queue: ")
    assert "ibm_boston takes jobs" in words(result) and "gadgets intact" in words(result)
    assert world.files() == before


def test_the_estimate_is_one_number_canaries_and_the_machines_delay_included(world: World) -> None:
    world.remote.stand(repetition_delay_seconds=2e-3)
    result = world.call("check", world.spec(text=PROTOCOL), "--format", "json")
    (found,) = json.loads(result.stdout)["experiments"]
    folder = world.start(text=PROTOCOL, more="")
    costs = [cost["estimated_seconds"] for cost in folder.document["costs"].values()]
    assert found["estimated_qpu_seconds"] == pytest.approx(sum(costs))
    assert found["estimated_qpu_seconds"] == folder.document["estimated_qpu_seconds"]
    assert sum(p["estimated_qpu_seconds"] for p in found["points"]) == pytest.approx(sum(costs))
    top, check = re.findall(
        r"estimated (?:on hardware: )?([0-9.]+) QPU",
        words(world.call("run", "--dry-run", world.spec(text=PROTOCOL))),
    )
    assert top == check


def test_a_directory_is_not_made_to_look_at_a_plan(world: World) -> None:
    assert world.call("run", "--dry-run", world.spec()).exit_code == 0
    assert not world.runs.exists()


def test_checks_are_data_too(world: World) -> None:
    world.remote.stand(queue=4)
    result = world.call("check", world.spec("gates: {max_queue: 3}\n"), "--format", "json")
    assert result.exit_code == 3
    (experiment,) = json.loads(result.stdout)["experiments"]
    found = {check["field"]: check["ok"] for check in experiment["preflight"]}
    assert (found["gates.max_queue"], found["device.name"]) == (False, True)
    assert all(
        set(check) == {"field", "ok", "text", "lasting"} for check in experiment["preflight"]
    )


# --- between planning and submission ------------------------------------------------------------


def planned(world: World, more: str = "", text: str = ONE) -> RunFolder:
    """Return a run of which nothing was submitted."""
    world.remote.fail("open_batch", RemoteError("503"))
    folder = world.start(more, text=text)
    assert set(world.states()) == {"planned"}
    return folder


def edit(folder: RunFolder, name: str, change: Callable[[QuantumCircuit], None]) -> None:
    """Change an archived circuit."""
    path = folder.path / "circuits" / f"{name}.qpy"
    (circuit,) = qpy.load(io.BytesIO(path.read_bytes()))
    change(circuit)
    with path.open("wb") as file:
        qpy.dump(circuit, file, version=QPY_VERSION)


def hindrance(world: World, code: int = 75) -> str:
    """Tick; return why nothing was submitted."""
    result = world.tick(code=code)
    assert set(world.states()) == {"planned"}
    assert world.remote.count("post") == 0
    (line,) = [line for line in result.stdout.splitlines() if "nothing is submitted" in line]
    return line.partition("nothing is submitted: ")[2]


def test_a_circuit_that_was_edited_is_not_sent(world: World) -> None:
    folder = planned(world)
    edit(folder, "p000-X", lambda circuit: circuit.h(0))
    assert "circuit p000-X: " in (line := hindrance(world))
    assert "h on qubit 0 is no native instruction" in line


def test_a_gadget_that_is_gone_is_noticed(world: World) -> None:
    folder = planned(world, text=PROTOCOL.replace("300", "100"))

    def cut(circuit: QuantumCircuit) -> None:
        at = next(i for i, item in enumerate(circuit.data) if item.operation.name == "cz")
        del circuit.data[at]

    edit(folder, "p000-X", cut)
    line = hindrance(world)
    assert "fold13 d=3 r=1 in X: gadget " in line
    assert "two qubit gates, " in line and " were planned" in line


def test_a_qubit_that_breaks_after_planning_is_not_used(world: World) -> None:
    folder = planned(world)
    (used,) = folder.circuits[0].layout

    def break_it(device: Device) -> Device:
        qubits = list(device.qubits)
        qubits[used] = replace(qubits[used], t1_seconds=None)
        return replace(device, qubits=tuple(qubits))

    world.remote.recalibrate(at="2026-04-18T12:00:00+00:00", change=break_it)
    assert f"qubit {used} is faulty" in hindrance(world)


def test_a_gate_is_held_against_the_calibration_of_the_day(world: World) -> None:
    planned(world, "gates: {max_median_readout_error: 2e-2}\n")
    world.remote.recalibrate(
        at="2026-04-18T12:00:00+00:00", change=lambda device: device.with_errors_scaled(5)
    )
    assert "spec.yaml:8: gates.max_median_readout_error: ibm_boston: median" in hindrance(world)
    world.remote.recalibrate(
        at="2026-04-19T12:00:00+00:00", change=lambda device: device.with_errors_scaled(0.2)
    )
    world.tick(code=75)
    assert world.states() == ["submitted"]


def test_a_queue_that_grows_is_waited_out(world: World) -> None:
    planned(world, "gates: {max_queue: 3}\n")
    world.remote.stand(queue=4)
    assert "4 jobs wait, the gate allows at most 3" in hindrance(world)
    world.remote.stand(queue=3)
    world.tick(code=75)
    assert world.states() == ["submitted"]


def test_an_acceptance_that_has_become_too_low_is_noticed(world: World) -> None:
    more = "gates: {min_predicted_acceptance: 0.6}\n"
    planned(world, more, text=PROTOCOL.replace("300", "100"))
    world.remote.recalibrate(
        at="2026-04-18T12:00:00+00:00", change=lambda device: device.with_errors_scaled(5)
    )
    assert "gates.min_predicted_acceptance" in hindrance(world)
