"""How often intervals hold the truth: exactly, by summing binomials, and by sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, sin, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from hexmagic.analysis.bloch import fidelity_interval, fidelity_with_h, most_likely_vector
from hexmagic.analysis.difference import difference
from hexmagic.analysis.estimate import (
    Estimate,
    Triple,
    mover_fidelity,
    rate_interval,
    wilson_interval,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ends = tuple[Floats, Floats]
RateInterval = Callable[[Ints, int], Ends]
Vector = tuple[float, float, float]

EXPERIMENTS = 2000
FIDELITIES = (0.9, 0.99, 0.999, 1.0)
SHOTS = (50, 500, 50_000)
"""Kept shots in each of X, Y and Z; of h_measured kept shots, of acceptance attempts."""
_WINDOW = 6.5  # standard deviations: leaves out 1e-10 of a sum

RATES: Mapping[str, RateInterval] = {"ours": rate_interval, "Wilson": wilson_interval}


def depolarised(fidelity: float) -> Vector:
    """Return the Bloch vector of |H> under all Paulis alike; under Y alone it is the same."""
    return (2 * fidelity - 1) / sqrt(2), 0.0, (2 * fidelity - 1) / sqrt(2)


def dephased(fidelity: float) -> Vector:
    """Return that of |H> under Z errors alone: <Z> stays, and F = 1 - q / 2."""
    return (1 - 4 * (1 - fidelity)) / sqrt(2), 0.0, 1 / sqrt(2)


def turned(fidelity: float) -> Vector:
    """Return that of a pure state, |H> turned towards Y: on the sphere, however low F."""
    angle = np.arccos(2 * fidelity - 1)
    return cos(angle) / sqrt(2), sin(angle), cos(angle) / sqrt(2)


STATES: Mapping[str, Callable[[float], Vector]] = {
    "depolarised": depolarised,
    "Z only": dephased,
    "turned": turned,
}


def rate_coverage(interval: RateInterval, rate: float, n: int) -> float:
    """Return the exact coverage of a rate's interval."""
    k = _window(rate, n)
    low, high = interval(k, n)
    return float(binom.pmf(k, n, rate)[(low <= rate) & (rate <= high)].sum())


def best_coverages(rate: float, n: int) -> tuple[float, float]:
    """Return the two attainable coverages next to 95 %, below and above.

    Of any interval that moves with k the counts that hold the rate are k1 ... k2; these are the
    probabilities that such runs of counts, with the most likely one among them, can have.
    """
    k = _window(rate, n)
    cumulative = np.concatenate([[0.0], np.cumsum(binom.pmf(k, n, rate))])
    mode = int(binom.pmf(k, n, rate).argmax())
    sums = (cumulative[None, mode + 1 :] - cumulative[: mode + 1, None]).ravel()
    return float(sums[sums < 0.95].max(initial=0)), float(sums[sums >= 0.95].min(initial=1))


def sampled_rate_coverage(interval: RateInterval, rate: float, n: int, seed: int) -> float:
    """Return the share of `EXPERIMENTS` whose interval holds the rate."""
    k = np.random.default_rng(seed).binomial(n, rate, size=EXPERIMENTS)
    low, high = interval(k, n)
    return float(np.mean((low <= rate) & (rate <= high)))


def raw_fidelity(n: int, minus: Ints) -> Triple:
    """Return F and its MOVER interval, from the counts of -1 in X, Y, Z, shape (..., 3)."""
    return mover_fidelity(*(_expectations(n, minus[..., i]) for i in (0, 2)))


def bloch_fidelity(n: int, minus: Ints) -> Triple:
    """Return F of maximum likelihood and its interval, as `bloch_state` makes them."""
    kept = np.full(minus.shape, n)
    value = fidelity_with_h(most_likely_vector(kept, minus)[0])
    low, high = fidelity_interval(kept[..., [0, 2]], minus[..., [0, 2]])
    return value, np.minimum(low, value), np.maximum(high, value)


def plain_profile_holds(n: int, minus: Ints, truth: Vector) -> NDArray[np.bool_]:
    """Return whether the likelihood ratio of a pure |H> in the whole ball is within 1.96^2."""
    vector, _ = most_likely_vector(np.full(minus.shape, n), minus)
    gain = np.zeros(minus.shape[:-1])
    for i in range(3):
        for seen, sign in ((n - minus[..., i], 1), (minus[..., i], -1)):
            ratio = (1 + sign * vector[..., i]) / (1 + sign * truth[i])
            gain += seen * np.log(np.where(seen > 0, ratio, 1.0))
    return 2 * gain <= 1.959963984540054**2


def sampled(state: Vector, n: int, seed: int) -> Ints:
    """Return counts of outcome -1 in X, Y, Z of `EXPERIMENTS`, shape (EXPERIMENTS, 3)."""
    rng = np.random.default_rng(seed)
    rates = np.clip((1 - np.array(state)) / 2, 0, 1)
    return rng.binomial(n, rates, size=(EXPERIMENTS, 3))


def sampled_coverage(
    estimator: Callable[[int, Ints], Triple], state: Vector, n: int, seed: int
) -> float:
    """Return the share of `EXPERIMENTS` whose interval holds the state's fidelity."""
    truth = float(fidelity_with_h(state))
    _, low, high = estimator(n, sampled(state, n, seed))
    return float(np.mean((low <= truth) & (truth <= high)))


def exact_coverage(estimator: Callable[[int, Ints], Triple], state: Vector, n: int) -> float:
    """Return the exact coverage of an interval that depends on the counts in X and Z alone."""
    truth = float(fidelity_with_h(state))
    x, z = (_window((1 - state[i]) / 2, n) for i in (0, 2))
    minus = np.stack(np.broadcast_arrays(x[:, None], n // 2, z[None, :]), axis=-1)
    _, low, high = estimator(n, minus)
    weight = (
        binom.pmf(x, n, (1 - state[0]) / 2)[:, None] * binom.pmf(z, n, (1 - state[2]) / 2)[None]
    )
    return float(weight[(low <= truth) & (truth <= high)].sum())


def difference_coverage(first: Vector, second: Vector, n: int, other: int, seed: int) -> float:
    """Return the share of pairs of experiments, n and `other` shots, that hold the difference."""
    truth = float(fidelity_with_h(first) - fidelity_with_h(second))
    ours = estimates(raw_fidelity(n, sampled(first, n, seed)), n)
    theirs = estimates(raw_fidelity(other, sampled(second, other, seed + 1)), other)
    found = [difference(a, b) for a, b in zip(ours, theirs, strict=True)]
    return float(np.mean([d.low <= truth <= d.high for d in found]))


def estimates(triple: Triple, n: int) -> list[Estimate]:
    """Return values with their intervals as Estimates."""
    return [
        Estimate(value=v, low=a, high=b, n=n, method="test", level=0.95)
        for v, a, b in zip(*(part.tolist() for part in triple), strict=True)
    ]


def _window(rate: float, n: int) -> Ints:
    half = _WINDOW * sqrt(n * rate * (1 - rate)) + 12
    return np.arange(max(0, int(n * rate - half)), min(n, int(n * rate + half)) + 1)


def _expectations(n: int, minus: Ints) -> Triple:
    low, high = rate_interval(minus, n)
    return 1 - 2 * minus / n, 1 - 2 * high, 1 - 2 * low
