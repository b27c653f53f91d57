"""The code space seen from outside: every correctable error times both logical states."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from .colour_code import Basis, ColourCode
from .statevector import Vectors


@dataclass(frozen=True, kw_only=True)
class LogicalFrame:
    """An orthonormal basis of the data's space: correction C_s times |H> or its orthogonal.

    Attributes:
        vectors: shape (2^n, 2 * 4^faces); column 2s is C_s |H>, column 2s + 1 is C_s |H_perp>.
        z_syndromes, x_syndromes: outcome bits of the Z and X faces of syndrome s, one integer
            each, bit f for face f.
    """

    vectors: Vectors
    z_syndromes: NDArray[np.int64]
    x_syndromes: NDArray[np.int64]

    def seen(self, basis: Basis) -> NDArray[np.bool_]:
        """Return, for each syndrome, whether a readout in `basis` sees it."""
        parts = {"Z": self.z_syndromes, "X": self.x_syndromes}
        parts["Y"] = parts["Z"] ^ parts["X"]
        seen: NDArray[np.bool_] = parts[basis] != 0
        return seen


def make_logical_frame(code: ColourCode) -> LogicalFrame:
    """Return the frame of a code small enough for a state vector.

    C_s is a minimum-weight correction of the X and of the Z errors separately: ideal decoding.
    """
    n, faces = code.num_data, len(code.faces)
    zero, one = _logical_zero_one(code)
    up = cos(pi / 8) * zero + sin(pi / 8) * one
    down = -sin(pi / 8) * zero + cos(pi / 8) * one
    flips = _corrections(code)
    columns, z_syndromes, x_syndromes = [], [], []
    index = np.arange(1 << n)
    for z_syndrome in range(1 << faces):
        for x_syndrome in range(1 << faces):
            signs = 1 - 2 * (np.bitwise_count(index & flips[x_syndrome]) % 2).astype(np.int64)
            for state in (up, down):
                columns.append((signs * state)[index ^ flips[z_syndrome]])
            z_syndromes.append(z_syndrome)
            x_syndromes.append(x_syndrome)
    return LogicalFrame(
        vectors=np.stack(columns, axis=1).astype(complex),
        z_syndromes=np.array(z_syndromes),
        x_syndromes=np.array(x_syndromes),
    )


def _logical_zero_one(code: ColourCode) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    index = np.arange(1 << code.num_data)
    zero = (index == 0).astype(float)
    for face in code.faces:
        zero = zero + zero[index ^ _mask(face)]
    zero /= np.linalg.norm(zero)
    return zero, zero[index ^ _mask(range(code.num_data))]


def _corrections(code: ColourCode) -> list[int]:
    """Return, for each syndrome, the mask of a lightest set of qubits that causes it."""
    found: dict[int, int] = {}
    for weight in range(code.num_data + 1):
        for qubits in combinations(range(code.num_data), weight):
            mask = _mask(qubits)
            syndrome = sum(
                ((mask & _mask(face)).bit_count() & 1) << f for f, face in enumerate(code.faces)
            )
            found.setdefault(syndrome, mask)
        if len(found) == 1 << len(code.faces):
            break
    return [found[syndrome] for syndrome in range(1 << len(code.faces))]


def _mask(qubits: range | tuple[int, ...]) -> int:
    return sum(1 << q for q in qubits)
