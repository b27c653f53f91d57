"""What the circuits of a run occupy and take: qubits, gates, time steps or seconds."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping
from itertools import accumulate, groupby, pairwise
from math import nan
from typing import Any

from ..analysis.overhead.comparison import Attempt, Trace
from ..analysis.overhead.side_by_side import STAGES, Footprint
from .circuits import PlannedCircuit
from .folder.files import StorageError
from .folder.run_folder import RunFolder
from .plan import Point
from .provenance import PROVENANCE

_NEAR = 1e-6
_GENERATED = "heavy_hex_"
"""How the names of maps begin that no device has: their seconds say nothing."""


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


def attempts(folder: RunFolder, origin: str | None = None) -> dict[tuple[str, int], Attempt]:
    """Return, by (run, point), what one attempt at a state takes; no baselines.

    Of a point judged ideally it is the circuit without a readout of the data; of any other that of
    its first measure, whose readout of the data is in the seconds.

    Args:
        folder: the run folder.
        origin: what the figures are traced to; None: the run.

    Raises:
        StorageError: under the paper's noise a duration is not a whole number of steps.
    """
    circuits = {circuit.key: circuit for circuit in folder.circuits}
    provenance = folder.read_json(PROVENANCE)
    found = {}
    for point in folder.plan.points:
        if not point.baseline:
            measure = "H_ideal" if "H_ideal" in point.measure else point.judged
            trace = _trace(folder, provenance, point.seed, origin)
            circuit = circuits[point.index, measure]
            found[folder.run_id, point.index] = _attempt(folder, point, circuit, trace)
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


def _attempt(folder: RunFolder, point: Point, circuit: PlannedCircuit, trace: Trace) -> Attempt:
    calibration = folder.read_json(f"calibration/{point.device.name}.json")
    gates = sum(g.two_qubit_gates for g in circuit.gadgets if g.stage in STAGES)
    steps, seconds = nan, nan
    if point.device.noise.kind == "paper":
        steps = float(_steps(circuit, circuit.duration_seconds, step_seconds(calibration)))
    elif not point.device.name.startswith(_GENERATED):
        seconds = circuit.duration_seconds
    return Attempt(
        qubits=len(circuit.layout),
        two_qubit_gates=gates,
        time_steps=steps,
        seconds=seconds,
        trace=trace,
    )


def _trace(
    folder: RunFolder, provenance: Mapping[str, Any], seed: int, origin: str | None
) -> Trace:
    git = provenance.get("git")
    return Trace(
        origin=origin or f"run {folder.run_id}",
        seed=seed,
        run=folder.run_id,
        hexmagic=provenance.get("versions", {}).get("hexmagic", "of unknown version"),
        revision="" if git is None else f"{git['revision'][:12]}{'+' if git['dirty'] else ''}",
        spec_sha256=hashlib.sha256(_spec(folder)).hexdigest(),
        engine=provenance.get("engine", "unknown engine"),
    )


def _spec(folder: RunFolder) -> bytes:
    try:
        return (folder.path / "spec.yaml").read_bytes()
    except OSError as error:
        message = f"{folder.path / 'spec.yaml'}: cannot be read: {error.strerror or error}"
        raise StorageError(message) from error


def _steps(circuit: PlannedCircuit, seconds: float, step: float) -> int:
    steps = seconds / step
    if abs(steps - round(steps)) > _NEAR * max(1.0, steps):
        raise StorageError(
            f"circuit {circuit.name}: {seconds} s is {steps:.6g} steps of {step} s, not a whole "
            "number: the run folder's calibration is not the one that it was scheduled for"
        )
    return round(steps)
