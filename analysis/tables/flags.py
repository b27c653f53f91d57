"""Flags: how often each checked bit fires, beside the emulator's prediction: finds a bad qubit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan
from typing import Any

import pandas as pd

from ...experiments.criteria import criterion_of
from ...experiments.measures import Measure
from ...experiments.record import Bit, FaceParity
from ..cut_counts import CutCounts
from ..difference import difference, sigmas
from ..estimate import Estimate, rate_estimate
from ..points import PointCounts
from .basic import IDENTITY, identity, interval, make_frame

FLAGS: Mapping[str, str] = {
    **IDENTITY,
    **{"basis": "str", "role": "str", "stage": "str", "round": "int64"},
    **{"register": "str", "index": "Int64", "face": "str", "check": "str"},
    **{"qubit": "Int64", "device_qubit": "Int64", "name": "str"},
    **{"shots": "int64", "fired": "int64"},
    **{name + end: "float64" for name in ("rate", "predicted") for end in ("", "_low", "_high")},
    **{"pull": "float64", "level": "float64", "method": "str"},
}


def flags_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return the share of shots in which each flag, syndrome, H outcome and face parity is wrong.

    All shots count, kept or not. Only points whose raw shots were kept have rows. Columns:
    `FLAGS`, then `sweep.<field>` columns.
    """
    rows = [
        identity(point) | {"basis": measure, "level": level} | row
        for point in points
        for measure in point.measures
        if measure in point.cuts
        for row in _rows(point, measure, level)
    ]
    return make_frame(rows, FLAGS, points)


def _rows(point: PointCounts, measure: Measure, level: float) -> Iterator[dict[str, Any]]:
    counts, predicted = point.cuts[measure], point.predicted.get(measure)
    for column, bit in enumerate(counts.record.bits):
        if bit.expected is not None and criterion_of(bit) is not None:
            theirs = None if predicted is None else int(predicted.fired[column])
            yield _bit(bit, point) | _rates(
                counts, int(counts.fired[column]), predicted, theirs, level
            )
    for column, face in enumerate(counts.record.faces):
        theirs = None if predicted is None else int(predicted.faces[column])
        yield (
            _face(column, face)
            | _rates(counts, int(counts.faces[column]), predicted, theirs, level)
        )


def _rates(
    counts: CutCounts, fired: int, predicted: CutCounts | None, theirs: int | None, level: float
) -> dict[str, Any]:
    found = rate_estimate(fired, counts.shots, level=level)
    row: dict[str, Any] = {"shots": counts.shots, "fired": fired, "method": found.method}
    row |= interval("rate", found)
    if predicted is None or theirs is None:
        nothing = dict.fromkeys(("predicted", "predicted_low", "predicted_high", "pull"), nan)
        return row | nothing
    expected: Estimate = rate_estimate(theirs, predicted.shots, level=level)
    return row | interval("predicted", expected) | {"pull": sigmas(difference(found, expected))}


def _bit(bit: Bit, point: PointCounts) -> dict[str, Any]:
    place = point.places.get(bit.qubit)
    return {
        **{name: getattr(bit, name) for name in ("role", "stage", "round", "register", "index")},
        "face": " ".join(str(face) for face in bit.faces),
        "check": bit.basis,
        "qubit": bit.qubit,
        "device_qubit": None if place is None else place.device_qubit,
        "name": "" if place is None else place.name,
    }


def _face(number: int, face: FaceParity) -> dict[str, Any]:
    """Return the row of a face parity of the readout: of several data qubits, not of one."""
    return {
        **{"role": "readout", "stage": "readout", "round": 0, "register": "", "index": None},
        **{"face": str(number), "check": face.basis, "name": f"face {number}"},
        **{"qubit": None, "device_qubit": None},
    }
