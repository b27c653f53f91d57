"""A circuit as about a hundred small steps instead of many hundred instructions.

The one-qubit gates and delays in front of a two-qubit gate are multiplied into its 4x4 matrix;
measurements and resets stand alone. Every instruction keeps its place inside its step, so a fault
after any of them can be put in. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..instructions import Instruction
from .faults import PREPARATION
from .gate_matrices import PAULIS, gate_matrix

Matrix = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One instruction inside a step: its index in the circuit, its qubits and its matrix."""

    at: int
    qubits: tuple[int, ...]
    matrix: Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A unitary on one or two qubits, or a measurement or reset of one.

    Attributes:
        kind: unitary, measure or reset.
        qubits: where it acts; the first is the low bit of a matrix index.
        parts: its instructions in order. The initial state of a qubit is a part too, the identity
            at PREPARATION, so that a fault can follow it.
    """

    kind: Literal["unitary", "measure", "reset"]
    qubits: tuple[int, ...]
    parts: tuple[Part, ...]

    def embed(self, matrix: Matrix, qubits: Sequence[int]) -> Matrix:
        """Return a matrix on some of the step's qubits as one on all of them."""
        if tuple(qubits) == self.qubits:
            return matrix
        other = PAULIS["I"]
        low_first = (matrix, other) if qubits[0] == self.qubits[0] else (other, matrix)
        return np.asarray(np.kron(low_first[1], low_first[0]), dtype=np.complex128)


def make_steps(instructions: Sequence[Instruction], num_qubits: int) -> tuple[Step, ...]:
    """Return a circuit's steps in order; every instruction but the barriers is in one of them."""
    waiting = {
        qubit: [Part(at=PREPARATION, qubits=(qubit,), matrix=PAULIS["I"])]
        for qubit in range(num_qubits)
    }
    steps: list[Step] = []
    for at, instruction in enumerate(instructions):
        qubits = instruction.qubits
        if instruction.name == "barrier":
            continue
        if instruction.name in ("measure", "reset"):
            steps += _flush(waiting, qubits[0])
            part = Part(at=at, qubits=qubits, matrix=PAULIS["I"])
            kind: Literal["measure", "reset"] = (
                "measure" if instruction.name == "measure" else "reset"
            )
            steps.append(Step(kind=kind, qubits=qubits, parts=(part,)))
            continue
        part = Part(at=at, qubits=qubits, matrix=gate_matrix(instruction))
        if len(qubits) == 1:
            waiting[qubits[0]].append(part)
        else:
            steps.append(_join(qubits, [waiting[q] for q in qubits], part))
            waiting |= {q: [] for q in qubits}
    for qubit in range(num_qubits):
        steps += _flush(waiting, qubit)
    return tuple(steps)


@cache
def pauli_matrix(letters: str) -> Matrix:
    """Return the Pauli of some letters, the first letter on the low bit."""
    matrix = np.eye(1, dtype=complex)
    for letter in letters:
        matrix = np.kron(PAULIS[letter], matrix)
    return matrix


def _flush(waiting: dict[int, list[Part]], qubit: int) -> Iterable[Step]:
    parts, waiting[qubit] = waiting[qubit], []
    if parts:
        yield Step(kind="unitary", qubits=(qubit,), parts=tuple(parts))


def _join(qubits: tuple[int, ...], sides: Sequence[Sequence[Part]], gate: Part) -> Step:
    step = Step(kind="unitary", qubits=qubits, parts=())
    before = [
        Part(at=part.at, qubits=part.qubits, matrix=step.embed(part.matrix, part.qubits))
        for side in sides
        for part in side
    ]
    return Step(kind="unitary", qubits=qubits, parts=(*before, gate))
