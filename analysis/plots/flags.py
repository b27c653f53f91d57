"""Heat map of how often each checked bit fires: a row a qubit, a column a stage and round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
from markupsafe import Markup

from ..numbers import MINUS, NOTHING, is_missing, percent, signed
from .svg import line, picture, shorten, tag, text

ALARM = 3.0
"""From this |pull| on a cell is marked."""

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"

_NAMES = 84.0
_CELL, _ROW = 74.0, 36.0
_TOP = 44.0
_DARKEST = 0.45  # a letter on it stays legible

Column = tuple[str, int, str, int]
Row = tuple[int | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagCell:
    """One checked bit.

    Attributes:
        row: device qubit (None of a bit of several qubits, which is a row of its own) and name.
        column: stage, round, role, and number among the bits of that qubit that share them.
        bit: such as "syndrome[3]".
        rate: share of shots in which it fires; NaN without shots.
        predicted: the emulator's; NaN if there is none.
        pull: (rate - predicted) in standard errors; NaN if there is none.
    """

    row: Row
    column: Column
    bit: str
    rate: float
    predicted: float
    pull: float

    @property
    def alarming(self) -> bool:
        """Whether it is three standard errors or more from its prediction."""
        return abs(self.pull) >= ALARM


def flags_plot(frame: pd.DataFrame, *, darkest: float | None = None) -> Markup:
    """Return the firing rates of one point and basis as a heat map with the numbers in it.

    A cell holds the rate in per cent and, below it, the prediction in brackets, or a triangle and
    the pull where that is 3 or more: then it has a thick frame too. The shade is linear in the
    rate.

    Args:
        frame: the rows of one point and one basis of a flags table.
        darkest: the rate with the darkest shade, so that several maps can share one scale; by
            default the largest of the frame.

    Raises:
        ValueError: no row, or rows of several points or bases.
    """
    cells = flag_cells(frame)
    label, basis = (str(frame[key].iloc[0]) for key in ("label", "basis"))
    rows, columns = _rows(cells), _columns(cells)
    largest = largest_rate(frame) if darkest is None else darkest
    bottom = _TOP + _ROW * len(rows)
    width = max(_NAMES + _CELL * len(columns) + 8, 330.0)
    parts = [
        *_heads(columns, basis),
        *_names(rows, width),
        *(_cell(cell, rows.index(cell.row), columns.index(cell.column), largest) for cell in cells),
        *_legend(bottom + 22, largest, any(not is_missing(cell.predicted) for cell in cells)),
    ]
    return picture(width, bottom + 52, _words(f"{label} in {basis}", cells), *parts)


def largest_rate(frame: pd.DataFrame) -> float:
    """Return the largest firing rate of a flags table; 0 if none fires or none is known."""
    return max((float(rate) for rate in frame["rate"] if rate > 0), default=0.0)


def flag_cells(frame: pd.DataFrame) -> tuple[FlagCell, ...]:
    """Return the rows of a flags table as cells.

    Raises:
        ValueError: no row, or rows of several points or bases.
    """
    if frame.empty:
        raise ValueError("a heat map needs at least one row of the flags table")
    for key in ("label", "basis"):
        if frame[key].nunique() > 1:
            raise ValueError(
                f"a heat map is of one {key}, not of {', '.join(map(str, frame[key].unique()))}"
            )
    cells: list[FlagCell] = []
    seen: Counter[tuple[Any, ...]] = Counter()
    for row in frame.to_dict("records"):
        place, kind = _place(row), (str(row["stage"]), int(row["round"]), str(row["role"]))
        seen[place, kind] += 1
        cells.append(
            FlagCell(
                row=place,
                column=(*kind, seen[place, kind]),
                bit=_bit(row),
                **{name: float(row[name]) for name in ("rate", "predicted", "pull")},
            )
        )
    return tuple(cells)


def _place(row: Mapping[Any, Any]) -> Row:
    """Return which row of the picture a bit is in: its device qubit, else its name."""
    name = "" if is_missing(row["name"]) else str(row["name"])
    if not is_missing(row["device_qubit"]):
        return int(row["device_qubit"]), name
    if not is_missing(row["qubit"]):
        return None, name or f"patch qubit {int(row['qubit'])}"
    return None, name or _bit(row)


def _bit(row: Mapping[Any, Any]) -> str:
    if is_missing(row["index"]):
        return str(row["name"])
    return f"{row['register']}[{int(row['index'])}]"


def _rows(cells: Sequence[FlagCell]) -> list[Row]:
    """Return qubits by number, then what is no single qubit in the order of the table."""
    found = dict.fromkeys(cell.row for cell in cells)
    return sorted(found, key=lambda row: (row[0] is None, row[0] or 0))


def _columns(cells: Sequence[FlagCell]) -> list[Column]:
    """Return the columns in the order of the table, those of one stage and round together."""
    order = list(dict.fromkeys(cell.column[:2] for cell in cells))
    found = dict.fromkeys(cell.column for cell in cells)
    return sorted(found, key=lambda column: order.index(column[:2]))


def _heads(columns: Sequence[Column], basis: str) -> Iterator[Markup]:
    """Yield stage and round once above the columns that share them, and each column's role."""
    yield text(8, 16, f"basis {basis}".replace("_", " "), "small strong")
    for (stage, round_), group in groupby(enumerate(columns), key=lambda pair: pair[1][:2]):
        places = [i for i, _ in group]
        middle = _NAMES + _CELL * (places[0] + places[-1] + 1) / 2
        yield text(middle, 16, f"{stage} {round_}" if round_ else stage, "small mid")
    for i, (_, _, role, number) in enumerate(columns):
        again = f" {number}" if number > 1 else ""
        middle = _NAMES + _CELL * (i + 0.5)
        yield text(middle, 32, shorten(role + again, 12), "small mid muted")


