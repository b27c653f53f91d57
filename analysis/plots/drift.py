"""Drift: acceptance and <P> of each part of a run, in the order taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan

import pandas as pd
from markupsafe import Markup

from ..numbers import grouped, is_missing, scientific, signed
from .axes import label_of_one_point, padded, round_ticks
from .svg import line, lines, picture, shape, text

_WIDTH = 430.0
_LEFT = 52.0  # where the first panel begins; the second one as far from the first's end
_PANEL = 156.0
_TALL, _HEAD, _FOOT = 96.0, 26.0, 22.0
_QUANTITIES = (("acceptance", "shots"), ("expectation", "kept"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One quantity of one basis, part by part.

    Attributes:
        basis: measure X, Y, Z, H or H_ideal.
        quantity: acceptance or expectation.
        starts: number of the first shot of each part, then the number of all shots.
        values: (value, low, high) of each part; NaN where no shot was kept.
        mean: over all parts, weighted by shots or, of <P>, by kept shots; NaN without any.
        p_value: of parts that differ at least so much if nothing drifts; NaN if not known.
    """

    basis: str
    quantity: str
    starts: tuple[int, ...]
    values: tuple[tuple[float, float, float], ...]
    mean: float
    p_value: float

    @property
    def title(self) -> str:
        """What is drawn, in words."""
        name = "acceptance" if self.quantity == "acceptance" else "⟨P⟩"
        return f"{name} in {self.basis.replace('_', ' ')}"


def drift_plot(frame: pd.DataFrame) -> Markup:
    """Return acceptance and <P> of each part of the shots, a row of two panels for each basis.

    The dashed line is the mean of all parts.

    Args:
        frame: the rows of one point of a drift table.

    Raises:
        ValueError: no row, or rows of several points.
    """
    panels = drift_panels(frame)
    rows = len(panels) // len(_QUANTITIES)
    parts: list[Markup] = []
    for i, panel in enumerate(panels):
        left = _LEFT + (i % 2) * (_PANEL + _LEFT)
        parts += _panel(panel, left, _HEAD + (i // 2) * (_TALL + _HEAD + _FOOT))
    label = str(frame["label"].iloc[0])
    height = rows * (_TALL + _HEAD + _FOOT) + 10
    return picture(_WIDTH, height, _words(label, panels), *parts)


def drift_panels(frame: pd.DataFrame) -> tuple[Panel, ...]:
    """Return acceptance and <P> of each basis of one point.

    Raises:
        ValueError: no row, or rows of several points.
    """
    label_of_one_point(frame)
    return tuple(
        _one_panel(str(basis), part.sort_values("part"), quantity, weight)
        for basis, part in frame.groupby("basis", sort=False)
        for quantity, weight in _QUANTITIES
    )


def _one_panel(basis: str, part: pd.DataFrame, quantity: str, weight: str) -> Panel:
    names = (quantity, f"{quantity}_low", f"{quantity}_high")
    counts = [int(n) for n in part[weight]]
    values = [float(v) for v in part[quantity]]
    total = sum(counts)
    summed = sum(n * v for n, v in zip(counts, values, strict=True) if n)
    p_name = f"{quantity}_p_value"
    return Panel(
        basis=basis,
        quantity=quantity,
        starts=(0, *(int(n) for n in part["shots"].cumsum())),
        values=tuple(
            (float(value), float(low), float(high))
            for value, low, high in zip(*(part[name] for name in names), strict=True)
        ),
        mean=summed / total if total else nan,
        p_value=float(part[p_name].iloc[0]) if p_name in part else nan,
    )


def _panel(panel: Panel, left: float, top: float) -> Iterator[Markup]:
    bottom = top + _TALL
    ends = [v for value in panel.values if not is_missing(value[0]) for v in value]
    yield text(left, top - 9, panel.title, "small strong")
    yield line((left, bottom), (left + _PANEL, bottom), "axis")
    yield text(left, bottom + 15, "shot 0", "small muted")
    yield text(left + _PANEL, bottom + 15, grouped(panel.starts[-1]), "small muted end")
    if not is_missing(panel.p_value):
        yield text(left + _PANEL, top - 9, f"p = {_probability(panel.p_value)}", "small end")
    if not ends:
        yield text(left + _PANEL / 2, top + _TALL / 2, "no shot kept", "small muted mid")
        return
    low, high = padded(min(ends), max(ends))

    def height(value: float) -> float:
        return bottom - _TALL * (value - low) / (high - low)

    for value, words in round_ticks(low, high, 4):
        yield line((left, height(value)), (left + _PANEL, height(value)), "grid")
        yield text(left - 5, height(value) + 4, words, "small end")
    mean = height(panel.mean)
    yield line((left, mean), (left + _PANEL, mean), "guide")
    total = panel.starts[-1]
    for start, end, part in zip(panel.starts[:-1], panel.starts[1:], panel.values, strict=True):
        x = left + _PANEL * (start + end) / (2 * total)
        if not is_missing(part[0]):
            y, y_low, y_high = (height(v) for v in part)
            yield lines([((x, y_low), (x, y_high))], "interval") + shape(
                "circle", (x, y), 3, "data"
            )


def _probability(p: float) -> str:
    return f"{p:.2f}" if p >= 0.01 else scientific(p, 0)


def _words(label: str, panels: Sequence[Panel]) -> str:
    listed = []
    for panel in panels:
        shown = ", ".join("none" if is_missing(v) else signed(v, 4) for v, _, _ in panel.values)
        known = "" if is_missing(panel.p_value) else f", p = {_probability(panel.p_value)}"
        mean = "none" if is_missing(panel.mean) else signed(panel.mean, 4)
        listed.append(f"{panel.title}: {shown}; mean {mean}{known}")
    return f"Drift, {label}, in the order taken. {'. '.join(listed)}."
