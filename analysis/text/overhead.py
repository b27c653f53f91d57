"""The comparison of overheads for people: plain text and Markdown, of the same cells and words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from math import floor, isnan, log10
from typing import Any

import pandas as pd

from ..overhead.distillation import BRAVYI_KITAEV, STEPS_PER_CYCLE
from ..overhead.side_by_side import OURS
from ..plots.numbers import is_missing
from .side_by_side import concise
from .tables import render_text

Row = Mapping[Any, Any]

_NOTHING = "-"
_TITLE = "What an accepted |H> costs"
_NOTES = (
    "x(n): half the width of the 95 % interval, in x's last digits. average: qubits / accepted. "
    "gates: two-qubit gates of an attempt; gates/state: / accepted. qubit-steps: average x steps.",
    f"qubit-rounds: qubit-steps / {STEPS_PER_CYCLE}, the steps of a surface-code cycle (prepare, "
    "four gates, measure); for distillation qubits x cycles as published. Its steps and gates are "
    "derived: 4 gates per ancilla and cycle, half of its qubits being ancillas.",
    "us: of one attempt on the device, without a delay between shots; us/state: / accepted.",
    "after 15-to-1: 35 e^3, what 15-to-1 with error-free Cliffords would make of 15 such states "
    f"({BRAVYI_KITAEV.name}). detect: after ideal detection, whose rejections count in accepted; "
    "correct: after ideal correction. from: see the list.",
)
_OF_RATIOS = (
    ("fewer qubits", "qubits_ratio", "qubits of distillation / our average qubits"),
    ("fewer gates", "gates_ratio", "gates of distillation / our gates/state"),
    ("less space-time", "space_time_ratio", "qubit-steps of distillation / our qubit-steps"),
    (
        "error",
        "error_ratio",
        "our infidelity / output error of distillation (below 1: ours better)",
    ),
    ("authors' qubits", "authors_qubits_ratio", "the authors' average qubits / ours, same d and p"),
    ("authors' space-time", "authors_space_time_ratio", "the authors' qubit-steps / ours"),
    ("authors' error", "authors_error_ratio", "our infidelity / theirs, which is after correction"),
)


def render_comparison(table: pd.DataFrame, width: int = 80) -> str:
    """Return the comparison as plain text, no line longer than `width` characters (at least 40)."""
    width = max(width, 40)
    parts = [_wrapped(text, width) for text in (_TITLE, *headline(table))]
    for title, cells in _sections(table):
        body = render_text(cells, width).split("\n\n", maxsplit=1)[1].rstrip()
        parts.append(f"{_wrapped(title, width)}\n\n{body}")
    parts.append("\n".join(_wrapped(text, width) for text in _ratio_lines(table)))
    parts += [_wrapped(text, width) for text in _NOTES]
    parts.append("\n".join(_wrapped(text, width) for text in _traces(table)))
    return "\n\n".join(parts) + "\n"


def markdown_comparison(table: pd.DataFrame) -> str:
    """Return the comparison as Markdown."""
    parts = [f"**{_TITLE}**", "\n".join(f"- {text}" for text in headline(table))]
    for title, cells in _sections(table):
        rule = [":--", *["--:"] * (cells.shape[1] - 1)]
        rows = [list(map(str, cells)), rule, *cells.to_numpy().tolist()]
        body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts.append(f"{title}:\n\n{body}")
    parts.append("\n".join(f"- {text}" for text in _ratio_lines(table)))
    parts += [" ".join(_NOTES), "\n".join(f"- {text}" for text in _traces(table))]
    return "\n\n".join(parts) + "\n"


def headline(table: pd.DataFrame) -> tuple[str, ...]:
    """Return, for each setting with distillation beside it, what can be claimed, in a sentence.

    Whether the interval of our infidelity lies below the distilled states' output error decides
    what is compared. Of points without a known infidelity nothing is claimed.
    """
    known = table["reference"].notna() & table["infidelity"].notna()
    ours = table[(table["source"] == OURS) & known]
    return tuple(
        _claim(str(setting), group, _protocol(table, str(group["reference"].iloc[0])))
        for setting, group in ours.groupby(_setting(ours), sort=False)
    )


def rounded(value: float, digits: int = 3) -> str:
    """Return a number to some significant digits, in full: 62.5, 1540; "-" if it is NaN."""
    if isnan(value):
        return _NOTHING
    decimals = digits - 1 - floor(log10(abs(value))) if value else 0
    if decimals > digits + 2:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-")
    return f"{round(value, decimals):.{max(decimals, 0)}f}"


def _claim(setting: str, group: pd.DataFrame, protocol: Row) -> str:
    """Return the sentences about one setting; `group` has infidelities."""
    rate = f"p = {concise(protocol['p'], 0)}"
    name = f"{protocol['scheme']}{'' if setting == rate else f' at {rate}'}"
    error = concise(protocol["infidelity"], 0)
    reaching = group[group["infidelity_high"] < protocol["infidelity"]]
    if not reaching.empty:
        best = max(reaching.to_dict("records"), key=lambda row: float(row["qubits_ratio"]))
        return (
            f"{setting}: {_name(best)} has an infidelity of {_infidelity(best)}{_judged(best)}, "
            f"below the {error} of {name}, with {_times(best)}.{_uncorrected(group, best)}"
        )
    best = _best(group)
    return (
        f"{setting}: none reaches the {error} of {name}. The best, {_name(best)}, has "
        f"{_infidelity(best)}{_judged(best)}, {rounded(best['error_ratio'])} times that, with "
        f"{_times(best)}: not the same state. As input of one 15-to-1 with error-free Cliffords it "
        f"would give {rounded(best['after_15_to_1'], 2)}.{_uncorrected(group, best)}"
    )


def _judged(row: Row) -> str:
    """Return how the state was judged: an infidelity means little without it."""
    words = {"detect": " after ideal detection", "correct": " after ideal correction"}
    return words[str(row["readout"])] if row["estimate"] == "h_ideal" else ""


def _uncorrected(group: pd.DataFrame, best: Row) -> str:
    """Return what holds without an ideal check, if the best state is one that passed it."""
    corrected = group[(group["estimate"] == "h_ideal") & (group["readout"] == "correct")]
    if best["readout"] == "correct" or corrected.empty:
        return ""
    row = _best(corrected)
    return (
        f" Corrected instead of checked the best is {_name(row)}: {_infidelity(row)}, "
        f"{rounded(row['error_ratio'])} times the distilled."
    )


def _best(group: pd.DataFrame) -> dict[Any, Any]:
    return min(group.to_dict("records"), key=lambda row: float(row["infidelity"]))


def _times(row: Row) -> str:
    words = [("qubits_ratio", "fewer qubits on average"), ("gates_ratio", "fewer two-qubit gates")]
    words += [("space_time_ratio", "less space-time")]
    known = [f"{rounded(row[name])} times {text}" for name, text in words if row[name] == row[name]]
    return f"{', '.join(known[:-1])} and {known[-1]}"


def _ratio_lines(table: pd.DataFrame) -> Iterator[str]:
    """Yield how each ratio that occurs is computed, of those of distillation with an example."""
    for header, name, formula in _OF_RATIOS:
        known = table[table[name].notna()]
        if not known.empty:
            yield f"{header} = {formula}{_example(table, known.iloc[0].to_dict(), name)}."


def _example(table: pd.DataFrame, row: Row, ratio: str) -> str:
    pairs = {"qubits_ratio": "average_qubits", "gates_ratio": "gates_per_state"}
    column = (pairs | {"space_time_ratio": "space_time"}).get(ratio)
    if column is None:
        return ""
    theirs = _protocol(table, str(row["reference"]))[column]
    numbers = f"{theirs:.0f} / {rounded(row[column], 4)} = {rounded(row[ratio])}"
    return f"; {_name(row)}: {numbers}"


def _protocol(table: pd.DataFrame, name: str) -> Row:
    row: Row = table[(table["scheme"] == name) & (table["source"] != OURS)].iloc[0].to_dict()
    return row


def _setting(table: pd.DataFrame) -> pd.Series[str]:
    """Return under what each row was taken: a p of the paper's noise, or a device and its noise."""
    paper = table["noise"].str.startswith("paper ")
    rates = table["p"].map(lambda p: f"p = {concise(p, 0)}")
    return rates.where(paper, table["device"].fillna("") + ", noise " + table["noise"])


