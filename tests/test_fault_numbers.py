"""Weights of the numbers of faults against scipy, brute force and rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from hexmagic.analysis.strata.fault_numbers import fault_number_weights
from hexmagic.experiments.errors import UsageError


def exactly(probabilities: list[float], length: int) -> list[Fraction]:
    """Return P(K = k) for k < length, in rational numbers."""
    weights = [Fraction(1)] + [Fraction(0)] * (length - 1)
    for p in map(Fraction, probabilities):
        shifted = [Fraction(0), *weights[:-1]]
        weights = [(1 - p) * a + p * b for a, b in zip(weights, shifted, strict=True)]
    return weights


@pytest.mark.parametrize("p", [1e-8, 1e-5, 1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize("n", [1, 2, 450, 6000])
def test_equal_probabilities_give_the_binomial_distribution(n: int, p: float) -> None:
    found = fault_number_weights(np.full(n, p), tail=1e-18)
    k = np.arange(len(found.weights))
    assert found.weights == pytest.approx(binom.pmf(k, n, p), rel=1e-10, abs=0)
    if len(k) <= n:
        assert found.tail == pytest.approx(binom.sf(k[-1], n, p), rel=1e-10, abs=0)
        assert found.tail < 1e-18 <= binom.sf(k[-2], n, p)


@pytest.mark.parametrize(("n", "p"), [(6000, 2.0**-7), (450, 2.0**-10), (6000, 2.0**-26)])
def test_binomial_weights_are_good_to_1e_12_of_themselves(n: int, p: float) -> None:
    found = fault_number_weights(np.full(n, p), tail=1e-15)
    weight = (1 - Fraction(p)) ** n
    odds = Fraction(p) / (1 - Fraction(p))
    for k, mine in enumerate(found.weights):
        assert float(abs(Fraction(float(mine)) / weight - 1)) < 1e-12
        weight *= odds * Fraction(n - k, k + 1)


def test_unequal_weights_and_their_tail_are_good_to_1e_12_of_themselves() -> None:
    rng = np.random.default_rng(3)
    probabilities = 10.0 ** rng.uniform(-8, -1, 60)
    found = fault_number_weights(probabilities, tail=1e-12)
    exact = exactly([*map(float, probabilities)], 61)
    length = len(found.weights)
    for mine, truth in zip(found.weights, exact[:length], strict=True):
        assert float(abs(Fraction(float(mine)) / truth - 1)) < 1e-12
    assert float(abs(Fraction(found.tail) / sum(exact[length:]) - 1)) < 1e-12


@given(st.lists(st.sampled_from([0.0, 0.02, 0.3, 0.5, 1.0]) | st.floats(0, 1), max_size=7))
def test_weights_agree_with_the_sum_over_all_fault_sets(probabilities: list[float]) -> None:
    expected = np.zeros(len(probabilities) + 1)
    for faults in product([0, 1], repeat=len(probabilities)):
        chance = [p if f else 1 - p for p, f in zip(probabilities, faults, strict=True)]
        expected[sum(faults)] += np.prod(chance)
    found = fault_number_weights(np.array(probabilities), tail=1e-9)
    weights: NDArray[np.float64] = found.weights
    assert weights == pytest.approx(expected[: len(weights)], rel=1e-12, abs=1e-300)
    assert weights.sum() + found.tail == pytest.approx(1, rel=1e-12)
    assert found.tail < 1e-9


def test_thousands_of_different_probabilities_are_one_distribution() -> None:
    probabilities = np.random.default_rng(5).uniform(1e-4, 1e-2, 6000)
    found = fault_number_weights(probabilities, tail=1e-15)
    k = np.arange(len(found.weights))
    mean = probabilities.sum()
    variance = (probabilities * (1 - probabilities)).sum()
    assert found.weights @ k == pytest.approx(mean, rel=1e-12)
    assert found.weights @ (k - mean) ** 2 == pytest.approx(variance, rel=1e-10)


def test_without_faults_every_shot_has_none() -> None:
    for none in ([], [0.0, 0.0]):
        found = fault_number_weights(none, tail=1e-6)
        assert (found.weights.tolist(), found.tail) == ([1.0], 0.0)


def test_a_certain_fault_shifts_the_distribution() -> None:
    alone = fault_number_weights([0.1, 0.2], tail=1e-9).weights
    shifted = fault_number_weights([0.1, 1.0, 0.2, 1.0], tail=1e-9).weights
    assert shifted == pytest.approx(np.append([0, 0], alone), rel=1e-14)


def test_a_smaller_tail_keeps_more_weights() -> None:
    coarse = fault_number_weights(np.full(450, 1e-3), tail=1e-3)
    fine = fault_number_weights(np.full(450, 1e-3), tail=1e-12)
    assert len(coarse.weights) < len(fine.weights)
    assert fine.weights[: len(coarse.weights)].tolist() == coarse.weights.tolist()


@pytest.mark.parametrize("wrong", [-1e-9, 1.5, float("nan")])
def test_an_impossible_probability_is_refused(wrong: float) -> None:
    with pytest.raises(UsageError, match="must lie in"):
        fault_number_weights([0.1, wrong], tail=1e-9)


@pytest.mark.parametrize("tail", [0.0, 1.0, -1e-9, float("nan")])
def test_an_impossible_tail_is_refused(tail: float) -> None:
    with pytest.raises(UsageError, match="tail"):
        fault_number_weights([0.1], tail=tail)
