"""Strata as they are shown: what each adds to the infidelity, the unsampled end as one row."""

from __future__ import annotations

import pandas as pd

STRATUM_BLOCK = ["run", "point", "basis", "readout"]
"""Columns that name the strata of one estimate."""

UNKNOWN = "nothing"


def shown_strata(part: pd.DataFrame) -> pd.DataFrame:
    """Return the strata of one point, measure and readout as they are shown.

    The last strata of which nothing is known become one row with their whole weight. Column
    `number` names the faults ("3", "4 to 9"); `share` is what the stratum adds to the weighted sum
    of kept shots with outcome -1, and so to the infidelity, NaN where nothing is known.
    """
    minus = part["weight"] * part["minus_rate"]
    total = minus.sum()
    named = part.assign(
        number=part["faults"].astype(str), share=minus / (total if total > 0 else float("nan"))
    )
    known = (part["known"] != UNKNOWN).to_numpy().nonzero()[0]
    first = int(known[-1]) + 1 if len(known) else 0
    rest = named.iloc[first:]
    if len(rest) < 2:
        return named
    ends = rest["faults"].iloc[[0, -1]]
    joined = rest.head(1).assign(
        weight=rest["weight"].sum(), number=f"{ends.iloc[0]} to {ends.iloc[1]}"
    )
    return pd.concat([named.iloc[:first], joined], ignore_index=True)
