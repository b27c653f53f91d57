"""Post-selection's criteria: what is asked of a shot, and of which bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .record import Bit, RecordMap
from .spec import Accept

CriterionName = Literal["encode", "hadamard", "flags", "syndromes", "readout"]
CRITERIA: tuple[CriterionName, ...] = ("encode", "hadamard", "flags", "syndromes", "readout")


def enabled_criteria(accept: Accept) -> Mapping[CriterionName, bool]:
    """Return whether each criterion is asked; `accept.flags` switches the encoder's flags too."""
    return {
        "encode": accept.flags,
        "hadamard": accept.hadamard,
        "flags": accept.flags,
        "syndromes": accept.syndromes,
        "readout": accept.readout == "detect",
    }


def criterion_of(bit: Bit) -> CriterionName | None:
    """Return the criterion that asks for a bit's expected value; None if no single bit is asked."""
    if bit.role == "flag":
        return "encode" if bit.stage == "encode" else "flags"
    if bit.role == "hadamard":
        return "hadamard"
    return "syndromes" if bit.role == "syndrome" else None


def asked_bits(record: RecordMap, accept: Accept) -> tuple[Bit, ...]:
    """Return the bits that must have their expected value for a shot to be kept.

    Bits whose `expected` is None are never asked.
    """
    enabled = enabled_criteria(accept)
    criteria = [(bit, criterion_of(bit)) for bit in record.bits if bit.expected is not None]
    return tuple(bit for bit, name in criteria if name is not None and enabled[name])
