"""The most likely state of one qubit, from counts of outcomes in X, Y and Z."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..experiments.colour_code import Basis
from ..experiments.errors import UsageError
from .estimate import Estimate, complement, expectation, rate_estimate
from .exact_interval import normal_quantile

LIKELIHOOD = "bounded-likelihood"
BASES: tuple[Basis, ...] = ("X", "Y", "Z")

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_HALVINGS = 64  # of an interval of multipliers: to the last bit


@dataclass(frozen=True, slots=True, kw_only=True)
class BlochState:
    """A qubit's state of maximum likelihood, physical by construction.

    Attributes:
        x: <X>, a coordinate of the Bloch vector; NaN in [-1, 1] if the basis has no shots.
        y: likewise <Y>.
        z: likewise <Z>.
        length: of the Bloch vector, at most 1, biased upwards where it is short; NaN if a basis
            has no shots.
        fidelity: with |H>, the +1 eigenstate of (X + Z) / sqrt 2, in [0, 1]; NaN in [0, 1] if X or
            Z has no shots.
        infidelity: 1 - fidelity.
        outside: twice the logarithm of the likelihood that is lost because the state must be
            physical, 0 if the measured vector lies in the ball. Of a pure state 5 % of
            experiments exceed 2.7 and 0.1 % exceed 9.5: much more tells that the three bases did
            not measure one state.
    """

    x: Estimate
    y: Estimate
    z: Estimate
    length: float
    fidelity: Estimate
    infidelity: Estimate
    outside: float


def bloch_state(counts: Mapping[Basis, tuple[int, int]], *, level: float = 0.95) -> BlochState:
    """Return the state of maximum likelihood in the Bloch ball, and intervals.

    The intervals of x, y, z are those of the rates (`estimate.rate_estimate`); that of the
    fidelity is `fidelity_interval`. Each is widened to hold the most likely state where that lies
    outside: three bases that contradict each other.

    Args:
        counts: (shots kept, those with outcome -1) of each basis; a basis left out has no shots.
        level: two-sided confidence level of the intervals.

    Raises:
        UsageError: impossible counts or level, or another basis.
    """
    if unknown := sorted(set(counts) - set(BASES)):
        raise UsageError(f"counts of {', '.join(unknown)}: a state is told by X, Y and Z alone")
    kept, minus = (np.array([counts.get(basis, (0, 0))[i] for basis in BASES]) for i in (0, 1))
    rates = [rate_estimate(int(m), int(n), level=level) for n, m in zip(kept, minus, strict=True)]
    vector, outside = most_likely_vector(kept, minus)
    known = kept > 0
    coordinates = [
        _holding(expectation(rate), float(value)) if found else expectation(rate)
        for rate, value, found in zip(rates, vector, known, strict=True)
    ]
    fidelity = Estimate(value=nan, low=0, high=1, n=int(kept.sum()), method=LIKELIHOOD, level=level)
    if known[0] and known[2]:
        low, high = fidelity_interval(kept[[0, 2]], minus[[0, 2]], level)
        limits = replace(fidelity, low=float(low), high=float(high))
        fidelity = _holding(limits, float(fidelity_with_h(vector)))
    return BlochState(
        x=coordinates[0],
        y=coordinates[1],
        z=coordinates[2],
        length=float(np.linalg.norm(vector)) if known.all() else nan,
        fidelity=fidelity,
        infidelity=complement(fidelity),
        outside=float(outside),
    )


def most_likely_vector(kept: ArrayLike, minus: ArrayLike) -> tuple[Floats, Floats]:
    """Return the Bloch vectors of maximum likelihood, shape (..., 3), and `BlochState.outside`.

    The likelihood is a product of binomials, its logarithm concave. If the vector of the three
    means lies in the ball, it is the maximum. Else the maximum is on the sphere, where for one
    multiplier m > 0 each coordinate v, of a shots +1 and b shots -1, solves

        a / (1 + v) - b / (1 - v) = 2 m v,  that is  v^3 - (1 + (a + b) / 2m) v + (a - b) / 2m = 0

    The left side falls with v, the right one rises: the root in [-1, 1] is single (the middle one
    of three, here by its trigonometric form) and shrinks as m grows. So the length falls from
    above 1 at m = 0 to at most 1 at a quarter of all shots (the sum of v times the gradient, 2 m on
    the sphere, is at most half of them), and halving that range cannot fail. Where a basis has no
    shots its coordinate is 0: of the vectors that are equally likely the shortest.

    Args:
        kept: shots kept in X, Y, Z, shape (..., 3).
        minus: those with outcome -1, same shape.
    """
    n, b = np.broadcast_arrays(np.asarray(kept, float), np.asarray(minus, float))
    means = np.where(n > 0, 1 - 2 * b / np.where(n > 0, n, 1), 0.0)
    inside = (means**2).sum(-1) <= 1
    vector = means
    if not inside.all():
        multiplier = _last(lambda m: (_stationary(n, n - 2 * b, m) ** 2).sum(-1) > 1, n.sum(-1) / 4)
        vector = np.where(inside[..., None], means, _stationary(n, n - 2 * b, multiplier))
    vector = vector / np.maximum(np.linalg.norm(vector, axis=-1), 1)[..., None]  # the last bit
    return vector, np.where(inside, 0.0, _deviance(n, b, vector))


def fidelity_with_h(vector: ArrayLike) -> Floats:
    """Return (1 + (x + z) / sqrt 2) / 2 of Bloch vectors, shape (..., 3)."""
    v = np.asarray(vector, float)
    fidelity: Floats = np.clip((1 + (v[..., 0] + v[..., 2]) / sqrt(2)) / 2, 0, 1)
    return fidelity


def fidelity_interval(
    kept: ArrayLike, minus: ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the interval of the fidelity with |H>, in [0, 1] and never of zero width.

    It holds every fidelity whose profile likelihood, over all <X> and <Z> that make it, is within
    z^2 / 2 (in the logarithm) of that of the best fidelity in [0, 1], z the normal quantile. So
    a measured fidelity of more than 1 counts as 1, and the interval always reaches down from
    there. At F = 1 it covers up to 97.5 % instead of 95 %: it cannot err upwards.

    The ball bounds the fidelity here, not what <X>, <Y> and <Z> share out: F = 1 belongs to a
    single point of a sphere, so that a likelihood ratio with the whole ball in it adds up three
    directions instead of one, and with the same z^2 / 2 covers 79 % there (half a chi-squared of
    two and half one of three degrees of freedom; S. G. Self and K.-Y. Liang, J. Am. Stat. Assoc.
    82, 605, 1987). What Y and the difference of X and Z tell of a fidelity near 1 is of second
    order and is given up.

    Args:
        kept: shots kept in X and in Z, shape (..., 2).
        minus: those with outcome -1, same shape.
        level: two-sided confidence level.

    Raises:
        UsageError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"level {level}: a confidence level lies between 0 and 1")
    n, b = np.broadcast_arrays(np.asarray(kept, float), np.asarray(minus, float))
    drop = normal_quantile(level) ** 2
    low, mirrored = _lowest_sum(np.stack([n, n]), np.stack([b, n - b]), drop)
    return (1 + low / sqrt(2)) / 2, (1 - mirrored / sqrt(2)) / 2


def _lowest_sum(n: Floats, minus: Floats, drop: float) -> Floats:
    """Return the lowest <X> + <Z> in [-sqrt 2, sqrt 2] whose deviance is within `drop` of the best.

    Along the profile both have one gradient m of the log-likelihood; with m the sum falls and the
    deviance rises. At m of four times all shots both are below -0.75: below any fidelity.
    """
    differences = n - 2 * minus

    def at(gradient: Floats) -> Floats:
        return _of_gradient(n, differences, gradient)

    top = 4 * n.sum(-1)
    excess = np.zeros_like(top)
    if (at(top * 2.0**-_HALVINGS).sum(-1) > sqrt(2)).any():
        bound = _last(lambda m: at(m).sum(-1) > sqrt(2), top)
        excess = np.where(bound > top * 2.0 ** (1 - _HALVINGS), _deviance(n, minus, at(bound)), 0)
    end = _last(lambda m: _deviance(n, minus, at(m)) <= drop + excess, top)
    lowest: Floats = np.clip(at(end).sum(-1), -sqrt(2), sqrt(2))
    return lowest


def _last(holds: Callable[[Floats], Bools], top: Floats) -> Floats:
    """Return the largest number between 0 and `top` of which something holds that holds below it.

    From above, by halving, elementwise.
    """
    low, high = np.zeros_like(top), top
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        further = holds(middle)
        low, high = np.where(further, middle, low), np.where(further, high, middle)
    return high


def _of_gradient(n: Floats, difference: Floats, gradient: Floats) -> Floats:
    """Return v in [-1, 1] with a / (1 + v) - b / (1 - v) = gradient > 0; -1 without shots."""
    g = gradient[..., None]
    root = n + np.sqrt(n * n - 4 * g * difference + 4 * g * g)
    v = 2 * (difference - g) / np.where(root > 0, root, 1)
    return np.where(n > 0, np.clip(v, -1, 1), -1.0)


def _stationary(n: Floats, difference: Floats, multiplier: Floats) -> Floats:
    """Return v in [-1, 1] with a / (1 + v) - b / (1 - v) = 2 multiplier v."""
    twice = 2 * np.maximum(multiplier, np.finfo(float).tiny)[..., None]
    p, q = 1 + n / twice, difference / twice
    sine = 1.5 * q / p * np.sqrt(3 / p)
    root: Floats = 2 * np.sqrt(p / 3) * np.sin(np.arcsin(np.clip(sine, -1, 1)) / 3)
    return np.maximum(np.minimum(root, 1), -1)


def _deviance(n: Floats, minus: Floats, vector: Floats) -> Floats:
    """Return twice the log-likelihood that the vector loses against the means, summed over bases.

    Infinite where an outcome that was seen is impossible.
    """
    lost = np.zeros(np.broadcast_shapes(n.shape, vector.shape))
    for seen, expected in ((n - minus, (1 + vector) / 2), (minus, (1 - vector) / 2)):
        share = seen / np.where(n > 0, n, 1)
        ratio = np.divide(share, expected, out=np.full_like(lost, np.inf), where=expected > 0)
        lost += seen * np.log(np.where(seen > 0, ratio, 1.0))
    return np.maximum(2 * lost.sum(-1), 0)


def _holding(limits: Estimate, value: float) -> Estimate:
    """Return the interval, widened where it does not hold the value."""
    return replace(
        limits,
        value=value,
        low=min(limits.low, value),
        high=max(limits.high, value),
        method=LIKELIHOOD if limits.method == LIKELIHOOD else f"bloch-{limits.method}",
    )
