"""The exact number of bad single faults of H_m and ED, with a perfect encoded input.

Counted from the search's own effects, so that it can be held against what `certify` finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hexmagic.experiments.block import Block, Gate
from hexmagic.experiments.synthesis.effects import (
    at_qubits,
    back_through,
    final_effects,
    logical_left,
    span,
)
from hexmagic.experiments.synthesis.problem import Problem
from hexmagic.experiments.synthesis.rotation import Rotation
from hexmagic.experiments.synthesis.task import FaultCount

_Judge = Callable[[int], tuple[bool, bool]]
"""effect -> is it a (detection, correction) failure."""


def count_faults(problem: Problem, blocks: Sequence[Block]) -> FaultCount:
    """Return the counts of H_m and ED, the same as `certify` has for the same gadgets.

    Faults: 15 Paulis after each two-qubit gate, 3 after each one-qubit gate, a flip after each
    reset, a flip of each record. A read ancilla that a later block uses is reset.
    The blocks must hold one layer of A on all data, with an ED behind it that reads every check.
    """
    sweep = _Sweep(problem)
    found: list[tuple[bool, bool]] = []
    later: set[int] = set()
    for block in reversed(blocks):
        for read in block.reads:
            found += sweep.read(read.qubit, reset=read.qubit in later)
        for gate in reversed(block.gates):
            found += sweep.gate(gate)
        later |= set(block.qubits)
    return FaultCount(
        faults=len(found),
        detection=sum(detection for detection, _ in found),
        correction=sum(correction for _, correction in found),
    )


class _Sweep:
    """A walk from the end of a circuit to its front, with the faults of every place."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._effects = final_effects(problem)
        self._judge: _Judge = _plain_judge(problem)
        self._bit = problem.syndrome_bits
        self._turned: set[int] = set()

    def read(self, qubit: int, *, reset: bool) -> Iterator[tuple[bool, bool]]:
        """Go back through a measurement; its faults are a wrong record and a wrong reset."""
        x, z = 2 * qubit, 2 * qubit + 1
        if reset:
            yield self._judge(self._effects[x])
            self._effects[x] = self._effects[z] = 0
        yield self._judge(1 << self._bit)
        self._effects[x] ^= 1 << self._bit
        self._bit += 1

    def gate(self, gate: Gate) -> Iterator[tuple[bool, bool]]:
        """Go back through a gate; its faults are the Paulis behind it."""
        name, *qubits = gate
        yield from map(self._judge, span(at_qubits(self._effects, qubits)))
        if name == "a":
            self._turned.update(qubits)
            if self._turned == set(self._problem.data):
                rotation = Rotation(self._problem, self._effects)
                self._effects, self._judge = rotation.effects(self._effects), rotation.judge
                self._bit += 2 * len(self._problem.data)
        elif name != "adg":
            back_through(gate, self._effects)


def _plain_judge(problem: Problem) -> _Judge:
    """Return the judge of effects behind the rotations."""
    known: dict[int, tuple[bool, bool]] = {}

    def judge(effect: int) -> tuple[bool, bool]:
        if effect not in known:
            accepted = effect < 1 << problem.syndrome_bits
            wrong = accepted and logical_left(problem, effect) != 0
            known[effect] = (wrong and effect < 4, wrong)
        return known[effect]

    return judge
