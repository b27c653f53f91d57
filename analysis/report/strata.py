"""The strata in the report: one table for all points that share what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..numbers import NOTHING, percent, scientific
from ..strata.shown import STRATUM_BLOCK, shown_strata
from .columns import Cell, Column, Row, Table, count_words, make_column, make_table

_FOUND = ["shots", "kept", "minus", "keep_rate", "minus_rate", "known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrataView:
    """The strata of one measure and readout, shared by one point or several.

    Attributes:
        title: what they have in common.
        table: one row per number of faults, one column of weights per point.
    """

    title: str
    table: Table


def strata_views(frame: pd.DataFrame) -> tuple[StrataView, ...]:
    """Return the strata table in parts; points whose strata are the same share one."""
    groups: list[list[pd.DataFrame]] = []
    for _, part in frame.groupby(STRATUM_BLOCK, sort=False):
        same = next((group for group in groups if _shared(group[0], part)), None)
        if same is None:
            groups.append([part])
        else:
            same.append(part)
    return tuple(_view(group) for group in groups)


def _shared(part: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Return whether two points have the same strata, as far as both are listed."""
    kind, other_kind = (tuple(p[["run", "basis", "readout"]].iloc[0]) for p in (part, other))
    length = min(len(part), len(other))
    found, other_found = (p[_FOUND].head(length).reset_index(drop=True) for p in (part, other))
    known = (part["known"] != "nothing").any()
    return kind == other_kind and bool(known) and found.equals(other_found)


def _view(group: Sequence[pd.DataFrame]) -> StrataView:
    rows = shown_strata(max(group, key=len)).to_dict("records")
    labels = [str(part["label"].iloc[0]) for part in group]
    common, own = _split(labels)
    columns = [
        make_column(rows, "number", "faults", str),
        *(
            Column(f"weight at {name}" if name else "weight", _weights(part, rows))
            for name, part in zip(own, group, strict=True)
        ),
        Column("shots", [Cell(text=_shots(row)) for row in rows]),
        Column("kept", [_rate(row["keep_rate"], 3) for row in rows]),
        Column("kept with outcome −1", [_rate(row["minus_rate"], 2) for row in rows]),  # noqa: RUF001 - a true minus sign
        make_column(rows, "known", "known", str, numeric=False),
    ]
    basis, readout = (str(group[0][key].iloc[0]) for key in ("basis", "readout"))
    title = f"{common}: {basis.replace('_', ' ')}, readout {readout}"
    return StrataView(title=title, table=make_table(columns, []))


def _split(labels: Sequence[str]) -> tuple[str, list[str]]:
    """Return the words that all labels share, and of each label the others."""
    words = [label.split(" ") for label in labels]
    shared = [word for word in words[0] if all(word in other for other in words)]
    if len(labels) == 1:
        return labels[0], [""]
    return " ".join(shared) or "all points", [
        " ".join(word for word in own if word not in shared) for own in words
    ]


def _weights(part: pd.DataFrame, rows: Sequence[Row]) -> list[Cell]:
    """Return the point's weights in the rows of the table, with the share in the outcomes -1."""
    weights = dict(zip(part["faults"], part["weight"], strict=True))
    minus = part["weight"] * part["minus_rate"]
    total = float(minus.sum())
    shares = dict(zip(part["faults"], minus / total if total > 0 else minus, strict=True))
    cells = []
    for row in rows:
        first, _, last = str(row["number"]).partition(" to ")
        faults = range(int(first), int(last or first) + 1)
        weight = sum(weights.get(k, 0.0) for k in faults)
        share = shares.get(int(first), float("nan")) if total > 0 and not last else float("nan")
        below = "" if pd.isna(share) else f"{percent(share, 1)} of −1"  # noqa: RUF001
        cells.append(Cell(text=scientific(weight, 2), below=below))
    return cells


def _shots(row: Row) -> str:
    return count_words(row["shots"]) if row["shots"] else NOTHING


def _rate(value: Any, digits: int) -> Cell:
    return Cell(text="1" if value == 1 else scientific(float(value), digits))
