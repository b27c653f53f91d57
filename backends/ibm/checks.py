"""What a circuit and a job must be before they are paid for.

The service's newer program has no such checks, and runs what it should refuse.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.primitives import DataBin

from ...experiments.errors import RefusedError
from ..device import Device
from ..remote import MAX_TAG, MAX_TAGS

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MOST_SHOTS = 10_000_000
"""Shots of all circuits of one job."""

_ANYWHERE = {"measure", "reset", "delay"}


def check_isa(circuit: QuantumCircuit, device: Device) -> None:
    """Check that a circuit can run on a device as it is.

    It is on all qubits of the device; each instruction is native, on working qubits, and on an edge
    that works, in the direction that the device offers; nothing is left to be bound; each classical
    register can be read from the result.

    Raises:
        RefusedError: the first thing that is wrong.
    """
    name = circuit.name
    if circuit.num_qubits != device.num_qubits:
        raise RefusedError(
            f"circuit {name}: on {circuit.num_qubits} qubits, "
            f"but {device.name} has {device.num_qubits}"
        )
    if circuit.parameters:
        free = ", ".join(parameter.name for parameter in circuit.parameters)
        raise RefusedError(f"circuit {name}: parameters without a value: {free}")
    for wrong in _wrong_registers(circuit):
        raise RefusedError(f"circuit {name}: {wrong}")
    for wrong in _wrong_instructions(circuit, device):
        raise RefusedError(f"circuit {name} on {device.name}: {wrong}")


def check_job(
    circuits: Sequence[tuple[QuantumCircuit, int]], device: Device, *, max_shots: int
) -> None:
    """Check the circuits of a job, each with its shots, and their number.

    Raises:
        RefusedError: the first thing that is wrong.
    """
    if not circuits:
        raise RefusedError("a job without circuits")
    for circuit, shots in circuits:
        if not 1 <= shots <= max_shots:
            raise RefusedError(
                f"circuit {circuit.name}: {shots} shots, but {device.name} takes 1 to {max_shots}"
            )
    total = sum(shots for _, shots in circuits)
    if total > MOST_SHOTS:
        raise RefusedError(
            f"a job of {len(circuits)} circuits with {total} shots in all, "
            f"but the service takes {MOST_SHOTS}: split it"
        )
    for circuit, _ in circuits:
        check_isa(circuit, device)


def check_tags(tags: Sequence[str]) -> None:
    """Check the tags of a job.

    Raises:
        RefusedError: none, too many, or one that is empty or too long.
    """
    if not 1 <= len(tags) <= MAX_TAGS:
        raise RefusedError(f"a job with {len(tags)} tags: 1 to {MAX_TAGS} are possible")
    for tag in tags:
        if not 1 <= len(tag) <= MAX_TAG:
            raise RefusedError(f"tag {tag!r}: {len(tag)} characters, 1 to {MAX_TAG} are possible")


def _wrong_registers(circuit: QuantumCircuit) -> Iterator[str]:
    if not circuit.cregs:
        yield "no classical register, so that nothing would be read"
    for register in circuit.cregs:
        name = register.name
        if not name.isidentifier() or keyword.iskeyword(name) or hasattr(DataBin, name):
            yield f"a classical register cannot be called {name!r}"
        if not register.size:
            yield f"classical register {name!r} has no bits"
    for number, bit in enumerate(circuit.clbits):
        if len(held := circuit.find_bit(bit).registers) != 1:
            yield f"classical bit {number} is in {len(held)} registers: a result needs one"


def _wrong_instructions(circuit: QuantumCircuit, device: Device) -> Iterator[str]:
    single = {*device.one_qubit_gates, *_ANYWHERE}
    double = {device.two_qubit_gate, *set(device.other_gates) - set(device.one_qubit_gates)}
    bad_qubits, bad_edges = set(device.faulty_qubits), set(device.faulty_edges)
    for item in circuit.data:
        what = item.operation.name
        qubits = tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
        where = f"{what} on {_shown(qubits)}"
        if what == "barrier":
            continue
        if (what not in double) if len(qubits) == 2 else (what not in single or len(qubits) != 1):
            yield f"{where} is no native instruction"
        for q in bad_qubits.intersection(qubits):
            yield f"{where}: qubit {q} is faulty"
        if len(qubits) == 2:
            yield from _wrong_edge(where, qubits, device, bad_edges)


def _wrong_edge(
    where: str, qubits: Any, device: Device, bad: set[tuple[int, int]]
) -> Iterator[str]:
    if qubits not in device.two_qubit:
        turned = qubits[::-1] in device.two_qubit
        yield (
            f"{where}: offered only from {qubits[1]} to {qubits[0]}"
            if turned
            else (f"{where}: there is no such edge")
        )
    if (min(qubits), max(qubits)) in bad:
        yield f"{where}: the edge is faulty"


def _shown(qubits: tuple[int, ...]) -> str:
    return f"qubit {qubits[0]}" if len(qubits) == 1 else f"qubits {', '.join(map(str, qubits))}"
