"""Several runs of one experiment as one: pooled counts, weighted means, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erfc, exp, inf, isnan, lgamma, log, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from ..experiments.errors import UsageError
from .estimate import Estimate, rate_estimate
from .exact_interval import normal_quantile

WEIGHTED = "weighted-"
CHI_SQUARED = "chi-squared"
PERMUTATIONS = "permutations"

_DRAWN = 9999  # permutations: p-values down to 1e-4
_SEED = 20_260_601  # of the permutations: the same counts have the same p-value
_EXPECTED = 5.0  # events: above, the distribution is chi-squared to good approximation
_HYPERGEOMETRIC = 10**9  # shots: numpy draws without replacement from fewer
_SLIGHT = 1e-6  # of a squared width: the least variance of a run without width on one side
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A test of the hypothesis that all runs have one true value.

    Attributes:
        statistic: the sum of squared deviations from the common value in units of their variance:
            Pearson's chi-squared of counts, Cochran's Q of estimates.
        degrees: of freedom: runs with data, less one.
        p_value: probability of at least such a statistic if the hypothesis holds; NaN with fewer
            than two runs. Below 0.001, say, the runs should not be taken for one.
        method: "chi-squared" or, of few events, "permutations": the share of random distributions
            of the same events over the same shots.
    """

    statistic: float
    degrees: int
    p_value: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """One value from several runs.

    Attributes:
        estimate: the common value; with a NaN value nothing was measured.
        agreement: whether the runs agree.
        scale: how far the interval was widened because they do not; 1 if not at all. Pooled counts
            are never widened.
    """

    estimate: Estimate
    agreement: Agreement
    scale: float


def pooled_rate(counts: Sequence[tuple[int, int]], *, level: float = 0.95) -> Combined:
    """Return the rate of all runs' counts together: right for identical circuits under one noise.

    The sum gives each shot one weight, the best one if all have one rate. Whether they do tells
    the agreement, conditional on the number of events; its p-value comes from the chi-squared
    distribution if 5 or more events and 5 or more of their complements are expected in every run
    (W. G. Cochran, Biometrics 10, 417, 1954), else from permutations with a fixed seed.

    Args:
        counts: (k, n) of each run: k events in n shots; runs without shots tell nothing.
        level: two-sided confidence level.

    Raises:
        UsageError: impossible counts or level.
    """
    for k, n in counts:
        if not 0 <= k <= n:
            raise UsageError(f"{k} events in {n} shots: a run has from 0 to all of its shots")
    estimate = rate_estimate(sum(k for k, _ in counts), sum(n for _, n in counts), level=level)
    return Combined(estimate=estimate, agreement=_homogeneity(counts), scale=1.0)


