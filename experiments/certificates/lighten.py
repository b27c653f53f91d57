"""Fewer terms for the same fault: Paulis multiplied by stabilisers of the noiseless state.

P s does the same as P to a state that s stabilises. Of all such products the one is wanted that
anticommutes with the fewest of the rotations that follow, since each of these doubles its terms.
This saves time and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..colour_code import ColourCode
from .pauli_frame import PauliFrame
from .pauli_sums import Pauli, PauliSums, anticommuting, join, make_sums, multiplied
from .stabilisers import product_of

_ROWS = 20_000
"""Rows that are compared with all moves at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A moment with known stabilisers: behind the first `start` rotations.

    Attributes:
        moves: stabilisers of value +1, some of them products of others.
        axes: of the rotations that follow, one layer of them: at most 64.
    """

    start: int
    moves: tuple[Pauli, ...]
    axes: tuple[Pauli, ...]


def resting_places(frame: PauliFrame, code: ColourCode) -> tuple[Rest, ...]:
    """Return where terms can be lightened: in front of each H_m and in the middle of it.

    In front, the faces of the code are stabilisers. In the middle, between the two layers of
    rotations, it is what prepares H_m's ancillas: X of the GHZ state's root becomes X on all data.
    """
    found: dict[int, list[Pauli]] = {}
    for cut in frame.cuts:
        faces = [[cut.data[q] for q in face] for face in code.faces]
        pairs = [(product_of(cut, "X", face), product_of(cut, "Z", face)) for face in faces]
        single = [move for x, z in pairs for move in (x, z, x * z)]
        products = [a * b for a, b in combinations(single, 2)]
        found.setdefault(frame.rotations_before(cut.at), []).extend([*single, *products])
    for start in _middles(frame):
        found.setdefault(start, []).extend(_prepared(frame, start, code.num_data))
    return tuple(
        Rest(
            start=start,
            moves=tuple(moves),
            axes=tuple(r.axis for r in frame.rotations[start : start + code.num_data]),
        )
        for start, moves in sorted(found.items())
        if moves
    )


def lightened(sums: PauliSums, rest: Rest, num_columns: int) -> PauliSums:
    """Return the rows multiplied by stabilisers, where that lightens them."""
    rows = sums
    patterns = np.zeros(len(rows), dtype=np.uint64)
    for i, axis in enumerate(rest.axes):
        found = anticommuting(rows, make_sums([axis], num_columns))
        patterns |= found.astype(np.uint64) << np.uint64(i)
    moves = make_sums(rest.moves, num_columns)
    steps = np.array([_pattern(move, rest.axes) for move in rest.moves], dtype=np.uint64)
    done = [sums[:0]]
    while len(rows):
        best = _best_moves(patterns, steps)
        lighter = np.bitwise_count(patterns ^ steps[best]) < np.bitwise_count(patterns)
        done.append(rows[~lighter])
        rows, patterns, best = rows[lighter], patterns[lighter], best[lighter]
        parts, left = [], []
        for move in np.unique(best):
            chosen = best == move
            parts.append(multiplied(moves[np.array([move])], rows[chosen], from_right=True))
            left.append(patterns[chosen] ^ steps[move])
        if parts:
            rows, patterns = join(parts), np.concatenate(left)
    return join(done)


def _best_moves(patterns: NDArray[np.uint64], steps: NDArray[np.uint64]) -> NDArray[np.int64]:
    best = [
        np.argmin(np.bitwise_count(patterns[i : i + _ROWS, None] ^ steps), axis=1)
        for i in range(0, len(patterns), _ROWS)
    ]
    return np.concatenate(best)


def _middles(frame: PauliFrame) -> Iterator[int]:
    """Yield the number of rotations in front of each H_m's middle, where its outcome is certain."""
    for outcome in frame.outcomes:
        if outcome.role == "hadamard":
            end = frame.rotations_before(outcome.at)
            turned = (
                j for j in range(end) if frame.rotations[j].axis.anticommutes(outcome.observable)
            )
            yield max(turned, default=-1) + 1


def _prepared(frame: PauliFrame, start: int, layer: int) -> list[Pauli]:
    """Return Z of the ancillas at the last cut where it still holds, and matters, at `start`."""
    cut = max(
        (cut for cut in frame.cuts if frame.rotations_before(cut.at) <= start),
        key=lambda cut: cut.at,
        default=frame.begin,
    )
    before = frame.rotations[frame.rotations_before(cut.at) : start]
    after = frame.rotations[start : start + layer]
    return [
        z
        for wire, z in enumerate(cut.z)
        if wire not in cut.data
        and any(rotation.axis.anticommutes(z) for rotation in after)
        and not any(rotation.axis.anticommutes(z) for rotation in before)
    ]


def _pattern(pauli: Pauli, axes: tuple[Pauli, ...]) -> np.uint64:
    return np.uint64(sum(1 << i for i, axis in enumerate(axes) if pauli.anticommutes(axis)))
