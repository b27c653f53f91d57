"""Record maps: any valid one survives its JSON, and what is no record map is refused in a line."""

from __future__ import annotations

import json
import random
from typing import Any, get_args

import numpy as np
import pytest
from fakes.damage import damage_json
from hypothesis import given, settings
from hypothesis import strategies as st

from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.measures import MEASURES
from hexmagic.experiments.record import (
    Bit,
    BitKey,
    FaceParity,
    Logical,
    RecordMap,
    Role,
    Stage,
)
from hexmagic.experiments.shots import pack_shots

_KEYS = st.tuples(st.sampled_from(["c", "flags", "data", "é"]), st.integers(0, 70))
_LETTERS: tuple[Basis, ...] = ("X", "Y", "Z")
_BASES = st.sampled_from(_LETTERS)


@st.composite
def record_maps(draw: st.DrawFn) -> RecordMap:
    """Draw any record map that can be made."""
    keys = draw(st.lists(_KEYS, max_size=20, unique=True))
    bits = tuple(_bit(draw, key, keys[:i]) for i, key in enumerate(keys))
    data = [bit.key for bit in bits if bit.role == "data"]
    readout = [bit.key for bit in bits if bit.stage == "readout"]
    faces = tuple(
        FaceParity(basis=draw(_BASES), bits=_some(draw, data), expected=draw(st.integers(0, 1)))
        for _ in range(draw(st.integers(0, 3)))
    )
    sign = draw(st.sampled_from([1, -1]))
    measure = draw(st.sampled_from(MEASURES))
    logical = Logical(basis=measure, sign=sign, bits=_some(draw, readout))
    return RecordMap(bits=bits, faces=faces, logical=logical)


def _bit(draw: st.DrawFn, key: BitKey, earlier: list[BitKey]) -> Bit:
    faces = st.none() | st.integers(0, 30) | st.lists(st.integers(0, 30), min_size=2).map(tuple)
    return Bit(
        register=key[0],
        index=key[1],
        role=draw(st.sampled_from(get_args(Role))),
        stage=draw(st.sampled_from(get_args(Stage))),
        round=draw(st.integers(0, 4)),
        face=draw(faces),
        qubit=draw(st.integers(0, 200)),
        basis=draw(_BASES),
        expected=draw(st.sampled_from([None, 0, 1])),
        xor=_some(draw, earlier),
    )


def _some(draw: st.DrawFn, keys: list[BitKey]) -> tuple[BitKey, ...]:
    return tuple(draw(st.lists(st.sampled_from(keys), unique=True))) if keys else ()


@settings(max_examples=50)
@given(record_maps())
def test_a_record_map_survives_its_json(record: RecordMap) -> None:
    again = RecordMap.from_json(json.loads(json.dumps(record.to_json())))
    assert again == record and again.column == record.column
    assert again.expected_raw == record.expected_raw


@settings(max_examples=50)
@given(record_maps(), st.integers(0, 2**32 - 1))
def test_a_noiseless_raw_row_has_the_expected_values(record: RecordMap, seed: int) -> None:
    """`expected_raw` is what undoes the XORs; bits without a known value are random."""
    random_bits = np.random.default_rng(seed).random(len(record.bits)) < 0.5
    raw = [
        bool(other) if (value := record.expected_raw[bit.key]) is None else bool(value)
        for bit, other in zip(record.bits, random_bits, strict=True)
    ]
    shots = pack_shots(np.array([raw], dtype=np.bool_).reshape(1, -1), record)
    assert shots.bits()[0].tolist() == raw
    for value, bit in zip(shots.values()[0], record.bits, strict=True):
        if record.expected_raw[bit.key] is not None:
            assert value == bool(bit.expected)


@settings(max_examples=50)
@given(record_maps(), st.integers(0, 10**6))
def test_a_damaged_record_map_is_one_or_is_refused_in_a_line(
    record: RecordMap, number: int
) -> None:
    content = json.dumps(record.to_json()).encode()
    document: Any = json.loads(damage_json(content, random.Random(number)))
    try:
        found = RecordMap.from_json(document)
    except ValueError as error:
        assert str(error).startswith("not a record map: ")
        assert len(str(error).splitlines()) == 1
    else:
        assert RecordMap.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (("bits", 0, "index"), -1),
        (("bits", 0, "index"), "0"),
        (("bits", 0, "role"), "ancilla"),
        (("bits", 0, "expected"), 2),
        (("bits", 0, "qubit"), 1.0),
        (("bits", 0, "register"), None),
        (("logical", "sign"), 0),
        (("logical", "bits"), [["c", 1]]),
        (("faces",), None),
    ],
)
def test_a_value_that_cannot_be_is_refused(part: tuple[Any, ...], value: Any) -> None:
    bit = Bit(
        **dict(register="c", index=0, role="data", stage="readout", round=0),  # type: ignore[arg-type]  # a dict mixes types
        **dict(face=None, qubit=0, basis="Z", expected=None),  # type: ignore[arg-type]  # likewise
    )
    logical = Logical(basis="Z", sign=1, bits=(("c", 0),))
    document: Any = RecordMap(bits=(bit,), faces=(), logical=logical).to_json()
    home = document
    for step in part[:-1]:
        home = home[step]
    home[part[-1]] = value
    with pytest.raises(ValueError, match=r"^not a record map: "):
        RecordMap.from_json(document)
