"""What estimates, measures and interval methods are called in front of people."""

from __future__ import annotations

from collections.abc import Iterable

from .estimate import MOVER, UNFOLDED, WILSON
from .rates import IDEAL
from .strata.rates import STRATIFIED

TOMOGRAPHY = ("raw", "readout_removed")
"""Estimates of F from <X> and <Z>; any other is one minus the rate of a single outcome."""

JUDGED = ("H", "H_ideal")
"""Measures whose result is the rate of outcome -1 itself, the infidelity."""

_ESTIMATES = {"h_measured": "H measured", "h_ideal": "H ideal"}
_METHODS = {
    WILSON: "Wilson",
    IDEAL: "Clopper-Pearson",
    STRATIFIED: "Clopper-Pearson by stratum",
}


def estimate_words(estimate: object) -> str:
    """Return the name of an estimate of the fidelity table: "H ideal", "readout removed"."""
    return _ESTIMATES.get(str(estimate), str(estimate).replace("_", " "))


def judged_words(estimate: object, readout: object) -> str:
    """Return a judged estimate with what was done with its faces: "H ideal, readout correct"."""
    faces = f", readout {readout}" if estimate == "h_ideal" else ""
    return estimate_words(estimate) + faces


def method_words(method: object) -> str:
    """Return how an interval of the rates was made; of F, how those that it is made of were."""
    name = str(method).removeprefix(MOVER).removesuffix(UNFOLDED)
    return _METHODS.get(name, name)


def method_list(methods: Iterable[object]) -> str:
    """Return the distinct methods in words: "Wilson", "Wilson and Clopper-Pearson"."""
    return " and ".join(dict.fromkeys(map(method_words, methods)))


def row_label(label: object, estimate: object) -> str:
    """Return the name of a row of the fidelity table."""
    return str(label) if estimate == "raw" else f"{label}, {estimate_words(estimate)}"
