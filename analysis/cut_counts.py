"""Cut counts: how many shots failed each set of cuts, and read what; every table comes from them.

They are small, they add over shards, and any choice of criteria can be applied to them afterwards
without looking at a shot again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..experiments.counts import Counts, Outcome, Readout
from ..experiments.criteria import CRITERIA, CriterionName, enabled_criteria
from ..experiments.record import RecordMap
from ..experiments.shots import Shots
from ..experiments.spec import Accept
from .judge import (
    UNKNOWN,
    Cut,
    cuts_of,
    failed_word,
    fails_any,
    judge,
    not_decoded,
    num_words,
    split_word,
)

_CELLS = 2 * 3  # outcomes as read, times outcomes after correction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CutCounts:
    """Shots of one circuit, counted by what they failed and what they read.

    Only what occurred has a count, so that a circuit may have any number of cuts. Counts are
    sorted by `failed`, then by `place`.

    Attributes:
        record: what each bit is.
        cuts: every cut that the circuit records something for.
        parts: how many parts of the run are counted apart.
        failed: uint64, shape (words, counts): a set of cuts, as in `Judgement.failed`.
        place: int64, shape (counts,): (part * 2 + minus) * 3 + corrected: the part of the run, the
            logical outcome as read (1: -1) and that after correction (1: -1; 2: there is none).
        counts: int64, shape (counts,): how many shots failed just this set, at this place.
        fired: int64, shape (bits,): shots with a bit other than expected.
        faces: int64, shape (faces,): shots with a face parity of the readout other than expected.
    """

    record: RecordMap
    cuts: tuple[Cut, ...]
    parts: int
    failed: NDArray[np.uint64]
    place: NDArray[np.int64]
    counts: NDArray[np.int64]
    fired: NDArray[np.int64]
    faces: NDArray[np.int64]

    @property
    def shots(self) -> int:
        """How many shots were counted."""
        return int(self.counts.sum())

    def __add__(self, other: CutCounts) -> CutCounts:
        """Return the counts of both.

        Raises:
            ValueError: they are of different circuits.
        """
        if self.record != other.record or self.parts != other.parts:
            raise ValueError("cut counts of different circuits do not add")
        failed, place, counts = _merged(
            np.concatenate([self.failed, other.failed], axis=1),
            np.concatenate([self.place, other.place]),
            np.concatenate([self.counts, other.counts]),
        )
        return replace(
            self,
            failed=failed,
            place=place,
            counts=counts,
            fired=self.fired + other.fired,
            faces=self.faces + other.faces,
        )

    def between(self, first: int, end: int) -> CutCounts:
        """Return some parts of the run, from `first` to the one before `end`.

        What fired is known of the whole alone, and is left out of anything less.
        """
        if (first, end) == (0, self.parts):
            return self
        part = self.place // _CELLS
        chosen = (first <= part) & (part < end)
        return replace(
            self,
            parts=end - first,
            failed=self.failed[:, chosen],
            place=self.place[chosen] - first * _CELLS,
            counts=self.counts[chosen],
            fired=np.zeros_like(self.fired),
            faces=np.zeros_like(self.faces),
        )

    def failing(self, cut: Cut) -> int:
        """Return how many shots fail a cut, whatever else they fail; 0 if there is no such cut."""
        if cut not in self.cuts:
            return 0
        return int(self.counts[fails_any(self.failed, 1 << self.cuts.index(cut))].sum())

    def rows(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield what occurred in the whole run, in rising order: failed, minus, corrected, shots.

        Bit i of the first number is cut i.
        """
        failed, place, counts = _merged(self.failed, self.place % _CELLS, self.counts)
        for words, cell, shots in zip(
            failed.T.tolist(), place.tolist(), counts.tolist(), strict=True
        ):
            yield sum(word << (64 * w) for w, word in enumerate(words)), cell // 3, cell % 3, shots

    def with_rows(self, rows: Iterable[tuple[int, int, int, int]]) -> CutCounts:
        """Return the same circuit's counts with those of some rows, as `rows` gives them, added.

        Raises:
            ValueError: a row that says what cannot be.
        """
        found = list(rows)
        for row in found:
            failed, minus, corrected, shots = row
            known = 0 <= failed < 1 << len(self.cuts) and minus in (0, 1) and corrected in (0, 1, 2)
            if not known or shots < 1:
                raise ValueError(f"a count {row} of {len(self.cuts)} cuts")
        added = replace(
            self,
            failed=np.array([split_word(row[0], len(self.failed)) for row in found], np.uint64)
            .reshape(len(found), len(self.failed))
            .T,
            place=np.array([minus * 3 + corrected for _, minus, corrected, _ in found], np.int64),
            counts=np.array([row[3] for row in found], np.int64),
            fired=np.zeros_like(self.fired),
            faces=np.zeros_like(self.faces),
        )
        return self + added

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
        enabled = enabled_criteria(accept)
        word, passed = 0, []
        for name in CRITERIA:
            asked = self._word(name, without) if enabled[name] else 0
            word |= asked
            passed.append(self._kept(word) if asked else None)
        corrected = self.place % 3
        is_corrected = (outcome or accept.readout) == "correct"
        if is_corrected and (corrected == UNKNOWN).any():
            raise not_decoded(self.record)
        read = corrected if is_corrected else self.place // 3 % 2
        minus = self._kept(word, read == 1)
        found = Outcome(kept=self._kept(word), minus=minus, minus_squares=minus)
        return Counts(
            shots=self.shots,
            outcomes={accept.readout: found},
            passed=tuple(passed),
        )

    def _word(self, name: CriterionName, without: frozenset[Cut]) -> int:
        kept_out = sum(1 << i for i, cut in enumerate(self.cuts) if cut in without)
        return failed_word(self.cuts, [name]) & ~kept_out

    def _kept(self, word: int, among: NDArray[np.bool_] | None = None) -> int:
        """Return the shots that fail no cut of a word, of all or of some counts."""
        kept = ~fails_any(self.failed, word)
        return int(self.counts[kept if among is None else kept & among].sum())


