"""The protocol without a layout: what it prepares, what it needs its flags for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import sqrt

import pytest
from fakes.exact import judge, logical_expectation, run_exactly

from hexmagic.experiments.abstract import make_abstract_blocks, make_abstract_patch
from hexmagic.experiments.block import Block
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.colour_code import Basis, make_colour_code
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.program import Program, assemble, make_program
from hexmagic.experiments.readout import make_readout

CODE = make_colour_code(3)
BLOCH = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2)}


def program_of(basis: Basis = "Z", rounds: int = 1) -> Program:
    return make_program(scheme="routed", distance=3, rounds=rounds, basis=basis)


def certificate_of(program: Program) -> Certificate:
    return certify(program, read_instructions(program.circuit))


def without_flag(block: Block) -> Block:
    """Return a gadget whose flag is coupled to nothing."""
    syndrome, flag = make_abstract_patch().ancillas
    kept = [gate for gate in block.gates if {syndrome, flag} != {*gate[1:]}]
    return replace(block, gates=tuple(kept))


def program_without_flag(label: str) -> Program:
    patch = make_abstract_patch()
    blocks = make_abstract_blocks(patch, 1)
    assert label in [block.label for block in blocks]
    changed = [without_flag(block) if block.label == label else block for block in blocks]
    return assemble("routed", patch, [*changed, make_readout(patch, "Z")], "Z")


@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
@pytest.mark.parametrize("rounds", [1, 2])
def test_a_noiseless_run_gives_every_expected_bit_and_the_state_h(
    basis: Basis, rounds: int
) -> None:
    program = program_of(basis, rounds)
    states = run_exactly(program.circuit, program.record)
    found = judge(states, CODE, basis)
    assert found["accepted_readout"] == pytest.approx(1, abs=1e-9)
    assert found["right"] == pytest.approx(1, abs=1e-9)
    assert logical_expectation(states, CODE, basis) == pytest.approx(BLOCH[basis], abs=1e-9)


def test_it_has_56_two_qubit_gates_on_9_qubits() -> None:
    program = program_of()
    gates = Counter[str]()
    for gadget in program.gadgets:
        gates[gadget.stage] += gadget.two_qubit_gates
    assert gates == {"encode": 11, "hadamard": 9, "detection": 36, "readout": 0}
    assert program.circuit.num_qubits == 9
    assert program.circuit.count_ops()["cx"] == 56


def test_each_round_reads_h_once_all_six_checks_once_and_a_flag_with_each() -> None:
    bits = program_of(rounds=2).record.bits
    for round_ in (1, 2):
        of_round = [bit for bit in bits if bit.round == round_]
        checks = {(bit.basis, bit.face) for bit in of_round if bit.role == "syndrome"}
        roles = Counter(bit.role for bit in of_round)
        assert checks == {(basis, face) for basis in "XZ" for face in range(3)}
        assert roles == {"hadamard": 1, "syndrome": 6, "flag": 7}


@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
def test_before_routing_no_single_fault_gets_through(basis: Basis) -> None:
    certificate = certificate_of(program_of(basis))
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)
    assert len(certificate.faults) > 900
    assert certificate.failures("detection") == ()
    assert certificate.failures("correction") == ()


def test_h_m_without_its_flag_fails_the_detection_certificate() -> None:
    certificate = certificate_of(program_without_flag("hadamard 1"))
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)
    assert {fault.gadget for fault in certificate.failures("detection")} == {"hadamard 1"}


@pytest.mark.parametrize("face", [0, 1, 2])
def test_a_late_check_without_its_flag_fails_the_correction_certificate(face: int) -> None:
    label = f"detection 1 Z{face}"
    failures = certificate_of(program_without_flag(label)).failures("correction")
    assert {fault.gadget for fault in failures} == {label}


@pytest.mark.parametrize(("distance", "why"), [(None, "needs a distance"), (5, "distance 3 only")])
def test_it_exists_at_distance_3_only(distance: int | None, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        make_program(scheme="routed", distance=distance, rounds=1, basis="Z")
