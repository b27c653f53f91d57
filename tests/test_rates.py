"""Rates of a point by every way of counting, and the rows that tables make of them."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from fakes.judged import (
    both_readouts,
    counts,
    ideal_counts,
    ideal_strata,
    make_point,
    outcome,
    sampled,
)

from hexmagic.analysis.estimate import wilson_interval
from hexmagic.analysis.exact_interval import clopper_pearson_interval
from hexmagic.analysis.rates import measured_rates
from hexmagic.analysis.strata.rates import STRATIFIED
from hexmagic.analysis.tables.basic import cutflow_table, fidelity_table, points_table
from hexmagic.experiments.counts import Counts

LEVEL = 0.95


def test_ideal_outcomes_that_count_in_part_have_their_mean_and_half_the_interval() -> None:
    point = make_point(counts={"H_ideal": ideal_counts()})
    rates = measured_rates(point, "H_ideal", "detect", LEVEL)
    low, high = (float(end) for end in clopper_pearson_interval(4, 800, LEVEL))
    assert (rates.shots, rates.kept) == (1000, 800)
    assert rates.acceptance.value == 0.8
    assert rates.minus.value == 2 / 800
    assert rates.minus.low == pytest.approx(0.5 * low)
    assert 0.5 * high < rates.minus.high < high  # whole events may just not have happened
    assert rates.minus.method == "clopper-pearson"


def test_whole_ideal_outcomes_have_the_interval_of_their_count() -> None:
    point = make_point(counts={"H_ideal": ideal_counts()})
    minus = measured_rates(point, "H_ideal", "correct", LEVEL).minus
    ends = [float(end) for end in clopper_pearson_interval(9, 900, LEVEL)]
    assert [minus.low, minus.high] == pytest.approx(ends)


def test_no_ideal_error_leaves_an_upper_limit() -> None:
    point = make_point(counts={"H_ideal": counts(1000, 1000, 0.0)})
    minus = measured_rates(point, "H_ideal", "detect", LEVEL).minus
    assert (minus.value, minus.low) == (0, 0)
    assert minus.high == pytest.approx(3.7e-3, rel=0.02)


def test_a_second_hadamard_measurement_is_counted_by_wilson() -> None:
    point = make_point(counts={"H": counts(1000, 700, 21)})
    rates = measured_rates(point, "H", "detect", LEVEL)
    assert (rates.minus.value, rates.minus.method) == (0.03, "wilson")
    ends = [float(end) for end in wilson_interval(21, 700, LEVEL)]
    assert [rates.minus.low, rates.minus.high] == pytest.approx(ends)


def test_a_measure_without_shots_is_nan_with_the_whole_range() -> None:
    rates = measured_rates(make_point(measures=("H_ideal",)), "H_ideal", "correct", LEVEL)
    assert (rates.shots, rates.kept) == (0, 0)
    for estimate in (rates.acceptance, rates.minus):
        assert isnan(estimate.value)
        assert (estimate.low, estimate.high) == (0, 1)


def test_strata_are_weighted_exact_and_sampled_alike() -> None:
    point = make_point(stratified={"H_ideal": ideal_strata(0.9, 0.1)})
    detect, correct = (
        measured_rates(point, "H_ideal", readout, LEVEL) for readout in ("detect", "correct")
    )
    assert (detect.shots, detect.kept, correct.kept) == (1000, 100, 200)
    assert detect.acceptance.value == pytest.approx(0.9 + 0.1 * 0.1)
    assert detect.minus.value == pytest.approx(0.1 * 0.01 / 0.91)
    assert correct.minus.value == pytest.approx(0.1 * 0.04 / 0.92)
    assert detect.minus.low < detect.minus.value < detect.minus.high
    assert detect.minus.method == STRATIFIED


def test_what_was_not_sampled_widens_the_interval_upwards_by_its_weight() -> None:
    known, open_ended = (
        measured_rates(
            make_point(stratified={"H_ideal": ideal_strata(0.9, 0.1, 0.0, tail)}),
            "H_ideal",
            "detect",
            LEVEL,
        )
        for tail in (0.0, 1e-3)
    )
    assert open_ended.minus.value == known.minus.value
    assert open_ended.minus.high - known.minus.high == pytest.approx(1e-3 / 0.9, rel=0.1)


# Tables


def test_each_way_of_measuring_has_its_row() -> None:
    tomography = {basis: counts(100, 80, 10) for basis in "XYZ"}
    others = {"H": counts(1000, 700, 21), "H_ideal": ideal_counts()}
    frame = fidelity_table([make_point(counts=tomography | others)])
    assert list(zip(frame["estimate"], frame["readout"], frame["method"], strict=True)) == [
        ("raw", "detect", "mover-wilson"),
        ("h_measured", "detect", "wilson"),
        ("h_ideal", "detect", "clopper-pearson"),
        ("h_ideal", "correct", "clopper-pearson"),
    ]
    assert frame["fidelity"].to_list()[1:] == pytest.approx([0.97, 1 - 2 / 800, 0.99])
    assert frame["infidelity"].to_list()[1:] == [0.03, 2 / 800, 0.01]
    assert frame["shots"].to_list() == [300, 1000, 1000, 1000]
    assert frame[["x", "y", "z"]].notna().all(axis=1).to_list() == [True, False, False, False]


def test_a_judged_point_alone_has_no_row_of_tomography() -> None:
    frame = fidelity_table([make_point(counts={"H_ideal": ideal_counts()})])
    assert frame["estimate"].to_list() == ["h_ideal", "h_ideal"]


def test_a_small_infidelity_keeps_all_its_digits() -> None:
    found = both_readouts(10**15, outcome(10**15, 3.0), outcome(10**15, 7.0))
    point = make_point(counts={"H_ideal": found})
    assert fidelity_table([point])["infidelity"].to_list() == [3e-15, 7e-15]


def test_intervals_of_fidelity_and_infidelity_mirror_each_other() -> None:
    row = fidelity_table([make_point(counts={"H": counts(1000, 700, 21)})]).iloc[0]
    assert row["fidelity_low"] == pytest.approx(1 - row["infidelity_high"])
    assert row["fidelity_high"] == pytest.approx(1 - row["infidelity_low"])


def test_the_acceptance_of_stratified_tomography_is_the_mean_of_its_bases() -> None:
    found = {"X": sampled(500, 50, 0.9, 0.1), "Z": sampled(100, 20, 0.8, 0.2)}
    point = make_point(stratified=found)
    parts = [measured_rates(point, basis, "detect", LEVEL).acceptance for basis in ("X", "Z")]
    row = fidelity_table([point]).iloc[0]
    assert [part.value for part in parts] == pytest.approx([0.95, 0.82])
    for end in ("low", "high"):
        mean = np.mean([getattr(part, end) for part in parts])
        assert row[f"acceptance_{end}"] == pytest.approx(mean)
    assert row["acceptance"] == pytest.approx(0.885)
    assert (row["shots"], row["kept"]) == (4000, 2600)
    assert row["method"] == "mover-" + STRATIFIED
    assert row["z"] == pytest.approx(1 - 2 * (0.8 * 0.1 + 0.2 * 0.02) / 0.82)


def test_points_have_a_row_for_each_readout_of_an_ideal_judgement() -> None:
    measured = {"X": counts(100, 80, 10), "H_ideal": ideal_counts()}
    frame = points_table([make_point(counts=measured)])
    assert list(zip(frame["basis"], frame["readout"], strict=True)) == [
        ("X", "detect"),
        ("H_ideal", "detect"),
        ("H_ideal", "correct"),
    ]
    assert frame["expectation"].to_list() == pytest.approx([0.75, 1 - 4 / 800, 0.98])
    assert frame["method"].to_list() == ["wilson", "clopper-pearson", "clopper-pearson"]


def test_shots_that_were_discarded_early_have_one_row_of_the_cut_flow() -> None:
    taken = {"X": counts(100, 80, 10), "H_ideal": ideal_counts()}
    frame = cutflow_table([make_point(counts=taken)])
    assert frame["basis"].to_list() == ["X", "H_ideal"]
    assert frame["criterion"].to_list() == ["all", "all"]
    assert frame["passed"].to_list() == [80, 800]
    assert frame["applied"].all()


def test_early_shots_are_not_in_the_sum_of_those_counted_by_criterion() -> None:
    flow = Counts(shots=100, outcomes={"detect": outcome(80, 10)}, passed=(None, 95, 90, 85, 80))
    frame = cutflow_table([make_point(counts={"X": flow, "H_ideal": ideal_counts()})])
    every = frame[frame["basis"] == "all"]
    assert every["entered"].to_list() == [100, 100, 95, 90, 85]
    assert frame.iloc[-1][["basis", "criterion", "passed"]].to_list() == ["H_ideal", "all", 800]


def test_strata_have_no_cut_flow() -> None:
    frame = cutflow_table([make_point(stratified={"H_ideal": ideal_strata(0.9, 0.1)})])
    assert frame.empty
