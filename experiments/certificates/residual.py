"""What a Pauli at the end of a circuit leaves: flips, a syndrome and a logical operator.

On the code space X^x Z^z is, up to stabilisers, a sign times C X_L^a Z_L^b, where C is the ideal
decoder's correction for the syndrome of x and z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from ..colour_code import ColourCode
from ..measures import Measure
from .lightest import corrections
from .pauli_frame import PauliFrame
from .pauli_sums import PauliSums, Words, odd, pack, row_hashes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Residuals:
    """The rows of some Pauli sums, sorted out.

    Attributes:
        owners: sum of each row.
        elsewhere: x on everything but the data: flips of the record and of other wires.
        z_syndromes, x_syndromes: bit f for the Z (X) check of face f.
        logical: a + 2b of X_L^a Z_L^b.
        weights: of C X_L^a Z_L^b, signs included.
    """

    owners: NDArray[np.int64]
    elsewhere: Words
    z_syndromes: NDArray[np.int64]
    x_syndromes: NDArray[np.int64]
    logical: NDArray[np.int64]
    weights: NDArray[np.complex128]

    def outcomes(self) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
        """Return the distinct ways to end, and the amplitudes of |H> and its orthogonal in each.

        Rows of one sum with the same flips and syndromes interfere; different ones exclude each
        other.

        Returns:
            first: a row of each outcome, shape (outcomes,).
            amplitudes: shape (outcomes, 2), of C|H> and C|H_perp>.
        """
        keys = np.hstack(
            [
                np.stack([self.owners, self.z_syndromes, self.x_syndromes], axis=1).view(np.uint64),
                self.elsewhere,
            ]
        )
        _, first, group = np.unique(row_hashes(keys), return_index=True, return_inverse=True)
        if (keys[first[group]] != keys).any():
            raise AssertionError("two different outcomes share a 64-bit hash")  # one in 10^9 runs
        amplitudes = np.zeros((len(first), 2), dtype=np.complex128)
        np.add.at(amplitudes, group, self.weights[:, None] * _logical_states()[self.logical])
        return first, amplitudes


def residuals(
    frame: PauliFrame, code: ColourCode, values: Sequence[int], sums: PauliSums
) -> Residuals:
    """Return the rows of Pauli sums at the end of a circuit, acting on its noiseless state.

    Args:
        frame: the circuit.
        code: the code.
        values: noiseless value of each wire at its end.
        sums: rows to sort out.
    """
    x, z = (_on_data(words, frame.data) for words in (sums.x, sums.z))
    table = corrections(code)
    z_syndromes, x_syndromes = _syndromes(x, code), _syndromes(z, code)
    x_left, z_fix = x ^ table[z_syndromes], table[x_syndromes]
    ones = sum(1 << wire for wire, value in enumerate(values) if value)
    minus = odd(sums.z, pack([ones], frame.num_columns)[0]) ^ _odd(x_left & z_fix)
    data = sum(1 << wire for wire in frame.data)
    others = (1 << frame.num_columns) - 1 ^ data
    return Residuals(
        owners=sums.owners,
        elsewhere=sums.x & pack([others], frame.num_columns)[0],
        z_syndromes=z_syndromes,
        x_syndromes=x_syndromes,
        logical=_odd(x_left) + 2 * _odd(z ^ z_fix).astype(np.int64),
        weights=sums.weights * np.where(minus, -1.0, 1.0),
    )


def seen(found: Residuals, basis: Measure) -> NDArray[np.bool_]:
    """Return, for each row, whether the face parities that the readout tells are wrong.

    Args:
        found: the rows.
        basis: X, Y or Z: the faces of that kind. H_ideal: those of X and of Z. Not H, which tells
            none.
    """
    syndromes = {"Z": found.z_syndromes, "X": found.x_syndromes}
    syndromes["Y"] = found.z_syndromes ^ found.x_syndromes
    syndromes["H_ideal"] = found.z_syndromes | found.x_syndromes
    return np.asarray(syndromes[basis] != 0)


@cache
def _logical_states() -> NDArray[np.float64]:
    """Return the amplitudes of |H> and |H_perp> in X^a Z^b |H>, row a + 2b; shape (4, 2)."""
    state = np.array([cos(pi / 8), sin(pi / 8)])
    basis = np.array([state, [-state[1], state[0]]])
    x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    return np.array([basis @ a @ b @ state for b in (np.eye(2), z) for a in (np.eye(2), x)])


def _on_data(words: Words, data: Sequence[int]) -> NDArray[np.int64]:
    """Return the bits of the data's wires as one mask a row, bit i for data qubit i."""
    masks = np.zeros(len(words), dtype=np.int64)
    for i, wire in enumerate(data):
        bit = (words[:, wire // 64] >> np.uint64(wire % 64)) & np.uint64(1)
        masks |= bit.astype(np.int64) << i
    return masks


def _syndromes(masks: NDArray[np.int64], code: ColourCode) -> NDArray[np.int64]:
    found = np.zeros(len(masks), dtype=np.int64)
    for f, face in enumerate(code.faces):
        found |= _odd(masks & sum(1 << q for q in face)).astype(np.int64) << f
    return found


def _odd(masks: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(np.bitwise_count(masks) % 2 == 1)
