"""Judges: what a circuit must do, and which effects of a fault are bad.

A judge says everything about one stage, H_m or ED, in terms of effects (see `effects`), so that
one search serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from .effects import Effects, final_effects, logical_left, span
from .problem import Problem
from .rotation import Rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """One stage of the protocol as a search needs it.

    Attributes:
        behind: effects behind the stage.
        bad: whether an effect of a fault is a failure of the correction certificate (detection
            failures are among them).
        conditions: (components, wanted): the XOR of these effects in front of a right circuit.
        inputs: components of the faults in front of the stage: every product counts.
        reads: whether the stage reads all that it should, from the effects in front of it.
        observables: components of what must come back through a circuit without a minus sign.
    """

    behind: tuple[int, ...]
    bad: Callable[[int], bool]
    conditions: tuple[tuple[tuple[int, ...], int], ...]
    inputs: tuple[tuple[int, ...], ...]
    reads: Callable[[Sequence[int]], bool]
    observables: tuple[tuple[int, ...], ...]

    def is_right(self, front: Sequence[int]) -> bool:
        """Return whether a circuit with these effects in front of it does what it should."""
        return all(
            xor(front, components) == wanted for components, wanted in self.conditions
        ) and self.reads(front)

    def bad_inputs(self, front: Sequence[int]) -> int:
        """Return the number of bad faults in front of the stage."""
        return sum(
            self.bad(effect) for group in self.inputs for effect in span([front[i] for i in group])
        )


def detection_judge(problem: Problem) -> Judge:
    """Return the judge of an ED that reads every ancilla at its end.

    An ancilla may read a product of checks of one kind, as long as all checks follow from what is
    read, or nothing (a flag).
    """
    behind, bits = final_effects(problem), problem.syndrome_bits
    for k, ancilla in enumerate(problem.ancillas):
        behind[2 * ancilla] = 1 << bits + k
    stabilisers = [tuple(2 * q + k for q in face) for face in problem.faces for k in (0, 1)]
    logicals = [tuple(2 * q + k for q in problem.data) for k in (0, 1)]
    probes = {kind: check_probes(problem, kind) for kind in (0, 1)}

    def reads(front: Sequence[int]) -> bool:
        z, x = ([xor(front, probe) >> bits for probe in probes[kind]] for kind in (0, 1))
        return not (reduce(or_, z) & reduce(or_, x)) and _rank(z + x) == len(z + x)

    return Judge(
        behind=tuple(behind),
        bad=_plainly_bad(problem),
        conditions=(
            *(((2 * ancilla + 1,), 0) for ancilla in problem.ancillas),
            *((components, 0) for components in stabilisers),
            *((components, xor(behind, components)) for components in logicals),
        ),
        inputs=tuple((2 * ancilla,) for ancilla in problem.ancillas),
        reads=reads,
        observables=(
            *((2 * ancilla + 1,) for ancilla in problem.ancillas),
            *stabilisers,
            *logicals,
        ),
    )


def hadamard_judge(problem: Problem, behind: Sequence[int], root: int) -> Judge:
    """Return the judge of the middle of H_m, between its two layers of rotations.

    Args:
        problem: the patch.
        behind: effects right behind the rotations: `read_behind` of an ED's.
        root: the ancilla that holds the outcome.
    """
    rotation = Rotation(problem, behind)
    labels = rotation.effects(behind)
    canonical = _reduction(problem)
    for qubit in problem.data:
        labels[2 * qubit : 2 * qubit + 2] = [
            canonical(e) for e in labels[2 * qubit : 2 * qubit + 2]
        ]
    pairs = [(2 * q, 2 * problem.data[0]) for q in problem.data[1:]]
    kept = [*((2 * q + 1,) for q in problem.data), *pairs]
    turning = (2 * problem.data[0],)
    return Judge(
        behind=tuple(labels),
        bad=lambda effect: rotation.judge(effect)[1],
        conditions=(
            *(((2 * ancilla + 1,), 0) for ancilla in problem.ancillas),
            *((components, xor(labels, components)) for components in kept),
            (turning, xor(labels, turning) ^ labels[2 * root]),
        ),
        inputs=(
            *((2 * q, 2 * q + 1) for q in problem.data),
            *((2 * ancilla,) for ancilla in problem.ancillas),
        ),
        reads=lambda _: True,
        observables=(*((2 * ancilla + 1,) for ancilla in problem.ancillas), *kept),
    )


def read_behind(problem: Problem, detection: Sequence[int], reads: Sequence[int]) -> Effects:
    """Return the effects right behind H_m from those in front of ED.

    An ancilla in `reads` is measured (and reset) in between; the others go on into ED.
    """
    behind = list(detection)
    first = max(effect.bit_length() for effect in [*detection, 1 << problem.syndrome_bits])
    for k, ancilla in enumerate(reads):
        behind[2 * ancilla : 2 * ancilla + 2] = [1 << first + k, 0]
    return behind


def _plainly_bad(problem: Problem) -> Callable[[int], bool]:
    wrong = [logical_left(problem, effect) != 0 for effect in range(1 << problem.syndrome_bits)]
    return lambda effect: effect < len(wrong) and wrong[effect]


def check_probes(problem: Problem, kind: int) -> list[tuple[int, ...]]:
    """Return, for each face, the components of an error that only its check of one kind sees.

    Args:
        problem: the patch.
        kind: 0 for errors X, which the Z checks see; 1 for errors Z.
    """
    faces = range(len(problem.faces))
    return [tuple(2 * q + kind for q in problem.lightest[1 << face]) for face in faces]


def _reduction(problem: Problem) -> Callable[[int], int]:
    """Return the canonical form of a Pauli on the data in front of A, which acts on A^-1 |H>.

    That state is left alone by Z on all data (A turns it into the logical H) and by Y on a face.
    """
    n = len(problem.data)
    place = {qubit: i for i, qubit in enumerate(problem.data)}
    rows = [((1 << n) - 1) << n]
    rows += [sum(1 << place[q] | 1 << n + place[q] for q in face) for face in problem.faces]
    pivots: list[tuple[int, int]] = []

    def canonical(effect: int) -> int:
        left = effect
        for bit, row in pivots:
            left ^= row if left >> bit & 1 else 0
        return left

    for row in rows:
        left = canonical(row)
        pivots.append((left.bit_length() - 1, left))
    return canonical


def xor(effects: Sequence[int], components: Sequence[int]) -> int:
    """Return the effect of a product of Paulis."""
    total = 0
    for component in components:
        total ^= effects[component]
    return total


def _rank(rows: Sequence[int]) -> int:
    pivots: list[int] = []
    for row in rows:
        left = row
        for pivot in pivots:
            left = min(left, left ^ pivot)
        if left:
            pivots.append(left)
    return len(pivots)
