"""What `expect:` asks of which row of the fidelity table, and what it says when it is missed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fakes.world import SPEC
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.driver.expectation import Missed, missed_expectations
from hexmagic.driver.plan import Plan, make_plan
from hexmagic.experiments.spec import Bounds, parse_experiment

NAN = float("nan")
CLIFFT = SPEC.replace("backend: aer", "backend: clifft").replace("baselines: [bare]\n", "")
SWEEP = "sweep: {accept.readout: [detect, correct]}\n"


def plan_of(expect: str, measure: str = "[X, Z]", text: str = SPEC) -> Plan:
    text = text.replace("measure: [X, Z]", f"measure: {measure}")
    return make_plan(parse_experiment(f"{text}expect: {expect}\n", source="x.yaml"))


def row(point: int = 0, **values: Any) -> dict[str, Any]:
    given = {"fidelity": 0.95, "infidelity": 0.05, "acceptance": 0.5} | values
    ends = {
        f"{name}{end}": given[name] + shift
        for name in ("fidelity", "infidelity", "acceptance")
        for end, shift in (("_low", -0.25), ("_high", 0.25))
    }
    about = {"point": point, "estimate": "raw", "readout": "detect", "shots": 2400, "kept": 1200}
    return about | ends | given


def missed(plan: Plan, *rows: dict[str, Any]) -> list[str]:
    return [one.line for one in missed_expectations(plan, pd.DataFrame(rows))]


@pytest.mark.parametrize(
    ("expect", "lines"),
    [
        ("{fidelity: {min: 0.95}}", []),
        ("{fidelity: {max: 0.95}}", []),
        ("{fidelity: {min: 0.96}}", ["fidelity 0.95 [0.7, 1.2], expected at least 0.96"]),
        ("{infidelity: {max: 0.04}}", ["infidelity 0.05 [-0.2, 0.3], expected at most 0.04"]),
        ("{infidelity: {min: 0.1}}", ["infidelity 0.05 [-0.2, 0.3], expected at least 0.1"]),
        ("{infidelity: {min: 0.01, max: 0.1}}", []),
        ("{acceptance: {min: 0.6}}", ["acceptance 0.5 [0.25, 0.75], expected at least 0.6"]),
    ],
)
def test_the_estimate_itself_is_compared(expect: str, lines: list[str]) -> None:
    assert missed(plan_of(expect), row()) == [f"fold13 d=3 r=1: {line}" for line in lines]


@pytest.mark.parametrize("name", ["fidelity", "infidelity", "acceptance"])
@pytest.mark.parametrize("bound", ["min: 0", "max: 1"])
def test_an_estimate_that_does_not_exist_misses_every_bound(name: str, bound: str) -> None:
    (line,) = missed(plan_of(f"{{{name}: {{{bound}}}}}"), row(0, **{name: NAN}, kept=0))
    assert f"{name} unknown, 0 of 2400 shots kept, expected at" in line


def test_a_row_that_is_missing_misses() -> None:
    assert missed(plan_of("{fidelity: {min: 0}}"), row(point=1)) == [
        "fold13 d=3 r=1: fidelity unknown, 0 of 0 shots kept, expected at least 0"
    ]


def test_baselines_and_removed_readout_errors_are_not_asked() -> None:
    plan = plan_of("{fidelity: {min: 0.9}}")
    bad: dict[str, Any] = {"fidelity": 0.1, "point": 1}
    assert plan.points[1].baseline
    assert missed(plan, row(), row(**bad), row(**bad, estimate="readout_removed")) == []
    alone = plan_of(
        "{fidelity: {min: 0.9}}",
        text=SPEC.replace("distance: 3, scheme: fold13", "scheme: bare").replace("[bare]", "[]"),
    )
    assert missed(alone, row(), row(fidelity=0.1, estimate="readout_removed")) == []
    assert len(missed(alone, row(fidelity=0.1), row(estimate="readout_removed"))) == 1


def test_every_point_is_asked_and_every_bound_has_its_line() -> None:
    text = SPEC + "sweep: {shots: [10, 20]}\n"
    plan = plan_of("{fidelity: {min: 0.96}, acceptance: {max: 0.4}}", text=text)
    points = [point.index for point in plan.points if not point.baseline]
    found = missed_expectations(plan, pd.DataFrame([row(i) for i in range(4)]))
    assert [one.point for one in found] == [i for i in points for _ in range(2)]
    assert [plan.points[one.point].label in one.line for one in found] == [True] * 4


def test_without_expectations_nothing_is_missed() -> None:
    plan = make_plan(parse_experiment(SPEC, source="x.yaml"))
    assert missed(plan, row(fidelity=NAN)) == []


def test_tomography_without_x_or_z_has_no_fidelity_to_ask() -> None:
    plan = plan_of("{fidelity: {min: 0.9}, acceptance: {min: 0.6}}", "[Z, H]", CLIFFT)
    rows = row(fidelity=NAN), row(estimate="h_measured", acceptance=0.7)
    assert [line.partition(": ")[2][:15] for line in missed(plan, *rows)] == ["acceptance 0.5 "]


def test_every_estimate_that_is_measured_is_asked_and_named() -> None:
    plan = plan_of("{infidelity: {max: 0.01}}", "[X, Z, H, H_ideal]", CLIFFT)
    rows = [row(estimate=name) for name in ("raw", "h_measured", "h_ideal")]
    assert [line.split(" 0.05")[0] for line in missed(plan, *rows)] == [
        "fold13 d=3 r=1: infidelity",
        "fold13 d=3 r=1: infidelity (h_measured)",
        "fold13 d=3 r=1: infidelity (h_ideal detect)",
    ]
    assert len(missed(plan, *rows[:2])) == 3  # the ideal row is missing


def test_of_the_ideal_judgements_the_one_is_asked_that_the_readout_names() -> None:
    plan = plan_of("{infidelity: {max: 0.01}, acceptance: {min: 0.4}}", "[H_ideal]", CLIFFT + SWEEP)
    good = {"estimate": "h_ideal", "infidelity": 0.001}
    bad = {"estimate": "h_ideal", "infidelity": 0.5, "acceptance": 0.1}
    asked = row(0, **good, readout="detect"), row(1, **good, readout="correct")
    not_asked = row(0, **bad, readout="correct"), row(1, **bad, readout="detect")
    assert missed(plan, *asked, *not_asked) == []
    swapped = row(0, **bad, readout="detect"), row(1, **bad, readout="correct")
    assert len(missed(plan, *swapped)) == 4


def test_estimates_of_the_same_shots_are_asked_for_their_acceptance_once() -> None:
    plan = plan_of("{acceptance: {min: 0.9}}", "[X, Z, H]", CLIFFT)
    same = missed(plan, row(), row(estimate="h_measured"))
    other = missed(plan, row(), row(estimate="h_measured", acceptance=0.6))
    assert (len(same), len(other)) == (1, 2)
    assert "acceptance (h_measured) 0.6" in other[1]


RATES = st.floats(0, 1)


@given(value=RATES, low=RATES, high=RATES)
def test_what_is_within_its_bounds_passes_and_nothing_else(
    value: float, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    plan = plan_of(f"{{fidelity: {{min: {low!r}, max: {high!r}}}}}")
    assert plan.expect is not None
    assert plan.expect.fidelity == Bounds(min=low, max=high)
    assert (missed(plan, row(fidelity=value)) == []) == (low <= value <= high)


def test_an_expectation_comes_back_from_a_plan() -> None:
    plan = plan_of("{infidelity: {max: 0.01}, acceptance: {min: 0.4}}")
    again = Plan.from_json(plan.to_json())
    assert again.expect == plan.expect
    assert again.expect is not None
    assert again.expect.infidelity == Bounds(max=0.01)
    assert missed_expectations(again, pd.DataFrame([row()])) == (
        Missed(
            point=0,
            line="fold13 d=3 r=1: infidelity 0.05 [-0.2, 0.3], expected at most 0.01",
        ),
    )
