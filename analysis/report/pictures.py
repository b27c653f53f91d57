"""The report's pictures that are drawn point by point: Bloch vectors, flags, predictions, drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan

import pandas as pd
from markupsafe import Markup

from ..plots.bloch import bloch_plot
from ..plots.drift import drift_plot
from ..plots.flags import flags_plot, largest_rate
from ..plots.predicted import predicted_plot
from .summary import same_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class PointPictures:
    """Pictures of one point, by its label."""

    label: str
    pictures: tuple[Markup, ...]


def bloch_pictures(tomography: pd.DataFrame, states: pd.DataFrame) -> tuple[Markup, ...]:
    """Return the Bloch vector of each point of the protocol, with those of its baselines.

    Args:
        tomography: the rows of the fidelity table that come from <X>, <Y> and <Z>.
        states: most likely states, a table of states; may be empty.
    """
    frame = _with_states(tomography, states)
    rows = frame.to_dict("records")
    pictures = []
    for i, row in enumerate(rows):
        if not row["baseline"]:
            others = [j for j, r in enumerate(rows) if r["baseline"] and same_grid(row, r)]
            pictures.append(bloch_plot(frame.iloc[[i, *others]]))
    return tuple(pictures)


def _with_states(tomography: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with `ml_x`, `ml_y`, `ml_z`; NaN where the state was not estimated."""
    if states.empty:
        return tomography
    likely = {
        (row["run"], row["point"], row["readout"]): row
        for row in states[states["asked"]].to_dict("records")
    }
    keys = zip(*(tomography[key] for key in ("run", "point", "readout")), strict=True)
    found = [
        likely.get(key) if estimate == "raw" else None
        for key, estimate in zip(keys, tomography["estimate"], strict=True)
    ]
    parts = {f"ml_{p}": [nan if row is None else row[p] for row in found] for p in "xyz"}
    return tomography.assign(**parts)


def flag_pictures(flags: pd.DataFrame) -> list[PointPictures]:
    """Return the heat maps of each point, one for each basis, with one scale of shades."""
    return _by_point(flags, _maps_of_one_scale)


def _maps_of_one_scale(part: pd.DataFrame) -> tuple[Markup, ...]:
    darkest = largest_rate(part)
    bases = part.groupby("basis", sort=False)
    return tuple(flags_plot(one, darkest=darkest) for _, one in bases)


def predicted_pictures(predicted: pd.DataFrame) -> list[PointPictures]:
    """Return what was predicted beside what was measured, for each point."""
    return _by_point(predicted, lambda part: (predicted_plot(part),))


def drift_pictures(drift: pd.DataFrame) -> list[PointPictures]:
    """Return acceptance and <P> part by part, for each point."""
    return _by_point(drift, lambda part: (drift_plot(part),))


def _by_point(
    frame: pd.DataFrame, drawn: Callable[[pd.DataFrame], tuple[Markup, ...]]
) -> list[PointPictures]:
    if frame.empty:
        return []
    return [
        PointPictures(label=str(label), pictures=drawn(part))
        for label, part in frame.groupby("label", sort=False)
    ]
