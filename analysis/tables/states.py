"""States: the most likely logical state of each point, physical by construction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ..bloch import bloch_state
from ..points import BASES, PointCounts
from .basic import IDENTITY, identity, interval, make_frame
from .selection import NOTHING, selected, selections

STATES: Mapping[str, str] = {
    **IDENTITY,
    **{"readout": "str", "asked": "bool", "shots": "int64", "kept": "int64"},
    **{
        name + end: "float64"
        for name in ("x", "y", "z", "fidelity", "infidelity")
        for end in ("", "_low", "_high")
    },
    **{"length": "float64", "outside": "float64", "level": "float64", "method": "str"},
}


def states_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return the state of maximum likelihood of each point, under either treatment of the readout.

    The readout's treatment that the experiment does not ask for has a row if raw shots were kept.
    Only points measured in X, Y or Z by sampling. Columns: `STATES`, then `sweep.<field>`; what
    they mean: `bloch.BlochState`.
    """
    rows = [row for point in points for row in _rows(point, level)]
    return make_frame(rows, STATES, points)


def _rows(point: PointCounts, level: float) -> Iterator[dict[str, Any]]:
    found = [chosen for chosen in selections(point) if chosen.without == NOTHING]
    variants = [(chosen.asked, selected(point, chosen)) for chosen in found] or [(True, point)]
    for asked, variant in variants:
        readout = variant.accept.readout
        outcomes = {
            basis: variant.counts[basis].outcomes[readout]
            for basis in BASES
            if basis in variant.counts
        }
        if not outcomes:
            continue
        state = bloch_state(
            {basis: (o.kept, int(o.minus)) for basis, o in outcomes.items()},
            level=level,
        )
        row = {
            "readout": readout,
            "asked": asked,
            "shots": sum(variant.counts[basis].shots for basis in outcomes),
            "kept": sum(outcome.kept for outcome in outcomes.values()),
            "length": state.length,
            "outside": state.outside,
            "level": level,
            "method": state.fidelity.method,
        }
        for name in ("x", "y", "z", "fidelity", "infidelity"):
            row |= interval(name, getattr(state, name))
        yield identity(point) | row
