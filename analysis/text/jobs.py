"""The jobs table, and any table without a rendering of its own, as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd

from .columns import Column, column, plain, row_numbers, stacked

_JOB = ("run", "label", "basis", "shard", "attempt")
_NUMBERED = ("run", "point", "basis", "shard", "attempt")
_LONGEST = 60  # characters of a shared value that is told in the heading


def jobs_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return every attempt at a shard; each block begins with what tells which shard it was."""
    told = [name for name in _JOB if name in frame]
    words, left = _shared(frame, kept=[name for name in told if name in ("label", "shard")])
    keys = [_plain_column(name, left[name]) for name in told if name in left]
    numbers = [name for name in _NUMBERED if name == "point" or name in left]
    numbered = [_plain_column(name, frame[name]) for name in numbers]
    others = [name for name in left if name not in told and name != "point"]
    groups = [[_plain_column(name, left[name])] for name in others]
    title = f"{len(frame)} job{'s' * (len(frame) != 1)}: attempts at shards"
    return [title, *textwrap.wrap(words, width), "", *stacked([keys, numbered], groups, width)]


def plain_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return a table of any columns as it is, without empty ones.

    What is the same in every row stands above the table. Each block begins with the columns that
    tell the rows apart, or the number of the row if none do.
    """
    words, left = _shared(frame.dropna(axis=1, how="all"))
    names = _telling(left)
    keys = [_plain_column(name, left[name]) for name in names] or [row_numbers(len(left))]
    groups = [[_plain_column(name, left[name])] for name in left if name not in names]
    title = f"{len(frame)} row{'s' * (len(frame) != 1)}"
    head = [title, *textwrap.wrap(words, width), ""]
    return [*head, *stacked([keys], groups, width)]


def _shared(frame: pd.DataFrame, kept: Sequence[str] = ()) -> tuple[str, pd.DataFrame]:
    """Return what is the same in all of several rows in words, and the columns that are not."""
    shown = frame.loc[:, [not _is_empty(values) for _, values in frame.items()]]
    if len(frame) < 2:
        return "", shown
    words, left = [], []
    for name, values in shown.items():
        cells = {plain(value) for value in values}
        if len(cells) == 1 and name not in kept and len(next(iter(cells))) <= _LONGEST:
            words.append(f"{_header(name)} {next(iter(cells))}")
        else:
            left.append(name)
    return ", ".join(words), shown[left]


def _is_empty(values: pd.Series[Any]) -> bool:
    return bool(values.isna().all() or (values.astype(str) == "").all())


def _telling(frame: pd.DataFrame) -> list[Any]:
    """Return the columns that tell the rows apart: one if any does, else the first that do."""
    written = {name: tuple(map(plain, frame[name])) for name in frame}
    words = [name for name in frame if frame[name].dtype.kind != "f"]
    for name in words:
        if len(set(written[name])) == len(frame):
            return [name]
    found: list[Any] = []
    apart = 1
    for name in words:
        rows = len(set(zip(*(written[each] for each in [*found, name]), strict=True)))
        if rows > apart:
            found, apart = [*found, name], rows
    return found if apart == len(frame) else []


def _header(name: Any) -> str:
    return " ".join(name) if isinstance(name, tuple) else str(name)


def _plain_column(name: Any, values: pd.Series[Any]) -> Column:
    return column(_header(name), map(plain, values), right=values.dtype.kind in "iuf")
