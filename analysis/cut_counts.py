"""Cut counts: how many shots failed each set of cuts, and read what; every table comes from them.

They are small, they add over shards, and any choice of criteria can be applied to them afterwards
without looking at a shot again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..experiments.counts import Counts, Outcome, Readout
from ..experiments.criteria import CRITERIA, CriterionName, enabled_criteria
from ..experiments.record import RecordMap
from ..experiments.shots import Shots
from ..experiments.spec import Accept
from .judge import UNKNOWN, Cut, cuts_of, failed_word, judge, not_decoded

MAX_CUTS = 20
"""More than any circuit that is sampled has: distance 13 has 20."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CutCounts:
    """Shots of one circuit, counted by what they failed and what they read.

    Attributes:
        record: what each bit is.
        cuts: every cut that the circuit records something for.
        counts: int64, shape (parts, 2^cuts, 2, 3): shots of each part of the run, by the set of
            cuts that they fail (bit i: cut i), by logical outcome as read (1: -1) and by outcome
            after correction (1: -1; 2: there is none).
        fired: int64, shape (bits,): shots with a bit other than expected.
        faces: int64, shape (faces,): shots with a face parity of the readout other than expected.
    """

    record: RecordMap
    cuts: tuple[Cut, ...]
    counts: NDArray[np.int64]
    fired: NDArray[np.int64]
    faces: NDArray[np.int64]

    @property
    def shots(self) -> int:
        """How many shots were counted."""
        return int(self.counts.sum())

    @property
    def parts(self) -> int:
        """How many parts of the run are counted apart."""
        return int(self.counts.shape[0])

    def __add__(self, other: CutCounts) -> CutCounts:
        """Return the counts of both.

        Raises:
            ValueError: they are of different circuits.
        """
        if self.record != other.record or self.parts != other.parts:
            raise ValueError("cut counts of different circuits do not add")
        return replace(
            self,
            counts=self.counts + other.counts,
            fired=self.fired + other.fired,
            faces=self.faces + other.faces,
        )

    def part(self, index: int) -> CutCounts:
        """Return one part of the run; what fired is known of the whole alone and is left out."""
        return replace(
            self,
            counts=self.counts[index : index + 1],
            fired=np.zeros_like(self.fired),
            faces=np.zeros_like(self.faces),
        )

    def under(
        self,
        accept: Accept,
        *,
        without: frozenset[Cut] = frozenset(),
        outcome: Readout | None = None,
    ) -> Counts:
        """Return what the shots count under some criteria.

        Args:
            accept: what is asked.
            without: cuts that are not asked all the same.
            outcome: which outcome is read; by default that of `accept.readout`.

        Raises:
            UsageError: the outcome after correction is asked for and some shot has none.
        """
        enabled, total = enabled_criteria(accept), self.counts.sum(axis=0)
        word, passed = 0, []
        for name in CRITERIA:
            asked = self._word(name, without) if enabled[name] else 0
            word |= asked
            passed.append(int(total[self._passes(word)].sum()) if asked else None)
        kept = total[self._passes(word)].sum(axis=0)
        corrected = (outcome or accept.readout) == "correct"
        by_outcome = kept.sum(axis=0) if corrected else kept.sum(axis=1)
        if corrected and total[..., UNKNOWN].any():
            raise not_decoded(self.record)
        minus = int(by_outcome[1])
        found = Outcome(kept=int(kept.sum()), minus=minus, minus_squares=minus)
        return Counts(
            shots=int(total.sum()),
            outcomes={accept.readout: found},
            passed=tuple(passed),
        )

    def _word(self, name: CriterionName, without: frozenset[Cut]) -> int:
        kept_out = sum(1 << i for i, cut in enumerate(self.cuts) if cut in without)
        return failed_word(self.cuts, [name]) & ~kept_out

    def _passes(self, word: int) -> NDArray[np.bool_]:
        passes: NDArray[np.bool_] = (np.arange(self.counts.shape[1]) & word) == 0
        return passes


def no_shots(record: RecordMap, *, parts: int = 1) -> CutCounts:
    """Return the counts of no shot.

    Raises:
        ValueError: the circuit has too many cuts to count.
    """
    cuts = cuts_of(record)
    if len(cuts) > MAX_CUTS:
        raise ValueError(f"{len(cuts)} cuts are too many to count apart, at most {MAX_CUTS}")
    return CutCounts(
        record=record,
        cuts=cuts,
        counts=np.zeros((parts, 1 << len(cuts), 2, 3), np.int64),
        fired=np.zeros(len(record.bits), np.int64),
        faces=np.zeros(len(record.faces), np.int64),
    )


def count_cuts(
    shots: Shots, *, first_shot: int = 0, of_shots: int | None = None, parts: int = 1
) -> CutCounts:
    """Return what some shots count.

    Args:
        shots: of one circuit, in the order in which they were taken.
        first_shot: number of the first among all shots of its circuit.
        of_shots: how many shots of the circuit there are to be; by default, these.
        parts: into how many equal parts those are divided; shot k is in part
            k * parts // of_shots.

    Raises:
        ValueError: the circuit has too many cuts to count, or there are more shots than were said.
    """
    empty, judged = no_shots(shots.record, parts=parts), judge(shots)
    total = len(shots) if of_shots is None else of_shots
    if first_shot + len(shots) > total:
        raise ValueError(f"shots {first_shot} to {first_shot + len(shots)} of {total}")
    place = (judged.failed.astype(np.int64) * 2 + judged.minus) * 3 + judged.corrected
    if parts > 1:
        numbers = np.arange(first_shot, first_shot + len(shots), dtype=np.int64)
        place += numbers * parts // total * (empty.counts.size // parts)
    counted = np.bincount(place, minlength=empty.counts.size).astype(np.int64)
    return replace(
        empty,
        counts=counted.reshape(empty.counts.shape),
        fired=judged.fired,
        faces=judged.faces,
    )
