"""Rates from strata by number of faults: every stratum by itself, weighted for every point.

Of K faults in a shot, w_k = P(K = k), a_k = P(kept | K = k) and e_k = P(outcome -1 | kept, K = k):

    A = sum_k w_k a_k          acceptance
    e = sum_k w_k a_k e_k / A  infidelity, or the rate of outcome -1 of what is measured

a_k and e_k depend on the circuit and on where faults can be, not on how likely they are: one set
of strata serves all points of a sweep of the error rate, each with its own weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from ...experiments.counts import Readout
from ..estimate import Estimate
from ..exact_interval import clopper_pearson_interval, poisson_lower_limit, weighted_interval
from .fault_numbers import FaultNumberWeights
from .stratum import Strata, StratumSums, stratum_sums

STRATIFIED = "stratified-mover-clopper-pearson"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StratifiedEstimates:
    """The two rates of a point.

    Attributes:
        acceptance: A.
        infidelity: e, the rate of outcome -1 among kept shots.
    """

    acceptance: Estimate
    infidelity: Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rates:
    """What the strata say of a_k and e_k.

    Attributes:
        kept: value, low and high of a_k, shape (3, strata).
        minus: the same of e_k.
        variances: of both as sampled, shape (2, strata).
    """

    kept: Floats
    minus: Floats
    variances: Floats


def stratified_estimates(
    weights: FaultNumberWeights,
    strata: Strata,
    *,
    readout: Readout,
    level: float = 0.95,
) -> StratifiedEstimates:
    """Return acceptance and infidelity of one point; see `combine`."""
    return combine([weights], strata, readout=readout, level=level)[0]


def combine(
    points: Sequence[FaultNumberWeights],
    strata: Strata,
    *,
    readout: Readout,
    level: float = 0.95,
) -> list[StratifiedEstimates]:
    """Return acceptance and infidelity of every point of a group that shares its strata.

    Of each stratum a_k has a Clopper-Pearson interval and e_k one of the same kind for the
    probabilities that it sums (`weighted_interval`): 0 wrong of n leaves an upper limit. The
    distances from value to end of the strata add in quadrature (MOVER, see
    `estimate.mover_fidelity`), on each side by itself, with v_k = w_k / A:

        to A:  w_k (a_k' - a_k)
        to e:  v_k a_k (e_k' - e_k)  and  v_k (e_k' - e) (a_k' - a_k)

    where a prime is the end that moves the result outwards. The second line is the ratio's own:
    a_k and e_k of one stratum are uncorrelated, m_k = a_k e_k and a_k are not, and at large counts
    the quadrature of both is the delta method's var(m_k - e a_k). With e_k' instead of e_k in the
    last factor it also holds for a stratum that has kept no shot. A few events in many strata are
    more skew than quadrature knows: if lower, the lower end of e is that of a Poisson count of
    e^2 / var(e).

    What is not sampled, T = P(K in no known stratum), is added linearly: the upper end of A becomes
    A' + T, the ends of e become e' / (1 + T / A) and (e' + r) / (1 + r) with r = T' / A, of T' the
    part that is not certified, both at A's lower end. The values themselves are those of the known
    strata. Nothing kept: e is NaN with [0, 1].

    Args:
        points: the weights of each point.
        strata: what is known of each number of faults.
        readout: the treatment of the readout's faces.
        level: two-sided confidence level.

    Raises:
        UsageError: the counts lack this readout, or an impossible level.
        HexmagicError: the counts contradict a certificate.
    """
    length = max((len(point.weights) for point in points), default=0)
    sums = stratum_sums(strata, readout, length)
    rates = _rates(sums, level)
    table = weight_table(points, length)
    tails = np.array([point.tail for point in points])
    unsampled = tails + table @ ~sums.known
    wrong = tails + table @ ~(sums.known | sums.certified)
    acceptance = _acceptance(table, rates, unsampled)
    infidelity = _infidelity(table, rates, level)
    infidelity[1:] = _truncated(infidelity, acceptance[1], unsampled, wrong)
    n = int(sums.shots[~sums.exact].sum())
    return [
        StratifiedEstimates(
            acceptance=_estimate(a, n=n, level=level),
            infidelity=_estimate(e, n=n, level=level),
        )
        for a, e in zip(acceptance.T, infidelity.T, strict=True)
    ]


def weight_table(points: Sequence[FaultNumberWeights], length: int) -> Floats:
    """Return the points' weights as rows of one table, shape (points, length), padded with 0."""
    table = np.zeros((len(points), length))
    for row, point in zip(table, points, strict=True):
        row[: len(point.weights)] = point.weights
    return table


def _rates(sums: StratumSums, level: float) -> _Rates:
    """Return the rates of the strata, unknown ones as 0."""
    sampled = sums.known & ~sums.exact
    open_ended = sampled & ~sums.certified
    shots, held = np.where(sums.known, sums.shots, 1), np.where(sums.kept > 0, sums.kept, 1)
    kept, minus = sums.kept / shots, sums.minus / held
    ends = clopper_pearson_interval(sampled * sums.kept, sampled * sums.shots, level)
    many, total, squares = open_ended * np.stack([sums.kept, sums.minus, sums.squares])
    minus_ends = weighted_interval(many, total, squares, level)
    minus_variance = open_ended * np.maximum(sums.squares / held - minus**2, 0) / held
    return _Rates(
        kept=np.stack([kept, *np.where(sampled, ends, kept)]),
        minus=np.stack([minus, *np.where(open_ended, minus_ends, minus)]),
        variances=np.stack([sampled * kept * (1 - kept) / shots, minus_variance]),
    )


def _acceptance(table: Floats, rates: _Rates, unsampled: Floats) -> Floats:
    """Return value, low and high of A, shape (3, points), the truncation included."""
    value, low, high = rates.kept
    rate = table @ value
    below = np.sqrt(table**2 @ (value - low) ** 2)
    above = np.sqrt(table**2 @ (high - value) ** 2) + unsampled
    return np.stack([rate, np.maximum(rate - below, 0), np.minimum(rate + above, 1)])


def _infidelity(table: Floats, rates: _Rates, level: float) -> Floats:
    """Return value, low and high of e of the known strata, shape (3, points)."""
    kept, minus = rates.kept[0], rates.minus[0]
    rate = table @ kept
    share = table / np.where(rate > 0, rate, 1)[:, None]
    value = share @ (kept * minus)
    squares = kept**2 * rates.variances[1] + (minus - value[:, None]) ** 2 * rates.variances[0]
    error = np.sqrt((share**2 * squares).sum(axis=1))
    low = np.minimum(value - _distance(share, rates, value, -1), _as_counts(value, error, level))
    high = value + _distance(share, rates, value, 1)
    found = rate > 0
    ends = np.where(found, np.maximum(low, 0), 0), np.where(found, np.minimum(high, 1), 1)
    return np.stack([np.where(found, value, nan), *ends])


def _truncated(infidelity: Floats, acceptance: Floats, unsampled: Floats, wrong: Floats) -> Floats:
    """Return the ends of e with what was not sampled, from A's lower end, shape (2, points)."""
    floor = np.maximum(acceptance, np.finfo(float).tiny)
    _, low, high = infidelity
    return np.stack([low / (1 + unsampled / floor), (high + wrong / floor) / (1 + wrong / floor)])


def _distance(share: Floats, rates: _Rates, value: Floats, side: int) -> Floats:
    """Return the distance in quadrature from e to its lower (-1) or upper (1) end."""
    kept, fewer, more = rates.kept
    end = rates.minus[1 if side < 0 else 2]
    away = end - value[:, None]  # how far from e the shots lie that the stratum may hold more
    change = np.where(side * away > 0, more - kept, kept - fewer)
    squares = (kept * (end - rates.minus[0])) ** 2 + (away * change) ** 2
    distance: Floats = np.sqrt((share**2 * squares).sum(axis=1))
    return distance


def _as_counts(value: Floats, error: Floats, level: float) -> Floats:
    """Return the lower end of a value that stands for (value / error)^2 counts."""
    sure = (error == 0) | (value == 0)
    counts = np.where(sure, 1, value / np.where(sure, 1, error)) ** 2
    return np.where(sure, value, value * poisson_lower_limit(counts, level) / counts)


def _estimate(triple: Floats, *, n: int, level: float) -> Estimate:
    value, low, high = map(float, triple)
    return Estimate(value=value, low=low, high=high, n=n, method=STRATIFIED, level=level)
