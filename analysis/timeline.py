"""The timeline of a compiled circuit: its blocks, when each begins and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedBlock:
    """One block of the compiled circuit.

    Attributes:
        label: the block's name, unique in the circuit.
        stage: encode, hadamard, detection or readout.
        round: 1-based round of H_m and ED; 0 for encode and readout.
        two_qubit_gates: as compiled.
        measurements: as compiled.
        resets: as compiled.
        seconds: time from the block's first operation to the end of its last; NaN: not known.
        start_seconds: when its first operation starts; None if that was not recorded.
        reads: the times in which some of its qubits are measured; none if not recorded.
    """

    label: str
    stage: str
    round: int
    two_qubit_gates: int
    measurements: int
    resets: int
    seconds: float
    start_seconds: float | None = None
    reads: tuple[tuple[float, float], ...] = ()


def circuit_seconds(stages: Sequence[TimedBlock]) -> float:
    """Return when the last block ends, in seconds; NaN if a start or a duration is not known.

    Blocks overlap, as each waits for its own qubits only: durations alone do not add up to it.
    """
    return max((end for _, _, end in stage_spans(stages)), default=nan)


def stage_spans(stages: Sequence[TimedBlock]) -> list[tuple[str, float, float]]:
    """Return (name, start, end) of each stage and round in seconds; nothing if one is unknown."""
    windows: dict[tuple[str, int], tuple[float, float]] = {}
    for block in stages:
        if block.start_seconds is None or not isfinite(block.start_seconds + block.seconds):
            return []
        start, end = block.start_seconds, block.start_seconds + block.seconds
        first, last = windows.get((block.stage, block.round), (start, end))
        windows[block.stage, block.round] = (min(first, start), max(last, end))
    return [(stage_name(*key), *window) for key, window in windows.items()]


def stage_name(stage: str, round_: int) -> str:
    """Return the name of a stage of one round: "hadamard 1", but "encode"."""
    return f"{stage} {round_}" if round_ else stage
