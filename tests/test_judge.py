"""Judging shots in one pass over packed bits, against a slow reading of the record map."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexmagic.analysis.judge import UNKNOWN, Cut, cuts_of, failed_word, judge, not_decoded
from hexmagic.experiments.colour_code import Basis, make_colour_code
from hexmagic.experiments.record import Bit, FaceParity, Logical, RecordMap
from hexmagic.experiments.shots import Shots, pack_shots

Key = tuple[str, int]


def make_bit(register: str, index: int, role: Any, expected: int | None = 0, **more: Any) -> Bit:
    data = role == "data"
    given: dict[str, Any] = {
        **{"register": register, "index": index, "role": role, "qubit": index},
        **{"stage": "readout" if data else "detection", "round": 0, "face": None, "basis": "Z"},
        "expected": None if data else expected,
    }
    return Bit(**(given | more))


@st.composite
def wide_records(draw: st.DrawFn) -> RecordMap:
    """Record maps of up to 100 bits: one, two or more words, and bits of any round."""
    bits: list[Bit] = []
    for i in range(draw(st.sampled_from([0, 3, 20, 60, 64, 90]))):
        partners = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        bits.append(
            make_bit(
                draw(st.sampled_from("ab")),
                i,
                draw(st.sampled_from(["hadamard", "flag", "syndrome"])),
                draw(st.sampled_from([0, 1, None])),
                stage=draw(st.sampled_from(["encode", "hadamard", "detection"])),
                round=draw(st.integers(0, 3)),
                xor=tuple(bits[j].key for j in sorted(partners)),
            )
        )
    size = draw(st.integers(1, 7))
    shared = tuple(bit.key for bit in bits[: draw(st.integers(0, 2))])  # cancels in even parities
    data = [make_bit("data", i, "data", xor=shared) for i in range(size)]
    subsets = st.sets(st.integers(0, size - 1), min_size=1)
    faces = tuple(
        FaceParity(
            basis="Z", bits=tuple(data[i].key for i in chosen), expected=draw(st.integers(0, 1))
        )
        for chosen in draw(st.lists(subsets, max_size=4))
    )
    logical = Logical(
        basis="Z",
        sign=draw(st.sampled_from([1, -1])),
        bits=tuple(data[i].key for i in draw(subsets)),
    )
    return RecordMap(bits=(*bits, *data), faces=faces, logical=logical)


def draw_shots(record: RecordMap, seed: int, shots: int = 12) -> Shots:
    """Return shots most of whose bits read as expected, so that some fail nothing."""
    rng = np.random.default_rng(seed)
    wrong = rng.random((shots, len(record.bits))) < rng.choice([0.0, 0.02, 0.5], size=(shots, 1))
    raw = np.array([record.expected_raw[bit.key] or 0 for bit in record.bits], np.bool_)
    return pack_shots(raw ^ wrong, record)


# The oracle: one shot at a time, by names


def values_of(raw: dict[Key, int], record: RecordMap) -> dict[Key, int]:
    return {b.key: (raw[b.key] + sum(raw[k] for k in b.xor)) % 2 for b in record.bits}


def slow_wrong(value: dict[Key, int], record: RecordMap) -> tuple[list[Bit], list[int]]:
    """Return the bits and the numbers of the faces that are not as expected."""
    bits = [b for b in record.bits if b.expected is not None and value[b.key] != b.expected]
    faces = [
        i
        for i, face in enumerate(record.faces)
        if sum(value[key] for key in face.bits) % 2 != face.expected
    ]
    return bits, faces


def slow_cut(bit: Bit) -> Cut:
    if bit.role == "flag":
        return Cut("encode" if bit.stage == "encode" else "flags", bit.round)
    return Cut("hadamard" if bit.role == "hadamard" else "syndromes", bit.round)


def slow_minus(value: dict[Key, int], record: RecordMap) -> int:
    return (int(record.logical.sign < 0) + sum(value[k] for k in record.logical.bits)) % 2


def slow_corrected(value: dict[Key, int], record: RecordMap) -> int:
    """Return the outcome after the flips of least weight, then of least number, that mend faces."""
    keys = sorted({key for face in record.faces for key in face.bits})
    patterns = [tuple(reversed(p)) for p in product((0, 1), repeat=len(keys))]  # in rising number
    for pattern in sorted(patterns, key=sum):
        mended = dict(value)
        for key, flip in zip(keys, pattern, strict=True):
            mended[key] ^= flip
        if not slow_wrong(mended, record)[1]:
            return slow_minus(mended, record)
    return UNKNOWN


@settings(deadline=None, max_examples=50)
@given(record=wide_records(), seed=st.integers(0, 2**32))
def test_what_a_shot_fails_and_tells_agrees_with_a_slow_reading(
    record: RecordMap, seed: int
) -> None:
    shots = draw_shots(record, seed)
    found = judge(shots)
    fired, faces_fired = np.zeros(len(record.bits), int), np.zeros(len(record.faces), int)
    for i, row in enumerate(shots.bits()):
        value = values_of(dict(zip(record.column, map(int, row), strict=True)), record)
        bits, faces = slow_wrong(value, record)
        failed = {slow_cut(bit) for bit in bits} | ({Cut("readout", 0)} if faces else set())
        assert {c for j, c in enumerate(found.cuts) if found.failed[0, i] >> j & 1} == failed
        assert found.minus[i] == slow_minus(value, record)
        assert found.corrected[i] == slow_corrected(value, record)
        fired[[record.column[bit.key] for bit in bits]] += 1
        faces_fired[faces] += 1
    assert found.fired.tolist() == fired.tolist()
    assert found.faces.tolist() == faces_fired.tolist()


@settings(deadline=None, max_examples=50)
@given(record=wide_records(), seed=st.integers(0, 2**32), shots=st.integers(0, 12))
def test_a_shot_is_judged_alone(record: RecordMap, seed: int, shots: int) -> None:
    taken = draw_shots(record, seed, shots)
    whole = judge(taken)
    parts = [judge(Shots(record=record, packed=taken.packed[i : i + 1])) for i in range(shots)]
    for name in ("failed", "minus", "corrected"):
        assert getattr(whole, name).T.tolist() == [getattr(p, name).T[0].tolist() for p in parts]
    assert whole.fired.tolist() == sum((p.fired for p in parts), 0 * whole.fired).tolist()


@pytest.mark.parametrize("block", [1, 4, 13, 14])
def test_the_size_of_a_block_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shots = draw_shots(make_code_record(5), 3, 13)
    once = judge(shots)
    monkeypatch.setattr("hexmagic.analysis.judge.BLOCK_SHOTS", block)
    again = judge(shots)
    for name in ("failed", "minus", "corrected", "fired", "faces"):
        assert getattr(again, name).tolist() == getattr(once, name).tolist()


def test_the_dtypes_and_shapes_are_those_that_are_documented() -> None:
    record = make_code_record(3)
    for shots in (0, 3):
        found = judge(pack_shots(np.zeros((shots, 7), np.bool_), record))
        arrays = (found.failed, found.minus, found.corrected, found.fired, found.faces)
        assert [str(a.dtype) for a in arrays] == ["uint64", "uint8", "uint8", "int64", "int64"]
        assert [a.shape for a in arrays] == [(1, shots), (shots,), (shots,), (7,), (3,)]


# Cuts


def test_cuts_are_by_criterion_and_round_and_only_of_what_is_recorded() -> None:
    bits = (
        make_bit("s", 0, "syndrome", round=2),
        make_bit("s", 1, "syndrome", round=1),
        make_bit("s", 2, "syndrome", round=1),
        make_bit("h", 0, "hadamard", expected=None, stage="hadamard", round=1),  # never asked
        make_bit("f", 0, "flag", stage="encode"),
        make_bit("data", 0, "data"),
    )
    logical = Logical(basis="Z", sign=1, bits=(("data", 0),))
    record = RecordMap(bits=bits, faces=(), logical=logical)
    assert cuts_of(record) == (Cut("encode", 0), Cut("syndromes", 1), Cut("syndromes", 2))
    faces = (FaceParity(basis="Z", bits=(("data", 0),), expected=0),)
    assert cuts_of(replace(record, faces=faces))[-1] == Cut("readout", 0)
    assert failed_word(cuts_of(record), ["syndromes"]) == 0b110
    assert failed_word(cuts_of(record), ["hadamard", "encode"]) == 0b001
    assert failed_word(cuts_of(record), []) == 0


# Readouts that are not decoded


def make_code_record(distance: int, basis: Basis = "Z") -> RecordMap:
    code = make_colour_code(distance)
    keys = [("data", i) for i in range(code.num_data)]
    faces = tuple(
        FaceParity(
            basis=basis,
            bits=tuple(keys[q] for q in face),
            expected=int(code.face_sign(f, basis) < 0),
        )
        for f, face in enumerate(code.faces)
    )
    return RecordMap(
        bits=tuple(make_bit("data", i, "data", basis=basis) for i in range(code.num_data)),
        faces=faces,
        logical=Logical(basis=basis, sign=code.logical_sign(basis), bits=tuple(keys)),
    )


def test_distance_nine_is_judged_but_not_corrected() -> None:
    record = make_code_record(9)  # 61 data bits, 30 faces: the decoder takes 20
    flipped = np.zeros((62, 61), np.bool_)
    np.fill_diagonal(flipped[1:], True)  # no error, then each single flip
    found = judge(pack_shots(flipped, record))
    of_bit = [sum(key in face.bits for face in record.faces) for key in record.column]
    assert found.failed[0].tolist() == [0, *(int(n > 0) for n in of_bit)]
    assert int(found.faces.sum()) == sum(of_bit)
    assert found.minus.tolist() == [int(record.logical.sign < 0), *[record.logical.sign > 0] * 61]
    assert set(found.corrected.tolist()) == {UNKNOWN}
    assert "30 faces on 61 data bits" in str(not_decoded(record))
    assert "use readout detect" in str(not_decoded(record))


@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
def test_a_single_flip_is_corrected(basis: Basis) -> None:
    record = make_code_record(3, basis)
    readouts = (np.arange(128)[:, None] >> np.arange(7)) & 1 == 1
    found = judge(pack_shots(readouts, record))
    good = np.flatnonzero(found.failed[0] == 0)
    assert len(good) == 16
    for word in good:
        for bit in range(7):
            assert found.failed[0, word ^ 1 << bit] != 0
            assert found.corrected[word ^ 1 << bit] == found.minus[word]


def test_faces_that_contradict_each_other_have_no_correction() -> None:
    record = make_code_record(3)
    face = record.faces[0]
    record = replace(record, faces=(face, replace(face, expected=1 - face.expected)))
    found = judge(pack_shots(np.zeros((2, 7), np.bool_), record))
    assert found.corrected.tolist() == [UNKNOWN, UNKNOWN]
    assert "contradict" in str(not_decoded(record))
