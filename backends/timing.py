"""Timing: when each operation of a compiled circuit runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..experiments.instructions import VIRTUAL_NAMES, Instruction
from .device import Device

Window = tuple[Instruction, float, float]
"""(instruction, start, end) in seconds after the start of the circuit."""


def operation_windows(
    instructions: Sequence[Instruction], device: Device, layout: Sequence[int]
) -> tuple[Window, ...]:
    """Return when each instruction but the barriers runs, in the circuit's order.

    A compiled circuit is scheduled as late as possible with explicit delays, so times are counted
    backwards from its end.

    Args:
        instructions: of a scheduled circuit, on patch qubits.
        device: tells durations.
        layout: `layout[patch qubit]` is the physical qubit.
    """
    before_end: dict[int, float] = {}
    found: list[Window] = []
    for instruction in reversed(instructions):
        if instruction.name == "barrier":
            continue
        later = max(before_end.get(qubit, 0.0) for qubit in instruction.qubits)
        earlier = later + _seconds(instruction, device, layout)
        before_end |= dict.fromkeys(instruction.qubits, earlier)
        found.append((instruction, earlier, later))
    whole = max(before_end.values(), default=0.0)
    return tuple((item, whole - start, whole - end) for item, start, end in reversed(found))


def count_layers(spans: Iterable[tuple[float, float]], tolerance: float) -> int:
    """Return the largest number of spans (start, end) of which no two overlap.

    It is also the least number of moments with every span in progress at one of them.

    Args:
        spans: start and end, in any unit.
        tolerance: overlap that is rounding, in the same unit.
    """
    layers, last = 0, float("-inf")
    for start, end in sorted(spans, key=lambda span: span[1]):
        if start >= last - tolerance:
            layers, last = layers + 1, end
    return layers


def _seconds(instruction: Instruction, device: Device, layout: Sequence[int]) -> float:
    name, qubits = instruction.name, [layout[qubit] for qubit in instruction.qubits]
    if name == "delay":
        return instruction.params[0] * device.dt_seconds
    if len(qubits) == 2:
        return device.edge(qubits[0], qubits[1]).seconds
    calibration = device.qubits[qubits[0]]
    if name == "measure":
        return calibration.readout_seconds
    if name == "reset":
        return calibration.reset_seconds
    return 0.0 if name in VIRTUAL_NAMES else calibration.one_qubit.seconds
