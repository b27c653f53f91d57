"""Columns of plain text: numbers with their intervals, and how they share a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, isnan, log10
from typing import Any

import pandas as pd

from ..numbers import scientific_digits

GAP = "  "
NOTHING = "-"
_LEAST_KEY = 10

Group = Sequence["Column"]
"""Columns that stay in one block if they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading and its cells.

    Attributes:
        header: the heading.
        cells: one a row.
        right: whether they are aligned to the right.
    """

    header: str
    cells: tuple[str, ...]
    right: bool = False

    @property
    def width(self) -> int:
        """Characters of the widest cell."""
        return max(len(text) for text in (self.header, *self.cells))

    def clipped(self, width: int) -> Column:
        """Return the column with no cell wider than that."""
        cells = tuple(_clip(cell, width) for cell in self.cells)
        return Column(header=_clip(self.header, width), cells=cells, right=self.right)

    def lines(self) -> list[str]:
        """Return heading, rule and cells, all of one width."""
        cells = [self.header, "-" * self.width, *self.cells]
        return [c.rjust(self.width) if self.right else c.ljust(self.width) for c in cells]


def column(header: str, cells: Iterable[Any], *, right: bool = False) -> Column:
    """Return a column of anything that can be written."""
    return Column(header=header, cells=tuple(str(cell) for cell in cells), right=right)


def interval_column(
    frame: pd.DataFrame, name: str, header: str, *, scale: int = 1, most: int = 5
) -> Column:
    """Return `value [low, high]`, all in the digits that the narrowest interval earns.

    Args:
        frame: the rows; `name` has columns `_low` and `_high` beside it.
        name: the column.
        header: its heading.
        scale: what the numbers are multiplied by.
        most: no more decimals than that.
    """
    ends, digits = _ends(frame, name, scale, most)
    texts = [_aligned([number(x, digits) for x in column]) for column in ends]
    cells = (f"{value} [{low}, {high}]" for value, low, high in zip(*texts, strict=True))
    return column(header, _known(cells, ends[0]))


def half_width_column(frame: pd.DataFrame, name: str, header: str) -> Column:
    """Return `value+-half the interval's width`."""
    ends, digits = _ends(frame, name, 1, 5)
    values = _aligned([number(value, digits) for value in ends[0]])
    halves = [number((high - low) / 2, digits) for low, high in zip(*ends[1:], strict=True)]
    cells = (f"{value}+-{half}" for value, half in zip(values, halves, strict=True))
    return column(header, _known(cells, ends[0]))


def scientific_column(frame: pd.DataFrame, name: str, header: str) -> Column:
    """Return `value [low, high]` in scientific notation, each row in the digits that it earns."""
    ends = [[float(x) for x in frame[name + end]] for end in ("", "_low", "_high")]
    cells = (_scientific_cell(*row) for row in zip(*ends, strict=True))
    return column(header, _known(cells, ends[0]))


def scientific(value: float, digits: int) -> str:
    """Return a number as `1.71e-7`; 0 and 1 without an exponent, "-" for a missing one."""
    if value in (0, 1) or not isfinite(value):
        return plain(float(value))
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def number(value: float, digits: int) -> str:
    """Return a number with that many decimals."""
    return f"{value:.{digits}f}" if isfinite(value) else plain(value)


def plain(value: Any) -> str:
    """Return any cell of a table on one line, "-" for a missing one."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return NOTHING
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return " ".join(text.split())  # an error message of several lines takes one


def row_numbers(count: int) -> Column:
    """Return a column that numbers the rows from 1."""
    return column("row", range(1, count + 1), right=True)


