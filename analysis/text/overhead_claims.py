"""What the comparison of overheads can claim, in sentences, and where it can claim nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..overhead.distillation import LITINSKI
from ..overhead.side_by_side import OURS
from .overhead_words import Row, infidelity, name, rounded, settings
from .side_by_side import concise

_JUDGED = {
    "detect": " after ideal detection (a check without errors or cost)",
    "correct": " after ideal correction",
}
_ROLES = {
    "fewest_qubits": "fewest qubits",
    "least_space_time": "least space-time",
    "lowest_error": "lowest error",
}


def headline(table: pd.DataFrame) -> tuple[str, ...]:
    """Return what can be claimed, setting by setting: against each distillation, and beside others.

    A state reaches a protocol if the whole interval of its infidelity lies below the protocol's
    output error. The nearest is the one whose interval ends lowest. Of points without a known
    infidelity nothing is claimed, nor of settings without distillation beside them.
    """
    known = table["distillation_p"].notna() & table["infidelity"].notna()
    ours = table[(table["source"] == OURS) & known]
    return tuple(
        sentence
        for setting, group in ours.groupby(settings(ours), sort=False)
        for sentence in _claims(str(setting), group, table)
    )


def _claims(setting: str, group: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    """Yield the sentences about one setting; `group` has infidelities, `table` all rows."""
    first = group.iloc[0]
    rate = f"p = {concise(first['distillation_p'], 0)}"
    at = "" if setting == rate else f" at {rate}"
    beside = table[(table["p"] == first["distillation_p"]) & (table["source"] != OURS)]
    protocols = beside[beside["source"] == LITINSKI.name].sort_values("average_qubits")
    for protocol in protocols.to_dict("records"):
        yield f"{setting}, {_described(protocol, first)}{at}: {_against(protocol, group)}"
    highest = protocols.sort_values("infidelity").iloc[-1]
    yield from _as_it_stands(setting, group, highest)
    simulated = beside["noise"].str.startswith("circuit-level ") & beside["distance"].notna()
    for other in beside[simulated].to_dict("records"):
        yield f"{setting}, simulated by others{at}: {_beside_other(other, group)}"


def _described(protocol: Row, row: Any) -> str:
    """Return a protocol's name, what it is best at and its figures."""
    roles = [words for column, words in _ROLES.items() if row[column] == protocol["scheme"]]
    best = f"{', '.join(roles)}: " if roles else ""
    return (
        f"{protocol['scheme']} ({best}{protocol['qubits']} qubits, "
        f"{rounded(protocol['qubit_rounds'])} qubit-rounds, error "
        f"{concise(protocol['infidelity'], 0)})"
    )


def _against(protocol: Row, group: pd.DataFrame) -> str:
    """Return which state of ours reaches a protocol on the fewest qubits, or how far they are."""
    error = protocol["infidelity"]
    reaching = group[group["infidelity_high"] < error]
    if not reaching.empty:
        row = min(reaching.to_dict("records"), key=lambda row: float(row["average_qubits"]))
        words = f"reached by {name(row)} with {infidelity(row)}{_judged(row)}, on "
        return f"{words}{_times(row, protocol)}.{_undecided(group, row, error)}"
    row = _nearest(group)
    unsure = (
        " (an interval that holds that error as well)" if row["infidelity_low"] <= error else ""
    )
    return (
        f"none of ours is known to reach it. The nearest, {name(row)} with "
        f"{infidelity(row)}{_judged(row)}, has {rounded(row['infidelity'] / error)} times its "
        f"error{unsure}, on {_times(row, protocol)}: not the same state."
        f"{_undecided(group, row, error)}"
    )


def _undecided(group: pd.DataFrame, told: Row, error: float) -> str:
    """Return the states, but for the one told of, whose intervals hold a protocol's error."""
    holding = group[(group["infidelity_low"] <= error) & (error <= group["infidelity_high"])]
    names = [name(row) for row in holding.to_dict("records")]
    rest = [each for each in names if each != name(told)]
    words = f" Nothing can be claimed of {', '.join(rest)}: the interval holds that error."
    return words if rest else ""


def _as_it_stands(setting: str, group: pd.DataFrame, highest: Row) -> Iterator[str]:
    """Yield what holds without an ideal check, if any state was judged so."""
    corrected = group[(group["estimate"] == "h_ideal") & (group["readout"] == "correct")]
    if not corrected.empty:
        row = _nearest(corrected)
        yield (
            f"{setting}, as it stands: after ideal correction the best of ours is {name(row)} with "
            f"{infidelity(row)}, {rounded(row['infidelity'] / highest['infidelity'])} times the "
            f"error of {highest['scheme']}."
        )


def _beside_other(other: Row, group: pd.DataFrame) -> str:
    """Return a point that others simulated, and which of ours have surely less error."""
    below = group[group["infidelity_high"] < other["infidelity"]]
    words = (
        f"{other['source']} ({other['scheme']}) has {rounded(other['infidelity'], 2)} at an "
        f"acceptance of {rounded(other['acceptance'])}. "
    )
    if below.empty:
        row = _nearest(group)
        return (
            f"{words}None of ours is known to have less: {name(row)} has "
            f"{infidelity(row)}{_judged(row)}, {rounded(row['infidelity'] / other['infidelity'])} "
            f"times that, at {rounded(row['acceptance'])}."
        )
    rows = [f"{name(row)} ({rounded(row['acceptance'])})" for row in below.to_dict("records")]
    return f"{words}Less have, with their acceptance: {', '.join(rows)}."


def _nearest(group: pd.DataFrame) -> dict[Any, Any]:
    """Return the state whose infidelity is surely the lowest: the lowest end of an interval."""
    return min(group.to_dict("records"), key=lambda row: float(row["infidelity_high"]))


def _judged(row: Row) -> str:
    """Return how the state was judged: an infidelity means little without it."""
    return _JUDGED[str(row["readout"])] if row["estimate"] == "h_ideal" else ""


def _times(row: Row, protocol: Row) -> str:
    """Return how many times less, or more, a state of ours takes than a protocol.

    A protocol's gates are counted too high: see `distillation.GATES_PER_ANCILLA`.
    """
    words = [("average_qubits", "fewer", "qubits on average")]
    words += [("gates_per_state", "fewer", "two-qubit gates"), ("space_time", "less", "space-time")]
    known: list[str] = []
    for column, less, what in words:
        ratio = protocol[column] / row[column]
        if ratio >= 1:
            most = "up to " if column == "gates_per_state" else ""
            known.append(f"{most}{rounded(ratio)} times {less} {what}")
        elif ratio < 1:  # neither, where one of them is not known
            known.append(f"{rounded(1 / ratio)} times more {what}")
    return f"{', '.join(known[:-1])} and {known[-1]}"
