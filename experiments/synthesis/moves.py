"""Moves of the search: a few small edits of a list of codes, close to each other."""

from __future__ import annotations

from collections.abc import Sequence
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
    front, behind = len(new), len(new)
    pick = rnd()
    for _ in range(1 if pick < 0.25 else 2 if pick < 0.7 else 3 if pick < 0.9 else 4):
        kind = rnd()
        at = low + int(rnd() * (high - low + 1))
        size = len(new)
        if kind < 0.3 and at < size:  # delete
            del new[at]
            high -= 1
            lead, tail = at, size - at - 1
        elif kind < 0.55:  # insert
            lead, tail = at, size - at
            if new and rnd() < 0.5:
                near = low + int(rnd() * (high - low + 1))
                code = new[min(near, size - 1)]
            else:
                code = int(rnd() * len(related))
            new.insert(at, code)
            high += 1
        elif kind < 0.8 and at < size:  # move
            to = low + int(rnd() * (high - low))
            new.insert(to, new.pop(at))
            lead, tail = (at, size - to - 1) if at < to else (to, size - at - 1)
        elif at < size:  # replace
            choices = related[new[at]]
            new[at] = choices[int(rnd() * len(choices))]
            lead, tail = at, size - at - 1
        else:
            continue
        front, behind = min(front, lead), min(behind, tail)
        if high < low:
            high = low
    size = len(new)
    front = min(front, size)
    return new, front, min(behind, size - front)
