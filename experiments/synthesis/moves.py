"""Moves of the search: a few small edits of a list of codes, close to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Proposal = tuple[list[int], int, int]
"""(new codes, unchanged codes in front, unchanged codes behind)."""

_WINDOWS = (3, 6, 12, 1000)


def propose(random: Random, codes: Sequence[int], related: Sequence[Sequence[int]]) -> Proposal:
    """Return a changed copy of a circuit.

    One to four edits within a window: take a gate out, put one in (often a copy of one near by),
    move one, or replace one by a related one.

    Args:
        random: source of randomness.
        codes: the circuit.
        related: for each code those on the same edge and on edges that share a qubit with it.
    """
    rnd = random.random
    new = list(codes)
    window = _WINDOWS[int(rnd() * 4)]
    low = int(rnd() * (len(new) + 1))
    high = min(len(new), low + window)
    front = behind = len(new)
    pick = rnd()
    for _ in range(1 if pick < 0.25 else 2 if pick < 0.7 else 3 if pick < 0.9 else 4):
        before = len(new)
        kept = _edit(rnd, new, related, low, high)
        if kept is not None:
            front, behind = min(front, kept[0]), min(behind, kept[1])
            high = max(low, high + len(new) - before)
    front = min(front, len(new))
    return new, front, min(behind, len(new) - front)


def _edit(
    rnd: Callable[[], float],
    new: list[int],
    related: Sequence[Sequence[int]],
    low: int,
    high: int,
) -> tuple[int, int] | None:
    """Edit a circuit between two places; return the codes in front and behind that are as before.

    None: nothing was done, as the place is behind the last gate.
    """
    kind = rnd()
    at = low + int(rnd() * (high - low + 1))
    size = len(new)
    if kind < 0.3 and at < size:
        del new[at]
        return at, size - at - 1
    if kind < 0.55:
        if new and rnd() < 0.5:
            near = low + int(rnd() * (high - low + 1))
            code = new[min(near, size - 1)]
        else:
            code = int(rnd() * len(related))
        new.insert(at, code)
        return at, size - at
    if at >= size:
        return None
    if kind < 0.8:
        to = low + int(rnd() * (high - low))
        new.insert(to, new.pop(at))
        return min(at, to), size - max(at, to) - 1
    choices = related[new[at]]
    new[at] = choices[int(rnd() * len(choices))]
    return at, size - at - 1
