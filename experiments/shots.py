"""Raw shots: every recorded bit of every shot, bit-packed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .record import RecordMap


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shots:
    """Shots of one program, in the order in which they were taken.

    Attributes:
        record: what each bit is.
        packed: uint8, shape (shots, ceil(bits / 8)); bit j of the record map is bit j % 8
            (little-endian) of byte j // 8.
    """

    record: RecordMap
    packed: NDArray[np.uint8]

    def __post_init__(self) -> None:
        width = -(-len(self.record.bits) // 8)
        if self.packed.dtype != np.uint8 or self.packed.ndim != 2 or self.packed.shape[1] != width:
            raise ValueError(
                f"packed shots: {self.packed.dtype} {self.packed.shape}, "
                f"need uint8 (shots, {width}) for {len(self.record.bits)} bits"
            )

    def __len__(self) -> int:
        return int(self.packed.shape[0])

    def bits(self) -> NDArray[np.bool_]:
        """Return the raw bits, bool, shape (shots, bits), columns in the record map's order."""
        unpacked = np.unpackbits(
            self.packed, axis=1, count=len(self.record.bits), bitorder="little"
        )
        return unpacked.astype(np.bool_)

    def values(self) -> NDArray[np.bool_]:
        """Return the bits with each one's `xor` partners applied: bool, shape (shots, bits)."""
        raw = self.bits()
        values = raw.copy()
        for j, bit in enumerate(self.record.bits):
            for key in bit.xor:
                values[:, j] ^= raw[:, self.record.column[key]]
        return values


def pack_shots(bits: NDArray[np.bool_], record: RecordMap) -> Shots:
    """Return shots from a bool matrix of shape (shots, bits) in the record map's order."""
    if bits.ndim != 2 or bits.shape[1] != len(record.bits):
        raise ValueError(f"shots of shape {bits.shape}, the record map has {len(record.bits)} bits")
    return Shots(record=record, packed=np.packbits(bits, axis=1, bitorder="little"))


def join_shots(parts: list[Shots]) -> Shots:
    """Return several batches of one program as one, in order.

    Raises:
        ValueError: no part, or parts of different programs.
    """
    if not parts:
        raise ValueError("no shots to join")
    if any(part.record != parts[0].record for part in parts):
        raise ValueError("shots of different programs cannot be joined")
    return Shots(record=parts[0].record, packed=np.concatenate([part.packed for part in parts]))
