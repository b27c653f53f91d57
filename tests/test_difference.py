"""Differences, ratios and sigmas of independent estimates against closed forms."""

from __future__ import annotations

from math import inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from hexmagic.analysis.difference import difference, exactly, ratio, sigmas
from hexmagic.analysis.estimate import Estimate, expectation, rate_estimate, wilson_interval
from hexmagic.experiments.errors import UsageError

counts = st.integers(1, 10**5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rate(k: int, n: int, level: float = 0.95) -> Estimate:
    return rate_estimate(k, n, level=level)


def wilson(k: int, n: int) -> Estimate:
    low, high = (float(end) for end in wilson_interval(k, n))
    return Estimate(value=k / n, low=low, high=high, n=n, method="wilson", level=0.95)


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: 0.2000, 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    found = difference(wilson(56, 70), wilson(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_a_difference_of_many_shots_has_the_normal_interval() -> None:
    found = difference(rate(300_000, 10**6), rate(200_000, 10**6))
    sigma = sqrt((0.21 + 0.16) / 1e6)
    assert found.high - found.value == pytest.approx(1.96 * sigma, rel=1e-2)
    assert sigmas(found) == pytest.approx(0.1 / sigma, rel=1e-2)


@given(counts, counts)
def test_exchanging_the_two_mirrors_all(a: tuple[int, int], b: tuple[int, int]) -> None:
    one, other = difference(rate(*a), rate(*b)), difference(rate(*b), rate(*a))
    ends = (one.value, one.low, one.high)
    assert ends == pytest.approx((-other.value, -other.high, -other.low))
    assert sigmas(one) == pytest.approx(-sigmas(other))


@given(counts, counts)
def test_more_than_1_96_sigma_is_an_interval_without_0(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    found = difference(rate(*a), rate(*b))
    beyond = abs(sigmas(found)) - 1.959963985
    if abs(beyond) > 1e-9:
        assert (beyond > 0) == (found.low > 0 or found.high < 0)


def test_sigmas_do_not_depend_on_the_level_when_shots_are_many() -> None:
    pulls = [
        sigmas(difference(rate(5100, 10_000, level), rate(4900, 10_000, level)))
        for level in (0.68, 0.95, 0.999)
    ]
    assert pulls == pytest.approx([2.83] * 3, rel=0.01)


def test_a_prediction_without_error_leaves_the_measured_interval() -> None:
    measured = expectation(rate(15, 100))
    found = difference(measured, exactly(0.707))
    assert (found.low, found.high) == pytest.approx((measured.low - 0.707, measured.high - 0.707))
    below = measured.value - 0.707
    assert sigmas(found) == pytest.approx(1.96 * below / (measured.high - measured.value), rel=1e-4)


def test_pulls_of_true_predictions_are_normal() -> None:
    drawn = np.random.default_rng(8).binomial(2000, 0.3, size=3000).tolist()
    pulls = [sigmas(difference(rate(k, 2000), exactly(0.3))) for k in drawn]
    assert abs(np.mean(pulls)) < 0.08
    assert np.std(pulls) == pytest.approx(1, abs=0.05)


def test_sigmas_at_the_extremes() -> None:
    assert sigmas(exactly(0.0)) == 0
    assert (sigmas(exactly(0.1)), sigmas(exactly(-0.1))) == (inf, -inf)
    assert isnan(sigmas(difference(rate(0, 0), rate(1, 2))))


def test_without_events_the_difference_keeps_width() -> None:
    found = difference(rate(0, 50), rate(0, 50))
    assert found.value == 0 and -0.08 < found.low < -0.05 and 0.05 < found.high < 0.08


def test_nothing_measured_gives_nan_in_all_that_is_possible() -> None:
    other = rate(5, 50)
    found = difference(rate(0, 0), other)
    assert isnan(found.value) and (found.low, found.high) == (-other.high, 1 - other.low)


def test_what_was_compared_is_told() -> None:
    found = difference(rate(1, 10), exactly(0.2))
    assert (found.n, found.method) == (10, "mover-wilson/exact")
    assert difference(rate(1, 10), rate(2, 10)).method == "mover-wilson"
    assert ratio(rate(1, 10), rate(2, 10)).method == "mover-ratio-wilson"


# Ratios


def test_a_ratio_of_many_events_has_the_log_normal_interval() -> None:
    found = ratio(rate(20_000, 10**7), rate(10_000, 10**7))
    half = 1.96 * sqrt(1 / 20_000 + 1 / 10_000)
    assert found.value == pytest.approx(2)
    assert np.log([found.low / 2, found.high / 2]) == pytest.approx([-half, half], rel=2e-2)


@given(counts, counts)
def test_the_ends_are_those_r_at_which_first_less_r_second_may_be_0(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    first, second = rate(*a), rate(*b)
    found = ratio(first, second)
    assert 0 <= found.low <= found.high
    if min(a[0], b[0]) > 0:
        assert found.low <= found.value * (1 + 1e-12) and found.value <= found.high * (1 + 1e-12)
        assert _may_be_zero(first, second, found.low) == pytest.approx(0, abs=1e-9)
        upper = _may_be_zero(second, first, 1 / found.high)
        assert upper == pytest.approx(0, abs=1e-9)


def _may_be_zero(first: Estimate, second: Estimate, r: float) -> float:
    """Return the lower MOVER end of first - r second."""
    away = first.value - r * second.value
    spread = np.hypot(first.value - first.low, r * (second.high - second.value))
    return float(away - spread)


def test_the_upper_end_is_where_the_difference_leaves_0() -> None:
    first, second = rate(12, 400), rate(30, 500)
    root = brentq(lambda r: _may_be_zero(second, first, 1 / r), 0.5, 5, xtol=1e-13)
    assert ratio(first, second).high == pytest.approx(root)


def test_without_events_an_end_is_infinite_or_0() -> None:
    none, some = rate(0, 500), rate(10, 500)
    below, above, unknown = ratio(none, some), ratio(some, none), ratio(none, none)
    assert (below.value, below.low) == (0, 0) and 0 < below.high < 1
    assert (above.value, above.high) == (inf, inf) and above.low == pytest.approx(1 / below.high)
    assert isnan(unknown.value) and (unknown.low, unknown.high) == (0, inf)


def test_a_ratio_of_nothing_measured_is_nan_in_all_that_is_possible() -> None:
    some = rate(10, 500)
    found = ratio(rate(0, 0), some)
    assert isnan(found.value) and (found.low, found.high) == (0, 1 / some.low)


def test_a_ratio_to_an_exact_number_scales_the_interval() -> None:
    rates = rate(10, 500)
    found = ratio(rates, exactly(0.01))
    ends = (found.value, found.low, found.high)
    assert ends == pytest.approx((2, 100 * rates.low, 100 * rates.high))


@pytest.mark.parametrize("compare", [difference, ratio])
def test_different_levels_are_refused(compare: object) -> None:
    assert callable(compare)
    with pytest.raises(UsageError, match=r"level 0\.95 and 0\.9 cannot be compared"):
        compare(rate(1, 10), rate(1, 10, 0.9))


def test_a_ratio_of_what_may_be_negative_is_refused() -> None:
    with pytest.raises(UsageError, match="neither may be negative"):
        ratio(expectation(rate(20, 40)), rate(1, 10))
