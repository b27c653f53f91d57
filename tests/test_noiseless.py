"""The noiseless check: what is right passes, and every kind of mistake is one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from hexmagic.experiments.block import Block
from hexmagic.experiments.certificates.noiseless import Noiseless, check_noiseless
from hexmagic.experiments.certificates.pauli_frame import make_pauli_frame
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.encode import make_encode
from hexmagic.experiments.errors import HexmagicError
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.program import Program, assemble, make_patch, make_program
from hexmagic.experiments.readout import make_readout
from hexmagic.experiments.reuse import REUSES, Reuse


def check(program: Program, instructions: Sequence[Instruction] | None = None) -> Noiseless:
    code = program.patch.code
    assert code is not None
    steps = read_instructions(program.circuit) if instructions is None else instructions
    return check_noiseless(make_pauli_frame(program, steps, ()), code)


@cache
def blocks() -> tuple[Block, ...]:
    """encode, H_m, ED, readout of fold13."""
    patch = make_patch("fold13", 3)
    detection = make_detection(patch, "fold13", 1)
    return (
        make_encode(patch),
        make_hadamard(patch, "fold13", 1),
        *detection,
        make_readout(patch, "Z"),
    )


def program_with(place: int, block: Block) -> Program:
    parts = [*blocks()]
    parts[place] = block
    return assemble("fold13", make_patch("fold13", 3), parts, "Z")


def refusal(program: Program, instructions: Sequence[Instruction] | None = None) -> str:
    with pytest.raises(HexmagicError) as caught:
        check(program, instructions)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("noiseless run: ")
    return line


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance"), [("fold13", 3), ("tree16", 3), ("fold", 5)])
def test_two_rounds_give_the_encoded_state(scheme: str, distance: int, reuse: Reuse) -> None:
    program = make_program(scheme=scheme, distance=distance, rounds=2, basis="Y", reuse=reuse)
    found = check(program)
    assert found.fidelity == pytest.approx(1, abs=1e-9)
    assert not any(found.values[qubit] for qubit in program.patch.data)


@pytest.mark.slow
@pytest.mark.parametrize("reuse", REUSES)
def test_distance_7_gives_the_encoded_state(reuse: Reuse) -> None:
    program = make_program(scheme="fold", distance=7, rounds=3, basis="X", reuse=reuse)
    assert check(program).fidelity == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("place", "idle"), [(0, 0), (1, 1), (2, 0)])
def test_a_missing_gate_is_seen(place: int, idle: int) -> None:
    """All but `idle` gates: in H_m the control of one is 0 by then unless something went wrong."""
    block, unseen = blocks()[place], []
    for i, gate in enumerate(block.gates):
        if gate[0] == "cx":
            gates = (*block.gates[:i], *block.gates[i + 1 :])
            try:
                check(program_with(place, replace(block, gates=gates)))
            except HexmagicError as error:
                assert str(error).startswith("noiseless run: ")
            else:
                unseen.append(gate)
    assert len(unseen) == idle


def test_a_missing_rotation_of_h_m_is_seen() -> None:
    hadamard = blocks()[1]
    for i, gate in enumerate(hadamard.gates):
        if gate[0] in ("a", "adg"):
            gates = (*hadamard.gates[:i], *hadamard.gates[i + 1 :])
            assert refusal(program_with(1, replace(hadamard, gates=gates)))


def test_a_rotation_the_wrong_way_is_seen() -> None:
    hadamard = blocks()[1]
    i = next(i for i, gate in enumerate(hadamard.gates) if gate[0] == "a")
    gates = (*hadamard.gates[:i], ("adg", *hadamard.gates[i][1:]), *hadamard.gates[i + 1 :])
    assert refusal(program_with(1, replace(hadamard, gates=gates)))


@pytest.mark.parametrize("place", [1, 2])
def test_an_outcome_that_is_expected_to_be_1_is_seen(place: int) -> None:
    block = blocks()[place]
    for i in range(len(block.reads)):
        reads = [*block.reads]
        reads[i] = replace(reads[i], expected=1)
        line = refusal(program_with(place, replace(block, reads=tuple(reads))))
        assert "is not the expected one (expectation 1.000)" in line


def assert_each_ancilla_is_seen(program: Program, name: str, before: str, gadget: str) -> None:
    """A gate on an ancilla in front of a gadget is refused, whichever ancilla it is."""
    instructions = read_instructions(program.circuit)
    at = next(i for i, item in enumerate(instructions) if item.gadget == gadget)
    for qubit in program.patch.ancillas:
        gate = Instruction(name=name, params=(), qubits=(qubit,), bits=(), gadget=before)
        line = refusal(program, [*instructions[:at], gate, *instructions[at:]])
        assert f"qubit {qubit} in front of instruction {at + 1}" in line


def logical_x_behind_the_encoder(program: Program) -> list[Instruction]:
    instructions = read_instructions(program.circuit)
    at = max(i for i, item in enumerate(instructions) if item.name == "cx")
    flips = [
        Instruction(name="x", params=(), qubits=(q,), bits=(), gadget="encode")
        for q in program.patch.data
    ]
    return [*instructions[: at + 1], *flips, *instructions[at + 1 :]]


@pytest.mark.parametrize("scheme", ["fold13", "fold14", "tree16"])
@pytest.mark.parametrize("name", ["x", "h"])
def test_an_ancilla_that_the_encoder_does_not_leave_in_0_is_seen(scheme: str, name: str) -> None:
    program = make_program(scheme=scheme, distance=3, rounds=1, basis="Z")
    assert_each_ancilla_is_seen(program, name, "encode", "hadamard 1")


def test_a_program_for_another_state_is_not_certified() -> None:
    program = make_program(scheme="encoded", distance=3, rounds=None, basis="Z")
    with pytest.raises(HexmagicError, match=r"fidelity 0\.500000 with"):
        certify(program, logical_x_behind_the_encoder(program))


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("name", ["x", "h"])
def test_an_ancilla_that_is_not_0_in_front_of_the_second_h_m_is_seen(
    reuse: Reuse, name: str
) -> None:
    program = make_program(scheme="fold13", distance=3, rounds=2, basis="Z", reuse=reuse)
    assert_each_ancilla_is_seen(program, name, "detection 1", "hadamard 2")


def test_a_turned_logical_state_has_the_fidelity_that_is_left() -> None:
    program = make_program(scheme="encoded", distance=3, rounds=None, basis="Z")
    found = check(program, logical_x_behind_the_encoder(program))
    assert found.fidelity == pytest.approx(0.5)  # |<H|X|H>|^2 = sin^2(pi/4)
