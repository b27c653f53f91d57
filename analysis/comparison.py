"""Runs beside one another: how far each lies from the first, and all of them as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf, isnan
from typing import Any

import pandas as pd

from ..experiments.counts import Counts
from ..experiments.measures import Measure
from .combination import Combined, pooled_rate, weighted_mean
from .difference import difference, ratio, sigmas
from .estimate import Estimate
from .points import PointCounts
from .tables.basic import fidelity_rows, interval

QUANTITIES = ("fidelity", "infidelity", "acceptance", "x", "y", "z")
POOLED = "pooled"
WEIGHTED = "weighted"

_KEYS: Mapping[str, str] = dict.fromkeys(("label", "estimate", "readout", "quantity"), "str")
_ENDS = ("", "_low", "_high")

DIFFERENCES: Mapping[str, str] = {
    **_KEYS,
    **{"first_run": "str", "run": "str"},
    **{
        name + end: "float64" for name in ("first", "value", "difference", "ratio") for end in _ENDS
    },
    **{"pull": "float64", "level": "float64"},
}
COMBINED: Mapping[str, str] = {
    **_KEYS,
    **{"runs": "int64", "how": "str"},
    **{name: "float64" for name in ("value", "low", "high")},
    **{"statistic": "float64", "degrees": "int64", "p_value": "float64", "scale": "float64"},
    **{"level": "float64", "method": "str"},
}

Key = tuple[str, str, str]  # label, estimate, readout
_Found = dict[Key, dict[str, Estimate]]


def differences_table(runs: Sequence[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """Return how far each run lies from the first, for every estimate that both have.

    Points are matched by label, rows by estimate and readout. `difference` is the run's value less
    the first run's, by MOVER; `pull` is that in standard errors; `ratio` the one over the other,
    of acceptance and infidelity where no interval reaches below 0, else NaN. Columns:
    `DIFFERENCES`.

    Args:
        runs: (id, fidelity table) of each run, the one to compare with first.
    """
    rows: list[dict[str, Any]] = []
    if runs:
        (first_id, first_table), *others = runs
        first = _of_rows(first_table.to_dict("records"))
        for run_id, table in others:
            for key, found in _of_rows(table.to_dict("records")).items():
                for quantity, value in found.items():
                    reference = first.get(key, {}).get(quantity)
                    if reference is not None:
                        common = _named(key, quantity) | {"first_run": first_id, "run": run_id}
                        rows.append(common | _difference(quantity, reference, value))
    return _frame(rows, DIFFERENCES)


def combined_table(
    runs: Sequence[tuple[str, Sequence[PointCounts]]],
    circuits: Mapping[tuple[str, str, Measure], str],
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the common value of every estimate that several runs have, and whether they agree.

    Runs with the same compiled circuits for a point are pooled, shot for shot; others, and what
    was estimated by strata, are weighted by their variances, with the interval widened where they
    disagree. One row per estimate, columns: `COMBINED`; see `combination`.

    Args:
        runs: (id, points) of each run.
        circuits: fingerprint of the compiled circuit, by (run, label, measure).
        level: two-sided confidence level.
    """
    found = [_estimates(points, level) for _, points in runs]
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys(key for one in found for key in one):
        having = [i for i, one in enumerate(found) if key in one]
        if len(having) < 2:
            continue
        parts = [(runs[i][0], _point(runs[i][1], key[0])) for i in having]
        pooled = _pooled(parts, circuits, key, level)
        for quantity in found[having[0]][key]:
            estimates = [found[i][key][quantity] for i in having]
            mean = weighted_mean(estimates, within=_range(quantity))
            rows.append(_named(key, quantity) | _combined(mean, pooled.get(quantity), len(having)))
    return _frame(rows, COMBINED)


def _combined(mean: Combined, pooled: Combined | None, runs: int) -> dict[str, Any]:
    best = pooled or mean
    agreement = best.agreement
    return {
        **{"runs": runs, "how": POOLED if pooled else WEIGHTED},
        **{name: getattr(best.estimate, name) for name in ("value", "low", "high")},
        **{name: getattr(agreement, name) for name in ("statistic", "degrees", "p_value")},
        **{"scale": best.scale, "level": best.estimate.level, "method": best.estimate.method},
    }


