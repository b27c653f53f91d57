"""Shots of a circuit with given faults, sampled exactly with clifft.

`batches` and `record_columns` are the engine's too; whole shots with given faults are sampled for
tests and benchmarks, which hold the certificates against them.

clifft is exact for Clifford circuits with a few rotations and Pauli errors. Its cost grows with the
number of rotations that are open at a time, not with the number of qubits: d = 5 and d = 7 run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import clifft
import numpy as np

from ...experiments.certificates.faults import Fault
from ...experiments.errors import HexmagicError
from ...experiments.instructions import Instruction
from ...experiments.program import Program
from ...experiments.record import RecordMap
from ...experiments.shots import Shots, join_shots, pack_shots
from .faults import given_faults
from .programs import compile_lines
from .text import CircuitText, make_text

SHOTS_PER_BATCH = 1 << 16
"""Shots that are held unpacked at a time."""


def sample(
    program: Program,
    instructions: Sequence[Instruction],
    *,
    shots: int,
    seed: int,
    faults: Sequence[Fault] = (),
) -> Shots:
    """Return shots of a circuit with some given faults in it and no other noise.

    The same arguments give the same shots.

    Args:
        program: its record map.
        instructions: the circuit: the program's own, or as compiled.
        shots: how many; every bit of every shot is kept, 8 to a byte.
        seed: any non-negative integer.
        faults: put into every shot.

    Raises:
        HexmagicError: no shots, or a bit of the record map that the circuit does not measure.
    """
    circuit = make_text(instructions, given_faults(instructions, faults))
    columns = record_columns(circuit, program.record)
    engine = compile_lines(circuit.lines)
    parts = []
    for size, engine_seed in batches(shots, seed):
        found = clifft.sample(engine, size, seed=engine_seed).measurements
        parts.append(pack_shots(found[:, columns].astype(np.bool_), program.record))
    return join_shots(parts)


def record_columns(circuit: CircuitText, record: RecordMap) -> list[int]:
    """Return which measurement each bit of a record map is.

    Raises:
        HexmagicError: a bit that the circuit does not measure.
    """
    position = {key: i for i, key in enumerate(circuit.measured)}
    missing = [bit.key for bit in record.bits if bit.key not in position]
    if missing:
        raise HexmagicError(f"the circuit does not measure {missing[0]}, which the record map has")
    return [position[bit.key] for bit in record.bits]


def batches(shots: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield the size and the engine's seed of each batch; seeds are hashed, never added up.

    Raises:
        HexmagicError: less than one shot.
    """
    if shots < 1:
        raise HexmagicError(f"shots {shots}: needs at least 1")
    for i, start in enumerate(range(0, shots, SHOTS_PER_BATCH)):
        words = (seed & 0xFFFFFFFF, seed >> 32, i)  # (seed, i) of a small seed is another's too
        (engine_seed,) = np.random.SeedSequence(words).generate_state(1, np.uint64)
        yield min(SHOTS_PER_BATCH, shots - start), int(engine_seed)