def _names(rows: Sequence[Row], width: float) -> Iterator[Markup]:
    for i, (qubit, name) in enumerate(rows):
        y = _TOP + _ROW * i
        yield line((8, y), (width - 8, y), "grid")
        if qubit is None:
            yield text(_NAMES - 8, y + _ROW / 2 + 4.5, shorten(name, 11), "small end")
        else:
            yield text(_NAMES - 8, y + _ROW / 2 + 4.5, f"{qubit} {shorten(name, 6)}", "end")


def _cell(cell: FlagCell, i: int, j: int, largest: float) -> Markup:
    x, y = _NAMES + _CELL * j + 2, _TOP + _ROW * i + 2
    size = {"x": x, "y": y, "width": _CELL - 4, "height": _ROW - 4}
    shade = _DARKEST * min(cell.rate / largest, 1.0) if cell.rate > 0 else 0.0
    below, class_ = _below(cell)
    middle = x + _CELL / 2 - 2
    return (
        tag("rect", **size, class_="data", fill_opacity=shade)
        + tag(
            "rect", tag("title", _told(cell)), **size, class_="alarm" if cell.alarming else "cell"
        )
        + text(middle, y + (14 if below else 20), _rate(cell.rate), "mid strong")
        + (text(middle, y + 28, below, class_) if below else "")
    )


def _below(cell: FlagCell) -> tuple[str, str]:
    if cell.alarming:
        return _pull(cell.pull), "small mid strong"
    return ("" if is_missing(cell.predicted) else f"({_rate(cell.predicted)})"), "small mid"


def _pull(pull: float) -> str:
    return f"{'▲' if pull > 0 else '▼'} {signed(abs(pull), 1)}{SIGMA}"


def _rate(rate: float) -> str:
    """Return a rate in per cent, without the sign, in three digits."""
    if is_missing(rate):
        return NOTHING
    return signed(100 * rate, 1 if rate >= 0.0995 else 2)


def _legend(y: float, largest: float, predicted: bool) -> Iterator[Markup]:
    for k in range(10):
        yield tag(
            "rect", x=14 + 8.0 * k, y=y - 9, width=8, height=11, class_="data", fill_opacity=k / 20
        )
    yield text(100, y, f"0 to {percent(largest, 1)} of the shots", "small")
    if predicted:
        words = f"(in brackets: predicted); ▲ ▼ and a frame: {ALARM:g}{SIGMA} or more off"
        yield text(14, y + 20, words, "small muted")


def _told(cell: FlagCell) -> str:
    """Return one cell in words."""
    known = "" if is_missing(cell.predicted) else f", predicted {percent(cell.predicted)}"
    if not is_missing(cell.pull):
        known += f", pull {'+' if cell.pull > 0 else MINUS}{abs(cell.pull):.1f} sigma"
    return f"{_where(cell)}: {percent(cell.rate)}{known}"


def _where(cell: FlagCell) -> str:
    stage, round_, role, _ = cell.column
    qubit, name = cell.row
    place = name if qubit is None else f"qubit {qubit} {name}".strip()
    return f"{place}, {f'{stage} {round_}' if round_ else stage}, {role} {cell.bit}"


def _words(what: str, cells: Sequence[FlagCell]) -> str:
    alarms = [_told(cell) for cell in cells if cell.alarming]
    compared = any(not is_missing(cell.pull) for cell in cells)
    summary = f"{ALARM:g} sigma or more from the prediction: {'; '.join(alarms) or 'none'}. "
    return (
        f"Firing rate of {len(cells)} checked bits of {what}. {summary if compared else ''}"
        f"All: {'; '.join(_told(cell) for cell in cells)}."
    )
