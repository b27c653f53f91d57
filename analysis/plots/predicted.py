"""Predicted against measured: one quantity a row, with the pull between the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from ..numbers import interval_digits, is_missing, signed
from ..wording import estimate_words
from .axes import label_of_one_point, padded
from .flags import ALARM, SIGMA
from .svg import line, lines, picture, shape, shorten, text

_WIDTH = 430.0
_LEFT, _RIGHT = 14.0, 236.0
_TOP = 10.0
_ROW = 58.0

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One quantity, (value, low, high) of both; NaN where there is no value.

    `pull`: (measured - predicted) in standard errors of both; NaN if there is none.
    """

    name: str
    measured: Triple
    predicted: Triple
    pull: float

    @property
    def ends(self) -> list[float]:
        """Every number that its row must hold."""
        both = (part for part in (self.measured, self.predicted) if not is_missing(part[0]))
        return [v for part in both for v in part if not is_missing(v)]


def predicted_plot(frame: pd.DataFrame) -> Markup:
    """Return every quantity as measured (filled circle) above as predicted (open square).

    Each row has a scale of its own, so that both intervals can be seen; the thin line goes through
    the predicted value. At the right the numbers, and the pull in sigma.

    Args:
        frame: the rows of one point of a table of predicted and measured quantities.

    Raises:
        ValueError: no row, or rows of several points.
    """
    rows = compared(frame)
    height = _TOP + _ROW * len(rows) + 26
    parts = [part for i, row in enumerate(rows) for part in _row(row, _TOP + _ROW * i)]
    label = str(frame["label"].iloc[0])
    return picture(_WIDTH, height, _words(label, rows), *parts, *_legend(height - 8))


def compared(frame: pd.DataFrame) -> tuple[Compared, ...]:
    """Return the rows of the table.

    Raises:
        ValueError: no row, or rows of several points.
    """
    label_of_one_point(frame)
    return tuple(
        Compared(
            name=_name(row),
            measured=_triple(row, "measured"),
            predicted=_triple(row, "predicted"),
            pull=float(row["pull"]),
        )
        for row in frame.to_dict("records")
    )


def _name(row: Mapping[Any, Any]) -> str:
    """Return the quantity, the basis unless the quantity tells it, and a special estimate."""
    quantity, basis, estimate = (
        "" if is_missing(row.get(key)) else str(row[key])
        for key in ("quantity", "basis", "estimate")
    )
    shown = f"⟨{quantity.upper()}⟩" if quantity in ("x", "y", "z") else quantity
    told = basis.lower() in ("", "all", quantity)
    shown += "" if told else f" in {basis.replace('_', ' ')}"
    return shown if estimate in ("", "raw") else f"{shown}, {estimate_words(estimate)}"


def _triple(row: Mapping[Any, Any], key: str) -> Triple:
    return float(row[key]), float(row[f"{key}_low"]), float(row[f"{key}_high"])


def _row(row: Compared, top: float) -> Iterator[Markup]:
    yield line((_LEFT, top), (_WIDTH - _LEFT, top), "grid")
    yield text(_LEFT, top + 17, shorten(row.name, 30), "strong")
    yield text(_WIDTH - _LEFT, top + 17, *_pull(row.pull))
    if not row.ends:
        yield text(_LEFT, top + 33, "no value", "small muted")
        return
    low, high = padded(min(row.ends), max(row.ends))

    def place(value: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (value - low) / (high - low)

    if not is_missing(row.predicted[0]):
        x = place(row.predicted[0])
        yield line((x, top + 23), (x, top + 53), "grid")
    for y, part, kind in (
        (top + 31, row.measured, ("circle", "data")),
        (top + 47, row.predicted, ("square", "open axis")),
    ):
        yield text(_WIDTH - _LEFT, y + 4, _numbers(part), "small end")
        if not is_missing(part[0]):
            yield _bar([place(v) for v in part if not is_missing(v)], y)
            yield shape(kind[0], (place(part[0]), y), 4.5, kind[1])


def _bar(places: Sequence[float], y: float) -> Markup:
    """Return an interval; of a value without one nothing is seen behind its mark."""
    low, high = min(places), max(places)
    caps = [((x, y - 5), (x, y + 5)) for x in (low, high) if high > low]
    return lines([((low, y), (high, y)), *caps], "interval")


def _pull(pull: float) -> tuple[str, str]:
    if is_missing(pull):
        return "no pull", "end muted"
    words = f"{'' if pull < 0 else '+'}{signed(pull, 1)}{SIGMA}"
    if abs(pull) < ALARM:
        return words, "end"
    return f"{'▲' if pull > 0 else '▼'} {words}", "end strong alarm-text"


def _numbers(part: Triple) -> str:
    value, low, high = part
    if is_missing(value):
        return "no value"
    if is_missing(low) or is_missing(high):
        return signed(value, 4)
    digits = interval_digits(low, high)
    return f"{signed(value, digits)} [{signed(low, digits)}, {signed(high, digits)}]"


def _legend(y: float) -> Iterator[Markup]:
    entries = ((("circle", "data"), "measured"), (("square", "open axis"), "predicted"))
    x = _LEFT + 8
    for (kind, class_), words in entries:
        yield shape(kind, (x, y - 4), 4.5, class_) + text(x + 10, y, words, "small")
        x += 90
    yield text(_WIDTH - _LEFT, y, "each row has its own scale", "small muted end")


def _words(label: str, rows: Sequence[Compared]) -> str:
    listed = [
        f"{row.name}: measured {_numbers(row.measured)}, predicted {_numbers(row.predicted)}, "
        f"{_pull(row.pull)[0]}"
        for row in rows
    ]
    return f"Measured and predicted, {label}. {'; '.join(listed)}."
