"""Rows of the fidelity plots: one estimate a row, its name and numbers above its mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from markupsafe import Markup

from ..numbers import interval_digits, scientific_interval, signed
from ..wording import TOMOGRAPHY, estimate_words, judged_words
from .names import fitted_names
from .svg import line, lines, polygon, shape, tag, text

WIDTH = 430.0
LEFT, RIGHT = 14.0, WIDTH - 14.0
TOP = 30.0
_ROW, _HEAD = 46.0, 18.0
_OWN_LINE = 56  # characters of a name that has a line of its own

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotRow:
    """One row of the fidelity table, of F or of 1 - F.

    Attributes:
        label: the point's name.
        estimate: how it was estimated; empty for plain tomography.
        baseline: whether the point is a baseline.
        judged: whether it is the rate of a single outcome.
        decoded: whether ideal faces were decoded.
        value: NaN if there is none.
        low: lower end of the interval.
        high: upper end.
        shown: the point's name as far as there is room for it: `plot_rows`.
    """

    label: str
    estimate: str
    baseline: bool
    judged: bool
    decoded: bool
    value: float
    low: float
    high: float
    shown: str = ""

    @property
    def measured(self) -> bool:
        """Whether there is a value."""
        return self.value == self.value

    @property
    def name(self) -> str:
        """The point and, unless it is plain tomography, the estimate."""
        return f"{self.label}, {self.estimate}" if self.estimate else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where rows lie: if some are judged, each point has a line of its own above its estimates."""

    rows: tuple[PlotRow, ...]

    @property
    def grouped(self) -> bool:
        """Whether points have lines of their own."""
        return any(row.judged for row in self.rows)

    @property
    def bottom(self) -> float:
        """Where the axis lies."""
        return self.bar_height(len(self.rows) - 1) + 18

    def bar_height(self, i: int) -> float:
        """Return where the mark of row i lies."""
        heads = sum(map(self.is_first, range(i + 1)))
        return TOP + _ROW * (i + 1) + _HEAD * heads - 14

    def is_first(self, i: int) -> bool:
        """Return whether row i is the first of a point that has a line of its own."""
        return self.grouped and (i == 0 or self.rows[i].label != self.rows[i - 1].label)


def plot_rows(frame: pd.DataFrame, name: str) -> tuple[PlotRow, ...]:
    """Return the rows of a fidelity table.

    Args:
        frame: the table.
        name: "fidelity" or "infidelity".
    """
    rows = tuple(
        PlotRow(
            label=str(row["label"]),
            estimate=_estimate(row["estimate"], row.get("readout")),
            baseline=bool(row["baseline"]),
            judged=row["estimate"] not in TOMOGRAPHY,
            decoded=row["estimate"] == "h_ideal" and row.get("readout") == "correct",
            value=float(row[name]),
            low=float(row[f"{name}_low"]),
            high=float(row[f"{name}_high"]),
        )
        for row in frame.to_dict("records")
    )
    own_lines = Layout(rows=rows).grouped
    lengths = [_OWN_LINE if own_lines else _room(row) for row in rows]
    shown = fitted_names([row.label for row in rows], lengths)
    return tuple(replace(row, shown=name) for row, name in zip(rows, shown, strict=True))


def caption(row: PlotRow, i: int, layout: Layout) -> Markup:
    """Return the name and the numbers of a row, above its mark."""
    y = layout.bar_height(i) - 16
    words = _numbers(row) if row.measured else "no shot kept: no value"
    class_ = "muted" if row.baseline else "strong"
    numbers = text(RIGHT, y, words, "end small")
    if not layout.grouped:
        return text(LEFT, y, row.shown + _done(row), class_) + numbers
    head = text(LEFT, y - _HEAD, row.shown, class_) if layout.is_first(i) else ""
    return head + text(LEFT, y, row.estimate or "from ⟨X⟩ and ⟨Z⟩", "small") + numbers


def marker(row: PlotRow, x: float, y: float) -> Markup:
    """Return the mark of a value: its shape tells protocol and baselines, open from filled."""
    open_ = "open axis"
    if row.judged or not row.estimate:
        kind, filled = ("square", "base") if row.baseline else ("circle", "data")
        return shape(kind, (x, y), 4, open_ if row.decoded else filled)
    return shape("diamond", (x, y), 4, open_)


