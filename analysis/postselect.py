"""Post-selection: which shots are kept, and the logical outcome of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..experiments.errors import UsageError
from ..experiments.record import Bit, FaceParity, RecordMap
from ..experiments.shots import Shots
from ..experiments.spec import Accept

CriterionName = Literal["encode", "hadamard", "flags", "syndromes", "readout"]
CRITERIA: tuple[CriterionName, ...] = ("encode", "hadamard", "flags", "syndromes", "readout")
MAX_DECODED_FACES = 20

_BLOCK_SHOTS = 1 << 14  # a block of unpacked bits stays in the processor's cache
_MAX_DECODED_BITS = 62  # a flip pattern is an int64
_Check = tuple[list[int], int]  # columns and the parity that they should have


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One row of a cut-flow.

    Attributes:
        name: what is asked of a shot.
        applied: whether anything was asked: the criterion is enabled and the program records
            something for it. One that is not applied passes every shot.
        entered: shots that passed all criteria before it.
        passed: those of them that pass it too.
    """

    name: CriterionName
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
    checks = _checks(shots.record, accept)
    blocks = [_first_failed(values, checks) for values in _blocks(shots)]
    first_failed = np.concatenate([np.empty(0, np.int8), *blocks])
    lost = np.bincount(first_failed + 1, minlength=len(CRITERIA) + 1)[1:]
    entered = len(shots) - np.concatenate([[0], np.cumsum(lost)])
    criteria = tuple(
        Criterion(
            name=name,
            applied=bool(checks[i]),
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
    record = shots.record
    faces = record.faces if accept.readout == "correct" else ()
    table = _logical_flips(faces, record.logical.bits)
    columns = record.columns(record.logical.bits)
    blocks = [_decoded_parity(values, record, columns, faces, table) for values in _blocks(shots)]
    parity = np.concatenate([np.empty(0, np.int8), *blocks])
    outcomes: NDArray[np.int8] = (record.logical.sign * (1 - 2 * parity)).astype(np.int8)
    return outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts that add over batches: shots run, shots kept, and kept shots with outcome +1."""

    shots: int
    kept: int
    plus: int

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both batches."""
        return Tally(
            shots=self.shots + other.shots,
            kept=self.kept + other.kept,
            plus=self.plus + other.plus,
        )


def tally_shots(shots: Shots, accept: Accept) -> Tally:
    """Return how many shots were run, how many kept, and how many of those read +1."""
    kept = cut_flow(shots, accept).kept
    plus = kept & (logical_outcomes(shots, accept) > 0)
    return Tally(
        shots=len(shots), kept=int(np.count_nonzero(kept)), plus=int(np.count_nonzero(plus))
    )


def describe_cut(accept: Accept) -> str:
    """Return the enabled criteria in words, such as "hadamard, flags, readout correct"."""
    names = [name for name in ("hadamard", "flags", "syndromes") if getattr(accept, name)]
    return ", ".join([*names, f"readout {accept.readout}"])


def _blocks(shots: Shots) -> Iterator[NDArray[np.bool_]]:
    for start in range(0, len(shots), _BLOCK_SHOTS):
        block = shots.packed[start : start + _BLOCK_SHOTS]
        yield Shots(record=shots.record, packed=block).values()


def _checks(record: RecordMap, accept: Accept) -> tuple[list[_Check], ...]:
    """Return what each criterion asks; nothing for one that is disabled."""
    enabled = {
        "encode": accept.flags,
        "hadamard": accept.hadamard,
        "flags": accept.flags,
        "syndromes": accept.syndromes,
        "readout": accept.readout == "detect",
    }
    checks: dict[CriterionName, list[_Check]] = {name: [] for name in CRITERIA}
    for column, bit in enumerate(record.bits):
        name = _criterion_of(bit)
        if name is not None and bit.expected is not None:
            checks[name].append(([column], bit.expected))
    checks["readout"] = [(record.columns(face.bits), face.expected) for face in record.faces]
    return tuple(checks[name] if enabled[name] else [] for name in CRITERIA)


def _criterion_of(bit: Bit) -> CriterionName | None:
    if bit.role == "flag":
        return "encode" if bit.stage == "encode" else "flags"
    if bit.role == "hadamard":
        return "hadamard"
    return "syndromes" if bit.role == "syndrome" else None


def _first_failed(values: NDArray[np.bool_], checks: tuple[list[_Check], ...]) -> NDArray[np.int8]:
    first = np.full(len(values), -1, dtype=np.int8)
    for index in reversed(range(len(checks))):  # an earlier failure overwrites a later one
        wrong = np.zeros(len(values), dtype=np.bool_)
        for columns, expected in checks[index]:
            wrong |= _parity(values, columns) != bool(expected)
        first[wrong] = index
    return first


def _parity(values: NDArray[np.bool_], columns: Sequence[int]) -> NDArray[np.bool_]:
    parity = np.zeros(len(values), dtype=np.bool_)
    for column in columns:
        parity ^= values[:, column]
    return parity


def _decoded_parity(
    values: NDArray[np.bool_],
    record: RecordMap,
    columns: Sequence[int],
    faces: tuple[FaceParity, ...],
    table: NDArray[np.int8],
) -> NDArray[np.int8]:
    """Return the parity of the logical bits after correction, int8."""
    syndrome = np.zeros(len(values), dtype=np.int64)
    for j, face in enumerate(faces):
        wrong = _parity(values, record.columns(face.bits)) != bool(face.expected)
        syndrome |= wrong.astype(np.int64) << j
    flips = table[syndrome]
    if np.any(flips < 0):
        raise UsageError("readout correct: the record map's face parities contradict each other")
    return _parity(values, columns).astype(np.int8) ^ flips


@lru_cache(maxsize=32)
def _logical_flips(
    faces: tuple[FaceParity, ...], logical: tuple[tuple[str, int], ...]
) -> NDArray[np.int8]:
    """Return, for each syndrome, whether its correction flips the logical bit.

    int8, shape (2^faces,): 1 yes, 0 no, -1 for a syndrome that no flips explain. Bit j of the
    index says that face j is violated.
    """
    keys = sorted({key for face in faces for key in face.bits})
    if len(faces) > MAX_DECODED_FACES or len(keys) > _MAX_DECODED_BITS:
        raise UsageError(
            f"readout correct: {len(faces)} faces on {len(keys)} data bits, the decoder's table "
            f"holds at most {MAX_DECODED_FACES} faces and {_MAX_DECODED_BITS} bits (distance 7): "
            "use readout detect"
        )
    masks = [sum(face.bits.count(key) % 2 << j for j, face in enumerate(faces)) for key in keys]
    pattern = _minimum_weight_patterns(masks, len(faces))
    acts_on = sum(logical.count(key) % 2 << i for i, key in enumerate(keys))
    flips = (np.bitwise_count(np.where(pattern < 0, 0, pattern) & acts_on) % 2).astype(np.int8)
    flips[pattern < 0] = -1
    flips.flags.writeable = False  # the cache hands out this very array
    return flips


def _minimum_weight_patterns(masks: Sequence[int], num_faces: int) -> NDArray[np.int64]:
    """Return the flip pattern of least weight, then least value, for each syndrome.

    Breadth first over weights: the least pattern of a syndrome at weight w is the least pattern
    of some syndrome at weight w - 1 with one flip added, so a table of one pattern per syndrome
    is exact.

    Args:
        masks: for each data bit, the faces that its flip violates (bit j: face j).
        num_faces: number of faces.

    Returns:
        int64, shape (2^faces,): bit i says that data bit i flips; -1 if no pattern exists.
    """
    unknown = np.iinfo(np.int64).max
    pattern = np.full(1 << num_faces, -1, dtype=np.int64)
    pattern[0] = 0
    frontier = np.zeros(1, dtype=np.intp)
    while frontier.size:
        best = np.full(pattern.size, unknown, dtype=np.int64)
        for i, mask in enumerate(masks):
            target = frontier ^ mask
            best[target] = np.minimum(best[target], pattern[frontier] | (1 << i))
        frontier = np.flatnonzero((best < unknown) & (pattern < 0))
        pattern[frontier] = best[frontier]
    return pattern
