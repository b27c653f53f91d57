"""The Bloch vector of the kept states: the X-Z plane, enlarged around |H>, and <Y> below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin, sqrt

import pandas as pd
from markupsafe import Markup

from ..numbers import is_missing, signed, with_interval
from .axes import padded, round_ticks
from .bloch_rows import BlochRow, Triple, bloch_rows
from .labels import Box, LabelRoom
from .svg import Point, line, lines, picture, shape, tag, text

_WIDTH = 430.0
_DISC, _RADIUS = (88.0, 104.0), 62.0
_LEFT, _TOP, _SIDE = 196.0, 22.0, 220.0  # of the enlarged square
_STRIP = _TOP + _SIDE + 62.0  # where the rows of <Y> begin
_ROW = 22.0
_TITLE = 24.0
_UNTIED = 8.0
MAGIC = (sqrt(0.5), sqrt(0.5))
"""(<X>, <Z>) of |H>."""

Place = Callable[[float, float], Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The enlarged square: its middle in the plane and half its side, in units of <P>."""

    x: float
    z: float
    half: float

    def __call__(self, x: float, z: float) -> Point:
        """Return where a point of the plane lies in the picture."""
        scale = _SIDE / (2 * self.half)
        return _LEFT + scale * (x - self.x + self.half), _TOP + scale * (self.z + self.half - z)


def bloch_plot(frame: pd.DataFrame) -> Markup:
    """Return the Bloch vectors of rows of a fidelity table, with their intervals.

    At the left the X-Z plane of the ball, at the right its part around |H>, with lines of equal F;
    below <Y>, which is 0 for |H>. The first row's label is the title.

    Args:
        frame: rows from tomography, a few at a time. With columns `ml_x`, `ml_y` and `ml_z` it has
            the most likely state within the ball too, drawn as a ring.
    """
    rows = bloch_rows(frame)
    window = _window(rows)
    title = str(frame["label"].iloc[0])
    parts = [
        *_disc(rows, window),
        *_enlarged(window),
        *(_cross(row, window) for row in reversed(rows) if row.placed),
        *_ring(rows, window),
        _numbers(rows, window),
        *_legend(any(row.likely for row in rows)),
        *_strip(rows),
    ]
    drawn = tag("g", *parts, transform=f"translate(0 {_TITLE:g})")
    height = _TITLE + _STRIP + _ROW * len(rows) + 34
    return picture(_WIDTH, height, _words(rows), text(14, 15, title, "strong"), drawn)


def _window(rows: Sequence[BlochRow]) -> Window:
    """Return the smallest square that holds every interval and |H>, with a margin."""
    placed = [row for row in rows if row.placed]
    xs = [MAGIC[0], *(v for row in placed for v in row.x)]
    zs = [MAGIC[1], *(v for row in placed for v in row.z)]
    for row in rows:
        if row.likely is not None:
            xs, zs = [*xs, row.likely[0]], [*zs, row.likely[2]]
    half = 0.6 * max(max(xs) - min(xs), max(zs) - min(zs), 0.01)
    return Window(x=(min(xs) + max(xs)) / 2, z=(min(zs) + max(zs)) / 2, half=half)


def _disc(rows: Sequence[BlochRow], window: Window) -> Iterator[Markup]:
    """Yield the whole plane: circle, axes, the direction of |H>, what is enlarged, the values."""
    (left, top), r = _DISC, _RADIUS

    def place(x: float, z: float) -> Point:
        return left + r * x, top - r * z

    yield tag("circle", cx=left, cy=top, r=r, class_="ring")
    yield line((left - r - 8, top), (left + r + 8, top), "grid")
    yield line((left, top - r - 8), (left, top + r + 8), "grid")
    yield text(left + r - 4, top + 14, "⟨X⟩", "small end")
    yield text(left, top - r - 13, "⟨Z⟩", "small mid")
    yield line((left, top), place(*MAGIC), "guide")
    half = min(window.half, 1.25)
    x, y = place(window.x - half, window.z + half)
    yield tag("rect", x=x, y=y, width=2 * r * half, height=2 * r * half, class_="ring")
    yield from (
        shape("circle", place(row.x[0], row.z[0]), 2.2, "data") for row in rows if row.placed
    )


