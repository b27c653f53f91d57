"""Reuse: what happens to an ancilla between two of its measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, get_args

from .block import Block

Reuse = Literal["reset", "xor", "deferred"]

REUSES: tuple[Reuse, ...] = get_args(Reuse)
"""The policies, first the one that is compared with.

- reset: a measured ancilla is reset before a later block uses it.
- xor: it is not reset; a later outcome counts as XOR with the earlier ones that what was left on
  the ancillas puts into it (`Bit.xor`): mostly its own last one, in a searched circuit others too.
- deferred: as xor, and a flag is not read at all where a later block reads the same qubit again:
  an error stays on the qubit and is seen there.
"""


Place = tuple[int, int]
"""(index of a block, index of a read in it)."""


def reads_counted_out(
    blocks: Sequence[Block], data: Sequence[int], reuse: Reuse
) -> dict[Place, tuple[Place, ...]]:
    """Return, for each read, the earlier reads whose outcomes its value is XORed with.

    These are what it carries from earlier blocks, unless all is reset, and each read of its own
    block that it has taken along (`Read.xor`) with what that one carries.
    """
    carried = {} if reuse == "reset" else _carried_reads(blocks, data)
    found = {}
    for i, block in enumerate(blocks):
        places = {read.qubit: (i, j) for j, read in enumerate(block.reads)}
        for j, read in enumerate(block.reads):
            counted = set(carried.get((i, j), ()))
            for taken in (places[qubit] for qubit in read.xor):
                counted ^= {taken, *carried.get(taken, ())}
            found[i, j] = tuple(sorted(counted))
    return found


def _carried_reads(blocks: Sequence[Block], data: Sequence[int]) -> dict[Place, tuple[Place, ...]]:
    """Return, for each read of an ancilla, the earlier reads whose outcomes it carries.

    Without resets an ancilla enters a block with the value that it was read with. Taken back to
    the beginning of its block, what is read is a product of Z on ancillas and a stabiliser of the
    data; each of these ancillas adds its last outcome, or what it carried itself if a block
    between did not read it.

    Raises:
        ValueError: an outcome that the ancillas' values do not fix.
    """
    found = {}
    for i, block in enumerate(blocks):
        for j, read in enumerate(block.reads):
            if read.role != "data":
                found[i, j] = tuple(sorted(_carried(blocks[: i + 1], read.qubit, set(data))))
    return found


def _carried(blocks: Sequence[Block], qubit: int, data: set[int]) -> Iterator[Place]:
    """Yield the earlier reads that enter the last block's read of a qubit."""
    z = {qubit}
    for i in range(len(blocks) - 1, -1, -1):
        if i < len(blocks) - 1:
            for j, read in enumerate(blocks[i].reads):
                if read.qubit in z:
                    z.remove(read.qubit)
                    if not read.always_reset:
                        yield i, j
        z = _in_front(blocks[i], z, data)


def _in_front(block: Block, z: set[int], data: set[int]) -> set[int]:
    """Return the ancillas with a Z in front of a block, of a product of Z behind it."""
    x: set[int] = set()
    for name, *qubits in reversed(block.gates):
        first, last = qubits[0], qubits[-1]
        if name == "h" and (first in x) != (first in z):
            x, z = x ^ {first}, z ^ {first}
        elif name in ("s", "sdg") and first in x:
            z = z ^ {first}
        elif name == "cx":
            x, z = x ^ ({last} if first in x else set()), z ^ ({first} if last in z else set())
        elif name == "cz":
            z = z ^ ({last} if first in x else set()) ^ ({first} if last in x else set())
    if x - data:
        raise ValueError(f"block {block.label}: an outcome that its ancillas do not fix")
    return z - data


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
