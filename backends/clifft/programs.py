"""Text made ready for clifft's sampler, with post-selection, and how to sample it.

Two choices decide the speed. Reordering rotations keeps fewer of them open at a time: six instead
of eleven at d = 5, where a shot costs a fifth. And narrow circuits run many shots side by side,
which pays although shots that are discarded early run on; in wide ones they end at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import clifft

from ...experiments.errors import HexmagicError
from ...experiments.record import Bit, BitKey, RecordMap
from .text import CircuitText

WIDEST_PACKED = 5
"""Active width up to which shots run side by side; measured on fold14, tree16, fold40 and fold."""

PACKED_SHOTS = 512
"""Shots that run side by side."""


def compile_lines(lines: Iterable[str], expected: Sequence[int] = ()) -> clifft.Program:
    """Return lines compiled; with detectors, a shot is discarded if one is not as expected.

    Args:
        lines: a circuit in clifft's words.
        expected: the parity of every detector of the lines; none for a circuit without.
    """
    passes = clifft.default_hir_pass_manager()
    passes.add(clifft.ActiveWidthSchedulePass())
    return clifft.compile(
        "\n".join(lines) + "\n",
        postselection_mask=[1] * len(expected),
        expected_detectors=list(expected),
        hir_passes=passes,
    )


def sample_all(
    engine: clifft.Program, shots: int, seed: int, faults: int | None
) -> clifft.SampleResult:
    """Return whole records of some shots, none of them discarded.

    faults: number of noise sites that strike in each shot; None: as they come.
    """
    if faults is None:
        return clifft.sample(engine, shots, seed=seed)
    return clifft.sample_k(engine, shots, faults, seed=seed)


def sample_survivors(
    engine: clifft.Program,
    shots: int,
    seed: int,
    *,
    keep_records: bool,
    faults: int | None = None,
) -> clifft.SampleResult:
    """Return what post-selection leaves of some shots.

    Args:
        engine: compiled with expected detectors, or without any.
        shots: how many to take.
        seed: below 2^64; derive it by hashing.
        keep_records: whether every survivor's measurements, observables and expectations are
            wanted, or only their sums.
        faults: number of noise sites that strike in each shot; None: as they come.
    """
    packed = engine.peak_active_width <= WIDEST_PACKED
    size: int | Literal["auto"] = PACKED_SHOTS if packed else "auto"
    if faults is None:
        return clifft.sample_survivors(engine, shots, seed, keep_records, batch_size=size)
    return clifft.sample_k_survivors(engine, shots, faults, seed, keep_records, batch_size=size)


def with_detectors(circuit: CircuitText, bits: Sequence[Bit]) -> tuple[list[str], list[int]]:
    """Return a circuit's lines with a detector as soon as each bit is known, and their values.

    Raises:
        HexmagicError: a bit without an expected value.
    """
    position = {key: i for i, key in enumerate(circuit.measured)}
    due: dict[int, list[Bit]] = {}
    for bit in bits:
        due.setdefault(max(position[key] for key in (bit.key, *bit.xor)), []).append(bit)
    lines: list[str] = []
    expected: list[int] = []
    start = 0
    for i, end in enumerate(circuit.at_line):
        lines += circuit.lines[start:end]
        start = end
        for bit in due.get(i, ()):
            if bit.expected is None:
                raise HexmagicError(f"bit {bit.key}: only outcomes of a fixed value can be judged")
            records = (f"rec[{position[key] - i - 1}]" for key in (bit.key, *bit.xor))
            lines.append(f"DETECTOR {' '.join(records)}")
            expected.append(bit.expected)
    return [*lines, *circuit.lines[start:]], expected


def parity_records(circuit: CircuitText, record: RecordMap, keys: Iterable[BitKey]) -> str:
    """Return, behind a circuit's last measurement, the records whose parity is that of some bits.

    Each bit counts with its `xor` partners; a record that occurs twice cancels.
    """
    raw: set[BitKey] = set()
    for key in keys:
        raw ^= {key}
        for partner in record.bits[record.column[key]].xor:
            raw ^= {partner}
    last = len(circuit.measured)
    return " ".join(f"rec[{circuit.measured.index(key) - last}]" for key in sorted(raw))
