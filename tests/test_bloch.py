"""The most likely state against scipy, the conditions of a maximum, and closed forms."""

from __future__ import annotations

import time
from dataclasses import FrozenInstanceError
from math import isnan, log, sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import NonlinearConstraint, minimize
from scipy.stats import chi2

from hexmagic.analysis.bloch import (
    BASES,
    bloch_state,
    fidelity_interval,
    fidelity_with_h,
    most_likely_vector,
)
from hexmagic.analysis.estimate import expectation, rate_estimate
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.errors import UsageError

Floats = NDArray[np.float64]
Found = dict[Basis, tuple[int, int]]
Three = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

H = (1 / sqrt(2), 0.0, 1 / sqrt(2))
counts = st.integers(0, 10**6).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
small = st.integers(0, 30).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
three = st.tuples(counts, counts, counts)


def log_likelihood(vector: Floats, kept: Floats, minus: Floats) -> float:
    """Return the log-likelihood, -inf if impossible; plain, as a reference."""
    total = 0.0
    for v, n, b in zip(vector, kept, minus, strict=True):
        for seen, chance in ((n - b, (1 + v) / 2), (b, (1 - v) / 2)):
            if seen:
                total += seen * log(chance) if chance > 0 else -np.inf
    return total


def split(found: Three) -> tuple[Floats, Floats]:
    return np.array([n for n, _ in found], float), np.array([b for _, b in found], float)


@given(three)
@example(((0, 0), (0, 0), (0, 0)))
@example(((1, 0), (10**6, 3), (10, 9)))
@example(((50, 0), (50, 0), (50, 50)))
def test_the_state_is_physical_and_no_interval_leaves_it_out(
    found: Three,
) -> None:
    state = bloch_state(dict(zip(BASES, found, strict=True)))
    assert isnan(state.length) or state.length <= 1
    for each, least in ((state.x, -1), (state.y, -1), (state.z, -1), (state.fidelity, 0)):
        assert least <= each.low < each.high <= 1
        assert isnan(each.value) or each.low <= each.value <= each.high
    assert state.outside >= 0


@given(three)
def test_on_the_sphere_the_gradient_points_outwards(
    found: Three,
) -> None:
    kept, minus = split(found)
    vector, outside = most_likely_vector(kept, minus)
    if outside > 1e-3 and np.all(np.abs(vector) < 1 - 1e-9):
        gradient = (kept - minus) / (1 + vector) - minus / (1 - vector)
        assert np.linalg.norm(vector) == pytest.approx(1)
        along = gradient @ vector
        assert along > 0
        assert gradient - along * vector == pytest.approx(0, abs=1e-6 * kept.sum())


@given(st.tuples(small, small, small))
def test_no_point_of_the_ball_that_scipy_finds_is_likelier(
    found: Three,
) -> None:
    kept, minus = split(found)
    vector, _ = most_likely_vector(kept, minus)

    def loss(v: Floats) -> float:
        return -log_likelihood(np.clip(v, -1 + 1e-12, 1 - 1e-12), kept, minus)

    theirs = minimize(
        loss,
        np.array([0.05, 0.02, -0.03]),
        method="SLSQP",
        constraints=NonlinearConstraint(lambda v: np.atleast_1d(v @ v), 0, 1),
        bounds=[(-1, 1)] * 3,
    )
    x = theirs.x / max(float(np.linalg.norm(theirs.x)), 1.0)
    assert log_likelihood(vector, kept, minus) >= log_likelihood(x, kept, minus) - 1e-6


def test_inside_the_ball_it_is_the_vector_of_the_means() -> None:
    state = bloch_state({"X": (1000, 200), "Y": (500, 240), "Z": (100, 30)})
    assert (state.x.value, state.y.value, state.z.value) == pytest.approx((0.6, 0.04, 0.4))
    assert state.length == pytest.approx(sqrt(0.36 + 0.0016 + 0.16))
    assert state.fidelity.value == pytest.approx((1 + 1 / sqrt(2)) / 2)
    assert state.outside == 0
    assert (state.x.low, state.x.high) == _ends(1000, 200)


def _ends(n: int, minus: int) -> tuple[float, float]:
    found = expectation(rate_estimate(minus, n))
    return found.low, found.high


def test_outside_it_is_drawn_in_along_the_symmetry() -> None:
    state = bloch_state({"X": (50, 0), "Y": (50, 0), "Z": (50, 0)})
    assert (state.x.value, state.z.value) == pytest.approx((1 / sqrt(3), 1 / sqrt(3)))
    assert state.outside == pytest.approx(-300 * log((1 + 1 / sqrt(3)) / 2))


def test_the_basis_with_more_shots_gives_way_less() -> None:
    state = bloch_state({"X": (10_000, 1000), "Y": (100, 50), "Z": (100, 10)})
    assert 0.79 < state.x.value < 0.8
    assert 0.6 < state.z.value < 0.61


def test_a_basis_without_shots_is_unknown_and_does_not_matter_to_the_others() -> None:
    state = bloch_state({"X": (100, 15), "Z": (100, 15)})
    assert isnan(state.y.value) and (state.y.low, state.y.high) == (-1, 1)
    assert isnan(state.length)
    assert state.fidelity.value == pytest.approx((1 + 1.4 / sqrt(2)) / 2)


def test_without_z_or_without_anything_the_fidelity_is_unknown() -> None:
    some: list[Found] = [{}, {"X": (50, 0)}, {"X": (50, 0), "Z": (0, 0)}]
    for found in some:
        state = bloch_state(found)
        assert isnan(state.fidelity.value) and (state.fidelity.low, state.fidelity.high) == (0, 1)
        assert isnan(state.infidelity.value)


