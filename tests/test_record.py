"""Record maps: what they refuse, and that nothing is lost on the way through JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hexmagic.experiments.program import make_program
from hexmagic.experiments.record import FaceParity, RecordMap

CASES = [("fold", 3, 1), ("fold", 5, 2), ("fold13", 3, 2), ("fold14", 3, 2), ("encoded", 3, None)]


def record_of(scheme: str = "fold13", distance: int = 3, rounds: int | None = 1) -> RecordMap:
    return make_program(scheme=scheme, distance=distance, rounds=rounds, basis="Y").record


@pytest.mark.parametrize(("scheme", "distance", "rounds"), CASES)
def test_a_record_map_survives_json(scheme: str, distance: int, rounds: int | None) -> None:
    record = record_of(scheme, distance, rounds)
    assert RecordMap.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_xor_partners_survive_json() -> None:
    record = record_of()
    bits = [*record.bits]
    bits[3] = replace(bits[3], xor=(bits[0].key, bits[2].key))
    changed = replace(record, bits=tuple(bits))
    assert RecordMap.from_json(json.loads(json.dumps(changed.to_json()))) == changed != record


@pytest.mark.parametrize(("scheme", "distance", "rounds"), CASES)
def test_a_column_is_a_bits_place_in_the_map(
    scheme: str, distance: int, rounds: int | None
) -> None:
    record = record_of(scheme, distance, rounds)
    assert [record.column[bit.key] for bit in record.bits] == list(range(len(record.bits)))
    assert record.columns(bit.key for bit in record.bits[2:0:-1]) == [2, 1]


def test_registers_are_as_large_as_their_bits_need() -> None:
    assert record_of().registers() == {"hadamard1": 6, "detection1": 6, "data": 7}


def test_two_bits_with_one_name_are_refused() -> None:
    record = record_of()
    with pytest.raises(ValueError, match="two bits share"):
        replace(record, bits=(*record.bits, record.bits[0]))


@pytest.mark.parametrize("partner", [1, 2])
def test_a_bit_is_xored_with_earlier_bits_only(partner: int) -> None:
    record = record_of()
    bits = [*record.bits]
    bits[1] = replace(bits[1], xor=(bits[partner].key,))
    with pytest.raises(ValueError, match="not earlier"):
        replace(record, bits=tuple(bits))


def test_faces_are_made_of_data_bits_and_the_result_of_what_the_readout_records() -> None:
    record = record_of()
    flag = record.bits[1].key
    with pytest.raises(ValueError, match="not a data bit"):
        replace(record, faces=(FaceParity(basis="Y", bits=(flag,), expected=0),))
    for key in (flag, ("data", 99)):
        with pytest.raises(ValueError, match="which no readout records"):
            replace(record, logical=replace(record.logical, bits=(key,)))


@pytest.mark.parametrize("change", ["drop bits", "drop field", "extra field"])
def test_a_document_of_another_shape_is_refused(change: str) -> None:
    document: dict[str, Any] = json.loads(json.dumps(record_of().to_json()))
    if change == "drop bits":
        del document["bits"]
    elif change == "drop field":
        del document["bits"][0]["role"]
    else:
        document["logical"]["colour"] = "red"
    with pytest.raises(ValueError, match="not a record map"):
        RecordMap.from_json(document)
