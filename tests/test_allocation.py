"""Allocation of shots to strata: single rounds, by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, sqrt

import numpy as np
import pytest
from fakes.strata_model import points_of, weights_of
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.analysis.strata.allocation import NextShots, next_shots
from hexmagic.analysis.strata.fault_numbers import FaultNumberWeights
from hexmagic.analysis.strata.stratum import ExactStratum, Strata, Stratum
from hexmagic.experiments.counts import Counts, Outcome, Readout
from hexmagic.experiments.errors import UsageError

DETECT: tuple[Readout, ...] = ("detect",)
SWEEP = tuple(np.geomspace(1e-4, 1e-3, 10))
CLEAN = Stratum(exact={"detect": ExactStratum(kept=1, minus=0)})
CERTIFIED = Stratum(certified=DETECT)


def counts(shots: int, kept: int, minus: float) -> Counts:
    outcome = Outcome(kept=kept, minus=minus, minus_squares=minus)
    return Counts(shots=shots, outcomes={"detect": outcome, "correct": outcome})


def sampled(shots: int, kept: int, minus: float) -> Stratum:
    return Stratum(counts=counts(shots, kept, minus))


def ask(
    points: Sequence[FaultNumberWeights],
    strata: Strata,
    *,
    relative_error: float | None = 0.05,
    budget: int = 10**8,
    batch: int = 1000,
) -> NextShots:
    return next_shots(
        points,
        strata,
        readouts=["detect"],
        relative_error=relative_error,
        budget=budget,
        batch=batch,
    )


def test_the_first_round_is_a_batch_of_every_stratum_of_some_weight() -> None:
    first = ask(points_of(SWEEP), {0: CLEAN, 1: CLEAN})
    assert first == NextShots(batches={2: 1, 3: 1, 4: 1}, status="sampling", relative_error=inf)
    assert ask(points_of([1e-4]), {0: CLEAN, 1: CLEAN}).batches == {2: 1, 3: 1}
    assert ask(points_of([1e-4]), {0: CLEAN, 1: CERTIFIED}).batches == {1: 1, 2: 1, 3: 1}
    assert set(ask(points_of([1e-2]), {0: CLEAN}).batches) == set(range(1, 13))


def test_a_small_budget_starts_with_the_heaviest_strata() -> None:
    points = points_of(SWEEP)
    assert ask(points, {0: CLEAN, 1: CLEAN}, budget=2999).batches == {2: 1, 3: 1}
    none = ask(points, {0: CLEAN, 1: CLEAN}, budget=999)
    assert (none.batches, none.status) == ({}, "budget")


def test_what_is_known_exactly_needs_no_shots() -> None:
    weights = weights_of(0.9, 0.1)
    assert ask([weights], {0: CLEAN, 1: CLEAN}) == NextShots(
        batches={}, status="reached", relative_error=0
    )
    wrong = Stratum(exact={"detect": ExactStratum(kept=0.5, minus=0.25)})
    assert ask([weights], {0: CLEAN, 1: wrong}).status == "reached"


def test_without_faults_there_is_nothing_to_sample() -> None:
    assert ask(points_of([0.0]), {0: CLEAN}).status == "reached"


def test_shots_go_where_they_lower_the_error_most() -> None:
    n = 10**6
    strata = {0: CLEAN, 1: sampled(n, n // 2, 40_000), 2: sampled(n // 2, n // 4, 20_000)}
    found = ask([weights_of(0.9, 0.075, 0.025)], strata, relative_error=2.95e-3)
    sizes = n + 1000 * found.batches[1], n // 2 + 1000 * found.batches[2]
    assert sizes[0] / sizes[1] == pytest.approx(3, rel=0.01)


def test_the_goal_is_met_by_the_shots_that_are_asked_for() -> None:
    n, e = 10**6, (0.075 + 0.025) * 0.04
    strata = {0: CLEAN, 1: sampled(n, n, 40_000), 2: sampled(n, n, 40_000)}
    found = ask([weights_of(0.9, 0.075, 0.025)], strata, relative_error=3.5e-3)
    sizes = {k: n + 1000 * found.batches.get(k, 0) for k in (1, 2)}
    spread = 0.04 * 0.96
    error = sqrt(0.075**2 * spread / sizes[1] + 0.025**2 * spread / sizes[2])
    assert found.batches == {1: found.batches[1]}
    assert 0.995 * 3.5e-3 < error / e <= 3.5e-3


def test_a_stratum_without_events_is_not_given_up_and_does_not_take_all() -> None:
    weights = weights_of(0.5, 0.25, 0.25)
    wrong = sampled(10_000, 10_000, 100)
    few = ask([weights], {0: CLEAN, 1: wrong, 2: sampled(1000, 1000, 0)})
    assert few.batches[1] > few.batches[2] > 0
    many = ask([weights], {0: CLEAN, 1: wrong, 2: sampled(10_000, 10_000, 0)})
    assert [*many.batches] == [1]
    assert 0.0995 < many.relative_error < few.relative_error


def test_a_round_at_most_doubles_the_shots() -> None:
    strata = {0: CLEAN, 1: sampled(3000, 1500, 3), 2: sampled(2000, 1000, 3)}
    found = ask([weights_of(0.9, 0.07, 0.03)], strata, relative_error=0.01)
    assert sum(found.batches.values()) == 5
    assert sum(ask([weights_of(0.9, 0.07, 0.03)], strata, budget=4500).batches.values()) == 4
    assert ask([weights_of(0.9, 0.07, 0.03)], strata, budget=900).status == "budget"


def test_strata_are_opened_until_what_is_left_is_a_tenth_of_the_error() -> None:
    strata = {0: CLEAN, 1: sampled(10**6, 10**6, 10**5)}
    allowed = 0.1 * 0.05 * 0.01
    closed = weights_of(0.9, 0.1, 0.6 * allowed, 0.3 * allowed)
    opened = weights_of(0.9, 0.1, 0.8 * allowed, 0.3 * allowed)
    assert ask([closed], strata).status == "reached"
    assert ask([opened], strata).batches == {2: 1}


def test_a_certified_stratum_is_opened_for_the_acceptance_alone() -> None:
    strata = {0: CLEAN, 1: sampled(10**6, 10**6, 10**5)}
    weights = weights_of(0.9, 0.0999, 0.0001)
    assert ask([weights], strata).batches == {2: 1}
    assert ask([weights], {**strata, 2: CERTIFIED}).status == "reached"
    assert ask([weights_of(0.8, 0.1, 0.1)], {**strata, 2: CERTIFIED}).batches == {2: 1}


def test_a_tail_that_is_too_large_is_told() -> None:
    strata = {0: CLEAN, 1: sampled(10**6, 10**6, 10**5)}
    found = ask([weights_of(0.9, 0.0999, tail=1e-4)], strata)
    assert (found.batches, found.status) == ({}, "tail")


def test_the_worst_point_and_readout_decide() -> None:
    n = 10_000
    easy, hard = weights_of(0.9, 0.1, 0), weights_of(0.9, 0, 0.1)
    outcomes: dict[Readout, Outcome] = {
        "detect": Outcome(kept=n, minus=900, minus_squares=900),
        "correct": Outcome(kept=n, minus=9, minus_squares=9),
    }
    strata = {
        k: Stratum(counts=Counts(shots=n, outcomes=pair))
        for k, pair in ((1, outcomes), (2, outcomes | {"detect": outcomes["correct"]}))
    }
    strata[0] = Stratum(exact=dict.fromkeys(("detect", "correct"), ExactStratum(kept=1, minus=0)))
    assert ask([easy], strata).status == "reached"
    assert [*ask([easy, hard], strata).batches] == [2]
    both = next_shots(
        [easy],
        strata,
        readouts=["detect", "correct"],
        relative_error=0.05,
        budget=10**8,
        batch=1000,
    )
    assert [*both.batches] == [1]
    assert both.relative_error == pytest.approx(1 / 3, rel=0.05)


def test_the_same_input_gives_the_same_output() -> None:
    strata = {0: CLEAN, 1: CLEAN, 2: sampled(5000, 1000, 100), 3: sampled(5000, 600, 300)}
    first = ask(points_of(SWEEP), strata)
    assert first == ask(points_of(SWEEP), dict(reversed(strata.items())))
    assert [*first.batches] == sorted(first.batches)


stratum_counts = st.tuples(st.integers(0, 5), st.integers(0, 1000), st.integers(0, 1000))


@given(
    weights=st.lists(st.lists(st.floats(1e-12, 1), min_size=1, max_size=6), min_size=1, max_size=3),
    found=st.lists(stratum_counts, max_size=6),
    certified=st.sets(st.integers(0, 5)),
    exact=st.sets(st.integers(0, 5)),
    goal=st.none() | st.floats(1e-9, 0.99),
    budget=st.integers(0, 20_000),
)
def test_whatever_was_found_a_round_keeps_its_bounds(
    weights: list[list[float]],
    found: list[tuple[int, int, int]],
    certified: set[int],
    exact: set[int],
    goal: float | None,
    budget: int,
) -> None:
    strata: dict[int, Stratum] = {}
    for k, (batches, kept, minus) in enumerate(found):
        n, wrong = 1000 * batches, 0 if k in certified else min(kept, minus)
        part = counts(n, min(kept, n), min(wrong, n))
        strata[k] = Stratum(counts=part, certified=DETECT if k in certified else ())
    strata |= dict.fromkeys(exact, CLEAN)
    points = [weights_of(*(np.array(w) / sum(w))) for w in weights]
    following = ask(points, strata, relative_error=goal, budget=budget)
    assert (following.status == "sampling") == bool(following.batches)
    assert all(batches > 0 for batches in following.batches.values())
    asked = sum(following.batches.values())
    taken = sum(s.counts.shots for s in strata.values() if s.counts is not None)
    assert 1000 * asked <= min(budget, max(taken, 6000))
    if following.status == "reached" and goal is not None:
        assert following.relative_error <= goal * (1 + 1e-9)
    if following.status == "budget":
        assert budget < 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"relative_error": 0.0}, "relative error"),
        ({"relative_error": 1.5}, "relative error"),
        ({"budget": -1}, "budget"),
        ({"batch": 0}, "batch"),
    ],
)
def test_an_impossible_question_is_refused(change: Mapping[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask([weights_of(1.0)], {}, **change)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no readout"):
        next_shots([], {}, readouts=[], relative_error=0.1, budget=1, batch=1)
