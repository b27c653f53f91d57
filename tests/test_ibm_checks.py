"""Circuits and jobs that must not be paid for are refused, on both roads."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fakes.ibm import BOSTON, circuit_on, remote_of, serving, submission_of
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Clbit, Parameter

from hexmagic.backends.device import Device, load_device
from hexmagic.backends.ibm.checks import check_isa, check_job, check_tags
from hexmagic.experiments.errors import RefusedError

Change = Callable[[QuantumCircuit], object]

WRONG: dict[str, tuple[Change, str]] = {
    "a gate that is not native": (lambda c: c.h(5), "h on qubit 5 is no native instruction"),
    "a native gate on two": (lambda c: c.cx(0, 1), "cx on qubits 0, 1 is no native"),
    "control flow": (lambda c: c.if_test((c.cregs[1], 1), QuantumCircuit(1), [3], []), "if_else"),
    "no such edge": (lambda c: c.cz(0, 2), "cz on qubits 0, 2: there is no such edge"),
    "a faulty edge": (lambda c: c.cz(84, 85), "cz on qubits 84, 85: the edge is faulty"),
    "a faulty edge, turned": (lambda c: c.cz(85, 84), "the edge is faulty"),
    "a faulty qubit": (lambda c: c.x(146), "x on qubit 146: qubit 146 is faulty"),
    "measuring a faulty qubit": (lambda c: c.measure(146, 0), "qubit 146 is faulty"),
    "waiting on a faulty qubit": (lambda c: c.delay(4, 146), "qubit 146 is faulty"),
    "a parameter": (lambda c: c.rz(Parameter("theta"), 0), "without a value: theta"),
    "a register without bits": (lambda c: c.add_register(ClassicalRegister(0, "none")), "no bits"),
    "a keyword": (lambda c: c.add_register(ClassicalRegister(1, "while")), "'while'"),
    "no identifier": (lambda c: c.add_register(ClassicalRegister(1, "a-b")), "'a-b'"),
    "a name of the result's own": (
        lambda c: c.add_register(ClassicalRegister(1, "shape")),
        "shape",
    ),
    "a bit in no register": (lambda c: c.add_bits([Clbit()]), "classical bit 3 is in 0 registers"),
    "a bit in two": (
        lambda c: c.add_register(ClassicalRegister(bits=[c.clbits[0]], name="again")),
        "classical bit 0 is in 2 registers",
    ),
}


@pytest.fixture(scope="module")
def boston() -> Device:
    return replace(load_device("fake_boston"), name=BOSTON)


@pytest.fixture(scope="module")
def remotes() -> Iterator[dict[str, Any]]:
    """An adapter for each program, on one service."""
    with pytest.MonkeyPatch.context() as patch, serving(patch) as running:
        yield {name: remote_of(running, program=name) for name in ("sampler", "executor")}


def test_a_circuit_of_native_gates_on_working_edges_passes(boston: Device) -> None:
    check_isa(circuit_on(), boston)


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_circuit_is_refused(boston: Device, what: str) -> None:
    change, message = WRONG[what]
    circuit = circuit_on()
    change(circuit)
    with pytest.raises(RefusedError, match=message) as caught:
        check_isa(circuit, boston)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("program", ["sampler", "executor"])
@pytest.mark.parametrize("what", ["a gate that is not native", "a faulty qubit", "a keyword"])
def test_both_programs_refuse_a_wrong_circuit(
    remotes: dict[str, Any], program: str, what: str
) -> None:
    circuit = circuit_on()
    WRONG[what][0](circuit)
    job = replace(submission_of(), circuits=((circuit_on(), 5), (circuit, 5)))
    with pytest.raises(RefusedError, match=WRONG[what][1]):
        remotes[program].encode(job)


def test_a_gate_against_its_direction_is_refused() -> None:
    device = load_device("fake_sherbrooke")
    control, target = min(set(device.two_qubit) - {e for e in device.two_qubit if e[0] > e[1]})
    circuit = QuantumCircuit(device.num_qubits, 1)
    circuit.ecr(target, control)
    with pytest.raises(RefusedError, match=f"offered only from {control} to {target}"):
        check_isa(circuit, device)


@pytest.mark.parametrize("number", [155, 157])
def test_a_circuit_on_other_than_all_qubits_is_refused(boston: Device, number: int) -> None:
    with pytest.raises(RefusedError, match=f"on {number} qubits, but ibm_boston has 156"):
        check_isa(circuit_on(number), boston)


def test_a_circuit_without_a_register_is_refused(boston: Device) -> None:
    with pytest.raises(RefusedError, match="no classical register"):
        check_isa(QuantumCircuit(156), boston)


@pytest.mark.parametrize(
    ("shots", "message"),
    [
        ((), "without circuits"),
        ((0,), "0 shots"),
        ((10, 100_001), "100001 shots, but ibm_boston takes 1 to 100000"),
        ((100_000,) * 101, "101 circuits with 10100000 shots in all"),
    ],
)
def test_too_many_shots_or_none_are_refused(
    boston: Device, shots: tuple[int, ...], message: str
) -> None:
    circuit = circuit_on()
    with pytest.raises(RefusedError, match=message):
        check_job([(circuit, n) for n in shots], boston, max_shots=100_000)


def test_the_limits_themselves_pass(boston: Device) -> None:
    check_job([(circuit_on(), 100_000)] * 100, boston, max_shots=100_000)
    check_tags(["a" * 86] * 8)


@pytest.mark.parametrize("tags", [[], ["a"] * 9, [""], ["a" * 87]])
def test_impossible_tags_are_refused(tags: list[str]) -> None:
    with pytest.raises(RefusedError, match="possible"):
        check_tags(tags)


@pytest.mark.parametrize("change", [{"max_seconds": 0}, {"tags": ()}, {"circuits": ()}])
def test_an_impossible_job_is_refused_before_it_is_encoded(
    remotes: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(RefusedError):
        remotes["sampler"].encode(replace(submission_of(), **change))


def test_the_clients_own_check_is_translated(
    remotes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexmagic.backends.ibm.remote.check_job", lambda *_, **__: None)
    circuit = circuit_on()
    circuit.h(3)
    job = replace(submission_of(), circuits=((circuit, 5),))
    with pytest.raises(RefusedError, match=r"the client refuses the job for ibm_boston: .* h "):
        remotes["sampler"].encode(job)
