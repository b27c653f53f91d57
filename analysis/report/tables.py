"""DataFrames as the report's tables: fidelities, cut-flows, circuits, calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from ..numbers import NOTHING, is_missing, percent, seconds, signed
from ..timeline import TimedBlock, circuit_seconds
from ..wording import row_label
from .columns import (
    Cell,
    Column,
    Row,
    Table,
    count_words,
    interval_column,
    kept_column,
    make_column,
    make_table,
    varying_columns,
)
from .summary import attempts_words

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


def fidelity_view(frame: pd.DataFrame) -> Table:
    """Return the fidelity table: one row per point and estimate."""
    rows = frame.to_dict("records")
    names = [Cell(text=row_label(row["label"], row["estimate"])) for row in rows]
    columns = [
        Column("point", names, numeric=False),
        *varying_columns(rows),
        interval_column(rows, "fidelity", "F"),
        interval_column(rows, "acceptance", "acceptance (%)", scale=100, most=4),
        make_column(rows, "attempts_per_kept", "attempts per kept state", attempts_words),
        *(interval_column(rows, basis, f"⟨{basis.upper()}⟩") for basis in "xyz"),
        kept_column(rows),
    ]
    return make_table(columns, rows)


def difference_view(frame: pd.DataFrame) -> Table:
    """Return how far fidelity and acceptance of each run lie from the first one's."""
    rows = [
        row for row in frame.to_dict("records") if row["quantity"] in ("fidelity", "acceptance")
    ]
    names = [Cell(text=row_label(row["label"], row["estimate"]), below=row["run"]) for row in rows]
    columns = [
        Column("point and run", names, numeric=False),
        make_column(rows, "quantity", "quantity", str, numeric=False),
        *varying_columns(rows),
        interval_column(rows, "value", "the run"),
        interval_column(rows, "first", "the first run"),
        interval_column(rows, "difference", "difference"),
        make_column(rows, "pull", "in sigma", lambda pull: signed(pull, 1)),
    ]
    return make_table(columns, rows)


def points_view(frame: pd.DataFrame) -> Table:
    """Return the points table: one row per point and basis."""
    rows = frame.to_dict("records")
    columns = [
        make_column(rows, "label", "point", str, numeric=False),
        make_column(rows, "basis", "basis", str, numeric=False),
        *varying_columns(rows),
        kept_column(rows),
        interval_column(rows, "acceptance", "acceptance (%)", scale=100, most=4),
        interval_column(rows, "expectation", "⟨P⟩ as read"),
    ]
    return make_table(columns, rows)


def summed_flow(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one point's cut-flow of all bases together; without any, of the first."""
    every = frame[frame["basis"] == "all"]
    return frame[frame["basis"] == frame["basis"].iloc[0]] if every.empty else every


def cutflow_view(frame: pd.DataFrame) -> Table:
    """Return the cut-flow of one point: all bases together, and each basis' pass rate beside it.

    What passed is told in per cent of the shots that entered the criterion, with its interval, and
    of all shots run.
    """
    whole = summed_flow(frame).to_dict("records")
    bases = [basis for basis in dict.fromkeys(frame["basis"]) if basis != "all"]
    columns = [
        make_column(whole, "criterion", "criterion", str, numeric=False),
        make_column(whole, "failed", "removed", count_words),
        make_column(whole, "passed", "passed", count_words),
        interval_column(whole, "pass_rate", "% of entered", scale=100),
        make_column(_with_shares(whole), "share", "% of all", _tenths),
    ]
    for basis in bases if len(bases) > 1 else []:
        part = frame[frame["basis"] == basis].to_dict("records")
        columns.append(make_column(part, "pass_rate", f"in {basis} (%)", _hundredths))
    columns = [columns[0], *(_only_applied(column, whole) for column in columns[1:])]
    return make_table(columns, [])


def _with_shares(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a cut-flow with `share`: what passed, of all shots that were run."""
    total = rows[0]["entered"] if rows else 0
    return [dict(row) | {"share": row["passed"] / total if total else None} for row in rows]


def stage_view(stages: Sequence[TimedBlock]) -> Table:
    """Return a circuit's blocks with their counts, and those of the whole circuit."""
    total = TimedBlock(
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
        make_column(rows, "label", "block", str, numeric=False),
        make_column(rows, "two_qubit_gates", "two-qubit gates", count_words),
        make_column(rows, "measurements", "measurements", count_words),
        make_column(rows, "resets", "resets", count_words),
        make_column(rows, "start_seconds", "start", seconds),
        make_column(rows, "seconds", "duration", seconds),
    ]
    if all(stage.start_seconds is None for stage in stages):
        columns = [column for column in columns if column.head != "start"]
    return make_table(columns, [])


def calibration_view(frame: pd.DataFrame, kind: str) -> Table | None:
    """Return the calibration of the used qubits or edges; None if there is none."""
    if frame.empty or "kind" not in frame:
        return None
    part = frame[frame["kind"] == kind].dropna(axis="columns", how="all")
    if part.empty:
        return None
    rows = part.to_dict("records")
    columns = [
        make_column(rows, name, head, written, numeric=name not in _WORDS)
        for name, (head, written) in _CALIBRATION_FORMATS.items()
        if name in part and not (name == "device" and part[name].nunique() == 1)
    ]
    return make_table(columns, [])


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


def _only_applied(column: Column, rows: Sequence[Row]) -> Column:
    cells = [
        cell if row["applied"] else Cell(text=NOTHING)
        for cell, row in zip(column.cells, rows, strict=True)
    ]
    return Column(column.head, cells, column.numeric)


def _stage_row(stage: TimedBlock) -> Row:
    return {name: getattr(stage, name) for name in TimedBlock.__dataclass_fields__}


def _tenths(rate: float) -> str:
    return signed(100 * rate, 1)


def _hundredths(rate: float) -> str:
    return signed(100 * rate, 2)
