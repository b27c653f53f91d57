"""Intervals of rates that hold at small counts, also for shots that count in part."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..experiments.errors import UsageError

Floats = NDArray[np.float64]

_ROUNDING = 1e-9  # per value


def clopper_pearson_interval(
    k: ArrayLike, n: ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the Clopper-Pearson interval of k successes in n trials, elementwise.

    The upper end is the quantile a F / (b + a F) of the beta distribution with a = k + 1, b = n - k
    and F that of Fisher's F, whose cube root is normal to good approximation: with z the normal
    quantile, u = 1 / (9 a) and v = 1 / (9 b),

        F^(1/3) = ((1 - u)(1 - v) + z sqrt(u (1 - v)^2 + v (1 - u)^2 - z^2 u v))
                  / ((1 - v)^2 - z^2 v)

    and 1 where the denominator is not positive (b of a few tenths); the lower end is 1 minus that
    of the failures (E. Paulson, Ann. Math. Stat. 13, 233, 1942; C. R. Blyth, J. Am. Stat. Assoc.
    81, 843, 1986). At 95 % the upper end of a rare event is within 1 % of the exact one, the
    lower within 3 % from 3 counts on and below it (wider) at 1 and 2. k need not be whole.
    [0, 1] at n = 0.

    Raises:
        UsageError: k is not between 0 and n, or the level is not between 0 and 1.
    """
    successes, trials = checked_counts(k, n)
    z = normal_quantile(level)
    failures = trials - successes
    return 1 / (1 + _odds(failures, successes, z)), 1 / (1 + 1 / _odds(successes, failures, z))


def weighted_interval(
    n: ArrayLike, total: ArrayLike, squares: ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the interval of the mean of n values in [0, 1], from their sum and sum of squares.

    The values are taken for c = total / u events of size u: with u = squares / total these have
    the values' mean and variance, mean (u - mean). The interval is u times that of c events in n.
    For the upper end z^2 events of size 1 (3.8 at 95 %), as many as may just not have happened,
    are added to both sums in u, so that no values of note among n leave the same limit as 0 events
    of n. Values of 0 and 1 give u = 1 and the interval of a count.

    Args:
        n: how many values, of any shape.
        total: their sum.
        squares: the sum of their squares.
        level: two-sided confidence level.

    Raises:
        UsageError: no sums of values in [0, 1] (but for rounding), or an impossible level.
    """
    many, sums, second = (np.asarray(part, float) for part in (n, total, squares))
    slack = _ROUNDING * (1 + many)
    if not np.all((second >= -slack) & (second <= sums + slack) & (sums <= many + slack)):
        raise UsageError(
            f"{total!r} as the sum of {n!r} values and {squares!r} as that of their squares: "
            "the values must lie in [0, 1]"
        )
    sums, second = np.clip(sums, 0, many), np.clip(second, 0, many)
    mean_size = np.where(sums > 0, second / np.where(sums > 0, sums, 1), 1.0)
    unseen = normal_quantile(level) ** 2
    lasting = (second + unseen) / (sums + unseen)
    low, _ = clopper_pearson_interval(_events(sums, mean_size, many), many, level)
    _, high = clopper_pearson_interval(_events(sums, lasting, many), many, level)
    return mean_size * low, lasting * high


def checked_counts(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    """Return successes and trials, both of the shape that k and n broadcast to.

    Raises:
        UsageError: k is not between 0 and n.
    """
    successes, trials = np.broadcast_arrays(np.asarray(k, float), np.asarray(n, float))
    if not np.all((successes >= 0) & (successes <= trials)):
        raise UsageError(f"k = {k!r} of n = {n!r}: k must lie between 0 and n")
    return successes, trials


def normal_quantile(level: float) -> float:
    """Return how many standard deviations hold a two-sided confidence level: 1.96 for 95 %.

    Raises:
        UsageError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"level {level}: a confidence level lies between 0 and 1")
    return NormalDist().inv_cdf((1 + level) / 2)


def poisson_lower_limit(counts: ArrayLike, level: float = 0.95) -> Floats:
    """Return the lower end of the exact interval of a Poisson mean, elementwise, 0 at 0 counts.

    The limit of `clopper_pearson_interval` for many trials, c (1 - 1 / (9 c) - z / (3 sqrt c))^3.

    Args:
        counts: c, which need not be whole, of any shape.
        level: two-sided confidence level.
    """
    c = np.asarray(counts, float)
    v = 1 / (9 * np.where(c > 0, c, 1))
    low: Floats = c * np.maximum(1 - v - normal_quantile(level) * np.sqrt(v), 0) ** 3
    return low


def _events(sums: Floats, size: Floats, n: Floats) -> Floats:
    """Return sums / size: by Cauchy and Schwarz at most n, but for rounding, which is cut."""
    return np.minimum(sums / np.where(size > 0, size, 1), n)


def _odds(successes: Floats, failures: Floats, z: float) -> Floats:
    """Return upper / (1 - upper) of the upper end: infinite where that is 1."""
    u = 1 / (9 * (successes + 1))
    v = 1 / (9 * np.maximum(failures, 1e-9))
    square = (1 - v) ** 2 - z * z * v
    sane = (square > 0) & (v < 1)
    root = u * (1 - v) ** 2 + v * (1 - u) ** 2 - z * z * u * v
    cube_root = ((1 - u) * (1 - v) + z * np.sqrt(np.where(sane, root, 0))) / np.where(
        sane, square, 1
    )
    ratio = (successes + 1) / np.maximum(failures, 1e-9) * cube_root**3
    return np.where(sane, ratio, np.inf)
