"""Axes with round numbers, shared by the pictures that need more than one."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, isfinite, log10

import pandas as pd

from ..numbers import signed


def round_ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Return (value, words) of the round numbers from `low` to `high`, at most so many.

    Raises:
        ValueError: `low` is not below `high`, or one of them is not finite.
    """
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError(f"an axis from {low} to {high}: it must grow and be finite")
    step = next(s for s in _steps(high - low) if _last(high, s) - _first(low, s) < most)
    first, last = _first(low, step), _last(high, step)
    digits = max(0, -floor(log10(step) + 1e-9))
    return [(k * step, signed(k * step, digits)) for k in range(first, last + 1)]


def padded(low: float, high: float, share: float = 0.08) -> tuple[float, float]:
    """Return both ends with a margin, that of a single value too."""
    margin = share * (high - low) or 0.5 * abs(low) or 1.0
    return low - margin, high + margin


def _steps(span: float) -> Iterator[float]:
    """Yield 1, 2 and 5 times powers of ten, growing, from far below `span` on."""
    decade = floor(log10(span)) - 2
    while True:
        yield from (k * 10.0**decade for k in (1, 2, 5))
        decade += 1


def _first(low: float, step: float) -> int:
    return ceil(low / step - 1e-9)


def _last(high: float, step: float) -> int:
    return floor(high / step + 1e-9)


def label_of_one_point(frame: pd.DataFrame) -> str:
    """Return the label that all rows have.

    Raises:
        ValueError: no row, or rows of several points.
    """
    labels = [str(label) for label in frame["label"].unique()]
    if len(labels) != 1:
        raise ValueError(f"the picture is of one point, not of {', '.join(labels) or 'none'}")
    return labels[0]