def test_fidelity_and_infidelity_add_up_and_carry_shots_level_and_cut() -> None:
    state = bloch_state({"X": (90, 20), "Y": (80, 40), "Z": (70, 9)}, level=0.9)
    f, e = state.fidelity, state.infidelity
    assert (f.value + e.value, f.low + e.high, f.high + e.low) == pytest.approx((1, 1, 1))
    assert (f.n, f.level, f.method) == (240, 0.9, "bounded-likelihood")
    with pytest.raises(FrozenInstanceError):
        state.length = 1.0  # type: ignore[misc]  # that is the test


def test_the_fidelity_with_h_of_known_states() -> None:
    vectors = [H, (-H[0], 0, -H[2]), (0, 1, 0), (0, 0, 0), (0, 0, 1)]
    theirs = [1, 0, 0.5, 0.5, (1 + 1 / sqrt(2)) / 2]
    assert fidelity_with_h(vectors) == pytest.approx(theirs)


# Interval of the fidelity


def test_its_ends_lose_what_chi_squared_allows_by_a_grid_search() -> None:
    kept, minus = np.array([400, 300]), np.array([90, 60])
    low, high = fidelity_interval(kept, minus)
    best = log_likelihood(1 - 2 * minus / kept, kept, minus)
    for end in (float(low), float(high)):
        total = (2 * end - 1) * sqrt(2)
        profile = max(
            log_likelihood(np.array([x, total - x]), kept, minus)
            for x in np.linspace(max(-1, total - 1), min(1, total + 1), 40_001)[1:-1]
        )
        assert 2 * (best - profile) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-4)


def test_it_is_the_normal_one_for_many_shots_inside() -> None:
    low, high = fidelity_interval([10**8, 10**8], [2 * 10**7, 2 * 10**7])
    sigma = sqrt(2 * 0.64 / 1e8 / 8)
    assert float(high - low) == pytest.approx(2 * 1.959964 * sigma, rel=1e-4)


def test_beyond_1_it_ends_at_1_and_keeps_width() -> None:
    widths = []
    for minus in (7, 4, 2, 0):
        low, high = fidelity_interval([50, 50], [minus, minus])
        assert float(high) == pytest.approx(1)
        widths.append(float(high - low))
    assert widths == sorted(widths, reverse=True) and widths[-1] > 0.005


def test_it_mirrors_when_outcomes_are_exchanged() -> None:
    low, high = fidelity_interval([50, 80], [9, 31])
    others = fidelity_interval([50, 80], [41, 49])
    assert (1 - float(high), 1 - float(low)) == pytest.approx([float(end) for end in others])


def test_a_higher_level_and_fewer_shots_make_it_wider() -> None:
    def width(scale: int, level: float) -> float:
        low, high = fidelity_interval([50 * scale] * 2, [10 * scale] * 2, level)
        return float(high - low)

    assert width(1, 0.68) < width(1, 0.95) < width(1, 0.99)
    assert width(1, 0.95) > 2.5 * width(10, 0.95)


def test_without_shots_in_one_basis_the_other_alone_limits_it() -> None:
    low, high = fidelity_interval([0, 10**6], [0, 0])
    assert float(low) == pytest.approx(0.5, abs=1e-4) and float(high) == pytest.approx(1)


@pytest.mark.parametrize("found", [(4, 5), (4, -1), (-1, 0)])
def test_impossible_counts_are_refused(found: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="k must lie between 0 and n"):
        bloch_state({"Y": found})


def test_another_basis_is_refused() -> None:
    with pytest.raises(UsageError, match="counts of H: a state is told by X, Y and Z"):
        bloch_state({"X": (4, 1), "H": (4, 1)})  # type: ignore[dict-item]  # the test


def test_an_impossible_level_is_refused() -> None:
    with pytest.raises(UsageError, match="confidence level"):
        bloch_state({"X": (4, 1)}, level=95)
    with pytest.raises(UsageError, match="confidence level"):
        fidelity_interval([4, 4], [1, 1], 0)


def test_many_experiments_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    kept = rng.integers(0, 60, size=(40, 3))
    minus = rng.binomial(kept, 0.1)
    vectors, outside = most_likely_vector(kept, minus)
    low, high = fidelity_interval(kept[:, [0, 2]], minus[:, [0, 2]])
    for i in range(40):
        one, lost = most_likely_vector(kept[i], minus[i])
        ends = fidelity_interval(kept[i, [0, 2]], minus[i, [0, 2]])
        assert vectors[i] == pytest.approx(one, abs=1e-12)
        assert float(outside[i]) == pytest.approx(float(lost), abs=1e-9)
        assert (low[i], high[i]) == pytest.approx([float(end) for end in ends], abs=1e-12)


def test_of_a_pure_state_5_percent_lie_outside_by_more_than_2_7() -> None:
    rng = np.random.default_rng(4)
    n = 20_000
    minus = rng.binomial(n, (1 - np.array(H)) / 2, size=(4000, 3))
    _, outside = most_likely_vector(np.full_like(minus, n), minus)
    assert 0.04 < np.mean(outside > 2.706) < 0.06
    assert 0.46 < np.mean(outside > 0) < 0.54


def test_it_takes_less_than_20_ms_and_is_deterministic() -> None:
    found: Found = {"X": (50_000, 7000), "Y": (50_000, 25_100), "Z": (50_000, 7100)}
    bloch_state(found)
    states, seconds = [], []
    for _ in range(5):
        start = time.process_time()
        states.append(bloch_state(found))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.02
    assert all(state == states[0] for state in states)
