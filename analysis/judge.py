"""Judging shots: which cuts each one fails, and its logical outcome, in one pass over packed bits.

Everything that post-selection says follows from this: a cut-flow, the same without one of its
criteria, the tables under either treatment of the readout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..experiments.criteria import CRITERIA, CriterionName, criterion_of
from ..experiments.errors import UsageError
from ..experiments.readout_decoder import can_decode, logical_flips
from ..experiments.record import BitKey, RecordMap
from ..experiments.shots import Shots

BLOCK_SHOTS = 1 << 15  # the words of a block stay in the processor's cache
UNKNOWN = 2
"""Outcome after correction of a shot whose readout no flips explain, or that is not decoded."""

_Words = NDArray[np.uint64]
_Parity = tuple[_Words, int]  # raw bits, as a mask, and the parity that they should have


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """One criterion in one round: the finest that shots are discarded by.

    Attributes:
        criterion: what is asked of a shot.
        round: 1-based round of H_m and ED whose bits are asked; 0 for the encoder and the readout.
    """

    criterion: CriterionName
    round: int


READOUT = Cut("readout", 0)
"""The faces of the readout."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """What some shots of one circuit failed and told.

    Attributes:
        cuts: every cut that the circuit records something for, in the order of `CRITERIA`.
        failed: uint64, shape (words, shots): bit i % 64 of word i // 64 says that the shot fails
            cut i.
        minus: uint8, shape (shots,): 1 for the logical outcome -1 as read.
        corrected: uint8, shape (shots,): the same after correction of the readout; UNKNOWN if
            there is none.
        fired: int64, shape (bits,): for each bit of the record map, how many shots have it other
            than expected; 0 for a bit of which nothing is expected.
        faces: int64, shape (faces,): the same for the face parities of the readout.
    """

    cuts: tuple[Cut, ...]
    failed: _Words
    minus: NDArray[np.uint8]
    corrected: NDArray[np.uint8]
    fired: NDArray[np.int64]
    faces: NDArray[np.int64]


def judge(shots: Shots) -> Judgement:
    """Return what shots fail and tell, whatever an experiment asks of them.

    Bits are those of `Shots.values`: with their XOR partners applied.
    """
    judge_ = _judge_of(shots.record)
    parts = [judge_(block) for block in _blocks(shots)]
    return Judgement(
        cuts=judge_.cuts,
        failed=np.concatenate([part[0] for part in parts], axis=1),
        minus=np.concatenate([part[1] for part in parts]),
        corrected=np.concatenate([part[2] for part in parts]),
        fired=np.sum([part[3] for part in parts], axis=0),
        faces=np.sum([part[4] for part in parts], axis=0),
    )


@lru_cache(maxsize=32)
def cuts_of(record: RecordMap) -> tuple[Cut, ...]:
    """Return the cuts that a record map has something for, by criterion and round."""
    found = {
        Cut(name, bit.round)
        for bit in record.bits
        if (name := criterion_of(bit)) is not None and bit.expected is not None
    }
    if record.faces:
        found.add(READOUT)
    return in_order(found)


def in_order(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    """Return cuts by criterion, as in `CRITERIA`, and round."""
    return tuple(sorted(cuts, key=lambda cut: (CRITERIA.index(cut.criterion), cut.round)))


_Part = tuple[
    _Words,
    NDArray[np.uint8],
    NDArray[np.uint8],
    NDArray[np.int64],
    NDArray[np.int64],
]


class _Judge:
    """The masks of a record map, and what they say of a block of shots."""

    def __init__(self, record: RecordMap) -> None:
        self.cuts = cuts_of(record)
        self._bits: list[tuple[_Parity, int] | None] = []
        for bit in record.bits:
            name = criterion_of(bit)
            if name is None or bit.expected is None:
                self._bits.append(None)
            else:
                parity = (_mask(record, [bit.key]), bit.expected)
                self._bits.append((parity, self.cuts.index(Cut(name, bit.round))))
        self._faces = [(_mask(record, face.bits), face.expected) for face in record.faces]
        self._logical = (_mask(record, record.logical.bits), int(record.logical.sign < 0))
        self._flips = (
            logical_flips(record.faces, record.logical.bits) if can_decode(record.faces) else None
        )

    def __call__(self, words: _Words) -> _Part:
        failed = np.zeros((num_words(len(self.cuts)), words.shape[1]), np.uint64)
        fired = np.zeros(len(self._bits), np.int64)
        faces = np.zeros(len(self._faces), np.int64)
        syndrome = np.zeros(words.shape[1], np.int64)
        for i, asked in enumerate(self._bits):
            if asked is not None:
                wrong = _odd(words, asked[0])
                fired[i] = np.count_nonzero(wrong)
                failed[asked[1] // 64] |= wrong.astype(np.uint64) << np.uint64(asked[1] % 64)
        for j, parity in enumerate(self._faces):
            wrong = _odd(words, parity)
            faces[j] = np.count_nonzero(wrong)
            syndrome |= wrong.astype(np.int64) << j
        if self._faces:
            last = len(self.cuts) - 1
            failed[last // 64] |= (syndrome != 0).astype(np.uint64) << np.uint64(last % 64)
        minus = _odd(words, self._logical)
        return failed, minus, self._correct(minus, syndrome), fired, faces

    def _correct(self, minus: NDArray[np.uint8], syndrome: NDArray[np.int64]) -> NDArray[np.uint8]:
        if self._flips is None:
            return np.full(len(minus), UNKNOWN, np.uint8)
        flips = self._flips[syndrome]
        return np.where(flips < 0, UNKNOWN, minus ^ flips.astype(np.uint8)).astype(np.uint8)


_judge_of = lru_cache(maxsize=32)(_Judge)  # a circuit may have thousands of small shards


def _blocks(shots: Shots) -> Iterator[_Words]:
    """Yield the packed rows as words: uint64, shape (words, shots), little-endian; one or more."""
    width = shots.packed.shape[1]
    for start in range(0, max(len(shots), 1), BLOCK_SHOTS):
        block = shots.packed[start : start + BLOCK_SHOTS]
        padded = np.zeros((len(block), -(-max(width, 1) // 8) * 8), np.uint8)
        padded[:, :width] = block
        yield np.ascontiguousarray(padded.view("<u8").T).astype(np.uint64, copy=False)


def _mask(record: RecordMap, keys: Iterable[BitKey]) -> _Words:
    """Return the raw bits whose parity is that of some bits' values: uint64, shape (words,)."""
    mask = 0
    for column in record.columns(keys):
        bit = record.bits[column]
        for raw in (column, *record.columns(bit.xor)):
            mask ^= 1 << raw
    return split_word(mask, num_words(len(record.bits)))


