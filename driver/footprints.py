"""What the circuits of a run occupy, in qubits and in time steps of the paper's noise."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from itertools import accumulate, groupby, pairwise
from typing import Any

from ..analysis.side_by_side import STAGES, Footprint
from .circuits import PlannedCircuit
from .files import StorageError
from .run_folder import RunFolder

_NEAR = 1e-6


def footprints(folder: RunFolder) -> dict[tuple[str, int], Footprint]:
    """Return, by (run, point), the circuits that measure H_ideal under the paper's noise.

    There every operation takes one step and nothing follows the last ancilla's measurement.

    Raises:
        StorageError: a duration is not a whole number of steps.
    """
    found = {}
    for circuit in folder.circuits:
        device = folder.plan.points[circuit.point].device
        if circuit.basis == "H_ideal" and device.noise.kind == "paper":
            calibration = folder.read_json(f"calibration/{device.name}.json")
            found[folder.run_id, circuit.point] = footprint(circuit, step_seconds(calibration))
    return found


def step_seconds(calibration: Mapping[str, Any]) -> float:
    """Return how long a time step lasts on a device: see `Device.in_time_steps`.

    Args:
        calibration: a run folder's calibration file, of the device as it is or in time steps.
    """
    faulty = {frozenset(edge) for edge in calibration.get("faulty_edges", ())}
    edges: dict[frozenset[int], float] = {}
    for gate in sorted(calibration["two_qubit"], key=lambda g: int(g["control"])):
        edges.setdefault(frozenset((gate["control"], gate["target"])), gate["seconds"])
    working = [seconds for edge, seconds in edges.items() if edge not in faulty]
    return statistics.median(working or edges.values())


def footprint(circuit: PlannedCircuit, step: float) -> Footprint:
    """Return a circuit's qubits and steps.

    Args:
        circuit: one without a readout of the data.
        step: how long a step lasts, in seconds.

    Raises:
        StorageError: a duration is not a whole number of steps.
    """
    total = _steps(circuit, circuit.duration_seconds, step)
    blocks = [gadget for gadget in circuit.gadgets if gadget.stage in STAGES]
    stages = [
        (stage, min(_steps(circuit, block.start_seconds, step) for block in group))
        for (stage, _), group in groupby(blocks, key=lambda block: (block.stage, block.round))
    ]
    borders = [0, *accumulate((start for _, start in stages[1:]), max), total]
    stage_steps = dict.fromkeys((stage for stage, _ in stages), 0)
    for (stage, _), (start, end) in zip(stages, pairwise(borders), strict=True):
        stage_steps[stage] += end - start
    return Footprint(qubits=len(circuit.layout), time_steps=total, stage_steps=stage_steps)


def _steps(circuit: PlannedCircuit, seconds: float, step: float) -> int:
    steps = seconds / step
    if abs(steps - round(steps)) > _NEAR * max(1.0, steps):
        raise StorageError(
            f"circuit {circuit.name}: {seconds} s is {steps:.6g} steps of {step} s, not a whole "
            "number: the run folder's calibration is not the one that it was scheduled for"
        )
    return round(steps)
