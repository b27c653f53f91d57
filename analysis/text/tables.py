"""Tables as plain text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

import pandas as pd

from ..points import BASES
from ..strata.rates import STRATIFIED
from ..wording import JUDGED, TOMOGRAPHY, estimate_words, method_list, method_words, row_label
from .columns import (
    Column,
    Group,
    column,
    half_width_column,
    interval_column,
    plain,
    scientific_column,
    stacked,
)
from .compared import combined_text, differences_text
from .cutflow import cutflow_text
from .details import drift_text, flags_text, predicted_text, selection_text, states_text
from .jobs import jobs_text, plain_text
from .keys import heading, level_words, row_keys
from .strata import strata_text

_NARROWEST = 40
_NO_SHOTS = "no rows: no raw shots are kept"
_NO_ROWS = {
    "criterion": "no rows: no shots were counted one by one; of strata see --kind strata",
    "faults": "no rows: nothing was estimated by strata",
    "without": _NO_SHOTS,
    "length": "no rows: nothing was measured in X, Y or Z",
    "part": _NO_SHOTS,
    "fired": _NO_SHOTS,
    "measured": "no rows: nothing was predicted; `hexmagic predict RUN` does",
}

_STRATA_NOTE = (
    "by stratum: shots and kept are those with a given number of faults in all, which the rates "
    "weight; kept / shots is not the acceptance."
)

Render = Callable[[pd.DataFrame, int], list[str]]


def render_text(frame: pd.DataFrame, width: int = 80) -> str:
    """Return a table as plain text, no line longer than `width` characters (at least 40).

    A title line says what the numbers are and how the intervals were made; what is the same in
    every row stands once, below it. Columns that do not fit go into a second block below the
    first, and begin with what tells the rows apart. A run's tables are recognised by their columns;
    any other table is shown as it is, without its empty columns. Fidelities by tomography and
    infidelities of H stand one below the other. "-" stands for a missing value.
    """
    width = max(width, _NARROWEST)
    if frame.empty:
        words = next((text for name, text in _NO_ROWS.items() if name in frame), "no rows")
        return "\n".join(textwrap.wrap(words, width)) + "\n"
    body = _renderer(frame)(frame, width)
    return "\n".join(line.rstrip() for line in body) + "\n"


def _renderer(frame: pd.DataFrame) -> Render:
    known: dict[str, Render] = {
        "without": selection_text,
        "length": states_text,
        "part": drift_text,
        "first_run": differences_text,
        "how": combined_text,
        "fired": flags_text,
        "measured": predicted_text,
        "fidelity": _fidelity_text,
        "criterion": cutflow_text,
        "expectation": _points_text,
        "faults": strata_text,
        "attempt": jobs_text,
    }
    return next((render for name, render in known.items() if name in frame), plain_text)


def _fidelity_text(frame: pd.DataFrame, width: int) -> list[str]:
    tomography = frame["estimate"].isin(TOMOGRAPHY)
    parts = [
        render(part, width)
        for render, part in (
            (_tomography_text, frame[tomography]),
            (_infidelity_text, frame[~tomography]),
        )
        if not part.empty
    ]
    return [*_apart(parts), "", *textwrap.wrap(" ".join(_fidelity_notes(frame)), width)]


def _tomography_text(frame: pd.DataFrame, width: int) -> list[str]:
    methods = dict.fromkeys(map(method_words, frame["method"]))
    named = " and ".join(methods)
    of = named if list(methods) == ["Wilson"] else "these"
    title = f"Fidelity of |H>, {level_words(frame)} intervals: {named}; F by MOVER of {of}"
    groups: list[Group] = [
        [interval_column(frame, "fidelity", "F")],
        [interval_column(frame, "acceptance", "accepted %", scale=100, most=2)],
        [_attempts_column(frame)],
        [
            half_width_column(frame, basis.lower(), f"<{basis}>")
            for basis in BASES
            if frame[basis.lower()].notna().any()
        ],
    ]
    pairs = zip(frame["label"], frame["estimate"], strict=True)
    keys = row_keys(frame, [row_label(*pair) for pair in pairs])
    return [*heading(frame, title, width), *stacked(keys, groups, width)]


def _infidelity_text(frame: pd.DataFrame, width: int) -> list[str]:
    names = list(dict.fromkeys(frame["estimate"]))
    judged = f", {estimate_words(names[0])}" if len(names) == 1 else ""
    title = (
        f"Infidelity 1-F of |H>{judged}, {level_words(frame)} intervals: "
        f"{_methods_by_estimate(frame)}"
    )
    groups: list[Group] = [
        [scientific_column(frame, "infidelity", "1-F")],
        [interval_column(frame, "acceptance", "accepted %", scale=100, most=3)],
        [_attempts_column(frame)],
    ]
    told = [column("estimate", map(estimate_words, frame["estimate"]))] if len(names) > 1 else []
    keys = [[*keys, *told] for keys in row_keys(frame, [str(label) for label in frame["label"]])]
    return [*heading(frame, title, width), *stacked(keys, groups, width)]


def _methods_by_estimate(frame: pd.DataFrame) -> str:
    """Return the interval methods, with the estimates that they belong to if they differ."""
    methods = frame.groupby("method", sort=False)["estimate"].unique()
    words = [
        method_words(method)
        + (f" ({', '.join(map(estimate_words, names))})" if len(methods) > 1 else "")
        for method, names in methods.items()
    ]
    accepted = "; accepted: Wilson" if "clopper-pearson" in methods.index else ""
    return ", ".join(words) + accepted


def _attempts_column(frame: pd.DataFrame) -> Column:
    cells = (f"{x:.2f}" if x < 1000 else plain(x) for x in frame["attempts_per_kept"])
    return column("attempts", cells, right=True)


def _fidelity_notes(frame: pd.DataFrame) -> Iterator[str]:
    yield "attempts: per kept state."
    if frame["estimate"].isin(TOMOGRAPHY).any():
        yield "+-: half the interval's width."
        if (frame["fidelity_high"] > 1).any():
            yield "F is a linear estimate: it may exceed 1 by chance."
    if (frame["estimate"] == "h_measured").any():
        yield "H measured: how often a second H_m reads -1, its own errors included."
    if (frame["estimate"] == "h_ideal").any():
        yield "H ideal: the emulator judges the kept state without error, its faces checked"
        yield "(detect) or decoded (correct)."


def _points_text(frame: pd.DataFrame, width: int) -> list[str]:
    judged = frame["basis"].isin(JUDGED)
    parts = [
        _points_part(part, width, ideal=ideal)
        for part, ideal in ((frame[~judged], False), (frame[judged], True))
        if not part.empty
    ]
    notes = ["", *textwrap.wrap(_STRATA_NOTE, width)] if _is_stratified(frame) else []
    return [*_apart(parts), *notes]


def _is_stratified(frame: pd.DataFrame) -> bool:
    return bool(frame["method"].str.contains(STRATIFIED).any())


def _points_part(frame: pd.DataFrame, width: int, *, ideal: bool) -> list[str]:
    what = "rates of outcome -1" if ideal else "logical expectation values"
    named = method_list(frame["method"])
    intervals = "Wilson intervals" if named == "Wilson" else f"intervals: {named}"
    title = f"Kept shots and {what}, {level_words(frame)} {intervals}"
    groups: list[Group] = [
        [column("shots", frame["shots"], right=True)],
        [column("kept", frame["kept"], right=True)],
        [interval_column(frame, "acceptance", "accepted %", scale=100, most=3 if ideal else 2)],
        [
            scientific_column(_with_minus_rate(frame), "minus", "rate of -1")
            if ideal
            else interval_column(frame, "expectation", "<P>")
        ],
    ]
    measure = column("measure" if ideal else "P", frame["basis"])
    keys = [[*keys, measure] for keys in row_keys(frame, [str(label) for label in frame["label"]])]
    return [*heading(frame, title, width), *stacked(keys, groups, width)]


def _with_minus_rate(frame: pd.DataFrame) -> pd.DataFrame:
    ends = {"minus": "", "minus_low": "_high", "minus_high": "_low"}
    rates = {name: (1 - frame[f"expectation{end}"]) / 2 for name, end in ends.items()}
    return frame.assign(**rates)


def _apart(parts: list[list[str]]) -> list[str]:
    """Return the parts with an empty line between them."""
    return [line for part in parts for line in ["", *part]][1:]
