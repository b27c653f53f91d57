"""Strata beside direct sampling of the same circuit and noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import sqrt
from operator import add

import numpy as np

from hexmagic.analysis.postselect import count_shots
from hexmagic.analysis.strata.fault_numbers import FaultNumberWeights, fault_number_weights
from hexmagic.analysis.strata.rates import stratified_estimates
from hexmagic.analysis.strata.stratum import Stratum
from hexmagic.backends.clifft.engine import count, counts_early, location_probabilities, sample
from hexmagic.backends.clifft.shots import batches
from hexmagic.backends.compilation import Compiled
from hexmagic.experiments.counts import Counts, Readout
from hexmagic.experiments.spec import Accept, NoiseSpec

from .agreement import Difference

ACCEPT = Accept(readout="detect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """An estimate and its standard error."""

    value: float
    sigma: float

    def minus(self, other: Rate) -> Difference:
        """Return both beside each other."""
        sigma = sqrt(self.sigma**2 + other.sigma**2)
        return Difference(first=self.value, second=other.value, sigma=sigma)


def weights_of(compiled: Compiled, noise: NoiseSpec, tail: float = 1e-7) -> FaultNumberWeights:
    """Return how likely each number of faults is."""
    return fault_number_weights(location_probabilities(compiled, noise), tail=tail)


def sample_strata(
    compiled: Compiled, noise: NoiseSpec, *, most: int, shots: int, seed: int
) -> dict[int, Counts]:
    """Return counts of so many shots each with 0, 1, ..., `most` faults."""
    return {k: _counts(compiled, noise, shots, seed * 1000 + k, faults=k) for k in range(most + 1)}


def sample_directly(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Counts:
    """Return counts of shots with faults as they come; whole records a batch at a time."""
    return _counts(compiled, noise, shots, seed, faults=None)


def _counts(
    compiled: Compiled, noise: NoiseSpec, shots: int, seed: int, *, faults: int | None
) -> Counts:
    if counts_early(compiled, noise):
        return count(compiled, noise, ACCEPT, shots=shots, seed=seed, faults=faults)
    parts = (
        count_shots(sample(compiled, noise, shots=size, seed=part, faults=faults), ACCEPT)
        for size, part in batches(shots, seed)
    )
    return reduce(add, parts)


def direct_rates(counts: Counts, readout: Readout) -> tuple[Rate, Rate]:
    """Return acceptance and the rate of outcome -1."""
    found = counts.outcomes[readout]
    a, e = found.kept / counts.shots, found.minus / found.kept
    spread = max(found.minus_squares / found.kept - e * e, 0)
    return (
        Rate(value=a, sigma=sqrt(a * (1 - a) / counts.shots)),
        Rate(value=e, sigma=sqrt(spread / found.kept)),
    )


def strata_rates(
    weights: FaultNumberWeights, strata: Mapping[int, Counts], readout: Readout
) -> tuple[Rate, Rate]:
    """Return the same of strata: values by the package, standard errors by the delta method."""
    known = {k: Stratum(counts=counts) for k, counts in strata.items()}
    both = stratified_estimates(weights, known, readout=readout)
    a, e = both.acceptance.value, both.infidelity.value
    of_a, of_e = 0.0, 0.0
    for k, counts in strata.items():
        if k >= len(weights.weights):
            continue
        w, found, n = float(weights.weights[k]), counts.outcomes[readout], counts.shots
        kept, mean = found.kept / n, (found.minus - e * found.kept) / n
        square = (found.minus_squares - 2 * e * found.minus + e * e * found.kept) / n
        of_a += w * w * kept * (1 - kept) / n
        of_e += (w / a) ** 2 * max(square - mean * mean, 0) / n
    return Rate(value=a, sigma=float(np.sqrt(of_a))), Rate(value=e, sigma=float(np.sqrt(of_e)))


def strata_differences(
    compiled: Compiled, noise: NoiseSpec, strata: Mapping[int, Counts], direct: Counts
) -> dict[str, Difference]:
    """Return acceptance and rate of -1, strata against direct sampling, of every readout known."""
    weights, found = weights_of(compiled, noise), {}
    for readout in direct.outcomes:
        pairs = zip(
            strata_rates(weights, strata, readout), direct_rates(direct, readout), strict=True
        )
        for name, (one, other) in zip(("acceptance", "minus"), pairs, strict=True):
            found[f"{name} {readout}"] = one.minus(other)
    return found
