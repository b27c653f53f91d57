"""What a circuit costs besides its bad faults: gates, turns and waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[int, int, int, int, int, int]
"""`Coupling.row`: (2 first, 2 second, i, j, k, l)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Weights of what a circuit is charged for.

    Attributes:
        name: what the weights stand for.
        two_qubit: of a two-qubit gate.
        turn: of a change of a qubit's axis between two couplings: a one-qubit gate.
        idle: of a qubit that waits during a layer of two-qubit gates, between its first and last
            gate; data qubits wait during all layers.
        bad: of a bad single fault.
    """

    name: str
    two_qubit: float
    turn: float
    idle: float
    bad: float


OBJECTIVES = {
    objective.name: objective
    for objective in (
        # Heron r3: two-qubit 1.3e-3, one-qubit 2e-4, idle 1.7e-4 a layer; in units of the first
        Objective(name="device", two_qubit=1.0, turn=0.15, idle=0.13, bad=2.0),
        # the paper's noise errs in every step of every qubit, whether it waits or not; a little
        # more for a gate, so that none is put in where it only fills the time
        Objective(name="paper", two_qubit=2.3, turn=0.02, idle=1.0, bad=8.0),
        Objective(name="gates", two_qubit=1.0, turn=0.02, idle=0.01, bad=3.0),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The parts of a circuit's cost."""

    two_qubit: int
    turns: int
    idle: int
    layers: int

    def total(self, objective: Objective) -> float:
        """Return the cost without that of bad faults."""
        return (
            objective.two_qubit * self.two_qubit
            + objective.turn * self.turns
            + objective.idle * self.idle
        )


def cost_of(
    rows: Sequence[Row], ends: frozenset[int], num_qubits: int, data: Sequence[int]
) -> Cost:
    """Return the cost of couplings, each in the first layer that its qubits are free in.

    Args:
        rows: the couplings.
        ends: ancillas that are read in X.
        num_qubits: number of qubits.
        data: qubits that wait from the first layer to the last; their turns at the ends go with
            the rotations and are not counted.
    """
    free, first, uses = [0] * num_qubits, [-1] * num_qubits, [0] * num_qubits
    for a, b, *_ in rows:
        p, q = a >> 1, b >> 1
        layer = max(free[p], free[q])
        free[p] = free[q] = layer + 1
        for qubit in (p, q):
            uses[qubit] += 1
            if first[qubit] < 0:
                first[qubit] = layer
    layers = max(free)
    stay = set(data)
    active = (layers if q in stay else free[q] - max(0, first[q]) for q in range(num_qubits))
    return Cost(
        two_qubit=len(rows),
        turns=_turns(rows, ends, stay),
        idle=sum(active) - sum(uses),
        layers=layers,
    )


def _turns(rows: Sequence[Row], ends: frozenset[int], data: set[int]) -> int:
    """Return how often a qubit's axis changes; an ancilla begins with Z and is read in an axis."""
    turned: dict[int, int] = {}
    count = 0
    for _, _, i, _, k, _ in rows:
        for component in (i, k):  # it anticommutes with the axis: odd for X
            qubit, now = component >> 1, component & 1
            if turned.get(qubit, now if qubit in data else 0) != now:
                count += 1
            turned[qubit] = now
    return count + sum(now != (qubit in ends) for qubit, now in turned.items() if qubit not in data)
