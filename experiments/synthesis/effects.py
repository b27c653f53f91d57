"""What a Pauli in the middle of a circuit does at its end: effects, and how they go backwards.

An effect is an integer, linear over GF(2). Its low `problem.syndrome_bits` bits say what is left
on the data: bit 0 an odd number of X, bit 1 an odd number of Z, then the syndrome of the Z faces
(flipped by X), then that of the X faces. Every further bit is a recorded bit that is flipped.
Effects of a place are a list of 2 n integers: that of X on qubit q at 2q, of Z at 2q + 1; a Pauli
that commutes through to a stabiliser has effect 0. Going back through a CX changes two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..block import Gate
from .problem import Problem

Effects = list[int]


def final_effects(problem: Problem) -> Effects:
    """Return the effects in front of the final readout, with no ancilla read."""
    effects = [0] * (2 * problem.num_qubits)
    for qubit in problem.data:
        syndrome = problem.syndrome((qubit,))
        effects[2 * qubit] = 1 | syndrome << 2
        effects[2 * qubit + 1] = 2 | syndrome << (2 + len(problem.faces))
    return effects


def back_through(gate: Gate, effects: Effects) -> None:
    """Turn the effects behind a Clifford gate into those in front of it.

    Raises:
        ValueError: the gate is not one of h, s, sdg, x, cx, cz.
    """
    name, *qubits = gate
    x, z = 2 * qubits[0], 2 * qubits[0] + 1
    if name == "h":
        effects[x], effects[z] = effects[z], effects[x]
    elif name in ("s", "sdg"):
        effects[x] ^= effects[z]
    elif name == "cx":
        effects[x] ^= effects[2 * qubits[1]]
        effects[2 * qubits[1] + 1] ^= effects[z]
    elif name == "cz":
        effects[x] ^= effects[2 * qubits[1] + 1]
        effects[2 * qubits[1]] ^= effects[z]
    elif name != "x":
        raise ValueError(f"{gate}: not a Clifford gate of the search")


def span(effects: Sequence[int]) -> list[int]:
    """Return the effects of the products of some Paulis, without that of no Pauli at all."""
    found = [0]
    for effect in effects:
        found += [other ^ effect for other in found]
    return found[1:]


def at_qubits(effects: Sequence[int], qubits: Iterable[int]) -> tuple[int, ...]:
    """Return the effects of X and Z on some qubits."""
    return tuple(effects[2 * q + k] for q in qubits for k in (0, 1))


def logical_left(problem: Problem, effect: int) -> int:
    """Return the logical Pauli left after ideal decoding: bit 0 for X, bit 1 for Z.

    Records are not looked at.
    """
    faces = len(problem.faces)
    mask = (1 << faces) - 1
    flip = problem.correction_parity[effect >> 2 & mask]
    phase = problem.correction_parity[effect >> (2 + faces) & mask]
    return (effect & 3) ^ flip ^ phase << 1
