"""Fidelity and infidelity of every point, with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import pandas as pd
from markupsafe import Markup

from .plot_numbers import MINUS, interval_digits, power_of_ten, signed
from .plot_svg import line, lines, picture, polygon, shape, shorten, tag, text

STABILISER_BOUND = (1 + 0.5**0.5) / 2
"""Largest fidelity of a stabiliser state with |H>, 0.85355."""

_WIDTH = 430.0
_LEFT, _RIGHT = 14.0, _WIDTH - 14.0
_TOP, _ROW = 30.0, 46.0
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    label: str
    baseline: bool
    raw: bool
    value: float
    low: float
    high: float

    @property
    def measured(self) -> bool:
        return self.value == self.value


def fidelity_plot(frame: pd.DataFrame) -> Markup:
    """Return F of every row of a fidelity table on a linear axis, with the stabiliser bound."""
    rows = _rows(frame)
    known = [row for row in rows if row.measured]
    low = min([STABILISER_BOUND, *(row.low for row in known)])
    high = max([1.0, *(row.high for row in known)])
    step = next((s for s in _STEPS if (high - low) / s <= 6), 1.0)
    first, last = floor(low / step - 0.2), ceil(high / step + 0.2)
    scale = _linear(first * step, last * step)
    digits = max(1, -floor(log10(step)))
    bottom = _TOP + _ROW * len(rows) + 4
    parts = [
        *_grid(
            [(k * step, signed(k * step, digits)) for k in range(first, last + 1)], scale, bottom
        ),
        _bound_line(scale(STABILISER_BOUND), len(rows), "stabiliser bound 0.8536"),
        *(_linear_row(row, i, scale) for i, row in enumerate(rows)),
        _legend(bottom + 46, rows),
    ]
    return picture(_WIDTH, bottom + 62, _words("Fidelity F", rows), *parts)


def infidelity_plot(frame: pd.DataFrame) -> Markup:
    """Return 1 - F of every row on a logarithmic axis; an interval that reaches 0 has an arrow."""
    rows = [
        _Row(
            label=row.label,
            baseline=row.baseline,
            raw=row.raw,
            value=1 - row.value,
            low=1 - row.high,
            high=1 - row.low,
        )
        for row in _rows(frame)
    ]
    bound = 1 - STABILISER_BOUND
    known = [row for row in rows if row.measured]
    shown = [v for row in known for v in (row.low, row.value, row.high) if v > 0] + [bound]
    first, last = floor(log10(min(shown)) - 0.1), ceil(log10(max(shown)) + 0.05)
    scale = _logarithmic(first, last)
    bottom = _TOP + _ROW * len(rows) + 4
    parts = [
        *_grid([(10.0**k, power_of_ten(k)) for k in range(first, last + 1)], scale, bottom),
        _bound_line(scale(bound), len(rows), "stabiliser bound 0.146"),
        *(_log_row(row, i, scale) for i, row in enumerate(rows)),
        _legend(bottom + 46, rows),
    ]
    return picture(_WIDTH, bottom + 62, _words(f"Infidelity 1 {MINUS} F", rows), *parts)


def row_label(label: object, estimate: object) -> str:
    """Return the name of a row of the fidelity table."""
    return str(label) if estimate == "raw" else f"{label}, {str(estimate).replace('_', ' ')}"


def _rows(frame: pd.DataFrame) -> list[_Row]:
    return [
        _Row(
            label=row_label(row["label"], row["estimate"]),
            baseline=bool(row["baseline"]),
            raw=row["estimate"] == "raw",
            value=float(row["fidelity"]),
            low=float(row["fidelity_low"]),
            high=float(row["fidelity_high"]),
        )
        for row in frame.to_dict("records")
    ]


def _linear(first: float, last: float) -> Scale:
    return lambda value: _LEFT + (value - first) / (last - first) * (_RIGHT - _LEFT)


def _logarithmic(first: int, last: int) -> Scale:
    inner = _linear(first, last)
    return lambda value: inner(log10(value))


def _linear_row(row: _Row, i: int, scale: Scale) -> Markup:
    caption = _caption(row, i)
    if not row.measured:
        return caption
    y = _bar_height(i)
    return caption + _marker(row, scale(row.value), y) + _bar(scale(row.low), scale(row.high), y)


def _log_row(row: _Row, i: int, scale: Scale) -> Markup:
    caption = _caption(row, i)
    if not row.measured:
        return caption
    y = _bar_height(i)
    if row.high <= 0:  # only an unfolded estimate can lie above 1 with all its interval
        return caption + _arrow(y) + text(_LEFT + 18, y + 4, "wholly below 0", "small muted")
    parts = caption + (_marker(row, scale(row.value), y) if row.value > 0 else Markup(""))
    parts += _bar(scale(row.low) if row.low > 0 else _LEFT, scale(row.high), y)
    return parts + (_arrow(y) if row.low <= 0 else Markup(""))


def _bar_height(i: int) -> float:
    return _TOP + _ROW * i + 32


def _caption(row: _Row, i: int) -> Markup:
    y = _TOP + _ROW * i + 16
    digits = interval_digits(row.low, row.high)
    ends = f"[{signed(row.low, digits)}, {signed(row.high, digits)}]"
    words = f"{signed(row.value, digits)} {ends}" if row.measured else "no shot kept: no value"
    name = text(_LEFT, y, _fitted(row), "muted" if row.baseline else "strong")
    return name + text(_RIGHT, y, words, "end small")


def _fitted(row: _Row) -> str:
    """Return the label cut to its room; what was done to the estimate stays whole."""
    name, comma, done = row.label.rpartition(", ") if not row.raw else (row.label, "", "")
    return shorten(name, 34 - len(comma + done) - 4 * (not row.baseline)) + comma + done


def _bar(low: float, high: float, y: float) -> Markup:
    """Return an interval; its ends reach beyond the marker, which would hide a narrow one."""
    ends = [((x, y - 7), (x, y + 7)) for x in (low, high)]
    return lines([((low, y), (high, y)), *ends], "interval")


def _arrow(y: float) -> Markup:
    """Return the sign at the axis' left end that an interval goes on to 0."""
    return polygon([(_LEFT - 8, y), (_LEFT + 4, y - 6), (_LEFT + 4, y + 6)], "bound-text")


