"""Circuits in clifft's words: every gate's unitary, every bit's place, every fault."""

from __future__ import annotations

from math import pi

import clifft
import numpy as np
import pytest
from fakes.vectors import apply_matrix, zero_state
from numpy.typing import NDArray

from hexmagic.backends.clifft.faults import TAG_BITS, given_faults, tagged_faults
from hexmagic.backends.clifft.text import gate_lines, inverse_gate, make_text
from hexmagic.experiments.certificates.faults import PREPARATION, Fault, FaultKind, single_faults
from hexmagic.experiments.certificates.gate_matrices import gate_matrix
from hexmagic.experiments.errors import HexmagicError
from hexmagic.experiments.instructions import Instruction

ONE_QUBIT = [("h",), ("s",), ("sdg",), ("sx",), ("x",), ("rz", 0.3), ("rz", -3 * pi / 4), ("ry", 2)]
GATES = [*ONE_QUBIT, ("ry", pi / 4), ("cx",), ("cz",), ("ecr",), ("delay", 64.0)]


def gate(name: str, *params: float, qubits: tuple[int, ...] = (1,)) -> Instruction:
    return Instruction(name=name, params=params, qubits=qubits, bits=(), gadget="")


def measure(qubit: int, index: int) -> Instruction:
    return Instruction(name="measure", params=(), qubits=(qubit,), bits=(("r", index),), gadget="")


def fault(kind: FaultKind, at: int, qubits: tuple[int, ...], pauli: str) -> Fault:
    return Fault(kind=kind, at=at, qubits=qubits, pauli=pauli, gadget="")


def asymmetric() -> list[Instruction]:
    """Return gates that leave three qubits in a state without symmetries."""
    angles = [gate("ry", 0.4 + 0.7 * q, qubits=(q,)) for q in range(3)]
    phases = [gate("rz", 1.1 - 0.5 * q, qubits=(q,)) for q in range(3)]
    return [*angles, *phases, gate("cx", qubits=(0, 2)), gate("ry", 0.9, qubits=(2,))]


def state_of(instructions: list[Instruction]) -> NDArray[np.complex128]:
    state = zero_state(3)
    for item in instructions:
        state = apply_matrix(state, gate_matrix(item), item.qubits)
    return state[:, 0]


def outcomes(instructions: list[Instruction], *faults: Fault) -> list[int]:
    """Return the outcomes of a circuit that has no random ones."""
    circuit = make_text(instructions, given_faults(instructions, faults))
    found = clifft.sample(clifft.compile(circuit.text), 20, seed=1).measurements
    assert np.all(found == found[0])
    return [int(value) for value in found[0]]


@pytest.mark.parametrize("description", GATES, ids=str)
def test_every_gate_is_the_unitary_of_the_state_vector(description: tuple[str, float]) -> None:
    name, *params = description
    for qubits in ((2, 0), (0, 1)) if name in ("cx", "cz", "ecr") else ((1,), (2,)):
        circuit = [*asymmetric(), gate(name, *params, qubits=qubits), *asymmetric()]
        there = clifft.get_statevector(clifft.compile(make_text(circuit).text))
        assert abs(np.vdot(there, state_of(circuit))) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("description", GATES, ids=str)
def test_a_gate_and_its_inverse_do_nothing(description: tuple[str, float]) -> None:
    name, *params = description
    one = gate(name, *params, qubits=(2, 0) if name in ("cx", "cz", "ecr") else (1,))
    circuit = make_text([*asymmetric(), one]).text + "\n".join(gate_lines(inverse_gate(one)))
    there = clifft.get_statevector(clifft.compile(circuit))
    assert abs(np.vdot(there, state_of(asymmetric()))) == pytest.approx(1, abs=1e-12)


def test_a_measurement_belongs_to_its_bit_wherever_it_stands() -> None:
    circuit = make_text([gate("x", qubits=(0,)), measure(0, 5), measure(1, 2)])
    assert circuit.measured == (("r", 5), ("r", 2))
    assert [circuit.lines[end - 1] for end in circuit.at_line] == ["M 0", "M 1"]


