"""Detectors and parities in clifft's words, and the rotations' order."""

from __future__ import annotations

import clifft
import numpy as np
import pytest

from hexmagic.backends.clifft.programs import (
    compile_lines,
    parity_records,
    sample_survivors,
    with_detectors,
)
from hexmagic.backends.clifft.text import make_text
from hexmagic.experiments.errors import HexmagicError
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.shots import pack_shots


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("measure", ["Z", "H"])
def test_a_parity_is_of_the_records_that_its_value_depends_on(
    measure: Measure, reuse: Reuse
) -> None:
    program = make_program(scheme="fold13", distance=3, rounds=1, basis=measure, reuse=reuse)
    record = program.record
    circuit = make_text(read_instructions(program.circuit))
    count = len(record.bits)
    values = pack_shots(np.eye(count, dtype=np.bool_), record).values()  # one outcome 1 each
    for keys in (record.logical.bits, *(face.bits for face in record.faces)):
        odd = values[:, record.columns(keys)].sum(axis=1) % 2 == 1
        wanted = {circuit.measured.index(record.bits[i].key) - count for i in np.flatnonzero(odd)}
        named = parity_records(circuit, record, keys).split()
        assert {int(word[4:-1]) for word in named} == wanted
        assert len(named) == len(wanted)


def test_a_detector_stands_behind_the_last_of_its_records() -> None:
    program = make_program(scheme="fold13", distance=3, rounds=1, basis="Z", reuse="xor")
    circuit = make_text(read_instructions(program.circuit))
    asked = [bit for bit in program.record.bits if bit.expected is not None]
    lines, expected = with_detectors(circuit, asked)
    assert [line for line in lines if not line.startswith("DETECTOR")] == list(circuit.lines)
    assert len(expected) == len(asked)
    named = []
    for i, line in enumerate(lines):
        if line.startswith("DETECTOR"):
            known = sum(other.startswith("M ") for other in lines[:i])
            offsets = [int(word[4:-1]) for word in line.split()[1:]]
            assert -1 in offsets
            named.append({circuit.measured[known + offset] for offset in offsets})
    assert sorted(map(sorted, named)) == sorted(sorted({b.key, *b.xor}) for b in asked)


def test_a_random_bit_cannot_be_asked() -> None:
    program = make_program(scheme="fold13", distance=3, rounds=1, basis="Z")
    circuit = make_text(read_instructions(program.circuit))
    with pytest.raises(HexmagicError, match="only outcomes of a fixed value"):
        with_detectors(circuit, program.record.bits)


@pytest.mark.parametrize("packed", [True, False])
def test_survivors_are_the_shots_whose_detectors_are_as_expected(packed: bool) -> None:
    turns = [f"R_{letter}(0.3) {q}" for letter in "YX" for q in range(5, 15)]
    pairs = [f"CZ {a} {b}" for a in range(5, 15) for b in range(a) if b > 4]
    wide = [] if packed else [*turns, *pairs, *turns, *pairs, *turns]
    lines = [*wide, "X_ERROR(0.2) 0", "M 0", "M(0.1) 1"]
    ends = ["DETECTOR rec[-2]", "DETECTOR rec[-1]", "OBSERVABLE_INCLUDE(0) rec[-2]"]
    tail = [f"M {q}" for q in range(5, 15)]
    engine = compile_lines([*lines, *ends, *tail], [1, 0])
    assert (engine.peak_active_width <= 5) == packed
    shots = 40_000
    for keep in (True, False):
        found = sample_survivors(engine, shots, 3, keep_records=keep)
        p = 0.2 * 0.9
        assert found.passed_shots is not None
        assert abs(found.passed_shots / shots - p) < 4.5 * np.sqrt(p * (1 - p) / shots)
        assert found.total_shots == shots
        assert found.observable_ones is not None
        assert found.observable_ones[0] == found.passed_shots
        assert len(found.measurements) == (found.passed_shots if keep else 0)
    one = sample_survivors(engine, shots, 3, keep_records=False, faults=1)
    p = 0.2 * 0.9 / (0.2 * 0.9 + 0.8 * 0.1)
    assert one.passed_shots is not None
    assert abs(one.passed_shots / shots - p) < 4.5 * np.sqrt(p * (1 - p) / shots)


def test_rotations_are_reordered_so_that_fewer_are_open() -> None:
    program = make_program(scheme="fold40", distance=5, rounds=2, basis="Z")
    circuit = make_text(read_instructions(program.circuit))
    assert (
        compile_lines(circuit.lines).peak_active_width
        < clifft.compile(circuit.text).peak_active_width
    )