def no_shots(record: RecordMap, *, parts: int = 1) -> CutCounts:
    """Return the counts of no shot."""
    cuts = cuts_of(record)
    return CutCounts(
        record=record,
        cuts=cuts,
        parts=parts,
        failed=np.zeros((num_words(len(cuts)), 0), np.uint64),
        place=np.zeros(0, np.int64),
        counts=np.zeros(0, np.int64),
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
        ValueError: there are more shots than were said.
    """
    empty, judged = no_shots(shots.record, parts=parts), judge(shots)
    total = len(shots) if of_shots is None else of_shots
    if first_shot + len(shots) > total:
        raise ValueError(f"shots {first_shot} to {first_shot + len(shots)} of {total}")
    place = judged.minus.astype(np.int64) * 3 + judged.corrected
    if parts > 1:
        numbers = np.arange(first_shot, first_shot + len(shots), dtype=np.int64)
        place += numbers * parts // total * _CELLS
    failed, place, counts = _counted(judged.failed, place, len(empty.cuts), parts * _CELLS)
    return replace(
        empty,
        failed=failed,
        place=place,
        counts=counts,
        fired=judged.fired,
        faces=judged.faces,
    )


_Columns = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]


def _counted(
    failed: NDArray[np.uint64], place: NDArray[np.int64], cuts: int, places: int
) -> _Columns:
    """Return what occurs and how often: by place where that is less than to sort the shots."""
    if places << cuts > len(place):
        return _merged(failed, place, np.ones(len(place), np.int64))
    shots = np.bincount(failed[0].astype(np.int64) * places + place)
    found = np.flatnonzero(shots)
    sets = (found // places).astype(np.uint64)
    return sets[np.newaxis], found % places, shots[found].astype(np.int64)


def _merged(
    failed: NDArray[np.uint64], place: NDArray[np.int64], counts: NDArray[np.int64]
) -> _Columns:
    """Return counts sorted, with those of the same cuts and place as one."""
    order = np.lexsort((place, *failed))
    failed, place = failed[:, order], place[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (np.diff(place) != 0) | (failed[:, 1:] != failed[:, :-1]).any(axis=0)
    first = np.flatnonzero(is_new)
    return failed[:, first], place[first], np.add.reduceat(counts[order], first)
