"""The rows of a fidelity table as Bloch vectors: numbers, names and marks."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import pandas as pd

from ..numbers import is_missing
from ..wording import row_label
from .names import fitted_names, without_shared_run

Triple = tuple[float, float, float]

_NAME = 25  # characters of a name in the list


@dataclass(frozen=True, slots=True, kw_only=True)
class BlochRow:
    """One estimate of a Bloch vector; (value, low, high) of each part.

    Attributes:
        number: its number in the picture, from 1.
        name: the point and the estimate.
        shown: the name as far as there is room for it; the title tells the run.
        kind: shape and style class of its mark.
        likely: (x, y, z) of the most likely state within the ball; None if it was not estimated.
    """

    number: int
    name: str
    shown: str
    kind: tuple[str, str]
    x: Triple
    y: Triple
    z: Triple
    likely: Triple | None

    @property
    def placed(self) -> bool:
        """Whether <X> and <Z> are known."""
        return not (is_missing(self.x[0]) or is_missing(self.z[0]))


def bloch_rows(frame: pd.DataFrame) -> tuple[BlochRow, ...]:
    """Return the rows of a fidelity table as what the picture needs."""
    found = []
    records = frame.to_dict("records")
    names = [row_label(row["label"], row["estimate"]) for row in records]
    shown = fitted_names(without_shared_run(names), [_NAME] * len(names))
    for i, row in enumerate(records):
        x, y, z = (
            (float(row[key]), float(row[f"{key}_low"]), float(row[f"{key}_high"])) for key in "xyz"
        )
        ml = [float(row.get(f"ml_{key}", nan)) for key in "xyz"]
        known = not any(map(is_missing, ml))
        found.append(
            BlochRow(
                number=i + 1,
                name=names[i],
                shown=shown[i],
                kind=_kind(bool(row["baseline"]), row["estimate"] == "raw"),
                **{"x": x, "y": y, "z": z},
                likely=(ml[0], ml[1], ml[2]) if known else None,
            )
        )
    return tuple(found)


def _kind(baseline: bool, raw: bool) -> tuple[str, str]:
    if not raw:
        return "diamond", "open axis"
    return ("square", "base") if baseline else ("circle", "data")