def weighted_mean(
    estimates: Sequence[Estimate], *, within: tuple[float, float] = (-inf, inf)
) -> Combined:
    """Return the weighted mean of runs that differ in circuit or calibration.

    Each run i weighs 1 / V_i. As intervals are asymmetric, V_i is taken at the mean t itself and
    not at the run's own value x_i, between and beyond its two ends linear in t:

        V_i(t) = ((x_i - low_i) (high_i - x_i) + (low_i + high_i - 2 x_i) (t - x_i)) / z^2

    so that either end is z standard errors away (R. Barlow, arXiv:physics/0406120, 2004), with z
    the normal quantile of the level; nowhere below the smaller of its values at the two ends. A
    weight at x_i itself would favour the runs that saw too few events. The mean is where
    sum (x_i - t) / V_i = 0; the ends, where this sum is S z times sqrt(sum 1 / V_i) either way. Of
    one run both are its own.

    S is the scale factor of the Particle Data Group: sqrt(Q / degrees) if that exceeds 1, with
    Cochran's Q = sum (x_i - t)^2 / V_i (S. Navas et al., Phys. Rev. D 110, 030001, 2024,
    introduction, section 5.2.2; R. T. Birge, Phys. Rev. 40, 207, 1932). Of two or three runs it is
    itself a guess. Runs whose value is NaN tell nothing and have no weight.

    Args:
        estimates: independent ones of one quantity, at one level.
        within: the quantity's range, which a widened interval could leave and is cut to.

    Raises:
        UsageError: no estimates, several levels, or an interval without width.
    """
    first = _checked(estimates)
    known = [e for e in estimates if not isnan(e.value)]
    if not known:
        nothing = Agreement(statistic=0.0, degrees=0, p_value=nan, method=CHI_SQUARED)
        return Combined(estimate=first, agreement=nothing, scale=1.0)
    z = normal_quantile(first.level)
    runs = _Runs(known, z)
    mean = runs.mean()
    statistic, degrees = runs.spread(mean), len(known) - 1
    scale = max(1.0, sqrt(statistic / degrees)) if degrees else 1.0
    low, high = runs.interval(mean, scale * z)
    estimate = Estimate(
        value=mean,
        low=max(low, within[0]),
        high=min(high, within[1]),
        n=sum(e.n for e in known),
        method=WEIGHTED + "/".join(dict.fromkeys(e.method for e in known)),
        level=first.level,
    )
    p_value = chi_squared_tail(statistic, degrees) if degrees else nan
    agreement = Agreement(statistic=statistic, degrees=degrees, p_value=p_value, method=CHI_SQUARED)
    return Combined(estimate=estimate, agreement=agreement, scale=scale)


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """Return the probability that chi-squared of `degrees` >= 1 exceeds `statistic`, exactly.

    With h = statistic / 2 the sum over j of h^j exp(-h) / Gamma(j + 1), for j = 0, 1, ... below
    degrees / 2; of odd degrees j = 1/2, 3/2, ... and erfc(sqrt h) besides (M. Abramowitz and I. A.
    Stegun, Handbook of Mathematical Functions, 26.4.4 and 26.4.5).
    """
    h = statistic / 2
    if h <= 0:
        return 1.0
    odd = degrees % 2
    powers = (j + odd / 2 for j in range((degrees - odd) // 2))
    terms = sum(exp(j * log(h) - h - lgamma(j + 1)) for j in powers)
    return min(terms + (erfc(sqrt(h)) if odd else 0.0), 1.0)


def _homogeneity(counts: Sequence[tuple[int, int]]) -> Agreement:
    k, n = np.array([pair for pair in counts if pair[1]], np.int64).reshape(-1, 2).T
    degrees = max(len(n) - 1, 0)
    if not degrees:
        return Agreement(statistic=0.0, degrees=0, p_value=nan, method=CHI_SQUARED)
    events, shots = int(k.sum()), int(n.sum())
    rate = events / shots
    if rate in {0, 1}:
        return Agreement(statistic=0.0, degrees=degrees, p_value=1.0, method=PERMUTATIONS)
    statistic = float(((k - n * rate) ** 2 / (n * rate * (1 - rate))).sum())
    if n.min() * min(rate, 1 - rate) >= _EXPECTED:
        p_value = chi_squared_tail(statistic, degrees)
        return Agreement(statistic=statistic, degrees=degrees, p_value=p_value, method=CHI_SQUARED)
    rarer = min(events, shots - events)
    rng = np.random.default_rng(_SEED)
    if shots < _HYPERGEOMETRIC:
        drawn = rng.multivariate_hypergeometric(n, rarer, size=_DRAWN, method="marginals")
    else:  # with replacement: a little wider, so that the p-value errs upwards
        drawn = rng.multinomial(rarer, n / shots, size=_DRAWN)
    other = rarer / shots
    spreads = ((drawn - n * other) ** 2 / (n * other * (1 - other))).sum(-1)
    beyond = int((spreads >= statistic * (1 - 1e-9)).sum())
    return Agreement(
        statistic=statistic,
        degrees=degrees,
        p_value=(beyond + 1) / (_DRAWN + 1),
        method=PERMUTATIONS,
    )


class _Runs:
    """Values with a variance that is linear in the true value.

    A run without width below its value, such as 0 events, excludes what lies below; likewise above.
    """

    def __init__(self, estimates: Sequence[Estimate], z: float) -> None:
        x, low, high = (
            np.array([getattr(e, name) for e in estimates]) for name in ("value", "low", "high")
        )
        self._x = x
        self._at_value = np.maximum((x - low) * (high - x), _SLIGHT * (high - low) ** 2) / z**2
        self._slope = (low + high - 2 * x) / z**2
        self._least = np.minimum(x - low, high - x) ** 2 / z**2
        self._floor = float(np.max(x, where=low == x, initial=-inf))
        self._ceiling = float(np.min(x, where=high == x, initial=inf))
        if self._floor > self._ceiling:
            raise UsageError(
                f"at least {self._floor} and at most {self._ceiling}, without error: no mean"
            )

    def mean(self) -> float:
        """Return the possible t at which the weighted deviations cancel."""
        low = max(float(self._x.min()), self._floor)
        return _root(self.deviation, low, min(float(self._x.max()), self._ceiling))

    def interval(self, mean: float, allowed: float) -> tuple[float, float]:
        """Return the lowest and highest possible t that deviate by the allowed standard errors."""
        below = above = float(np.sqrt(self._variance(mean)).max())
        while mean - below > self._floor and self.deviation(mean - below) < allowed:
            below *= 2
        while mean + above < self._ceiling and self.deviation(mean + above) > -allowed:
            above *= 2
        low, high = max(mean - below, self._floor), min(mean + above, self._ceiling)
        if self.deviation(low) > allowed:
            low = _root(lambda t: self.deviation(t) - allowed, low, mean)
        if self.deviation(high) < -allowed:
            high = _root(lambda t: self.deviation(t) + allowed, mean, high)
        return low, high

    def deviation(self, t: float) -> float:
        """Return how many standard errors the runs together lie above t."""
        variance = self._variance(t)
        return float(((self._x - t) / variance).sum() / np.sqrt((1 / variance).sum()))

    def spread(self, t: float) -> float:
        """Return Cochran's Q about t."""
        return float(((self._x - t) ** 2 / self._variance(t)).sum())

    def _variance(self, t: float) -> NDArray[np.float64]:
        linear = self._at_value + self._slope * (t - self._x)
        variance: NDArray[np.float64] = np.maximum(linear, self._least)
        return variance


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function changes sign between two numbers, by halving."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


def _checked(estimates: Sequence[Estimate]) -> Estimate:
    """Return the first estimate, all being of one kind."""
    if not estimates:
        raise UsageError("no estimates: a mean needs at least one")
    levels = sorted({e.level for e in estimates})
    if len(levels) > 1:
        told = " and ".join(map(str, levels))
        raise UsageError(f"levels {told}: estimates at several levels have no common mean")
    for e in estimates:
        if not isnan(e.value) and not e.low < e.high:
            raise UsageError(f"{e.value} in [{e.low}, {e.high}]: no width, so no weight")
    return estimates[0]
