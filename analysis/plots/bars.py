"""Bars: how many shots survive each criterion, and when each stage runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from ..numbers import NOTHING, grouped, percent, seconds
from ..timeline import TimedBlock, circuit_seconds, stage_name, stage_spans
from .svg import line, picture, tag, text

_WIDTH = 420.0
_NAME = 92.0  # where the bars begin
_ROW = 28.0
_THICK = 16.0
_LAST = 1 - 1e-9  # of the whole time: starts and durations add up with rounding
_HEAD = 14.0  # of the cut-flow: what the numbers are


def cutflow_plot(flow: pd.DataFrame) -> Markup:
    """Return the surviving share of shots after each criterion of one point, as bars.

    Both numbers beside a bar are of what passed: shots, and per cent of all shots run. What passed
    of the shots that entered a criterion is in the table.

    Args:
        flow: the rows of one point and one basis of a cut-flow table, in order.
    """
    rows = flow.to_dict("records")
    total = int(rows[0]["entered"]) if rows else 0
    parts = [
        text(_WIDTH - 66, 12, "shots left", "small muted end"),
        text(_WIDTH - 4, 12, "of all run", "small muted end"),
        _survivors(0, "shots run", total, total, total),
    ]
    for i, row in enumerate(rows, start=1):
        if row["applied"]:
            entered, passed = int(row["entered"]), int(row["passed"])
            parts.append(_survivors(i, str(row["criterion"]), entered, passed, total))
        else:
            parts.append(_not_applied(i, str(row["criterion"])))
    kept = ", ".join(
        f"{row['criterion']} {row['passed']} of {row['entered']}"
        + (f" ({percent(row['passed'] / total, 1)} of all)" if total else "")
        for row in rows
        if row["applied"]
    )
    words = f"Shots that pass each criterion in turn, of {total} run: {kept}."
    return picture(_WIDTH, _HEAD + _ROW * (len(rows) + 1) + 4, words, *parts)


def timeline_plot(stages: Sequence[TimedBlock]) -> Markup | None:
    """Return when each stage runs, one bar a row, hatched while qubits of it are measured.

    None if a start or a duration is not known.
    """
    spans = stage_spans(stages)
    total = circuit_seconds(stages)
    if not total > 0:
        return None
    width = _WIDTH - _NAME - 66
    parts = []
    for i, (name, start, end) in enumerate(spans):
        y, left, right = _ROW * i + 6, _NAME + width * start / total, _NAME + width * end / total
        bar = {"x": left, "y": y, "width": max(right - left, 1.5), "height": _THICK}
        parts += [
            text(_NAME - 10, y + 12.5, name, "end"),
            line((_NAME, y + _THICK / 2), (_NAME + width, y + _THICK / 2), "grid"),
            tag("rect", **bar, class_="data"),
            *_reads(stages, name, y, width / total),
            text(_WIDTH - 4, y + 12.5, seconds(end - start), "small end"),
        ]
    axis = _ROW * len(spans) + 8
    parts += [
        line((_NAME, axis), (_NAME + width, axis), "axis"),
        text(_NAME, axis + 16, "0", "small muted"),
        text(_NAME + width, axis + 16, seconds(total), "small muted mid"),
    ]
    listed = ", ".join(
        f"{name} from {seconds(start)} to {seconds(end)}" for name, start, end in spans
    )
    read = [window for stage in stages for window in stage.reads]
    note = "hatched: measurement" if read else ""
    parts.append(text((2 * _NAME + width) / 2, axis + 16, note, "small muted mid"))
    told = f" Hatched: {len(_layers(read))} layers of measurement." if read else ""
    return picture(_WIDTH, axis + 24, f"Timeline of {seconds(total)}: {listed}.{told}", *parts)


def timeline_notes(stages: Sequence[TimedBlock]) -> tuple[str, ...]:
    """Return why blocks before the readout last until the circuit's end, in words.

    A block that measures nothing then ends with gates that nothing waits for: the compiler starts
    each operation as late as it may.
    """
    total = circuit_seconds(stages)
    read: list[str] = []
    idle: list[str] = []
    for name, _, end in stage_spans(stages):
        parts = [s for s in stages if stage_name(s.stage, s.round) == name]
        if end < _LAST * total or any(s.stage == "readout" for s in parts):
            continue
        if any(last >= _LAST * total for part in parts for _, last in part.reads):
            read.append(name)
        elif not any(part.measurements for part in parts):
            idle.append(name)
    whys = (
        (read, "ancillas that nothing uses again are read at the very end, with the data."),
        (idle, "gates on ancillas that nothing uses again run as late as they can."),
    )
    return tuple(
        f"{' and '.join(names)} last{'s' * (len(names) == 1)} until the end: {why}"
        for names, why in whys
        if names
    )


def _reads(stages: Sequence[TimedBlock], name: str, y: float, scale: float) -> list[Markup]:
    """Return what covers a stage's bar while qubits of it are measured."""
    windows = [w for s in stages if stage_name(s.stage, s.round) == name for w in s.reads]
    places = [
        {"x": _NAME + scale * start, "y": y, "width": scale * (end - start), "height": _THICK}
        for start, end in _layers(windows)
    ]
    return [tag("rect", **place, class_=kind) for place in places for kind in ("trough", "hatch-a")]


def _layers(windows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return what windows cover together: disjoint, in order."""
    covered: list[tuple[float, float]] = []
    for start, end in sorted(windows):
        if covered and start < covered[-1][1]:
            covered[-1] = (covered[-1][0], max(covered[-1][1], end))
        else:
            covered.append((start, end))
    return covered


def _survivors(i: int, name: str, entered: int, passed: int, total: int) -> Markup:
    """Return one bar: what passed solid, what this criterion removed hatched."""
    y, width = _HEAD + _ROW * i + 6, _WIDTH - _NAME - 130
    share = passed / total if total else 0.0
    lost = (entered - passed) / total if total else 0.0
    place = {"y": y, "height": _THICK}
    return (
        text(_NAME - 10, y + 12.5, name, "end")
        + tag("rect", x=_NAME, width=width, **place, class_="trough")
        + tag("rect", x=_NAME, width=width * share, **place, class_="data")
        + tag("rect", x=_NAME + width * share, width=width * lost, **place, class_="hatch-a")
        + text(_WIDTH - 66, y + 12.5, grouped(passed), "end")
        + text(_WIDTH - 4, y + 12.5, percent(share, 1) if total else NOTHING, "end muted")
    )


def _not_applied(i: int, name: str) -> Markup:
    y = _HEAD + _ROW * i + 18.5
    return text(_NAME - 10, y, name, "end muted") + text(_NAME, y, "not applied", "small muted")
