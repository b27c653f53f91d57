"""Scheme fold40: what each read tells, what is reset, and both certificates at d = 5."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from fakes.exact import in_front, pauli_on, product

from hexmagic.backends.clifft.shots import sample
from hexmagic.experiments.block import Block, Gate, cx
from hexmagic.experiments.certificates.pairs import certify_pairs
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.encode import make_encode
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.fold import fold_gates
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.program import Program, assemble, make_patch, make_program
from hexmagic.experiments.readout import make_readout
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.single_layer import (
    CHECKS_5,
    read_checks,
    single_layer_detection,
    without_repeats,
)

PATCH = make_patch("fold40", 5)
HADAMARD, DETECTION = make_hadamard(PATCH, "fold40", 1), single_layer_detection(PATCH, 1)


@cache
def program_of(reuse: Reuse = "xor", rounds: int = 2) -> Program:
    return make_program(scheme="fold40", distance=5, rounds=rounds, basis="Z", reuse=reuse)


# --- the circuit ---------------------------------------------------------------------------------


def test_every_check_has_a_root_of_its_own_and_that_of_h_takes_no_part() -> None:
    (root,) = (read.qubit for read in HADAMARD.reads)
    syndromes = [read for read in DETECTION.reads if read.role == "syndrome"]
    assert len({(read.basis, read.face) for read in syndromes}) == len(syndromes) == 18
    assert len({read.qubit for read in DETECTION.reads}) == len(DETECTION.reads)
    assert root not in DETECTION.qubits
    assert {root, *(read.qubit for read in DETECTION.reads)} == set(PATCH.ancillas)


def test_a_read_and_those_it_has_taken_along_tell_exactly_its_check() -> None:
    assert PATCH.code is not None
    for read in DETECTION.reads:
        after = [pauli_on(PATCH.num_qubits, [q], "Z") for q in (read.qubit, *read.xor)]
        told = in_front(DETECTION.gates, product(after), PATCH.ancillas)
        faces = PATCH.code.faces[read.face] if isinstance(read.face, int) else ()
        assert told == str(pauli_on(PATCH.num_qubits, faces, read.basis))
    assert any(read.xor for read in DETECTION.reads)


def test_its_gates_are_on_edges_of_the_patch_and_fewer_than_the_checks_one_by_one() -> None:
    pairs = [frozenset(gate[1:]) for gate in DETECTION.gates if len(gate) == 3]
    assert set(pairs) <= {frozenset(edge) for edge in PATCH.edges}
    checks = read_checks(PATCH, CHECKS_5)
    apart = sum(len(g) == 3 for c in checks for g in fold_gates(PATCH, c.tree, c.basis))
    assert (DETECTION.two_qubit_gates, apart) == (216, 228)


@pytest.mark.parametrize(
    ("gates", "kept"),
    [
        ((cx(0, 1), cx(0, 1)), ()),
        ((cx(0, 1), cx(0, 2), cx(3, 1), ("h", 4), cx(0, 1)), (cx(0, 2), cx(3, 1), ("h", 4))),
        ((("h", 0), ("h", 0), cx(0, 1)), (cx(0, 1),)),
        ((cx(0, 1), cx(1, 2), cx(0, 1)), (cx(0, 1), cx(1, 2), cx(0, 1))),
        ((cx(0, 1), ("h", 1), cx(0, 1)), (cx(0, 1), ("h", 1), cx(0, 1))),
        ((cx(0, 1), cx(1, 0), cx(0, 1)), (cx(0, 1), cx(1, 0), cx(0, 1))),
    ],
)
def test_equal_gates_cancel_if_all_between_commute(
    gates: tuple[Gate, ...], kept: tuple[Gate, ...]
) -> None:
    assert without_repeats(gates) == kept


@pytest.mark.parametrize("line", ["X3 2-3", "X0 1-5 2-6", "X3 2-3 2-3", "X0 2-6 5-6"])
def test_a_face_without_a_path_around_it_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"no path around it|not joined by an edge"):
        read_checks(PATCH, line)


def test_it_exists_at_distance_5_only() -> None:
    with pytest.raises(UsageError, match="fold40: exists at distance 5 only, not 3; use fold"):
        make_program(scheme="fold40", distance=3, rounds=1, basis="Z")


# --- what is recorded ----------------------------------------------------------------------------


@pytest.mark.parametrize(("reuse", "resets"), [("reset", 21), ("xor", 1), ("deferred", 1)])
def test_the_root_of_h_is_reset_under_every_policy_and_no_value_takes_it_in(
    reuse: Reuse, resets: int
) -> None:
    program = program_of(reuse)
    assert sum(gadget.resets for gadget in program.gadgets) == resets
    (first, second) = (bit.key for bit in program.record.bits if bit.role == "hadamard")
    assert not {first, second} & {key for bit in program.record.bits for key in bit.xor}


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("qubit", [0, 6, 10])
def test_a_passing_error_is_told_in_its_round_by_its_faces_alone(reuse: Reuse, qubit: int) -> None:
    """A data qubit that is flipped in front of ED and turned back behind it."""
    assert PATCH.code is not None
    flip: tuple[Gate, ...] = (("x", qubit),)
    blocks = [make_encode(PATCH)]
    for round_ in (1, 2):
        detection = single_layer_detection(PATCH, round_)
        if round_ == 1:
            detection = replace(detection, gates=(*flip, *detection.gates, *flip))
        blocks += [make_hadamard(PATCH, "fold40", round_), detection]
    blocks.append(make_readout(PATCH, "Z"))
    program = assemble("fold40", PATCH, blocks, "Z", reuse)
    values = sample(program, read_instructions(program.circuit), shots=20, seed=1).values()
    ancillas = [bit for bit in program.record.bits if bit.role != "data"]
    for column, bit in enumerate(ancillas):
        told = bit.role == "syndrome" and bit.round == 1 and bit.basis == "Z"
        flipped = told and isinstance(bit.face, int) and qubit in PATCH.code.faces[bit.face]
        assert (values[:, column] == flipped).all(), bit


# --- certificates --------------------------------------------------------------------------------


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("rounds", [1, 2])
def test_no_single_fault_is_a_counterexample(reuse: Reuse, rounds: int) -> None:
    program = program_of(reuse, rounds)
    certificate = certify(program, read_instructions(program.circuit))
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)
    assert certificate.failures("detection") == certificate.failures("correction") == ()


@pytest.mark.parametrize("basis", ["X", "Y"])
def test_the_other_readouts_hold_the_certificates_too(basis: Basis) -> None:
    program = make_program(scheme="fold40", distance=5, rounds=2, basis=basis, reuse="deferred")
    certificate = certify(program, read_instructions(program.circuit))
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)
    assert certificate.failures("detection") == certificate.failures("correction") == ()


@pytest.mark.slow
@pytest.mark.parametrize("reuse", REUSES)
def test_no_pair_of_faults_is_undetected(reuse: Reuse) -> None:
    program = program_of(reuse)
    instructions = read_instructions(program.circuit)
    pairs = certify_pairs(program, instructions, budget_seconds=1e6, seed=1)
    assert pairs.exhaustive and pairs.judged == pairs.pairs > 5e7
    assert pairs.failures["detection"] == 0


@pytest.mark.slow
def test_a_misread_h_would_hide_the_wrong_state_if_its_ancilla_were_not_reset() -> None:
    def unlike(block: Block) -> Block:
        return replace(block, reads=tuple(replace(r, always_reset=False) for r in block.reads))

    blocks = [make_encode(PATCH)]
    for round_ in (1, 2):
        blocks += [unlike(make_hadamard(PATCH, "fold40", round_))]
        blocks += [single_layer_detection(PATCH, round_)]
    program = assemble("fold40", PATCH, [*blocks, make_readout(PATCH, "Z")], "Z", "xor")
    instructions = read_instructions(program.circuit)
    pairs = certify_pairs(program, instructions, budget_seconds=1e6, seed=1)
    assert pairs.failures["detection"] > 0
    for kind, first, second in pairs.examples:
        if kind == "detection":
            assert (first.gadget, second.kind, second.gadget) == ("encode", "readout", "hadamard 1")
