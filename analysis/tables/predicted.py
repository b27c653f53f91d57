"""Predicted against measured: the same estimates of an emulation of the same compiled circuits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

import pandas as pd

from ..difference import difference, sigmas
from ..estimate import Estimate
from ..points import PointCounts
from .basic import IDENTITY, cutflow_rows, fidelity_rows, identity, interval, make_frame

PREDICTED: Mapping[str, str] = {
    **IDENTITY,
    **{"estimate": "str", "basis": "str", "quantity": "str"},
    **{
        name + end: "float64" for name in ("measured", "predicted") for end in ("", "_low", "_high")
    },
    **{"pull": "float64", "level": "float64"},
}
ALL = "all"

_Key = tuple[str, str, str]  # estimate, basis, quantity


def predicted_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return each estimate of a point beside the emulator's, and how many sigma lie between.

    One row per estimate, basis ("all": the measured bases together) and quantity: `acceptance`,
    <X>, <Y>, <Z> as `x`, `y`, `z`, `fidelity`, and `pass <criterion>` of the cut-flow. Only points
    with a prediction, and of them only measures that were predicted and whose shots were kept.
    Columns: `PREDICTED`, then `sweep.<field>` columns.
    """
    rows = [row for point in points if point.predicted for row in _rows(point, level)]
    return make_frame(rows, PREDICTED, points)


def _rows(point: PointCounts, level: float) -> Iterator[dict[str, Any]]:
    both = tuple(m for m in point.measures if m in point.cuts and m in point.predicted)
    measured = replace(
        point,
        measures=both,
        stratified={},
        counts={measure: point.cuts[measure].under(point.accept) for measure in both},
    )
    emulated = {measure: point.predicted[measure].under(point.accept) for measure in both}
    predicted = _estimates(replace(measured, counts=emulated), level)
    for key, found in _estimates(measured, level).items():
        expected = predicted[key]
        if not isnan(found.value) or not isnan(expected.value):
            estimate, basis, quantity = key
            yield (
                identity(point)
                | {"estimate": estimate, "basis": basis, "quantity": quantity, "level": level}
                | interval("measured", found)
                | interval("predicted", expected)
                | {"pull": sigmas(difference(found, expected))}
            )


def _estimates(point: PointCounts, level: float) -> dict[_Key, Estimate]:
    found: dict[_Key, Estimate] = {}
    for row in fidelity_rows(point, level):
        for name in ("acceptance", "x", "y", "z", "fidelity"):
            if row["estimate"] == "raw" or name == "fidelity":
                found[row["estimate"], ALL, name] = _estimate(row, name, n=row["kept"])
    for row in cutflow_rows(point, level):
        if row["applied"]:
            key = ("raw", row["basis"], f"pass {row['criterion']}")
            found[key] = _estimate(row, "pass_rate", n=row["entered"])
    return found


def _estimate(row: Mapping[str, Any], name: str, *, n: int) -> Estimate:
    return Estimate(
        value=float(row[name]),
        low=float(row[f"{name}_low"]),
        high=float(row[f"{name}_high"]),
        n=n,
        method=row["method"],
        level=row["level"],
    )
