"""What a run found, in words: each grid point against its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, nan
from typing import Any

import pandas as pd

from ..exact_interval import normal_quantile
from ..numbers import grouped, is_missing, with_interval
from ..plots.fidelity import STABILISER_BOUND
from ..strata.rates import STRATIFIED
from ..wording import row_label

Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far the protocol's F lies above one baseline's, in standard deviations.

    Attributes:
        label: the baseline's name.
        scheme: the baseline's scheme.
        fidelity: its F and interval in words.
        sigma: see `separation_sigma`; NaN if either has no value.
    """

    label: str
    scheme: str
    fidelity: str
    sigma: float

    @property
    def words(self) -> str:
        """The comparison in words."""
        if is_missing(self.sigma):
            return "no comparison, as a value is missing"
        return f"protocol {sigma_words(self.sigma)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one grid point of the protocol found; numbers are already written out."""

    label: str
    measured: bool
    fidelity: str
    fidelity_interval: str
    acceptance: str
    acceptance_interval: str
    attempts: str
    shots: str
    kept: str
    bases: str
    readout: str
    stratified: bool
    above_bound: float
    comparisons: tuple[Comparison, ...]

    @property
    def above_encoded(self) -> float | None:
        """Standard deviations above the `encoded` baseline; None without that baseline."""
        return next((c.sigma for c in self.comparisons if c.scheme == "encoded"), None)


def findings(fidelity: pd.DataFrame) -> tuple[Finding, ...]:
    """Return one finding per protocol row of a fidelity table.

    A baseline belongs to the points of its run with the same swept values.
    """
    rows = fidelity.to_dict("records")
    return tuple(
        _finding(row, [other for other in rows if other["baseline"] and same_grid(row, other)])
        for row in rows
        if not row["baseline"] and row["estimate"] == "raw"
    )


def separation_sigma(row: Row, other: Row) -> float:
    """Return how far F of one row lies above F of another, in standard deviations.

    (F - F') / sqrt(s^2 + s'^2), where s is half the interval on the side that faces the other
    value, divided by the normal quantile of its level (1.96 at 95 %). NaN if either is missing.
    """
    if any(is_missing(r["fidelity"]) for r in (row, other)):
        return nan
    gap = float(row["fidelity"]) - float(other["fidelity"])
    upper, lower = (row, other) if gap >= 0 else (other, row)
    below = (upper["fidelity"] - upper["fidelity_low"]) / _quantile(upper)
    above = (lower["fidelity_high"] - lower["fidelity"]) / _quantile(lower)
    return gap / hypot(below, above) if hypot(below, above) else nan


def sigma_words(sigma: float) -> str:
    """Return a separation in words, such as "12.3 sigma above"."""
    if is_missing(sigma):
        return "not comparable"
    size = f"{abs(sigma):.1f}" if abs(sigma) < 100 else f"{abs(sigma):.0f}"
    return f"{size} sigma {'above' if sigma >= 0 else 'below'}"


def _finding(row: Row, baselines: list[Row]) -> Finding:
    measured = not is_missing(row["fidelity"])
    fidelity, fidelity_interval = _estimate(row, "fidelity")
    acceptance, acceptance_interval = _estimate(row, "acceptance", scale=100, most=4)
    return Finding(
        label=str(row["label"]),
        measured=measured,
        fidelity=fidelity,
        fidelity_interval=fidelity_interval,
        acceptance=acceptance,
        acceptance_interval=acceptance_interval,
        attempts=attempts_words(row["attempts_per_kept"]),
        shots=grouped(int(row["shots"])),
        kept=grouped(int(row["kept"])),
        bases=_listed([basis for basis in "XYZ" if not is_missing(row[basis.lower()])]),
        readout=str(row["readout"]),
        stratified=STRATIFIED in str(row["method"]),
        above_bound=_above_bound(row) if measured else nan,
        comparisons=tuple(_comparison(row, other) for other in baselines),
    )


def attempts_words(attempts: float) -> str:
    """Return attempts per kept state: 1.35, or why there is no number."""
    if is_missing(attempts):
        return "no shots"
    if attempts == float("inf"):
        return "none kept"
    return f"{attempts:.2f}" if attempts < 100 else grouped(round(attempts))


def _comparison(row: Row, other: Row) -> Comparison:
    value, ends = _estimate(other, "fidelity")
    return Comparison(
        label=row_label(other["label"], other["estimate"]),
        scheme=str(other["scheme"]) if other["estimate"] == "raw" else "",
        fidelity="no shot kept" if is_missing(other["fidelity"]) else f"{value} {ends}",
        sigma=separation_sigma(row, other),
    )


def _above_bound(row: Row) -> float:
    gap = float(row["fidelity"]) - STABILISER_BOUND
    side = (
        row["fidelity"] - row["fidelity_low"] if gap > 0 else row["fidelity_high"] - row["fidelity"]
    )
    return gap * _quantile(row) / float(side) if side else nan


def _estimate(row: Row, name: str, *, scale: float = 1, most: int = 6) -> tuple[str, str]:
    low, high = float(row[f"{name}_low"]), float(row[f"{name}_high"])
    return with_interval(float(row[name]), low, high, scale=scale, most=most)


def _quantile(row: Row) -> float:
    return normal_quantile(float(row["level"]))


def same_grid(row: Row, other: Row) -> bool:
    """Return whether two rows belong to one run and have the same swept values."""
    keys = ["run", *(key for key in row if str(key).startswith("sweep."))]
    return all(
        row[key] == other[key] or (is_missing(row[key]) and is_missing(other[key])) for key in keys
    )


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words) or "no basis"
    return f"{', '.join(words[:-1])} and {words[-1]}"
