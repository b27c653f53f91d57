"""What the analysis is given: one point of a plan with its shots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..experiments.colour_code import Basis
from ..experiments.shots import Shots
from ..experiments.spec import Accept

Scalar = bool | int | float | str | None
BASES: tuple[Basis, ...] = ("X", "Y", "Z")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointShots:
    """One grid point of a sweep, or one of its baselines, with the shots of every basis.

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
        shots: shots of each measured basis; a basis may be absent.
        readout_error: (P(1|0), P(0|1)) of the qubit of a `bare` point, None for any other.
        reuse: what happened to an ancilla between two of its measurements: reset, xor or deferred;
            None where none is measured.
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
    shots: Mapping[Basis, Shots]
    readout_error: tuple[float, float] | None = None
    reuse: str | None = None

    def __post_init__(self) -> None:
        for basis, shots in self.shots.items():
            if shots.record.logical.basis != basis:
                raise ValueError(
                    f"point {self.label}: the shots of basis {basis} have a record map that reads "
                    f"{shots.record.logical.basis}"
                )
            if self.readout_error is not None and len(shots.record.logical.bits) != 1:
                raise ValueError(
                    f"point {self.label}: a readout error can be removed from a single qubit only, "
                    f"not from {len(shots.record.logical.bits)}"
                )
