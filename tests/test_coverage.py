"""The 95 % intervals hold the truth in 93 to 98 % of experiments; every exception has its reason.

n is kept shots in each basis, of h_measured kept shots, of acceptance attempts. The tables:
docs/intervals.md.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from fakes.coverage import (
    EXPERIMENTS,
    FIDELITIES,
    RATES,
    SHOTS,
    STATES,
    best_coverages,
    bloch_fidelity,
    depolarised,
    difference_coverage,
    exact_coverage,
    plain_profile_holds,
    rate_coverage,
    raw_fidelity,
    sampled,
    sampled_coverage,
    sampled_rate_coverage,
)
from scipy.stats import binom

from hexmagic.analysis.difference import ratio
from hexmagic.analysis.estimate import rate_estimate, rate_interval, wilson_interval

LEAST, MOST = 0.93, 0.98
SMALL = (50, 500)
"""Shots with which two counts can be summed exactly in reasonable time."""

HALF = "half an event expected: 0 or 1 events have 91 %, 0 to 2 have 98.6 %, nothing is between"
NEVER = "no event can happen: 0 events always, and every interval of 0 events holds the rate 0"
RATE_EXCEPTIONS = {
    (0.99, 50): (0.9862, HALF),
    (0.999, 500): (0.9857, HALF),
    **dict.fromkeys(((1.0, n) for n in SHOTS), (1.0, NEVER)),
}
"""Of h_measured at (F, n): exact coverage, and why no interval does better."""

BOUND = "97.5 % near F = 1, as an interval within the bound cannot err upwards, and steps of 2 %"
BLOCH_EXCEPTIONS = {(0.999, 50): (0.981, BOUND)}
"""Exact coverage of the fidelity of maximum likelihood at (F, n), and why."""

WILSON_BELOW = {(0.99, 50): 0.9106, (0.999, 500): 0.9099}
"""Where Wilson's interval of h_measured, used before, was below 93 %."""


@pytest.mark.parametrize("n", SHOTS)
@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_h_measured_is_covered(fidelity: float, n: int) -> None:
    share = rate_coverage(rate_interval, 1 - fidelity, n)
    if (fidelity, n) in RATE_EXCEPTIONS:
        figure, _ = RATE_EXCEPTIONS[fidelity, n]
        below, above = best_coverages(1 - fidelity, n)
        assert share == pytest.approx(figure, abs=1e-4)
        assert below < LEAST and above > MOST and share == pytest.approx(above, abs=1e-9)
    else:
        assert LEAST <= share <= MOST


@pytest.mark.parametrize("n", SHOTS)
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.72, 0.9])
def test_acceptance_is_covered(rate: float, n: int) -> None:
    assert LEAST <= rate_coverage(rate_interval, rate, n) <= MOST


@pytest.mark.parametrize("n", SHOTS)
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.1, 0.72])
def test_sampled_rates_are_covered_as_often_as_the_sum_says(rate: float, n: int) -> None:
    exact = rate_coverage(rate_interval, rate, n)
    share = sampled_rate_coverage(rate_interval, rate, n, 11)
    assert abs(share - exact) <= 4 * sqrt(exact * (1 - exact) / EXPERIMENTS) + 1e-12


@pytest.mark.parametrize(("place", "figure"), WILSON_BELOW.items())
def test_wilson_alone_fell_below(place: tuple[float, int], figure: float) -> None:
    fidelity, n = place
    assert rate_coverage(wilson_interval, 1 - fidelity, n) == pytest.approx(figure, abs=1e-4)


@pytest.mark.parametrize("n", SHOTS)
def test_the_worst_rate_is_covered_in_93_percent_and_by_wilson_in_84(n: int) -> None:
    events = np.geomspace(0.02, 25, 400)
    ours, wilson = (
        min(rate_coverage(interval, float(count) / n, n) for count in events)
        for interval in RATES.values()
    )
    assert ours >= LEAST
    assert 0.837 < wilson < 0.842


