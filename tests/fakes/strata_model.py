"""A circuit that is known by the rates of its strata alone, and shots of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexmagic.analysis.strata.fault_numbers import FaultNumberWeights, fault_number_weights
from hexmagic.experiments.counts import Counts, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What shots of one stratum do.

    Attributes:
        kept: a_k.
        wrong: of a kept shot, (probability, its probability of outcome -1), the rest having 0.
    """

    kept: float
    wrong: Sequence[tuple[float, float]] = ()

    def mean(self, power: int = 1) -> float:
        """Return the mean of the power of a kept shot's probability of outcome -1."""
        return sum(share * value**power for share, value in self.wrong)

    def sample(self, rng: np.random.Generator, shots: int) -> Counts:
        kept = int(rng.binomial(shots, self.kept))
        shares = [share for share, _ in self.wrong]
        values = np.array([value for _, value in self.wrong])
        events = rng.multinomial(kept, [*shares, 1 - sum(shares)])[:-1]
        minus, squares = float(events @ values), float(events @ values**2)
        return Counts(
            shots=shots,
            outcomes={"detect": Outcome(kept=kept, minus=minus, minus_squares=squares)},
        )


LOCATIONS = 450
Model = Mapping[int, Rate]


def weights_of(*weights: float, tail: float = 0.0) -> FaultNumberWeights:
    return FaultNumberWeights(weights=np.array(weights), tail=tail)


def points_of(rates: Sequence[float]) -> list[FaultNumberWeights]:
    """Return the weights of a sweep of the error rate of that many locations."""
    return [fault_number_weights(np.full(LOCATIONS, p), tail=1e-15) for p in rates]


def true_rates(model: Model, weights: NDArray[np.float64]) -> tuple[float, float]:
    """Return A and e."""
    acceptance = sum(w * model[k].kept for k, w in enumerate(weights))
    wrong = sum(w * model[k].kept * model[k].mean() for k, w in enumerate(weights))
    return acceptance, wrong / acceptance


def shot_variances(model: Model, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, by stratum, the variance of one shot's contribution to e: delta method."""
    acceptance, e = true_rates(model, weights)
    found = []
    for k, w in enumerate(weights):
        rate = model[k]
        mean = rate.kept * (rate.mean() - e)
        second = rate.kept * (rate.mean(2) - 2 * e * rate.mean() + e * e)
        found.append((w / acceptance) ** 2 * (second - mean**2))
    return np.array(found)
