"""Rates of a point: how many shots are kept, and how many of those read -1, however counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from ..experiments.counts import Counts, Outcome, Readout
from ..experiments.measures import Measure
from .estimate import Estimate, rate_estimate
from .exact_interval import weighted_interval
from .points import PointCounts
from .strata.rates import stratified_estimates

IDEAL = "clopper-pearson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What was found of one measure of a point.

    Attributes:
        shots: how many were taken; of strata, those with a given number of faults in all.
        kept: how many of them were kept.
        acceptance: share of shots that are kept.
        minus: share of kept shots with outcome -1.
    """

    shots: int
    kept: int
    acceptance: Estimate
    minus: Estimate


def measured_rates(point: PointCounts, measure: Measure, readout: Readout, level: float) -> Rates:
    """Return the rates of a measure; without shots they are NaN with [0, 1].

    Args:
        point: the point.
        measure: one of its measures.
        readout: how the faces of the readout are treated; of all measures but H_ideal there is
            one, the experiment's.
        level: two-sided confidence level.
    """
    if measure in point.stratified:
        return _stratified(point, measure, readout, level)
    nothing = Counts(shots=0, outcomes={readout: Outcome(kept=0, minus=0, minus_squares=0)})
    counts = point.counts.get(measure, nothing)
    outcome = counts.outcomes[readout]
    accepted = rate_estimate(outcome.kept, counts.shots, level=level)
    if measure == "H_ideal":
        minus = _probabilities(outcome, level)
    else:
        minus = rate_estimate(int(outcome.minus), outcome.kept, level=level)
    return Rates(shots=counts.shots, kept=outcome.kept, acceptance=accepted, minus=minus)


def _stratified(point: PointCounts, measure: Measure, readout: Readout, level: float) -> Rates:
    found = point.stratified[measure]
    both = stratified_estimates(found.weights, found.strata, readout=readout, level=level)
    sampled = [s.counts for s in found.strata.values() if s.counts is not None]
    return Rates(
        shots=sum(counts.shots for counts in sampled),
        kept=sum(counts.outcomes[readout].kept for counts in sampled),
        acceptance=both.acceptance,
        minus=both.infidelity,
    )


def _probabilities(outcome: Outcome, level: float) -> Estimate:
    """Return the mean of the probabilities of -1 that the kept shots tell."""
    low, high = weighted_interval(outcome.kept, outcome.minus, outcome.minus_squares, level)
    return Estimate(
        value=outcome.minus / outcome.kept if outcome.kept else nan,
        low=float(low),
        high=float(high),
        n=outcome.kept,
        method=IDEAL,
        level=level,
    )
