"""Labels beside marks: each takes the nearest place where it covers nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import cos, hypot, pi, sin

from markupsafe import Markup

from .svg import Point, line, tag

_LETTER = 6.1  # mean width of a letter of class "small", generously
_ASCENT, _DESCENT = 9.0, 3.0
_RINGS = range(10, 140, 5)
_DIRECTIONS = 16
_OUTSIDE, _PIECE = 9.0, 3.0
_HALO = "paint-order:stroke;stroke:var(--paper);stroke-width:3px"  # parts lines behind letters

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
        crossable: what labels do not cover and the lines to their marks may cross.
        missed: labels that found no place.
        untied: a label farther away than that is tied to its mark by a line.
        class_: of the letters.
    """

    frame: Box
    taken: list[Box] = field(default_factory=list)
    crossable: list[Box] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    untied: float = 16.0
    class_: str = "small"

    def block(self, box: Box, *, crossable: bool = False) -> None:
        """Take a rectangle; where it is crossable lines may lie, but no label."""
        (self.crossable if crossable else self.taken).append(box)

    def is_free(self, box: Box) -> bool:
        """Return whether a rectangle is in the frame and covers nothing."""
        barred = any(box.overlaps(other) for other in self.crossable)
        return self.frame.contains(box) and not barred and not self._covers(box)

    def labels(self, named: Sequence[tuple[str, Point]]) -> Markup:
        """Return a label near each mark, tied to it by a line if it is not beside it.

        One after the other takes its place; of a few orders the one is kept that leaves the fewest
        without room. Those have no label, and `missed` has their words.
        """
        tries = []
        for order in _ORDERS:
            room = replace(self, taken=list(self.taken), missed=[])
            drawn = [room._label(words, mark) for words, mark in sorted(named, key=order)]
            tries.append((len(room.missed), room, drawn))
        _, best, drawn = min(tries, key=lambda each: each[0])
        self.taken, self.missed = best.taken, [*self.missed, *best.missed]
        return Markup("").join(drawn)

    def _label(self, words: str, mark: Point) -> Markup:
        for x, y, box in self._places(words, mark):
            leader = _leader(mark, box, self.untied)
            if self.is_free(box) and not any(map(self._covers, _along(leader))):
                self.taken += [box, *_along(leader)]
                tie = line(*leader, "edge") if leader else Markup("")
                return tie + tag("text", words, x=x, y=y, class_=self.class_, style=_HALO)
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


def _leader(mark: Point, box: Box, untied: float) -> tuple[Point, Point] | None:
    """Return the line from just outside a mark to its label, None for a label beside it."""
    x = min(max(mark[0], box.left), box.right)
    y = min(max(mark[1], box.top), box.bottom)
    away = hypot(x - mark[0], y - mark[1])
    if away <= untied:
        return None
    share = min(_OUTSIDE, untied) / away
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
