"""Published points of magic-state preparation, fidelity against acceptance: a table as shipped."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import pandas as pd

PUBLISHED: Mapping[str, str] = {
    **dict.fromkeys(("source", "reference", "citation", "where"), "str"),
    **{"year": "int64", "kind": "str"},
    **{"platform": "str", "code": "str", "distance": "int64", "what": "str", "p": "float64"},
    **dict.fromkeys(("infidelity", "infidelity_low", "infidelity_high"), "float64"),
    **{"bound": "bool", "acceptance": "float64", "checked": "str", "note": "str"},
}
"""Columns of the published points, see `published_experiments`."""

_FILE = "published_experiments.csv"


def published_experiments() -> pd.DataFrame:
    """Return one row per published point, experiments and simulations of others.

    `infidelity` is 1 - F of the accepted states, `infidelity_low` and `infidelity_high` the ends of
    the published error (one standard error; NaN where none is given); `bound`
    says that the infidelity is an upper bound. `acceptance` is in (0, 1], `p` the physical error
    rate of a simulation. `reference` is the citation in short, `where` the place in the source,
    `checked` against what the figures were compared: the source's abstract, a collection of such
    figures that cites it, or nothing. The points of Chamberland and Noh (2020) are in
    `published.POINTS`.
    """
    with (files(__package__) / _FILE).open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype={name: PUBLISHED[name] for name in PUBLISHED})
    return frame.assign(note=frame["note"].fillna(""))
