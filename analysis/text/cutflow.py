"""The cut-flow as plain text: criterion by criterion, or the whole cut where that is all."""

from __future__ import annotations

import textwrap

import pandas as pd

from ..estimate import rate_interval
from .columns import Column, Group, column, interval_column, number, stacked
from .keys import heading, level_words, row_keys

WHOLE = "all"
"""The criterion of shots that were discarded at the first failure, whichever it was."""

_TITLE = "Cut-flow: shots that pass each criterion in turn"
_WHOLE_TITLE = "Cut-flow: shots that pass all criteria"
_NOTE = '"-": not applied (passes every shot), or no shot entered.'
_WHOLE_NOTE = (
    "A table by measure: its shots were discarded at their first failed criterion, whichever it "
    "was; only how many passed all is known."
)


def cutflow_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return title, a block for each point that has rows, and what the signs mean."""
    label, *varying = row_keys(frame, [str(label) for label in frame["label"]])[0]
    whole = frame["criterion"] == WHOLE
    title = _WHOLE_TITLE if whole.all() else _TITLE
    lines = heading(frame, f"{title}, {level_words(frame)} Wilson intervals", width)
    for rows in frame.groupby(["run", "point"], sort=False).indices.values():
        name = [label.cells[rows[0]], *(f"{key.header} {key.cells[rows[0]]}" for key in varying)]
        lines += textwrap.wrap(", ".join(name), width)
        for block in _blocks(frame.iloc[rows], width):
            lines += [*block, ""]
    notes = [_NOTE] if not whole.all() else []
    notes += [_WHOLE_NOTE] if whole.any() else []
    return [*lines, *textwrap.wrap(" ".join(notes), width)]


def _blocks(point: pd.DataFrame, width: int) -> list[list[str]]:
    whole = point["criterion"] == WHOLE
    blocks = [_by_criterion(point[~whole], width)] if not whole.all() else []
    return blocks + ([_by_measure(point[whole], width)] if whole.any() else [])


def _by_criterion(point: pd.DataFrame, width: int) -> list[str]:
    """Return one point's cut-flow: all bases together, and each basis's pass rate beside it.

    Without rows of all bases together the first basis stands for them.
    """
    bases = list(dict.fromkeys(point["basis"]))
    parts = {basis: _with_total(point[point["basis"] == basis]) for basis in bases}
    every = parts.pop("all") if "all" in parts else parts[bases[0]]
    rates = [
        column(f"{basis} %", (number(100 * rate, 2) for rate in part["pass_rate"]), right=True)
        for basis, part in parts.items()
    ]
    groups = [*_counts(every), rates if len(rates) > 1 else []]
    return stacked([[column("criterion", every["criterion"])]], groups, width)


def _by_measure(point: pd.DataFrame, width: int) -> list[str]:
    """Return how many shots of each measure passed everything."""
    keys: list[Column] = [column("measure", point["basis"])]
    return stacked([keys], _counts(point), width)


def _counts(rows: pd.DataFrame) -> list[Group]:
    return [
        [column("entered", rows["entered"], right=True)],
        [column("passed", rows["passed"], right=True)],
        [interval_column(rows, "pass_rate", "passed %", scale=100, most=2)],
    ]


def _with_total(part: pd.DataFrame) -> pd.DataFrame:
    """Return the criteria, with no rate unless applied, and a last row "kept": the whole cut."""
    entered, passed = int(part["entered"].iloc[0]), int(part["passed"].iloc[-1])
    low, high = rate_interval(passed, entered, float(part["level"].iloc[0]))
    kept = part.tail(1).assign(
        criterion="kept",
        applied=True,
        entered=entered,
        passed=passed,
        pass_rate=passed / entered if entered else float("nan"),
        pass_rate_low=float(low),
        pass_rate_high=float(high),
    )
    return pd.concat([part.assign(pass_rate=part["pass_rate"].where(part["applied"])), kept])
