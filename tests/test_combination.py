"""Pooled counts and weighted means, and whether the runs agree."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency, fisher_exact

from hexmagic.analysis.combination import chi_squared_tail, pooled_rate, weighted_mean
from hexmagic.analysis.estimate import Estimate, rate_estimate
from hexmagic.experiments.errors import UsageError

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rate(k: int, n: int) -> Estimate:
    return rate_estimate(k, n)


def normal(value: float, sigma: float) -> Estimate:
    half = 1.959963984540054 * sigma
    ends = {"low": value - half, "high": value + half}
    return Estimate(value=value, **ends, n=10, method="normal", level=0.95)


@given(statistic=st.floats(0, 2000), degrees=st.integers(1, 300))
def test_the_chi_squared_tail_agrees_with_scipy(statistic: float, degrees: int) -> None:
    theirs = chi2.sf(statistic, degrees)
    assert chi_squared_tail(statistic, degrees) == pytest.approx(theirs, rel=1e-9, abs=1e-300)


# Pooling


def test_pooled_counts_are_summed() -> None:
    found = pooled_rate([(3, 50), (9, 100), (0, 0)])
    assert found.estimate == rate(12, 150)
    assert (found.agreement.degrees, found.scale) == (1, 1)


def test_many_events_have_pearsons_chi_squared() -> None:
    runs = [(30, 500), (45, 400), (70, 900)]
    found = pooled_rate(runs).agreement
    theirs = chi2_contingency([[k, n - k] for k, n in runs], correction=False)
    assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (found.degrees, found.method) == (2, "chi-squared")


def test_few_events_have_the_exact_p_value_of_two_runs() -> None:
    """Of equal runs Pearson's statistic orders the tables as their probabilities do."""
    for k, other in ((0, 6), (1, 7), (2, 3)):
        found = pooled_rate([(k, 100), (other, 100)]).agreement
        theirs = fisher_exact([[k, 100 - k], [other, 100 - other]])
        assert found.method == "permutations"
        assert found.p_value == pytest.approx(theirs.pvalue, abs=0.02)


def test_rare_failures_are_tested_as_rare_events_are() -> None:
    few, many = ([(1, 60), (8, 60), (2, 40)], [(59, 60), (52, 60), (38, 40)])
    first, second = (pooled_rate(runs).agreement for runs in (few, many))
    assert (first.p_value, first.method) == (second.p_value, second.method)
    assert first.statistic == pytest.approx(second.statistic)


@pytest.mark.parametrize(("events", "n"), [(0.3, 200), (0.01, 100)])
def test_equal_runs_are_rejected_as_often_as_the_p_value_says(events: float, n: int) -> None:
    rng = np.random.default_rng(12)
    drawn = rng.binomial(n, events, size=(300, 5)).tolist()
    p_values = [pooled_rate([(k, n) for k in runs]).agreement.p_value for runs in drawn]
    assert np.mean(np.array(p_values) < 0.05) < 0.09
    assert np.mean(np.array(p_values) < 0.6) > 0.35


def test_runs_that_differ_are_found() -> None:
    for runs in ([(10, 1000), (60, 1000)], [(0, 40), (9, 40), (0, 40)]):
        assert pooled_rate(runs).agreement.p_value < 1e-3


def test_a_thousand_million_shots_are_no_hindrance() -> None:
    runs = [(3, 10**9), (4, 10**9), (1, 1000)]
    found = pooled_rate(runs).agreement
    assert found.method == "permutations" and found.p_value < 0.01


def test_one_run_or_none_has_no_p_value_and_no_event_agrees() -> None:
    for runs in ([], [(3, 10)], [(3, 10), (0, 0)]):
        agreement = pooled_rate(runs).agreement
        assert agreement.degrees == 0 and isnan(agreement.p_value)
    assert isnan(pooled_rate([]).estimate.value)
    for runs in ([(0, 10), (0, 90)], [(10, 10), (90, 90)]):
        assert pooled_rate(runs).agreement.p_value == 1


@pytest.mark.parametrize("run", [(5, 4), (-1, 4), (0, -1)])
def test_impossible_counts_are_refused(run: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="from 0 to all of its shots"):
        pooled_rate([(1, 2), run])


# Weighted means


def test_symmetric_estimates_have_the_inverse_variance_mean() -> None:
    found = weighted_mean([normal(1.0, 0.1), normal(1.1, 0.2), normal(0.95, 0.3)])
    weights = np.array([100, 25, 1 / 0.09])
    mean = weights @ [1.0, 1.1, 0.95] / weights.sum()
    assert found.estimate.value == pytest.approx(mean)
    half = 1.959964 / sqrt(weights.sum())
    assert (found.estimate.low, found.estimate.high) == pytest.approx((mean - half, mean + half))
    statistic = weights @ (np.array([1.0, 1.1, 0.95]) - mean) ** 2
    assert found.agreement.statistic == pytest.approx(statistic)
    assert found.agreement.p_value == pytest.approx(chi2.sf(statistic, 2))
    assert (found.scale, found.estimate.n, found.agreement.degrees) == (1, 30, 2)


