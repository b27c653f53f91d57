"""Tables: DataFrames with documented columns and stable dtypes (docs/tables.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from ...experiments.colour_code import Basis
from ...experiments.counts import Readout
from ...experiments.measures import Measure
from ..estimate import (
    Estimate,
    attempts_per_kept,
    complement,
    expectation,
    fidelity_estimate,
    rate_estimate,
    remove_readout_error,
)
from ..points import BASES, PointCounts
from ..postselect import Criterion, counted_criteria
from ..rates import Rates, measured_rates

IDEAL_READOUTS: tuple[Readout, ...] = ("detect", "correct")
"""Both ways to treat the faces of an ideal judgement, which sees them all."""

Row = dict[str, Any]

IDENTITY: Mapping[str, str] = {
    "run": "str",
    "point": "int64",
    "label": "str",
    "scheme": "str",
    "distance": "Int64",
    "rounds": "Int64",
    "reuse": "str",
    "baseline": "bool",
    "device": "str",
    "noise": "str",
    "backend": "str",
}


def _with_interval(*names: str) -> dict[str, str]:
    return {name + end: "float64" for name in names for end in ("", "_low", "_high")}


FIDELITY: Mapping[str, str] = {
    **IDENTITY,
    **{"estimate": "str", "readout": "str", "shots": "int64", "kept": "int64"},
    **_with_interval("acceptance"),
    "attempts_per_kept": "float64",
    **_with_interval("x", "y", "z", "fidelity", "infidelity"),
    **{"level": "float64", "method": "str"},
}
CUTFLOW: Mapping[str, str] = {
    **IDENTITY,
    **{"basis": "str", "criterion": "str", "applied": "bool"},
    **{"entered": "int64", "passed": "int64", "failed": "int64"},
    **_with_interval("pass_rate"),
    **{"level": "float64", "method": "str"},
}
POINTS: Mapping[str, str] = {
    **IDENTITY,
    **{"basis": "str", "readout": "str", "shots": "int64", "kept": "int64"},
    **_with_interval("acceptance", "expectation"),
    **{"level": "float64", "method": "str"},
}


def fidelity_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per point and estimate: acceptance, <X>, <Y>, <Z> and F with intervals.

    `estimate` is "raw"; a point with a known readout error has a second row, "readout_removed", one
    that measures H or H_ideal a row "h_measured", and two "h_ideal", one for each readout.
    Acceptance pools the measured bases. Columns: `FIDELITY`, then `sweep.<field>` columns.
    """
    rows = [row for point in points for row in fidelity_rows(point, level)]
    return make_frame(rows, FIDELITY, points)


def cutflow_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per point, basis and criterion; basis "all" sums the measured ones.

    Columns: `CUTFLOW`, then `sweep.<field>` columns. `pass_rate` is passed / entered.
    """
    rows = [row for point in points for row in cutflow_rows(point, level)]
    return make_frame(rows, CUTFLOW, points)


def points_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per point and measured basis: acceptance and <P> (raw), with intervals.

    Columns: `POINTS`, then `sweep.<field>` columns.
    """
    rows = [row for point in points for row in _point_rows(point, level)]
    return make_frame(rows, POINTS, points)


def fidelity_rows(point: PointCounts, level: float) -> Iterator[Row]:
    """Yield the rows of a point: from tomography, from a second H_m, from the ideal judgement."""
    readout = point.accept.readout
    rates = {name: measured_rates(point, name, readout, level) for name in point.measures}
    common = identity(point) | {"level": level}
    if set(BASES) & set(point.measures):
        yield from _tomography_rows(point, rates, common | {"readout": readout}, level)
    if "H" in rates:
        yield common | {"estimate": "h_measured", "readout": readout} | _from_minus(rates["H"])
    if "H_ideal" in rates:
        for ideal in IDEAL_READOUTS:
            found = measured_rates(point, "H_ideal", ideal, level)
            yield common | {"estimate": "h_ideal", "readout": ideal} | _from_minus(found)


def _tomography_rows(
    point: PointCounts, rates: Mapping[Measure, Rates], common: Row, level: float
) -> Iterator[Row]:
    bases = [rates[basis] for basis in BASES if basis in rates]
    accepted = _pooled(point, bases, level)
    nothing = expectation(rate_estimate(0, 0, level=level))
    raw = {basis: expectation(rates[basis].minus) if basis in rates else nothing for basis in BASES}
    versions = {"raw": raw}
    if point.readout_error is not None:
        versions["readout_removed"] = {
            basis: remove_readout_error(estimate, point.readout_error)
            for basis, estimate in raw.items()
        }
    common |= {"shots": sum(r.shots for r in bases), "kept": sum(r.kept for r in bases)}
    for name, values in versions.items():
        fidelity = fidelity_estimate(values["X"], values["Z"])
        shown = _fidelity(fidelity, complement(fidelity), values)
        yield common | {"estimate": name} | _accepted(accepted) | shown


