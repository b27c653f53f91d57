"""Exact state vectors, side by side: shape (2^n, m), qubit q being bit q of the first index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.complex128]


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
