"""Operations that Aer need not repeat: only where their outcome is certain."""

from math import pi

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Kraus
from qiskit_aer import AerSimulator

from hexmagic.backends.aer import engine as aer
from hexmagic.backends.aer.settled import operations_in_the_middle, settle
from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.experiments.program import make_program
from hexmagic.experiments.spec import NoiseSpec

SIMULATOR = AerSimulator(method="statevector", max_parallel_threads=1)


def make_circuit(angle: float) -> QuantumCircuit:
    """Return a circuit that measures and resets a qubit after a rotation, and uses it again."""
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(3, "c"))
    circuit.ry(angle, 0)
    circuit.measure(0, 0)
    circuit.reset(0)
    circuit.ry(pi / 3, 0)
    circuit.cx(0, 1)
    circuit.measure(0, 1)
    circuit.measure(1, 2)
    return circuit


def counts_of(circuit: QuantumCircuit) -> dict[str, int]:
    counts = SIMULATOR.run(circuit, shots=4000, seed_simulator=3).result().get_counts()
    return {str(word): int(n) for word, n in counts.items()}


@pytest.mark.parametrize("outcome", [0, 1])
def test_certain_operations_are_left_out_and_nothing_else_changes(outcome: int) -> None:
    circuit = make_circuit(pi * outcome)
    settled = settle(circuit, SIMULATOR)
    assert settled is not None
    assert settled.outcomes == {0: bool(outcome)}
    assert not operations_in_the_middle(settled.circuit)
    before, after = counts_of(circuit), counts_of(settled.circuit)
    assert {word[:2] for word in before} == {word[:2] for word in after} == {"00", "11"}
    assert {word[2] for word in before} == {str(outcome)}
    assert after[f"11{0}"] / 4000 == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("angle", [pi / 2, 0.01])
def test_a_circuit_with_an_outcome_that_is_not_certain_is_left_as_it_is(angle: float) -> None:
    assert operations_in_the_middle(make_circuit(angle))
    assert settle(make_circuit(angle), SIMULATOR) is None


def test_a_circuit_with_a_channel_is_left_as_it_is() -> None:
    circuit = make_circuit(0)
    damping = Kraus([np.diag([1, np.sqrt(0.5)]), np.array([[0, np.sqrt(0.5)], [0, 0]])])
    circuit.append(damping.to_instruction(), [0])
    assert settle(circuit, SIMULATOR) is None


def test_measurements_at_the_end_are_not_in_the_middle() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.append(UnitaryGate(np.eye(2)), [0])
    circuit.measure(0, 0)
    circuit.barrier()
    assert not operations_in_the_middle(circuit)


@pytest.mark.parametrize("scheme", ["fold", "fold13"])
def test_shots_have_the_same_distribution_with_and_without(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = load_device("fake_boston")
    program = make_program(scheme=scheme, distance=3, rounds=1, basis="Z", reuse="reset")
    compiled = compile_program(program, device, choose_embedding(program, device))
    noise = NoiseSpec(kind="uniform", p=1e-4)
    settled = aer.sample(compiled, noise, shots=400, seed=1).values()
    monkeypatch.setattr(aer, "_WORTH_SETTLING", 10**9)
    plain = aer.sample(compiled, noise, shots=400, seed=1).values()
    ancillas = [i for i, bit in enumerate(program.record.bits) if bit.expected is not None]
    data = [i for i, bit in enumerate(program.record.bits) if bit.expected is None]
    # the same strikes strike the same shots: ancillas agree wherever their outcomes are certain
    assert (settled[:, ancillas] == plain[:, ancillas]).mean() > 0.995
    parity = [shots[:, data].sum(axis=1) % 2 for shots in (settled, plain)]
    sigma = np.sqrt(2 * 0.125 / 400)
    assert abs(parity[0].mean() - parity[1].mean()) < 5 * sigma
