"""The two fitted laws: exact data, errors against simulated sweeps, the authors' own fits."""

from __future__ import annotations

from math import exp, inf, isnan, log, nan, sqrt
from typing import Literal

import numpy as np
import pytest

from hexmagic.analysis.overhead.fits import Fit, LogPoints, fit_decay, fit_power, log_points
from hexmagic.analysis.overhead.published import POINTS, published_fit

P = (1e-4, 2e-4, 5e-4, 1e-3)


def power_law(c: float, k: float, *, bend: float = 0, error: float = 0.025) -> LogPoints:
    rates = [c * p**k * exp(bend * p) for p in P]
    return log_points(P, rates, [error * rate for rate in rates])


def decay(n: float, *, bend: float = 0, error: float = 1e-4) -> LogPoints:
    return log_points(P, [exp(-n * p - bend * p * p) for p in P], [error] * len(P))


def fitted(fit: Fit | None) -> Fit:
    assert fit is not None
    return fit


def test_a_power_law_is_found_again() -> None:
    fit = fitted(fit_power(power_law(342, 2), exponent=2))
    assert fit.law == "c p^2"
    assert fit.coefficient.value == pytest.approx(342)
    assert fit.exponent is not None
    assert (fit.exponent.value, fit.exponent.error) == (2, 0)
    assert fit.bend is None
    assert (fit.points, fit.p_low, fit.p_high) == (4, 1e-4, 1e-3)
    assert fit.chi2_per_dof == pytest.approx(0, abs=1e-9)


def test_the_exponent_is_found_if_it_is_free() -> None:
    fit = fitted(fit_power(power_law(5e4, 2.7), exponent=None))
    assert fit.law == "c p^k"
    assert fit.exponent is not None
    assert fit.exponent.value == pytest.approx(2.7)
    assert fit.coefficient.value == pytest.approx(5e4)


def test_with_a_bend_the_coefficient_is_the_limit_at_p_zero() -> None:
    points = power_law(342, 2, bend=400)
    fit = fitted(fit_power(points, exponent=2, bend=True))
    assert fit.law == "c p^2 exp(b p)"
    assert fit.coefficient.value == pytest.approx(342)
    assert fit.bend is not None
    assert fit.bend.value == pytest.approx(400)
    plain = fitted(fit_power(points, exponent=2))
    assert plain.coefficient.value > 342 * 1.1
    assert plain.chi2_per_dof > 1


def test_a_decay_is_found_again() -> None:
    fit = fitted(fit_decay(decay(302)))
    assert (fit.law, fit.exponent) == ("exp(-N p)", None)
    assert fit.coefficient.value == pytest.approx(302)


def test_with_a_bend_the_decay_is_the_slope_at_p_zero() -> None:
    fit = fitted(fit_decay(decay(302, bend=-5000), bend=True))
    assert fit.law == "exp(-N p - M p^2)"
    assert fit.coefficient.value == pytest.approx(302)
    assert fit.bend is not None
    assert fit.bend.value == pytest.approx(-5000)


def test_points_weigh_by_their_errors() -> None:
    rates = [400 * P[0] ** 2, *(342 * p**2 for p in P[1:])]
    sharp = log_points(P, rates, [1e-6 * rates[0], *(0.1 * rate for rate in rates[1:])])
    vague = log_points(P, rates, [10 * rates[0], *(0.001 * rate for rate in rates[1:])])
    assert fitted(fit_power(sharp, exponent=2)).coefficient.value == pytest.approx(400, rel=1e-3)
    assert fitted(fit_power(vague, exponent=2)).coefficient.value == pytest.approx(342, rel=1e-3)


def test_the_error_of_c_is_never_less_than_the_best_points() -> None:
    rates = [342 * p**2 for p in P]
    points = log_points(
        P, rates, [e * r for e, r in zip((0.02, 0.05, 0.05, 0.05), rates, strict=True)]
    )
    assert fitted(fit_power(points, exponent=2)).coefficient.error >= 0.02 * 342
    equal = fitted(fit_power(power_law(342, 2, error=0.025), exponent=2))
    assert equal.coefficient.error == pytest.approx(0.025 * 342)


@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("exponent", [2, None])
def test_the_errors_hold_for_any_share_of_common_error(
    shared: float, exponent: Literal[2] | None
) -> None:
    """Sweeps with a known correlation: c / c_true within 1.1 errors in at least 68 % of them."""
    random, error, n = np.random.default_rng(5), 0.025, 400
    common, own = random.normal(size=(n, 1)), random.normal(size=(n, len(P)))
    noise = error * (sqrt(shared) * common + sqrt(1 - shared) * own)
    found = []
    for row in noise:
        rates = 342 * np.square(P) * np.exp(row)
        points = log_points(P, list(rates), list(error * rates))
        found.append(fitted(fit_power(points, exponent=exponent)).coefficient)
    within = [abs(log(c.value / 342)) <= 1.1 * c.error / c.value for c in found]
    assert np.mean(within) > 0.68