def test_disagreement_widens_by_the_scale_factor() -> None:
    found = weighted_mean([normal(0.0, 0.1), normal(1.0, 0.1)])
    assert found.agreement.statistic == pytest.approx(50)
    assert found.scale == pytest.approx(sqrt(50))
    assert found.estimate.high - 0.5 == pytest.approx(1.959964 * sqrt(50) * 0.1 / sqrt(2))


@given(counts)
def test_of_one_run_the_mean_and_the_interval_are_its_own(run: tuple[int, int]) -> None:
    one = rate(*run)
    found = weighted_mean([one]).estimate
    ends = (found.value, found.low, found.high)
    assert ends == pytest.approx((one.value, one.low, one.high), rel=1e-4, abs=1e-12)


@given(st.lists(counts, min_size=2, max_size=6))
def test_the_mean_lies_among_the_values_and_in_its_interval(runs: list[tuple[int, int]]) -> None:
    found = weighted_mean([rate(*run) for run in runs], within=(0, 1)).estimate
    values = [k / n for k, n in runs]
    assert min(values) - 1e-12 <= found.value <= max(values) + 1e-12
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high > found.low


def test_runs_of_one_rate_have_nearly_the_pooled_mean_and_interval() -> None:
    rng = np.random.default_rng(2)
    shots = [200, 1000, 5000, 50]
    for p in (0.05, 0.3, 0.9):
        runs = [(int(rng.binomial(n, p)), n) for n in shots]
        mine = weighted_mean([rate(*run) for run in runs]).estimate
        theirs = pooled_rate(runs).estimate
        width = theirs.high - theirs.low
        assert abs(mine.value - theirs.value) < 0.1 * width
        assert mine.high - mine.low > 0.9 * width


def test_runs_without_events_do_not_pin_the_mean_to_0() -> None:
    found = weighted_mean([rate(0, 50), rate(0, 50), rate(2, 50), rate(1, 50)])
    assert found.estimate.value == pytest.approx(3 / 200, rel=0.3)
    empty = weighted_mean([rate(0, 50), rate(0, 100)]).estimate
    assert (empty.value, empty.low) == (0, 0)
    assert empty.high == pytest.approx(rate(0, 150).high, rel=0.05)


@pytest.mark.parametrize("p", [0.03, 0.2, 0.85])
def test_the_interval_of_the_mean_covers_the_truth(p: float) -> None:
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(400):
        runs = [rate(int(rng.binomial(n, p)), n) for n in (100, 300, 1000, 200)]
        found = weighted_mean(runs).estimate
        hits += found.low <= p <= found.high
    assert 0.93 <= hits / 400 <= 0.995  # above 95 %: the scale factor only widens


def test_runs_that_measured_nothing_have_no_weight() -> None:
    nothing = rate(0, 0)
    assert weighted_mean([nothing, rate(3, 50)]).estimate.value == pytest.approx(0.06)
    found = weighted_mean([nothing, nothing])
    assert isnan(found.estimate.value) and (found.estimate.low, found.estimate.high) == (0, 1)
    assert isnan(found.agreement.p_value)


def test_a_widened_interval_is_cut_to_its_range() -> None:
    runs = [rate(5, 500), rate(50, 500), rate(20, 500)]
    free, cut = weighted_mean(runs), weighted_mean(runs, within=(0, 1))
    assert free.scale > 4 and free.estimate.low < 0 and cut.estimate.low == 0
    assert cut.estimate.high == free.estimate.high


def test_the_way_it_was_made_is_told() -> None:
    assert weighted_mean([rate(1, 9), normal(0.2, 0.1)]).estimate.method == "weighted-wilson/normal"


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([], "at least one"),
        ([rate(1, 9), replace(rate(1, 9), level=0.9)], "levels 0.9 and 0.95: "),
        ([rate(1, 9), replace(rate(1, 9), low=0.1, high=0.1, value=0.1)], "no width"),
        (
            [
                replace(rate(0, 9), value=0.5, low=0.5, high=0.9),
                rate(0, 0),
                replace(rate(9, 9), value=0.1, high=0.1, low=0.0),
            ],
            "no mean",
        ),
        ([replace(rate(1, 9), low=nan)], "no width"),
    ],
)
def test_what_has_no_mean_is_refused(runs: list[Estimate], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        weighted_mean(runs)
