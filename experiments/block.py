"""A block: the gates of one gadget and the bits read at its end."""

from __future__ import annotations

from dataclasses import dataclass

from .colour_code import Basis
from .record import Role, Stage, faces_of

Gate = tuple[str, *tuple[int, ...]]
"""(name, qubit...) with name one of x, h, s, sdg, cx, cz, a, adg; `a` is Ry(pi/4): A|0> = |H>."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A measurement in the Z basis: whose outcome it is and what a noiseless run gives.

    `face` is as in `record.Bit`.

    Attributes:
        xor: qubits of earlier reads of the block whose outcomes it has taken along.
        always_reset: whether the qubit is reset for a later block under every reuse policy; False
            leaves that to the policy.
    """

    qubit: int
    role: Role
    basis: Basis
    face: int | tuple[int, ...] | None = None
    expected: int | None = 0
    xor: tuple[int, ...] = ()
    always_reset: bool = False

    @property
    def faces(self) -> tuple[int, ...]:
        """Faces that `face` names."""
        return faces_of(self.face)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One gadget: gates in order, then its reads.

    What becomes of a read ancilla that a later block uses is not the block's (see reuse.py).

    Attributes:
        label: unique in the program; it labels the barrier in front of the block.
        stage: protocol stage.
        round: 1-based round of H_m and ED; 0 for encode and readout.
    """

    label: str
    stage: Stage
    round: int
    gates: tuple[Gate, ...]
    reads: tuple[Read, ...] = ()

    @property
    def qubits(self) -> tuple[int, ...]:
        """Every qubit that the block touches, sorted."""
        gated = {qubit for gate in self.gates for qubit in gate[1:]}
        return tuple(sorted(gated | {read.qubit for read in self.reads}))

    @property
    def two_qubit_gates(self) -> int:
        """Number of two-qubit gates."""
        return sum(len(gate) == 3 for gate in self.gates)


def cx(control: int, target: int) -> Gate:
    """Return a CX gate."""
    return ("cx", control, target)


def each(name: str, qubits: tuple[int, ...]) -> tuple[Gate, ...]:
    """Return the same one-qubit gate on every qubit."""
    return tuple((name, qubit) for qubit in qubits)
