"""Shots that are only counted: compiled once with what is asked of them, then batch after batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import clifft
import numpy as np
from numpy.typing import NDArray

from ...experiments.counts import Counts, Outcome, Readout
from ...experiments.criteria import asked_bits
from ...experiments.errors import HexmagicError
from ...experiments.readout_decoder import logical_flips
from ...experiments.record import BitKey
from ...experiments.spec import Accept
from ..compilation import Compiled
from ..noise.channels import CircuitNoise
from .check import Checked, Judged, compile_checked, judge, judge_rows
from .noise import flip_bits
from .programs import compile_lines, parity_records, sample_all, sample_survivors, with_detectors
from .text import Errors, make_text


class Counting(Protocol):
    """A circuit made ready for counting its shots."""

    @property
    def engine(self) -> clifft.Program:
        """The compiled circuit."""

    def count(self, shots: int, seed: int, faults: int | None) -> Counts:
        """Return a batch of shots, counted."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Counts shots whose result is recorded: X, Y, Z and H.

    Attributes:
        engine: discards what is not accepted. Observable 0 is the parity of the logical bits; if
            faces are decoded, the others are those of the faces.
        readout: what is done about the readout's faces.
        sign: of the logical operator.
        expected: parity of each face that is decoded.
        logical_flips: for each of their syndromes, whether its correction flips the result.
    """

    engine: clifft.Program
    readout: Readout
    sign: int
    expected: NDArray[np.uint8]
    logical_flips: NDArray[np.int8]

    def count(self, shots: int, seed: int, faults: int | None) -> Counts:
        """Return a batch of shots, counted.

        Raises:
            HexmagicError: the sampler gives no sums.
        """
        decodes = len(self.expected) > 0
        found = sample_survivors(self.engine, shots, seed, keep_records=decodes, faults=faults)
        kept, ones = found.passed_shots, found.observable_ones
        if kept is None or ones is None:
            raise HexmagicError("clifft: no sums over the shots that were kept")
        odd = self._corrected(found.observables) if decodes else int(ones[0])
        minus = odd if self.sign > 0 else kept - odd
        outcome = Outcome(kept=kept, minus=minus, minus_squares=minus)
        return Counts(shots=shots, outcomes={self.readout: outcome})

    def _corrected(self, parities: NDArray[np.uint8]) -> int:
        """Return how many logical parities are odd after the faces' correction."""
        wrong = (parities[:, 1:] ^ self.expected).astype(np.int64)
        syndrome = wrong @ (1 << np.arange(len(self.expected)))
        return int(np.count_nonzero(parities[:, 0] ^ self.logical_flips[syndrome]))


def recorded(compiled: Compiled, errors: Errors, accept: Accept) -> Recorded:
    """Return a circuit made ready; the errors have its readout in them.

    Raises:
        UsageError: readout correct with too many faces to decode.
    """
    record = compiled.program.record
    circuit = make_text(compiled.instructions, errors)
    lines, expected = with_detectors(circuit, asked_bits(record, accept))
    decoded = record.faces if accept.readout == "correct" else ()
    if accept.readout == "detect":
        for face in record.faces:
            lines.append(f"DETECTOR {parity_records(circuit, record, face.bits)}")
            expected.append(face.expected)
    parities = [record.logical.bits, *(face.bits for face in decoded)]
    for i, keys in enumerate(parities):
        lines.append(f"OBSERVABLE_INCLUDE({i}) {parity_records(circuit, record, keys)}")
    return Recorded(
        engine=compile_lines(lines, expected),
        readout=accept.readout,
        sign=record.logical.sign,
        expected=np.array([face.expected for face in decoded], dtype=np.uint8),
        logical_flips=logical_flips(decoded, record.logical.bits),
    )


@dataclass(frozen=True, kw_only=True)
class Ideal:
    """Counts shots whose state is judged ideally, and discards the others early."""

    checked: Checked

    @property
    def engine(self) -> clifft.Program:
        """The compiled circuit."""
        return self.checked.engine

    def count(self, shots: int, seed: int, faults: int | None) -> Counts:
        """Return a batch of shots, counted."""
        found = sample_survivors(self.engine, shots, seed, keep_records=True, faults=faults)
        return _judged_counts(judge(self.checked, found))


def ideal(compiled: Compiled, errors: Errors, accept: Accept) -> Ideal:
    """Return a circuit made ready; the errors have its readout in them."""
    program = compiled.program
    asked = asked_bits(program.record, accept)
    return Ideal(checked=compile_checked(program, compiled.instructions, errors, asked=asked))


@dataclass(frozen=True, kw_only=True)
class IdealFlipped:
    """Counts shots whose state is judged ideally after flips of the sampled outcomes.

    Attributes:
        checked: discards nothing.
        rates: P(1|0) and P(0|1) of each measurement in front of the ideal check; with a given
            number of faults these flips come on top.
        asked: for each bit that is asked, the measurements whose parity it is, and its value.
    """

    checked: Checked
    rates: Sequence[tuple[float, float]]
    asked: Sequence[tuple[Sequence[int], bool]]

    @property
    def engine(self) -> clifft.Program:
        """The compiled circuit."""
        return self.checked.engine

    def count(self, shots: int, seed: int, faults: int | None) -> Counts:
        """Return a batch of shots, counted."""
        found = sample_all(self.engine, shots, seed, faults)
        bits = found.measurements[:, : len(self.rates)].view(np.bool_)
        flip_bits(bits, self.rates, np.random.default_rng(seed))
        kept = np.ones(shots, dtype=np.bool_)
        for columns, value in self.asked:
            kept &= np.logical_xor.reduce(bits[:, columns], axis=1) == value
        return _judged_counts(
            judge_rows(
                self.checked.code, found.measurements[kept], found.exp_vals[kept], shots=shots
            )
        )


def ideal_flipped(
    compiled: Compiled, errors: Errors, accept: Accept, noise: CircuitNoise
) -> IdealFlipped:
    """Return a circuit made ready; the errors do not have its readout in them."""
    program = compiled.program
    checked = compile_checked(program, compiled.instructions, errors, asked=())
    position: dict[BitKey, int] = {key: i for i, key in enumerate(checked.measured)}
    return IdealFlipped(
        checked=checked,
        rates=[noise.readout.get(key, (0.0, 0.0)) for key in checked.measured],
        asked=[
            ([position[key] for key in (bit.key, *bit.xor)], bool(bit.expected))
            for bit in asked_bits(program.record, accept)
        ],
    )


def _judged_counts(judged: Judged) -> Counts:
    return Counts(
        shots=judged.shots,
        outcomes={
            "detect": _outcome(judged.wrong[judged.trivial]),
            "correct": _outcome(judged.wrong_corrected),
        },
    )


def _outcome(wrong: NDArray[np.float64]) -> Outcome:
    """Return the sums over kept shots, each with its chance of the wrong state."""
    return Outcome(
        kept=len(wrong), minus=float(wrong.sum()), minus_squares=float(np.square(wrong).sum())
    )