def _pooled(point: PointCounts, bases: Sequence[Rates], level: float) -> Estimate:
    """Return the acceptance of several bases: of all shots together, or of strata the mean.

    The mean's interval is the mean of theirs, wider than that of independent ones would be.
    """
    if not point.stratified:
        kept, shots = sum(r.kept for r in bases), sum(r.shots for r in bases)
        return rate_estimate(kept, shots, level=level)
    parts = [rates.acceptance for rates in bases]
    return replace(
        parts[0],
        value=fmean(part.value for part in parts),
        low=fmean(part.low for part in parts),
        high=fmean(part.high for part in parts),
    )


def _from_minus(rates: Rates) -> Row:
    """Return the row of a fidelity that is one minus the rate of outcome -1."""
    nothing = rate_estimate(0, 0, level=rates.minus.level)
    missing = dict.fromkeys(BASES, expectation(nothing))
    row = {"shots": rates.shots, "kept": rates.kept} | _accepted(rates.acceptance)
    return row | _fidelity(complement(rates.minus), rates.minus, missing)


def _accepted(accepted: Estimate) -> Row:
    attempts = attempts_per_kept(accepted.value)
    return interval("acceptance", accepted) | {"attempts_per_kept": attempts}


def _fidelity(
    fidelity: Estimate, infidelity: Estimate, expectations: Mapping[Basis, Estimate]
) -> Row:
    """Return F, 1 - F, <X>, <Y> and <Z>; 1 - F is given, as F has not all digits of a small one."""
    row: Row = {"method": fidelity.method}
    for basis, estimate in expectations.items():
        row |= interval(basis.lower(), estimate)
    row |= interval("infidelity", infidelity)
    return row | interval("fidelity", fidelity)


def cutflow_rows(point: PointCounts, level: float) -> list[Row]:
    """Return a row for each basis and criterion, and their sums."""
    flows = {
        measure: counted_criteria(point.counts[measure])
        for measure in point.measures
        if measure in point.counts and measure != "H_ideal"
    }
    known = {measure: flow for measure, flow in flows.items() if flow}
    rows = [
        identity(point) | {"basis": basis} | _criterion_values(criterion, level)
        for basis, flow in [*known.items(), ("all", _summed(known.values()))]
        for criterion in flow
    ]
    early = [measure for measure in point.counts if measure not in known]
    return rows + [_early_row(point, measure, level) for measure in early]


def _early_row(point: PointCounts, measure: Measure, level: float) -> Row:
    """Return the one row of shots that were discarded at whatever failed first."""
    rates = measured_rates(point, measure, point.accept.readout, level)
    whole = Criterion(name="all", applied=True, entered=rates.shots, passed=rates.kept)
    return identity(point) | {"basis": measure} | _criterion_values(whole, level)


def _summed(flows: Iterable[Sequence[Criterion]]) -> list[Criterion]:
    return [
        Criterion(
            name=same[0].name,
            applied=any(criterion.applied for criterion in same),
            entered=sum(criterion.entered for criterion in same),
            passed=sum(criterion.passed for criterion in same),
        )
        for same in zip(*flows, strict=True)
    ]


def _criterion_values(criterion: Criterion, level: float) -> Row:
    rate = rate_estimate(criterion.passed, criterion.entered, level=level)
    return {
        "criterion": criterion.name,
        "applied": criterion.applied,
        "entered": criterion.entered,
        "passed": criterion.passed,
        "failed": criterion.failed,
        "level": level,
        "method": rate.method,
        **interval("pass_rate", rate),
    }


def _point_rows(point: PointCounts, level: float) -> Iterator[Row]:
    for measure in point.measures:
        if measure not in point.counts and measure not in point.stratified:
            continue
        ideal = measure == "H_ideal"
        for readout in IDEAL_READOUTS if ideal else (point.accept.readout,):
            rates = measured_rates(point, measure, readout, level)
            value = expectation(rates.minus)
            yield (
                identity(point)
                | {"basis": measure, "readout": readout, "level": level}
                | {"shots": rates.shots, "kept": rates.kept, "method": value.method}
                | interval("acceptance", rates.acceptance)
                | interval("expectation", value)
            )


def identity(point: PointCounts) -> Row:
    """Return the columns that every table begins with, and the swept ones."""
    swept = {f"sweep.{field}": value for field, value in point.swept.items()}
    return {name: getattr(point, name) for name in IDENTITY} | swept


def interval(name: str, estimate: Estimate) -> Row:
    """Return the three columns of a number with its interval."""
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def make_frame(
    rows: Sequence[Row], schema: Mapping[str, Any], points: Sequence[PointCounts]
) -> pd.DataFrame:
    """Return rows as a table with a schema\'s columns and dtypes, then the swept ones."""
    columns: dict[str, Any] = {
        name: pd.array([row[name] for row in rows], dtype=dtype) for name, dtype in schema.items()
    }
    for name in dict.fromkeys(f"sweep.{field}" for point in points for field in point.swept):
        columns[name] = _sweep_column([row.get(name) for row in rows])
    return pd.DataFrame(columns)


def _sweep_column(values: Sequence[Any]) -> Any:
    """Return swept values as the narrowest of boolean, Int64, float64 and str that holds all."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pd.array(values, dtype="boolean")
    if kinds == {int}:
        return pd.array(values, dtype="Int64")
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return pd.array([None if value is None else str(value) for value in values], dtype="str")
