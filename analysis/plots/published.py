"""Infidelity against acceptance: published points, ours on them, and the lines to beat."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import pandas as pd
from markupsafe import Markup

from ..numbers import MINUS, power_of_ten, scientific
from ..overhead.distillation import THRESHOLD
from .fidelity import STABILISER_BOUND
from .labels import Box, LabelRoom, text_width
from .published_marks import OURS, SHAPES, SIMULATED, Mark, our_marks, published_marks
from .svg import Point, line, lines, picture, polygon, shape, text

WIDTH, HEIGHT = 430.0, 470.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, WIDTH - 12.0, 24.0, HEIGHT - 92.0
_MARK = 4.0
_LOWEST_DECADE = -9
_LETTERS = 60  # of class "small" below the plot
_LEGEND = (
    *((kind, "open axis", f"experiment, {name}") for name, kind in SHAPES.items()),
    (SIMULATED, "open axis", "simulation of others"),
    (OURS, "data", "{ours}"),
    (OURS, "open axis", "{ours}, readout correct"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Where values lie: acceptance is linear, infidelity in powers of ten from first to last."""

    first: int
    last: int

    def x(self, acceptance: float) -> float:
        """Return where an acceptance lies."""
        return LEFT + acceptance * (RIGHT - LEFT)

    def y(self, infidelity: float) -> float:
        """Return where an infidelity lies; at the bottom if it is smaller than the axis holds."""
        power = self.first if infidelity <= 0 else max(log10(infidelity), self.first)
        return BOTTOM - (power - self.first) / (self.last - self.first) * (BOTTOM - TOP)


def published_plot(fidelity: pd.DataFrame) -> Markup:
    """Return infidelity (logarithmic) against acceptance of published points and of a run.

    Filled hexagons are the run's protocols, open ones the same states decoded instead of checked;
    other shapes tell the platforms of published experiments, funnels are simulations. Lines: the
    stabiliser bound of |H>, the threshold of 15-to-1 distillation for such states (H type), and
    the infidelity of a bare qubit on the same device (break-even) if the run has that baseline.

    Args:
        fidelity: a fidelity table; it may be empty. Rows without a value are left out.
    """
    ours, theirs = our_marks(fidelity), published_marks()
    marks = [*ours, *theirs]
    bare = tuple(_bare_lines(fidelity))
    axes = _axes([mark.infidelity for mark in marks], [value for _, value in bare])
    bounds = [(1 - STABILISER_BOUND, "stabiliser bound 0.146; 15-to-1 threshold 0.141", "bound")]
    limits = [*bounds, *((value, name, "axis broken") for name, value in bare)]
    room = LabelRoom(Box(LEFT, TOP, RIGHT, BOTTOM))
    drawn = [_drawn(mark, axes, room) for mark in marks]
    rules = [_limit(value, name, style, axes, room) for value, name, style in limits]
    for group in (ours, theirs):  # ours choose first
        places = [(axes.x(mark.acceptance[0]), _y(mark, axes)) for mark in group]
        drawn.append(room.labels([(m.label, p) for m, p in zip(group, places, strict=True)]))
    unnamed = [f"without a label: {', '.join(room.missed)}"] if room.missed else []
    rest = [line for words in unnamed for line in textwrap.wrap(words, _LETTERS)]
    left_out = [text(LEFT, HEIGHT + 12 + 14 * i, words, "small") for i, words in enumerate(rest)]
    named = "this run" if _runs(fidelity) < 2 else "these runs"
    children = [*_grid(axes), *rules, *drawn, *_legend(named), *left_out]
    return picture(WIDTH, HEIGHT + 4 + 14 * len(rest), _in_words(ours, theirs, bare), *children)


