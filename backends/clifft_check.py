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

from ..experiments.colour_code import ColourCode
from ..experiments.errors import HexmagicError, RefusedError
from ..experiments.faults import Fault
from ..experiments.instructions import Instruction
from ..experiments.lightest import lightest_weights
from ..experiments.program import Program
from ..experiments.record import Bit, BitKey
from .clifft_faults import given_faults
from .clifft_shots import batches
from .clifft_text import CircuitText, Errors, gate_lines, inverse_gate, make_text


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

    Raises:
        RefusedError: the program has no code.
    """
    errors = given_faults(instructions, faults, data_bits(program))
    checked = compile_checked(program, instructions, errors)
    parts = [
        judge(checked, clifft.sample_survivors(checked.engine, size, engine_seed, True))
        for size, engine_seed in batches(shots, seed)
    ]
    return _join(parts)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A compiled circuit with post-selection, tags and the ideal check.

    The last measurements are the tag qubits, if any, the X faces and the Z faces.
    """

    engine: clifft.Program
    code: ColourCode
    num_tags: int


def compile_checked(
    program: Program,
    instructions: Sequence[Instruction],
    errors: Errors,
    tag_qubits: Sequence[int] = (),
) -> Checked:
    """Return a circuit with errors, compiled with post-selection and the ideal check.

    Args:
        program: the record map, the patch and the code.
        instructions: the circuit.
        errors: made for a circuit whose data are not measured (`data_bits`).
        tag_qubits: further qubits to measure at the end.

    Raises:
        RefusedError: the program has no code.
        HexmagicError: an ancilla bit without an expected value.
    """
    code = program.patch.code
    if code is None:
        raise RefusedError(f"scheme {program.scheme}: has no code, so nothing to check")
    circuit = make_text(instructions, errors, data_bits(program))
    ancillas = [bit for bit in program.record.bits if bit.role != "data"]
    selected, expected = _with_detectors(circuit, ancillas)
    named = [f"M {qubit}" for qubit in tag_qubits]
    text = "\n".join([*selected, *named, *_ideal_check(program, code, instructions)]) + "\n"
    engine = clifft.compile(
        text, postselection_mask=[1] * len(expected), expected_detectors=expected
    )
    return Checked(engine=engine, code=code, num_tags=len(tag_qubits))


def data_bits(program: Program) -> frozenset[BitKey]:
    """Return the bits that are left open in front of the ideal check: those of the data."""
    return frozenset(bit.key for bit in program.record.bits if bit.role == "data")


def _with_detectors(circuit: CircuitText, bits: Sequence[Bit]) -> tuple[list[str], list[int]]:
    """Return a circuit's lines with a detector as soon as each bit is known, and their values."""
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
    """Return where each data qubit of the code is at its readout, in the code's order."""
    places: Mapping[BitKey, int] = {
        item.bits[0]: item.qubits[0] for item in instructions if item.name == "measure"
    }
    keys = {bit.qubit: bit.key for bit in program.record.bits if bit.role == "data"}
    return [places[keys[qubit]] for qubit in program.patch.data]


def _product(letter: str, qubits: Sequence[int]) -> str:
    return "*".join(f"{letter}{qubit}" for qubit in qubits)


def judge(checked: Checked, found: clifft.SampleResult) -> Judged:
    """Return what the ideal check says of some accepted shots."""
    faces = len(checked.code.faces)
    outcomes = found.measurements[:, -2 * faces :].astype(np.int64)
    bit_values = 1 << np.arange(faces)
    x_syndrome, z_syndrome = outcomes[:, :faces] @ bit_values, outcomes[:, faces:] @ bit_values
    logical_x, logical_z = found.exp_vals.T
    odd = lightest_weights(checked.code) % 2
    # a Z correction follows from the X faces and turns logical X over if its weight is odd
    corrected = logical_x * (1 - 2 * odd[x_syndrome]) + logical_z * (1 - 2 * odd[z_syndrome])
    trivial = (x_syndrome == 0) & (z_syndrome == 0)
    wrong = np.where(trivial, _chance(logical_x + logical_z), np.nan)
    return Judged(
        shots=int(found.total_shots or 0),
        trivial=trivial,
        wrong=wrong,
        wrong_corrected=_chance(corrected),
    )


def _chance(x_and_z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (1 - <H>)/2 from the sum of the expectations of logical X and Z."""
    return np.clip((1 - x_and_z / sqrt(2)) / 2, 0, 1)


def _join(parts: Sequence[Judged]) -> Judged:
    return Judged(
        shots=sum(part.shots for part in parts),
        trivial=np.concatenate([part.trivial for part in parts]),
        wrong=np.concatenate([part.wrong for part in parts]),
        wrong_corrected=np.concatenate([part.wrong_corrected for part in parts]),
    )
