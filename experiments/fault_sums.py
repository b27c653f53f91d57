"""What faults become at the end of a circuit: sums of Paulis, exactly.

A fault that passes a rotation about an axis with which it anticommutes becomes a sum of two Paulis.
Terms that can no longer be accepted, because they flip a recorded value that no later rotation
touches, are left out on request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .lighten import Rest, lightened
from .pauli_frame import PauliFrame
from .pauli_sums import Pauli, PauliSums, Words, make_sums, merged, pack, rotated


def expand(
    frame: PauliFrame,
    starts: Sequence[int],
    paulis: Sequence[Pauli],
    *,
    rests: Sequence[Rest] = (),
    accepted_only: bool,
) -> PauliSums:
    """Return Paulis, each behind its first `starts` rotations, taken through the others.

    Args:
        frame: the circuit.
        starts: number of rotations in front of each Pauli.
        paulis: operators, pushed to the end of the circuit.
        rests: where terms may be multiplied by stabilisers of the noiseless state. The sums are
            then only right when they act on that state.
        accepted_only: leave out the terms that flip a recorded value.
    """
    begins = np.array(starts, dtype=np.int64)
    sums = make_sums(paulis, frame.num_columns)
    places = {rest.start: rest for rest in rests}
    for j, settled in enumerate(_settled(frame)):
        active = begins[sums.owners] <= j
        if accepted_only:
            kept = ~((sums.x & settled).any(axis=1) & active)
            sums, active = sums[kept], active[kept]
        if j == len(frame.rotations):
            break
        if j in places:
            sums = merged(lightened(sums, active, places[j], frame.num_columns))
            active = begins[sums.owners] <= j
        rotation, size = frame.rotations[j], len(sums)
        axis = make_sums([rotation.axis], frame.num_columns)
        sums = rotated(sums, axis, rotation.angle, active)
        if len(sums) > size:
            sums = merged(sums)
    return sums


def _settled(frame: PauliFrame) -> Iterator[Words]:
    """Yield, for each number of rotations passed, the record columns that no later one touches."""
    touched, columns = 0, ((1 << frame.num_bits) - 1) << frame.num_wires
    masks = [columns]
    for rotation in reversed(frame.rotations):
        touched |= rotation.axis.x
        masks.append(columns & ~touched)
    return (pack([mask], frame.num_columns)[0] for mask in reversed(masks))
