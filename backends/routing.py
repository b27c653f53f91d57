"""Routing: a program that ignores connectivity, placed and routed by qiskit's stock transpiler.

The preset of optimisation level 3 chooses the qubits, inserts the SWAPs, translates to the device's
gates and optimises. Three things are ours. It is given the working part of the device only. Every
gate between two ancillas stands between barriers on its two qubits: a flag is coupled to its
syndrome qubit by two gates that commute with everything between them, so that level 3 would cancel
them, and with them the fault tolerance. And the readout is left out and put back afterwards, so
every basis gets the same circuit in front of it.

A SWAP may go through any qubit, also one that its gadget's barrier does not span. So the barriers
span every qubit of the program while it is routed, and are set anew afterwards: walking through the
routed circuit, a two-qubit gate belongs to the latest gadget that any of its qubits has reached,
which no later gadget's instruction precedes; each gadget then gets one barrier on the qubits that
it touches. Where the data are when a gadget begins is read off its wide barrier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import rustworkx
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction
from qiskit.transpiler import generate_preset_pass_manager

from ..experiments.abstract import make_routed_patch
from ..experiments.errors import UsageError
from ..experiments.instructions import Instruction, read_instructions
from ..experiments.program import Gadget, Program
from ..experiments.record import RecordMap
from .compilation import CompilationError
from .device import Device
from .heavy_hex_drawing import heavy_hex_positions
from .isa import make_target

OPTIMISATION_LEVEL = 3
_MAX_SEED = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A routed program, on a patch of the physical qubits that it uses.

    Attributes:
        program: in the device's gates; `patch.data` is where the data are at the readout, and
            `Gadget.data` where they are before.
        layout: `layout[patch qubit]` is the physical qubit, ascending.
    """

    program: Program
    layout: tuple[int, ...]


def route_program(
    program: Program, device: Device, seed: int, *, protect_flags: bool = True
) -> Routed:
    """Return a program routed onto the working qubits and edges of a device.

    Programs that differ in the basis of their readout alone are routed alike.

    Args:
        program: on data 0, 1, ... and its last block is the readout; any two of its qubits may
            share a gate.
        device: where it goes.
        seed: of the transpiler; the same arguments give the same circuit.
        protect_flags: put barriers round the gates between ancillas. Without them the circuit is
            shorter, and what is left of its flags sees nothing.

    Raises:
        UsageError: the device has too few working qubits that hang together.
        CompilationError: a measurement or reset of a gadget did not survive.
    """
    working, qubits = _working_part(device)
    if len(qubits) < program.patch.num_qubits:
        raise UsageError(
            f"device {device.name}: scheme {program.scheme} needs {program.patch.num_qubits} "
            f"connected working qubits, it has {len(qubits)}"
        )
    manager = generate_preset_pass_manager(
        OPTIMISATION_LEVEL, target=make_target(working, qubits), seed_transpiler=seed % _MAX_SEED
    )
    front = _front_of(program)
    if protect_flags:
        front = _with_barriers(front, program.patch.ancillas)
    found = manager.run(front)
    routed, used = _rebuild(program, found)
    layout = tuple(qubits[q] for q in used)
    positions = heavy_hex_positions(device.num_qubits, device.edges)
    data = routed.gadgets[-1].data or ()
    patch = make_routed_patch(layout, data, working.edges, positions)
    return Routed(program=replace(routed, patch=patch), layout=layout)


def _working_part(device: Device) -> tuple[Device, tuple[int, ...]]:
    """Return the device without its faulty edges, and the largest connected set of its qubits."""
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(device.num_qubits))
    graph.add_edges_from_no_data(list(device.working_edges))
    largest = max(sorted(map(sorted, rustworkx.connected_components(graph))), key=len)
    usable = {edge for a, b in device.working_edges for edge in ((a, b), (b, a))}
    gates = {edge: gate for edge, gate in device.two_qubit.items() if edge in usable}
    return replace(device, two_qubit=gates), tuple(largest)


def _front_of(program: Program) -> QuantumCircuit:
    """Return the circuit in front of its readout, with every barrier on all qubits."""
    front = program.circuit.copy_empty_like()
    for item in program.circuit.data:
        if item.operation.name != "barrier":
            front.append(item)
        elif item.operation.label == program.gadgets[-1].label:
            break
        else:
            front.barrier(label=item.operation.label)
    return front


def _with_barriers(circuit: QuantumCircuit, ancillas: Sequence[int]) -> QuantumCircuit:
    """Return a circuit with a barrier on both sides of each gate between two ancillas."""
    guarded = circuit.copy_empty_like()
    for item in circuit.data:
        between = len(item.qubits) == 2 and {*_at(circuit, item)} <= {*ancillas}
        if between:
            guarded.barrier(item.qubits)
        guarded.append(item)
        if between:
            guarded.barrier(item.qubits)
    return guarded