def stacked(choices: Sequence[Sequence[Column]], groups: Sequence[Group], width: int) -> list[str]:
    """Return the table, in as many blocks as it needs; every block repeats the keys.

    Args:
        choices: sets of key columns, the best first. The first that fits unclipped is taken; if
            none does, the first that tells as many rows apart when clipped as before; if that
            does not help, the last one with the number of the row in front.
        groups: the other columns.
        width: of the longest line.
    """
    columns = [column for group in groups for column in group]
    room = max(width - max((c.width for c in columns), default=0) - len(GAP), _LEAST_KEY)
    keys = _fitting(choices, room)
    room = width - _total(keys) - len(GAP)
    blocks: list[list[Column]] = [[]]
    for group in _splittable(groups, room):
        if blocks[-1] and _total([*blocks[-1], *group]) > room:
            blocks.append([])
        blocks[-1] += group
    lines = [["", *_rows([*keys, *block])] for block in blocks]
    return [line for block in lines for line in block][1:]


def _fitting(choices: Sequence[Sequence[Column]], room: int) -> Sequence[Column]:
    whole = next((keys for keys in choices if _total(keys) <= room), None)
    if whole is not None:
        return whole
    clipped = [_narrowed(keys, room) for keys in choices]
    most = max(_distinct(keys) for keys in choices)
    told = next((keys for keys in clipped if _distinct(keys) == most), None)
    return told or _numbered(choices[-1], room)


def _numbered(keys: Sequence[Column], room: int) -> Sequence[Column]:
    """Return the number of the row and as much of the keys as there is room for."""
    number = row_numbers(len(keys[0].cells))
    narrowed = _narrowed([number, *keys], room)
    return narrowed if _total(narrowed) <= room else [number]


def _distinct(keys: Sequence[Column]) -> int:
    return len(set(zip(*(key.cells for key in keys), strict=True)))


def _splittable(groups: Sequence[Group], room: int) -> Iterable[list[Column]]:
    """Yield the groups, one that cannot fit column by column."""
    for group in groups:
        if _total(group) <= room:
            yield list(group)
        else:
            yield from ([column.clipped(room)] for column in group)


def _narrowed(keys: Sequence[Column], width: int) -> list[Column]:
    """Return the keys, the widest ones clipped until they fit."""
    narrowed = list(keys)
    while _total(narrowed) > width and max(key.width for key in narrowed) > _LEAST_KEY // 2:
        i = max(range(len(narrowed)), key=lambda j: narrowed[j].width)
        narrowed[i] = narrowed[i].clipped(narrowed[i].width - 1)
    return narrowed


def _total(columns: Sequence[Column]) -> int:
    return sum(column.width + len(GAP) for column in columns) - len(GAP)


def _rows(columns: Sequence[Column]) -> list[str]:
    return [GAP.join(cells) for cells in zip(*(c.lines() for c in columns), strict=True)]


def _ends(frame: pd.DataFrame, name: str, scale: int, most: int) -> tuple[list[list[float]], int]:
    """Return values, lows and highs, and decimals for two digits of the narrowest half width."""
    ends = [[scale * float(x) for x in frame[name + end]] for end in ("", "_low", "_high")]
    halves = [(high - low) / 2 for value, low, high in zip(*ends, strict=True) if not isnan(value)]
    least = min((half for half in halves if half > 0), default=1.0)
    fewest = 2 if scale == 1 else 1
    return ends, min(max(ceil(-log10(least)) + 1, fewest), most)


def _scientific_cell(value: float, low: float, high: float) -> str:
    digits = scientific_digits(value, low, high)
    middle, left, right = (scientific(x, digits) for x in (value, low, high))
    return f"{middle} [{left}, {right}]"


def _known(cells: Iterable[str], values: Sequence[float]) -> Iterable[str]:
    pairs = zip(cells, values, strict=True)
    return (NOTHING if isnan(value) else cell for cell, value in pairs)


def _clip(text: str, width: int) -> str:
    """Return the text, with ".." in its middle if it is too long: both ends tell it apart."""
    if len(text) <= width:
        return text
    tail = (width - 2) // 2
    return text[: width - 2 - tail] + ".." + text[len(text) - tail :]


def _aligned(texts: Sequence[str]) -> list[str]:
    width = max(len(text) for text in texts)
    return [text.rjust(width) for text in texts]
