"""Selection, states, drift, flags and predicted tables as plain text: a block for each point."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

import pandas as pd

from ..tables.selection import EVERYTHING
from ..wording import estimate_words
from .columns import Column, Group, column, half_width_column, interval_column, number, stacked
from .keys import heading, level_words, row_keys

_Block = Callable[[pd.DataFrame, int], list[str]]

_SELECTION_NOTE = (
    "Every row of a point rests on the same shots: differences are surer than the intervals tell. "
    "correct: the readout's faces are decoded, and ask nothing."
)
_STATES_NOTE = (
    "The most likely state whose Bloch vector is no longer than 1; F is with |H>, its interval by "
    "bounded likelihood."
)
_DRIFT_NOTE = (
    "part: tenths of the circuit's shots, in the order taken. p: probability of parts that differ "
    "so much if nothing drifts."
)
_FLAGS_NOTE = (
    "How often a bit, or a face parity of the readout, is not what it is without noise; all shots. "
    "sigma: measured minus predicted, in standard errors; `hexmagic predict RUN` predicts."
)
_PREDICTED_NOTE = "sigma: measured minus predicted, in standard errors of the difference."


def selection_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return what the table would be under other cuts."""
    title = f"Fidelity of |H> under other cuts, {level_words(frame)} intervals"
    return _by_point(frame, title, _selection, _SELECTION_NOTE, width)


def states_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return the most likely states."""
    title = f"Most likely logical states, {level_words(frame)} intervals"
    return _by_point(frame, title, _state, _STATES_NOTE, width)


def drift_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return what the parts of each circuit's shots did."""
    title = f"Drift within the run, {level_words(frame)} Wilson intervals"
    return _by_point(frame, title, _drift, _DRIFT_NOTE, width, also=("basis",))


def flags_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return how often each checked bit fires."""
    title = (
        f"Firing rates of flags, syndromes and H outcomes, {level_words(frame)} Wilson intervals"
    )
    return _by_point(frame, title, _flags, _FLAGS_NOTE, width, also=("basis",))


def predicted_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return measured and predicted estimates."""
    title = f"Measured and predicted, {level_words(frame)} intervals"
    return _by_point(frame, title, _predicted, _PREDICTED_NOTE, width)


def _by_point(
    frame: pd.DataFrame,
    title: str,
    block: _Block,
    note: str,
    width: int,
    *,
    also: Sequence[str] = (),
) -> list[str]:
    """Return title, a block for each point (and what else tells blocks apart), and a note."""
    label, *varying = row_keys(frame, [str(label) for label in frame["label"]])[0]
    lines = heading(frame, title, width)
    for rows in frame.groupby(["run", "point", *also], sort=False).indices.values():
        part, first = frame.iloc[rows], rows[0]
        name = [label.cells[first], *(str(part[column].iloc[0]) for column in also)]
        shown = [key for key in varying if frame.iloc[rows].get(key.header) is not None]
        name += [
            f"{key.header} {key.cells[first]}"
            for key in shown
            if part[key.header].nunique() == 1 and key.header not in also
        ]
        lines += [*textwrap.wrap(", ".join(name), width), *block(part, width), ""]
    return [*lines, *textwrap.wrap(note, width)]


def _selection(part: pd.DataFrame, width: int) -> list[str]:
    names = {"": "as asked", EVERYTHING: "without any cut"}
    cuts = [
        f"without {name}" if name and name not in names else names[name] if asked or name else "all"
        for name, asked in zip(part["without"], part["asked"], strict=True)
    ]
    keys = [column("cuts", cuts), column("readout", part["readout"])]
    if part["estimate"].nunique() > 1:
        keys.append(column("estimate", map(estimate_words, part["estimate"])))
    groups: list[Group] = [
        [interval_column(part, "fidelity", "F")],
        [interval_column(part, "acceptance", "accepted %", scale=100, most=2)],
        [column("kept", part["kept"], right=True)],
    ]
    return stacked([keys], groups, width)


def _state(part: pd.DataFrame, width: int) -> list[str]:
    groups: list[Group] = [
        [interval_column(part, "fidelity", "F")],
        [half_width_column(part, axis, axis) for axis in ("x", "y", "z")],
        [column("length", (number(x, 4) for x in part["length"]), right=True)],
    ]
    return stacked([[column("readout", part["readout"])]], groups, width)


def _drift(part: pd.DataFrame, width: int) -> list[str]:
    same = part.iloc[0]
    tests = f"p acceptance {number(same['acceptance_p_value'], 3)}, "
    tests += f"p <P> {number(same['expectation_p_value'], 3)}"
    groups: list[Group] = [
        [column("shots", part["shots"], right=True)],
        [interval_column(part, "acceptance", "accepted %", scale=100, most=2)],
        [interval_column(part, "expectation", "<P>")],
    ]
    return [tests, *stacked([[column("part", part["part"] + 1, right=True)]], groups, width)]


def _flags(part: pd.DataFrame, width: int) -> list[str]:
    rounds = [f"{r}" if r else "" for r in part["round"]]
    where = [f"{s} {r}".strip() for s, r in zip(part["stage"], rounds, strict=True)]
    qubits = [
        f"{name} (q{int(place)})" if pd.notna(place) else str(name)
        for name, place in zip(part["name"], part["device_qubit"], strict=True)
    ]
    keys: list[Column] = [
        column("role", part["role"]),
        column("stage", where),
        column("qubit", qubits),
    ]
    groups: list[Group] = [[interval_column(part, "rate", "fires %", scale=100, most=3)]]
    if part["predicted"].notna().any():
        predicted = (number(100 * rate, 3) for rate in part["predicted"])
        groups.append([column("predicted", predicted, right=True), _sigma(part)])
    return stacked([keys], groups, width)


def _predicted(part: pd.DataFrame, width: int) -> list[str]:
    words = {"x": "<X>", "y": "<Y>", "z": "<Z>", "fidelity": "F", "acceptance": "accepted"}
    names = [words.get(quantity, quantity) for quantity in part["quantity"]]
    names = [
        name if estimate == "raw" else f"{name} {estimate_words(estimate)}"
        for name, estimate in zip(names, part["estimate"], strict=True)
    ]
    keys = [column("quantity", names), column("basis", part["basis"])]
    groups: list[Group] = [
        [interval_column(part, "measured", "measured")],
        [interval_column(part, "predicted", "predicted")],
        [_sigma(part)],
    ]
    return stacked([keys], groups, width)


def _sigma(part: pd.DataFrame) -> Column:
    cells = (f"{pull:+.1f}" if pd.notna(pull) else "-" for pull in part["pull"])
    return column("sigma", cells, right=True)
