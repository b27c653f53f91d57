"""The strata table as plain text: one block for each point, measure and readout."""

from __future__ import annotations

import textwrap

import pandas as pd

from ..strata.shown import STRATUM_BLOCK, shown_strata
from .columns import NOTHING, Group, column, number, scientific, stacked
from .keys import heading, row_keys

_TITLE = "Strata: what shots with a given number of faults did, and how much that counts"
_NOTE = (
    "weight: how likely that number of faults is. kept: rate of shots that are kept; and -1: of "
    "shots that are kept with outcome -1. of -1 %: share of the weighted sum of these, and so of "
    "the infidelity. exact: known without sampling."
)


def strata_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return title, the blocks, and what the columns mean."""
    label, *varying = row_keys(frame, [str(label) for label in frame["label"]])[0]
    varying = [key for key in varying if key.header not in STRATUM_BLOCK]
    lines = heading(frame, _TITLE, width)
    for rows in frame.groupby(STRATUM_BLOCK, sort=False).indices.values():
        part, first = frame.iloc[rows], rows[0]
        name = [label.cells[first], *(f"{key.header} {key.cells[first]}" for key in varying)]
        name += [str(part["basis"].iloc[0]), f"readout {part['readout'].iloc[0]}"]
        lines += textwrap.wrap(", ".join(name), width)
        lines += [*_block(shown_strata(part), width), ""]
    return [*lines, *textwrap.wrap(_NOTE, width)]


def _block(rows: pd.DataFrame, width: int) -> list[str]:
    groups: list[Group] = [
        [column("weight", (scientific(x, 2) for x in rows["weight"]), right=True)],
        [column("shots", (x or NOTHING for x in rows["shots"]), right=True)],
        [column("kept", (scientific(x, 3) for x in rows["keep_rate"]), right=True)],
        [column("and -1", (scientific(x, 2) for x in rows["minus_rate"]), right=True)],
        [column("of -1 %", (number(100 * x, 1) for x in rows["share"]), right=True)],
        [column("known", rows["known"])],
    ]
    return stacked([[column("faults", rows["number"], right=True)]], groups, width)