def test_an_unknown_instruction_and_a_bit_that_is_measured_twice_are_refused() -> None:
    with pytest.raises(HexmagicError, match="no words for instruction 'swap'"):
        make_text([gate("swap", qubits=(0, 1))])
    with pytest.raises(HexmagicError, match="measured twice"):
        make_text([measure(0, 0), measure(1, 0)])


def test_a_fault_strikes_behind_its_instruction_and_a_readout_flips_the_record_alone() -> None:
    circuit = [gate("cx", qubits=(0, 1)), measure(0, 0), measure(0, 1), measure(1, 2)]
    assert outcomes(circuit) == [0, 0, 0]
    assert outcomes(circuit, fault("prepare", PREPARATION, (0,), "X")) == [1, 1, 1]
    assert outcomes(circuit, fault("two_qubit", 0, (0, 1), "XZ")) == [1, 1, 0]
    assert outcomes(circuit, fault("two_qubit", 0, (0, 1), "IY")) == [0, 0, 1]
    flip = fault("readout", 1, (0,), "X")
    assert outcomes(circuit, flip) == [1, 0, 0]
    assert outcomes(circuit, flip, flip) == [0, 0, 0]


def test_a_reset_erases_what_was_there_and_its_fault_leaves_one() -> None:
    reset = gate("reset", qubits=(0,))
    circuit = [gate("x", qubits=(0,)), measure(0, 0), reset, measure(0, 1)]
    assert outcomes(circuit) == [1, 0]
    assert outcomes(circuit, fault("reset", 2, (0,), "X")) == [1, 1]


def test_an_unmeasured_bit_is_left_out_and_its_readout_fault_flips_the_state() -> None:
    circuit = [measure(0, 0), gate("cx", qubits=(0, 1)), measure(1, 1)]
    left_out = frozenset([("r", 0)])
    errors = given_faults(circuit, [fault("readout", 0, (0,), "X")], left_out)
    text = make_text(circuit, errors, left_out)
    assert text.measured == (("r", 1),)
    assert clifft.sample(clifft.compile(text.text), 5, seed=1).measurements.tolist() == [[1]] * 5


def tagged_circuit() -> list[Instruction]:
    turns = [gate("x", qubits=(0,)), gate("delay", 16.0, qubits=(1,)), gate("rz", 0.1)]
    reset = gate("reset", qubits=(1,))
    return [*turns, gate("cz", qubits=(0, 1)), measure(1, 0), reset, measure(0, 1)]


def test_tagged_faults_are_all_single_faults_equally_likely_at_a_location() -> None:
    circuit = tagged_circuit()
    wanted = list(single_faults(circuit, 2))
    faults = tagged_faults(circuit, 2)
    assert sorted(map(str, faults.tags.values())) == sorted(map(str, wanted))
    assert faults.locations == len({(f.at, f.qubits) for f in wanted}) == 8
    text = make_text(circuit, faults.errors).text
    text += "".join(f"M {qubit}\n" for qubit in faults.tag_qubits)
    engine = clifft.compile(text)
    assert engine.noise_site_probabilities == pytest.approx(np.full(8, 0.01))
    drawn = clifft.sample_k(engine, 40_000, 1, seed=4).measurements[:, -TAG_BITS:].astype(int)
    tags, counts = np.unique(drawn @ (1 << np.arange(TAG_BITS)), return_counts=True)
    assert {int(tag) for tag in tags} == set(faults.tags)
    for tag, count in zip(tags, counts, strict=True):
        (struck,) = faults.find(int(tag), 1) or ()
        choices = sum((f.at, f.qubits) == (struck.at, struck.qubits) for f in wanted)
        p = 1 / (8 * choices)
        assert abs(count - 40_000 * p) < 5 * np.sqrt(40_000 * p), struck


def test_two_faults_are_found_by_the_sum_of_their_tags() -> None:
    faults = tagged_faults(tagged_circuit(), 2)
    tags = list(faults.tags)
    for first, second in ((0, 1), (3, 20), (25, 5)):
        pair = {faults.tags[tags[first]], faults.tags[tags[second]]}
        assert set(faults.find(tags[first] ^ tags[second], 2) or ()) == pair
    assert faults.find(tags[0] ^ tags[1], 3) is None
    assert faults.find(tags[0] ^ 1, 2) is None
