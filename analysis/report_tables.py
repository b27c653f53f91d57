"""DataFrames as the report's tables: headings, units, digits and alignment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .plot_bars import Stage, circuit_seconds
from .plot_fidelity import row_label
from .plot_numbers import NOTHING, grouped, interval_digits, is_missing, percent, seconds, signed
from .report_summary import attempts_words

Row = Mapping[Any, Any]

CALIBRATION_COLUMNS: Mapping[str, str] = {
    "device": "name of the device",
    "kind": '"qubit" or "edge"',
    "qubit": "the physical qubit; of an edge, the first",
    "qubit_2": "the second qubit of an edge; missing for a qubit",
    "name": "the qubit's name in the patch",
    "role": "data, ancilla or ancilla (H_m root)",
    "t1_seconds": "T1",
    "t2_seconds": "T2",
    "prob_1_given_0": "probability to read 1 from |0>",
    "prob_0_given_1": "probability to read 0 from |1>",
    "one_qubit_error": "error of a one-qubit gate",
    "two_qubit_error": "error of the edge's two-qubit gate",
}
"""Columns of `ReportData.calibration`; those that are missing are left out of the report."""

_IDENTITY = {
    "device": "device",
    "noise": "noise",
    "backend": "engine",
    "readout": "readout faces",
    "reuse": "reuse of ancillas",
    "level": "level of the intervals",
}
_CALIBRATION_FORMATS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "device": ("device", str),
    "qubit": ("qubit", lambda value: str(int(value))),
    "qubit_2": ("qubit", lambda value: str(int(value))),
    "name": ("name", str),
    "role": ("role", str),
    "t1_seconds": ("T1", seconds),
    "t2_seconds": ("T2", seconds),
    "prob_1_given_0": ("P(1|0)", percent),
    "prob_0_given_1": ("P(0|1)", percent),
    "one_qubit_error": ("one-qubit gate error", lambda value: percent(value, 3)),
    "two_qubit_error": ("two-qubit gate error", lambda value: percent(value, 3)),
}
_SHOWN_RECORDS = 3
_WORDS = ("device", "name", "role")


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
class _Column:
    head: str
    cells: list[Cell]
    numeric: bool = True


def fidelity_rows(frame: pd.DataFrame) -> Table:
    """Return the fidelity table: one row per point and estimate."""
    rows = frame.to_dict("records")
    names = [Cell(text=row_label(row["label"], row["estimate"])) for row in rows]
    columns = [
        _Column("point", names, numeric=False),
        *_varying(rows),
        _with_interval(rows, "fidelity", "F"),
        _with_interval(rows, "acceptance", "acceptance (%)", scale=100),
        _column(rows, "attempts_per_kept", "attempts per kept state", attempts_words),
        *(_with_interval(rows, basis, f"⟨{basis.upper()}⟩") for basis in "xyz"),
        _Column("kept", [_kept(row) for row in rows]),
    ]
    return _table(columns, rows)


def points_rows(frame: pd.DataFrame) -> Table:
    """Return the points table: one row per point and basis."""
    rows = frame.to_dict("records")
    columns = [
        _column(rows, "label", "point", str, numeric=False),
        _column(rows, "basis", "basis", str, numeric=False),
        *_varying(rows),
        _Column("kept", [_kept(row) for row in rows]),
        _with_interval(rows, "acceptance", "acceptance (%)", scale=100),
        _with_interval(rows, "expectation", "⟨P⟩ as read"),
    ]
    return _table(columns, rows)


def cutflow_rows(frame: pd.DataFrame) -> Table:
    """Return the cut-flow of one point: all bases together, and each basis' pass rate beside it."""
    whole = frame[frame["basis"] == "all"].to_dict("records")
    bases = [basis for basis in dict.fromkeys(frame["basis"]) if basis != "all"]
    columns = [
        _column(whole, "criterion", "criterion", str, numeric=False),
        _column(whole, "failed", "removed", _count),
        _column(whole, "passed", "passed", _count),
        _with_interval(whole, "pass_rate", "passed (%)", scale=100),
    ]
    for basis in bases if len(bases) > 1 else []:
        part = frame[frame["basis"] == basis].to_dict("records")
        columns.append(_column(part, "pass_rate", f"in {basis} (%)", _hundredths))
    columns = [columns[0], *(_only_applied(column, whole) for column in columns[1:])]
    return _table(columns, [])


