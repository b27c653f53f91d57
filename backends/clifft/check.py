"""The state behind the protocol, judged ideally and sampled exactly with clifft.

It is the independent judge of the certificates: nothing here uses their engine.

The ideal check behind a circuit undoes the readout's gates and measures every X and Z face. Then
the data are in the code up to a known correction, and the expectations of logical X and Z of that
very state (exact, not sampled) tell the chance that it is in the wrong logical state: (1 - <H>)/2,
before and after the correction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import clifft
import numpy as np
from numpy.typing import NDArray

from ...experiments.certificates.faults import Fault
from ...experiments.certificates.lightest import lightest_weights
from ...experiments.colour_code import ColourCode
from ...experiments.errors import RefusedError
from ...experiments.instructions import Instruction
from ...experiments.program import Program
from ...experiments.readout_decoder import MAX_DECODED_FACES
from ...experiments.record import Bit, BitKey
from .faults import given_faults
from .programs import compile_lines, sample_survivors, with_detectors
from .shots import batches
from .text import Errors, gate_lines, inverse_gate, make_text

ROUNDING = 1e-12
"""A chance below it is 0: errors leave none or a far larger one, and rounding errors add up."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The accepted shots of a circuit with its ideal check.

    Attributes:
        shots: how many were taken.
        trivial: for each accepted shot, whether every X and Z face is.
        wrong: its chance of the wrong logical state as it is; NaN if not trivial.
        wrong_corrected: the same after ideal minimum-weight decoding of X and Z separately.
    """

    shots: int
    trivial: NDArray[np.bool_]
    wrong: NDArray[np.float64]
    wrong_corrected: NDArray[np.float64]

    @property
    def accepted(self) -> int:
        """Number of accepted shots."""
        return len(self.trivial)


def judge_faults(
    program: Program,
    instructions: Sequence[Instruction],
    *,
    shots: int,
    seed: int,
    faults: Sequence[Fault] = (),
) -> Judged:
    """Return what the ideal check says of shots with some given faults in them.

    For tests and benchmarks, which hold the certificates against it.

    Raises:
        RefusedError: the program has no code.
    """
    errors = given_faults(instructions, faults, data_bits(program))
    checked = compile_checked(program, instructions, errors)
    parts = [
        judge(checked, sample_survivors(checked.engine, size, engine_seed, keep_records=True))
        for size, engine_seed in batches(shots, seed)
    ]
    return _join(parts)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A compiled circuit with post-selection, tags and the ideal check.

    Attributes:
        engine: its last measurements are the tag qubits, if any, the X faces and the Z faces.
        code: whose faces they are.
        num_tags: number of tag qubits.
        measured: the bit of each measurement in front of the tags.
    """

    engine: clifft.Program
    code: ColourCode
    num_tags: int
    measured: tuple[BitKey, ...]


def compile_checked(
    program: Program,
    instructions: Sequence[Instruction],
    errors: Errors,
    tag_qubits: Sequence[int] = (),
    asked: Sequence[Bit] | None = None,
) -> Checked:
    """Return a circuit with errors, compiled with post-selection and the ideal check.

    Args:
        program: the record map, the patch and the code.
        instructions: the circuit.
        errors: made for a circuit whose data are not measured (`data_bits`).
        tag_qubits: further qubits to measure at the end.
        asked: bits that must have their expected value; all of the ancillas by default.

    Raises:
        RefusedError: the program has no code, or one with too many faces to decode.
        HexmagicError: a bit without an expected value.
    """
    code = program.patch.code
    if code is None:
        raise RefusedError(f"scheme {program.scheme}: has no code, so nothing to check")
    if len(code.faces) > MAX_DECODED_FACES:
        raise RefusedError(
            f"the ideal check decodes up to {MAX_DECODED_FACES} faces (distance 7), and the code "
            f"has {len(code.faces)}; measure X, Y or Z with readout detect"
        )
    circuit = make_text(instructions, errors, data_bits(program))
    if asked is None:
        asked = [bit for bit in program.record.bits if bit.role != "data"]
    selected, expected = with_detectors(circuit, asked)
    named = [f"M {qubit}" for qubit in tag_qubits]
    check = _ideal_check(program, code, instructions)
    return Checked(
        engine=compile_lines([*selected, *named, *check], expected),
        code=code,
        num_tags=len(tag_qubits),
        measured=circuit.measured,
    )