def _pooled(
    parts: Sequence[tuple[str, PointCounts]],
    circuits: Mapping[tuple[str, str, Measure], str],
    key: Key,
    level: float,
) -> dict[str, Combined]:
    """Return the pooled quantities of runs with identical circuits; none if they differ."""
    label, estimate, readout = key
    points = [point for _, point in parts]
    prints = [
        {measure: circuits.get((run, label, measure)) for measure in point.counts}
        for run, point in parts
    ]
    same = all(one == prints[0] for one in prints) and None not in prints[0].values()
    alike = all((p.accept, p.measures) == (points[0].accept, points[0].measures) for p in points)
    if not (same and alike and prints[0]) or any(point.stratified for point in points):
        return {}
    together = replace(
        points[0],
        counts={measure: _sum([p.counts[measure] for p in points]) for measure in prints[0]},
    )
    values = _estimates([together], level)[key]
    shown = [_estimates([point], level)[key] for point in points]
    pooled: dict[str, Combined] = {}
    for quantity, value in values.items():
        spread = weighted_mean([one[quantity] for one in shown])
        agreement = spread.agreement
        if quantity == "acceptance" and estimate == "raw":
            counts = [_kept(point, readout) for point in points]
            agreement = pooled_rate(counts, level=level).agreement
        pooled[quantity] = Combined(estimate=value, agreement=agreement, scale=1.0)
    return pooled


def _kept(point: PointCounts, readout: str) -> tuple[int, int]:
    chosen = [point.counts[measure] for measure in ("X", "Y", "Z") if measure in point.counts]
    kept = sum(o.kept for c in chosen for name, o in c.outcomes.items() if name == readout)
    return kept, sum(c.shots for c in chosen)


def _sum(counts: Sequence[Counts]) -> Counts:
    total = counts[0]
    for one in counts[1:]:
        total = total + one
    return total


def _estimates(points: Sequence[PointCounts], level: float) -> _Found:
    return _of_rows(row for point in points for row in fidelity_rows(point, level))


def _of_rows(rows: Iterable[Mapping[Any, Any]]) -> _Found:
    """Return the known quantities of rows of a fidelity table."""
    found: _Found = {}
    for row in rows:
        key = (str(row["label"]), str(row["estimate"]), str(row["readout"]))
        values = {name: _estimate(row, name) for name in QUANTITIES}
        found[key] = {n: v for n, v in values.items() if not isnan(v.value)}
    return found


def _estimate(row: Mapping[Any, Any], name: str) -> Estimate:
    value, low, high = (float(row[name + end]) for end in _ENDS)
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=int(row["kept"]),
        method=row["method"],
        level=row["level"],
    )


def _difference(quantity: str, first: Estimate, value: Estimate) -> dict[str, Any]:
    apart = difference(value, first)
    row = interval("first", first) | interval("value", value) | interval("difference", apart)
    comparable = quantity in ("acceptance", "infidelity") and min(first.low, value.low) >= 0
    nothing = dict.fromkeys((f"ratio{end}" for end in _ENDS), float("nan"))
    row |= interval("ratio", ratio(value, first)) if comparable else nothing
    return row | {"pull": sigmas(apart), "level": value.level}


def _range(quantity: str) -> tuple[float, float]:
    """Return what a quantity can be; a linear fidelity may leave [0, 1] by chance."""
    if quantity == "acceptance":
        return (0.0, 1.0)
    return (-1.0, 1.0) if quantity in ("x", "y", "z") else (-inf, inf)


def _named(key: Key, quantity: str) -> dict[str, Any]:
    return dict(zip(_KEYS, (*key, quantity), strict=True))


def _point(points: Sequence[PointCounts], label: str) -> PointCounts:
    return next(point for point in points if point.label == label)


def _frame(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.array([row[name] for row in rows], dtype=dtype) for name, dtype in schema.items()}
    )
