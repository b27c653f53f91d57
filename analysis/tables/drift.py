"""Drift: whether the shots of a circuit stay the same from its first to its last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ...experiments.counts import Counts
from ...experiments.measures import Measure
from ..combination import pooled_rate
from ..estimate import Estimate, expectation, rate_estimate
from ..points import PointCounts
from .basic import IDENTITY, identity, interval, make_frame

PARTS = 10
"""Into how many equal parts the shots of a circuit are divided, in the order taken."""

DRIFT: Mapping[str, str] = {
    **IDENTITY,
    **{"basis": "str", "part": "int64", "parts": "int64", "shots": "int64", "kept": "int64"},
    **{
        name + end: "float64"
        for name in ("acceptance", "expectation")
        for end in ("", "_low", "_high")
    },
    **{"acceptance_p_value": "float64", "expectation_p_value": "float64"},
    **{"level": "float64", "method": "str"},
}


def drift_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return acceptance and <P> of each tenth of the shots of each circuit, in the order taken.

    The p-values, the same in all rows of a circuit, are the probability of parts that differ at
    least so much if nothing drifts (`combination.pooled_rate`); NaN with fewer than two parts that
    have shots. Columns: `DRIFT`, then `sweep.<field>` columns.
    """
    rows = [
        row
        for point in points
        for measure in point.measures
        if measure in point.cuts
        for row in _rows(point, measure, level)
    ]
    return make_frame(rows, DRIFT, points)


def _rows(point: PointCounts, measure: Measure, level: float) -> Iterator[dict[str, Any]]:
    counts = point.cuts[measure]
    parts = [counts.between(i, i + 1).under(point.accept) for i in range(counts.parts)]
    found = [(one.shots, _outcome(one).kept, int(_outcome(one).minus)) for one in parts]
    common = identity(point) | {"basis": measure, "parts": len(parts), "level": level}
    common |= {
        "acceptance_p_value": _p_value([(kept, shots) for shots, kept, _ in found]),
        "expectation_p_value": _p_value([(minus, kept) for _, kept, minus in found]),
    }
    for number, (shots, kept, minus) in enumerate(found):
        accepted: Estimate = rate_estimate(kept, shots, level=level)
        value = expectation(rate_estimate(minus, kept, level=level))
        yield (
            common
            | {"part": number, "shots": shots, "kept": kept, "method": value.method}
            | interval("acceptance", accepted)
            | interval("expectation", value)
        )


def _outcome(counts: Counts) -> Any:
    (outcome,) = counts.outcomes.values()
    return outcome


def _p_value(counts: Sequence[tuple[int, int]]) -> float:
    return pooled_rate(counts).agreement.p_value
