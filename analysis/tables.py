"""Tables: DataFrames with documented columns and stable dtypes (docs/tables.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..experiments.colour_code import Basis
from ..experiments.record import BitKey, Role
from ..experiments.shots import Shots
from .estimate import (
    Estimate,
    attempts_per_kept,
    expectation_estimate,
    fidelity_estimate,
    rate_estimate,
    remove_readout_error,
)
from .points import BASES, PointShots
from .postselect import (
    CRITERIA,
    Criterion,
    Tally,
    cut_flow,
    describe_cut,
    logical_outcomes,
    tally_shots,
)

ROLES: tuple[Role, ...] = ("hadamard", "flag", "syndrome", "data")

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
    **_with_interval("x", "y", "z", "fidelity"),
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


def fidelity_table(points: Sequence[PointShots], *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per point and estimate: acceptance, <X>, <Y>, <Z> and F with intervals.

    `estimate` is "raw"; a point with a known readout error has a second row, "readout_removed".
    Acceptance pools the measured bases. Columns: `FIDELITY`, then `sweep.<field>` columns.
    """
    rows = [row for point in points for row in _fidelity_rows(point, level)]
    return _frame(rows, FIDELITY, points)


def cutflow_table(points: Sequence[PointShots], *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per point, basis and criterion; basis "all" sums the measured ones.

    Columns: `CUTFLOW`, then `sweep.<field>` columns. `pass_rate` is passed / entered.
    """
    rows = [row for point in points for row in _cutflow_rows(point, level)]
    return _frame(rows, CUTFLOW, points)


def points_table(points: Sequence[PointShots], *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per point and measured basis: acceptance and <P> (raw), with intervals.

    Columns: `POINTS`, then `sweep.<field>` columns.
    """
    rows = [row for point in points for row in _point_rows(point, level)]
    return _frame(rows, POINTS, points)


def shots_table(point: PointShots) -> pd.DataFrame:
    """Return one row per shot of every measured basis, in the order taken.

    Columns are a MultiIndex: (role, "register[index]") with the value of each recorded bit (xor
    applied; bool, or nullable "boolean" if only some bases record that bit), then
    ("verdict", "kept") bool, ("verdict", "first_failed") categorical, missing for a kept shot,
    ("verdict", "logical") int8 +1 or -1, ("shot", "basis") str and ("shot", "number") int64, from
    0 within its basis.
    """
    measured = _measured(point)
    flows = [cut_flow(shots, point.accept) for _, shots in measured]
    failed = _join([flow.first_failed for flow in flows], "int8")
    logical = [logical_outcomes(shots, point.accept) for _, shots in measured]
    sizes = [len(shots) for _, shots in measured]
    bases = np.repeat(np.array([basis for basis, _ in measured], dtype=object), sizes)
    columns: dict[tuple[str, str], Any] = {
        **_bit_columns([shots for _, shots in measured]),
        ("verdict", "kept"): failed < 0,
        ("verdict", "first_failed"): pd.Categorical.from_codes(
            failed, dtype=pd.CategoricalDtype(list(CRITERIA), ordered=True)
        ),
        ("verdict", "logical"): _join(logical, "int8"),
        ("shot", "basis"): pd.array(bases, dtype="str"),
        ("shot", "number"): _join([np.arange(size) for size in sizes], "int64"),
    }
    names = pd.MultiIndex.from_tuples(columns, names=["role", "bit"])
    return pd.DataFrame(columns).set_axis(names, axis=1)


def _fidelity_rows(point: PointShots, level: float) -> list[Row]:
    cut = describe_cut(point.accept)
    tallies = {basis: tally_shots(shots, point.accept) for basis, shots in _measured(point)}
    total = sum(tallies.values(), start=Tally(shots=0, kept=0, plus=0))
    accepted = rate_estimate(total.kept, total.shots, cut=cut, level=level)
    raw = {basis: _expectation(tallies.get(basis), cut, level) for basis in BASES}
    versions = {"raw": raw}
    if point.readout_error is not None:
        versions["readout_removed"] = _unfolded(raw, point, point.readout_error)
    common = _identity(point) | {
        "readout": point.accept.readout,
        "shots": total.shots,
        "kept": total.kept,
        "attempts_per_kept": attempts_per_kept(accepted.value),
        "level": level,
    }
    return [
        common | {"estimate": name} | _interval("acceptance", accepted) | _fidelity_values(values)
        for name, values in versions.items()
    ]


def _fidelity_values(expectations: Mapping[Basis, Estimate]) -> Row:
    fidelity = fidelity_estimate(expectations["X"], expectations["Z"])
    row: Row = {"method": fidelity.method}
    for basis, estimate in expectations.items():
        row |= _interval(basis.lower(), estimate)
    return row | _interval("fidelity", fidelity)


def _expectation(tally: Tally | None, cut: str, level: float) -> Estimate:
    counts = tally or Tally(shots=0, kept=0, plus=0)
    return expectation_estimate(counts.plus, counts.kept, cut=cut, level=level)


def _unfolded(
    raw: Mapping[Basis, Estimate], point: PointShots, readout_error: tuple[float, float]
) -> dict[Basis, Estimate]:
    signs = {basis: shots.record.logical.sign for basis, shots in point.shots.items()}
    return {
        basis: remove_readout_error(estimate, readout_error, sign=signs.get(basis, 1))
        for basis, estimate in raw.items()
    }


def _cutflow_rows(point: PointShots, level: float) -> list[Row]:
    flows = {basis: cut_flow(shots, point.accept).criteria for basis, shots in _measured(point)}
    flows_and_sum = [*flows.items(), ("all", _summed(flows.values()))]
    return [
        _identity(point) | {"basis": basis} | _criterion_values(criterion, point, level)
        for basis, flow in flows_and_sum
        for criterion in flow
    ]


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


def _criterion_values(criterion: Criterion, point: PointShots, level: float) -> Row:
    rate = rate_estimate(
        criterion.passed, criterion.entered, cut=describe_cut(point.accept), level=level
    )
    return {
        "criterion": criterion.name,
        "applied": criterion.applied,
        "entered": criterion.entered,
        "passed": criterion.passed,
        "failed": criterion.failed,
        "level": level,
        "method": rate.method,
        **_interval("pass_rate", rate),
    }


def _point_rows(point: PointShots, level: float) -> list[Row]:
    cut = describe_cut(point.accept)
    rows = []
    for basis, shots in _measured(point):
        tally = tally_shots(shots, point.accept)
        expectation = _expectation(tally, cut, level)
        rows.append(
            _identity(point)
            | {"basis": basis, "readout": point.accept.readout, "level": level}
            | {"shots": tally.shots, "kept": tally.kept, "method": expectation.method}
            | _interval("acceptance", rate_estimate(tally.kept, tally.shots, cut=cut, level=level))
            | _interval("expectation", expectation)
        )
    return rows


def _identity(point: PointShots) -> Row:
    swept = {f"sweep.{field}": value for field, value in point.swept.items()}
    return {name: getattr(point, name) for name in IDENTITY} | swept


def _interval(name: str, estimate: Estimate) -> Row:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _measured(point: PointShots) -> list[tuple[Basis, Shots]]:
    return [(basis, point.shots[basis]) for basis in BASES if basis in point.shots]


def _frame(
    rows: Sequence[Row], schema: Mapping[str, Any], points: Sequence[PointShots]
) -> pd.DataFrame:
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


def _bit_columns(parts: Sequence[Shots]) -> dict[tuple[str, str], Any]:
    """Return the column of every bit that any part records, role after role."""
    values = [shots.values() for shots in parts]
    places = [{(bit.role, bit.key): i for i, bit in enumerate(p.record.bits)} for p in parts]
    columns: dict[tuple[str, str], Any] = {}
    for role, key in sorted(dict.fromkeys(k for p in places for k in p), key=_role_order):
        known = [(role, key) in place for place in places]
        pieces = [
            v[:, place[role, key]] if has else np.zeros(len(v), np.bool_)
            for v, place, has in zip(values, places, known, strict=True)
        ]
        missing = np.repeat(~np.array(known), [len(v) for v in values])
        joined = _join(pieces, "bool")
        columns[role, f"{key[0]}[{key[1]}]"] = (
            joined if all(known) else pd.arrays.BooleanArray(joined, missing)
        )
    return columns


def _role_order(field: tuple[Role, BitKey]) -> int:
    return ROLES.index(field[0])


def _join(parts: Sequence[Any], dtype: str) -> Any:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)
