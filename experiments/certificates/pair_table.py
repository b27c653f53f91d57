"""All pairs of faults of a circuit that may be accepted, as pairs of classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from .fault_classes import FaultClasses
from .fault_sums import Key, settled_columns
from .faults import Fault
from .pauli_frame import PauliFrame

Place = tuple[int, tuple[int, ...]]
"""Where a fault happens: index of the instruction, qubits. A place has one fault at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairTable:
    """Pairs of classes; the others flip a recorded value for certain.

    Two faults with the same rotations in front of them are two first ones, since Paulis commute up
    to a sign; otherwise one is the first and the other a later one.

    Attributes:
        earlier: first class of each pair.
        later: its partner: a first class where `alike`, else a second class.
        alike: whether both have the same rotations in front.
        counts: pairs of faults at different places that it stands for.
        cancelling: pairs of faults of the same first class: they undo each other.
        members, later_members: faults of each first and each second class.
    """

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    alike: NDArray[np.bool_]
    counts: NDArray[np.int64]
    cancelling: int
    members: Sequence[Sequence[int]]
    later_members: Sequence[Sequence[int]]

    def __len__(self) -> int:
        return len(self.earlier)

    def fault_pairs(self, row: int) -> Iterator[tuple[int, int]]:
        """Yield the pairs of faults behind a row, those at the same place included."""
        partners = self.members if self.alike[row] else self.later_members
        for i in self.members[self.earlier[row]]:
            for j in partners[self.later[row]]:
                yield i, j


def place_of(fault: Fault) -> Place:
    """Return where a fault happens."""
    return (fault.at, fault.qubits)


def num_pairs(faults: Sequence[Fault]) -> int:
    """Return the number of pairs of faults at different places."""
    places = Counter(place_of(fault) for fault in faults)
    return comb(len(faults), 2) - sum(comb(n, 2) for n in places.values())


def make_pair_table(frame: PauliFrame, classes: FaultClasses, faults: Sequence[Fault]) -> PairTable:
    """Return the pairs of classes that may be accepted."""
    rows = np.array(list(_joined(frame, classes)), dtype=np.int64).reshape(-1, 3)
    earlier, later, alike = rows[:, 0], rows[:, 1], rows[:, 2] == 1
    members, later_members = _members(classes.first), _members(classes.second)
    together = _together(classes, faults)
    first_sizes, second_sizes = (
        np.array([len(group) for group in groups]) for groups in (members, later_members)
    )
    partners = np.empty(len(rows), dtype=np.int64)
    partners[alike] = first_sizes[later[alike]]
    partners[~alike] = second_sizes[later[~alike]]
    shared = np.array([together[a, b, s] for a, b, s in rows.tolist()], dtype=np.int64)
    return PairTable(
        earlier=earlier,
        later=later,
        alike=alike,
        counts=first_sizes[earlier] * partners - shared,
        cancelling=sum(comb(len(m), 2) - together[a, a, 1] for a, m in enumerate(members)),
        members=members,
        later_members=later_members,
    )


def _joined(frame: PauliFrame, classes: FaultClasses) -> Iterator[tuple[int, int, int]]:
    """Yield (first class, its partner, 1 if both are first classes) whose fixed flips cancel."""
    settled = settled_columns(frame)
    for start in sorted({key[0] for key in classes.firsts}):
        mask = settled[start]
        here = _by_flips(classes.firsts, mask, range(start, start + 1))
        after = _by_flips(classes.seconds, mask, range(start + 1, len(settled)))
        for flips, group in here.items():
            yield from ((a, b, 1) for a, b in combinations(group, 2))
            yield from ((a, b, 0) for a in group for b in after.get(flips, ()))


def _by_flips(keys: Sequence[Key], mask: int, starts: range) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for i, (start, x, _) in enumerate(keys):
        if start in starts:
            groups.setdefault(x & mask, []).append(i)
    return groups


def _members(classes: Sequence[int]) -> list[list[int]]:
    groups: list[list[int]] = [[] for _ in range(max(classes, default=-1) + 1)]
    for i, group in enumerate(classes):
        groups[group].append(i)
    return groups


def _together(classes: FaultClasses, faults: Sequence[Fault]) -> Counter[tuple[int, int, int]]:
    """Return how many pairs of faults behind each row, and each first class, share a place."""
    by_place: dict[Place, list[int]] = {}
    for i, fault in enumerate(faults):
        by_place.setdefault(place_of(fault), []).append(i)
    found: Counter[tuple[int, int, int]] = Counter()
    for group in by_place.values():
        for i, j in combinations(group, 2):
            first, second = sorted((i, j), key=lambda k: classes.firsts[classes.first[k]][0])
            a, b = classes.first[first], classes.first[second]
            if classes.firsts[a][0] == classes.firsts[b][0]:
                found[min(a, b), max(a, b), 1] += 1
            else:
                found[a, classes.second[second], 0] += 1
    return found
