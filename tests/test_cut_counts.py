"""Cut counts: they add, and any choice of cuts applied to them is that of counting the shots."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_judge import (
    draw_shots,
    make_bit,
    make_code_record,
    slow_corrected,
    slow_cut,
    slow_minus,
    slow_wrong,
    values_of,
    wide_records,
)

from hexmagic.analysis.cut_counts import CutCounts, count_cuts, no_shots
from hexmagic.analysis.judge import UNKNOWN, Cut, judge
from hexmagic.experiments.counts import Outcome, Readout
from hexmagic.experiments.criteria import CRITERIA, enabled_criteria
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.record import Logical, RecordMap
from hexmagic.experiments.shots import Shots, pack_shots
from hexmagic.experiments.spec import Accept

DETECT = Accept(hadamard=True, flags=True, syndromes=True, readout="detect")
CORRECT = replace(DETECT, readout="correct")

readouts: st.SearchStrategy[Readout] = st.sampled_from(["detect", "correct"])
accepts = st.builds(
    Accept, hadamard=st.booleans(), flags=st.booleans(), syndromes=st.booleans(), readout=readouts
)
seeds = st.integers(0, 2**32)


def part_of(shots: Shots, start: int, stop: int) -> Shots:
    return Shots(record=shots.record, packed=shots.packed[start:stop])


def same(one: CutCounts, other: CutCounts) -> bool:
    arrays = ("failed", "place", "counts", "fired", "faces")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)


def slow_count(
    shots: Shots, accept: Accept, without: frozenset[Cut], readout: Readout
) -> tuple[list[int], int, int]:
    """Return the shots that pass each criterion, those kept, and those of them that read -1."""
    record, enabled = shots.record, enabled_criteria(accept)
    passed, kept, minus = dict.fromkeys(CRITERIA, 0), 0, 0
    for row in shots.bits():
        value = values_of(dict(zip(record.column, map(int, row), strict=True)), record)
        bits, faces = slow_wrong(value, record)
        failed = {slow_cut(bit) for bit in bits} | ({Cut("readout", 0)} if faces else set())
        fails = {cut.criterion for cut in failed - without if enabled[cut.criterion]}
        for name in CRITERIA:
            if name in fails:
                break
            passed[name] += 1
        if not fails:
            kept += 1
            minus += (slow_corrected if readout == "correct" else slow_minus)(value, record)
    return list(passed.values()), kept, minus


@settings(deadline=None, max_examples=50)
@given(record=wide_records(), accept=accepts, seed=seeds, data=st.data())
def test_any_choice_of_cuts_counts_what_counting_the_shots_under_it_does(
    record: RecordMap, accept: Accept, seed: int, data: st.DataObject
) -> None:
    shots = draw_shots(record, seed)
    counts = count_cuts(shots)
    subsets = st.sets(st.sampled_from(counts.cuts)) if counts.cuts else st.just(set())
    without = frozenset(data.draw(subsets))
    outcome: Readout = data.draw(readouts)
    if outcome == "correct" and (judge(shots).corrected == UNKNOWN).any():
        with pytest.raises(UsageError, match="readout correct"):
            counts.under(accept, without=without, outcome=outcome)
        return
    found = counts.under(accept, without=without, outcome=outcome)
    passed, kept, minus = slow_count(shots, accept, without, outcome)
    assert found.shots == len(shots)
    assert found.outcomes == {accept.readout: Outcome(kept=kept, minus=minus, minus_squares=minus)}
    enabled, asked = enabled_criteria(accept), set(counts.cuts) - without
    there = {name for name in CRITERIA if any(cut.criterion == name for cut in asked)}
    assert found.passed == tuple(
        number if enabled[name] and name in there else None
        for name, number in zip(CRITERIA, passed, strict=True)
    )


@settings(deadline=None, max_examples=50)
@given(record=wide_records(), accept=accepts, seed=seeds)
def test_without_any_cut_every_shot_is_kept(record: RecordMap, accept: Accept, seed: int) -> None:
    counts = count_cuts(draw_shots(record, seed))
    everything = frozenset(counts.cuts)
    found = counts.under(accept, without=everything, outcome="detect")
    assert found.passed == (None,) * len(CRITERIA)
    assert found.outcomes[accept.readout].kept == counts.shots == 12


@settings(deadline=None, max_examples=50)
@given(
    record=wide_records(),
    seed=seeds,
    cuts=st.lists(st.integers(0, 37), max_size=4).map(sorted),
    parts=st.sampled_from([1, 3, 10]),
)
def test_shards_add_to_the_whole_wherever_they_end(
    record: RecordMap, seed: int, cuts: list[int], parts: int
) -> None:
    shots = draw_shots(record, seed, 37)
    total = no_shots(record, parts=parts)
    for start, stop in pairwise([0, *cuts, 37]):
        shard = part_of(shots, start, stop)
        total += count_cuts(shard, first_shot=start, of_shots=37, parts=parts)
    assert same(total, count_cuts(shots, parts=parts))
    assert total.shots == 37


@settings(deadline=None, max_examples=50)
@given(record=wide_records(), seed=seeds, shots=st.integers(0, 25), parts=st.integers(1, 12))
def test_each_part_holds_its_own_shots(
    record: RecordMap, seed: int, shots: int, parts: int
) -> None:
    taken = draw_shots(record, seed, shots)
    counts = count_cuts(taken, parts=parts)
    assert counts.parts == parts
    ends = [
        -(-shots * i // parts) for i in range(parts + 1)
    ]  # shot k is in part k * parts // shots
    for i, (start, stop) in enumerate(pairwise(ends)):
        alone = count_cuts(part_of(taken, start, stop))
        part = counts.between(i, i + 1)
        empty = no_shots(taken.record)
        if parts > 1:
            alone = replace(alone, fired=empty.fired, faces=empty.faces)
        assert same(part, alone)


def test_counts_of_different_circuits_do_not_add() -> None:
    three, five = make_code_record(3), make_code_record(5)
    with pytest.raises(ValueError, match="different circuits"):
        no_shots(three) + no_shots(five)
    with pytest.raises(ValueError, match="different circuits"):
        no_shots(three) + no_shots(three, parts=2)


def test_more_shots_than_were_said_are_refused() -> None:
    shots = pack_shots(np.zeros((5, 7), np.bool_), make_code_record(3))
    with pytest.raises(ValueError, match="shots 3 to 8 of 7"):
        count_cuts(shots, first_shot=3, of_shots=7)


def rounds_record(rounds: int) -> RecordMap:
    bits = tuple(make_bit("s", i, "syndrome", round=i + 1) for i in range(rounds))
    return RecordMap(bits=bits, faces=(), logical=Logical(basis="Z", sign=1, bits=()))


@pytest.mark.parametrize("cuts", [1, 22, 63, 64, 65, 128, 301])
def test_any_number_of_cuts_is_counted(cuts: int) -> None:
    bits = np.zeros((cuts + 3, cuts), np.bool_)
    bits[np.arange(cuts), np.arange(cuts)] = True  # a shot for each cut, one for all, two for none
    bits[cuts] = True
    counts = count_cuts(pack_shots(bits, rounds_record(cuts)))
    assert counts.counts.sum() == cuts + 3
    assert len(counts.counts) == len(np.unique(bits, axis=0))
    assert [counts.failing(cut) for cut in counts.cuts] == [2] * cuts if cuts > 1 else [3]
    for left_out in {0, cuts // 2, cuts - 1}:
        found = counts.under(DETECT, without=frozenset(counts.cuts[:left_out]))
        assert found.outcomes["detect"].kept == 2 + left_out
    last = frozenset(counts.cuts[:-1])
    assert counts.under(DETECT, without=last).outcomes["detect"].kept == cuts + 1


@pytest.mark.parametrize("cuts", [1, 22, 65, 301])
def test_rows_tell_all_of_the_whole_run_in_order(cuts: int) -> None:
    record = rounds_record(cuts)
    bits = np.random.default_rng(cuts).random((50, cuts)) < 0.02
    counts = count_cuts(pack_shots(bits, record), parts=5)
    rows = list(counts.rows())
    wanted = Counter(sum(1 << int(i) for i in np.flatnonzero(row)) for row in bits)
    assert [(failed, shots) for failed, _, _, shots in rows] == sorted(wanted.items())
    again = no_shots(record).with_rows(rows)
    whole = count_cuts(pack_shots(bits, record))
    assert same(replace(again, fired=whole.fired), whole)


@pytest.mark.parametrize(
    "row", [(-1, 0, 0, 1), (8, 0, 0, 1), (0, 2, 0, 1), (0, 0, 3, 1), (0, 0, 0, 0)]
)
def test_rows_that_cannot_be_are_refused(row: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="of 3 cuts"):
        no_shots(rounds_record(3)).with_rows([row])


def test_many_shots_count_as_their_shards_do() -> None:
    """A long run is counted by place, a short one is sorted."""
    shots = draw_shots(make_code_record(3), 5, 3000)
    total = no_shots(shots.record, parts=10)
    for start in range(0, 3000, 100):
        shard = part_of(shots, start, start + 100)
        total += count_cuts(shard, first_shot=start, of_shots=3000, parts=10)
    assert same(total, count_cuts(shots, parts=10))
    assert len(total.counts) < 3000


def test_distance_nine_detects_and_says_in_one_line_why_it_does_not_correct() -> None:
    bits = np.zeros((10, 61), np.bool_)
    bits[7:, 0] = True  # each breaks a face
    counts = count_cuts(pack_shots(bits, make_code_record(9)))
    assert counts.under(DETECT).outcomes["detect"].kept == 7
    with pytest.raises(UsageError, match=r"30 faces on 61 data bits.*use readout detect") as error:
        counts.under(CORRECT)
    assert len(str(error.value).splitlines()) == 1


def test_no_shots_count_nothing() -> None:
    found = no_shots(make_code_record(3)).under(CORRECT)
    assert (found.shots, found.outcomes["correct"].kept) == (0, 0)
