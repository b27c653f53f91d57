"""Plane geometry for pictures: hulls, and where in them a label finds room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import dist, inf

from .svg import Point

_STEP = 9.0  # grid on which places for labels are tried
_ROOM = 36.0  # distance to the next mark from which more does not help


def convex_hull(corners: Iterable[Point]) -> list[Point]:
    """Return the hull's corners in order (A. M. Andrew, Inf. Process. Lett. 9, 216, 1979)."""
    points = sorted(set(corners))
    hull: list[Point] = []
    for chain in (points, points[::-1]):
        start = len(hull)
        for p in chain:
            while len(hull) >= start + 2 and _turn(hull[-2], hull[-1], p) <= 0:
                hull.pop()
            hull.append(p)
        hull.pop()
    return hull or points


def centre(points: Sequence[Point]) -> Point:
    """Return the mean of some points."""
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def label_place(
    hull: Sequence[Point], others: Sequence[Sequence[Point]], marks: Sequence[Point]
) -> Point:
    """Return a place for a label in a hull: outside other hulls if it can, away from marks.

    Of the places with room enough the one nearest to the hull's centre is taken.
    """
    middle = centre(hull)
    inside = [*(p for p in _grid(hull) if _contains(hull, p)), middle]
    own = [p for p in inside if not any(_contains(other, p) for other in others)]
    roomy = [p for p in own if _room(p, marks) > 0.7 * _ROOM]
    return max(roomy or inside, key=lambda p: (_room(p, marks), -dist(p, middle)))


def _room(place: Point, marks: Sequence[Point]) -> float:
    return min(_ROOM, min((dist(place, mark) for mark in marks), default=inf))


def _grid(hull: Sequence[Point]) -> Iterator[Point]:
    left, top = min(x for x, _ in hull), min(y for _, y in hull)
    columns = round((max(x for x, _ in hull) - left) / _STEP)
    rows = round((max(y for _, y in hull) - top) / _STEP)
    for i in range(1, columns):
        yield from ((left + i * _STEP, top + j * _STEP) for j in range(1, rows))


def _contains(hull: Sequence[Point], place: Point) -> bool:
    ends = zip(hull, [*hull[1:], *hull[:1]], strict=True)
    return len(hull) > 2 and all(_turn(a, b, place) > 0 for a, b in ends)


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
