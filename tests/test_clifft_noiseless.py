"""Without faults every scheme, distance and reuse policy keeps every shot, in the encoded |H>."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from hexmagic.backends.clifft.check import judge_faults
from hexmagic.backends.clifft.shots import sample
from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.backends.routing import route_program
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.errors import HexmagicError, RefusedError
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.program import Program, make_patch, make_program
from hexmagic.experiments.reuse import REUSES, Reuse

BASES: tuple[Basis, ...] = ("X", "Y", "Z")
EXPECTED = {"X": np.sqrt(0.5), "Y": 0.0, "Z": np.sqrt(0.5)}
SMALL = ("fold", "fold13", "fold14", "tree16", "encoded")
COMPILED = [
    ("fold", 3, "fake_sherbrooke"),  # ecr
    ("fold13", 3, "fake_torino"),  # cz
    ("fold14", 3, "fake_kolkata"),  # cx
    ("tree16", 3, "fake_boston"),
    ("encoded", 3, "fake_sherbrooke"),
    ("fold", 5, "fake_torino"),
    ("fold", 5, "fake_sherbrooke"),
]
SEVENTH = "heavy_hex_9"
"""The smallest generated map that holds the 82 qubits of d = 7: 193 qubits."""


def program_of(scheme: str, distance: int, basis: Basis, reuse: Reuse = "reset") -> Program:
    rounds = None if scheme == "encoded" else (distance - 1) // 2
    return make_program(scheme=scheme, distance=distance, rounds=rounds, basis=basis, reuse=reuse)


@cache
def layout_of(scheme: str, distance: int, device: str) -> tuple[int, ...]:
    return find_embeddings(make_patch(scheme, distance), load_device(device))[0]


def compiled(program: Program, device: str, distance: int) -> tuple[Instruction, ...]:
    layout = layout_of(program.scheme, distance, device)
    return compile_program(program, load_device(device), layout).instructions


def check_shots(program: Program, instructions: Sequence[Instruction], shots: int) -> None:
    """Every fixed bit and face parity of every shot is as expected, the logical mean fits |H>."""
    record = program.record
    values = sample(program, instructions, shots=shots, seed=11).values()
    for column, bit in enumerate(record.bits):
        if bit.expected is not None:
            assert np.all(values[:, column] == bit.expected), bit
    assert len(record.faces) == len(program.patch.code.faces if program.patch.code else ())
    for face in record.faces:
        assert np.all(values[:, record.columns(face.bits)].sum(axis=1) % 2 == face.expected), face
    parities = values[:, record.columns(record.logical.bits)].sum(axis=1) % 2
    mean, wanted = record.logical.sign * (1 - 2 * parities).mean(), EXPECTED[record.logical.basis]
    assert abs(mean - wanted) < 5 * np.sqrt((1 - wanted**2) / shots)


def check_state(program: Program, instructions: Sequence[Instruction], shots: int) -> None:
    """The ideal check finds the encoded |H> itself, whatever the outcomes were."""
    judged = judge_faults(program, instructions, shots=shots, seed=12)
    assert judged.accepted == judged.shots == shots
    assert judged.trivial.all()
    assert judged.wrong.max() < 1e-12
    assert judged.wrong_corrected.max() < 1e-12


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("scheme", SMALL)
def test_programs_of_distance_3(scheme: str, basis: Basis, reuse: Reuse) -> None:
    program = program_of(scheme, 3, basis, reuse)
    instructions = read_instructions(program.circuit)
    check_shots(program, instructions, 2_000)
    check_state(program, instructions, 50)


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("basis", BASES)
def test_programs_of_distance_5(basis: Basis, reuse: Reuse) -> None:
    program = program_of("fold", 5, basis, reuse)
    instructions = read_instructions(program.circuit)
    check_shots(program, instructions, 1_000)
    check_state(program, instructions, 20)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize(("scheme", "distance", "device"), COMPILED)
def test_compiled_circuits(scheme: str, distance: int, device: str, basis: Basis) -> None:
    program = program_of(scheme, distance, basis)
    instructions = compiled(program, device, distance)
    check_shots(program, instructions, 1_000)
    check_state(program, instructions, 20)


@pytest.mark.parametrize("basis", BASES)
def test_a_routed_circuit_whose_data_have_moved(basis: Basis) -> None:
    program, device = program_of("routed", 3, basis), load_device("fake_torino")
    routed = route_program(program, device, 1)
    instructions = compile_program(routed.program, device, routed.layout).instructions
    check_shots(routed.program, instructions, 1_000)
    check_state(routed.program, instructions, 20)


def test_a_program_of_distance_7() -> None:
    program = program_of("fold", 7, "Y")
    check_state(program, read_instructions(program.circuit), 3)


@pytest.mark.slow
@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("basis", BASES)
def test_programs_of_distance_7(basis: Basis, reuse: Reuse) -> None:
    program = program_of("fold", 7, basis, reuse)
    instructions = read_instructions(program.circuit)
    check_shots(program, instructions, 60)
    check_state(program, instructions, 10)


@pytest.mark.slow
@pytest.mark.parametrize("basis", BASES)
def test_compiled_circuits_of_distance_7(basis: Basis) -> None:
    program = program_of("fold", 7, basis)
    instructions = compiled(program, SEVENTH, 7)
    check_shots(program, instructions, 60)
    check_state(program, instructions, 10)


def test_the_same_seed_gives_the_same_shots_and_another_does_not() -> None:
    program = program_of("encoded", 3, "X")
    instructions = read_instructions(program.circuit)
    first, again, other = (
        sample(program, instructions, shots=500, seed=seed).packed for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_batches_are_joined_in_order_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hexmagic.backends.clifft.shots.SHOTS_PER_BATCH", 200)
    program = program_of("encoded", 3, "X")
    instructions = read_instructions(program.circuit)
    packed = sample(program, instructions, shots=500, seed=1).packed
    assert packed.shape[0] == 500
    assert not np.array_equal(packed[:200], packed[200:400])
    alone = sample(program, instructions, shots=200, seed=1).packed
    assert np.array_equal(packed[:200], alone)


def test_no_shots_no_code_and_a_missing_measurement_are_refused() -> None:
    program = program_of("encoded", 3, "Z")
    instructions = read_instructions(program.circuit)
    with pytest.raises(HexmagicError, match="shots 0"):
        sample(program, instructions, shots=0, seed=1)
    with pytest.raises(HexmagicError, match="does not measure"):
        sample(program, instructions[:-1], shots=10, seed=1)
    bare = make_program(scheme="bare", distance=None, rounds=None, basis="Z")
    with pytest.raises(RefusedError, match="no code"):
        judge_faults(bare, read_instructions(bare.circuit), shots=10, seed=1)
