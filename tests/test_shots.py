"""Packed shots: what goes in comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.experiments.record import Bit, BitKey, Logical, RecordMap
from hexmagic.experiments.shots import Shots, join_shots, pack_shots


def make_record(width: int, xor: tuple[tuple[BitKey, ...], ...] = ()) -> RecordMap:
    bits = tuple(
        Bit(
            register="r",
            index=i,
            role="flag",
            stage="detection",
            round=1,
            face=None,
            qubit=i,
            basis="Z",
            expected=0,
            xor=xor[i] if i < len(xor) else (),
        )
        for i in range(width)
    )
    return RecordMap(bits=bits, faces=(), logical=Logical(basis="Z", sign=1, bits=()))


@st.composite
def matrices(draw: st.DrawFn) -> list[list[bool]]:
    width = draw(st.integers(1, 40))
    return draw(st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1))


@given(matrices())
def test_packing_and_unpacking_give_the_same_bits(rows: list[list[bool]]) -> None:
    matrix = np.array(rows)
    shots = pack_shots(matrix, make_record(matrix.shape[1]))
    assert np.array_equal(shots.bits(), matrix)
    assert shots.packed.shape == (len(rows), (matrix.shape[1] + 7) // 8)
    assert len(shots) == len(rows)


@given(matrices(), st.integers(0, 50))
def test_joining_the_parts_of_a_cut_gives_the_whole(rows: list[list[bool]], cut: int) -> None:
    matrix = np.array(rows)
    record = make_record(matrix.shape[1])
    parts = [pack_shots(part, record) for part in (matrix[:cut], matrix[cut:])]
    assert np.array_equal(join_shots(parts).bits(), matrix)


def test_bit_j_is_bit_j_mod_8_of_byte_j_over_8() -> None:
    for j in range(20):
        row = np.arange(20) == j
        packed = pack_shots(row[None, :], make_record(20)).packed[0]
        assert [int(byte) for byte in packed] == [
            1 << j % 8 if k == j // 8 else 0 for k in range(3)
        ]


@given(matrices())
def test_without_xor_the_values_are_the_raw_bits(rows: list[list[bool]]) -> None:
    matrix = np.array(rows)
    shots = pack_shots(matrix, make_record(matrix.shape[1]))
    assert np.array_equal(shots.values(), matrix)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1))
def test_xor_partners_are_raw_outcomes_not_corrected_ones(rows: list[list[bool]]) -> None:
    first, second, third = ("r", 0), ("r", 1), ("r", 2)
    record = make_record(4, ((), (first,), (second,), (first, third)))
    a, b, c, d = np.array(rows).T
    values = pack_shots(np.array(rows), record).values()
    assert np.array_equal(values, np.stack([a, a ^ b, b ^ c, a ^ c ^ d], axis=1))


def test_asking_for_values_leaves_the_raw_bits() -> None:
    record = make_record(2, ((), (("r", 0),)))
    shots = pack_shots(np.array([[True, True]]), record)
    assert shots.values().tolist() == [[True, False]]
    assert shots.bits().tolist() == [[True, True]]


def test_shots_of_different_programs_do_not_join() -> None:
    with_xor = make_record(2, ((), (("r", 0),)))
    parts = [pack_shots(np.zeros((1, 2), dtype=bool), r) for r in (make_record(2), with_xor)]
    with pytest.raises(ValueError, match="different programs"):
        join_shots(parts)


def test_nothing_does_not_join() -> None:
    with pytest.raises(ValueError, match="no shots"):
        join_shots([])


@pytest.mark.parametrize("shape", [(3,), (3, 7), (3, 9), (2, 2, 2)])
def test_a_matrix_of_another_width_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the record map has 8 bits"):
        pack_shots(np.zeros(shape, dtype=bool), make_record(8))


def test_packed_bytes_of_another_width_or_type_are_refused() -> None:
    record = make_record(9)
    wrong: list[Any] = [
        np.zeros((2, 1), np.uint8),
        np.zeros(2, np.uint8),
        np.zeros((2, 2), np.int8),
    ]
    for packed in wrong:
        with pytest.raises(ValueError, match=r"need uint8 \(shots, 2\)"):
            Shots(record=record, packed=packed)
