"""The comparison of overheads for people: plain text and Markdown, of the same cells and words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ..numbers import is_missing
from ..overhead.comparison import NONE
from ..overhead.distillation import BRAVYI_KITAEV, LITINSKI, STEPS_PER_CYCLE
from ..overhead.side_by_side import OURS
from .overhead_claims import headline
from .overhead_words import NOTHING, Row, infidelity, measured, name, rounded, settings
from .side_by_side import concise
from .tables import render_text

_TITLE = "What an accepted |H> costs"
_NOTES = (
    "x(n): half the width of the 95 % interval, in x's last digits. average: qubits / accepted. "
    "gates: two-qubit gates of an attempt; gates/state: / accepted. qubit-steps: average x steps.",
    f"qubit-rounds: qubit-steps / {STEPS_PER_CYCLE}, the steps of a surface-code cycle (prepare, "
    "four gates, measure); for distillation qubits x cycles as published. Its steps and gates are "
    "derived: 4 gates per ancilla and cycle, half of its qubits being ancillas. That is an upper "
    "bound, which favours ours: ancillas at borders have fewer, and those of regions between "
    "patches rest while nothing is measured there. small: the small-footprint layout.",
    "The output errors of distillation are its author's estimate, made with logical error rates "
    "0.1 (100 p)^((d + 1) / 2) of its patches, not a simulation of them.",
    "us: of one attempt on the device, without a delay between shots; us/state: / accepted.",
    "after 15-to-1: 35 e^3, what 15-to-1 with error-free Cliffords would make of 15 such states "
    f"({BRAVYI_KITAEV.name}). detect: after ideal detection, whose rejections count in accepted; "
    "correct: after ideal correction. Both are taken as free: without errors, and without qubits, "
    "gates or time of their own. from: see the list.",
    "reaches: the distillation whose output error our whole interval lies below; behind a ?, that "
    "whose error it contains, of which nothing can be said.",
)
_BEST = "those of distillation"
_OF_RATIOS = (
    ("fewer qubits", "qubits_ratio", f"fewest qubits of {_BEST} / our average qubits"),
    ("fewer gates", "gates_ratio", f"fewest gates of {_BEST} / our gates/state"),
    ("less space-time", "space_time_ratio", f"fewest qubit-steps of {_BEST} / our qubit-steps"),
    ("error", "error_ratio", f"our infidelity / lowest error of {_BEST} (below 1: ours better)"),
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


def _ratio_lines(table: pd.DataFrame) -> Iterator[str]:
    """Yield how each ratio that occurs is computed, of those of distillation with an example."""
    for header, column, formula in _OF_RATIOS:
        known = table[table[column].notna()]
        if not known.empty:
            yield f"{header} = {formula}{_example(table, known.iloc[0].to_dict(), column)}."


def _example(table: pd.DataFrame, row: Row, ratio: str) -> str:
    columns = {
        "qubits_ratio": ("fewest_qubits", "average_qubits"),
        "gates_ratio": ("least_space_time", "gates_per_state"),
        "space_time_ratio": ("least_space_time", "space_time"),
    }
    if ratio not in columns:
        return ""
    protocol, column = columns[ratio]
    theirs = table[(table["source"] == LITINSKI.name) & (table["scheme"] == row[protocol])]
    numbers = f"{theirs.iloc[0][column]:.0f} / {rounded(row[column], 4)} = {rounded(row[ratio])}"
    return f"; {name(row)} and {row[protocol]}: {numbers}"


def _sections(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    numbers = {text: i for i, text in enumerate(_cited(table), start=1)}
    published = table["noise"].str.startswith("circuit-level ")
    others = table[~published]
    for setting, group in others.groupby(settings(others), sort=False):
        rates = set(group["distillation_p"].dropna())
        beside = table[published & table["p"].isin(rates)]
        rows = [*beside.to_dict("records"), *_sorted(group)]
        cells = pd.DataFrame([_cells(row, numbers) for row in rows])
        empty = [column for column in cells if (cells[column] == NOTHING).all()]
        yield f"{setting}{_beside(group, rates)}", cells.drop(columns=empty)


def _beside(group: pd.DataFrame, rates: set[float]) -> str:
    other = [concise(p, 0) for p in rates if p not in set(group["p"])]
    return f" (figures of others: published for p = {', '.join(other)})" if other else ""


def _sorted(group: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows by distance, the authors' first, then scheme by scheme as they come."""
    rows = group.to_dict("records")
    schemes = list(dict.fromkeys(str(row["scheme"]) for row in rows))

    def place(row: Row) -> tuple[Any, ...]:
        return row["distance"], row["source"] == OURS, schemes.index(str(row["scheme"]))

    return sorted(rows, key=place)


def _cells(row: Row, numbers: Mapping[str, int]) -> dict[str, str]:
    whole = ("qubits", "two_qubit_gates", "time_steps")
    counts = {each: NOTHING if is_missing(row[each]) else f"{row[each]:g}" for each in whole}
    ratios = {header: rounded(row[column]) for header, column, _ in _OF_RATIOS}
    return {
        "state": name(row),
        "accepted": measured(row, "acceptance"),
        "infidelity": infidelity(row),
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
        "reaches": _reached(row),
        **ratios,
    }


def _reached(row: Row) -> str:
    """Return the protocols that a state of ours reaches, and those that may be reached."""
    if is_missing(row["reaches"]):
        return NOTHING
    unsure = "" if row["undecided"] == NONE else f"? {row['undecided']}"
    sure = "" if row["reaches"] == NONE and unsure else str(row["reaches"])
    return f"{sure} {unsure}".strip().replace("15-to-1 ", "")


def _cited(table: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table["traced_to"]))


def _traces(table: pd.DataFrame) -> Iterator[str]:
    return (f"[{i}] {text}." for i, text in enumerate(_cited(table), start=1))


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width)
