"""Intervals of estimates from strata hold what they promise: coverage by simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
import pytest
from fakes.strata_model import Model, Rate, shot_variances, true_rates, weights_of

from hexmagic.analysis.strata.rates import stratified_estimates
from hexmagic.analysis.strata.stratum import ExactStratum, Stratum
from hexmagic.experiments.counts import Readout

DETECT: tuple[Readout, ...] = ("detect",)
WEIGHTS = (0.9, 0.08, 0.015, 0.004, 0.001)


def known_exactly(rate: Rate) -> Stratum:
    exact = ExactStratum(kept=rate.kept, minus=rate.kept * rate.mean())
    return Stratum(exact={"detect": exact})


def coverage(
    model: Model,
    weights: Sequence[float],
    shots: Mapping[int, int],
    certified: Sequence[int] = (),
    repetitions: int = 2000,
) -> tuple[float, float, float]:
    """Return how often e and A lie in their intervals, and e's width over the delta method's.

    Strata without shots are known exactly.
    """
    rng = np.random.default_rng(1)
    a, e = true_rates(model, np.array(weights))
    known = {k: known_exactly(rate) for k, rate in model.items()}
    point = weights_of(*weights)
    infidelities, acceptances, widths = [], [], []
    for _ in range(repetitions):
        drawn = {
            k: Stratum(counts=model[k].sample(rng, n), certified=DETECT if k in certified else ())
            for k, n in shots.items()
        }
        found = stratified_estimates(point, {**known, **drawn}, readout="detect")
        infidelities.append(found.infidelity.low <= e <= found.infidelity.high)
        acceptances.append(found.acceptance.low <= a <= found.acceptance.high)
        widths.append(found.infidelity.high - found.infidelity.low)
    variances = shot_variances(model, np.array(weights))
    delta = 2 * 1.96 * sqrt(sum(variances[k] / n for k, n in shots.items()))
    return (
        float(np.mean(infidelities)),
        float(np.mean(acceptances)),
        float(np.mean(widths)) / delta,
    )


def rare(expected: Sequence[float], n: int, sizes: Mapping[float, float] = {1.0: 1.0}) -> Model:
    """Return a model with so many wrong shots of n expected in the strata 2, 3, 4."""
    model = {0: Rate(kept=1), 1: Rate(kept=0.3)}
    for k, kept, events in zip((2, 3, 4), (0.3, 0.2, 0.1), expected, strict=True):
        share = events / (n * kept)
        model[k] = Rate(kept=kept, wrong=[(share * part, size) for size, part in sizes.items()])
    return model


@pytest.mark.parametrize(("expected", "widest"), [(0.5, 1.7), (3, 1.25), (30, 1.1), (3000, 1.01)])
def test_the_interval_of_one_rare_stratum_covers(expected: float, widest: float) -> None:
    n = 10_000
    model = rare((expected, 0, 0), n)
    covered, _, width = coverage(model, WEIGHTS, {2: n})
    assert covered >= 0.94
    assert width < widest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expected", "widest"),
    [
        ((0.5, 0.5, 0.5), 1.8),
        ((3, 3, 3), 1.3),
        ((30, 30, 30), 1.1),
        ((0.5, 3, 30), 1.8),
        ((30, 3, 0.5), 1.1),
        ((300, 300, 300), 1.03),
    ],
)
def test_the_interval_of_rare_strata_covers(expected: Sequence[float], widest: float) -> None:
    n = 20_000
    shots = {1: 1000, 2: n, 3: n, 4: n}
    infidelity, acceptance, width = coverage(rare(expected, n), WEIGHTS, shots, certified=[1])
    assert min(infidelity, acceptance) >= 0.94
    assert width < widest


@pytest.mark.slow
@pytest.mark.parametrize(("expected", "widest"), [(0.5, 3.7), (3, 1.9), (30, 1.2), (300, 1.05)])
def test_the_interval_of_probabilities_covers(expected: float, widest: float) -> None:
    n, sizes = 20_000, {1.0: 0.1, 0.5: 0.2, 0.146: 0.3, 0.01: 0.4}
    model = rare([expected] * 3, n, sizes)
    covered, _, width = coverage(model, WEIGHTS, {2: n, 3: n, 4: n})
    assert covered >= 0.94
    assert width < widest


@pytest.mark.slow
@pytest.mark.parametrize("expected", [0.1, 0.5, 3, 30])
def test_few_whole_events_among_many_small_ones_are_covered(expected: float) -> None:
    n = 20_000
    model = rare((300, 0, 0), n, {0.02: 1.0, 1.0: expected / 300})
    covered, _, _ = coverage(model, WEIGHTS, {2: n})
    assert covered >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("expected", [0.05, 0.2, 0.5, 3])
def test_a_few_events_in_many_strata_of_one_weight_are_covered(expected: float) -> None:
    n, strata = 1000, range(1, 11)
    wrong = [(expected / (n * 0.3), 1.0)]
    model = {0: Rate(kept=1), **dict.fromkeys(strata, Rate(kept=0.3, wrong=wrong))}
    covered, _, _ = coverage(model, [0.5] + [0.05] * 10, dict.fromkeys(strata, n))
    assert covered >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize(("n", "widest"), [(100, 1.25), (1000, 1.1), (10_000, 1.03)])
def test_the_interval_of_an_outcome_that_is_not_rare_covers(n: int, widest: float) -> None:
    wrong = {1: 0.16, 2: 0.25, 3: 0.4, 4: 0.5}
    kept = {1: 0.4, 2: 0.2, 3: 0.1, 4: 0.03}
    model = {0: Rate(kept=1, wrong=[(0.1464, 1)])}
    model |= {k: Rate(kept=kept[k], wrong=[(wrong[k], 1)]) for k in kept}
    infidelity, acceptance, width = coverage(
        model, (0.3, 0.35, 0.2, 0.1, 0.05), dict.fromkeys(kept, n)
    )
    assert min(infidelity, acceptance) >= 0.94
    assert width < widest


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 100, 400])
@pytest.mark.parametrize("kept", [0.005, 0.02, 0.1])
def test_strata_that_keep_few_shots_are_covered(n: int, kept: float) -> None:
    model = {0: Rate(kept=0.1), 1: Rate(kept=0)}
    model |= {k: Rate(kept=kept, wrong=[(e, 1)]) for k, e in ((2, 0.5), (3, 0.1), (4, 0.02))}
    infidelity, acceptance, _ = coverage(model, [0.2] * 5, {2: n, 3: n, 4: n})
    assert min(infidelity, acceptance) >= 0.94
