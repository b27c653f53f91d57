"""Counts: sums over shards, what does not add, and JSON and back, figure by figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hexmagic.experiments.counts import Counts, Outcome

ONE = Outcome(kept=7, minus=2.5, minus_squares=1.25)
OTHER = Outcome(kept=5, minus=1.5, minus_squares=0.5)
BOTH = Outcome(kept=12, minus=4.0, minus_squares=1.75)
FEW = Counts(shots=10, outcomes={"detect": ONE}, passed=(9, None, 8, None, 7))
MORE = Counts(shots=20, outcomes={"detect": OTHER}, passed=(19, None, 9, None, 5))


def test_outcomes_add_figure_by_figure() -> None:
    assert ONE + OTHER == BOTH


def test_counts_add_with_their_cut_flows() -> None:
    assert (
        Counts(shots=30, outcomes={"detect": BOTH}, passed=(28, None, 17, None, 12)) == FEW + MORE
    )


def test_counts_without_a_cut_flow_add_to_one_without() -> None:
    early = [replace(one, passed=None) for one in (FEW, MORE)]
    assert early[0] + early[1] == Counts(shots=30, outcomes={"detect": BOTH}, passed=None)


def test_both_treatments_of_the_readout_are_added_apart() -> None:
    one = replace(FEW, outcomes={"detect": ONE, "correct": OTHER})
    other = replace(MORE, outcomes={"correct": OTHER, "detect": OTHER})
    assert (one + other).outcomes == {
        "detect": BOTH,
        "correct": Outcome(kept=10, minus=3.0, minus_squares=1.0),
    }


@pytest.mark.parametrize(
    "passed",
    [None, (19, 18, 9, None, 5), (19, None, None, None, 5), (19, None, 9, None), (None,) * 5],
)
def test_counts_with_other_cut_flows_do_not_add(passed: tuple[int | None, ...] | None) -> None:
    other = replace(MORE, passed=passed)
    for one, two in ((FEW, other), (other, FEW)):
        with pytest.raises(ValueError, match=r"^counts with different cut-flows do not add$"):
            one + two


def test_counts_of_other_treatments_do_not_add() -> None:
    other = replace(MORE, outcomes={"correct": OTHER})
    with pytest.raises(ValueError, match=r"^counts of \['detect'\] and \['correct'\] do not add$"):
        FEW + other


@pytest.mark.parametrize("passed", [None, (9, None, 8, None, 7)])
def test_counts_are_json_and_back(passed: tuple[int | None, ...] | None) -> None:
    counts = replace(FEW, passed=passed)
    document: dict[str, Any] = {
        "shots": 10,
        "outcomes": {"detect": {"kept": 7, "minus": 2.5, "minus_squares": 1.25}},
        "passed": passed if passed is None else [9, None, 8, None, 7],
    }
    assert counts.to_json() == document
    assert Counts.from_json(document) == counts


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"shots": 1, "outcomes": {}}, "not counts: 'passed'"),
        ({"outcomes": {}, "passed": None}, "not counts: 'shots'"),
        ({"shots": 1, "outcomes": [], "passed": None}, "not counts: 'list' object has no"),
        ({"shots": 1, "outcomes": {"detect": {"k": 1}}, "passed": None}, "not counts: .*'k'"),
    ],
)
def test_what_are_no_counts_is_told(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        Counts.from_json(document)
