"""How many faults a shot has: the weights of the strata, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...experiments.errors import UsageError

Floats = NDArray[np.float64]

_BEYOND_TAIL = 60 * log(10)  # what the tail itself leaves out, as a factor, in logarithms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaultNumberWeights:
    """The distribution of the number of faults in a shot.

    Attributes:
        weights: float64, shape (k_max + 1,): P(K = k).
        tail: P(K > k_max).
    """

    weights: Floats
    tail: float


def fault_number_weights(probabilities: ArrayLike, *, tail: float) -> FaultNumberWeights:
    """Return P(K = k) of K independent faults, up to where the rest is below `tail`.

    The Poisson-binomial distribution: K = sum_i B_i with P(B_i = 1) = p_i, whose generating
    function is prod_i (1 - p_i + p_i z). Equal p make one binomial factor, and the factors are
    multiplied pairwise, so that rounding grows with the logarithm of their number. There are only
    sums of positive terms, of the tail too: every weight is good to 1e-12 of itself.

    Args:
        probabilities: of a fault at each location, any shape, in [0, 1].
        tail: k_max is the smallest k with P(K > k) below it; in (0, 1).

    Raises:
        UsageError: a probability is not one, or the tail is not between 0 and 1.
    """
    every = np.asarray(probabilities, np.float64).ravel()
    if not np.all((every >= 0) & (every <= 1)):
        raise UsageError("probabilities of faults: each must lie in [0, 1]")
    if not 0 < tail < 1:
        raise UsageError(f"tail {tail}: what is left out must lie between 0 and 1; give 1e-15")
    values, numbers = np.unique(every[every > 0], return_counts=True)
    terms = _highest(float(values @ numbers), int(numbers.sum()), tail) + 1
    factors = [
        _binomial(float(p), int(n), terms) for p, n in zip(values, numbers, strict=True)
    ] or [np.ones(1)]
    while len(factors) > 1:
        pairs = zip(factors[0::2], factors[1::2], strict=False)
        last_one = factors[-1:] if len(factors) % 2 else []
        factors = [np.convolve(one, other)[:terms] for one, other in pairs] + last_one
    weights = factors[0]
    beyond = np.append(np.cumsum(weights[::-1])[::-1][1:], 0.0)  # P(K > k)
    last = int(np.argmax(beyond < tail))
    return FaultNumberWeights(weights=weights[: last + 1], tail=float(beyond[last]))


def _highest(mean: float, number: int, tail: float) -> int:
    """Return a k beyond which nothing matters even to the tail.

    Chernoff: P(K >= k) <= exp(-mean) (e mean / k)^k for k above the mean.
    """
    k = np.arange(1, number + 1)
    bound = -mean + k * (1 + np.log(mean / k))
    enough = (k > mean) & (bound < log(tail) - _BEYOND_TAIL)
    return int(k[np.argmax(enough)]) if enough.any() else number


def _binomial(p: float, n: int, terms: int) -> Floats:
    """Return the first terms of P(K = k) of n faults of probability p > 0.

    In logarithms, by P(k) / P(k - 1) = (n - k + 1) / k * p / (1 - p) from P(0) = (1 - p)^n.
    """
    k = np.arange(1, min(n, terms - 1) + 1)
    if p == 1:
        return np.append(np.zeros(n), 1.0)[: len(k) + 1]
    steps = np.log((n - k + 1) / k * (p / (1 - p)))
    logarithms: Floats = np.cumsum(np.append(n * np.log1p(-p), steps))
    return np.exp(logarithms)