def _sections(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    numbers = {text: i for i, text in enumerate(_cited(table), start=1)}
    distilled = table["noise"].str.startswith("circuit-level ")
    others = table[~distilled]
    for setting, group in others.groupby(_setting(others), sort=False):
        names = set(group["reference"].dropna())
        rates = set(table[table["scheme"].isin(names) & distilled]["p"])
        beside = table[distilled & table["p"].isin(rates)]
        rows = [*beside.to_dict("records"), *_sorted(group)]
        cells = pd.DataFrame([_cells(row, numbers) for row in rows])
        empty = [column for column in cells if (cells[column] == _NOTHING).all()]
        yield f"{setting}{_beside(group, rates)}", cells.drop(columns=empty)


def _beside(group: pd.DataFrame, rates: set[float]) -> str:
    other = [concise(p, 0) for p in rates if p not in set(group["p"])]
    return f" (distillation: published for p = {', '.join(other)})" if other else ""


def _sorted(group: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows by distance, the authors' first, else as they come."""
    rows = group.to_dict("records")
    return sorted(rows, key=lambda row: (row["distance"], row["source"] == OURS))


def _cells(row: Row, numbers: Mapping[str, int]) -> dict[str, str]:
    whole = ("qubits", "two_qubit_gates", "time_steps")
    counts = {name: _NOTHING if is_missing(row[name]) else f"{row[name]:g}" for name in whole}
    ratios = {header: rounded(row[name]) for header, name, _ in _OF_RATIOS}
    return {
        "state": _name(row),
        "accepted": _measured(row, "acceptance"),
        "infidelity": _infidelity(row),
        "qubits": counts["qubits"],
        "average": rounded(row["average_qubits"]),
        "gates": counts["two_qubit_gates"],
        "gates/state": rounded(row["gates_per_state"]),
        "from": f"[{numbers[row['traced_to']]}]",
        "steps": counts["time_steps"],
        "us": rounded(1e6 * row["seconds"]),
        "us/state": rounded(1e6 * row["seconds_per_state"]),
        "qubit-steps": rounded(row["space_time"]),
        "qubit-rounds": rounded(row["qubit_rounds"]),
        "qubit-us": rounded(1e6 * row["qubit_seconds"]),
        "after 15-to-1": rounded(row["after_15_to_1"], 2),
        **ratios,
    }


def _cited(table: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table["traced_to"]))


def _traces(table: pd.DataFrame) -> Iterator[str]:
    return (f"[{i}] {text}." for i, text in enumerate(_cited(table), start=1))


def _name(row: Row) -> str:
    if row["source"] != OURS:
        return str(row["scheme"]) if is_missing(row["distance"]) else f"d={row['distance']} authors"
    return f"d={row['distance']} {row['scheme']} {row['readout']}"


def _infidelity(row: Row) -> str:
    value, low, high = (row[f"infidelity{end}"] for end in ("", "_low", "_high"))
    if value == 0 and high > 0:
        return f"<{concise(high, 0)}"
    if high - low > value:  # too few errors for a width to say where the interval lies
        return f"{rounded(value, 2)} [{rounded(low, 2)}, {rounded(high, 2)}]"
    return concise(value, (high - low) / 2)


def _measured(row: Row, name: str) -> str:
    return concise(row[name], (row[f"{name}_high"] - row[f"{name}_low"]) / 2)


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width)
