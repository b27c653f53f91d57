"""Every single fault that a circuit can suffer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from ..instructions import VIRTUAL_NAMES, Instruction

FaultKind = Literal["prepare", "two_qubit", "one_qubit", "idle", "reset", "readout"]

PREPARATION = -1
"""`Fault.at` of a wrong initial state: in front of the first instruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        kind: prepare (a qubit starts in |1>), two_qubit, one_qubit and idle (a Pauli after the
            gate or delay), reset (a flip after it), readout (the record is flipped, the state
            is not).
        at: index of the instruction, or PREPARATION.
        qubits: qubits of the circuit that it acts on.
        pauli: a letter for each qubit; "X" for prepare, reset and readout.
        gadget: label of the gadget.
    """

    kind: FaultKind
    at: int
    qubits: tuple[int, ...]
    pauli: str
    gadget: str

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return {
            "kind": self.kind,
            "instruction": self.at,
            "qubits": list(self.qubits),
            "pauli": self.pauli,
            "gadget": self.gadget,
        }


def single_faults(instructions: Sequence[Instruction], num_qubits: int) -> Iterator[Fault]:
    """Yield all single faults in the order of the instructions.

    15 Paulis after each two-qubit gate, 3 after each one-qubit gate and each delay, a flip of each
    initial qubit, reset and readout. Frame changes (rz) and barriers are no operations and have
    none.
    """
    first: dict[int, str] = {}
    for instruction in instructions:
        for qubit in instruction.qubits:
            first.setdefault(qubit, instruction.gadget)
    for qubit in range(num_qubits):
        yield Fault(
            kind="prepare", at=PREPARATION, qubits=(qubit,), pauli="X", gadget=first.get(qubit, "")
        )
    for at, instruction in enumerate(instructions):
        for kind, pauli in _kinds(instruction):
            yield Fault(
                kind=kind, at=at, qubits=instruction.qubits, pauli=pauli, gadget=instruction.gadget
            )


def _kinds(instruction: Instruction) -> Iterator[tuple[FaultKind, str]]:
    name = instruction.name
    if name in VIRTUAL_NAMES:
        return
    if name == "measure":
        yield "readout", "X"
    elif name == "reset":
        yield "reset", "X"
    else:
        kind: FaultKind = "two_qubit" if instruction.is_two_qubit_gate else "one_qubit"
        if name == "delay":
            kind = "idle"
        for letters in product("IXYZ", repeat=len(instruction.qubits)):
            pauli = "".join(letters)
            if set(pauli) != {"I"}:
                yield kind, pauli
