"""The instruction set of a device, or of a few of its qubits, as a qiskit target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qiskit.circuit import Delay, Measure, Parameter, Reset
from qiskit.circuit.library import (
    CXGate,
    CZGate,
    ECRGate,
    HGate,
    RYGate,
    RZGate,
    SdgGate,
    SGate,
    SXGate,
    XGate,
)
from qiskit.transpiler import InstructionProperties, QubitProperties, Target

from ..experiments.instructions import VIRTUAL_NAMES
from .calibration import Operation
from .device import Device

_FIXED = {
    "cz": CZGate,
    "ecr": ECRGate,
    "cx": CXGate,
    "sx": SXGate,
    "x": XGate,
    "h": HGate,
    "s": SGate,
    "sdg": SdgGate,
}
_ROTATIONS = {"rz": RZGate, "ry": RYGate}


def make_target(device: Device, qubits: Sequence[int]) -> Target:
    """Return the target of some physical qubits, renumbered 0, 1, ... in the given order."""
    local = {q: i for i, q in enumerate(qubits)}
    known = [device.qubits[q] for q in qubits]
    target = Target(
        num_qubits=len(known),
        dt=device.dt_seconds,
        pulse_alignment=device.pulse_alignment,
        acquire_alignment=device.acquire_alignment,
        qubit_properties=[QubitProperties(t1=q.t1_seconds, t2=q.t2_seconds) for q in known],
    )
    pairs = {
        (local[a], local[b]): _properties(gate)
        for (a, b), gate in device.two_qubit.items()
        if a in local and b in local
    }
    single = {(i,): _properties(q.one_qubit) for i, q in enumerate(known)}
    free = _all(known, error=0.0, seconds=0.0)
    target.add_instruction(_FIXED[device.two_qubit_gate](), pairs)
    for name in device.other_gates:
        rotation = _ROTATIONS.get(name)
        gate = rotation(Parameter("angle")) if rotation else _FIXED[name]()
        physical = pairs if gate.num_qubits == 2 else single
        target.add_instruction(gate, free if name in VIRTUAL_NAMES else dict(physical))
    target.add_instruction(
        Measure(),
        {
            (i,): InstructionProperties(duration=q.readout_seconds, error=q.readout_error)
            for i, q in enumerate(known)
        },
    )
    target.add_instruction(
        Reset(),
        {(i,): InstructionProperties(duration=q.reset_seconds) for i, q in enumerate(known)},
    )
    target.add_instruction(Delay(Parameter("duration")), {(i,): None for i in range(len(known))})
    return target


def _all(known: Sequence[Any], *, error: float, seconds: float) -> dict[tuple[int], Any]:
    return {(i,): InstructionProperties(duration=seconds, error=error) for i in range(len(known))}


def _properties(operation: Operation) -> InstructionProperties:
    return InstructionProperties(duration=operation.seconds, error=operation.error)
