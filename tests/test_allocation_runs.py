"""Whole simulated runs: the goal is reached, truly, and with close to the fewest shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import pytest
from fakes.strata_model import LOCATIONS, Model, Rate, points_of, shot_variances, true_rates

from hexmagic.analysis.strata.allocation import NextShots, next_shots
from hexmagic.analysis.strata.fault_numbers import FaultNumberWeights
from hexmagic.analysis.strata.rates import combine
from hexmagic.analysis.strata.stratum import ExactStratum, Strata, Stratum
from hexmagic.experiments.counts import Readout

DETECT: tuple[Readout, ...] = ("detect",)
SWEEP = tuple(np.geomspace(1e-4, 1e-3, 10))
CLEAN = Stratum(exact={"detect": ExactStratum(kept=1, minus=0)})
HALF = Stratum(exact={"detect": ExactStratum(kept=0.5, minus=0)})
CERTIFIED = Stratum(certified=DETECT)


def rare_model(size: float = 1.0) -> Model:
    """Return a model with m_2 = 2e-2, m_3 = 6e-2, beyond them half of the kept shots wrong.

    Wrong shots have this probability of outcome -1, and are more in number if it is less.
    """
    minus = {0: 0.0, 1: 0.0, 2: 2e-2, 3: 6e-2}
    model = {}
    for k in range(LOCATIONS + 1):
        kept = 0.5**k
        wrong = minus.get(k, 0.5 * kept) / kept
        model[k] = Rate(kept=kept, wrong=[(min(wrong / size, 1), size)])
    return model


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A simulated run.

    Attributes:
        rounds: what was asked for, the last being empty.
        strata: what was found.
        shots: how many were taken.
    """

    rounds: Sequence[NextShots]
    strata: Strata
    shots: int


def simulate(
    model: Model,
    points: Sequence[FaultNumberWeights],
    *,
    known: Strata,
    seed: int = 0,
    relative_error: float | None = 0.05,
    budget: int = 10**7,
    batch: int = 500,
) -> Run:
    rng = np.random.default_rng(seed)
    strata: dict[int, Stratum] = dict(known)
    rounds: list[NextShots] = []
    shots = 0
    while not rounds or rounds[-1].batches:
        rounds.append(
            next_shots(
                points,
                strata,
                readouts=["detect"],
                relative_error=relative_error,
                budget=budget - shots,
                batch=batch,
            )
        )
        for k, batches in rounds[-1].batches.items():
            new = model[k].sample(rng, batches * batch)
            before = strata.get(k, Stratum())
            total = new if before.counts is None else before.counts + new
            strata[k] = replace(before, counts=total)
            shots += new.shots
    return Run(rounds=rounds, strata=strata, shots=shots)


def ideal_shots(
    model: Model, rates: Sequence[float], known: Strata, relative_error: float = 0.05
) -> float:
    """Return Neyman's number of shots, (sum_k v_k s_k)^2 / (r e)^2, of the worst point."""
    found = []
    for point in points_of(rates):
        variances = shot_variances(model, point.weights)
        variances[[k for k in known if known[k].exact]] = 0
        _, e = true_rates(model, point.weights)
        found.append((np.sqrt(variances).sum() / (relative_error * e)) ** 2)
    return float(max(found))


def relative_errors(run: Run, model: Model, points: Sequence[FaultNumberWeights]) -> list[float]:
    """Return the true standard error of e over e at each point, from the shots that were taken."""
    found = []
    for point in points:
        _, e = true_rates(model, point.weights)
        variances = shot_variances(model, point.weights)
        taken = {k: s.counts.shots for k, s in run.strata.items() if s.counts is not None}
        found.append(
            sqrt(sum(variances[k] / n for k, n in taken.items() if k < len(variances))) / e
        )
    return found


def test_without_a_goal_the_budget_is_spent() -> None:
    run = simulate(
        rare_model(),
        points_of(SWEEP),
        known={0: CLEAN, 1: CLEAN},
        relative_error=None,
        budget=50_300,
    )
    assert (run.shots, run.rounds[-1].status) == (50_000, "budget")
    taken = [s.counts.shots for k, s in sorted(run.strata.items()) if s.counts is not None]
    assert taken[0] == max(taken)


@pytest.mark.parametrize("one_fault", [HALF, CERTIFIED])
@pytest.mark.parametrize("size", [1.0, 0.5])
def test_a_run_reaches_its_goal_with_close_to_the_fewest_shots(
    one_fault: Stratum, size: float
) -> None:
    known = {0: CLEAN, 1: one_fault}
    model, points = rare_model(size), points_of(SWEEP)
    truth = [true_rates(model, point.weights) for point in points]
    inside = []
    for seed in range(25):
        run = simulate(model, points, known=known, seed=seed)
        assert run.rounds[-1].status == "reached"
        assert run.rounds[-1].relative_error <= 0.05
        assert max(relative_errors(run, model, points)) < 0.065
        assert run.shots < 2 * ideal_shots(model, SWEEP, known)
        assert len(run.rounds) <= 12
        found = combine(points, run.strata, readout="detect")
        inside += [
            one.infidelity.low <= e <= one.infidelity.high
            and one.acceptance.low <= a <= one.acceptance.high
            for one, (a, e) in zip(found, truth, strict=True)
        ]
    assert np.mean(inside) > 0.88  # points of a run are correlated: 25 runs at 95 %


def test_a_finer_goal_takes_shots_with_its_square() -> None:
    model, points, known = rare_model(), points_of([3e-4]), {0: CLEAN, 1: CERTIFIED}
    coarse, fine = (
        simulate(model, points, known=known, relative_error=r).shots for r in (0.05, 0.02)
    )
    assert fine / coarse == pytest.approx(6.25, rel=0.3)


def test_an_outcome_that_is_not_rare_is_known_to_a_share_of_its_rate() -> None:
    wrong = {0: 0.1464, 1: 0.2, 2: 0.3}
    model = {k: Rate(kept=0.5**k, wrong=[(wrong.get(k, 0.5), 1)]) for k in range(LOCATIONS + 1)}
    points = points_of([1e-4, 1e-3])
    run = simulate(model, points, known={}, relative_error=0.01)
    assert run.rounds[-1].status == "reached"
    assert max(relative_errors(run, model, points)) < 0.011
    assert run.shots < 2 * ideal_shots(model, [1e-4, 1e-3], {}, 0.01)


def test_many_faults_are_found_where_their_weight_is() -> None:
    model, points = rare_model(), points_of([1e-2])
    run = simulate(model, points, known={0: CLEAN, 1: CERTIFIED})
    assert run.rounds[-1].status == "reached"
    assert run.shots < 2 * ideal_shots(model, [1e-2], {0: CLEAN})
