"""A circuit seen from its end: every fault, rotation and outcome as one Pauli operator.

A near-Clifford circuit is a Clifford circuit with a few rotations by odd angles in between. Pushed
through the Clifford gates to the end of the circuit, a rotation becomes a rotation about a Pauli
operator and a fault becomes a Pauli operator, exactly; what is left of the circuit is their order
in time. A reset starts a new wire and leaves the old one behind, and a measurement adds its
outcome to a column of flips, so that nothing between preparation and readout is anything but
unitary. (Litinski, Quantum 3:128, 2019, writes circuits this way.)

Columns of a Pauli's masks: wires first, where wires 0..n-1 are the last lives of the qubits and
earlier lives follow; then, in x alone, one flip of each recorded value, in the record's order.
The data end in front of their readout: its gates are undone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import pi

import numpy as np

from ..errors import HexmagicError
from ..instructions import Instruction
from ..program import Program
from ..record import Role
from .clifford import gate_images, matrix_images, quarter_turns
from .faults import Fault
from .gate_matrices import gate_matrix
from .pauli_sums import Pauli
from .steps import Matrix

_LETTERS = {"X": (1, 0), "Y": (1, 1), "Z": (0, 1)}
_AXES = {"rz": Pauli(0, 1), "ry": Pauli(1, 1, 1)}
_EXACT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """exp(-i angle axis / 2) behind instruction `at`, its axis pushed to the end."""

    at: int
    axis: Pauli
    angle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a noiseless run fixes: the Z of a wire in front of instruction `at`, at the end.

    Attributes:
        wire: which wire.
        role: of the bit that records it; None for what is left on a wire.
        expected: its value, 0 or 1; None: whatever a noiseless run gives.
    """

    at: int
    role: Role | None
    wire: int
    observable: Pauli
    expected: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """All wires at one moment: the images of their X and Z, by wire.

    A wire that has not begun counts as |0>, one that has ended as it was left.

    Attributes:
        at: index of the instruction that follows.
        data, alive: wire of each data qubit of the code and of each qubit; at the end data alone.
    """

    at: int
    data: tuple[int, ...]
    alive: tuple[int, ...]
    x: tuple[Pauli, ...]
    z: tuple[Pauli, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PauliFrame:
    """A circuit seen from its end.

    Attributes:
        num_wires: lives of qubits.
        num_bits: recorded bits; their flips are columns num_wires, num_wires + 1, ... of x.
        data: wire of each data qubit, in the code's order.
        rotations: in the order of time.
        effects: each fault at the end, in the order given; its power of i means nothing.
        starts: for each fault, the number of rotations in front of it.
        outcomes: of measurements and, at its end, of every wire but the data's.
        begin: the cut at the very beginning, every wire in |0>.
        cuts: in front of each round of H_m, where the data are in the code.
    """

    num_wires: int
    num_bits: int
    data: tuple[int, ...]
    rotations: tuple[Rotation, ...]
    effects: tuple[Pauli, ...]
    starts: tuple[int, ...]
    outcomes: tuple[Outcome, ...]
    begin: Cut
    cuts: tuple[Cut, ...]

    @property
    def num_columns(self) -> int:
        """Columns of a Pauli's mask x."""
        return self.num_wires + self.num_bits

    def rotations_before(self, at: int) -> int:
        """Return the number of rotations in front of instruction `at`."""
        return bisect_left(self.rotations, at, key=lambda rotation: rotation.at)


def make_pauli_frame(
    program: Program, instructions: Sequence[Instruction], faults: Sequence[Fault]
) -> PauliFrame:
    """Return a circuit seen from its end, with the given faults.

    Raises:
        HexmagicError: a gate that is neither Clifford nor a rotation about Y or Z, or a measured
            bit without an expected value that is not a data bit.
    """
    resets = sum(instruction.name == "reset" for instruction in instructions)
    sweep = _Sweep(program, program.patch.num_qubits + resets, _undone(program, instructions))
    struck: dict[int, list[int]] = {}
    for i, fault in enumerate(faults):
        struck.setdefault(fault.at, []).append(i)
    hadamards = {g.label: g.data for g in program.gadgets if g.stage == "hadamard"}
    effects: dict[int, Pauli] = {}
    cuts = []
    for at in range(len(instructions) - 1, -1, -1):
        instruction = instructions[at]
        effects |= {i: sweep.effect(faults[i], instruction) for i in struck.get(at, ())}
        sweep.step_back(at, instruction)
        if instruction.name == "barrier" and instruction.gadget in hadamards:
            cuts.append(sweep.cut(at, hadamards.pop(instruction.gadget)))
    effects |= {i: sweep.effect(faults[i], None) for i in struck.get(-1, ())}
    rotations = tuple(reversed(sweep.rotations))
    places = [rotation.at for rotation in rotations]
    return PauliFrame(
        num_wires=sweep.num_wires,
        num_bits=len(program.record.bits),
        data=program.patch.data,
        rotations=rotations,
        effects=tuple(effects[i] for i in range(len(faults))),
        starts=tuple(bisect_right(places, fault.at) for fault in faults),
        outcomes=tuple(reversed(sweep.outcomes)),
        begin=sweep.cut(-1, None),
        cuts=tuple(reversed(cuts)),
    )


@dataclass
class _Sweep:
    """The images of every X and Z at the end, from the end of the circuit to its beginning."""

    program: Program
    num_wires: int
    undone: Mapping[int, Matrix]
    rotations: list[Rotation] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start at the end, where a wire's image is itself."""
        patch, record = self.program.patch, self.program.record
        self.wire = list(range(patch.num_qubits))
        self.earlier = iter(range(patch.num_qubits, self.num_wires))
        self.x = [Pauli(1 << q, 0) for q in range(patch.num_qubits)]
        self.z = [Pauli(0, 1 << q) for q in range(patch.num_qubits)]
        self.begun: dict[int, tuple[Pauli, Pauli]] = {}
        for qubit, matrix in self.undone.items():
            self._conjugate(matrix_images(matrix), (qubit,))
        self.flips: dict[tuple[str, int], int] = {}
        for column, bit in enumerate(record.bits):
            for key in (bit.key, *bit.xor):
                self.flips[key] = self.flips.get(key, 0) ^ 1 << (self.num_wires + column)
        data = set(patch.data)
        self.outcomes += [self._outcome(1 << 62, q) for q in self.wire if q not in data]

    def effect(self, fault: Fault, instruction: Instruction | None) -> Pauli:
        """Return a fault behind the instruction that was reached, at the end."""
        if fault.kind == "readout" and instruction is not None and not self._is_data(instruction):
            return Pauli(self.flips[instruction.bits[0]], 0)
        total = Pauli(0, 0)
        for qubit, letter in zip(fault.qubits, fault.pauli, strict=True):
            if letter != "I":
                x, z = _LETTERS[letter]
                total = total * (self.x[qubit] if x else Pauli(0, 0))
                total = total * (self.z[qubit] if z else Pauli(0, 0))
        return total

    def step_back(self, at: int, instruction: Instruction) -> None:
        """Go from behind an instruction to the front of it."""
        name, qubits = instruction.name, instruction.qubits
        if name in ("barrier", "delay"):
            return
        if name == "measure":
            self._unmeasure(at, instruction)
        elif name == "reset":
            qubit = qubits[0]
            self.begun[self.wire[qubit]] = (self.x[qubit], self.z[qubit])
            self.wire[qubit] = new = next(self.earlier)
            self.x[qubit], self.z[qubit] = Pauli(1 << new, 0), Pauli(0, 1 << new)
            self.outcomes.append(self._outcome(at, qubit))
        elif name in _AXES:
            self._unrotate(at, instruction)
        else:
            self._conjugate(gate_images(instruction), qubits)

    def cut(self, at: int, data: Sequence[int] | None) -> Cut:
        """Return the images of all wires at the moment that was reached.

        at: index of the instruction that follows; data: their qubits, None for the patch's.
        """
        where = self.program.patch.data if data is None else data
        images = {wire: (Pauli(1 << wire, 0), Pauli(0, 1 << wire)) for wire in self.earlier_wires()}
        images |= self.begun
        images |= dict(zip(self.wire, zip(self.x, self.z, strict=True), strict=True))
        both = [images[wire] for wire in range(self.num_wires)]
        return Cut(
            at=at,
            data=tuple(self.wire[qubit] for qubit in where),
            alive=tuple(self.wire),
            x=tuple(x for x, _ in both),
            z=tuple(z for _, z in both),
        )

    def earlier_wires(self) -> range:
        """Return the wires that end in front of the moment that was reached."""
        return range(max(*self.wire, *self.begun, len(self.wire) - 1) + 1, self.num_wires)

    def _outcome(
        self, at: int, qubit: int, role: Role | None = None, expected: int | None = None
    ) -> Outcome:
        return Outcome(
            at=at,
            role=role,
            wire=self.wire[qubit],
            observable=self.z[qubit],
            expected=expected,
        )

    def _is_data(self, measurement: Instruction) -> bool:
        record = self.program.record
        return record.bits[record.column[measurement.bits[0]]].role == "data"

    def _unmeasure(self, at: int, instruction: Instruction) -> None:
        (qubit,), (key,) = instruction.qubits, instruction.bits
        record = self.program.record
        bit = record.bits[record.column[key]]
        if self._is_data(instruction):
            return
        if bit.expected is None:
            raise HexmagicError(f"bit {key}: only outcomes of a fixed value can be certified")
        expected = record.expected_raw[key]
        self.outcomes.append(self._outcome(at, qubit, bit.role, expected))
        self.x[qubit] = self.x[qubit] * Pauli(self.flips[key], 0)

    def _unrotate(self, at: int, instruction: Instruction) -> None:
        (qubit,), (angle,) = instruction.qubits, instruction.params
        axis, turns = _AXES[instruction.name], round(angle / (pi / 2))
        rest = angle - turns * (pi / 2)
        if abs(rest) > _EXACT:
            image = Pauli(0, 0, axis.power)
            image = image * (self.x[qubit] if axis.x else Pauli(0, 0))
            image = image * (self.z[qubit] if axis.z else Pauli(0, 0))
            self.rotations.append(Rotation(at=at, axis=image, angle=rest))
        self._conjugate(quarter_turns(instruction.name, turns % 4), (qubit,))

    def _conjugate(self, images: tuple[Pauli, ...], qubits: Sequence[int]) -> None:
        """Replace images by those in front of a gate, given what it makes of each X and Z."""
        new = []
        for local in images:
            total = Pauli(0, 0, local.power)
            for slot, qubit in enumerate(qubits):
                if local.x >> slot & 1:
                    total = total * self.x[qubit]
            for slot, qubit in enumerate(qubits):
                if local.z >> slot & 1:
                    total = total * self.z[qubit]
            new.append(total)
        for slot, qubit in enumerate(qubits):
            self.x[qubit], self.z[qubit] = new[2 * slot], new[2 * slot + 1]


def _undone(program: Program, instructions: Sequence[Instruction]) -> dict[int, Matrix]:
    """Return, for each data qubit, the inverse of the gates of the readout."""
    readout = {gadget.label for gadget in program.gadgets if gadget.stage == "readout"}
    undone = {qubit: np.eye(2, dtype=complex) for qubit in program.patch.data}
    for instruction in instructions:
        if instruction.gadget in readout and instruction.name not in ("barrier", "measure"):
            (qubit,) = instruction.qubits
            if qubit in undone:
                undone[qubit] = undone[qubit] @ gate_matrix(instruction).conj().T
    return undone
