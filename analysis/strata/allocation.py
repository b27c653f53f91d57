"""How many shots to take next, and with how many faults.

The estimates are those of `strata`. Of one point, v_k = w_k / A, and n_k shots of stratum k,

    var e = sum_k v_k^2 s_k^2 / n_k
    s_k^2 = <(x - e kept)^2> - <x - e kept>^2 + 1 / (2 n_k)

with x a shot's probability of being kept with outcome -1. The last term counts half an event more
than were seen, so that a stratum without one is neither taken for harmless nor for certain
(in a certified stratum that half is of e^2, since x is 0 there).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...experiments.counts import Readout
from ...experiments.errors import UsageError
from .fault_numbers import FaultNumberWeights
from .rates import weight_table
from .stratum import Strata, Stratum, stratum_sums

TRUNCATED = 0.1
"""Share of the wanted error that the strata without shots may be off by."""

Floats = NDArray[np.float64]
Status = Literal["sampling", "reached", "budget", "tail"]

_PILOT = 0.01  # strata that weigh less than this share of the largest wait until e is known
_EVENT = 0.5  # the pseudo-count
_ITERATIONS = 200
_LEAST = 1e-12  # of a multiplier, so that it can grow again
_HALVINGS = 60
_MANY = 1e12  # batches, more than anyone can pay


@dataclass(frozen=True, slots=True, kw_only=True)
class NextShots:
    """What to do next.

    Attributes:
        batches: number of faults to number of batches; empty when there is nothing left to do.
        status: sampling; or why not: the goal is reached, the budget is spent, or the goal cannot
            be reached because the weights' tails are too large (make them smaller).
        relative_error: standard error of e over e so far, of the worst point and readout; infinite
            while some e is 0 for want of counts.
    """

    batches: Mapping[int, int]
    status: Status
    relative_error: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """What is known of each point under each readout, one row each.

    Attributes:
        rate: e, shape (rows,).
        scale: e, or what half an event would make of it.
        variances: v_k^2 s_k^2, shape (rows, strata).
        error: standard error of e.
        gains: how far off e may be for want of each stratum, shape (rows, strata).
        tail: the same of what lies beyond the weights, shape (rows,).
    """

    rate: Floats
    scale: Floats
    variances: Floats
    error: Floats
    gains: Floats
    tail: Floats


def next_shots(
    points: Sequence[FaultNumberWeights],
    strata: Strata,
    *,
    readouts: Sequence[Readout],
    relative_error: float | None,
    budget: int,
    batch: int,
) -> NextShots:
    """Return the next round of shots for points that share their strata.

    The goal: at every point and of every readout one standard error of e (infidelity, or the rate
    of outcome -1 of what is measured) is at most `relative_error` times e, and what was not sampled
    can change e by at most a tenth of that.

    The first round is one batch of every stratum of some weight. Later ones open, by one batch
    each, the strata that the truncation asks for, and add shots where they lower the error most:
    the n_k are those of least sum that reach the goal at all points, given the shots already taken;
    for one point Neyman's n_k in proportion to v_k s_k. No later round more than doubles the shots.
    A shot costs the same in every stratum. The same input gives the same output.

    Args:
        points: the weights of each point.
        strata: what is known so far.
        readouts: the treatments of the readout's faces that are asked for.
        relative_error: the goal, between 0 and 1; None spends the whole budget.
        budget: shots that are left.
        batch: shots of one batch.

    Raises:
        UsageError: an impossible goal, budget or batch, or no such readout in the counts.
        HexmagicError: the counts contradict a certificate.
    """
    _check(readouts, relative_error, budget, batch)
    length = max((len(point.weights) for point in points), default=0)
    table = weight_table(points, length)
    taken = np.array([_shots(strata, k) for k in range(length)], float)
    affordable = budget // batch
    if not taken.any() and (pilot := _pilot(table, strata, readouts)):
        return NextShots(
            batches=dict.fromkeys(sorted(pilot[:affordable]), 1),
            status="sampling" if affordable else "budget",
            relative_error=inf,
        )
    rows = _stack(points, table, strata, readouts)
    target = rows.error if relative_error is None else relative_error * rows.scale
    opened = _open(rows.gains, TRUNCATED * target, rows.tail)
    wanted = np.zeros(length, int)
    if taken.any():
        shrunk = target / np.sqrt(2) if relative_error is None else target
        sizes = _sizes(rows.variances, shrunk, taken)
        wanted = np.minimum(np.ceil((sizes - taken) / batch), _MANY).astype(int)
    cap = min(affordable, max(1, -int(-taken.sum() // batch)))
    batches = _share(opened, wanted, cap)
    status: Status = "sampling" if batches else "budget"
    if not opened and not wanted.any():
        status = "reached" if np.all(rows.tail <= TRUNCATED * target) else "tail"
    return NextShots(batches=batches, status=status, relative_error=_worst(rows))


def _check(
    readouts: Sequence[Readout], relative_error: float | None, budget: int, batch: int
) -> None:
    if relative_error is not None and not 0 < relative_error < 1:
        raise UsageError(f"relative error {relative_error}: give one between 0 and 1, say 0.05")
    if budget < 0 or batch < 1:
        raise UsageError(f"budget {budget}, batch {batch}: shots left >= 0, of a batch >= 1")
    if not readouts:
        raise UsageError("no readout is asked for: give detect, correct or both")


def _shots(strata: Strata, k: int) -> int:
    counts = strata.get(k, Stratum()).counts
    return counts.shots if counts else 0


def _pilot(table: Floats, strata: Strata, readouts: Sequence[Readout]) -> list[int]:
    """Return the strata to begin with, the heaviest first."""
    every = [strata.get(k, Stratum()) for k in range(table.shape[1])]
    unknown = np.array([any(r not in s.exact for r in readouts) for s in every], bool)
    faulty = np.array([any(r not in {*s.exact, *s.certified} for r in readouts) for s in every])
    heaviest = (table * faulty).max(axis=1, initial=0)
    return _open(table * unknown, _PILOT * heaviest, np.zeros(len(table)))


def _stack(
    points: Sequence[FaultNumberWeights],
    table: Floats,
    strata: Strata,
    readouts: Sequence[Readout],
) -> _Rows:
    """Return the rows of all readouts, one block below the other."""
    tails = np.array([point.tail for point in points])
    blocks = [_block(table, tails, strata, readout) for readout in readouts]
    return _Rows(
        rate=np.concatenate([block.rate for block in blocks]),
        scale=np.concatenate([block.scale for block in blocks]),
        variances=np.concatenate([block.variances for block in blocks]),
        error=np.concatenate([block.error for block in blocks]),
        gains=np.concatenate([block.gains for block in blocks]),
        tail=np.concatenate([block.tail for block in blocks]),
    )


def _block(table: Floats, tails: Floats, strata: Strata, readout: Readout) -> _Rows:
    """Return the rows of one readout."""
    sums = stratum_sums(strata, readout, table.shape[1])
    shots = np.where(sums.known, sums.shots, 1)
    kept, minus, squares = sums.kept / shots, sums.minus / shots, sums.squares / shots
    sampled = sums.known & ~sums.exact
    event = _EVENT * sampled / shots
    seen = table @ kept
    acceptance = np.where(seen > 0, seen, table @ event)
    acceptance = np.where(acceptance > 0, acceptance, 1)
    share = table / acceptance[:, None]
    rate = share @ minus
    scale = np.where(rate > 0, rate, (share * event * ~sums.certified).max(axis=1, initial=0))
    e = rate[:, None]
    spread = squares - 2 * e * minus + e * e * kept - (minus - e * kept) ** 2
    spread = np.maximum(spread, 0) + event * np.where(sums.certified, e * e, 1)
    variances = sampled * share**2 * spread
    return _Rows(
        rate=rate,
        scale=scale,
        variances=variances,
        error=np.sqrt(variances @ (1 / shots)),
        gains=share * ~sums.known * np.where(sums.certified, e, 1),
        tail=tails / acceptance,
    )


def _open(gains: Floats, allowed: Floats, tail: Floats) -> list[int]:
    """Return the strata that cannot stay unknown, the weightiest first.

    In each row the smallest gains stay unknown as long as they and the tail sum to no more than is
    allowed; a tail that is more by itself, which no stratum mends, is left out.
    """
    room = np.where(tail < allowed, allowed - tail, allowed)
    order = np.argsort(gains, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(gains, order, axis=1), axis=1)
    needed = np.zeros(gains.shape, bool)
    np.put_along_axis(needed, order, sums > room[:, None], axis=1)
    largest = np.where(needed & (gains > 0), gains, 0).max(axis=0, initial=0)
    return [int(k) for k in np.argsort(-largest, kind="stable") if largest[k] > 0]


def _sizes(variances: Floats, target: Floats, taken: Floats) -> Floats:
    """Return the n >= taken of least sum with sum_k variances_jk / n_k <= target_j^2 for all j.

    At the optimum n_k = max(taken_k, sqrt(sum_j l_j c_jk)), with c = variances / target^2 and
    multipliers l >= 0 that vanish where the goal is more than reached. They are found by
    l_j <- l_j sum_k c_jk / n_k, from each row's own Neyman allocation; then n is scaled until the
    worst row is at its goal.
    """
    rows = (target > 0) & variances.any(axis=1)
    columns = taken > 0
    c = (variances[rows] / target[rows, None] ** 2)[:, columns]
    start = taken[columns]
    if not c.size or np.all(c @ (1 / start) <= 1):
        return taken
    multipliers = np.sqrt(c).sum(axis=1) ** 2
    least = _LEAST * multipliers
    for _ in range(_ITERATIONS):
        share = c @ (1 / np.maximum(start, np.sqrt(multipliers @ c)))
        multipliers = np.maximum(multipliers * share, least)
    ideal = np.sqrt(multipliers @ c)
    low, high = 0.0, 1.0
    while not np.all(c @ (1 / np.maximum(start, high * ideal)) <= 1):
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = np.all(c @ (1 / np.maximum(start, middle * ideal)) <= 1)
        low, high = (low, middle) if reached else (middle, high)
    sizes = taken.copy()
    sizes[columns] = np.maximum(start, high * ideal)
    return sizes


def _share(opened: Sequence[int], wanted: NDArray[np.int_], cap: int) -> dict[int, int]:
    """Return at most `cap` batches: one for each opened stratum, then in proportion to the wanted.

    Whole batches by largest remainder, of equal remainders the lower stratum.
    """
    batches = dict.fromkeys(opened[:cap], 1)
    left = min(cap - len(batches), int(wanted.sum()))
    if left > 0:
        quota = wanted / wanted.sum() * left
        given = np.floor(quota).astype(int)
        first = np.argsort(given - quota, kind="stable")[: left - int(given.sum())]
        given[first] += 1
        for k in np.flatnonzero(given):
            batches[int(k)] = batches.get(int(k), 0) + int(given[k])
    return dict(sorted(batches.items()))


def _worst(rows: _Rows) -> float:
    """Return the largest relative standard error; 0 of an e that is exactly 0."""
    relative = np.where(rows.rate > 0, rows.error / np.where(rows.rate > 0, rows.rate, 1), inf)
    return float(np.where((rows.rate == 0) & (rows.error == 0), 0, relative).max(initial=0))
