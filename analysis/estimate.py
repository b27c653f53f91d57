"""Estimators: rates, logical expectation values and the fidelity, each with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isnan, log, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..experiments.errors import UsageError
from .exact_interval import checked_counts, clopper_pearson_interval, normal_quantile

WILSON = "wilson"
MOVER = "mover-"
UNFOLDED = "-unfolded"

Floats = NDArray[np.float64]
Triple = tuple[Floats, Floats, Floats]  # value, low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: the point estimate; NaN if there is nothing to estimate it from.
        low: lower end of the interval; with a NaN value the interval is the quantity's range.
        high: upper end of the interval.
        n: shots that it rests on.
        method: how the interval was made.
        level: confidence level of the interval, two-sided.
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    level: float


def wilson_interval(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the Wilson score interval of k successes in n trials, elementwise.

    Never of zero width, also at k = 0 and k = n; [0, 1] at n = 0. No continuity correction
    (E. B. Wilson, J. Am. Stat. Assoc. 22, 209, 1927).

    Raises:
        UsageError: k is not between 0 and n, or the level is not between 0 and 1.
    """
    successes, trials = checked_counts(k, n)
    z = normal_quantile(level)
    failures = trials - successes
    spread = successes * failures / np.where(trials > 0, trials, 1)
    centre = (successes + z * z / 2) / (trials + z * z)
    half = z * np.sqrt(spread + z * z / 4) / (trials + z * z)
    low = np.where(successes == 0, 0.0, np.clip(centre - half, 0, 1))
    high = np.where(failures == 0, 1.0, np.clip(centre + half, 0, 1))
    return low, high


def rate_interval(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the interval of k successes in n trials, k and n whole, elementwise.

    Wilson's, except that from 1 to about 10 events (of either kind) the end towards 0 (or 1) is no
    closer than the exact one-sided limit of the same level, as L. D. Brown, T. T. Cai and A.
    DasGupta propose for 1 to 3 (Stat. Sci. 16, 101, 2001): Wilson's alone excludes 0.18 expected
    events when it sees 1, and covers 84 % there instead of 95 %. Figures: docs/intervals.md.

    Raises:
        UsageError: as `wilson_interval`.
    """
    low, high = wilson_interval(k, n, level)
    if level <= 1 / 2:  # the one-sided limit is beyond k / n
        return low, high
    successes, trials = np.asarray(k, float), np.asarray(n, float)
    least = _one_sided_limit(successes, trials, level)
    most = 1 - _one_sided_limit(trials - successes, trials, level)
    return np.minimum(low, least), np.maximum(high, most)


def _one_sided_limit(k: Floats, n: Floats, level: float) -> Floats:
    """Return the p at which fewer than k successes have probability `level`; exact at k = 1."""
    limit, _ = clopper_pearson_interval(k, n, 2 * level - 1)
    return np.where(k == 1, -np.expm1(log(level) / np.maximum(n, 1)), limit)


def rate_estimate(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """Return the rate k / n with its interval (`rate_interval`); NaN with [0, 1] at n = 0."""
    low, high = rate_interval(k, n, level)
    return Estimate(
        value=k / n if n else nan,
        low=float(low),
        high=float(high),
        n=n,
        method=WILSON,
        level=level,
    )


def expectation(minus_rate: Estimate) -> Estimate:
    """Return <P> = 1 - 2 e of a rate e of outcome -1, its interval mapped likewise."""
    return replace(
        minus_rate,
        value=1 - 2 * minus_rate.value,
        low=1 - 2 * minus_rate.high,
        high=1 - 2 * minus_rate.low,
    )


def complement(rate: Estimate) -> Estimate:
    """Return 1 minus a rate, its interval likewise."""
    return replace(rate, value=1 - rate.value, low=1 - rate.high, high=1 - rate.low)


def attempts_per_kept(acceptance: float) -> float:
    """Return the mean number of attempts per kept state, 1 / acceptance; infinite at 0."""
    return inf if acceptance == 0 else 1 / acceptance


def remove_readout_error(
    estimate: Estimate, readout_error: tuple[float, float], *, sign: int = 1
) -> Estimate:
    """Return a single qubit's <P> with its readout error inverted.

    A qubit with <P> = v reads v' = (1 - a - b) v + sign (b - a), so v = (v' - sign (b - a)) /
    (1 - a - b), and the interval's ends likewise. The result is linear, not clipped, and may leave
    [-1, 1]; a and b count as known exactly. If a + b = 1 the readout tells nothing: NaN, [-1, 1].

    Args:
        estimate: <P> as read.
        readout_error: (a, b) = (P(1|0), P(0|1)).
        sign: the logical sign, +1 if outcome 0 reads +1.

    Raises:
        UsageError: a readout error is not a probability.
    """
    a, b = readout_error
    if not (0 <= a <= 1 and 0 <= b <= 1):
        raise UsageError(f"readout error {readout_error}: P(1|0) and P(0|1) must lie in [0, 1]")
    contrast = 1 - a - b
    value, ends = nan, (-1.0, 1.0)
    if contrast != 0 and not isnan(estimate.value):
        offset = sign * (b - a)
        value = (estimate.value - offset) / contrast
        ends = (estimate.low - offset) / contrast, (estimate.high - offset) / contrast
    return Estimate(
        value=value,
        low=min(ends),
        high=max(ends),
        n=estimate.n,
        method=estimate.method + UNFOLDED,
        level=estimate.level,
    )


def mover_fidelity(x: Triple, z: Triple) -> Triple:
    """Return F = (1 + (<X> + <Z>) / sqrt 2) / 2 and its interval, elementwise.

    The interval is Newcombe's hybrid score (MOVER): the distances from value to end of the two
    intervals add in quadrature, on each side by itself (R. G. Newcombe, Stat. Med. 17, 873, 1998;
    G. Y. Zou and A. Donner, Stat. Med. 27, 1693, 2008). With Wilson intervals it is never of zero
    width and needs no special case near F = 1, where <X> and <Z> are 0.71.

    Args:
        x: value, low and high of <X>; arrays of one shape.
        z: the same of <Z>.
    """
    scale = 1 / (2 * sqrt(2))
    value = 0.5 + scale * (x[0] + z[0])
    below = scale * np.hypot(x[0] - x[1], z[0] - z[1])
    above = scale * np.hypot(x[2] - x[0], z[2] - z[0])
    return value, value - below, value + above


def fidelity_estimate(x: Estimate, z: Estimate) -> Estimate:
    """Return the fidelity with |H>, F = (1 + (<X> + <Z>) / sqrt 2) / 2.

    A linear estimate: it is not clipped, and value and interval may exceed 1 by statistics. NaN
    with [0, 1] when <X> or <Z> is NaN. Interval: see `mover_fidelity`.

    Raises:
        UsageError: the two were made at different levels.
    """
    if x.level != z.level:
        raise UsageError(
            f"<X> at level {x.level} and <Z> at level {z.level} do not make one fidelity"
        )
    value, low, high = nan, 0.0, 1.0
    if not (isnan(x.value) or isnan(z.value)):
        value, low, high = (float(part) for part in mover_fidelity(_triple(x), _triple(z)))
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=x.n + z.n,
        method=MOVER + x.method,
        level=x.level,
    )


def _triple(estimate: Estimate) -> Triple:
    parts: Sequence[float] = (estimate.value, estimate.low, estimate.high)
    value, low, high = (np.asarray(part, float) for part in parts)
    return value, low, high
