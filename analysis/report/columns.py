"""Columns of the report's tables: headings, units, digits and alignment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..numbers import (
    NOTHING,
    grouped,
    interval_digits,
    is_missing,
    scientific_interval,
    signed,
)
from ..strata.rates import STRATIFIED

Row = Mapping[Any, Any]

_ENDS = ("", "_low", "_high")
_IDENTITY = {
    "device": "device",
    "noise": "noise",
    "backend": "engine",
    "readout": "readout faces",
    "reuse": "reuse of ancillas",
    "level": "level of the intervals",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell: its text and, below it in small letters, an interval or a remark."""

    text: str
    below: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table ready for the page.

    Attributes:
        heads: column headings, unit included.
        numeric: whether each column is right-aligned.
        rows: cells, row by row.
        constants: (what, value) of columns that hold one value in every row.
        muted: rows to print in a lighter ink, such as baselines.
    """

    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    constants: tuple[tuple[str, str], ...] = ()
    muted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading and its cells, row by row."""

    head: str
    cells: list[Cell]
    numeric: bool = True


def make_table(columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """Return the columns as a table; what identifies the rows and is the same in all is said once.

    Args:
        columns: the columns.
        rows: where the cells come from; none if that is not to be said.
    """
    constants = {
        name: percent_level(values[0]) if key == "level" else str(values[0])
        for key, name in _IDENTITY.items()
        if len(values := _different(rows, key)) == 1
    }
    return Table(
        heads=tuple(column.head for column in columns),
        numeric=tuple(column.numeric for column in columns),
        rows=tuple(zip(*(column.cells for column in columns), strict=True)),
        constants=tuple(constants.items()),
        muted=frozenset(i for i, row in enumerate(rows) if row.get("baseline")),
    )


def varying_columns(rows: Sequence[Row]) -> list[Column]:
    """Return a column for each identity field that differs between the rows."""
    return [
        make_column(rows, key, name, percent_level if key == "level" else str, numeric=False)
        for key, name in _IDENTITY.items()
        if len(_different(rows, key)) > 1
    ]


def _different(rows: Sequence[Row], key: str) -> list[Any]:
    """Return the values of an identity field that occur; a baseline may have none."""
    values = (row[key] for row in rows if key in row)
    return list(dict.fromkeys(value for value in values if not is_missing(value)))


def make_column(
    rows: Iterable[Row],
    key: str,
    head: str,
    written: Callable[[Any], str],
    *,
    numeric: bool = True,
) -> Column:
    """Return a column of one field, a dash for a missing value."""
    values = (row[key] for row in rows)
    cells = [Cell(text=NOTHING if is_missing(value) else written(value)) for value in values]
    return Column(head, cells, numeric)


def interval_column(
    rows: Sequence[Row], key: str, head: str, *, scale: float = 1, most: int = 6
) -> Column:
    """Return values with their intervals, all in the same digits, at most so many.

    They suit the narrowest interval, or the middle one and one more where the two differ wildly.
    """
    ends = [(scale * row[f"{key}_low"], scale * row[f"{key}_high"]) for row in rows]
    deserved = sorted(interval_digits(low, high) for low, high in ends) or [1]
    digits = min(deserved[-1], deserved[len(deserved) // 2] + 1, most)
    cells = [
        Cell(
            text=NOTHING if is_missing(row[key]) else signed(scale * row[key], digits),
            below=""
            if is_missing(row[key])
            else f"[{signed(low, digits)}, {signed(high, digits)}]",
        )
        for row, (low, high) in zip(rows, ends, strict=True)
    ]
    return Column(head, cells)


def scientific_column(rows: Sequence[Row], key: str, head: str) -> Column:
    """Return values with their intervals in scientific notation, each in the digits it earns."""
    pairs = [scientific_interval(*(float(row[key + end]) for end in _ENDS)) for row in rows]
    cells = [
        Cell(text=value, below="" if value == NOTHING else interval) for value, interval in pairs
    ]
    return Column(head, cells)


def percent_level(level: float) -> str:
    """Return a confidence level in per cent."""
    return f"{100 * level:g} %"


def kept_column(rows: Sequence[Row]) -> Column:
    """Return the shots; of strata they do not make the acceptance, which is weighted."""
    stratified = bool(rows) and all(STRATIFIED in str(row["method"]) for row in rows)
    return Column("shots" if stratified else "kept", [_kept_cell(row) for row in rows])


def _kept_cell(row: Row) -> Cell:
    """Return how many shots are kept, and of how many; of strata how many were taken in all."""
    if STRATIFIED in str(row["method"]):
        return Cell(text=count_words(row["shots"]), below="by stratum")
    return Cell(text=count_words(row["kept"]), below=f"of {count_words(row['shots'])}")


def count_words(value: Any) -> str:
    """Return a count with thin spaces between thousands."""
    return grouped(int(value))
