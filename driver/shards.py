"""Shards: the shots of a circuit in pieces of fixed size, each named by what it computes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from ..experiments.colour_code import Basis

SHARD_SHOTS = 500
"""Shots in a shard. It enters every seed, so changing it changes every result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A piece of a circuit's shots.

    Attributes:
        id: SHA-256, in hex, of everything that its shots depend on.
        point: index of the plan's point.
        basis: measured logical Pauli; (point, basis) is the circuit.
        index: 0-based position among the circuit's shards.
        shots: number of shots.
        seed: 63-bit seed.
    """

    id: str
    point: int
    basis: Basis
    index: int
    shots: int
    seed: int

    @property
    def first_shot(self) -> int:
        """Number of this shard's first shot among the circuit's."""
        return self.index * SHARD_SHOTS

    @property
    def file_name(self) -> str:
        """Name of its shot file."""
        return f"p{self.point:03d}-{self.basis}-{self.index:05d}.parquet"

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return asdict(self)


def shard_sizes(shots: int) -> tuple[int, ...]:
    """Return the sizes of a circuit's shards: all SHARD_SHOTS but perhaps the last."""
    full, rest = divmod(shots, SHARD_SHOTS)
    return (SHARD_SHOTS,) * full + ((rest,) if rest else ())


def shard_id(*, fingerprint: str, noise: str, shots: int, seed: int, engine: str) -> str:
    """Return a shard's identity: equal if and only if the same shots would be sampled.

    Args:
        fingerprint: the compiled circuit's.
        noise: canonical text of the noise.
        shots: shots in the shard.
        seed: its seed.
        engine: name and version of the engine.
    """
    parts = [fingerprint, noise, shots, seed, engine]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