def test_the_interval_is_wilsons_from_11_events_on_and_at_0_and_never_narrower() -> None:
    k, n = np.arange(101), 100
    low, high = rate_interval(k, n)
    theirs = wilson_interval(k, n)
    same = (k == 0) | ((k > 10) & (k < 90)) | (k == n)
    assert low[same] == pytest.approx(theirs[0][same], rel=1e-3)
    assert high[same] == pytest.approx(theirs[1][same], rel=1e-3)
    assert np.all(low <= theirs[0]) and np.all(high >= theirs[1])
    assert 1 - low == pytest.approx(high[::-1])


def test_one_event_excludes_rates_at_which_none_has_more_than_95_percent() -> None:
    low, _ = rate_interval(np.array([1, 2, 3]), 1000)
    assert binom.cdf([0, 1, 2], 1000, low) == pytest.approx([0.95] * 3, abs=0.004)
    assert binom.pmf(0, 1000, low[0]) == pytest.approx(0.95)


@pytest.mark.parametrize("level", [0.3, 0.5, 0.68, 0.999])
def test_other_levels_never_cover_much_less_than_wilson(level: float) -> None:
    for rate in (0.002, 0.02, 0.2):
        ours, wilson = (
            rate_coverage(lambda k, n, f=f: f(k, n, level), rate, 200)  # type: ignore[misc]  # default
            for f in RATES.values()
        )
        assert ours >= wilson


# Fidelities


@pytest.mark.parametrize("n", SMALL)
@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("state", STATES)
def test_the_raw_fidelity_is_covered_exactly(state: str, fidelity: float, n: int) -> None:
    assert LEAST <= exact_coverage(raw_fidelity, STATES[state](fidelity), n) <= MOST


@pytest.mark.slow
@pytest.mark.parametrize("n", SMALL)
@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("state", ["depolarised", "Z only"])
def test_the_bloch_fidelity_is_covered_exactly(state: str, fidelity: float, n: int) -> None:
    share = exact_coverage(bloch_fidelity, STATES[state](fidelity), n)
    if (fidelity, n) in BLOCH_EXCEPTIONS:
        figure, _ = BLOCH_EXCEPTIONS[fidelity, n]
        assert share == pytest.approx(figure, abs=1e-3)
    else:
        assert LEAST <= share <= MOST


@pytest.mark.parametrize("n", SHOTS)
@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("state", STATES)
def test_sampled_fidelities_are_covered(state: str, fidelity: float, n: int) -> None:
    for estimator in (raw_fidelity, bloch_fidelity):
        most, _ = BLOCH_EXCEPTIONS.get((fidelity, n), (MOST, ""))
        share = sampled_coverage(estimator, STATES[state](fidelity), n, 1)
        assert LEAST <= share <= most + 0.003


@pytest.mark.parametrize("n", SHOTS)
@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("state", STATES)
def test_the_difference_of_fidelities_is_covered(state: str, fidelity: float, n: int) -> None:
    share = difference_coverage(STATES[state](fidelity), depolarised(0.99), n, 500, 2)
    assert LEAST <= share <= MOST


@pytest.mark.parametrize("n", SHOTS)
def test_a_profile_likelihood_of_the_whole_ball_would_cover_79_percent(n: int) -> None:
    pure = depolarised(1.0)
    share = plain_profile_holds(n, sampled(pure, n, 3), pure).mean()
    assert abs(share - 0.787) < 0.04


def test_a_wrong_truth_is_not_covered() -> None:
    minus = sampled(depolarised(0.9), 500, 4)
    for estimator in (raw_fidelity, bloch_fidelity):
        _, low, high = estimator(500, minus)
        assert np.mean((low <= 0.96) & (high >= 0.96)) < 0.35


@pytest.mark.parametrize(("rates", "n"), [((0.01, 0.03), 500), ((0.1, 0.1), 50), ((0.2, 0.05), 90)])
def test_the_ratio_of_infidelities_is_covered(rates: tuple[float, float], n: int) -> None:
    rng = np.random.default_rng(5)
    first, second = (rng.binomial(n, rate, size=EXPERIMENTS).tolist() for rate in rates)
    found = [
        ratio(rate_estimate(a, n), rate_estimate(b, n)) for a, b in zip(first, second, strict=True)
    ]
    truth = rates[0] / rates[1]
    assert LEAST <= np.mean([r.low <= truth <= r.high for r in found]) <= MOST
