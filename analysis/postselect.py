"""Post-selection: which shots are kept, and the logical outcome of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..experiments.counts import Counts
from ..experiments.criteria import CRITERIA, CriterionName, enabled_criteria
from ..experiments.shots import Shots
from ..experiments.spec import Accept
from .cut_counts import count_cuts
from .judge import UNKNOWN, failed_word, fails_any, judge, not_decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One row of a cut-flow.

    Attributes:
        name: what is asked of a shot; "all" where only all of it together was counted.
        applied: whether anything was asked: the criterion is enabled and the program records
            something for it. One that is not applied passes every shot.
        entered: shots that passed all criteria before it.
        passed: those of them that pass it too.
    """

    name: CriterionName | Literal["all"]
    applied: bool
    entered: int
    passed: int

    @property
    def failed(self) -> int:
        """Shots that this criterion discards."""
        return self.entered - self.passed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CutFlow:
    """What each criterion, in order, lets through.

    Attributes:
        criteria: one per name of `CRITERIA`, in that order; what one passes enters the next.
        first_failed: int8, shape (shots,): index of the first criterion that a shot fails, -1 for
            a kept shot.
    """

    criteria: tuple[Criterion, ...]
    first_failed: NDArray[np.int8]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Kept shots, bool, shape (shots,)."""
        return self.first_failed < 0


def cut_flow(shots: Shots, accept: Accept) -> CutFlow:
    """Return the cut-flow of some shots.

    A shot passes `encode` if the flags of the encoder read as expected, `hadamard`, `flags` and
    `syndromes` if every other bit of that role does, and `readout` (when it is "detect") if every
    face parity does. `accept.flags` switches the encoder's flags too. Bits whose `expected` is
    None are never asked.
    """
    judged = judge(shots)
    first_failed = np.full(len(shots), -1, dtype=np.int8)
    asked = [failed_word(judged.cuts, [name]) for name in CRITERIA]
    enabled = enabled_criteria(accept)
    for index, name in reversed(list(enumerate(CRITERIA))):  # an earlier failure overwrites
        if enabled[name]:
            first_failed[fails_any(judged.failed, asked[index])] = index
    lost = np.bincount(first_failed + 1, minlength=len(CRITERIA) + 1)[1:]
    entered = len(shots) - np.concatenate([[0], np.cumsum(lost)])
    criteria = tuple(
        Criterion(
            name=name,
            applied=enabled[name] and asked[i] != 0,
            entered=int(entered[i]),
            passed=int(entered[i + 1]),
        )
        for i, name in enumerate(CRITERIA)
    )
    return CutFlow(criteria=criteria, first_failed=first_failed)


def logical_outcomes(shots: Shots, accept: Accept) -> NDArray[np.int8]:
    """Return the logical outcome of every shot, kept or not: int8, +1 or -1, shape (shots,).

    The outcome is the logical sign times (-1)^(parity of the logical bits). With
    `accept.readout == "correct"` the readout's face parities are first decoded to a flip pattern
    of minimum weight; among several, the one whose bits come first by (register, index), so the
    order of the record map does not matter.

    Raises:
        UsageError: too many faces to decode (beyond distance 7), or faces that contradict each
            other.
    """
    judged = judge(shots)
    minus = judged.minus
    if accept.readout == "correct":
        minus = judged.corrected
        if np.any(minus == UNKNOWN):
            raise not_decoded(shots.record)
    outcomes: NDArray[np.int8] = (1 - 2 * minus.astype(np.int8)).astype(np.int8)
    return outcomes


def count_shots(shots: Shots, accept: Accept) -> Counts:
    """Return how many shots were run, how many passed each criterion, and how many read -1."""
    return count_cuts(shots).under(accept)


def counted_criteria(counts: Counts) -> tuple[Criterion, ...]:
    """Return the cut-flow that counts hold; none if the shots were discarded at the first failure.

    Raises:
        ValueError: there is not one count for each criterion.
    """
    if counts.passed is None:
        return ()
    entered, criteria = counts.shots, []
    for name, passed in zip(CRITERIA, counts.passed, strict=True):
        left = entered if passed is None else passed
        criteria.append(
            Criterion(name=name, applied=passed is not None, entered=entered, passed=left)
        )
        entered = left
    return tuple(criteria)
