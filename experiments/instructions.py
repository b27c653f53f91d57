"""A circuit as a flat list of instructions, each with the gadget that it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import HexmagicError
from .record import BitKey

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

VIRTUAL_NAMES = frozenset({"rz", "barrier"})
"""Instructions without a physical operation: frame changes and barriers take no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction of a circuit.

    Attributes:
        name: as in qiskit: cz, sx, rz, delay, measure, reset, barrier...
        params: angles in radians; for a delay its length in dt.
        qubits: indices in the circuit.
        bits: (register, index) of each classical bit.
        gadget: label of the last barrier on its qubits; "" in front of the first.
    """

    name: str
    params: tuple[float, ...]
    qubits: tuple[int, ...]
    bits: tuple[BitKey, ...]
    gadget: str

    @property
    def is_two_qubit_gate(self) -> bool:
        """Whether it is an entangling gate."""
        return len(self.qubits) == 2 and self.name != "barrier"


def read_instructions(circuit: QuantumCircuit) -> tuple[Instruction, ...]:
    """Return a circuit's instructions in order.

    Raises:
        HexmagicError: a two-qubit gate reaches over two gadgets.
    """
    places = {
        bit: (register.name, i) for register in circuit.cregs for i, bit in enumerate(register)
    }
    current: dict[int, str] = {}
    found = []
    for item in circuit.data:
        name = item.operation.name
        qubits = tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
        if name == "barrier":
            current |= dict.fromkeys(qubits, item.operation.label or "")
        labels = {current.get(qubit, "") for qubit in qubits}
        if len(labels) != 1:
            raise HexmagicError(f"{name} on qubits {qubits} reaches over gadgets {sorted(labels)}")
        found.append(
            Instruction(
                name=name,
                params=tuple(float(p) for p in item.operation.params),
                qubits=qubits,
                bits=tuple(places[bit] for bit in item.clbits),
                gadget=labels.pop(),
            )
        )
    return tuple(found)


def count_by_gadget(instructions: Iterable[Instruction]) -> Counter[tuple[str, str]]:
    """Return how many two_qubit_gates, measurements and resets there are: by (what, gadget)."""
    kinds = {"measure": "measurements", "reset": "resets"}
    counts: Counter[tuple[str, str]] = Counter()
    for instruction in instructions:
        if instruction.is_two_qubit_gate:
            counts["two_qubit_gates", instruction.gadget] += 1
        elif instruction.name in kinds:
            counts[kinds[instruction.name], instruction.gadget] += 1
    return counts
