"""Fits of the two laws that the paper quotes: error rate c p^k and acceptance exp(-N p).

Both are linear in logarithms, and so is each with one more term for what a finite p adds:
ln e = ln c + k ln p + b p, whose c is the limit at p -> 0, and ln A = -N p - M p^2. Each point
weighs 1 / s^2, s the standard error of its logarithm.

Points of one sweep rest on the same strata, so their errors go together and more points do not
make the result more certain. The standard errors here are therefore the largest that any
correlation between the points allows: a parameter is a sum of g_i y_i over the points, and
|g_i| s_i add up, not their squares. For one parameter that is never less than the smallest s.
Where the law misses its points (chi^2 per degree of freedom > 1) the errors grow by its square
root. Correlated points make chi^2 too small: it can show that a law is wrong, not that it is right.

Published points come without errors. Then all weigh the same, the scatter about the law is their
error, and they count as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, nan, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A fitted number and its standard error: 0 if it was fixed, NaN if it is not known."""

    value: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted law.

    Attributes:
        law: its formula, such as "c p^2".
        coefficient: c or N.
        exponent: k; None for the acceptance.
        bend: b in c p^k exp(b p), or M in exp(-N p - M p^2); None in the plain laws.
        chi2_per_dof: NaN without errors or without degrees of freedom.
        points: how many points it rests on.
        p_low, p_high: the smallest and the largest p of them.
    """

    law: str
    coefficient: Parameter
    exponent: Parameter | None
    bend: Parameter | None
    chi2_per_dof: float
    points: int
    p_low: float
    p_high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogPoints:
    """Points to fit.

    Attributes:
        p: physical error rates, above 0.
        log: natural logarithm of what was measured at each.
        error: standard error of each logarithm; None if none is known.
    """

    p: Floats
    log: Floats
    error: Floats | None


def log_points(p: Sequence[float], value: Sequence[float], error: Sequence[float]) -> LogPoints:
    """Return the points that have a logarithm.

    Points with p or value not above 0 are left out. If some errors are known, so are points whose
    error is not known or not above 0.

    Args:
        p: physical error rates.
        value: what was measured.
        error: its standard errors; NaN if unknown.
    """
    rates, values, errors = (np.asarray(column, float) for column in (p, value, error))
    usable = (rates > 0) & (values > 0) & np.isfinite(rates) & np.isfinite(values)
    known = usable & (errors > 0) & np.isfinite(errors)
    kept = known if known.any() else usable
    return LogPoints(
        p=rates[kept],
        log=np.log(values[kept]),
        error=errors[kept] / values[kept] if known.any() else None,
    )


def fit_power(points: LogPoints, *, exponent: int | None, bend: bool = False) -> Fit | None:
    """Return the fit of c p^k, or of c p^k exp(b p); None with too few different p.

    Args:
        points: p and the logarithms of the error rate.
        exponent: k, or None to fit it.
        bend: whether to fit b too, so that c is the limit at p -> 0.
    """
    p, log = points.p, points.log
    columns = [np.ones_like(p), *([np.log(p)] if exponent is None else []), *([p] if bend else [])]
    fixed = 0 if exponent is None else exponent
    solved = _solve(columns, log - fixed * np.log(p), points)
    if solved is None:
        return None
    (logarithm, *others), chi2_per_dof = solved
    c = exp(logarithm.value)
    k = Parameter(value=fixed, error=0.0) if exponent is not None else others.pop(0)
    return Fit(
        law=f"c p^{'k' if exponent is None else exponent}" + (" exp(b p)" if bend else ""),
        coefficient=Parameter(value=c, error=c * logarithm.error),
        exponent=k,
        bend=others[0] if bend else None,
        chi2_per_dof=chi2_per_dof,
        points=len(points.p),
        p_low=float(points.p.min()),
        p_high=float(points.p.max()),
    )


def fit_decay(points: LogPoints, *, bend: bool = False) -> Fit | None:
    """Return the fit of exp(-N p), or of exp(-N p - M p^2); None with too few different p.

    Args:
        points: p and the logarithms of the acceptance.
        bend: whether to fit M too, so that N is the slope at p -> 0.
    """
    columns = [-points.p, *([-(points.p**2)] if bend else [])]
    solved = _solve(columns, points.log, points)
    if solved is None:
        return None
    (n, *others), chi2_per_dof = solved
    return Fit(
        law="exp(-N p - M p^2)" if bend else "exp(-N p)",
        coefficient=n,
        exponent=None,
        bend=others[0] if bend else None,
        chi2_per_dof=chi2_per_dof,
        points=len(points.p),
        p_low=float(points.p.min()),
        p_high=float(points.p.max()),
    )


def _solve(
    columns: Sequence[Floats], target: Floats, points: LogPoints
) -> tuple[list[Parameter], float] | None:
    """Return the least-squares parameters of sum_j columns[j] theta_j = target, and chi^2 / dof."""
    if len(np.unique(points.p)) < len(columns):
        return None
    weight = 1 / (np.ones_like(target) if points.error is None else points.error)
    design = np.stack(columns, axis=1) * weight[:, None]
    size = np.linalg.norm(design, axis=0)
    gain = np.linalg.pinv(design / size) / size[:, None]  # theta = gain @ (target * weight)
    values = gain @ (target * weight)
    residual = target * weight - design @ values
    freedom = len(target) - len(columns)
    chi2_per_dof = float(residual @ residual) / freedom if freedom else nan
    if points.error is None:
        errors = sqrt(chi2_per_dof) * np.linalg.norm(gain, axis=1)
        chi2_per_dof = nan
    else:
        errors = np.abs(gain).sum(axis=1) * sqrt(max(1.0, chi2_per_dof) if freedom else 1.0)
    pairs = zip(values, errors, strict=True)
    return [Parameter(value=float(v), error=float(e)) for v, e in pairs], chi2_per_dof
