"""Stage `readout`: all data measured in X, Y or Z."""

from __future__ import annotations

from .block import Block, Gate, Read, each
from .colour_code import Basis
from .patch import Patch

_ROTATIONS: dict[Basis, tuple[str, ...]] = {"X": ("h",), "Y": ("sdg", "h"), "Z": ()}


def make_readout(patch: Patch, basis: Basis) -> Block:
    """Return the transversal readout of a basis."""
    gates: tuple[Gate, ...] = tuple(
        gate for name in _ROTATIONS[basis] for gate in each(name, patch.data)
    )
    reads = tuple(
        Read(qubit=qubit, role="data", basis=basis, expected=None) for qubit in patch.data
    )
    return Block(label="readout", stage="readout", round=0, gates=gates, reads=reads)
