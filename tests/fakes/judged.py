"""Points with hand-made counts and strata, whose rates are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from hexmagic.analysis.points import PointCounts, Stratified
from hexmagic.analysis.strata.fault_numbers import FaultNumberWeights
from hexmagic.analysis.strata.stratum import ExactStratum, Stratum
from hexmagic.experiments.counts import Counts, Outcome, Readout
from hexmagic.experiments.spec import Accept

ACCEPT = Accept(hadamard=True, flags=True, syndromes=True, readout="detect")


def counts(shots: int, kept: int, minus: float, squares: float | None = None) -> Counts:
    """Return counts of one readout, "detect"; whole outcomes unless squares are given."""
    return Counts(shots=shots, outcomes={"detect": outcome(kept, minus, squares)})


def outcome(kept: int, minus: float, squares: float | None = None) -> Outcome:
    return Outcome(kept=kept, minus=minus, minus_squares=minus if squares is None else squares)


def both_readouts(shots: int, detect: Outcome, correct: Outcome) -> Counts:
    """Return counts of an ideal judgement."""
    return Counts(shots=shots, outcomes={"detect": detect, "correct": correct})


def ideal_counts() -> Counts:
    """1000 shots: detect keeps 800, 4 of them with 1/2 each; correct 900, 9 of them wrong."""
    return both_readouts(1000, outcome(800, 2.0, 1.0), outcome(900, 9.0))


def weights(*values: float) -> FaultNumberWeights:
    return FaultNumberWeights(weights=np.array(values), tail=0.0)


def ideal_strata(*values: float) -> Stratified:
    """No fault: kept and right, exactly. One: sampled. Two: certified. Others: nothing."""
    right = ExactStratum(kept=1.0, minus=0.0)
    detect: Readout = "detect"
    one = both_readouts(1000, outcome(100, 10.0), outcome(200, 40.0))
    return Stratified(
        weights=weights(*values),
        strata={
            0: Stratum(exact={"detect": right, "correct": right}),
            1: Stratum(counts=one),
            2: Stratum(certified=(detect,)),
        },
    )


def sampled(kept: int, minus: float, *values: float) -> Stratified:
    """Return strata with 1000 shots of no fault, which all are kept, and 1000 of one."""
    return Stratified(
        weights=weights(*values),
        strata={
            0: Stratum(counts=counts(1000, 1000, 100)),
            1: Stratum(counts=counts(1000, kept, minus)),
        },
    )


def make_point(**fields: Any) -> PointCounts:
    """Return a point; `measures` are those of its counts and strata."""
    given: dict[str, Any] = {
        "run": "r1",
        "point": 0,
        "label": "fold13 d=3 r=1",
        "scheme": "fold13",
        "distance": 3,
        "rounds": 1,
        "baseline": False,
        "device": "fake_torino",
        "noise": "uniform 0.001",
        "backend": "clifft",
        "swept": {},
        "accept": ACCEPT,
    }
    measured = (*fields.get("counts", {}), *fields.get("stratified", {}))
    return PointCounts(**({"measures": measured} | given | fields))


def swept_points() -> list[PointCounts]:
    """Return two points that share their strata, and a baseline with strata of its own."""
    found = []
    for i, (p, values) in enumerate(
        ((0.0001, (0.98, 0.0199, 1e-4)), (0.001, (0.9, 0.09, 0.009, 0.001)))
    ):
        common = {"noise": f"uniform {p}", "swept": {"device.noise.uniform": p}}
        label = f"fold13 d=3 r=1 uniform={p}"
        strata = {"H_ideal": ideal_strata(*values)}
        found.append(make_point(point=2 * i, label=label, stratified=strata, **common))
    own = {"H_ideal": sampled_ideal(0.95, 0.05)}
    names = {"label": "encoded d=3 uniform=0.001", "scheme": "encoded", "baseline": True}
    return [*found, make_point(point=3, stratified=own, rounds=None, **names, **common)]


def sampled_ideal(*values: float) -> Stratified:
    """Return strata of which one, of no fault, was sampled: 1 % wrong, all kept."""
    found = both_readouts(1000, outcome(1000, 10.0), outcome(1000, 10.0))
    return Stratified(weights=weights(*values), strata={0: Stratum(counts=found)})
