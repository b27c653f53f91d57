"""Which bits each criterion asks for, and when it is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_judge import make_bit

from hexmagic.experiments.criteria import CRITERIA, asked_bits, criterion_of, enabled_criteria
from hexmagic.experiments.record import Bit, Logical, RecordMap
from hexmagic.experiments.spec import Accept

BITS = {
    "encode": make_bit("encode", 0, "flag", stage="encode"),
    "hadamard": make_bit("hadamard", 1, "hadamard", 1, stage="hadamard", round=1),
    "flags": make_bit("flags", 2, "flag", stage="hadamard", round=1),
    "more flags": make_bit("flags", 3, "flag", round=1),
    "syndromes": make_bit("syndromes", 4, "syndrome", 1, round=1),
    "result": make_bit("hadamard", 5, "hadamard", None, stage="hadamard", round=2),
    "readout": make_bit("data", 6, "data"),
}
RECORD = RecordMap(
    bits=tuple(BITS.values()), faces=(), logical=Logical(basis="Z", sign=1, bits=(("data", 6),))
)
NOTHING = Accept(hadamard=False, flags=False, syndromes=False, readout="correct")


def names(bits: tuple[Bit, ...]) -> list[str]:
    return [name for name, bit in BITS.items() if bit in bits]


def test_each_bit_belongs_to_one_criterion_and_data_to_none() -> None:
    assert {name: criterion_of(bit) for name, bit in BITS.items()} == {
        "encode": "encode",
        "hadamard": "hadamard",
        "flags": "flags",
        "more flags": "flags",
        "syndromes": "syndromes",
        "result": "hadamard",
        "readout": None,
    }


@pytest.mark.parametrize(
    ("change", "enabled", "asked"),
    [
        ({}, [], []),
        ({"hadamard": True}, ["hadamard"], ["hadamard"]),
        ({"flags": True}, ["encode", "flags"], ["encode", "flags", "more flags"]),
        ({"syndromes": True}, ["syndromes"], ["syndromes"]),
        ({"readout": "detect"}, ["readout"], []),
        (
            {"hadamard": True, "flags": True, "syndromes": True, "readout": "detect"},
            [*CRITERIA],
            ["encode", "hadamard", "flags", "more flags", "syndromes"],
        ),
    ],
)
def test_what_is_accepted_switches_the_criteria_and_the_bits_asked_for(
    change: dict[str, object], enabled: list[str], asked: list[str]
) -> None:
    accept = replace(NOTHING, **change)  # type: ignore[arg-type]  # fields of Accept
    assert dict(enabled_criteria(accept)) == {name: name in enabled for name in CRITERIA}
    assert names(asked_bits(RECORD, accept)) == asked
