"""Exact state vectors: gates, Paulis and projections on batches of vectors.

Arrays have shape (2^n, m): m vectors side by side, qubit q being bit q of the first index.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .instructions import Instruction

Vectors = NDArray[np.complex128]

_SQRT_HALF = math.sqrt(0.5)
_SX = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
_ONE_QUBIT = {
    "h": np.array([[1, 1], [1, -1]], dtype=complex) * _SQRT_HALF,
    "s": np.diag([1, 1j]),
    "sdg": np.diag([1, -1j]),
    "sx": _SX,
    "x": np.array([[0, 1], [1, 0]], dtype=complex),
    "delay": np.eye(2, dtype=complex),
}
PAULIS = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]).astype(complex),
}
_TWO_QUBIT = {
    # index = first qubit + 2 * second qubit
    "cx": np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], dtype=complex),
    "cz": np.diag([1, 1, 1, -1]).astype(complex),
    "ecr": np.array([[0, 1, 0, 1j], [1, 0, -1j, 0], [0, 1j, 0, 1], [-1j, 0, 1, 0]]) * _SQRT_HALF,
}


def gate_matrix(instruction: Instruction) -> NDArray[np.complex128]:
    """Return the 2x2 or 4x4 matrix of a gate or delay, the first qubit the low bit.

    Raises:
        ValueError: a gate that is not known here.
    """
    name = instruction.name
    if name == "rz":
        half = cmath.exp(0.5j * instruction.params[0])
        return np.diag([half.conjugate(), half])
    if name == "ry":
        c, s = math.cos(instruction.params[0] / 2), math.sin(instruction.params[0] / 2)
        return np.array([[c, -s], [s, c]], dtype=complex)
    if name in _ONE_QUBIT:
        return _ONE_QUBIT[name]
    if name in _TWO_QUBIT:
        return _TWO_QUBIT[name]
    raise ValueError(f"no matrix for instruction {name!r}")


def apply_matrix(
    vectors: Vectors, matrix: NDArray[np.complex128], qubits: Sequence[int]
) -> Vectors:
    """Return a one- or two-qubit matrix applied to every vector."""
    rows = block_indices(vectors.shape[0], qubits)
    result = np.empty_like(vectors)
    for out, row in enumerate(rows):
        terms = [(w, rows[j]) for j, w in enumerate(matrix[out]) if w != 0]
        result[row] = sum(weight * vectors[there] for weight, there in terms) if terms else 0
    return result


def block_indices(size: int, qubits: Sequence[int]) -> NDArray[np.int64]:
    """Return, for each value of some qubits (first qubit low), the state indices that have it.

    Shape (2^k, size / 2^k); the rest of the bits runs the same way in every row.
    """
    mask = sum(1 << q for q in qubits)
    rest = np.arange(size)
    rest = rest[rest & mask == 0]
    values = [
        sum(((v >> i) & 1) << q for i, q in enumerate(qubits)) for v in range(1 << len(qubits))
    ]
    indices: NDArray[np.int64] = rest + np.array(values)[:, None]
    return indices


def zero_state(num_qubits: int) -> Vectors:
    """Return |0...0>, shape (2^n, 1)."""
    state = np.zeros((1 << num_qubits, 1), dtype=complex)
    state[0, 0] = 1
    return state
