"""The strata table: what shots with a given number of faults did, and how much that counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan

import pandas as pd

from ...experiments.counts import Readout
from ..points import PointCounts, Stratified
from ..strata.stratum import Stratum
from .basic import IDEAL_READOUTS, IDENTITY, Row, identity, make_frame

STRATA: Mapping[str, str] = {
    **IDENTITY,
    **{"basis": "str", "readout": "str", "faults": "int64", "weight": "float64"},
    **{"shots": "int64", "kept": "float64", "minus": "float64"},
    **{"keep_rate": "float64", "minus_rate": "float64", "known": "str"},
}


def strata_table(points: Sequence[PointCounts]) -> pd.DataFrame:
    """Return one row per point, stratified measure, readout and number of faults.

    Columns: `STRATA`, then `sweep.<field>` columns. The weights of a point that are not listed,
    beyond its last row, are below 1e-30 in all.
    """
    rows = [row for point in points for row in _rows(point)]
    return make_frame(rows, STRATA, points)


def _rows(point: PointCounts) -> Iterator[Row]:
    for measure, found in point.stratified.items():
        for readout in IDEAL_READOUTS if measure == "H_ideal" else (point.accept.readout,):
            for faults, weight in enumerate(found.weights.weights):
                yield (
                    identity(point)
                    | {"basis": measure, "readout": readout}
                    | {"faults": faults, "weight": float(weight)}
                    | _stratum(found, faults, readout)
                )


def _stratum(found: Stratified, faults: int, readout: Readout) -> Row:
    """Return the numbers of one stratum: sampled, exact, or nothing."""
    stratum = found.strata.get(faults, Stratum())
    exact, outcome = stratum.exact.get(readout), stratum.outcome(readout)
    shots = stratum.counts.shots if stratum.counts else 0
    row: Row = {"shots": shots, "kept": nan, "minus": nan, "keep_rate": nan, "minus_rate": nan}
    if outcome is not None and shots:
        row |= {"kept": float(outcome.kept), "minus": outcome.minus, "known": "sampled"}
        row |= {"keep_rate": outcome.kept / shots, "minus_rate": outcome.minus / shots}
    if exact is not None:
        row |= {"keep_rate": exact.kept, "minus_rate": exact.minus}
        return row | {"known": "exact"}
    certified = readout in stratum.certified
    sampled = "sampled" if shots else "nothing"
    return row | {"known": f"{sampled}, certified never -1" if certified else sampled}
