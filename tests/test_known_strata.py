"""What is known of strata without a shot, and for which circuits and cuts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.world import SPEC

from hexmagic.driver import build, judging
from hexmagic.driver.plan import Point, make_plan
from hexmagic.experiments.spec import parse_experiment

FIVE = SPEC.replace("distance: 3, scheme: fold13", "distance: 5, scheme: fold")
FIVE = FIVE.replace("heavy_hex_5, noise: none", "heavy_hex_9_cx, noise: {paper: 1.0e-3}")
FIVE = FIVE.replace("backend: aer", "backend: clifft").replace("[X, Z]", "[H_ideal]")
FIVE = FIVE.replace("baselines: [bare]\n", "")


@pytest.fixture(scope="module")
def point() -> Point:
    return make_plan(parse_experiment(FIVE, source="x.yaml")).points[0]


@pytest.fixture(scope="module")
def compiled(point: Point) -> Any:
    return build.build_point(point, lambda field: field)["H_ideal"].compiled


@pytest.mark.parametrize(
    ("found", "certified"),
    [
        ({}, ("detect", "correct")),
        ({"correction_failures": 3}, ("detect",)),
        ({"detection_failures": 1, "correction_failures": 3}, ()),
        ({"exhaustive": False}, ()),
    ],
)
def test_a_readout_is_certified_where_every_pair_was_judged_and_none_gets_through(
    point: Point,
    compiled: Any,
    monkeypatch: pytest.MonkeyPatch,
    found: dict[str, Any],
    certified: tuple[str, ...],
) -> None:
    none = {"exhaustive": True, "detection_failures": 0, "correction_failures": 0}
    monkeypatch.setattr(judging, "circuit_pairs", lambda *_: none | found)
    assert judging._certified_pairs(point, compiled) == certified


def test_at_distance_5_no_fault_and_one_are_exact_and_two_are_certified(
    point: Point, compiled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_certified_pairs", lambda *_: ("detect",))
    known = judging.known_of_circuit(point, compiled)
    assert set(known) == {0, 1, 2}
    assert all(known[faults].exact["correct"].minus == 0 for faults in (0, 1))
    assert known[2].certified == ("detect",)


@pytest.mark.parametrize("cut", ["hadamard", "flags", "syndromes"])
def test_nothing_is_known_of_faults_where_a_cut_is_off(
    point: Point, compiled: Any, cut: str
) -> None:
    changed = {cut: False}
    without = replace(point, accept=replace(point.accept, **changed))  # type: ignore[arg-type]  # by name
    assert judging.known_of_circuit(without, compiled) == {}