def bar(low: float, high: float, y: float) -> Markup:
    """Return an interval; its ends reach beyond the marker, which would hide a narrow one."""
    ends = [((x, y - 7), (x, y + 7)) for x in (low, high)]
    return lines([((low, y), (high, y)), *ends], "interval")


def arrow(y: float) -> Markup:
    """Return the sign at the axis' left end that an interval goes on to 0."""
    return polygon([(LEFT - 8, y), (LEFT + 4, y - 6), (LEFT + 4, y + 6)], "bound-text")


def grid(ticks: Sequence[tuple[float, str]], scale: Scale, bottom: float) -> list[Markup]:
    """Return the axis with (value, words) of its ticks."""
    lines = [line((scale(v), TOP), (scale(v), bottom), "grid") for v, _ in ticks]
    axis = line((LEFT, bottom), (RIGHT, bottom), "axis")
    names = [text(scale(v), bottom + 17, words, "mid small") for v, words in ticks if words]
    return [*lines, axis, *names]


def bound_line(
    x: float, layout: Layout, words: str, *, without: frozenset[int] = frozenset()
) -> Markup:
    """Return the bound beside every bar; it leaves out the lines of text above the bars.

    Args:
        x: where it lies.
        layout: of the rows.
        words: its name.
        without: rows that have words in place of a bar.
    """
    heights = [layout.bar_height(i) for i in range(len(layout.rows)) if i not in without]
    spans = [(TOP - 20, TOP), *((y - 11, y + 12) for y in heights)]
    label = text(x - 5, TOP - 10, words, "small bound-text end") if x > WIDTH / 2 else None
    label = label or text(x + 5, TOP - 10, words, "small bound-text")
    return label + lines([((x, top), (x, low)) for top, low in spans], "bound")


def legend(y: float, rows: Sequence[PlotRow]) -> Markup:
    """Return what the marks mean, as far as they occur."""
    entries = [(shape("circle", (0, 0), 4, "data"), "protocol")]
    if any(row.baseline and (row.judged or not row.estimate) for row in rows):
        entries.append((shape("square", (0, 0), 4, "base"), "baseline"))
    if any(not row.judged and row.estimate for row in rows):
        entries.append((shape("diamond", (0, 0), 4, "open axis"), "baseline, readout removed"))
    if any(row.decoded for row in rows):
        entries.append((shape("circle", (0, 0), 4, "open axis"), "open: readout correct"))
    parts, x = [], LEFT + 8
    for mark, words in entries:
        name = text(10, 4.5, words, "small")
        parts.append(tag("g", mark, name, transform=f"translate({x:g} {y:g})"))
        x += 32 + 6 * len(words)
    return Markup("").join(parts)


def in_words(quantity: str, rows: Sequence[PlotRow]) -> str:
    """Return the plot in words: every value with its interval."""
    listed = [
        f"{row.name}: {_written(row, row.value)}, interval {_written(row, row.low)} to "
        f"{_written(row, row.high)}"
        if row.measured
        else f"{row.name}: no shot kept"
        for row in rows
    ]
    return f"{quantity} of each point. {'; '.join(listed)}."


def _estimate(estimate: object, readout: object) -> str:
    if estimate == "raw":
        return ""
    return estimate_words(estimate) if estimate in TOMOGRAPHY else judged_words(estimate, readout)


def _numbers(row: PlotRow) -> str:
    if row.judged:
        return " ".join(scientific_interval(row.value, row.low, row.high))
    digits = interval_digits(row.low, row.high)
    return f"{signed(row.value, digits)} [{signed(row.low, digits)}, {signed(row.high, digits)}]"


def _done(row: PlotRow) -> str:
    """Return what was done to the estimate; it stays whole."""
    return f", {row.estimate}" if row.estimate else ""


def _room(row: PlotRow) -> int:
    """Return how many characters of the point's name fit in front of the numbers."""
    return 34 - len(_done(row)) - 4 * (not row.baseline)


def _written(row: PlotRow, value: float) -> str:
    return f"{value:.3g}" if row.judged else f"{value:.5f}"