def _enlarged(window: Window) -> Iterator[Markup]:
    """Yield the square: its axes, the ball's edge, lines of equal F, |H> and its direction."""
    yield tag("rect", x=_LEFT, y=_TOP, width=_SIDE, height=_SIDE, class_="ring")
    low, high = window.x - window.half, window.x + window.half
    for value, words in round_ticks(low, high, 4):
        x, _ = window(value, 0)
        yield line((x, _TOP + _SIDE), (x, _TOP + _SIDE + 4), "axis")
        yield text(x, _TOP + _SIDE + 16, words, "small mid")
    bottom, top = window.z - window.half, window.z + window.half
    for value, words in round_ticks(bottom, top, 4):
        _, y = window(0, value)
        yield line((_LEFT - 4, y), (_LEFT, y), "axis")
        yield text(_LEFT - 7, y + 4, words, "small end")
    yield text(_LEFT + _SIDE / 2, _TOP + _SIDE + 31, "⟨X⟩", "small mid")
    yield text(_LEFT - 7, _TOP - 6, "⟨Z⟩", "small end")
    yield from _edge(window)
    yield from _equal_fidelity(window)
    begin, end = max(low, bottom), min(high, top)
    if begin < end:
        yield line(window(begin, begin), window(end, end), "guide")
    x, y = window(*MAGIC)
    yield shape("diamond", (x, y), 5, "magic") + text(
        x + 9, y + 4, "|H⟩", "small strong bound-text"
    )


def _edge(window: Window) -> Iterator[Markup]:
    """Yield the part of the unit circle in the window."""
    angles = [2 * pi * k / 2880 for k in range(2881)]
    points = [(cos(angle), sin(angle)) for angle in angles]
    kept = [
        (window(*p), window(*q))
        for p, q in pairwise(points)
        if _contains(window, p) and _contains(window, q)
    ]
    if kept:
        yield lines(kept, "interval")


def _equal_fidelity(window: Window) -> Iterator[Markup]:
    """Yield the lines x + z = sqrt 2 (2 F - 1) of round values of F; above 1 there is no state."""
    corner = sqrt(0.5) * (window.x + window.z)
    spread = sqrt(2) * window.half
    for f, words in round_ticks((1 + corner - spread) / 2, (1 + corner + spread) / 2, 7):
        total = sqrt(2) * (2 * f - 1)
        x1 = max(window.x - window.half, total - window.z - window.half)
        x2 = min(window.x + window.half, total - window.z + window.half)
        if f < 1 + 1e-9 and x2 - x1 > 0.35 * window.half:
            yield line(window(x1, total - x1), window(x2, total - x2), "guide")
            x, y = window(x1, total - x1)
            yield text(x + 6, y + (14 if y < _TOP + 8 else 4), f"F {words}", "small muted")


def _cross(row: BlochRow, window: Window) -> Markup:
    """Return a value with its two intervals, fainter of a baseline."""
    (x, x_low, x_high), (z, z_low, z_high) = row.x, row.z
    left, right = window(x_low, z), window(x_high, z)
    low, high = window(x, z_low), window(x, z_high)
    class_ = "interval" if row.kind[1] == "data" else "axis"
    return lines([(left, right), (low, high)], class_) + shape(
        row.kind[0], window(x, z), 4.5, row.kind[1]
    )