def _rebuild(program: Program, found: QuantumCircuit) -> tuple[Program, list[int]]:
    """Return the routed program, on its old patch, and the qubits of `found` that it uses."""
    groups, starts = _by_gadget(program, found)
    final = found.layout.final_index_layout(filter_ancillas=True)
    used = sorted({*final, *(q for group in groups for item in group for q in _at(found, item))})
    local = {q: i for i, q in enumerate(used)}
    places = [[local[q] for q in where] for where in (*starts, final)]
    circuit = QuantumCircuit(QuantumRegister(len(used), "q"), *program.circuit.cregs)
    for gadget, group in zip(program.gadgets[:-1], groups, strict=True):
        moved = [[local[q] for q in _at(found, item)] for item in group]
        circuit.barrier(sorted({q for where in moved for q in where}), label=gadget.label)
        for item, where in zip(group, moved, strict=True):
            circuit.append(item.operation, where, item.clbits)
    _append_readout(circuit, program, places[-1])
    instructions = read_instructions(circuit)
    gadgets = tuple(
        replace(_counted(gadget, instructions), data=tuple(where[q] for q in program.patch.data))
        for gadget, where in zip(program.gadgets, places, strict=True)
    )
    record = _with_qubits(program.record, instructions)
    return replace(program, circuit=circuit, record=record, gadgets=gadgets), used


def _by_gadget(
    program: Program, found: QuantumCircuit
) -> tuple[list[list[CircuitInstruction]], list[tuple[int, ...]]]:
    """Return each gadget's instructions without barriers, and where all qubits are before it.

    The readout has neither. One-qubit gates go with the two-qubit gate that follows them, unless a
    barrier, a measurement or a reset comes first: the transpiler turns a fresh qubit long before
    the SWAP that needs it.
    """
    numbers = {gadget.label: i for i, gadget in enumerate(program.gadgets[:-1])}
    groups: list[list[CircuitInstruction]] = [[] for _ in numbers]
    starts: list[tuple[int, ...]] = [() for _ in numbers]
    reached = dict.fromkeys(range(found.num_qubits), 0)
    waiting: dict[int, list[CircuitInstruction]] = {q: [] for q in reached}
    for item in found.data:
        name, qubits = item.operation.name, _at(found, item)
        number = max(reached[q] for q in qubits)
        if len(qubits) == 1 and name not in ("barrier", "measure", "reset"):
            waiting[qubits[0]].append(item)
            continue
        for q in qubits:
            groups[reached[q] if name == "barrier" else number] += waiting[q]
            waiting[q] = []
        if name != "barrier":
            groups[number].append(item)
        elif item.operation.label in numbers:
            number = numbers[item.operation.label]
            starts[number] = qubits
        reached |= dict.fromkeys(qubits, number)
    for q, items in waiting.items():
        groups[reached[q]] += items
    return groups, starts


def _at(circuit: QuantumCircuit, item: CircuitInstruction) -> tuple[int, ...]:
    return tuple(circuit.find_bit(qubit).index for qubit in item.qubits)


def _append_readout(circuit: QuantumCircuit, program: Program, places: Sequence[int]) -> None:
    """Append a program's readout as it is; `places[q]` is where its qubit q has come to."""
    label = program.gadgets[-1].label
    items = list(program.circuit.data)
    start = next(i for i, item in enumerate(items) if item.operation.label == label)
    for item in items[start:]:
        where = [places[q] for q in _at(program.circuit, item)]
        circuit.append(item.operation, where, item.clbits)


def _with_qubits(record: RecordMap, found: Sequence[Instruction]) -> RecordMap:
    """Return a record map whose bits name the qubits that a circuit measures them on."""
    measured = {i.bits[0]: i.qubits[0] for i in found if i.name == "measure"}
    bits = tuple(replace(bit, qubit=measured[bit.key]) for bit in record.bits)
    return replace(record, bits=bits)


def _counted(gadget: Gadget, circuit: Sequence[Instruction]) -> Gadget:
    """Return a gadget with its two-qubit gates counted anew.

    Raises:
        CompilationError: another number of measurements or resets than before.
    """
    found = [i for i in circuit if i.gadget == gadget.label]
    names = Counter(i.name for i in found)
    for name, wanted in (("measure", gadget.measurements), ("reset", gadget.resets)):
        if names[name] != wanted:
            raise CompilationError(
                f"gadget {gadget.label!r}: {names[name]} of {name} after routing, {wanted} before"
            )
    return replace(gadget, two_qubit_gates=sum(i.is_two_qubit_gate for i in found))
