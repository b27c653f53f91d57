"""Gate matrices and steps against qiskit's state vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fakes.vectors import Vectors, apply_matrix, block_indices, zero_state
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import ECRGate
from qiskit.quantum_info import Operator, Pauli, Statevector

from hexmagic.experiments.certificates.gate_matrices import PAULIS, gate_matrix
from hexmagic.experiments.certificates.steps import make_steps, pauli_matrix
from hexmagic.experiments.instructions import Instruction, read_instructions

NUM_QUBITS = 5
ONE = ("h", "s", "sdg", "sx", "x", "rz", "ry", "delay")
TWO = ("cx", "cz", "ecr")


@st.composite
def circuits(draw: st.DrawFn) -> QuantumCircuit:
    circuit = QuantumCircuit(NUM_QUBITS)
    for _ in range(draw(st.integers(1, 40))):
        name = draw(st.sampled_from(ONE + TWO))
        first, second = draw(st.permutations(range(NUM_QUBITS)))[:2]
        if name in ("rz", "ry"):
            getattr(circuit, name)(draw(st.floats(-7, 7)), first)
        elif name == "delay":
            circuit.delay(draw(st.integers(0, 99)), first)
        elif name == "ecr":
            circuit.append(ECRGate(), [first, second])
        else:
            getattr(circuit, name)(*([first, second] if name in TWO else [first]))
    return circuit


def by_gates(circuit: QuantumCircuit) -> Vectors:
    state = zero_state(NUM_QUBITS)
    for instruction in read_instructions(circuit):
        state = apply_matrix(state, gate_matrix(instruction), instruction.qubits)
    return state


def by_steps(circuit: QuantumCircuit) -> Vectors:
    state = zero_state(NUM_QUBITS)
    for step in make_steps(read_instructions(circuit), NUM_QUBITS):
        for part in step.parts:
            state = apply_matrix(state, part.matrix, step.qubits)
    return state


def without_delays(circuit: QuantumCircuit) -> QuantumCircuit:
    kept = circuit.copy_empty_like()
    for item in circuit.data:
        if item.operation.name != "delay":
            kept.append(item)
    return kept


@given(circuits())
def test_gate_by_gate_the_state_is_qiskits(circuit: QuantumCircuit) -> None:
    theirs = Statevector(without_delays(circuit)).data
    assert np.allclose(by_gates(circuit)[:, 0], theirs, atol=1e-12)


@given(circuits())
def test_step_by_step_the_state_is_qiskits(circuit: QuantumCircuit) -> None:
    theirs = Statevector(without_delays(circuit)).data
    assert np.allclose(by_steps(circuit)[:, 0], theirs, atol=1e-12)


@given(circuits())
def test_every_instruction_is_in_exactly_one_step(circuit: QuantumCircuit) -> None:
    steps = make_steps(read_instructions(circuit), NUM_QUBITS)
    found = sorted(part.at for step in steps for part in step.parts)
    assert found == [-1] * NUM_QUBITS + list(range(len(circuit.data)))


@pytest.mark.parametrize("name", [*ONE[:5], *TWO])
def test_each_matrix_is_qiskits(name: str) -> None:
    qubits = (0, 1) if name in TWO else (0,)
    circuit = QuantumCircuit(len(qubits))
    getattr(circuit, name)(*qubits)
    made = gate_matrix(Instruction(name=name, params=(), qubits=qubits, bits=(), gadget=""))
    assert np.allclose(made, Operator(circuit).data, atol=1e-15)


@pytest.mark.parametrize("letters", ["X", "Y", "IZ", "XY", "ZX", "YI"])
def test_a_pauli_string_starts_with_the_low_qubit(letters: str) -> None:
    assert np.allclose(pauli_matrix(letters), Pauli(letters[::-1]).to_matrix())
    assert set(PAULIS) == set("IXYZ")


def test_vectors_side_by_side_are_treated_alike() -> None:
    generator = np.random.default_rng(1)
    vectors: Any = generator.normal(size=(32, 3)) + 1j * generator.normal(size=(32, 3))
    together = apply_matrix(vectors, pauli_matrix("XY"), (3, 1))
    apart = [apply_matrix(vectors[:, [k]], pauli_matrix("XY"), (3, 1)) for k in range(3)]
    assert np.array_equal(together, np.hstack(apart))


def test_block_indices_split_the_states_by_the_value_of_some_qubits() -> None:
    rows = block_indices(16, (2, 0))
    for value, row in enumerate(rows):
        assert all((i >> 2 & 1) + 2 * (i & 1) == value for i in row)
    assert sorted(rows.ravel()) == list(range(16))


def test_a_gate_without_a_matrix_is_refused() -> None:
    strange = Instruction(name="ccx", params=(), qubits=(0, 1, 2), bits=(), gadget="")
    with pytest.raises(ValueError, match="no matrix for instruction 'ccx'"):
        gate_matrix(strange)
