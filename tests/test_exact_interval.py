"""Exact intervals against scipy's beta and gamma distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, gamma

from hexmagic.analysis.exact_interval import (
    clopper_pearson_interval,
    poisson_lower_limit,
    weighted_interval,
)
from hexmagic.experiments.errors import UsageError


@pytest.mark.parametrize("n", [400, 1000, 10**9])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 5, 10, 399])
def test_clopper_pearson_agrees_with_the_beta_distribution(k: int, n: int) -> None:
    low, high = clopper_pearson_interval(k, n)
    assert float(high) == pytest.approx(beta.ppf(0.975, k + 1, n - k), rel=0.01)
    if k >= 3:
        assert float(low) == pytest.approx(beta.ppf(0.025, k, n - k + 1), rel=0.03)
    elif k:
        assert 0 < float(low) < beta.ppf(0.025, k, n - k + 1)


def test_the_interval_is_symmetric_in_success_and_failure() -> None:
    k, n = np.arange(41), 40
    low, high = clopper_pearson_interval(k, n)
    assert 1 - low == pytest.approx(high[::-1], abs=1e-14)
    assert (low[0], high[40]) == (0, 1)
    assert np.all(np.diff(low) > 0) and np.all(np.diff(high) > 0)


@pytest.mark.parametrize("level", [0.5, 0.68, 0.95, 0.99])
def test_the_level_is_that_of_the_beta_distribution(level: float) -> None:
    low, high = clopper_pearson_interval(50, 2000, level)
    theirs = beta.ppf([(1 - level) / 2, (1 + level) / 2], [50, 51], [1951, 1950])
    assert [float(low), float(high)] == pytest.approx(theirs, rel=2e-3)


def test_no_trials_leave_the_whole_range() -> None:
    assert [float(end) for end in clopper_pearson_interval(0, 0)] == [0, 1]
    assert [float(end) for end in weighted_interval(0, 0, 0)] == [0, 1]


@given(n=st.integers(1, 10**9), share=st.floats(0, 1))
def test_values_of_0_and_1_have_the_interval_of_a_count(n: int, share: float) -> None:
    k = round(share * n)
    mine, theirs = weighted_interval(n, k, k), clopper_pearson_interval(k, n)
    assert [float(end) for end in mine] == pytest.approx([float(end) for end in theirs], rel=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 1000))
def test_the_mean_lies_in_its_interval_and_the_interval_in_its_range(
    values: list[float], zeros: int
) -> None:
    n = len(values) + zeros
    low, high = weighted_interval(n, sum(values), sum(value**2 for value in values))
    assert 0 <= low <= sum(values) / n * (1 + 1e-9) and sum(values) / n <= high <= 1


def test_values_of_no_note_leave_the_limit_of_no_event() -> None:
    _, none = weighted_interval(10_000, 0, 0)
    _, rounding = weighted_interval(10_000, 1e-10, 1e-24)
    assert float(rounding) == pytest.approx(float(none), rel=1e-6)
    assert float(none) == pytest.approx(3.69 / 10_000, rel=0.01)


def test_small_values_are_known_better_than_as_many_events() -> None:
    k, u = 4000, 0.1
    mine = weighted_interval(100_000, u * k, u * u * k)
    count = clopper_pearson_interval(u * k, 100_000)
    assert mine[1] - mine[0] < 0.4 * (count[1] - count[0])
    assert mine[1] - mine[0] > 3.9 * np.sqrt(k) * u / 100_000


def test_the_poisson_limit_is_that_of_many_trials_and_of_the_gamma_distribution() -> None:
    counts = np.array([0, 0.3, 1, 2, 3, 10.5, 1000])
    many, _ = clopper_pearson_interval(counts, 1e12)
    assert poisson_lower_limit(counts) == pytest.approx(1e12 * many, rel=1e-9)
    assert poisson_lower_limit(counts)[4:] == pytest.approx(gamma.ppf(0.025, counts[4:]), rel=0.03)


@pytest.mark.parametrize(("k", "n"), [(5, 4), (-1, 4), (0, -1), (float("nan"), 4)])
def test_impossible_counts_are_refused(k: float, n: float) -> None:
    with pytest.raises(UsageError, match="k must lie between 0 and n"):
        clopper_pearson_interval(k, n)


@pytest.mark.parametrize("sums", [(10, 11, 11), (10, 2, 3), (10, -1, 0), (10, 1, -1), (-1, 0, 0)])
def test_sums_of_no_probabilities_are_refused(sums: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="must lie in"):
        weighted_interval(*sums)


@pytest.mark.parametrize("level", [0, 1, 95, float("nan")])
def test_an_impossible_level_is_refused(level: float) -> None:
    with pytest.raises(UsageError, match="confidence level"):
        clopper_pearson_interval(1, 4, level)
    with pytest.raises(UsageError, match="confidence level"):
        weighted_interval(4, 1, 1, level)
