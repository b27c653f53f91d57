"""Search for encoders of few CX: from the encoded state back to a product state.

An encoder of CX alone, with |+> on some qubits and |0> on the others, is known from what it does
to X: the X faces and the logical X of the code are products over qubits, so every qubit has a
column of bits that says in which of these generators it takes part. Backwards, CX(a, b) adds the
column of a to that of b. The state is a product, and the search done, when as many columns are
left as there are generators and one of them holds logical X alone: there the state enters, the
others start in |+>. Which generators are chosen for the code space makes no difference.

How far a state is from that is judged by the entanglement across cuts of the patch by straight
lines, of |0> and of |+> encoded, which a CX changes by one at most (`encoder_beam`).
At d = 3 this finds the least number of CX, 29, in a second. At d = 7 too many CX far from each
other could come next: the beam fills with their orders and gets no further. There it sweeps: only
CX in a window may be used, which moves on, from one corner to the opposite side, whenever nothing
improves any more. What is left in the end is judged by cuts around each qubit as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..block import Gate, cx
from ..patch import Patch
from .encoder_beam import LOGICAL, UNUSED, Beam, EncoderProblem, Place, descend


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How a sweep goes: height of the window and of its steps, in edges of the honeycomb."""

    height: float
    step: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """An encoder: the state enters on `entry`, `plus` start in |+>, the others in |0>.

    Attributes:
        links: (control, target) of its CX, in order.
        waiting: layers that its qubits wait, summed, when every gate comes as late as possible; a
            data qubit waits until the last gate of all, an ancilla until its own.
    """

    entry: int
    plus: tuple[int, ...]
    links: tuple[tuple[int, int], ...]
    waiting: int

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The circuit that encodes |H>."""
        start: tuple[Gate, ...] = (("a", self.entry), *(("h", qubit) for qubit in self.plus))
        return start + tuple(cx(*link) for link in self.links)


def search_encoder(patch: Patch, beam: Beam, window: Window | None = None) -> Encoder | None:
    """Return the cheapest encoder that the search meets; None if it meets none.

    The same arguments give the same encoder.

    Raises:
        ValueError: the patch has no code.
    """
    problem = make_encoder_problem(patch)
    rng = np.random.default_rng(beam.seed)
    place = Place(
        columns=problem.columns,
        free=np.where(problem.columns, 0, UNUSED),
        waiting=0,
        links=(),
        is_product=False,
    )
    for stage in _stages(patch, problem, window):
        place = descend(stage, beam, place, rng)
        if place.is_product:
            return _read_encoder(place)
    return None


def make_encoder_problem(patch: Patch) -> EncoderProblem:
    """Return the problem of encoding a patch's code.

    Raises:
        ValueError: the patch has no code.
    """
    if patch.code is None:
        raise ValueError(f"patch {patch.name}: has no code to encode")
    columns = np.zeros(patch.num_qubits, np.uint64)
    columns[list(patch.data)] = LOGICAL
    for bit, face in enumerate(patch.code.faces, start=1):
        columns[[patch.data[q] for q in face]] |= np.uint64(1 << bit)
    return EncoderProblem(
        links=tuple(link for a, b in patch.edges for link in ((a, b), (b, a))),
        columns=columns,
        generators=1 + len(patch.code.faces),
        cuts=_straight_cuts(patch),
    )


def _stages(
    patch: Patch, problem: EncoderProblem, window: Window | None
) -> Iterator[EncoderProblem]:
    """Yield the problem, or the problems of a sweep: its windows, then all, with other cuts too."""
    if window is None:
        yield problem
        return
    heights = np.array(patch.positions)[:, 1]
    upper, lowest = heights.max(), heights.min()
    while upper - window.height > lowest:
        inside = (heights <= upper + 1e-6) & (heights >= upper - window.height - 1e-6)
        yield replace(
            problem, links=tuple((a, b) for a, b in problem.links if inside[a] and inside[b])
        )
        upper -= window.step
    around = np.array(_round_cuts(patch))
    for cuts in (problem.cuts, around, np.concatenate([problem.cuts, around])) * 3:
        yield replace(problem, cuts=cuts)


def _straight_cuts(patch: Patch) -> NDArray[np.bool_]:
    """Return every way to part the qubits by a line along one of three lattice directions."""
    cuts: dict[bytes, NDArray[np.bool_]] = {}
    for angle in np.radians([90, 210, 330]):
        heights = np.array(patch.positions) @ [np.cos(angle), np.sin(angle)]
        for height in np.unique(heights.round(6))[:-1]:
            below = heights.round(6) <= height
            cuts.setdefault(np.where(below[0], below, ~below).tobytes(), below)
    return np.array(list(cuts.values()))


def _round_cuts(patch: Patch) -> list[NDArray[np.bool_]]:
    """Return cuts around every qubit, at one and at two edges of the honeycomb."""
    places = np.array(patch.positions)
    distances = np.linalg.norm(places[:, np.newaxis] - places, axis=-1)
    return [near < radius for radius in (1.1, 2.1) for near in distances]


def _read_encoder(place: Place) -> Encoder:
    entry = int(np.flatnonzero(place.columns == LOGICAL)[0])
    return Encoder(
        entry=entry,
        plus=tuple(q for q in np.flatnonzero(place.columns).tolist() if q != entry),
        links=place.links,
        waiting=place.waiting,
    )