def _bare_lines(fidelity: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Yield a name and the infidelity of each bare qubit, as read out like the encoded ones."""
    if fidelity.empty or "infidelity" not in fidelity:
        return
    bare = fidelity[(fidelity["scheme"] == "bare") & (fidelity["estimate"] == "raw")]
    same = [name for name in ("run", "device", "noise") if name in bare]
    for row in bare.drop_duplicates(same).to_dict("records"):
        if row["infidelity"] > 0:
            run, found, _ = str(row["label"]).rpartition(": ")
            yield f"{run}{found}bare qubit, {row['device']}", float(row["infidelity"])


def _axes(infidelities: Sequence[tuple[float, float, float]], bare: Sequence[float]) -> Axes:
    """Return axes that hold every value and upper end, and lower ends within a decade of it."""
    shown = [1 - STABILISER_BOUND, *bare]
    for value, low, high in infidelities:
        size = value if value > 0 else high
        shown += [each for each in (size, high, max(low, size / 10)) if each > 0]
    first = max(floor(log10(min(shown))), _LOWEST_DECADE)
    return Axes(first=first, last=max(0, ceil(log10(max(shown)))))


def _y(mark: Mark, axes: Axes) -> float:
    value, _, high = mark.infidelity
    return axes.y(value if value > 0 else high)


def _drawn(mark: Mark, axes: Axes, room: LabelRoom) -> Markup:
    """Return a mark with its error bars; what reaches 0, or beyond the axis, has an arrow."""
    x, y = axes.x(mark.acceptance[0]), _y(mark, axes)
    value, low, high = mark.infidelity
    top, beyond = axes.y(high), low <= 10.0**axes.first
    foot = BOTTOM if beyond else axes.y(low)
    left, right = axes.x(mark.acceptance[1]), axes.x(mark.acceptance[2])
    bars = [((x, top), (x, foot))] if foot - top > 1 else []
    bars += [((left, y), (right, y))] if right - left > 1 else []
    room.block(Box(x - 6, y - 6, x + 6, y + 6))
    for (x0, y0), (x1, y1) in bars:
        room.block(Box(x0 - 1, y0 - 1, x1 + 1, y1 + 1), crossable=True)
    parts = lines(bars, "interval") if bars else Markup("")
    if beyond or mark.bound:
        tip = BOTTOM if beyond else y + 14
        parts += line((x, y), (x, tip), "interval")
        parts += polygon([(x, tip), (x - 4, tip - 6), (x + 4, tip - 6)], "bound-text")
        room.block(Box(x - 4, tip - 7, x + 4, tip))
    return parts + (shape(mark.kind, (x, y), _MARK, mark.class_) if value > 0 else Markup(""))


def _limit(value: float, name: str, style: str, axes: Axes, room: LabelRoom) -> Markup:
    """Return a line across the plot with its name above it, where no mark stands in the way."""
    y = axes.y(value)
    parts = line((LEFT, y), (RIGHT, y), style)
    if value == 1 - STABILISER_BOUND:
        parts += line((LEFT, axes.y(THRESHOLD)), (RIGHT, axes.y(THRESHOLD)), "bad broken")
    room.block(Box(LEFT, y - 1, RIGHT, y + 2))
    size = text_width(name)
    places = [(x, above) for above in (3, -12) for x in range(int(LEFT) + 4, int(RIGHT - size), 6)]
    free = (p for p in places if room.is_free(Box(p[0], y - 12 - p[1], p[0] + size, y - p[1])))
    start, above = next(free, (int(LEFT) + 4, 3))
    room.block(Box(start, y - 12 - above, start + size, y - above))
    return parts + text(
        start, y - above - 2, name, "small bound-text" if style == "bound" else "small"
    )


def _grid(axes: Axes) -> Iterator[Markup]:
    for k in range(axes.first, axes.last + 1):
        y = axes.y(10.0**k)
        yield line((LEFT, y), (RIGHT, y), "grid")
        yield text(LEFT - 5, y + 4, power_of_ten(k), "end small")
    for k in range(0, 101, 20):
        x = axes.x(k / 100)
        yield line((x, TOP), (x, BOTTOM), "grid")
        yield text(x, BOTTOM + 15, k, "mid small")
    yield line((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis")
    yield line((LEFT, TOP), (LEFT, BOTTOM), "axis")
    yield text((LEFT + RIGHT) / 2, BOTTOM + 30, "accepted, %", "mid small")
    yield text(LEFT, TOP - 10, f"infidelity 1 {MINUS} F", "small")


def _runs(fidelity: pd.DataFrame) -> int:
    return fidelity["run"].nunique() if "run" in fidelity else 1


def _legend(ours: str) -> Iterator[Markup]:
    for i, (kind, class_, words) in enumerate(_LEGEND):
        place: Point = (LEFT + (i % 2) * 190, BOTTOM + 48 + 17 * (i // 2))
        yield shape(kind, place, _MARK, class_)
        yield text(place[0] + 10, place[1] + 4, words.format(ours=ours), "small")


def _in_words(
    ours: Sequence[Mark], theirs: Sequence[Mark], bare: Sequence[tuple[str, float]]
) -> str:
    """Return the plot in words: every point with its acceptance and its infidelity."""
    limits = ["stabiliser bound of |H> 0.146", f"15-to-1 threshold (H type) {THRESHOLD}"]
    limits += [f"{name} {scientific(value, 1)}" for name, value in bare]
    groups = [("This run", ours), ("Published", theirs)]
    listed = [f"{name}: {'; '.join(map(_told, marks))}." for name, marks in groups if marks]
    return f"Infidelity against acceptance. {' '.join(listed)} Lines: {'; '.join(limits)}."


def _told(mark: Mark) -> str:
    value, low, high = mark.infidelity
    most = "at most " if mark.bound else ""
    ends = f" [{low:.2g}, {high:.2g}]" if high > low else ""
    return f"{mark.words}: {most}{value:.3g}{ends} at {100 * mark.acceptance[0]:.3g} %"
