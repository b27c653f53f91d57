"""Tables as plain text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, isnan, log10
from typing import Any

import pandas as pd

from .estimate import wilson_interval
from .points import BASES

_GAP = "  "
_NOTHING = "-"
_NARROWEST = 40
_LEAST_KEY = 10
_CONTEXT = ("run", "device", "noise", "backend", "readout", "reuse")
_USUAL = ("reuse", "reset")

Group = Sequence["_Column"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    header: str
    cells: tuple[str, ...]
    right: bool = False

    @property
    def width(self) -> int:
        return max(len(text) for text in (self.header, *self.cells))

    def clipped(self, width: int) -> _Column:
        cells = tuple(_clip(cell, width) for cell in self.cells)
        return _Column(header=_clip(self.header, width), cells=cells, right=self.right)

    def lines(self) -> list[str]:
        cells = [self.header, "-" * self.width, *self.cells]
        return [c.rjust(self.width) if self.right else c.ljust(self.width) for c in cells]


def render_text(frame: pd.DataFrame, width: int = 80) -> str:
    """Return a table as plain text, no line longer than `width` characters (at least 40).

    A title line says what the numbers are and how the intervals were made; what is the same in
    every row stands once, below it. Columns that do not fit go into a second block below the
    first. Fidelity, cut-flow and points tables are recognised by their columns; any other table
    is shown as it is, without its empty columns. "-" stands for a missing value.
    """
    width = max(width, _NARROWEST)
    if frame.empty:
        return "no rows\n"
    if "fidelity" in frame:
        body = _fidelity_text(frame, width)
    elif "criterion" in frame:
        body = _cutflow_text(frame, width)
    elif "expectation" in frame:
        body = _points_text(frame, width)
    else:
        body = _plain_text(frame, width)
    return "\n".join(line.rstrip() for line in body) + "\n"


def _fidelity_text(frame: pd.DataFrame, width: int) -> list[str]:
    title = f"Fidelity of |H>, {_level(frame)} intervals: Wilson; F by MOVER of Wilson"
    groups: list[Group] = [
        [_interval_column(frame, "fidelity", "F")],
        [_interval_column(frame, "acceptance", "accepted %", scale=100)],
        [_column("attempts", map(_attempts, frame["attempts_per_kept"]), right=True)],
        [_half_width_column(frame, basis.lower(), f"<{basis}>") for basis in BASES],
    ]
    keys = _keys(frame, _labels(frame))
    notes = ["attempts: per kept state. +-: half the interval's width."]
    if (frame["fidelity_high"] > 1).any():
        notes.append("F is a linear estimate: it may exceed 1 by chance.")
    return [
        *_heading(frame, title, width),
        *_stacked(keys, groups, width),
        "",
        *textwrap.wrap(" ".join(notes), width),
    ]


def _points_text(frame: pd.DataFrame, width: int) -> list[str]:
    title = f"Kept shots and logical expectation values, {_level(frame)} Wilson intervals"
    groups: list[Group] = [
        [_column("shots", frame["shots"], right=True)],
        [_column("kept", frame["kept"], right=True)],
        [_interval_column(frame, "acceptance", "accepted %", scale=100)],
        [_interval_column(frame, "expectation", "<P>")],
    ]
    keys = [*_keys(frame, _labels(frame)), _column("P", frame["basis"])]
    return [*_heading(frame, title, width), *_stacked(keys, groups, width)]


def _cutflow_text(frame: pd.DataFrame, width: int) -> list[str]:
    title = f"Cut-flow: shots that pass each criterion in turn, {_level(frame)} Wilson intervals"
    label, *varying = _keys(frame, _labels(frame))
    lines = _heading(frame, title, width)
    for rows in frame.groupby(["run", "point"], sort=False).indices.values():
        name = [label.cells[rows[0]], *(f"{key.header} {key.cells[rows[0]]}" for key in varying)]
        lines += textwrap.wrap(", ".join(name), width)
        lines += [*_cutflow_block(frame.iloc[rows], width), ""]
    note = '"-": not applied (passes every shot), or no shot entered.'
    return [*lines, *textwrap.wrap(note, width)]


def _cutflow_block(point: pd.DataFrame, width: int) -> list[str]:
    """Return one point's cut-flow: all bases together, and each basis's pass rate beside it."""
    bases = list(dict.fromkeys(point["basis"]))
    parts = {basis: _with_total(point[point["basis"] == basis]) for basis in bases}
    whole = parts.pop("all")
    rates = [
        _column(f"{basis} %", (_number(100 * rate, 2) for rate in part["pass_rate"]), right=True)
        for basis, part in parts.items()
    ]
    groups: list[Group] = [
        [_column("entered", whole["entered"], right=True)],
        [_column("passed", whole["passed"], right=True)],
        [_interval_column(whole, "pass_rate", "passed %", scale=100)],
        rates if len(rates) > 1 else [],
    ]
    return _stacked([_column("criterion", whole["criterion"])], groups, width)


def _with_total(part: pd.DataFrame) -> pd.DataFrame:
    """Return the criteria, with no rate unless applied, and a last row "kept": the whole cut."""
    entered, passed = int(part["entered"].iloc[0]), int(part["passed"].iloc[-1])
    low, high = wilson_interval(passed, entered, float(part["level"].iloc[0]))
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


def _plain_text(frame: pd.DataFrame, width: int) -> list[str]:
    shown = frame.dropna(axis=1, how="all")
    columns = [_plain_column(name, values) for name, values in shown.items()]
    title = f"{len(frame)} row{'s' * (len(frame) != 1)}"
    return [title, "", *_stacked(columns[:1], [[column] for column in columns[1:]], width)]


def _plain_column(name: Any, values: pd.Series[Any]) -> _Column:
    header = " ".join(name) if isinstance(name, tuple) else str(name)
    return _column(header, map(_text, values), right=values.dtype.kind in "iuf")


def _heading(frame: pd.DataFrame, title: str, width: int) -> list[str]:
    """Return the title and a line with what every row shares."""
    known = {name: frame[name].dropna() for name in _CONTEXT if name in frame}
    shared = [
        _text(values.iloc[0]) if name == "device" else f"{name} {_text(values.iloc[0])}"
        for name, values in known.items()
        if values.nunique() == 1 and (name, values.iloc[0]) != _USUAL
    ]
    return [*textwrap.wrap(title, width), *textwrap.wrap(", ".join(shared), width), ""]


def _keys(frame: pd.DataFrame, labels: Sequence[str]) -> list[_Column]:
    """Return what tells the rows apart: the label, and what differs and no label tells."""
    keys = [_column("point", labels)]
    for name in _CONTEXT:
        if name in frame and frame[name].nunique() > 1:
            cells = [_text(value) for value in frame[name]]
            pairs = zip(cells, labels, strict=True)
            if not all(cell in label or cell == _NOTHING for cell, label in pairs):
                keys.append(_column(name, cells))
    told = [name for name in ("run", "point", "estimate") if name in frame]
    rows = len(frame.drop_duplicates(told))
    for name in (str(name) for name in frame if str(name).startswith("sweep.")):
        if len(set(zip(*(key.cells for key in keys), strict=True))) < rows:
            keys.append(_column(name.removeprefix("sweep."), map(_text, frame[name])))
    return keys


def _labels(frame: pd.DataFrame) -> list[str]:
    if "estimate" not in frame:
        return [str(label) for label in frame["label"]]
    pairs = zip(frame["label"], frame["estimate"], strict=True)
    return [
        str(label) if kind == "raw" else f"{label}, {str(kind).replace('_', ' ')}"
        for label, kind in pairs
    ]


def _interval_column(frame: pd.DataFrame, name: str, header: str, *, scale: int = 1) -> _Column:
    ends, digits = _ends(frame, name, scale)
    texts = [_aligned([_number(x, digits) for x in column]) for column in ends]
    cells = (f"{value} [{low}, {high}]" for value, low, high in zip(*texts, strict=True))
    return _column(header, _known(cells, ends[0]))


def _half_width_column(frame: pd.DataFrame, name: str, header: str) -> _Column:
    ends, digits = _ends(frame, name, 1)
    values = _aligned([_number(value, digits) for value in ends[0]])
    halves = [_number((high - low) / 2, digits) for low, high in zip(*ends[1:], strict=True)]
    cells = (f"{value}+-{half}" for value, half in zip(values, halves, strict=True))
    return _column(header, _known(cells, ends[0]))


def _ends(frame: pd.DataFrame, name: str, scale: int) -> tuple[list[list[float]], int]:
    """Return values, lows and highs, and decimals for two digits of the narrowest half width."""
    ends = [[scale * float(x) for x in frame[name + end]] for end in ("", "_low", "_high")]
    halves = [(high - low) / 2 for value, low, high in zip(*ends, strict=True) if not isnan(value)]
    least = min((half for half in halves if half > 0), default=1.0)
    fewest, most = (2, 5) if scale == 1 else (1, 2)
    return ends, min(max(ceil(-log10(least)) + 1, fewest), most)


def _known(cells: Iterable[str], values: Sequence[float]) -> Iterable[str]:
    pairs = zip(cells, values, strict=True)
    return (_NOTHING if isnan(value) else cell for cell, value in pairs)


def _stacked(keys: Sequence[_Column], groups: Sequence[Group], width: int) -> list[str]:
    """Return the table, in as many blocks as it needs; every block repeats the keys."""
    columns = [column for group in groups for column in group]
    room = width - max((column.width for column in columns), default=0) - len(_GAP)
    keys = _narrowed(keys, max(room, _LEAST_KEY))
    room = width - _total(keys) - len(_GAP)
    blocks: list[list[_Column]] = [[]]
    for group in _splittable(groups, room):
        if blocks[-1] and _total([*blocks[-1], *group]) > room:
            blocks.append([])
        blocks[-1] += group
    lines = [["", *_rows([*keys, *block])] for block in blocks]
    return [line for block in lines for line in block][1:]


def _splittable(groups: Sequence[Group], room: int) -> Iterable[list[_Column]]:
    """Yield the groups, one that cannot fit column by column."""
    for group in groups:
        if _total(group) <= room:
            yield list(group)
        else:
            yield from ([column.clipped(room)] for column in group)


def _narrowed(keys: Sequence[_Column], width: int) -> list[_Column]:
    """Return the keys, the widest ones clipped until they fit."""
    narrowed = list(keys)
    while _total(narrowed) > width and max(key.width for key in narrowed) > _LEAST_KEY // 2:
        i = max(range(len(narrowed)), key=lambda j: narrowed[j].width)
        narrowed[i] = narrowed[i].clipped(narrowed[i].width - 1)
    return narrowed


def _total(columns: Sequence[_Column]) -> int:
    return sum(column.width + len(_GAP) for column in columns) - len(_GAP)


def _rows(columns: Sequence[_Column]) -> list[str]:
    return [_GAP.join(cells) for cells in zip(*(c.lines() for c in columns), strict=True)]


def _column(header: str, cells: Iterable[Any], *, right: bool = False) -> _Column:
    return _Column(header=header, cells=tuple(str(cell) for cell in cells), right=right)


def _clip(text: str, width: int) -> str:
    """Return the text, with ".." in its middle if it is too long: both ends tell it apart."""
    if len(text) <= width:
        return text
    tail = (width - 2) // 2
    return text[: width - 2 - tail] + ".." + text[len(text) - tail :]


def _aligned(texts: Sequence[str]) -> list[str]:
    width = max(len(text) for text in texts)
    return [text.rjust(width) for text in texts]


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if isfinite(value) else _text(value)


def _attempts(value: float) -> str:
    return f"{value:.2f}" if value < 1000 else _text(value)


def _text(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return _NOTHING
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return " ".join(text.split())  # an error message of several lines takes one


def _level(frame: pd.DataFrame) -> str:
    levels = dict.fromkeys(float(level) for level in frame["level"])
    return " and ".join(f"{100 * level:g} %" for level in levels)
