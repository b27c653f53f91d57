"""Estimates from strata: formulae by hand, limits, truncation."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import isnan, sqrt

import numpy as np
import pytest
from fakes.strata_model import Rate, shot_variances, true_rates, weights_of
from scipy.stats import beta

from hexmagic.analysis.estimate import expectation, fidelity_estimate
from hexmagic.analysis.strata.fault_numbers import FaultNumberWeights, fault_number_weights
from hexmagic.analysis.strata.rates import StratifiedEstimates, combine, stratified_estimates
from hexmagic.analysis.strata.stratum import ExactStratum, Strata, Stratum
from hexmagic.experiments.counts import Counts, Outcome, Readout
from hexmagic.experiments.errors import HexmagicError, UsageError

DETECT: tuple[Readout, ...] = ("detect",)


def counts(shots: int, kept: int, minus: float, squares: float | None = None) -> Counts:
    second = minus if squares is None else squares
    return Counts(
        shots=shots,
        outcomes={"detect": Outcome(kept=kept, minus=minus, minus_squares=second)},
    )


def sampled(shots: int, kept: int, minus: float, squares: float | None = None) -> Stratum:
    return Stratum(counts=counts(shots, kept, minus, squares))


def exact(kept: float, minus: float) -> Stratum:
    return Stratum(exact={"detect": ExactStratum(kept=kept, minus=minus)})


def estimates(
    weights: FaultNumberWeights, strata: Strata, level: float = 0.95
) -> StratifiedEstimates:
    return stratified_estimates(weights, strata, readout="detect", level=level)


def test_the_values_are_the_weighted_sums() -> None:
    found = estimates(
        weights_of(0.7, 0.2, 0.1),
        {0: exact(1, 0), 1: sampled(1000, 400, 0), 2: sampled(500, 100, 20)},
    )
    assert found.acceptance.value == pytest.approx(0.7 + 0.2 * 0.4 + 0.1 * 0.2)
    assert found.infidelity.value == pytest.approx(0.1 * 0.04 / 0.8)
    for one in (found.acceptance, found.infidelity):
        assert (one.n, one.level) == (1500, 0.95)
        assert one.method == "stratified-mover-clopper-pearson"
        assert one.low < one.value < one.high


def test_exact_strata_alone_have_no_width() -> None:
    found = estimates(weights_of(0.75, 0.25), {0: exact(1, 0.125), 1: exact(0.5, 0.25)})
    assert (found.acceptance.low, found.acceptance.value, found.acceptance.high) == (0.875,) * 3
    e = found.infidelity
    assert (e.low, e.value, e.high, e.n) == (*[pytest.approx(0.15625 / 0.875)] * 3, 0)


def test_exact_rates_come_before_counts() -> None:
    both = replace(exact(1, 0), counts=counts(100, 50, 50))
    found = estimates(weights_of(1.0), {0: both})
    assert (found.acceptance.value, found.infidelity.high) == (1, 0)


def test_no_wrong_shot_of_n_leaves_the_upper_limit_of_one_stratum() -> None:
    found = estimates(weights_of(0.9, 0.1), {0: exact(1, 0), 1: sampled(2000, 1000, 0)})
    share = 0.1 * 0.5 / 0.95
    assert (found.infidelity.value, found.infidelity.low) == (0, 0)
    assert found.infidelity.high == pytest.approx(share * beta.ppf(0.975, 1, 1000), rel=0.02)


def test_a_stratum_that_kept_no_shot_may_be_all_wrong() -> None:
    found = estimates(weights_of(0.9, 0.1), {0: exact(1, 0), 1: sampled(1000, 0, 0)})
    limit = beta.ppf(0.975, 1, 1000)
    assert found.acceptance.value == pytest.approx(0.9)
    assert found.acceptance.high == pytest.approx(0.9 + 0.1 * limit, rel=1e-3)
    assert found.infidelity.high == pytest.approx(0.1 * limit / 0.9, rel=0.02)


def test_a_certified_stratum_adds_no_infidelity_but_its_acceptance() -> None:
    strata = {0: exact(1, 0), 1: sampled(1000, 300, 0)}
    open_ended = estimates(weights_of(0.9, 0.1), strata)
    certified = {**strata, 1: replace(strata[1], certified=DETECT)}
    found = estimates(weights_of(0.9, 0.1), certified)
    assert found.acceptance == open_ended.acceptance
    assert open_ended.infidelity.high > 0
    assert (found.infidelity.low, found.infidelity.high) == (0, 0)


def test_rounding_in_a_certified_stratum_is_not_infidelity() -> None:
    one = replace(sampled(10**6, 10**5, 1e-9, 1e-22), certified=DETECT)
    found = estimates(weights_of(0.9, 0.1), {0: exact(1, 0), 1: one})
    assert (found.infidelity.value, found.infidelity.high) == (0, 0)


def test_counts_that_contradict_a_certificate_are_an_error() -> None:
    wrong = replace(sampled(10**6, 10**5, 0.146, 0.0214), certified=DETECT)
    with pytest.raises(HexmagicError, match="certified to have none"):
        estimates(weights_of(0.9, 0.1), {0: exact(1, 0), 1: wrong})


def test_what_lies_beyond_the_strata_counts_from_nothing_to_its_weight() -> None:
    strata = {0: exact(1, 0), 2: exact(0.25, 0.125)}
    found = estimates(weights_of(0.8, 0.15, 0.04, 0.0, 0.007, tail=0.003), strata)
    truncated = 0.15 + 0.007 + 0.003
    kept, wrong = 0.81, 0.005
    assert found.acceptance.value == pytest.approx(kept)
    assert found.acceptance.low == pytest.approx(kept)
    assert found.acceptance.high == pytest.approx(kept + truncated)
    assert found.infidelity.value == pytest.approx(wrong / kept)
    assert found.infidelity.low == pytest.approx(wrong / (kept + truncated))
    assert found.infidelity.high == pytest.approx((wrong + truncated) / (kept + truncated))


def test_an_unsampled_certified_stratum_can_only_lower_the_infidelity() -> None:
    strata = {0: exact(1, 0), 1: Stratum(certified=DETECT), 2: exact(0.25, 0.125)}
    found = estimates(weights_of(0.8, 0.16, 0.04), strata)
    assert found.acceptance.high == pytest.approx(0.81 + 0.16)
    assert found.infidelity.high == pytest.approx(0.005 / 0.81)
    assert found.infidelity.low == pytest.approx(0.005 / 0.97)


def test_nothing_kept_is_nan_with_the_whole_range() -> None:
    for strata in ({}, {0: sampled(0, 0, 0)}, {0: sampled(100, 0, 0)}, {0: exact(0, 0)}):
        found = estimates(weights_of(0.9, 0.1), strata)
        assert isnan(found.infidelity.value)
        assert (found.infidelity.low, found.infidelity.high) == (0, 1)
        assert found.acceptance.value == 0 < found.acceptance.high


def test_one_stratum_of_all_shots_is_a_plain_rate() -> None:
    found = estimates(weights_of(1.0), {0: sampled(40_000, 30_000, 4_000)})
    theirs = beta.ppf([0.025, 0.975], [4000, 4001], [26001, 26000])
    assert [found.infidelity.low, found.infidelity.high] == pytest.approx(theirs, rel=1e-3)
    theirs = beta.ppf([0.025, 0.975], [30000, 30001], [10001, 10000])
    assert [found.acceptance.low, found.acceptance.high] == pytest.approx(theirs, rel=1e-5)


def test_at_large_counts_the_interval_is_that_of_the_delta_method() -> None:
    model = {0: Rate(kept=0.9, wrong=[(0.15, 1)]), 1: Rate(kept=0.3, wrong=[(0.4, 0.5)])}
    weights, n = weights_of(0.6, 0.4), 10**8
    strata = {0: sampled(n, 9 * n // 10, 0.135 * n), 1: sampled(n, 3 * n // 10, 0.06 * n, 0.03 * n)}
    found = estimates(weights, strata).infidelity
    error = sqrt(shot_variances(model, weights.weights).sum() / n)
    assert found.value == pytest.approx(true_rates(model, weights.weights)[1])
    assert found.high - found.value == pytest.approx(1.96 * error, rel=2e-3)
    assert found.value - found.low == pytest.approx(1.96 * error, rel=2e-3)


def test_a_higher_level_and_fewer_shots_make_a_wider_interval() -> None:
    weights = weights_of(0.9, 0.1)
    few = {0: exact(1, 0), 1: sampled(1000, 300, 30)}
    many = {0: exact(1, 0), 1: sampled(10_000, 3000, 300)}
    widths = [
        (one.high - one.low, one.level)
        for one in (
            estimates(weights, many).infidelity,
            estimates(weights, few).infidelity,
            estimates(weights, few, 0.99).infidelity,
        )
    ]
    assert [level for _, level in widths] == [0.95, 0.95, 0.99]
    assert all(a < b for (a, _), (b, _) in pairwise(widths))


def test_one_set_of_strata_serves_every_point_of_a_sweep() -> None:
    strata = {0: exact(1, 0), 1: exact(0.3, 0), 2: sampled(5000, 1000, 100)}
    points = [
        fault_number_weights(np.full(450, p), tail=1e-12) for p in np.geomspace(1e-8, 1e-2, 100)
    ]
    together = combine(points, strata, readout="detect")
    for point, found in zip(points[::33], together[::33], strict=True):
        alone = estimates(point, strata)
        for mine, one in (
            (found.acceptance, alone.acceptance),
            (found.infidelity, alone.infidelity),
        ):
            assert (mine.value, mine.low, mine.high) == pytest.approx(
                (one.value, one.low, one.high)
            )
    values = [found.infidelity.value for found in together]
    assert all(a < b for a, b in pairwise(values))
    assert combine([], strata, readout="detect") == []


def test_an_expectation_value_of_strata_makes_a_fidelity() -> None:
    strata = {0: exact(1, (1 - 1 / sqrt(2)) / 2), 1: sampled(10_000, 4000, 800)}
    minus = estimates(weights_of(0.9, 0.1), strata).infidelity
    value = expectation(minus)
    assert value.value == pytest.approx(1 - 2 * minus.value)
    assert (value.low, value.high) == (1 - 2 * minus.high, 1 - 2 * minus.low)
    fidelity = fidelity_estimate(value, value)
    assert fidelity.low < 0.5 + value.value / sqrt(2) < fidelity.high


def test_a_readout_that_was_not_counted_is_refused() -> None:
    with pytest.raises(UsageError, match="the counts have detect"):
        stratified_estimates(weights_of(1.0), {0: sampled(9, 8, 1)}, readout="correct")


@pytest.mark.parametrize(("kept", "minus"), [(0.5, 0.6), (1.1, 0), (0.5, -0.1), (float("nan"), 0)])
def test_impossible_exact_rates_are_refused(kept: float, minus: float) -> None:
    with pytest.raises(UsageError, match="exact rates"):
        ExactStratum(kept=kept, minus=minus)


def test_rounding_of_exact_rates_is_cut() -> None:
    stratum = ExactStratum(kept=1 + 1e-15, minus=-1e-17)
    assert (stratum.kept, stratum.minus) == (1, 0)
