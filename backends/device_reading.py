"""Reading a device from what qiskit-ibm-runtime knows of it, a snapshot or a live machine."""

from __future__ import annotations

import statistics
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from .calibration import Operation, QubitCalibration, read_qubit, uncalibrated
from .device import TWO_QUBIT_GATES, Device, DeviceError, Edge

if TYPE_CHECKING:
    from qiskit.transpiler import Target

    from .snapshots import Snapshot


def read_device(
    name: str,
    target: Target | Snapshot,
    properties: Any,
    *,
    calibrated_at: str,
    broken_qubits: Collection[int] = (),
    broken_edges: Collection[Edge] = (),
) -> Device:
    """Return a heavy-hex device.

    Args:
        name: its name here.
        target: gates, errors and durations.
        properties: the client's or the snapshot, for the assignment errors.
        calibrated_at: ISO time.
        broken_qubits: nothing is read of them; they become faulty, with the median durations.
        broken_edges: in either direction; they become faulty, with the median duration.

    Raises:
        DeviceError: not heavy-hex, or without the gates, reset and durations that are needed.
    """
    gates = [gate for gate in TWO_QUBIT_GATES if gate in target.operation_names]
    missing = {"sx", "x", "rz", "measure", "reset"} - set(target.operation_names)
    if len(gates) != 1 or missing:
        lacks = ", ".join(sorted(missing)) or f"a single two-qubit gate (has {', '.join(gates)})"
        raise DeviceError(f"device {name}: lacks {lacks}")
    try:
        device = Device(
            name=name,
            qubits=_read_qubits(target, properties, broken_qubits),
            two_qubit_gate=gates[0],
            two_qubit=_read_edges(target[gates[0]], broken_edges),
            dt_seconds=float(target.dt),
            pulse_alignment=target.pulse_alignment,
            acquire_alignment=target.acquire_alignment,
            calibrated_at=calibrated_at,
        )
    except (AttributeError, TypeError, KeyError, statistics.StatisticsError) as error:
        raise DeviceError(f"device {name}: incomplete calibration ({error})") from error
    _require_heavy_hex(device)
    return device


def _read_qubits(
    target: Target | Snapshot, properties: Any, broken: Collection[int]
) -> tuple[QubitCalibration, ...]:
    count = range(target.num_qubits)
    known = {q: read_qubit(target, properties, q) for q in count if q not in broken}
    if len(known) == len(count):
        return tuple(known.values())
    times = zip(*(qubit.durations for qubit in known.values()), strict=True)
    gate, readout, reset = (statistics.median(seconds) for seconds in times)
    dead = uncalibrated(gate=gate, readout=readout, reset=reset)
    return tuple(known.get(q, dead) for q in count)


def _read_edges(gates: Any, broken: Collection[Edge]) -> dict[Edge, Operation]:
    known = {
        edge: Operation(error=gate.error, seconds=float(gate.duration))
        for edge, gate in gates.items()
        if edge not in broken and edge[::-1] not in broken
    }
    if len(known) == len(gates):
        return known
    dead = Operation(error=None, seconds=statistics.median(gate.seconds for gate in known.values()))
    return {edge: known.get(edge, dead) for edge in gates}


def _require_heavy_hex(device: Device) -> None:
    degree = [0] * device.num_qubits
    for edge in device.edges:
        for qubit in edge:
            degree[qubit] += 1
    crowded = [q for q, k in enumerate(degree) if k > 3]
    touching = [e for e in device.edges if degree[e[0]] == 3 and degree[e[1]] == 3]
    if crowded or touching:
        raise DeviceError(f"device {device.name}: its coupling map is not heavy-hex")
