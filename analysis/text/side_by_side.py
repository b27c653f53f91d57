"""The side-by-side tables for people: plain text and Markdown, of the same cells."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from math import floor, isfinite, isnan, log10
from typing import Any

import pandas as pd

from ..overhead.published import CHAMBERLAND_NOH
from ..overhead.side_by_side import OURS, STAGES
from .tables import render_text

Row = Mapping[Any, Any]

_MOST_DIGITS = 6
_NOTHING = "-"
_DETAILS = ("rounds", "reuse", "device")
_TITLE = "Ours beside the authors' under the paper's noise"
_FITS_TITLE = "Fitted laws, of the error rate and of the acceptance"
_NOTES = (
    "x(n): half the width of the 95 % interval, in x's last digits; the authors give none.",
    "error rate: p_X + p_Z after ideal correction, as the authors count; ours is 2 x infidelity "
    "(detect: after ideal detection, whose rejections count in accepted).",
    "average: qubits / accepted. space-time: average x steps. Ratios: ours / theirs at equal p.",
)
_FITS_NOTES = (
    "x(n): n is the standard error, an upper bound whatever the correlation between points, which "
    "share strata, and larger where chi^2/dof > 1; of the authors' points from their scatter.",
    "With b or M, c and N are the limits at p -> 0. published: as quoted by the authors. "
    "c / 2: as an infidelity.",
)


def render_side_by_side(points: pd.DataFrame, fits: pd.DataFrame, width: int = 80) -> str:
    """Return both tables as plain text, no line longer than `width` characters (at least 40)."""
    parts = [f"authors: {CHAMBERLAND_NOH.citation}."]
    for title, cells, notes in _sections(points, fits):
        table = render_text(cells, width).split("\n\n", maxsplit=1)[1].rstrip()
        parts += [_wrapped(title, width), table, _wrapped(" ".join(notes), width)]
    return "\n\n".join([*parts[1:], _wrapped(parts[0], width)]) + "\n"


def markdown_side_by_side(points: pd.DataFrame, fits: pd.DataFrame) -> str:
    """Return both tables as Markdown."""
    parts = []
    for title, cells, notes in _sections(points, fits):
        parts += [f"**{title}**", _markdown(cells), " ".join(notes)]
    return "\n\n".join([*parts, f"authors: {CHAMBERLAND_NOH.citation}."]) + "\n"


def _sections(
    points: pd.DataFrame, fits: pd.DataFrame
) -> list[tuple[str, pd.DataFrame, tuple[str, ...]]]:
    tables = [(_TITLE, points, _point_cells, _NOTES), (_FITS_TITLE, fits, _fit_cells, _FITS_NOTES)]
    sections = []
    for title, table, make, notes in tables:
        names = _names(table)
        rows = zip(names, table.to_dict("records"), strict=True)
        cells = pd.DataFrame([make(name, row) for name, row in rows])
        empty = [column for column in cells if (cells[column] == _NOTHING).all()]
        sections.append((title, cells.drop(columns=empty), notes))
    return sections


def _names(table: pd.DataFrame) -> list[str]:
    """Return whose each row is, with what tells apart circuits of one scheme and distance."""
    schemes = table[table["source"] == OURS].groupby(["distance", "scheme"])
    told = [name for name in _DETAILS if (schemes[name].nunique() > 1).any()]
    return [
        " ".join(str(row[name]) for name in ("scheme", "readout", *told))
        if row["source"] == OURS
        else "authors"
        for row in table.to_dict("records")
    ]


def _point_cells(name: str, row: Row) -> dict[str, str]:
    steps = [str(row[f"{stage}_steps"]) for stage in STAGES]
    return {
        "point": f"d={row['distance']} p={_short(row['p'])} {name}",
        "accepted": _measured(row, "acceptance"),
        "error rate": _measured(row, "error_rate"),
        "infidelity": _measured(row, "infidelity"),
        "qubits": str(row["qubits"]),
        "average": _measured(row, "average_qubits"),
        "steps": str(row["time_steps"]),
        "encode+H_m+ED": "+".join(steps),
        "space-time": _measured(row, "space_time"),
        "infidelity ratio": _ratio(row["infidelity_ratio"]),
        "average ratio": _ratio(row["average_qubits_ratio"]),
        "space-time ratio": _ratio(row["space_time_ratio"]),
    }


def _fit_cells(name: str, row: Row) -> dict[str, str]:
    c, error = row["coefficient"], row["coefficient_error"]
    power = row["quantity"] == "error_rate"
    return {
        "fit": f"d={row['distance']} {name}",
        "law": row["law"],
        "c or N": concise(c, error),
        "published": _NOTHING if isnan(row["published"]) else f"{row['published']:g}",
        "c / 2": concise(c / 2, error / 2) if power else _NOTHING,
        "k": concise(row["exponent"], row["exponent_error"]),
        "b or M": concise(row["bend"], row["bend_error"]),
        "chi^2/dof": _chi2(row["chi2_per_dof"]),
        "points": str(row["points"]),
    }


def _measured(row: Row, name: str) -> str:
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    if isnan(value) and not isnan(low):
        return f"{_short(low)} to {_short(high)}"
    return concise(value, (high - low) / 2)


def concise(value: float, error: float) -> str:
    """Return a number with its error in the last digits, as 3.45(12)e-6; "-" if it is NaN.

    Two digits of the error are shown, but no more than six of the number, and at least 1 as the
    error. Without a known error the number is shown as it is, to six digits.
    """
    if isnan(value):
        return _NOTHING
    if not (error > 0 and isfinite(error) and isfinite(value)):
        return _short(value)
    power = _power(value)
    scaled, half = value / 10.0**power, error / 10.0**power
    digits = min(1 - floor(log10(half)), _MOST_DIGITS - len(f"{abs(scaled):.0f}"))
    end = f"e{power}" if power else ""
    if digits <= 0:
        return f"{round(scaled, digits) + 0.0:.0f}({round(half, digits):.0f}){end}"
    shown = f"{half:.{digits}f}" if half >= 1 else str(max(round(half * 10**digits), 1))
    return f"{scaled:.{digits}f}({shown}){end}"


def _power(value: float) -> int:
    """Return the power of ten that a number is shown with; 0: as a plain decimal."""
    power = floor(log10(abs(value))) if value else 0
    return 0 if -2 <= power < _MOST_DIGITS else power


def _short(value: float) -> str:
    """Return a number to six digits, without needless zeros: 0.97, 594, 3.45e-6."""
    power = _power(value) if isfinite(value) else 0
    return f"{value / 10.0**power:.{_MOST_DIGITS}g}" + (f"e{power}" if power else "")


def _chi2(value: float) -> str:
    return _NOTHING if isnan(value) else f"{value:.{2 if value < 100 else 0}f}"


def _ratio(value: float) -> str:
    return _NOTHING if isnan(value) else f"{value:.3g}"


def _markdown(cells: pd.DataFrame) -> str:
    rule = [":--", *["--:"] * (cells.shape[1] - 1)]
    rows = [list(map(str, cells)), rule, *cells.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, max(width, 40))