def test_a_law_that_misses_its_points_has_larger_errors() -> None:
    good = fitted(fit_decay(decay(302)))
    bad = fitted(fit_decay(decay(302, bend=-50_000)))
    assert bad.chi2_per_dof > 100
    assert bad.coefficient.error == pytest.approx(
        good.coefficient.error * sqrt(bad.chi2_per_dof), rel=0.1
    )


def test_without_errors_the_scatter_is_the_error() -> None:
    rates = [342 * p**2 * (1.1 if i % 2 else 0.9) for i, p in enumerate(P)]
    fit = fitted(fit_power(log_points(P, rates, [nan] * 4), exponent=2))
    spread = float(np.std(np.log([1.1, 0.9] * 2), ddof=1))
    assert fit.coefficient.error / fit.coefficient.value == pytest.approx(spread / 2)
    assert isnan(fit.chi2_per_dof)


def test_points_without_a_logarithm_are_left_out() -> None:
    points = log_points((0, *P), (0.1, 0, nan, 3e-6, 1e-6), (0.1, 0.1, 0.1, 1e-7, 1e-7))
    assert list(points.p) == [5e-4, 1e-3]


@pytest.mark.parametrize("unknown", [nan, 0, inf])
def test_points_without_an_error_are_left_out_where_others_have_one(unknown: float) -> None:
    points = log_points(P, (1e-6, 2e-6, 3e-6, 4e-6), (1e-7, unknown, 1e-7, 1e-7))
    assert list(points.p) == [1e-4, 5e-4, 1e-3]


def test_too_few_points_give_no_fit() -> None:
    two = log_points((1e-4, 1e-4), (1e-6, 1.1e-6), (1e-7, 1e-7))
    assert fit_power(two, exponent=None) is None
    assert fit_decay(two, bend=True) is None
    assert fit_power(two, exponent=2) is not None
    assert fit_power(log_points((), (), ()), exponent=2) is None


def test_as_many_points_as_parameters_leave_no_chi2() -> None:
    fit = fitted(fit_power(log_points((1e-4,), (3e-6,), (1e-7,)), exponent=2))
    assert isnan(fit.chi2_per_dof)
    assert fit.coefficient.error == pytest.approx(10)


def authors_errors(distance: int) -> LogPoints:
    points = [point for point in POINTS if point.distance == distance]
    rates = [point.error_rate for point in points if isinstance(point.error_rate, float)]
    return log_points([point.p for point in points], rates, [nan] * len(points))


def authors_acceptance(distance: int) -> LogPoints:
    points = [point for point in POINTS if point.distance == distance]
    accepted = [point.acceptance for point in points]
    return log_points([point.p for point in points], accepted, [nan] * len(points))


def quoted(distance: int, quantity: Literal["error_rate", "acceptance"]) -> float:
    fit = published_fit(distance, quantity)
    assert fit is not None
    return fit.coefficient


def test_the_authors_error_rate_at_d3_is_fitted_as_they_quote() -> None:
    fit = fitted(fit_power(authors_errors(3), exponent=2))
    assert round(fit.coefficient.value) == quoted(3, "error_rate") == 342


def test_the_authors_error_rate_at_d5_is_fitted_as_they_quote_within_its_scatter() -> None:
    """Their three c = e / p^3 go from 35 900 to 46 300, so a fit depends on the weights."""
    fit = fitted(fit_power(authors_errors(5), exponent=3))
    assert abs(fit.coefficient.value - quoted(5, "error_rate")) < 1.5 * fit.coefficient.error


def test_the_authors_acceptance_at_d5_is_fitted_as_they_quote() -> None:
    fit = fitted(fit_decay(authors_acceptance(5)))
    assert round(fit.coefficient.value) == quoted(5, "acceptance") == 2088


def test_the_authors_acceptance_at_d3_bends_about_what_they_quote() -> None:
    """-ln A / p falls from 305 at 1e-4 to 300 at 1e-3: 302 lies between the fit and its limit."""
    plain = fitted(fit_decay(authors_acceptance(3))).coefficient.value
    limit = fitted(fit_decay(authors_acceptance(3), bend=True)).coefficient.value
    assert 300 < plain < quoted(3, "acceptance") < limit < 304


def test_the_authors_acceptance_at_d7_is_fitted_as_they_quote_within_half_a_per_cent() -> None:
    fit = fitted(fit_decay(authors_acceptance(7)))
    assert fit.coefficient.value == pytest.approx(quoted(7, "acceptance"), rel=0.005)
    assert isnan(fit.coefficient.error)
