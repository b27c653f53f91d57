"""Stratified runs: what groups of points share.

Points share strata if they differ in the error rate of uniform or paper noise alone: what happens
given the number of faults is the same for all. Everything that a later analysis needs is written
into the run folder when the run is made (`strata.json`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.strata.fault_numbers import FaultNumberWeights, fault_number_weights
from ..analysis.strata.stratum import ExactStratum, Strata, Stratum
from ..experiments.counts import Counts
from ..experiments.errors import HexmagicError
from ..experiments.measures import Measure
from .adapters import Engine
from .folder.files import StorageError
from .plan import Point
from .prepare import Prepared

if TYPE_CHECKING:
    from ..backends.compilation import Compiled
    from .folder.run_folder import RunFolder

STRATA = "strata.json"
SCHEMA_VERSION = 1
TAIL = 1e-30
"""Weight of the largest numbers of faults that are left out from the beginning."""

Known = Mapping[int, Stratum]
Knowledge = Callable[[Point, "Compiled"], Known]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Points that share the strata of one measure.

    Attributes:
        measure: what is measured.
        owner: index of the point whose circuit is sampled.
        locations: of each point, by index, (probability, number of fault locations with it).
        known: by number of faults, what is known without sampling.
    """

    measure: Measure
    owner: int
    locations: Mapping[int, tuple[tuple[float, int], ...]]
    known: Known

    @cached_property
    def weights(self) -> dict[int, FaultNumberWeights]:
        """How likely each number of faults is at each point."""
        return {
            point: fault_number_weights(
                np.repeat([p for p, _ in found], [n for _, n in found]), tail=TAIL
            )
            for point, found in self.locations.items()
        }

    def strata(self, sampled: Mapping[int, Counts]) -> Strata:
        """Return what is known and what was sampled as one."""
        return {
            k: replace(self.known.get(k, Stratum()), counts=sampled.get(k))
            for k in {*self.known, *sampled}
        }

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return {
            "measure": self.measure,
            "owner": self.owner,
            "locations": {str(point): found for point, found in self.locations.items()},
            "known": {
                str(k): {
                    "exact": {name: asdict(rates) for name, rates in stratum.exact.items()},
                    "certified": sorted(stratum.certified),
                }
                for k, stratum in self.known.items()
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Group:
        """Return the group that `to_json` wrote."""
        return cls(
            measure=document["measure"],
            owner=document["owner"],
            locations={
                int(point): tuple((float(p), int(n)) for p, n in found)
                for point, found in document["locations"].items()
            },
            known={
                int(k): Stratum(
                    exact={name: ExactStratum(**one) for name, one in stratum["exact"].items()},
                    certified=tuple(stratum["certified"]),
                )
                for k, stratum in document["known"].items()
            },
        )


def make_groups(prepared: Prepared, engine: Engine, knowledge: Knowledge) -> tuple[Group, ...]:
    """Return the groups of a plan's stratified points, in plan order.

    Args:
        prepared: the compiled plan.
        engine: tells the fault locations.
        knowledge: what is known of a circuit's strata without sampling.

    Raises:
        HexmagicError: the engine cannot stratify.
    """
    members: dict[str, list[tuple[Point, Measure]]] = {}
    fingerprints = {circuit.key: circuit.fingerprint for circuit in prepared.circuits}
    for point, measure in prepared.plan.circuits():
        if point.estimate.kind == "stratified":
            key = _shared(point, measure, fingerprints[point.index, measure])
            members.setdefault(key, []).append((point, measure))
    return tuple(_group(prepared, engine, found, knowledge) for found in members.values())


def _shared(point: Point, measure: Measure, fingerprint: str) -> str:
    """Return what points with the same strata have in common."""
    noise = point.device.noise
    family = noise.kind if noise.p is not None else str(noise)
    parts = [fingerprint, measure, family, asdict(point.accept), asdict(point.estimate)]
    return json.dumps([*parts, point.shots, point.seed])


def _group(
    prepared: Prepared,
    engine: Engine,
    members: Sequence[tuple[Point, Measure]],
    knowledge: Knowledge,
) -> Group:
    if engine.locations is None:
        raise HexmagicError(f"backend {engine.name}: cannot take shots with given faults")
    owner, measure = members[0]
    locations = {}
    for point, _ in members:
        found = engine.locations(prepared.compiled[point.index, measure], point.device.noise)
        values, numbers = np.unique(found[found > 0], return_counts=True)
        locations[point.index] = tuple(zip(values.tolist(), numbers.tolist(), strict=True))
    compiled = prepared.compiled[owner.index, measure]
    known = knowledge(owner, compiled)
    return Group(measure=measure, owner=owner.index, locations=locations, known=known)


def write_groups(folder: RunFolder, groups: Sequence[Group]) -> None:
    """Write a run's groups, if it has any."""
    if groups:
        document = {
            "schema_version": SCHEMA_VERSION,
            "groups": [group.to_json() for group in groups],
        }
        folder.write_json(STRATA, document)


def read_groups(folder: RunFolder) -> tuple[Group, ...]:
    """Return a run's groups.

    Raises:
        StorageError: the file is damaged.
    """
    if not (folder.path / STRATA).is_file():
        return ()
    try:
        return tuple(Group.from_json(group) for group in folder.read_json(STRATA)["groups"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StorageError(f"{folder.path / STRATA}: damaged: {error}") from error
