"""The linear maps of a circuit's steps, and those that each single fault puts in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import HexmagicError
from .faults import Fault
from .instructions import Instruction
from .record import RecordMap
from .statevector import PAULIS
from .steps import Matrix, Step, make_steps, pauli_matrix

_KEEP = (np.diag([1, 0]).astype(complex), np.diag([0, 1]).astype(complex))
_RESET = (_KEEP[0], np.array([[0, 1], [0, 0]], dtype=complex))


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyStep:
    """A step as a Kraus map, with every single fault in it.

    Attributes:
        qubits: where it acts; the first is the low bit of a matrix index.
        kraus: matrices of the noiseless map; a measurement keeps the expected outcome only.
        faulty: each fault of the step, with the matrices that replace `kraus`.
    """

    qubits: tuple[int, ...]
    kraus: tuple[Matrix, ...]
    faulty: tuple[tuple[Fault, tuple[Matrix, ...]], ...]


def faulty_steps(
    instructions: Sequence[Instruction],
    faults: Sequence[Fault],
    record: RecordMap,
    num_qubits: int,
) -> tuple[FaultyStep, ...]:
    """Return a circuit's steps with every given fault in exactly one of them.

    Measurements of data are left open (identity): the state in front of them is what is judged.

    Raises:
        HexmagicError: a measured bit has no fixed expected value (reuse without reset).
    """
    struck: dict[tuple[int, int], list[Fault]] = {}
    for fault in faults:
        struck.setdefault((fault.at, fault.qubits[0]), []).append(fault)
    found = []
    for step in make_steps(instructions, num_qubits):
        if step.kind == "unitary":
            found.append(_unitary(step, struck))
        else:
            at, qubit = step.parts[0].at, step.qubits[0]
            (fault,) = struck[at, qubit]
            if step.kind == "measure":
                found.append(_measurement(step, instructions[at], record, fault))
            else:
                flipped = tuple(PAULIS["X"] @ matrix for matrix in _RESET)
                found.append(
                    FaultyStep(qubits=step.qubits, kraus=_RESET, faulty=((fault, flipped),))
                )
    return tuple(found)


def _unitary(step: Step, struck: dict[tuple[int, int], list[Fault]]) -> FaultyStep:
    faulty = tuple(
        (fault, (step.product({i: step.embed(pauli_matrix(fault.pauli), fault.qubits)}),))
        for i, part in enumerate(step.parts)
        for fault in struck.get((part.at, part.qubits[0]), ())
    )
    return FaultyStep(qubits=step.qubits, kraus=(step.product(),), faulty=faulty)


def _measurement(
    step: Step, instruction: Instruction, record: RecordMap, fault: Fault
) -> FaultyStep:
    bit = record.bits[record.column[instruction.bits[0]]]
    if bit.role == "data":
        return FaultyStep(
            qubits=step.qubits, kraus=(PAULIS["I"],), faulty=((fault, (PAULIS["X"],)),)
        )
    if bit.xor or bit.expected is None:
        raise HexmagicError(f"bit {bit.key}: only outcomes of a fixed value can be certified")
    keep, other = _KEEP[bit.expected], _KEEP[1 - bit.expected]
    return FaultyStep(qubits=step.qubits, kraus=(keep,), faulty=((fault, (other,)),))
