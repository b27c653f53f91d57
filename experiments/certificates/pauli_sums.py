"""Sums of Pauli operators, many side by side, as packed arrays.

A Pauli operator is i^k X^x Z^z with x and z bit masks: Python integers where one is handled
(`Pauli`), rows of 64-bit words where millions are (`PauliSums`). Bits of x without a partner in z
serve as labels that add up modulo 2, such as the flips of a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

NEGLIGIBLE = 1e-12
"""Weight below which a term is rounding; real ones are products of cos(pi/4) and sin(pi/4)."""

_WORD = 64
_SEED = 20201109  # of the hash that finds equal rows; equality is checked


@dataclass(frozen=True, slots=True)
class Pauli:
    """The operator i^power X^x Z^z; bit q of x and z is qubit q."""

    x: int
    z: int
    power: int = 0

    def __mul__(self, other: Pauli) -> Pauli:
        """Return the operator product, `self` applied last."""
        swaps = (self.z & other.x).bit_count()
        return Pauli(self.x ^ other.x, self.z ^ other.z, (self.power + other.power + 2 * swaps) % 4)

    def anticommutes(self, other: Pauli) -> bool:
        """Whether the two operators anticommute."""
        return ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) % 2 == 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PauliSums:
    """Several sums of Paulis; row r is the term `weights[r]` X^x Z^z of the sum `owners[r]`.

    Attributes:
        owners: int64, shape (rows,).
        x, z: uint64, shape (rows, words); bit q is bit q % 64 of word q // 64.
        weights: complex128, shape (rows,).
    """

    owners: NDArray[np.int64]
    x: Words
    z: Words
    weights: NDArray[np.complex128]

    def __len__(self) -> int:
        return len(self.owners)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> PauliSums:
        """Return some of the rows."""
        return PauliSums(
            owners=self.owners[rows], x=self.x[rows], z=self.z[rows], weights=self.weights[rows]
        )


def pack(masks: Sequence[int], num_bits: int) -> Words:
    """Return bit masks as rows of words, shape (masks, words)."""
    size = 8 * max(1, -(-num_bits // _WORD))
    data = b"".join(mask.to_bytes(size, "little") for mask in masks)
    return np.frombuffer(data, dtype="<u8").reshape(len(masks), size // 8).astype(np.uint64)


def make_sums(
    paulis: Sequence[Pauli], num_bits: int, owners: Sequence[int] | None = None
) -> PauliSums:
    """Return one sum of a single term for each Pauli, owned by its place or by `owners`."""
    return PauliSums(
        owners=np.array(range(len(paulis)) if owners is None else owners, dtype=np.int64),
        x=pack([pauli.x for pauli in paulis], num_bits),
        z=pack([pauli.z for pauli in paulis], num_bits),
        weights=np.array([1j**pauli.power for pauli in paulis], dtype=np.complex128),
    )


def join(parts: Sequence[PauliSums]) -> PauliSums:
    """Return the rows of several parts together."""
    return PauliSums(
        owners=np.concatenate([part.owners for part in parts]),
        x=np.concatenate([part.x for part in parts]),
        z=np.concatenate([part.z for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def odd(words: Words, mask: Words) -> NDArray[np.bool_]:
    """Return, for each row, whether an odd number of its bits are in the mask."""
    used = np.flatnonzero(mask)
    counts = np.bitwise_count(words[:, used] & mask[used])
    return np.asarray(counts.sum(axis=1) % 2 == 1)


def odd_overlap(first: Words, second: Words) -> NDArray[np.bool_]:
    """Return, row by row, whether two sets of masks share an odd number of bits."""
    return np.asarray(np.bitwise_count(first & second).sum(axis=1) % 2 == 1)


def anticommuting(sums: PauliSums, pauli: PauliSums) -> NDArray[np.bool_]:
    """Return which rows anticommute with a Pauli, given as sums of one row."""
    return odd(sums.z, pauli.x[0]) ^ odd(sums.x, pauli.z[0])


def multiplied(pauli: PauliSums, sums: PauliSums, *, from_right: bool = False) -> PauliSums:
    """Return a Pauli, given as sums of one row, times every row; or every row times it."""
    swaps = odd(sums.z, pauli.x[0]) if from_right else odd(sums.x, pauli.z[0])
    return PauliSums(
        owners=sums.owners,
        x=sums.x ^ pauli.x[0],
        z=sums.z ^ pauli.z[0],
        weights=sums.weights * np.where(swaps, -1.0, 1.0) * pauli.weights[0],
    )


def rotated(
    sums: PauliSums, axis: PauliSums, angle: float, active: NDArray[np.bool_] | None = None
) -> PauliSums:
    """Return exp(-i angle axis / 2) P exp(+i angle axis / 2) for every active row P."""
    turned = anticommuting(sums, axis)
    if active is not None:
        turned &= active
    if not turned.any():
        return sums
    partner = multiplied(axis, sums[turned])
    kept = np.where(turned, cos(angle), 1.0)
    return join(
        [
            PauliSums(owners=sums.owners, x=sums.x, z=sums.z, weights=sums.weights * kept),
            PauliSums(
                owners=partner.owners,
                x=partner.x,
                z=partner.z,
                weights=partner.weights * (-1j * sin(angle)),
            ),
        ]
    )


def merged(sums: PauliSums) -> PauliSums:
    """Return the same sums with equal terms added up and vanishing ones left out."""
    if not len(sums):
        return sums
    keys = row_hashes(np.hstack([sums.owners[:, None].view(np.uint64), sums.x, sums.z]))
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    same = first[group]
    if (sums.x[same] != sums.x).any() or (sums.z[same] != sums.z).any():
        raise AssertionError("two different Pauli rows share a 64-bit hash")  # one in 10^9 runs
    weights = np.zeros(len(first), dtype=np.complex128)
    np.add.at(weights, group, sums.weights)
    alive = abs(weights) > NEGLIGIBLE
    chosen = first[alive]
    return PauliSums(
        owners=sums.owners[chosen], x=sums.x[chosen], z=sums.z[chosen], weights=weights[alive]
    )


def row_hashes(words: Words) -> Words:
    """Return a 64-bit hash of each row of words."""
    rng = np.random.default_rng(_SEED)
    factors: Words = np.asarray(rng.integers(1, 2**63, size=words.shape[1], dtype=np.uint64))
    factors |= np.uint64(1)
    hashed = np.zeros(len(words), dtype=np.uint64)
    for i in range(words.shape[1]):
        hashed = (hashed ^ words[:, i]) * factors[i]
        hashed ^= hashed >> np.uint64(29)
    return hashed
