"""A circuit as text for clifft: Stim's format with rotations by any angle, and errors put in.

Angles of clifft are in half turns. Delays and barriers do nothing; a circuit's idle errors are put
in behind its delays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import pi

from ...experiments.certificates.faults import PREPARATION
from ...experiments.errors import HexmagicError
from ...experiments.instructions import Instruction
from ...experiments.record import BitKey

_NAMES = {
    "cx": "CX",
    "cz": "CZ",
    "h": "H",
    "s": "S",
    "sdg": "S_DAG",
    "sx": "SQRT_X",
    "sxdg": "SQRT_X_DAG",
    "x": "X",
}
_ROTATIONS = {"ry": "R_Y", "rz": "R_Z"}
_INVERSES = {"s": "sdg", "sdg": "s", "sx": "sxdg", "sxdg": "sx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """What goes wrong where, in clifft's words.

    Attributes:
        after: lines behind an instruction, by its index; PREPARATION: in front of the first.
        before: lines in front of an instruction, by its index.
        flips: probability with which a measurement's record is flipped, by its index.
    """

    after: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    before: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    flips: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitText:
    """A circuit in clifft's words.

    Attributes:
        lines: one operation each.
        measured: the bit of each measurement, in the order of clifft's record.
        at_line: number of lines behind each measurement, in the same order.
    """

    lines: tuple[str, ...]
    measured: tuple[BitKey, ...]
    at_line: tuple[int, ...]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines) + "\n"


def make_text(
    instructions: Sequence[Instruction],
    errors: Errors | None = None,
    unmeasured: frozenset[BitKey] = frozenset(),
) -> CircuitText:
    """Return a circuit in clifft's words.

    Args:
        instructions: every qubit starts in |0>.
        errors: what goes wrong; nothing by default.
        unmeasured: bits whose measurement is left out.

    Raises:
        HexmagicError: an instruction that has no words here, or a bit that is measured twice.
    """
    errors = errors or Errors()
    lines = list(errors.after.get(PREPARATION, ()))
    measured: list[BitKey] = []
    at_line: list[int] = []
    for at, instruction in enumerate(instructions):
        lines += errors.before.get(at, ())
        if instruction.name != "measure":
            lines += gate_lines(instruction)
        elif instruction.bits[0] not in unmeasured:
            flip = errors.flips.get(at, 0.0)
            lines.append(
                f"M({flip!r}) {instruction.qubits[0]}" if flip else f"M {instruction.qubits[0]}"
            )
            measured.append(instruction.bits[0])
            at_line.append(len(lines))
        lines += errors.after.get(at, ())
    if len(set(measured)) != len(measured):
        raise HexmagicError("a classical bit is measured twice; its outcomes would be mixed up")
    return CircuitText(lines=tuple(lines), measured=tuple(measured), at_line=tuple(at_line))


def gate_lines(instruction: Instruction) -> tuple[str, ...]:
    """Return the lines of anything but a measurement, up to a global phase.

    Raises:
        HexmagicError: an instruction that has no words here.
    """
    name, qubits = instruction.name, " ".join(map(str, instruction.qubits))
    if name in ("barrier", "delay"):
        return ()
    if name == "reset":
        return (f"R {qubits}",)
    if name in _NAMES:
        return (f"{_NAMES[name]} {qubits}",)
    if name in _ROTATIONS:
        return (f"{_ROTATIONS[name]}({instruction.params[0] / pi!r}) {qubits}",)
    if name == "ecr":
        a, b = instruction.qubits
        return (f"S {a}", f"SQRT_X {b}", f"CX {a} {b}", f"X {a}")
    raise HexmagicError(f"clifft: no words for instruction {name!r}; it needs a line in gate_lines")


def inverse_gate(instruction: Instruction) -> Instruction:
    """Return the inverse of a gate or delay."""
    return replace(
        instruction,
        name=_INVERSES.get(instruction.name, instruction.name),
        params=instruction.params
        if instruction.name == "delay"
        else tuple(-angle for angle in instruction.params),
    )
