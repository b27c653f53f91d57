"""What faults become at the end of a circuit: sums of Paulis, exactly.

A fault that passes a rotation about an axis with which it anticommutes becomes a sum of two Paulis.
Terms that can no longer be accepted, because they flip a recorded value that no later rotation
touches, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RefusedError
from .lighten import Rest, lightened
from .pauli_frame import PauliFrame
from .pauli_sums import Pauli, PauliSums, Words, make_sums, merged, odd_overlap, pack, rotated

Key = tuple[int, int, int]
"""(rotations in front, x, z) of a Pauli at the end of the circuit."""

MOST_TERMS = 5_000_000
"""Terms that are held at a time: a gigabyte or two."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kicks:
    """A Pauli for each of several runs of a circuit.

    Attributes:
        starts: number of rotations in front of each, shape (runs,).
        x, z: its masks, shape (runs, words).
    """

    starts: NDArray[np.int64]
    x: Words
    z: Words

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, runs: NDArray[np.int64] | slice) -> Kicks:
        """Return those of some of the runs."""
        return Kicks(starts=self.starts[runs], x=self.x[runs], z=self.z[runs])


def make_kicks(frame: PauliFrame, keys: Sequence[Key]) -> Kicks:
    """Return Paulis at the end of a circuit as the kicks of as many runs."""
    return Kicks(
        starts=np.array([start for start, _, _ in keys], dtype=np.int64),
        x=pack([x for _, x, _ in keys], frame.num_columns),
        z=pack([z for _, _, z in keys], frame.num_columns),
    )


def expand(frame: PauliFrame, kicks: Sequence[Kicks], *, rests: Sequence[Rest]) -> PauliSums:
    """Return what accepted runs leave at the end, each with a few kicks.

    Args:
        frame: the circuit.
        kicks: the first kick of each run, the second, and so on, in any order of time.
        rests: where terms may be multiplied by stabilisers of the noiseless state; the result is
            right when it acts on that state.

    Returns:
        sums owned by the runs' indices.

    Raises:
        RefusedError: more than MOST_TERMS terms at a time.
    """
    sums = make_sums([Pauli(0, 0)] * len(kicks[0]), frame.num_columns)
    places = {rest.start: rest for rest in rests}
    for j, settled in enumerate(_settled(frame)):
        for kick in kicks:
            sums = _kicked(sums, kick, kick.starts == j)
        sums = sums[~(_with_coming(sums, kicks, j) & settled).any(axis=1)]
        if j == len(frame.rotations):
            break
        if j in places:
            sums = merged(lightened(sums, places[j], frame.num_columns))
        rotation, size = frame.rotations[j], len(sums)
        sums = rotated(sums, make_sums([rotation.axis], frame.num_columns), rotation.angle)
        if len(sums) > size:
            sums = merged(sums)
        if len(sums) > MOST_TERMS:
            raise RefusedError(
                f"certificate: more than {MOST_TERMS} terms at a time; the circuit is too large"
            )
    return sums


def _kicked(sums: PauliSums, kick: Kicks, now: NDArray[np.bool_]) -> PauliSums:
    """Return the sums with the kicks of some runs applied, from the left."""
    rows = np.flatnonzero(now[sums.owners])
    if not len(rows):
        return sums
    owners = sums.owners[rows]
    x, z, weights = sums.x.copy(), sums.z.copy(), sums.weights.copy()
    weights[rows] *= np.where(odd_overlap(sums.x[rows], kick.z[owners]), -1.0, 1.0)
    x[rows] ^= kick.x[owners]
    z[rows] ^= kick.z[owners]
    return PauliSums(owners=sums.owners, x=x, z=z, weights=weights)


def _with_coming(sums: PauliSums, kicks: Sequence[Kicks], j: int) -> Words:
    """Return x of each row with the kicks that are still to come."""
    x = sums.x
    for kick in kicks:
        coming = (kick.starts > j)[sums.owners]
        x = x ^ np.where(coming[:, None], kick.x[sums.owners], np.uint64(0))
    return x


def _settled(frame: PauliFrame) -> tuple[Words, ...]:
    return tuple(pack([mask], frame.num_columns)[0] for mask in settled_columns(frame))


def settled_columns(frame: PauliFrame) -> tuple[int, ...]:
    """Return, for each number of rotations passed, the flips that no later rotation touches."""
    touched, columns = 0, ((1 << frame.num_bits) - 1) << frame.num_wires
    masks = [columns]
    for rotation in reversed(frame.rotations):
        touched |= rotation.axis.x
        masks.append(columns & ~touched)
    return tuple(reversed(masks))
