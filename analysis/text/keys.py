"""What tells the rows of a text table apart, and what they share."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd

from .columns import NOTHING, Column, column, plain

_CONTEXT = ("run", "device", "noise", "backend", "readout", "reuse")
_USUAL = ("reuse", "reset")
_SWEPT = "sweep."


def heading(frame: pd.DataFrame, title: str, width: int) -> list[str]:
    """Return the title and a line with what every row shares."""
    known = {name: frame[name].dropna() for name in _CONTEXT if name in frame}
    shared = [
        plain(values.iloc[0]) if name == "device" else f"{name} {plain(values.iloc[0])}"
        for name, values in known.items()
        if values.nunique() == 1 and (name, values.iloc[0]) != _USUAL
    ]
    lines = textwrap.wrap(title, width, break_on_hyphens=False)
    return [*lines, *textwrap.wrap(", ".join(shared), width), ""]


def level_words(frame: pd.DataFrame) -> str:
    """Return the confidence level of the intervals: "95 %"."""
    levels = dict.fromkeys(float(level) for level in frame["level"])
    return " and ".join(f"{100 * level:g} %" for level in levels)


def row_keys(frame: pd.DataFrame, labels: Sequence[str]) -> list[list[Column]]:
    """Return sets of columns that tell the rows apart, the best to read first.

    The first is the label and what differs and no label tells. In the second the swept values
    that the labels name have columns of their own, which leaves the labels short; the third has
    the point's number besides.
    """
    named = _named_keys(frame, labels)
    split = _split_keys(frame, labels)
    number = column("#", frame["point"], right=True)
    return [named, split, [number, *split]]


def _named_keys(frame: pd.DataFrame, labels: Sequence[str]) -> list[Column]:
    keys = [
        column("point", labels),
        *_context(frame, [label.replace("=", " ") for label in labels]),
    ]
    told = [name for name in ("run", "point", "estimate") if name in frame]
    rows = len(frame.drop_duplicates(told))
    for name in _swept(frame):
        if len(set(zip(*(key.cells for key in keys), strict=True))) < rows:
            keys.append(_swept_column(frame, name))
    return keys


def _split_keys(frame: pd.DataFrame, labels: Sequence[str]) -> list[Column]:
    """Return the labels without the swept values that they name, and these as columns."""
    short, swept = list(labels), []
    for name in _swept(frame):
        values = _swept_column(frame, name)
        words = [f" {values.header.rpartition('.')[2]}={cell}" for cell in values.cells]
        if any(word in label for word, label in zip(words, short, strict=True)):
            short = [label.replace(word, "") for word, label in zip(words, short, strict=True)]
            swept.append(Column(header=words[0][1:].partition("=")[0], cells=values.cells))
    columns = zip(*(key.cells for key in swept), strict=True)
    heads = [key.header for key in swept]
    told = [" ".join(f"{h} {v}" for h, v in zip(heads, row, strict=True)) for row in columns]
    known = [f"{a} {b}" for a, b in zip(labels, told or labels, strict=True)]
    return [column("point", short), *swept, *_context(frame, known)]


def _context(frame: pd.DataFrame, told: Sequence[str]) -> list[Column]:
    """Return what differs between the rows, but for what other columns tell already."""
    keys = []
    for name in _CONTEXT:
        if name in frame and frame[name].nunique() > 1:
            cells = [plain(value) for value in frame[name]]
            pairs = zip(cells, told, strict=True)
            if not all(cell in words or cell == NOTHING for cell, words in pairs):
                keys.append(column(name, cells))
    return keys


def _swept(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame if str(name).startswith(_SWEPT)]


def _swept_column(frame: pd.DataFrame, name: str) -> Column:
    return column(name.removeprefix(_SWEPT), map(plain, frame[name]))
