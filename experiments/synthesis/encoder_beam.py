"""A beam search from an encoded state towards a product state, one CX at a time, backwards.

A state of the search is a column of bits for each qubit (see `encoders`); CX(a, b) adds the column
of a to that of b. Its distance from a product is the number of columns that are not zero plus the
entanglement across cuts of the patch. Of all states after as many CX the best are kept; the search
stops when the distance has not become less for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Columns = NDArray[np.uint64]
"""A column for each qubit, shape (states, qubits): bit 0 is logical X, bit 1 + f is face f."""

LOGICAL = np.uint64(1)
UNUSED = -1

_Steps = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
"""After each CX: the parent of every state kept and the number of its CX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderProblem:
    """What an encoder has to make, and with what.

    Attributes:
        links: (control, target) of every CX that may be used.
        columns: of the encoded state, shape (qubits,).
        generators: number of bits of a column.
        cuts: qubits on one side of each cut, shape (cuts, qubits).
    """

    links: tuple[tuple[int, int], ...]
    columns: Columns
    generators: int
    cuts: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """How to search.

    Attributes:
        width: states kept after each gate.
        patience: gates without a better state after which to give up.
        waiting_weight: cost of a qubit that waits for one layer, in CX.
        noise: size of the random part of the cost by which states are kept, in CX.
        overtime: gates that a longer encoder may have if it waits less.
        seed: of the random part.
    """

    width: int
    patience: int = 45
    waiting_weight: float = 0.1
    noise: float = 0.5
    overtime: int = 4
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Place:
    """One state, and the way from the encoded state to it.

    Attributes:
        columns: shape (qubits,).
        free: layers from the end at which each qubit is free, shape (qubits,); -1: not yet used.
        waiting: layers that qubits waited, summed.
        links: (control, target) of the CX, in the order in which an encoder has them.
        is_product: an encoder can start here.
    """

    columns: Columns
    free: NDArray[np.int64]
    waiting: int
    links: tuple[tuple[int, int], ...]
    is_product: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _States:
    """States of the beam side by side, going backwards.

    Attributes:
        columns: shape (states, qubits).
        free: layers from the end at which each qubit is free, the same shape; -1: not yet used.
        waiting: shape (states,).
        marks: hashes of the columns, shape (states,).
        entangled: across each cut, shape (states, cuts).
    """

    columns: Columns
    free: NDArray[np.int64]
    waiting: NDArray[np.int64]
    marks: NDArray[np.uint64]
    entangled: NDArray[np.int64]


def descend(problem: EncoderProblem, beam: Beam, start: Place, rng: np.random.Generator) -> Place:
    """Return the cheapest product that the beam meets, or else the nearest state to one."""
    salts = rng.integers(0, 2**64, len(start.columns), np.uint64)
    states = _only(problem, start)
    seen = states.marks
    steps: _Steps = []
    nearest, place, product = _distances(states)[0], start, None
    rest = beam.patience
    while rest > 0:
        rest -= 1
        states, *step = _next_states(problem, beam, states, salts, seen, rng)
        if not len(states.columns):
            break
        seen = np.union1d(seen, states.marks)
        steps.append((step[0], step[1]))
        distances = _distances(states)
        if product is None and distances.min() < nearest:
            nearest, rest = distances.min(), beam.patience
            place = _read_place(problem, start, states, steps, int(distances.argmin()))
        for i in np.flatnonzero(_is_product(problem, states)):
            found = _read_place(problem, start, states, steps, int(i))
            if product is None:
                rest = beam.overtime
            if product is None or _cost(beam, found) < _cost(beam, product):
                product = found
    return product or place


def _cost(beam: Beam, place: Place) -> float:
    return len(place.links) + beam.waiting_weight * place.waiting


def _only(problem: EncoderProblem, place: Place) -> _States:
    columns = place.columns[np.newaxis]
    entangled = [_entanglement(columns, cut, problem.generators) for cut in problem.cuts]
    return _States(
        columns=columns,
        free=place.free[np.newaxis],
        waiting=np.array([place.waiting]),
        marks=np.zeros(1, np.uint64),
        entangled=np.stack(entangled, axis=1),
    )


def _distances(states: _States) -> NDArray[np.int64]:
    distances: NDArray[np.int64] = np.count_nonzero(states.columns, axis=1)
    return distances + states.entangled.sum(1)