def _numbers(rows: Sequence[BlochRow], window: Window) -> Markup:
    """Return each value's number beside its mark, or tied to it where others are as near."""
    marks = {row.number: window(row.x[0], row.z[0]) for row in rows if row.placed}
    x, y = window(*MAGIC)
    room = LabelRoom(
        Box(_LEFT + 2, _TOP + 2, _LEFT + _SIDE - 2, _TOP + _SIDE - 2),
        untied=_UNTIED,
        class_="small strong",
    )
    room.block(Box(x - 7, y - 7, x + 34, y + 8))  # |H> and its name
    rings = [window(row.likely[0], row.likely[2]) for row in rows if row.likely is not None]
    for places, half in ((marks.values(), 6.0), (rings, 8.0)):
        for left, top in places:
            room.block(Box(left - half, top - half, left + half, top + half))
    return room.labels([(str(number), mark) for number, mark in marks.items()])


def _ring(rows: Sequence[BlochRow], window: Window) -> Iterator[Markup]:
    for row in rows:
        if row.likely is not None:
            x, y = window(row.likely[0], row.likely[2])
            yield tag("circle", cx=x, cy=y, r=8, class_="ring strong-ring")


def _legend(ringed: bool) -> Iterator[Markup]:
    y = _DISC[1] + _RADIUS + 40
    entries = [
        (tag("rect", x=2, y=-10, width=12, height=12, class_="ring"), "enlarged at the right"),
        (line((0, -4), (16, -4), "guide"), "equal F; towards |H⟩"),
    ]
    if ringed:
        mark = tag("circle", cx=8, cy=-4, r=7, class_="ring strong-ring")
        entries.append((mark, "most likely state"))
    for i, (mark, words) in enumerate(entries):
        place = f"translate(14 {y + 20 * i:g})"
        yield tag("g", mark, text(22, 0, words, "small"), transform=place)


def _strip(rows: Sequence[BlochRow]) -> Iterator[Markup]:
    """Yield <Y> of every row: its number and name, and its interval on a common axis."""
    ends = [v for row in rows if not is_missing(row.y[0]) for v in row.y]
    low, high = padded(min([0.0, *ends]), max([0.0, *ends]))
    bottom = _STRIP + _ROW * len(rows) + 2

    def place(value: float) -> float:
        return _LEFT + _SIDE * (value - low) / (high - low)

    for value, words in round_ticks(low, high, 4):
        yield line((place(value), _STRIP), (place(value), bottom), "grid")
        yield text(place(value), bottom + 15, words, "small mid")
    yield line((place(0), _STRIP), (place(0), bottom), "bound")
    yield text(_LEFT - 7, bottom + 15, "⟨Y⟩, ideal 0", "small end")
    for i, row in enumerate(rows):
        y = _STRIP + _ROW * (i + 0.5)
        yield shape(row.kind[0], (20, y), 4.5, row.kind[1])
        yield text(30, y + 4, f"{row.number}  {row.shown}", "small")
        if is_missing(row.y[0]):
            yield text(_LEFT, y + 4, "no value", "small muted")
            continue
        value, start, end = (place(v) for v in row.y)
        caps = [((v, y - 5), (v, y + 5)) for v in (start, end)]
        yield lines([((start, y), (end, y)), *caps], "interval")
        yield shape(row.kind[0], (value, y), 4, row.kind[1])


def _words(rows: Sequence[BlochRow]) -> str:
    listed = [
        f"{row.name}: "
        + ", ".join(
            f"{name} = {' '.join(with_interval(*part))}"
            for name, part in (("X", row.x), ("Y", row.y), ("Z", row.z))
        )
        + (f", most likely state {_triple(row.likely)}" if row.likely is not None else "")
        for row in rows
    ]
    return f"Bloch vector, of |H⟩ (0.7071, 0, 0.7071). {'; '.join(listed)}."


def _triple(values: Triple) -> str:
    return f"({', '.join(signed(value, 4) for value in values)})"


def _contains(window: Window, point: Point) -> bool:
    x, z = point
    return abs(x - window.x) <= window.half and abs(z - window.z) <= window.half
