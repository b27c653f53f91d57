"""Faults in the middle of H_m: Paulis that the layer of rotations A turns into sums of Paulis."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, isclose, pi, sin

from .effects import Effects, logical_left
from .problem import Problem

Term = tuple[int, int, int, int]
"""(sign, X on the data, Z on the data, effect at the end) of one Pauli of a sum."""


class Rotation:
    """What a Pauli in front of A on all data does at the end of the circuit, exactly.

    A P A^-1 is a coherent sum: X becomes (X - Z)/sqrt2, Z becomes (X + Z)/sqrt2, Y stays. Terms
    that leave the same record and syndrome interfere. `behind` are the effects right behind the
    rotations, those of an ED that reads every check.
    """

    def __init__(self, problem: Problem, behind: Sequence[int]) -> None:
        self._problem = problem
        self._flips = [behind[2 * q] for q in problem.data]
        self._phases = [behind[2 * q + 1] for q in problem.data]
        self._found: dict[int, tuple[bool, bool]] = {}

    def effects(self, behind: Sequence[int]) -> Effects:
        """Return effects in front of the rotations: the Pauli itself for the data.

        Bits 0..n-1 are X on the data, n..2n-1 Z on the data, and from bit 2n on there is the
        effect that the ancillas have behind the rotations.
        """
        n = len(self._problem.data)
        front = [effect << 2 * n for effect in behind]
        for i, qubit in enumerate(self._problem.data):
            front[2 * qubit : 2 * qubit + 2] = [1 << i, 1 << n + i]
        return front

    def judge(self, effect: int) -> tuple[bool, bool]:
        """Return whether an effect of `effects` is a detection and a correction failure."""
        if effect not in self._found:
            self._found[effect] = self._judge(effect)
        return self._found[effect]

    def _judge(self, effect: int) -> tuple[bool, bool]:
        n = len(self._problem.data)
        x, z, rest = effect & (1 << n) - 1, effect >> n & (1 << n) - 1, effect >> 2 * n
        accepted = self._accepted(x, z, rest)
        syndromes = 1 << self._problem.syndrome_bits
        groups: dict[int, list[Term]] = {}
        for term in accepted:
            groups.setdefault(term[3] % syndromes >> 2, []).append(term)
        wrong = {key: _is_wrong(self._problem, terms) for key, terms in groups.items()}
        return wrong.get(0, False), any(wrong.values())

    def _accepted(self, x: int, z: int, rest: int) -> list[Term]:
        """Return the terms (sign, x, z, effect) whose records are as expected."""
        mixed = x ^ z
        terms = [(1, x & z, x & z, rest)]
        for i in range(len(self._problem.data)):
            if x & z & 1 << i:
                both = self._flips[i] ^ self._phases[i]
                terms = [(s, a, b, e ^ both) for s, a, b, e in terms]
            elif mixed & 1 << i:
                turn = -1 if x & 1 << i else 1
                terms = [(s, a | 1 << i, b, e ^ self._flips[i]) for s, a, b, e in terms] + [
                    (s * turn, a, b | 1 << i, e ^ self._phases[i]) for s, a, b, e in terms
                ]
        return [term for term in terms if term[3] < 1 << self._problem.syndrome_bits]


def _is_wrong(problem: Problem, terms: Sequence[Term]) -> bool:
    """Return whether terms of one syndrome leave |H> with a part in the other logical state."""
    _, _, first_z, first_effect = first = terms[0]
    h = (cos(pi / 8), sin(pi / 8))
    state = [0.0, 0.0]
    for sign, x, z, _ in terms:
        flip, phase = x ^ first[1], z ^ first_z
        weight = -sign if (first_z & flip).bit_count() & 1 else sign
        after = (h[0], -h[1]) if phase.bit_count() & 1 else h
        after = after[::-1] if flip.bit_count() & 1 else after
        state = [a + weight * b for a, b in zip(state, after, strict=True)]
    left = logical_left(problem, first_effect)
    if left & 2:
        state[1] = -state[1]
    if left & 1:
        state.reverse()
    return not isclose(state[0] * h[1], state[1] * h[0], abs_tol=1e-9)
