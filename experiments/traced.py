"""Faults of a circuit that leaves an ancilla unread, such as the baseline `encoded`.

What is left on such an ancilla is nobody's business: every value of it counts. The backward sweep
of the certificate would need each final state once for every value of the unread ancillas, so
here every fault is taken forwards instead, one by one, and the ancillas are summed over.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .faults import Fault
from .faulty_steps import FaultyStep
from .instructions import Instruction
from .statevector import Vectors, apply_matrix, zero_state
from .steps import Matrix

_NEGLIGIBLE = 1e-12
"""Norm below which a branch is rounding."""


def unread_qubits(instructions: Sequence[Instruction], num_qubits: int) -> tuple[int, ...]:
    """Return the qubits that are not measured at their end, sorted."""
    last = {q: i.name for i in instructions if i.name != "barrier" for q in i.qubits}
    return tuple(q for q in range(num_qubits) if last.get(q) != "measure")


def trace_faults(
    steps: Sequence[FaultyStep], states: Sequence[Vectors], final: Vectors, data: tuple[int, ...]
) -> tuple[dict[Fault, NDArray[np.float64]], NDArray[np.float64]]:
    """Return each fault's probabilities of the final states, and those of the noiseless run.

    Args:
        steps: the circuit, with every fault in it.
        states: the noiseless state in front of each step.
        final: shape (2^n, m): final states of the data, the ancillas in any one value.
        data: the data qubits.
    """
    places = _places(final.shape[0], data)
    wanted = np.sum([final[row] for row in places], axis=0).conj().T
    rows: dict[Fault, NDArray[np.float64]] = {}
    for i, (step, state) in enumerate(zip(steps, states, strict=True)):
        made = [(fault, matrix) for fault, matrices in step.faulty for matrix in matrices]
        if made:
            vectors = np.hstack([apply_matrix(state, matrix, step.qubits) for _, matrix in made])
            chances, owners = _chances(vectors, steps[i + 1 :], places, wanted)
            for k, (fault, _) in enumerate(made):
                rows[fault] = rows.get(fault, 0) + chances[owners == k].sum(axis=0)
    noiseless, _ = _chances(zero_state(int(np.log2(final.shape[0]))), steps, places, wanted)
    return rows, np.asarray(noiseless.sum(axis=0))


def _chances(
    vectors: Vectors,
    steps: Sequence[FaultyStep],
    places: NDArray[np.int64],
    wanted: Vectors,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the probabilities of the wanted states after some steps, a row for each branch."""
    vectors, owners = _carry(vectors, steps)
    chances = np.sum([abs(wanted @ vectors[row]) ** 2 for row in places], axis=0)
    return np.asarray(chances.T), owners


def _carry(vectors: Vectors, steps: Sequence[FaultyStep]) -> tuple[Vectors, NDArray[np.int64]]:
    """Return vectors after some steps, split by what resets erased, and where each came from."""
    owners = np.arange(vectors.shape[1])
    for step in steps:
        branches = [apply_matrix(vectors, matrix, step.qubits) for matrix in step.kraus]
        vectors = np.hstack(branches)
        owners = np.tile(owners, len(branches))
        if len(branches) > 1 or not _is_unitary(step.kraus[0]):
            alive = np.linalg.norm(vectors, axis=0) > _NEGLIGIBLE
            vectors, owners = vectors[:, alive], owners[alive]
    return vectors, owners


def _is_unitary(matrix: Matrix) -> bool:
    return bool(np.allclose(matrix @ matrix.conj().T, np.eye(len(matrix))))


def _places(size: int, data: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the state indices, a row for each value of the ancillas, a column for the data's."""
    index = np.arange(size)
    mask = sum(1 << q for q in data)
    spread = sum(((np.arange(1 << len(data)) >> i) & 1) << q for i, q in enumerate(data))
    places: NDArray[np.int64] = index[index & mask == 0][:, None] + spread
    return places