def stage_rows(stages: Sequence[Stage]) -> Table:
    """Return a circuit's blocks with their counts, and those of the whole circuit."""
    total = Stage(
        label="whole circuit",
        stage="",
        round=0,
        two_qubit_gates=sum(s.two_qubit_gates for s in stages),
        measurements=sum(s.measurements for s in stages),
        resets=sum(s.resets for s in stages),
        seconds=circuit_seconds(stages),
    )
    rows: list[Row] = [_stage_row(stage) for stage in (*stages, total)]
    columns = [
        _column(rows, "label", "block", str, numeric=False),
        _column(rows, "two_qubit_gates", "two-qubit gates", _count),
        _column(rows, "measurements", "measurements", _count),
        _column(rows, "resets", "resets", _count),
        _column(rows, "start_seconds", "start", seconds),
        _column(rows, "seconds", "duration", seconds),
    ]
    if all(stage.start_seconds is None for stage in stages):
        columns = [column for column in columns if column.head != "start"]
    return _table(columns, [])


def calibration_rows(frame: pd.DataFrame, kind: str) -> Table | None:
    """Return the calibration of the used qubits or edges; None if there is none."""
    if frame.empty or "kind" not in frame:
        return None
    part = frame[frame["kind"] == kind].dropna(axis="columns", how="all")
    if part.empty:
        return None
    rows = part.to_dict("records")
    columns = [
        _column(rows, name, head, written, numeric=name not in _WORDS)
        for name, (head, written) in _CALIBRATION_FORMATS.items()
        if name in part and not (name == "device" and part[name].nunique() == 1)
    ]
    return _table(columns, [])


def flat_rows(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return nested mappings and lists as (dotted key, text) pairs; long lists are counted."""
    pairs: list[tuple[str, str]] = []
    for key, value in document.items():
        if isinstance(value, Mapping):
            pairs += [(f"{key}.{inner}", words) for inner, words in flat_rows(value)]
        elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
            shown = {f"{key}[{i}]": item for i, item in enumerate(value[:_SHOWN_RECORDS])}
            pairs += flat_rows(shown)
            left = len(value) - len(shown)
            pairs += [(str(key), f"and {left} more, in provenance.json")] if left else []
        else:
            pairs.append((str(key), _plain(value)))
    return pairs


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        shown = ", ".join(map(str, value[:40]))
        return f"{shown}, … ({len(value)} in all)" if len(value) > 40 else shown
    return NOTHING if is_missing(value) else str(value)


def _table(columns: Sequence[_Column], rows: Sequence[Row]) -> Table:
    constants = {
        name: _percent_level(values[0]) if key == "level" else str(values[0])
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


def _varying(rows: Sequence[Row]) -> list[_Column]:
    """Return a column for each identity field that differs between the rows."""
    return [
        _column(rows, key, name, _percent_level if key == "level" else str, numeric=False)
        for key, name in _IDENTITY.items()
        if len(_different(rows, key)) > 1
    ]


def _different(rows: Sequence[Row], key: str) -> list[Any]:
    """Return the values of an identity field that occur; a baseline may have none."""
    values = (row[key] for row in rows if key in row)
    return list(dict.fromkeys(value for value in values if not is_missing(value)))


def _column(
    rows: Iterable[Row],
    key: str,
    head: str,
    written: Callable[[Any], str],
    *,
    numeric: bool = True,
) -> _Column:
    values = (row[key] for row in rows)
    cells = [Cell(text=NOTHING if is_missing(value) else written(value)) for value in values]
    return _Column(head, cells, numeric)


def _with_interval(rows: Sequence[Row], key: str, head: str, *, scale: float = 1) -> _Column:
    """Return values with their intervals, all in the same digits.

    They suit the narrowest interval, or the middle one and one more where the two differ wildly.
    """
    ends = [(scale * row[f"{key}_low"], scale * row[f"{key}_high"]) for row in rows]
    deserved = sorted(interval_digits(low, high) for low, high in ends) or [1]
    digits = min(deserved[-1], deserved[len(deserved) // 2] + 1)
    cells = [
        Cell(
            text=NOTHING if is_missing(row[key]) else signed(scale * row[key], digits),
            below=""
            if is_missing(row[key])
            else f"[{signed(low, digits)}, {signed(high, digits)}]",
        )
        for row, (low, high) in zip(rows, ends, strict=True)
    ]
    return _Column(head, cells)


def _only_applied(column: _Column, rows: Sequence[Row]) -> _Column:
    cells = [
        cell if row["applied"] else Cell(text=NOTHING)
        for cell, row in zip(column.cells, rows, strict=True)
    ]
    return _Column(column.head, cells, column.numeric)


def _stage_row(stage: Stage) -> Row:
    return {name: getattr(stage, name) for name in Stage.__dataclass_fields__}


def _percent_level(level: float) -> str:
    return f"{100 * level:g} %"


def _kept(row: Row) -> Cell:
    return Cell(text=_count(row["kept"]), below=f"of {_count(row['shots'])}")


def _count(value: Any) -> str:
    return grouped(int(value))


def _hundredths(rate: float) -> str:
    return signed(100 * rate, 2)
