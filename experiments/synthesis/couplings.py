"""Circuits as lists of couplings: two-qubit gates with the Hadamards taken into their axes.

A coupling applies its Pauli on the second qubit if that on the first is -1, or the other way
round, which is the same: CX(a, b) is Z on a with X on b. A Hadamard between two gates turns the
axis of those behind it, so a circuit of CX and H is a list of couplings with axes X and Z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from ..block import Gate, cx
from .effects import Effects
from .problem import Problem

Axis = Literal["X", "Z"]


@dataclass(frozen=True, slots=True)
class Coupling:
    """A two-qubit gate: an axis for each of two qubits; the first is the lower number."""

    first: int
    second: int
    first_axis: Axis
    second_axis: Axis

    @property
    def row(self) -> tuple[int, int, int, int, int, int]:
        """(2 first, 2 second, i, j, k, l): going back, effect i ^= effect j, k ^= l."""
        a, b = 2 * self.first, 2 * self.second
        own, other = a + (self.first_axis == "Z"), b + (self.second_axis == "Z")
        return a, b, own ^ 1, other, other ^ 1, own


def all_couplings(problem: Problem) -> tuple[Coupling, ...]:
    """Return the four couplings of every edge; the number of each is its code in a search."""
    axes: tuple[Axis, Axis] = ("X", "Z")
    return tuple(
        Coupling(min(edge), max(edge), one, other)
        for edge in problem.edges
        for one, other in product(axes, repeat=2)
    )


def couplings_of(
    gates: Sequence[Gate], num_qubits: int
) -> tuple[tuple[Coupling, ...], frozenset[int]]:
    """Return the couplings of a circuit of h, cx and cz, and the qubits whose axes end turned.

    Raises:
        ValueError: another gate.
    """
    odd = [False] * num_qubits
    found = []
    for name, *qubits in gates:
        if name == "h":
            odd[qubits[0]] ^= True
        elif name in ("cx", "cz"):
            axes = {
                qubit: ("X" if odd[qubit] ^ (name == "cx" and place == 1) else "Z")
                for place, qubit in enumerate(qubits)
            }
            a, b = sorted(axes)
            found.append(Coupling(a, b, _axis(axes[a]), _axis(axes[b])))
        else:
            raise ValueError(f"gate {name}: the search knows h, cx and cz")
    return tuple(found), frozenset(qubit for qubit in range(num_qubits) if odd[qubit])


def gates_of(
    couplings: Sequence[Coupling], ends: frozenset[int], num_qubits: int
) -> tuple[Gate, ...]:
    """Return CX and H gates of couplings, with the directions that need few Hadamards.

    Args:
        couplings: the circuit.
        ends: the qubits whose axes end turned.
        num_qubits: number of qubits.
    """
    forward = _directions(couplings, ends)
    now = [False] * num_qubits
    gates: list[Gate] = []
    for coupling, ahead in zip(couplings, forward, strict=True):
        for qubit, turn in _turns(coupling, ahead).items():
            if now[qubit] != turn:
                gates.append(("h", qubit))
                now[qubit] = turn
        pair = (coupling.first, coupling.second)
        gates.append(cx(*(pair if ahead else pair[::-1])))
    last = (("h", qubit) for qubit in range(num_qubits) if now[qubit] != (qubit in ends))
    return (*gates, *last)


def back_through_couplings(couplings: Sequence[Coupling], effects: Sequence[int]) -> Effects:
    """Return the effects in front of couplings from those behind them."""
    front = list(effects)
    for coupling in reversed(couplings):
        _, _, i, j, k, m = coupling.row
        front[i] ^= front[j]
        front[k] ^= front[m]
    return front


def turned(behind: Sequence[int], ends: frozenset[int]) -> Effects:
    """Return effects behind a circuit, given for reads in Z, with some qubits read in X."""
    effects = list(behind)
    for qubit in ends:
        x, z = 2 * qubit, 2 * qubit + 1
        effects[x], effects[z] = effects[z], effects[x]
    return effects


def _axis(letter: str) -> Axis:
    return "X" if letter == "X" else "Z"


def _turns(coupling: Coupling, ahead: bool) -> dict[int, bool]:
    """Return, for each of its qubits, whether a CX needs it in a turned frame."""
    control: Axis = "Z"
    target: Axis = "X"
    wanted = (control, target) if ahead else (target, control)
    return {
        coupling.first: coupling.first_axis != wanted[0],
        coupling.second: coupling.second_axis != wanted[1],
    }


def _directions(couplings: Sequence[Coupling], ends: frozenset[int]) -> list[bool]:
    """Return which couplings are CX(first, second), turned one by one while Hadamards go away."""
    forward = [coupling.first_axis == "Z" for coupling in couplings]
    fewest, better = _hadamards(couplings, forward, ends), True
    while better:
        better = False
        for i in range(len(forward)):
            forward[i] ^= True
            now = _hadamards(couplings, forward, ends)
            if now < fewest:
                fewest, better = now, True
            else:
                forward[i] ^= True
    return forward


def _hadamards(couplings: Sequence[Coupling], forward: Sequence[bool], ends: frozenset[int]) -> int:
    now: dict[int, bool] = {}
    count = 0
    for coupling, ahead in zip(couplings, forward, strict=True):
        for qubit, turn in _turns(coupling, ahead).items():
            count += now.get(qubit, False) != turn
            now[qubit] = turn
    return count + sum(now.get(q, False) != (q in ends) for q in now.keys() | ends)
