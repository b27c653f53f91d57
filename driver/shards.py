"""Shards: the shots of a circuit in pieces of fixed size, each named by what it computes.

A shard gives either its shots, every raw bit of each, or their counts alone. In a stratified run
every shot of a shard has the same number of faults.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..experiments.measures import Measure

Gives = Literal["shots", "counts"]

FIRST_SHARD_SHOTS = 500
"""Shots in each shard of a run folder of schema version 1, which does not write `first_shot`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A piece of a circuit's shots.

    Attributes:
        id: SHA-256, in hex, of everything that its shots depend on.
        point: index of the plan's point.
        basis: what is measured; (point, basis) is the circuit.
        index: 0-based position among the circuit's shards, or among those of its stratum.
        first_shot: number of its first shot among the circuit's (the stratum's).
        shots: number of shots.
        seed: 63-bit seed.
        gives: shots or counts.
        faults: faults in each shot, its stratum; None: as they come.
    """

    id: str
    point: int
    basis: Measure
    index: int
    first_shot: int
    shots: int
    seed: int
    gives: Gives = "shots"
    faults: int | None = None

    @property
    def file_name(self) -> str:
        """Name of its file, relative to the run folder."""
        stratum = "" if self.faults is None else f"-k{self.faults:02d}"
        stem = f"{circuit_name(self.point, self.basis)}{stratum}-{self.index:05d}"
        return f"shots/{stem}.parquet" if self.gives == "shots" else f"tallies/{stem}.json"

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Shard:
        """Return the shard that `to_json` wrote, also in schema version 1."""
        first = {"first_shot": document["index"] * FIRST_SHARD_SHOTS}
        return cls(**(first | dict(document)))


def circuit_name(point: int, measure: Measure) -> str:
    """Return the stem of a circuit's files in the run folder."""
    return f"p{point:03d}-{measure}"


def shard_sizes(shots: int, size: int) -> tuple[int, ...]:
    """Return the sizes of a circuit's shards: all `size` but perhaps the last."""
    full, rest = divmod(shots, size)
    return (size,) * full + ((rest,) if rest else ())


def shard_id(
    *, fingerprint: str, noise: str, shots: int, seed: int, engine: str, counted: Any = None
) -> str:
    """Return a shard's identity: equal if and only if the same would be computed.

    Args:
        fingerprint: the compiled circuit's.
        noise: canonical text of the noise.
        shots: shots in the shard.
        seed: its seed.
        engine: name and version of the engine.
        counted: for a shard of counts what decides them, in JSON types.
    """
    parts = [fingerprint, noise, shots, seed, engine]
    if counted is not None:
        parts.append(counted)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