def data_bits(program: Program) -> frozenset[BitKey]:
    """Return the bits that are left open in front of the ideal check: those of the data."""
    return frozenset(bit.key for bit in program.record.bits if bit.role == "data")


def _ideal_check(
    program: Program, code: ColourCode, instructions: Sequence[Instruction]
) -> Iterator[str]:
    readout = {gadget.label for gadget in program.gadgets if gadget.stage == "readout"}
    for instruction in reversed(instructions):
        if instruction.gadget in readout and instruction.name != "measure":
            yield from gate_lines(inverse_gate(instruction))
    data = _data_qubits(program, instructions)
    for letter in "XZ":
        for face in code.faces:
            yield f"MPP {_product(letter, [data[q] for q in face])}"
    for letter in "XZ":
        yield f"EXP_VAL {_product(letter, data)}"


def _data_qubits(program: Program, instructions: Sequence[Instruction]) -> list[int]:
    """Return where each data qubit of the code is at the end, in the code's order."""
    if not data_bits(program):
        return list(program.patch.data)
    places: Mapping[BitKey, int] = {
        item.bits[0]: item.qubits[0] for item in instructions if item.name == "measure"
    }
    keys = {bit.qubit: bit.key for bit in program.record.bits if bit.role == "data"}
    return [places[keys[qubit]] for qubit in program.patch.data]


def _product(letter: str, qubits: Sequence[int]) -> str:
    return "*".join(f"{letter}{qubit}" for qubit in qubits)


def judge(checked: Checked, found: clifft.SampleResult) -> Judged:
    """Return what the ideal check says of the shots that post-selection has left."""
    return judge_rows(
        checked.code, found.measurements, found.exp_vals, shots=int(found.total_shots or 0)
    )


def judge_rows(
    code: ColourCode,
    measurements: NDArray[np.uint8],
    exp_vals: NDArray[np.float64],
    *,
    shots: int,
) -> Judged:
    """Return what the ideal check says of some accepted shots.

    Args:
        code: the code.
        measurements: shape (accepted, measurements), the last the X faces and the Z faces.
        exp_vals: logical X and Z, shape (accepted, 2).
        shots: how many were taken.
    """
    faces = len(code.faces)
    bit_values = 1 << np.arange(faces)
    outcomes = measurements[:, -2 * faces :].astype(np.int64)
    x_syndrome, z_syndrome = outcomes[:, :faces] @ bit_values, outcomes[:, faces:] @ bit_values
    logical_x, logical_z = exp_vals.T
    odd = lightest_weights(code) % 2
    # a Z correction follows from the X faces and turns logical X over if its weight is odd
    corrected = logical_x * (1 - 2 * odd[x_syndrome]) + logical_z * (1 - 2 * odd[z_syndrome])
    trivial = (x_syndrome == 0) & (z_syndrome == 0)
    wrong = np.where(trivial, _chance(logical_x + logical_z), np.nan)
    return Judged(
        shots=shots,
        trivial=trivial,
        wrong=wrong,
        wrong_corrected=_chance(corrected),
    )


def _chance(x_and_z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (1 - <H>)/2 from the sum of the expectations of logical X and Z."""
    chance = np.clip((1 - x_and_z / sqrt(2)) / 2, 0, 1)
    return np.where(chance < ROUNDING, 0.0, chance)


def _join(parts: Sequence[Judged]) -> Judged:
    return Judged(
        shots=sum(part.shots for part in parts),
        trivial=np.concatenate([part.trivial for part in parts]),
        wrong=np.concatenate([part.wrong for part in parts]),
        wrong_corrected=np.concatenate([part.wrong_corrected for part in parts]),
    )
