"""Do two samples share shots? Equal rows, counted by how far apart they stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

Bits = NDArray[np.bool_]


def equal_rows(a: Bits, b: Bits) -> NDArray[np.int64]:
    """Return the lag j - i of every pair of equal rows a[i] and b[j], shape (pairs,)."""
    words = np.concatenate([np.packbits(part, axis=1) for part in (a, b)])
    _, number = np.unique(words, axis=0, return_inverse=True)
    first, second = number[: len(a)], number[len(a) :]
    order = np.argsort(second, kind="stable")
    start = np.searchsorted(second[order], first)
    counts = np.searchsorted(second[order], first, side="right") - start
    i = np.repeat(np.arange(len(a)), counts)
    inside = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts)
    lags: NDArray[np.int64] = order[np.repeat(start, counts) + inside] - i
    return lags


def chance_of_sharing(a: Bits, b: Bits) -> float:
    """Return how likely independent samples have as many equal rows at one lag as these have.

    For rows of which few are equal: pairs at a lag are Poisson then, and the largest number of
    them over all lags is judged as the largest of that many.
    """
    lags = equal_rows(a, b)
    if len(lags) == 0:
        return 1.0
    most = int(np.bincount(lags + len(a)).max())
    number = len(a) + len(b) - 1
    mean = len(lags) / max(len(a), len(b))  # at lag 0, where most pairs can be
    return float(min(1.0, number * poisson.sf(most - 1, mean)))


def largest_correlation(a: Bits, b: Bits) -> float:
    """Return the largest excess of equal rows over all lags, in standard deviations.

    For rows of few different kinds and samples of one size. Of independent samples of n rows it
    is near sqrt(2 ln(2 n)); above 6.5 with a probability of 8e-11 n.
    """
    words = np.concatenate([np.packbits(part, axis=1) for part in (a, b)])
    _, number = np.unique(words, axis=0, return_inverse=True)
    n, kinds = len(a), number.max() + 1
    share = np.bincount(number, minlength=kinds) / len(number)
    equal = np.zeros(2 * n)
    for kind in range(kinds):
        one, other = ((part == kind) - share[kind] for part in (number[:n], number[n:]))
        spectrum = np.fft.rfft(one, 2 * n).conj() * np.fft.rfft(other, 2 * n)
        equal += np.fft.irfft(spectrum, 2 * n)
    lags = np.fft.fftfreq(2 * n, 1 / (2 * n))
    overlap = n - np.abs(lags)
    spread = float((share**2).sum() - 2 * (share**3).sum() + (share**2).sum() ** 2)
    enough = overlap >= n / 20
    found: float = (equal[enough] / np.sqrt(overlap[enough] * spread)).max()
    return found