def _marker(row: _Row, x: float, y: float) -> Markup:
    if not row.baseline:
        return shape("circle", (x, y), 4, "data")
    return shape("square", (x, y), 4, "base") if row.raw else _open_diamond(x, y)


def _open_diamond(x: float, y: float) -> Markup:
    return shape("diamond", (x, y), 4, "open axis")


def _grid(ticks: Sequence[tuple[float, str]], scale: Scale, bottom: float) -> list[Markup]:
    lines = [line((scale(v), _TOP), (scale(v), bottom), "grid") for v, _ in ticks]
    axis = line((_LEFT, bottom), (_RIGHT, bottom), "axis")
    names = [text(scale(v), bottom + 17, words, "mid small") for v, words in ticks]
    return [*lines, axis, *names]


def _bound_line(x: float, rows: int, words: str) -> Markup:
    """Return the bound beside every bar; it leaves out the lines of text above the bars."""
    spans = [(_TOP - 20, _TOP), *((_bar_height(i) - 11, _bar_height(i) + 12) for i in range(rows))]
    label = text(x - 5, _TOP - 10, words, "small bound-text end") if x > _WIDTH / 2 else None
    label = label or text(x + 5, _TOP - 10, words, "small bound-text")
    return label + lines([((x, top), (x, low)) for top, low in spans], "bound")


def _legend(y: float, rows: Sequence[_Row]) -> Markup:
    entries = [(shape("circle", (0, 0), 4, "data"), "protocol")]
    if any(row.baseline and row.raw for row in rows):
        entries.append((shape("square", (0, 0), 4, "base"), "baseline"))
    if any(not row.raw for row in rows):
        entries.append((_open_diamond(0, 0), "baseline, readout removed"))
    places = (_LEFT + 8, _LEFT + 88, _LEFT + 168)
    return Markup("").join(
        tag("g", mark, text(10, 4.5, words, "small"), transform=f"translate({x:g} {y:g})")
        for x, (mark, words) in zip(places, entries, strict=False)
    )


def _words(quantity: str, rows: Sequence[_Row]) -> str:
    """Return the plot in words: every value with its interval."""
    listed = [
        f"{row.label}: {row.value:.5f}, interval {row.low:.5f} to {row.high:.5f}"
        if row.measured
        else f"{row.label}: no shot kept"
        for row in rows
    ]
    return f"{quantity} of each point. {'; '.join(listed)}."
