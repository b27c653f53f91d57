"""The matrices of gates and Paulis."""

from __future__ import annotations

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from ..instructions import Instruction

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
