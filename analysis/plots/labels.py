"""Labels beside marks: each takes the nearest place where it covers nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, hypot, pi, sin

from markupsafe import Markup

from .svg import Point, line, text

_LETTER = 6.1  # mean width of a letter of class "small", generously
_ASCENT, _DESCENT = 9.0, 3.0
_RINGS = range(10, 140, 5)
_DIRECTIONS = 16
_OUTSIDE, _PIECE = 9.0, 3.0
_LEADER = 16.0  # a label farther away than that is tied to its mark by a line

_ORDERS: tuple[Callable[[tuple[str, Point]], float], ...] = (
    lambda named: -len(named[0]),
    lambda named: named[1][0],
    lambda named: -named[1][0],
    lambda named: named[1][1],
    lambda named: -named[1][1],
)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: left, top, right and bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Return whether they share more than an edge."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)

    def contains(self, other: Box) -> bool:
        """Return whether the other lies in it."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


@dataclass(slots=True)
class LabelRoom:
    """The room that is left in a frame: what is drawn takes some of it.

    Attributes:
        frame: what labels stay in.
        taken: what is covered.
        missed: labels that found no place.
    """

    frame: Box
    taken: list[Box] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def block(self, box: Box) -> None:
        """Take a rectangle."""
        self.taken.append(box)

    def is_free(self, box: Box) -> bool:
        """Return whether a rectangle is in the frame and covers nothing."""
        return self.frame.contains(box) and not self._covers(box)

    def labels(self, named: Sequence[tuple[str, Point]]) -> Markup:
        """Return a label near each mark, tied to it by a line if it is not beside it.

        One after the other takes its place; of a few orders the one is kept that leaves the fewest
        without room. Those have no label, and `missed` has their words.
        """
        tries = []
        for order in _ORDERS:
            room = LabelRoom(self.frame, list(self.taken))
            drawn = [room._label(words, mark) for words, mark in sorted(named, key=order)]
            tries.append((len(room.missed), room, drawn))
        _, best, drawn = min(tries, key=lambda each: each[0])
        self.taken, self.missed = best.taken, [*self.missed, *best.missed]
        return Markup("").join(drawn)

    def _label(self, words: str, mark: Point) -> Markup:
        for x, y, box in self._places(words, mark):
            leader = _leader(mark, box)
            if self.is_free(box) and not any(map(self._covers, _along(leader))):
                self.taken += [box, *_along(leader)]
                tie = line(*leader, "edge") if leader else Markup("")
                return tie + text(x, y, words, "small")
        self.missed.append(words)
        return Markup("")

    def _covers(self, box: Box) -> bool:
        return any(box.overlaps(other) for other in self.taken)

    def _places(self, words: str, mark: Point) -> Iterator[tuple[float, float, Box]]:
        size = text_width(words)
        for reach in _RINGS:
            for k in range(_DIRECTIONS):
                angle = 2 * pi * k / _DIRECTIONS
                dx, dy = cos(angle), sin(angle)
                x = mark[0] + reach * dx - size * (1 - dx) / 2
                y = mark[1] + reach * dy + _ASCENT / 2
                yield x, y, Box(x, y - _ASCENT, x + size, y + _DESCENT)


def text_width(words: str) -> float:
    """Return about how wide words of class "small" are."""
    return _LETTER * len(words)


def _leader(mark: Point, box: Box) -> tuple[Point, Point] | None:
    """Return the line from just outside a mark to its label, None for a label beside it."""
    x = min(max(mark[0], box.left), box.right)
    y = min(max(mark[1], box.top), box.bottom)
    away = hypot(x - mark[0], y - mark[1])
    if away <= _LEADER:
        return None
    share = _OUTSIDE / away
    return (mark[0] + share * (x - mark[0]), mark[1] + share * (y - mark[1])), (x, y)


def _along(leader: tuple[Point, Point] | None) -> list[Box]:
    """Return small boxes along a line, not at its ends: marks may be crowded."""
    if leader is None:
        return []
    (x0, y0), (x1, y1) = leader
    count = max(int(hypot(x1 - x0, y1 - y0) / _PIECE), 1)
    shares = [k / count for k in range(2, count)]
    places = [(x0 + share * (x1 - x0), y0 + share * (y1 - y0)) for share in shares]
    return [Box(x - 1, y - 1, x + 1, y + 1) for x, y in places]
