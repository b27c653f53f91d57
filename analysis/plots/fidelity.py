"""Fidelity and infidelity of every point, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

import pandas as pd
from markupsafe import Markup

from ..numbers import MINUS, power_of_ten, signed
from .rows import (
    LEFT,
    RIGHT,
    WIDTH,
    Layout,
    PlotRow,
    Scale,
    arrow,
    bar,
    bound_line,
    caption,
    grid,
    in_words,
    legend,
    marker,
    plot_rows,
)
from .svg import picture, text

STABILISER_BOUND = (1 + 0.5**0.5) / 2
"""Largest fidelity of a stabiliser state with |H>, 0.85355."""

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_BELOW = 1e-3  # lower ends further below a row's value are not worth a decade of the axis
_MOST_NAMES = 8


def fidelity_plot(frame: pd.DataFrame) -> Markup:
    """Return F of every row of a fidelity table on a linear axis, with the stabiliser bound."""
    rows = plot_rows(frame, "fidelity")
    layout = Layout(rows=rows)
    known = [row for row in rows if row.measured]
    low = min([STABILISER_BOUND, *(row.low for row in known)])
    high = max([1.0, *(row.high for row in known)])
    step = next((s for s in _STEPS if (high - low) / s <= 6), 1.0)
    first, last = floor(low / step - 0.2), ceil(high / step + 0.2)
    scale = _linear(first * step, last * step)
    digits = max(1, -floor(log10(step)))
    ticks = [(k * step, signed(k * step, digits)) for k in range(first, last + 1)]
    parts = [
        *grid(ticks, scale, layout.bottom),
        bound_line(scale(STABILISER_BOUND), layout, "stabiliser bound 0.8536"),
        *(_linear_row(row, i, layout, scale) for i, row in enumerate(rows)),
        legend(layout.bottom + 46, rows),
    ]
    return picture(WIDTH, layout.bottom + 62, in_words("Fidelity F", rows), *parts)


def infidelity_plot(frame: pd.DataFrame) -> Markup:
    """Return 1 - F of every row on a logarithmic axis.

    An interval that reaches 0, or beyond the axis on the way there, has an arrow.
    """
    rows = plot_rows(frame, "infidelity")
    layout = Layout(rows=rows)
    bound = 1 - STABILISER_BOUND
    shown = [v for row in rows if row.measured for v in _shown(row)] + [bound]
    first, last = floor(log10(min(shown)) - 0.1), ceil(log10(max(shown)) + 0.05)
    scale = _logarithmic(first, last)
    wordy = frozenset(i for i, row in enumerate(rows) if _is_below_zero(row))
    parts = [
        *grid(_decades(first, last), scale, layout.bottom),
        bound_line(scale(bound), layout, "stabiliser bound 0.146", without=wordy),
        *(_log_row(row, i, layout, scale) for i, row in enumerate(rows)),
        legend(layout.bottom + 46, rows),
    ]
    words = in_words(f"Infidelity 1 {MINUS} F", rows)
    return picture(WIDTH, layout.bottom + 62, words, *parts)


def _shown(row: PlotRow) -> Sequence[float]:
    """Return what of a row the axis must hold."""
    size = row.value if row.value > 0 else row.high
    least = _BELOW * size if row.judged else 0.0
    return [v for v in (max(row.low, least), row.value, row.high) if v > 0]


def _is_below_zero(row: PlotRow) -> bool:
    """Return whether all the interval is below 0; an estimate that is not clipped can be there."""
    return row.high <= 0


def _decades(first: int, last: int) -> list[tuple[float, str]]:
    """Return the powers of ten, named as often as there is room, the last one in any case."""
    every = ceil((last - first + 1) / _MOST_NAMES)
    return [
        (10.0**k, "" if (last - k) % every else power_of_ten(k)) for k in range(first, last + 1)
    ]


def _linear(first: float, last: float) -> Scale:
    return lambda value: LEFT + (value - first) / (last - first) * (RIGHT - LEFT)


def _logarithmic(first: int, last: int) -> Scale:
    inner = _linear(first, last)
    return lambda value: inner(log10(value))


def _linear_row(row: PlotRow, i: int, layout: Layout, scale: Scale) -> Markup:
    named = caption(row, i, layout)
    if not row.measured:
        return named
    y = layout.bar_height(i)
    return named + marker(row, scale(row.value), y) + bar(scale(row.low), scale(row.high), y)


def _log_row(row: PlotRow, i: int, layout: Layout, scale: Scale) -> Markup:
    named = caption(row, i, layout)
    if not row.measured:
        return named
    y = layout.bar_height(i)
    if _is_below_zero(row):
        return named + arrow(y) + text(LEFT + 18, y + 4, "wholly below 0", "small muted")
    parts = named + (marker(row, scale(row.value), y) if row.value > 0 else Markup(""))
    beyond = row.low <= 0 or scale(row.low) < LEFT
    parts += bar(LEFT if beyond else scale(row.low), scale(row.high), y)
    return parts + (arrow(y) if beyond else Markup(""))
