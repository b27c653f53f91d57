"""Estimators against scipy, closed forms and their coverage."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from hexmagic.analysis.estimate import (
    Estimate,
    Triple,
    attempts_per_kept,
    fidelity_estimate,
    mover_fidelity,
    rate_estimate,
    remove_readout_error,
    wilson_interval,
)
from hexmagic.analysis.estimate import expectation as minus_expectation
from hexmagic.experiments.errors import UsageError

probabilities = st.floats(0, 0.3)


def expectation(plus: int, n: int, level: float = 0.95) -> Estimate:
    return minus_expectation(rate_estimate(n - plus, n, level=level))


@given(n=st.integers(1, 10**6), share=st.floats(0, 1), level=st.sampled_from([0.68, 0.95, 0.999]))
def test_wilson_agrees_with_scipy(n: int, share: float, level: float) -> None:
    k = round(share * n)
    low, high = wilson_interval(k, n, level)
    theirs = binomtest(k, n).proportion_ci(level, method="wilson")
    assert (float(low), float(high)) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_takes_arrays_and_keeps_width_at_both_ends() -> None:
    low, high = wilson_interval(np.array([0, 5, 40]), 40)
    assert low.shape == (3,)
    assert (low[0], high[2]) == (0, 1)
    assert 0.05 < high[0] < 0.1 and 0.9 < low[2] < 0.95


def test_wilson_without_trials_is_the_whole_range() -> None:
    low, high = wilson_interval(0, 0)
    assert (float(low), float(high)) == (0, 1)


@pytest.mark.parametrize(("k", "n"), [(5, 4), (-1, 4), (0, -1), (nan, 4)])
def test_impossible_counts_are_refused(k: float, n: int) -> None:
    with pytest.raises(UsageError, match="k must lie between 0 and n"):
        wilson_interval(k, n)


@pytest.mark.parametrize("level", [0, 1, 95, nan])
def test_an_impossible_level_is_refused(level: float) -> None:
    with pytest.raises(UsageError, match="confidence level"):
        wilson_interval(1, 2, level)


def test_a_higher_level_makes_a_wider_interval() -> None:
    narrow, wide = expectation(85, 100, 0.68), expectation(85, 100, 0.99)
    assert wide.low < narrow.low < narrow.value == wide.value < narrow.high < wide.high
    assert (narrow.level, wide.level) == (0.68, 0.99)


def test_an_expectation_value_maps_the_rate_and_its_interval() -> None:
    value, rate = expectation(90, 100), rate_estimate(90, 100)
    assert value.value == pytest.approx(0.8)
    assert (value.low, value.high) == pytest.approx((2 * rate.low - 1, 2 * rate.high - 1))
    assert (value.n, value.method) == (100, "wilson")


def test_nothing_kept_gives_nan_with_the_whole_range() -> None:
    rate, value = rate_estimate(0, 0), expectation(0, 0)
    assert isnan(rate.value) and (rate.low, rate.high) == (0, 1)
    assert isnan(value.value) and (value.low, value.high) == (-1, 1)
    for pair in ((value, expectation(3, 4)), (expectation(3, 4), value)):
        fidelity = fidelity_estimate(*pair)
        assert isnan(fidelity.value) and (fidelity.low, fidelity.high) == (0, 1)


def test_attempts_are_the_inverse_of_acceptance() -> None:
    assert (attempts_per_kept(0.25), attempts_per_kept(0)) == (4, inf)
    assert isnan(attempts_per_kept(nan))


# Fidelity


def test_fidelity_is_the_projection_on_the_magic_axis() -> None:
    x, z = expectation(853, 1000), expectation(843, 1000)
    fidelity = fidelity_estimate(x, z)
    assert fidelity.value == pytest.approx((1 + (0.706 + 0.686) / sqrt(2)) / 2)
    assert (fidelity.n, fidelity.method) == (2000, "mover-wilson")


def test_the_fidelity_interval_matches_the_normal_one_for_many_shots() -> None:
    n = 10**6
    x, z = expectation(853_000, n), expectation(840_000, n)
    fidelity = fidelity_estimate(x, z)
    sigma = sqrt((1 - x.value**2) / n / 8 + (1 - z.value**2) / n / 8)
    assert fidelity.high - fidelity.value == pytest.approx(1.95996 * sigma, rel=1e-2)
    assert fidelity.value - fidelity.low == pytest.approx(1.95996 * sigma, rel=1e-2)


def test_fidelity_is_not_clipped_and_its_interval_has_width_at_the_extreme() -> None:
    fidelity = fidelity_estimate(expectation(10, 10), expectation(10, 10))
    assert fidelity.value == pytest.approx((1 + sqrt(2)) / 2)
    assert fidelity.high - fidelity.low > 0.1


def test_estimates_that_do_not_belong_together_are_refused() -> None:
    x = expectation(9, 10)
    with pytest.raises(UsageError, match="level"):
        fidelity_estimate(x, expectation(9, 10, 0.9))


def expectations(plus: np.ndarray[tuple[int], np.dtype[np.int64]], n: int) -> Triple:
    low, high = wilson_interval(plus, n)
    return 2 * plus / n - 1, 2 * low - 1, 2 * high - 1


# 0.93 to 0.985 holds everywhere here, without exception: near F = 1 each p is 0.854, not 1.
@pytest.mark.parametrize("n", [50, 500, 5000])
@pytest.mark.parametrize("truth", [0.9, 0.99, 1.0])
def test_the_95_percent_interval_of_the_fidelity_covers_the_truth(truth: float, n: int) -> None:
    rng = np.random.default_rng(2026)
    p = (1 + (2 * truth - 1) / sqrt(2)) / 2
    x, z = (expectations(rng.binomial(n, p, size=2000), n) for _ in range(2))
    _, low, high = mover_fidelity(x, z)
    coverage = np.mean((low <= truth) & (truth <= high))
    assert 0.93 <= coverage <= 0.985


def test_coverage_holds_for_bases_with_unequal_shots() -> None:
    rng = np.random.default_rng(7)
    p = (1 + 1 / sqrt(2)) / 2
    _, low, high = mover_fidelity(
        expectations(rng.binomial(40, p, size=2000), 40),
        expectations(rng.binomial(4000, p, size=2000), 4000),
    )
    assert 0.93 <= np.mean((low <= 1) & (high >= 1)) <= 0.985


# Readout error removed


@given(value=st.floats(-1, 1), a=probabilities, b=probabilities, sign=st.sampled_from([1, -1]))
def test_removing_a_readout_error_inverts_it(value: float, a: float, b: float, sign: int) -> None:
    zero = (1 + sign * value) / 2  # probability of outcome 0
    read = sign * (2 * (zero * (1 - a) + (1 - zero) * b) - 1)
    estimate = replace(expectation(1, 2), value=read, low=read - 0.1, high=read + 0.1)
    unfolded = remove_readout_error(estimate, (a, b), sign=sign)
    assert unfolded.value == pytest.approx(value)
    assert unfolded.high - unfolded.low == pytest.approx(0.2 / (1 - a - b))


def test_no_readout_error_leaves_the_value_and_names_the_method() -> None:
    before = expectation(9, 10)
    after = remove_readout_error(before, (0, 0))
    assert after == replace(before, method="wilson-unfolded")
    assert fidelity_estimate(after, after).method == "mover-wilson-unfolded"


def test_a_readout_that_tells_nothing_gives_nan_with_the_whole_range() -> None:
    after = remove_readout_error(expectation(9, 10), (0.5, 0.5))
    assert isnan(after.value) and (after.low, after.high) == (-1, 1)


def test_an_inverted_readout_still_gives_an_ordered_interval() -> None:
    after = remove_readout_error(expectation(9, 10), (0.9, 0.9))
    assert after.low < after.value < after.high < 0


@pytest.mark.parametrize("error", [(-0.1, 0), (0, 1.1), (nan, 0)])
def test_a_readout_error_that_is_no_probability_is_refused(error: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="readout error"):
        remove_readout_error(expectation(9, 10), error)
