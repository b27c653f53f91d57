"""The plan: every point that an experiment asks for, as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from ..experiments.errors import UsageError
from ..experiments.measures import Measure
from ..experiments.spec import (
    Accept,
    Bounds,
    Budget,
    DeviceSpec,
    EstimateSpec,
    Expect,
    Experiment,
    Gates,
    Keep,
    NoiseSpec,
    Protocol,
    expand_sweep,
)
from .shards import Gives

Scalar = str | int | float | bool | None
SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)
CircuitKey = tuple[int, Measure]
"""A circuit of a plan: index of its point, and what it measures."""
_SHOWN = ("protocol.scheme", "protocol.distance", "protocol.rounds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One grid point of the sweep, or one baseline of it, with all its bases.

    Attributes:
        index: position in the plan.
        label: short name, unique in the plan.
        baseline: whether it is there for comparison only.
        measure: what is measured; (point, measure) is a circuit.
        shots: per measure; with estimate stratified the most of all points that share strata.
        seed: the experiment's seed; every shard derives its own from it.
        swept: the sweep's values at this grid point.
        keep: what is kept of the shots: auto, shots or tallies.
        estimate: direct or stratified.
    """

    index: int
    label: str
    baseline: bool
    protocol: Protocol
    device: DeviceSpec
    accept: Accept
    measure: tuple[Measure, ...]
    shots: int
    seed: int
    swept: Mapping[str, Scalar]
    keep: Keep = "auto"
    estimate: EstimateSpec = field(default_factory=EstimateSpec)

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only; decoupling only where there is some, as in older plans."""
        document: dict[str, Any] = _given(self)
        if self.device.decoupling == "none":
            del document["device"]["decoupling"]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Point:
        """Return the point that `to_json` wrote."""
        device = dict(document["device"])
        device["noise"] = NoiseSpec(**device["noise"])
        if device["embedding"] != "best":
            device["embedding"] = tuple(device["embedding"])
        parts = {
            "protocol": Protocol(**document["protocol"]),
            "device": DeviceSpec(**device),
            "accept": Accept(**document["accept"]),
            "measure": tuple(document["measure"]),
            "estimate": EstimateSpec(**document.get("estimate", {})),
        }
        return cls(**(dict(document) | parts))

    @property
    def judged(self) -> Measure:
        """The measure whose circuit is certified and predicted: the first that can be."""
        return next((measure for measure in self.measure if measure != "H"), self.measure[0])

    def gives(self, measure: Measure) -> Gives:
        """Return what a shard of one of its circuits gives: shots, or counts alone."""
        only_counted = self.keep == "tallies" or measure == "H_ideal"
        return "counts" if only_counted or self.estimate.kind == "stratified" else "shots"

    @property
    def identity(self) -> str:
        """Canonical text of what is sampled here; post-selection and shot number do not enter."""
        document = self.to_json()
        named = ("baseline", "protocol", "device", "swept")
        return json.dumps({key: document[key] for key in named}, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run does: its points in order, and what must hold before and after."""

    name: str
    description: str
    points: tuple[Point, ...]
    gates: Gates | None
    budget: Budget | None
    expect: Expect | None
    overrides: Mapping[str, Scalar]

    def circuits(self) -> Iterator[tuple[Point, Measure]]:
        """Yield every (point, measure), the key of a circuit, in plan order."""
        return ((point, measure) for point in self.points for measure in point.measure)

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "description": self.description,
            "points": [point.to_json() for point in self.points],
            "gates": _given(self.gates),
            "budget": _given(self.budget),
            "expect": _given(self.expect),
            "overrides": dict(self.overrides),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_json` wrote; keys beside a plan's own are left alone.

        Raises:
            UsageError: it is of another schema version, or not a plan.
        """
        version = document.get("schema_version")
        if version not in READABLE_VERSIONS:
            known = " and ".join(map(str, READABLE_VERSIONS))
            raise UsageError(f"plan: schema_version {version}, this program reads {known}")
        try:
            return cls(
                name=document["name"],
                description=document["description"],
                points=tuple(Point.from_json(point) for point in document["points"]),
                gates=Gates(**document["gates"]) if document["gates"] else None,
                budget=Budget(**document["budget"]) if document["budget"] else None,
                expect=_expect_from_json(document["expect"]),
                overrides=document["overrides"],
            )
        except (KeyError, TypeError) as error:
            raise UsageError(f"plan: not a plan of this program: {error}") from error


def make_plan(experiment: Experiment, *, overrides: Mapping[str, Scalar] | None = None) -> Plan:
    """Return an experiment's plan: per grid point the protocol, then its baselines.

    Args:
        experiment: as loaded, overrides already applied.
        overrides: what the command line changed, for the record.

    Raises:
        UsageError: a grid point or a baseline is impossible.
    """
    points: list[Point] = []
    labels: set[str] = set()
    for grid in expand_sweep(experiment):
        for protocol, baseline in _protocols(grid):
            point = _make_point(len(points), grid, protocol, baseline)
            if point.label in labels:
                point = replace(point, label=f"{point.label} #{point.index}")
            labels.add(point.label)
            points.append(point)
    return Plan(
        name=experiment.name,
        description=experiment.description,
        points=tuple(points),
        gates=experiment.gates,
        budget=experiment.budget,
        expect=experiment.expect,
        overrides=dict(overrides or {}),
    )


def derive_seed(*parts: str | int) -> int:
    """Return a 63-bit seed: the first bits of the SHA-256 of the parts' JSON.

    Seeds are hashed, never added: Aer's runs with seeds s and s + k share all but k shots.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _protocols(grid: Experiment) -> Iterator[tuple[Protocol, bool]]:
    yield grid.protocol, False
    for scheme in grid.baselines:
        distance = None if scheme == "bare" else grid.protocol.distance
        changes: dict[str, Any] = {"scheme": scheme, "distance": distance}
        if scheme != "routed":  # which is the same protocol, so it keeps rounds and reuse
            changes |= {"rounds": None, "reuse": "reset"}
        yield replace(grid.protocol, **changes), True


def _make_point(index: int, grid: Experiment, protocol: Protocol, baseline: bool) -> Point:
    return Point(
        index=index,
        label=_label(protocol, baseline, grid.swept),
        baseline=baseline,
        protocol=protocol,
        device=_device(grid, protocol),
        accept=grid.accept,
        measure=grid.measure,
        shots=grid.shots,
        seed=grid.seed,
        swept=dict(grid.swept),
        keep=grid.keep,
        estimate=grid.estimate,
    )


def _device(grid: Experiment, protocol: Protocol) -> DeviceSpec:
    """Return the device; beside the tree, whose qubits do not fit, `encoded` finds its own."""
    if protocol.scheme == "encoded" and grid.protocol.scheme == "tree16":
        return replace(grid.device, embedding="best")
    return grid.device


def _label(protocol: Protocol, baseline: bool, swept: Mapping[str, Scalar]) -> str:
    """Name a point by its protocol and by the swept values that its protocol does not show."""
    values = (None if baseline else protocol.scheme, protocol.distance, protocol.rounds)
    shown = {field for field, value in zip(_SHOWN, values, strict=True) if value is not None}
    parts: list[str] = [protocol.scheme]
    parts += [f"d={protocol.distance}"] if protocol.distance is not None else []
    parts += [f"r={protocol.rounds}"] if protocol.rounds is not None else []
    parts += [f"{k.rpartition('.')[2]}={v}" for k, v in swept.items() if k not in shown]
    return " ".join(parts)


def _given(value: Any) -> Any:
    """Return a value's JSON types: of a dataclass, what its constructor takes."""
    if isinstance(value, NoiseSpec):
        return value.to_json()
    if is_dataclass(value):
        return {f.name: _given(getattr(value, f.name)) for f in fields(value) if f.init}
    if isinstance(value, Mapping):
        return {key: _given(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_given(item) for item in value]
    return value


def _expect_from_json(document: Mapping[str, Any] | None) -> Expect | None:
    if document is None:
        return None
    bounds = {key: Bounds(**value) if value else None for key, value in document.items()}
    return Expect(**bounds)