def _odd(words: _Words, parity: _Parity) -> NDArray[np.uint8]:
    """Return where the parity of the masked bits is not what it should be: uint8, 0 or 1."""
    masks, expected = parity
    total = np.full(words.shape[1], expected, np.uint8)
    for w, mask in enumerate(masks):
        if mask:
            total ^= np.bitwise_count(words[w] & mask) & np.uint8(1)
    return total


def num_words(bits: int) -> int:
    """Return how many words of 64 bits hold so many, at least one."""
    return max(1, -(-bits // 64))


def split_word(word: int, width: int) -> NDArray[np.uint64]:
    """Return the bits of one number as words of 64, the lowest first: uint64, shape (width,)."""
    return np.array([(word >> (64 * w)) & (2**64 - 1) for w in range(width)], np.uint64)


def failed_word(cuts: Sequence[Cut], names: Iterable[CriterionName]) -> int:
    """Return the bits of `Judgement.failed` that belong to some criteria, as one number."""
    chosen = set(names)
    return sum(1 << i for i, cut in enumerate(cuts) if cut.criterion in chosen)


def fails_any(failed: NDArray[np.uint64], word: int) -> NDArray[np.bool_]:
    """Return which columns of `Judgement.failed` have one of some bits: bool, shape (shots,)."""
    found = np.zeros(failed.shape[1], np.bool_)
    for row, mask in zip(failed, split_word(word, len(failed)), strict=True):
        if mask:
            found |= (row & mask) != 0
    return found


def not_decoded(record: RecordMap) -> UsageError:
    """Return why the readout of some shots has no correction."""
    try:
        logical_flips(record.faces, record.logical.bits)
    except UsageError as error:
        return error
    return UsageError("readout correct: the record map's face parities contradict each other")
