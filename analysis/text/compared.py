"""Several runs side by side as plain text."""

from __future__ import annotations

import textwrap

import pandas as pd

from ..wording import estimate_words
from .columns import Group, column, interval_column, number, scientific, stacked
from .keys import level_words

_WORDS = {
    "fidelity": "F",
    "infidelity": "1-F",
    "acceptance": "accepted",
    "x": "<X>",
    "y": "<Y>",
    "z": "<Z>",
}
_DIFFERENCES_NOTE = (
    "difference: the run less the first one, interval by MOVER. sigma: that in standard errors; "
    "beyond +-1.96 the interval leaves out 0."
)
_COMBINED_NOTE = (
    "pooled: identical circuits, all shots together. weighted: by variance, the interval widened "
    "by `scale` where the runs disagree. p: probability of runs that differ so much if they agree."
)


def differences_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return how far each run lies from the first, a block for each point."""
    lines = [f"Runs beside the first, {level_words(frame)} intervals"]
    first = str(frame["first_run"].iloc[0])
    for (run, label, estimate, readout), part in frame.groupby(
        ["run", "label", "estimate", "readout"], sort=False
    ):
        name = f"{_name(label, estimate, readout)}: {run} beside {first}"
        groups: list[Group] = [
            [interval_column(part, "difference", "difference")],
            [column("sigma", (f"{pull:+.1f}" for pull in part["pull"]), right=True)],
            [interval_column(part, "value", "the run")],
            [interval_column(part, "first", "the first")],
        ]
        keys = [column("quantity", (_WORDS[q] for q in part["quantity"]))]
        lines += ["", *textwrap.wrap(name, width), *stacked([keys], groups, width)]
    return [*lines, "", *textwrap.wrap(_DIFFERENCES_NOTE, width)]


def combined_text(frame: pd.DataFrame, width: int) -> list[str]:
    """Return the common values of several runs, a block for each point."""
    lines = [f"Several runs as one, {level_words(frame)} intervals"]
    for (label, estimate, readout), part in frame.groupby(
        ["label", "estimate", "readout"], sort=False
    ):
        runs, how = int(part["runs"].iloc[0]), part["how"].iloc[0]
        name = f"{_name(label, estimate, readout)}: {runs} runs, {how}"
        shown = part.rename(columns={"low": "value_low", "high": "value_high"})
        groups: list[Group] = [
            [interval_column(shown, "value", "value")],
            [column("p", (_p_value(p) for p in part["p_value"]), right=True)],
            [column("scale", (number(scale, 2) for scale in part["scale"]), right=True)],
        ]
        keys = [column("quantity", (_WORDS[q] for q in part["quantity"]))]
        lines += ["", *textwrap.wrap(name, width), *stacked([keys], groups, width)]
    return [*lines, "", *textwrap.wrap(_COMBINED_NOTE, width)]


def _name(label: object, estimate: object, readout: object) -> str:
    special = "" if estimate == "raw" else f", {estimate_words(estimate)}"
    return f"{label}{special}, readout {readout}"


def _p_value(p: float) -> str:
    return scientific(p, 1) if p < 0.001 else number(p, 3)  # a missing one is written "-"
