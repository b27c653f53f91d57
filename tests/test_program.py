"""Composed programs, run exactly by qiskit: what they prepare, reject and record."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from math import sqrt

import numpy as np
import pytest
from fakes.exact import judge, logical_expectation, run_exactly

from hexmagic.experiments.block import Gate
from hexmagic.experiments.colour_code import Basis, ColourCode
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.encode import make_encode
from hexmagic.experiments.errors import HexmagicError, UsageError
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.program import Program, assemble, make_patch, make_program
from hexmagic.experiments.readout import make_readout

SCHEMES = ("fold13", "fold14", "fold")
BASES: tuple[Basis, ...] = ("X", "Y", "Z")
BLOCH = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2)}


@cache
def program_of(scheme: str, basis: Basis = "Z", rounds: int | None = 1) -> Program:
    rounds = None if scheme == "encoded" else rounds
    return make_program(scheme=scheme, distance=3, rounds=rounds, basis=basis)


def code_of(program: Program) -> ColourCode:
    assert program.patch.code is not None
    return program.patch.code


def entered_by(scheme: str, state: tuple[str, ...], basis: Basis = "Z") -> Program:
    """The program with other gates than `a` where the state enters."""
    patch = make_patch(scheme, 3)
    encode = make_encode(patch)
    gates: list[Gate] = []
    for gate in encode.gates:
        gates += [(name, *gate[1:]) for name in state] if gate[0] == "a" else [gate]
    blocks = [replace(encode, gates=tuple(gates))]
    if scheme != "encoded":
        blocks += [make_hadamard(patch, scheme, 1), *make_detection(patch, scheme, 1)]
    return assemble(scheme, patch, [*blocks, make_readout(patch, basis)], basis)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("scheme", [*SCHEMES, "encoded"])
def test_a_noiseless_run_gives_every_expected_bit_and_the_state_h(
    scheme: str, basis: Basis
) -> None:
    program = program_of(scheme, basis)
    states = run_exactly(program.circuit, program.record)
    found = judge(states, code_of(program), basis)
    assert found["accepted"] == pytest.approx(1, abs=1e-9)
    assert found["accepted_readout"] == pytest.approx(1, abs=1e-9)
    assert found["right"] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("scheme", [*SCHEMES, "encoded"])
def test_the_logical_bloch_vector_is_that_of_h(scheme: str, basis: Basis) -> None:
    program = program_of(scheme, basis)
    states = run_exactly(program.circuit, program.record)
    value = logical_expectation(states, code_of(program), basis)
    assert value == pytest.approx(BLOCH[basis], abs=1e-9)


@pytest.mark.parametrize(
    ("state", "basis", "value"),
    [
        ((), "Z", 1),
        (("x",), "Z", -1),
        (("h",), "X", 1),
        (("x", "h"), "X", -1),
        (("h", "s"), "Y", 1),
        (("h", "sdg"), "Y", -1),
    ],
)
def test_the_recorded_sign_turns_the_parity_into_the_logical_pauli(
    state: tuple[str, ...], basis: Basis, value: int
) -> None:
    program = entered_by("encoded", state, basis)
    states = run_exactly(program.circuit, program.record)
    assert logical_expectation(states, code_of(program), basis) == pytest.approx(value, abs=1e-9)
    assert program.record.logical.sign == (-1 if basis == "Y" else 1)  # n = 7
    assert len(program.record.logical.bits) == 7


@pytest.mark.parametrize("basis", BASES)
def test_the_recorded_face_parities_hold_in_every_outcome_of_a_noiseless_run(basis: Basis) -> None:
    program = program_of("fold14", basis)
    (state,) = run_exactly(program.circuit, program.record)
    outcomes = np.flatnonzero(abs(state) > 1e-9)
    qubit = {bit.key: bit.qubit for bit in program.record.bits}
    assert len(program.record.faces) == 3
    for face in program.record.faces:
        mask = sum(1 << qubit[key] for key in face.bits)
        assert set(np.bitwise_count(outcomes & mask) % 2) == {face.expected}


@pytest.mark.parametrize(("basis", "odd"), [("X", 0), ("Y", 3), ("Z", 0)])
def test_at_distance_5_the_three_hexagons_are_odd_in_y(basis: Basis, odd: int) -> None:
    record = make_program(scheme="fold", distance=5, rounds=2, basis=basis).record
    assert sorted(face.expected for face in record.faces) == [0] * (9 - odd) + [1] * odd
    assert all(face.basis == basis for face in record.faces)
    assert {len(face.bits) for face in record.faces if face.expected} <= {6}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_orthogonal_state_is_never_accepted(scheme: str) -> None:
    program = entered_by(scheme, ("x", "a"))
    states = run_exactly(program.circuit, program.record)
    assert judge(states, code_of(program), "Z")["accepted"] < 1e-12


@pytest.mark.parametrize(("state", "chance"), [((), 1 + 1 / sqrt(2)), (("x",), 1 - 1 / sqrt(2))])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_h_m_projects_any_other_state_onto_h(
    scheme: str, state: tuple[str, ...], chance: float
) -> None:
    program = entered_by(scheme, state)
    found = judge(run_exactly(program.circuit, program.record), code_of(program), "Z")
    assert found["accepted"] == pytest.approx(chance / 2, abs=1e-9)
    assert found["right"] == pytest.approx(chance / 2, abs=1e-9)


@pytest.mark.parametrize(
    ("scheme", "hadamard", "detection", "ancilla_bits"),
    [("fold13", 24, 51, 12), ("fold14", 27, 51, 7), ("fold", 22, 60, 24)],
)
def test_gates_and_measurements_are_those_of_the_design(
    scheme: str, hadamard: int, detection: int, ancilla_bits: int
) -> None:
    program = program_of(scheme)
    gates = Counter[str]()
    for gadget in program.gadgets:
        gates[gadget.stage] += gadget.two_qubit_gates
    assert gates == {"encode": 29, "hadamard": hadamard, "detection": detection, "readout": 0}
    assert sum(bit.role != "data" for bit in program.record.bits) == ancilla_bits


@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_ancilla_is_reset_exactly_when_it_is_used_again(scheme: str, rounds: int) -> None:
    instructions = read_instructions(program_of(scheme, "Y", rounds).circuit)
    for qubit in range(program_of(scheme).patch.num_qubits):
        names = [i.name for i in instructions if qubit in i.qubits and i.name != "barrier"]
        for name, following in zip(names, [*names[1:], None], strict=True):
            assert (name == "measure" and following is not None) == (following == "reset")
        assert names[-1] == "measure"


def test_fold14_has_no_reset_and_reads_each_ancilla_once() -> None:
    program = program_of("fold14")
    assert program.circuit.count_ops().get("reset", 0) == 0
    read = Counter(bit.qubit for bit in program.record.bits)
    assert read == dict.fromkeys(range(14), 1)


def test_two_rounds_of_fold14_read_mid_circuit() -> None:
    program = program_of("fold14", "Z", 2)
    read = Counter(bit.qubit for bit in program.record.bits if bit.role != "data")
    assert read == dict.fromkeys(program.patch.ancillas, 2)
    assert program.circuit.count_ops()["reset"] == 7
    found = judge(run_exactly(program.circuit, program.record), code_of(program), "Z")
    assert found["right"] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_last_reads_of_the_ancillas_may_come_with_the_data(scheme: str) -> None:
    program = program_of(scheme)
    (readout,) = (item for item in program.circuit.data if item.operation.label == "readout")
    spanned = {program.circuit.find_bit(qubit).index for qubit in readout.qubits}
    assert spanned == set(program.patch.data)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_classical_bit_is_measured_once_from_the_qubit_of_the_record(scheme: str) -> None:
    program = program_of(scheme, "X", 2)
    measured = {
        i.bits[0]: i.qubits[0] for i in read_instructions(program.circuit) if i.name == "measure"
    }
    assert measured == {bit.key: bit.qubit for bit in program.record.bits}
    assert program.circuit.num_clbits == len(measured)
    assert program.circuit.count_ops()["measure"] == len(measured)


def test_faces_of_a_bit_are_none_one_or_those_of_a_product() -> None:
    bits = make_program(scheme="tree16", distance=3, rounds=1, basis="Z").record.bits
    faces = {bit.face: bit.faces for bit in bits}
    assert faces == {None: (), 0: (0,), 1: (1,), 2: (2,), (0, 1): (0, 1), (0, 2): (0, 2)}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_round_reads_h_once_and_all_six_checks_once(scheme: str) -> None:
    bits = program_of(scheme, "Z", 2).record.bits
    for round_ in (1, 2):
        of_round = [bit for bit in bits if bit.round == round_]
        checks = [(bit.basis, bit.face) for bit in of_round if bit.role == "syndrome"]
        assert sum(bit.role == "hadamard" for bit in of_round) == 1
        assert sorted(checks, key=str) == [(b, f) for b in "XZ" for f in range(3)]
    assert {bit.expected for bit in bits if bit.role != "data"} == {0}


def test_the_barrier_in_front_of_each_block_carries_its_label() -> None:
    program = program_of("fold")
    labels = [i.operation.label for i in program.circuit.data if i.operation.name == "barrier"]
    assert labels == [gadget.label for gadget in program.gadgets]
    counted = Counter(i.gadget for i in read_instructions(program.circuit) if i.is_two_qubit_gate)
    assert all(counted[g.label] == g.two_qubit_gates for g in program.gadgets)


def test_a_gate_that_reaches_over_two_gadgets_is_refused() -> None:
    circuit = program_of("fold14").circuit.copy()
    circuit.barrier(0, label="late")
    circuit.cx(0, 7)
    with pytest.raises(HexmagicError, match="reaches over gadgets"):
        read_instructions(circuit)


@pytest.mark.parametrize(
    ("scheme", "distance", "rounds", "why"),
    [
        ("tree99", 3, 1, "the schemes are"),
        ("fold", None, 1, "needs a distance"),
        ("fold14", 5, 2, "distance 3 only"),
        ("fold13", 3, 0, "at least one round"),
        ("fold13", 3, None, "at least one round"),
        ("encoded", 3, 1, "has no rounds"),
    ],
)
def test_a_program_that_does_not_exist_is_refused(
    scheme: str, distance: int | None, rounds: int | None, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        make_program(scheme=scheme, distance=distance, rounds=rounds, basis="Z")
