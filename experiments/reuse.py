"""Reuse: what happens to an ancilla between two of its measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from .block import Block

Reuse = Literal["reset", "xor", "deferred"]

REUSES: tuple[Reuse, ...] = ("reset", "xor", "deferred")
"""The policies, first the one that is compared with.

- reset: a measured ancilla is reset before a later block uses it.
- xor: it is not reset; its next outcome counts as XOR with the one before (`Bit.xor`).
- deferred: as xor, and a flag is not read at all where a later block reads the same qubit again:
  an error stays on the qubit and is seen there.
"""


def with_deferred_flags(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Return the blocks without each read of a flag whose qubit a later block reads again."""
    kept = []
    later: set[int] = set()
    for block in reversed(blocks):
        reads = tuple(
            read for read in block.reads if read.role != "flag" or read.qubit not in later
        )
        later.update(read.qubit for read in block.reads)
        kept.append(replace(block, reads=reads))
    return tuple(reversed(kept))
