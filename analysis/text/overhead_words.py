"""How the comparison of overheads names its rows and writes its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, isnan, log10
from typing import Any

import pandas as pd

from ..numbers import is_missing
from ..overhead.published import CHAMBERLAND_NOH
from ..overhead.side_by_side import OURS
from .side_by_side import concise

Row = Mapping[Any, Any]

NOTHING = "-"


def name(row: Row) -> str:
    """Return what a row is about: a state of ours or the authors', a protocol, or who wrote."""
    if row["source"] == OURS:
        return f"d={row['distance']} {row['scheme']} {row['readout']}"
    if is_missing(row["distance"]):
        return str(row["scheme"])
    authors = row["source"] == CHAMBERLAND_NOH.name
    return f"d={row['distance']} {'authors' if authors else row['source']}"


def infidelity(row: Row) -> str:
    """Return an infidelity with its error, or with both ends where few errors were seen."""
    value, low, high = (row[f"infidelity{end}"] for end in ("", "_low", "_high"))
    if value == 0 and high > 0:
        return f"<{concise(high, 0)}"
    if high - low > value:  # too few errors for a width to say where the interval lies
        return f"{rounded(value, 2)} [{rounded(low, 2)}, {rounded(high, 2)}]"
    return concise(value, (high - low) / 2)


def measured(row: Row, column: str) -> str:
    """Return a figure with half the width of its interval in its last digits."""
    return concise(row[column], (row[f"{column}_high"] - row[f"{column}_low"]) / 2)


def settings(table: pd.DataFrame) -> pd.Series[str]:
    """Return under what each row was taken: a p of the paper's noise, or a device and its noise."""
    paper = table["noise"].str.startswith("paper ")
    rates = table["p"].map(lambda p: f"p = {concise(p, 0)}")
    return rates.where(paper, table["device"].fillna("") + ", noise " + table["noise"])


def rounded(value: float, digits: int = 3) -> str:
    """Return a number to some significant digits, in full: 62.5, 1540; "-" if it is NaN."""
    if isnan(value):
        return NOTHING
    decimals = digits - 1 - floor(log10(abs(value))) if value else 0
    if decimals > digits + 2:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-")
    return f"{round(value, decimals):.{max(decimals, 0)}f}"
