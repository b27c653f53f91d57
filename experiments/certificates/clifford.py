"""What Clifford gates make of Paulis."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product
from math import pi

import numpy as np

from ..errors import HexmagicError
from ..instructions import Instruction
from .gate_matrices import PAULIS, gate_matrix
from .pauli_sums import Pauli
from .steps import Matrix

_EXACT = 1e-9


def gate_images(instruction: Instruction) -> tuple[Pauli, ...]:
    """Return U P U^-1 for P = X, Z of a gate's first qubit, then X, Z of its second.

    Bit i of the result's masks is the gate's i-th qubit.

    Raises:
        HexmagicError: the gate is not Clifford.
    """
    return _images(gate_matrix(instruction).tobytes(), len(instruction.qubits))


def matrix_images(matrix: Matrix) -> tuple[Pauli, ...]:
    """Return the same for a 2x2 or 4x4 matrix."""
    return _images(matrix.tobytes(), 1 if len(matrix) == 2 else 2)


@cache
def quarter_turns(name: str, turns: int) -> tuple[Pauli, ...]:
    """Return the same for rz or ry by a number of right angles."""
    return gate_images(
        Instruction(name=name, params=(turns * pi / 2,), qubits=(0,), bits=(), gadget="")
    )


@cache
def _images(data: bytes, num_qubits: int) -> tuple[Pauli, ...]:
    """Return U P U^-1 for P = X, Z of the first qubit, X, Z of the second; U given as bytes.

    Raises:
        HexmagicError: U is not a Clifford gate.
    """
    unitary = np.frombuffer(data, dtype=complex).reshape((1 << num_qubits,) * 2)
    found = []
    for slot in range(num_qubits):
        for letter in "XZ":
            before = _operator({slot: letter}, num_qubits)
            found.append(_as_pauli(unitary @ before @ unitary.conj().T, num_qubits))
    return tuple(found)


def _as_pauli(matrix: Matrix, num_qubits: int) -> Pauli:
    for letters in product("IXYZ", repeat=num_qubits):
        operator = _operator(dict(enumerate(letters)), num_qubits)
        overlap = np.trace(operator @ matrix).real / len(matrix)
        if abs(abs(overlap) - 1) < _EXACT:
            x = sum(1 << slot for slot, letter in enumerate(letters) if letter in "XY")
            z = sum(1 << slot for slot, letter in enumerate(letters) if letter in "YZ")
            return Pauli(x, z, (letters.count("Y") + (2 if overlap < 0 else 0)) % 4)
    raise HexmagicError("a gate that is neither Clifford nor a rotation about Y or Z")


def _operator(letters: Mapping[int, str], num_qubits: int) -> Matrix:
    matrix = np.eye(1, dtype=complex)
    for slot in range(num_qubits):
        matrix = np.kron(PAULIS[letters.get(slot, "I")], matrix)
    return matrix
