"""Compilation: a program on a device as a scheduled ISA circuit, with every gadget intact."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import (
    ALAPScheduleAnalysis,
    BasisTranslator,
    ConstrainedReschedule,
    GateDirection,
    Optimize1qGatesDecomposition,
)

from ..experiments.errors import HexmagicError, UsageError
from ..experiments.instructions import Instruction, count_by_gadget, read_instructions
from ..experiments.program import Program
from ..experiments.spec.device import Decoupling
from .decoupling import make_padding
from .device import Device
from .isa import make_target
from .timing import Window, count_layers, operation_windows


class CompilationError(HexmagicError):
    """The compiled circuit is not what the program asked for."""


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A program as a device runs it.

    Attributes:
        program: what was compiled.
        device: the device, with its calibration.
        layout: `layout[patch qubit]` is the physical qubit.
        local: the ISA circuit on the patch's qubits, scheduled as late as possible, every idle an
            explicit delay in dt, or delays and decoupling pulses. A qubit's wait in |0> in front
            of its first gate is not written.
        duration_seconds: from the first gate to the end of the last measurement.
    """

    program: Program
    device: Device
    layout: tuple[int, ...]
    local: QuantumCircuit
    duration_seconds: float

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The same circuit on all qubits of the device, as hardware takes it."""
        wide = QuantumCircuit(self.device.num_qubits, name=self.local.name)
        for register in self.local.cregs:
            wide.add_register(register)
        wide.compose(self.local, qubits=self.layout, clbits=wide.clbits, inplace=True)
        return wide

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions of `local`, on patch qubits."""
        return read_instructions(self.local)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """When each instruction but the barriers runs, in order."""
        return operation_windows(self.instructions, self.device, self.layout)

    @property
    def measurement_layers(self) -> int:
        """Measurements that follow one another: the most of which no two overlap in time.

        In other words the least number of readout pulses, if one pulse reads any number of qubits
        that are measured at the same moment; the readout of the data counts, resets do not.
        """
        spans = [(start, end) for item, start, end in self.windows if item.name == "measure"]
        return count_layers(spans, tolerance=self.device.dt_seconds / 2)

    @property
    def depth(self) -> int:
        """Layers of two-qubit gates; a barrier lets none of its qubits run ahead."""
        layer: Counter[int] = Counter()
        for instruction in self.instructions:
            reached = max(layer[qubit] for qubit in instruction.qubits)
            if instruction.name == "barrier":
                layer |= dict.fromkeys(instruction.qubits, reached)
            elif instruction.is_two_qubit_gate:
                layer |= dict.fromkeys(instruction.qubits, reached + 1)
        return max(layer.values(), default=0)

    @property
    def two_qubit_gates(self) -> Mapping[str, int]:
        """Two-qubit gates of each gadget, by label."""
        counts = count_by_gadget(self.instructions)
        return {g.label: counts["two_qubit_gates", g.label] for g in self.program.gadgets}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of circuit, layout, record map and calibration: the same value, the same run."""
        content = {
            "instructions": [asdict(instruction) for instruction in self.instructions],
            "layout": self.layout,
            "record": self.program.record.to_json(),
            "device": self.device.to_json(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def compile_program(
    program: Program,
    device: Device,
    layout: tuple[int, ...],
    *,
    decoupling: Decoupling = "none",
) -> Compiled:
    """Return a program compiled to a device on a given layout.

    Only passes that keep every two-qubit gate, measurement and reset are run, and the result is
    checked: the counts of each gadget, and that every two-qubit gate is on a working edge.

    Args:
        program: what to run.
        device: the device, with its calibration.
        layout: `layout[patch qubit]` is the physical qubit.
        decoupling: pulses in the idles; they change neither the schedule nor the state.

    Raises:
        UsageError: the layout does not fit the patch or touches a faulty element, or the device's
            gates cannot play the sequence.
        CompilationError: a gadget did not survive.
    """
    _check_layout(program, device, layout)
    target = make_target(device, layout)
    scheduled = PassManager(
        [
            BasisTranslator(SessionEquivalenceLibrary, None, target),
            GateDirection(None, target=target),
            BasisTranslator(SessionEquivalenceLibrary, None, target),
            Optimize1qGatesDecomposition(target=target),
            ALAPScheduleAnalysis(target=target),
            ConstrainedReschedule(target=target),
            make_padding(decoupling, target),
        ]
    ).run(program.circuit)
    local = _without_leading_delays(scheduled)
    compiled = Compiled(
        program=program,
        device=device,
        layout=tuple(layout),
        local=local,
        duration_seconds=local.estimate_duration(target, unit="s"),
    )
    _check_gadgets(compiled)
    return compiled


def _check_layout(program: Program, device: Device, layout: tuple[int, ...]) -> None:
    patch, advice = program.patch, "; embedding best finds qubits that fit"
    if len(layout) != patch.num_qubits or len(set(layout)) != len(layout):
        raise UsageError(
            f"embedding {list(layout)}: patch {patch.name} needs {patch.num_qubits} "
            f"different qubits{advice}"
        )
    outside = [q for q in layout if not 0 <= q < device.num_qubits]
    if outside:
        raise UsageError(f"embedding: {device.name} has no qubit {outside[0]}{advice}")
    broken = set(device.faulty_qubits) & set(layout)
    if broken:
        raise UsageError(f"embedding: qubit {min(broken)} of {device.name} is faulty{advice}")
    for a, b in patch.edges:
        edge = tuple(sorted((layout[a], layout[b])))
        if edge not in device.edges:
            raise UsageError(f"embedding: {device.name} has no edge {edge}{advice}")
        if edge in device.faulty_edges:
            raise UsageError(f"embedding: edge {edge} of {device.name} is faulty{advice}")


def _without_leading_delays(circuit: QuantumCircuit) -> QuantumCircuit:
    kept = circuit.copy_empty_like()
    awake: set[Any] = set()
    for instruction in circuit.data:
        name = instruction.operation.name
        if name == "delay" and instruction.qubits[0] not in awake:
            continue
        if name != "barrier":
            awake.update(instruction.qubits)
        kept.append(instruction)
    return kept


def _check_gadgets(compiled: Compiled) -> None:
    counts = count_by_gadget(compiled.instructions)
    for gadget in compiled.program.gadgets:
        for kind in ("two_qubit_gates", "measurements", "resets"):
            wanted, found = getattr(gadget, kind), counts[kind, gadget.label]
            if wanted != found:
                raise CompilationError(
                    f"gadget {gadget.label!r}: {found} {kind} after compilation, {wanted} before"
                )
