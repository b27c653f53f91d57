"""What the report says of infidelities that are the rate of a single outcome: H and H ideal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

import pandas as pd

from ..numbers import NOTHING, grouped, scientific_interval, with_interval
from ..wording import TOMOGRAPHY, estimate_words, judged_words, method_words
from .columns import (
    Row,
    Table,
    interval_column,
    kept_column,
    make_column,
    make_table,
    scientific_column,
    varying_columns,
)
from .summary import attempts_words, same_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPoint:
    """One estimate of one grid point of the protocol; numbers are already written out.

    Attributes:
        label: the point's name.
        estimate: what was judged, and what was done with the faces.
        infidelity: 1 - F.
        interval: its interval.
        acceptance: in per cent.
        acceptance_interval: its interval.
        attempts: per kept state.
        comparisons: (baseline, its 1 - F and interval, how many times the protocol's).
    """

    label: str
    estimate: str
    infidelity: str
    interval: str
    acceptance: str
    acceptance_interval: str
    attempts: str
    comparisons: tuple[tuple[str, str, str], ...]


def judged_points(fidelity: pd.DataFrame) -> dict[str, tuple[JudgedPoint, ...]]:
    """Return the judged estimates of each of the protocol's points, by label."""
    rows = judged(fidelity).to_dict("records")
    found: dict[str, tuple[JudgedPoint, ...]] = {}
    for row in rows:
        if not row["baseline"]:
            label = str(row["label"])
            found[label] = (*found.get(label, ()), _judged_point(row, rows))
    return found


def judged(fidelity: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are not made from <X> and <Z>."""
    return fidelity[~fidelity["estimate"].isin(TOMOGRAPHY)]


def infidelity_view(frame: pd.DataFrame) -> Table:
    """Return the judged rows of the fidelity table: one row per point, estimate and readout."""
    rows = frame.to_dict("records")
    columns = [
        make_column(rows, "label", "point", str, numeric=False),
        make_column(rows, "estimate", "judged by", estimate_words, numeric=False),
        *varying_columns(rows),
        scientific_column(rows, "infidelity", "1 − F"),  # noqa: RUF001 - a true minus sign
        interval_column(rows, "acceptance", "acceptance (%)", scale=100, most=4),
        make_column(rows, "attempts_per_kept", "attempts per kept state", attempts_words),
        kept_column(rows),
    ]
    methods = dict.fromkeys(method_words(row["method"]) for row in rows)
    if len(methods) > 1:
        columns.append(make_column(rows, "method", "interval", method_words, numeric=False))
    table = make_table(columns, rows)
    named = [("interval", name) for name in methods if len(methods) == 1]
    return replace(table, constants=(*table.constants, *named))


def _judged_point(row: Row, rows: Sequence[Row]) -> JudgedPoint:
    infidelity, interval = _infidelity(row)
    low, high = float(row["acceptance_low"]), float(row["acceptance_high"])
    acceptance, accepted = with_interval(float(row["acceptance"]), low, high, scale=100, most=3)
    same = ("estimate", "readout")
    others = [
        other
        for other in rows
        if other["baseline"]
        and same_grid(row, other)
        and all(row[key] == other[key] for key in same)
    ]
    return JudgedPoint(
        label=str(row["label"]),
        estimate=judged_words(row["estimate"], row["readout"]),
        infidelity=infidelity,
        interval=interval,
        acceptance=acceptance,
        acceptance_interval=accepted,
        attempts=attempts_words(row["attempts_per_kept"]),
        comparisons=tuple(_comparison(row, other) for other in others),
    )


def _comparison(row: Row, other: Row) -> tuple[str, str, str]:
    value, ends = _infidelity(other)
    words = "no kept shot" if value == NOTHING else f"{value} {ends}"
    return str(other["label"]), words, _times(float(other["infidelity"]), float(row["infidelity"]))


def _times(other: float, own: float) -> str:
    """Return how many times the protocol's infidelity another is, in words."""
    if isnan(other) or isnan(own):
        return "no comparison, as a value is missing"
    if own <= 0:
        return "no ratio, as the protocol showed no error"
    ratio = other / own
    size = grouped(round(ratio)) if ratio >= 100 else f"{ratio:.2g}"
    return f"{size} times the protocol's"


def _infidelity(row: Row) -> tuple[str, str]:
    return scientific_interval(*(float(row[f"infidelity{end}"]) for end in ("", "_low", "_high")))
