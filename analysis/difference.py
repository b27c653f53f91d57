"""How far apart two independent estimates are: difference, ratio, and how many sigma."""

from __future__ import annotations

from math import hypot, inf, isnan, nan, sqrt

from ..experiments.errors import UsageError
from .estimate import MOVER, Estimate
from .exact_interval import normal_quantile

RATIO = "mover-ratio-"


def exactly(value: float, *, level: float = 0.95) -> Estimate:
    """Return a number without uncertainty, such as a prediction or a bound, to compare with."""
    return Estimate(value=value, low=value, high=value, n=0, method="exact", level=level)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """Return first - second; against a prediction, measured - predicted.

    The interval is MOVER's: the distances from value to end add in quadrature, the lower ones of
    the first with the upper ones of the second and the reverse (R. G. Newcombe, Stat. Med. 17, 873,
    1998). If either is NaN so is the difference, and its interval is all that the two allow.

    The two must rest on different shots. Those of `detect` and `correct` on the same ones do not.

    Raises:
        UsageError: the intervals have different levels.
    """
    _check_levels(first, second)
    value = first.value - second.value
    low, high = first.low - second.high, first.high - second.low
    if not isnan(value):
        low = value - hypot(first.value - first.low, second.high - second.value)
        high = value + hypot(first.high - first.value, second.value - second.low)
    return _compared(value, low, high, first, second, MOVER)


def sigmas(found: Estimate) -> float:
    """Return how many standard errors an estimate lies above 0 (below: negative); the pull.

    The standard error is the distance from the value to the end of the interval on the side of 0,
    over the normal quantile of its level: the side that decides whether 0 is possible. So the
    result is beyond that quantile (1.96 at 95 %) just if the interval leaves out 0. Without width
    on that side it is infinite; of the value 0 it is 0, of NaN it is NaN.
    """
    if isnan(found.value):
        return nan
    if found.value == 0:
        return 0.0
    towards = found.value - found.low if found.value > 0 else found.high - found.value
    quantile = normal_quantile(found.level)
    return quantile * found.value / towards if towards else inf * found.value


def ratio(first: Estimate, second: Estimate) -> Estimate:
    """Return first / second of two numbers that cannot be negative, such as infidelities.

    The interval is MOVER's for ratios (A. Donner and G. Y. Zou, Stat. Methods Med. Res. 21, 347,
    2012): it holds those r at which the MOVER interval of first - r second holds 0. Zero needs no
    special case: with no event in the second the ratio is infinite and so is the upper end, the
    lower one finite; with none in the first the ratio and its lower end are 0. With none in
    either it is NaN in [0, inf].

    Raises:
        UsageError: different levels; or a value or an end below 0, as that of a fidelity by
            tomography above 1: take the infidelity of `bloch.bloch_state`.
    """
    _check_levels(first, second)
    if min(first.low, second.low) < 0:
        raise UsageError(
            f"a ratio of [{first.low:.3g}, {first.high:.3g}] and [{second.low:.3g}, "
            f"{second.high:.3g}]: neither may be negative (infidelity: that of bloch_state)"
        )
    a, b = first.value, second.value
    if isnan(a) or isnan(b):
        value, low, high = nan, _over(first.low, second.high, 0.0), _over(first.high, second.low)
    else:
        value = _over(a, b, inf if a else nan)
        low = _end(a, first.low, b, second.high, 0.0)
        high = _end(a, first.high, b, second.low, inf)
    return _compared(value, low, high, first, second, RATIO)


def _end(a: float, end: float, b: float, other: float, otherwise: float) -> float:
    """Return the root r of (a - r b)^2 = (a - end)^2 + r^2 (b - other)^2 on the side of `end`.

    The lower root as a quotient by a sum, so that nothing cancels or divides by 0; of the upper one
    the denominator, other (2 b - other), is 0 only with `other`.
    """
    numerator, denominator = end * (2 * a - end), other * (2 * b - other)
    root = sqrt(max((a * b) ** 2 - numerator * denominator, 0.0))
    if end > a or other < b:
        return _over(a * b + root, denominator, otherwise)
    return _over(numerator, a * b + root, otherwise)


def _over(a: float, b: float, otherwise: float = inf) -> float:
    return a / b if b else otherwise


def _check_levels(first: Estimate, second: Estimate) -> None:
    if first.level != second.level:
        raise UsageError(
            f"intervals at level {first.level} and {second.level} cannot be compared: "
            "make both at one level"
        )


def _compared(
    value: float, low: float, high: float, first: Estimate, second: Estimate, method: str
) -> Estimate:
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=first.n + second.n,
        method=method + "/".join(dict.fromkeys((first.method, second.method))),
        level=first.level,
    )
