"""What the analysis is given: one point of a plan with its shots, or with what they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..experiments.colour_code import Basis
from ..experiments.counts import Counts
from ..experiments.measures import Measure
from ..experiments.shots import Shots
from ..experiments.spec import Accept
from .cut_counts import CutCounts
from .strata.fault_numbers import FaultNumberWeights
from .strata.stratum import Strata

Scalar = bool | int | float | str | None
BASES: tuple[Basis, ...] = ("X", "Y", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class QubitPlace:
    """Where a patch qubit is: its number on the device, and a short name for people."""

    device_qubit: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointInfo:
    """One grid point of a sweep, or one of its baselines.

    Attributes:
        run: id of the run.
        point: index of the point in its plan.
        label: the point's name for people.
        scheme: protocol scheme, such as "fold14" or "bare".
        distance: code distance; None where there is no code.
        rounds: rounds of H_m and ED; None where there are none.
        baseline: whether the point is a baseline.
        device: device name.
        noise: noise model in words, such as "uniform 0.001".
        backend: engine that took the shots.
        swept: value of each swept field, by its dotted name.
        accept: what post-selection asks.
        measures: what was to be measured, in the plan's order.
        readout_error: (P(1|0), P(0|1)) of the qubit of a `bare` point, None for any other.
        reuse: what happened to an ancilla between two of its measurements: reset, xor or deferred;
            None where none is measured.
        places: of its patch qubits.
    """

    run: str
    point: int
    label: str
    scheme: str
    distance: int | None
    rounds: int | None
    baseline: bool
    device: str
    noise: str
    backend: str
    swept: Mapping[str, Scalar]
    accept: Accept
    measures: tuple[Measure, ...] = BASES
    readout_error: tuple[float, float] | None = None
    reuse: str | None = None
    places: Mapping[int, QubitPlace] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointShots(PointInfo):
    """A point with raw shots.

    Attributes:
        shots: of each measure that has any.
    """

    shots: Mapping[Measure, Shots]

    def __post_init__(self) -> None:
        """Check that the shots are what their names say."""
        for measure, shots in self.shots.items():
            if shots.record.logical.basis != measure:
                raise ValueError(
                    f"point {self.label}: the shots of basis {measure} have a record map that "
                    f"reads {shots.record.logical.basis}"
                )
            if self.readout_error is not None and len(shots.record.logical.bits) != 1:
                raise ValueError(
                    f"point {self.label}: a readout error can be removed from a single qubit only, "
                    f"not from {len(shots.record.logical.bits)}"
                )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stratified:
    """A measure that was estimated by strata: how likely each is at this point, and what it did."""

    weights: FaultNumberWeights
    strata: Strata


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointCounts(PointInfo):
    """A point with what its shots count.

    Attributes:
        counts: of each measure that has any shots.
        stratified: instead, each measure that was estimated by strata.
        cuts: of each measure whose raw shots are there, what they count under any criteria.
        predicted: the same of an emulation of the same compiled circuits.
    """

    counts: Mapping[Measure, Counts] = field(default_factory=dict)
    stratified: Mapping[Measure, Stratified] = field(default_factory=dict)
    cuts: Mapping[Measure, CutCounts] = field(default_factory=dict)
    predicted: Mapping[Measure, CutCounts] = field(default_factory=dict)
