"""Post-selection: which shots are kept, and the logical outcome of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..experiments.counts import Counts, Outcome
from ..experiments.criteria import CRITERIA, CriterionName, criterion_of, enabled_criteria
from ..experiments.errors import UsageError
from ..experiments.readout_decoder import logical_flips
from ..experiments.record import FaceParity, RecordMap
from ..experiments.shots import Shots
from ..experiments.spec import Accept

_BLOCK_SHOTS = 1 << 14  # a block of unpacked bits stays in the processor's cache
_Check = tuple[list[int], int]  # columns and the parity that they should have


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
    table = logical_flips(faces, record.logical.bits)
    columns = record.columns(record.logical.bits)
    blocks = [_decoded_parity(values, record, columns, faces, table) for values in _blocks(shots)]
    parity = np.concatenate([np.empty(0, np.int8), *blocks])
    outcomes: NDArray[np.int8] = (record.logical.sign * (1 - 2 * parity)).astype(np.int8)
    return outcomes


def count_shots(shots: Shots, accept: Accept) -> Counts:
    """Return how many shots were run, how many passed each criterion, and how many read -1."""
    flow = cut_flow(shots, accept)
    kept = int(np.count_nonzero(flow.kept))
    minus = int(np.count_nonzero(flow.kept & (logical_outcomes(shots, accept) < 0)))
    return Counts(
        shots=len(shots),
        outcomes={accept.readout: Outcome(kept=kept, minus=minus, minus_squares=minus)},
        passed=tuple(c.passed if c.applied else None for c in flow.criteria),
    )


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
    enabled = enabled_criteria(accept)
    checks: dict[CriterionName, list[_Check]] = {name: [] for name in CRITERIA}
    for column, bit in enumerate(record.bits):
        name = criterion_of(bit)
        if name is not None and bit.expected is not None:
            checks[name].append(([column], bit.expected))
    checks["readout"] = [(record.columns(face.bits), face.expected) for face in record.faces]
    return tuple(checks[name] if enabled[name] else [] for name in CRITERIA)


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