def _next_states(
    problem: EncoderProblem,
    beam: Beam,
    states: _States,
    salts: NDArray[np.uint64],
    seen: NDArray[np.uint64],
    rng: np.random.Generator,
) -> tuple[_States, NDArray[np.intp], NDArray[np.intp]]:
    """Return the best states one CX further back, each with its parent and its CX."""
    links = np.array(problem.links)
    parents, moves = np.nonzero(states.columns[:, links[:, 0]])
    control, target = links[moves].T
    old = states.columns[parents, target]
    new = old ^ states.columns[parents, control]
    marks = states.marks[parents] + _mark(new, salts[target]) - _mark(old, salts[target])
    fresh = ~np.isin(marks, seen)
    parents, moves, marks = parents[fresh], moves[fresh], marks[fresh]
    free, waiting = _schedule(states, parents, links[moves])
    _, first, which = np.unique(marks, return_index=True, return_inverse=True)
    columns = states.columns[parents[first]]
    columns[np.arange(len(first)), target[fresh][first]] = new[fresh][first]
    entangled = _updated(problem, states.entangled[parents[first]], columns, links[moves[first]])
    far = np.count_nonzero(columns, axis=1) + entangled.sum(1)
    score = far[which] + beam.waiting_weight * waiting + beam.noise * rng.random(len(parents))
    order = np.argsort(score, kind="stable")
    _, cheapest = np.unique(which[order], return_index=True)
    kept = order[np.sort(cheapest)[: beam.width]]
    chosen = _States(
        columns=columns[which[kept]],
        free=free[kept],
        waiting=waiting[kept],
        marks=marks[kept],
        entangled=entangled[which[kept]],
    )
    return chosen, parents[kept], moves[kept]


def _schedule(
    states: _States, parents: NDArray[np.intp], links: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `free` and `waiting` after one more CX each."""
    rows = np.arange(len(parents))[:, np.newaxis]
    free = states.free[parents]
    ready = free[rows, links]
    layer = np.maximum(ready.max(1, keepdims=True), 0)
    waited = np.where(ready == UNUSED, 0, layer - ready).sum(1)
    free[rows, links] = layer + 1
    return free, states.waiting[parents] + waited


def _updated(
    problem: EncoderProblem,
    entangled: NDArray[np.int64],
    columns: Columns,
    links: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the entanglement of new states; a CX changes it across the cuts between its qubits."""
    for number, cut in enumerate(problem.cuts):
        crossed = cut[links[:, 0]] != cut[links[:, 1]]
        entangled[crossed, number] = _entanglement(columns[crossed], cut, problem.generators)
    return entangled


def _entanglement(columns: Columns, cut: NDArray[np.bool_], generators: int) -> NDArray[np.int64]:
    """Return the entanglement of |0> and |+> encoded across a cut, summed, in bits."""
    one, other = (_ranks(columns[:, side], generators) for side in (cut, ~cut))
    total: NDArray[np.int64] = (one + other).sum(1) - (2 * generators - 1)
    return total


def _ranks(columns: Columns, generators: int) -> NDArray[np.int64]:
    """Return the ranks of some columns without and with logical X, shape (states, 2)."""
    left = columns.copy()
    rank = np.zeros((len(left), 2), np.int64)
    if not left.size:
        return rank
    for bit in reversed(range(generators)):
        has = (left >> np.uint64(bit) & LOGICAL).astype(bool)
        found = has.any(1)
        pivot = np.where(found, left[np.arange(len(left)), has.argmax(1)], np.uint64(0))
        left ^= np.where(has, pivot[:, np.newaxis], np.uint64(0))
        rank[:, 0] += found & (bit > 0)
        rank[:, 1] += found
    return rank


def _mark(column: Columns, salt: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of the columns of some qubits (the finaliser of splitmix64)."""
    mixed = column * np.uint64(0x9E3779B97F4A7C15) + salt
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ mixed >> np.uint64(31))


def _is_product(problem: EncoderProblem, states: _States) -> NDArray[np.bool_]:
    few = np.count_nonzero(states.columns, axis=1) == problem.generators
    both: NDArray[np.bool_] = few & (states.columns == LOGICAL).any(1)
    return both


def _read_place(
    problem: EncoderProblem, start: Place, states: _States, steps: _Steps, state: int
) -> Place:
    links = []
    at = state
    for parents, moves in reversed(steps):
        links.append(problem.links[int(moves[at])])
        at = int(parents[at])
    return Place(
        columns=states.columns[state],
        free=states.free[state],
        waiting=int(states.waiting[state]),
        links=(*links, *start.links),
        is_product=bool(_is_product(problem, states)[state]),
    )
