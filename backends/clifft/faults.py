"""Faults as errors of a clifft circuit: given ones, or any of them, each with a name to find it by.

clifft draws faults but does not say which. So every fault also flips some tag qubits of its own,
which are measured at the very end: the tags of a set of faults add up modulo 2, and sets of one or
two faults can be read from their sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...experiments.certificates.faults import Fault, single_faults
from ...experiments.instructions import Instruction
from ...experiments.record import BitKey
from .text import Errors

TAG_BITS = 48
"""One of the 2e8 other pairs of faults at d = 5 has the sum of a given pair once in a million."""

PROBABILITY = 0.01
"""Of a fault at each location; where their number is given, any one value means the same."""

_SEED = 20231123  # of the tags, which only have to be different


@dataclass(frozen=True, kw_only=True)
class TaggedFaults:
    """Errors that strike each fault location with PROBABILITY, one of its faults each.

    Attributes:
        errors: for a circuit whose qubits are followed by one flip qubit and the tag qubits.
        locations: number of fault locations.
        tag_qubits: TAG_BITS of them.
        tags: tag -> fault; bit i of a tag is tag qubit i.
    """

    errors: Errors
    locations: int
    tag_qubits: tuple[int, ...]
    tags: Mapping[int, Fault]

    def find(self, tag: int, weight: int) -> tuple[Fault, ...] | None:
        """Return the set of one or two faults whose tags add up to `tag`, None for larger sets."""
        if weight == 1:
            return (self.tags[tag],)
        pairs = ((first, tag ^ first) for first in self.tags) if weight == 2 else ()
        found = next((pair for pair in pairs if pair[1] in self.tags), None)
        return None if found is None else (self.tags[found[0]], self.tags[found[1]])


def given_faults(
    instructions: Sequence[Instruction],
    faults: Sequence[Fault],
    unmeasured: frozenset[BitKey] = frozenset(),
) -> Errors:
    """Return errors that put in every fault of a set, always.

    Args:
        instructions: the circuit.
        faults: the set; one flips the record by flipping the state before and after the readout.
        unmeasured: bits that are not measured: their readout faults flip the state for good.
    """
    after: dict[int, tuple[str, ...]] = {}
    before: dict[int, tuple[str, ...]] = {}
    for fault in faults:
        lines = tuple(f"{letter} {qubit}" for letter, qubit in _struck(fault.pauli, fault.qubits))
        if fault.kind == "readout":
            before[fault.at] = before.get(fault.at, ()) + lines
            if instructions[fault.at].bits[0] in unmeasured:
                continue
        after[fault.at] = after.get(fault.at, ()) + lines
    return Errors(after=after, before=before)


def tagged_faults(
    instructions: Sequence[Instruction],
    num_qubits: int,
    unmeasured: frozenset[BitKey] = frozenset(),
) -> TaggedFaults:
    """Return errors that strike everywhere; the faults of a location are equally likely.

    Args:
        instructions: the circuit.
        num_qubits: its qubits.
        unmeasured: bits that are not measured: their readout faults flip the state for good.
    """
    faults = tuple(single_faults(instructions, num_qubits))
    numbers = np.random.default_rng(_SEED).integers(1, 1 << TAG_BITS, len(faults))
    tagged = [(int(number), fault) for number, fault in zip(numbers, faults, strict=True)]
    locations: dict[tuple[int, tuple[int, ...]], list[tuple[int, Fault]]] = {}
    for tag, fault in tagged:
        locations.setdefault((fault.at, fault.qubits), []).append((tag, fault))
    after: dict[int, tuple[str, ...]] = {}
    before: dict[int, tuple[str, ...]] = {}
    flip, first = num_qubits, num_qubits + 1
    for (at, qubits), choices in locations.items():
        if choices[0][1].kind != "readout":
            after[at] = after.get(at, ()) + tuple(_chain(choices, first, qubits))
        elif instructions[at].bits[0] in unmeasured:
            before[at] = tuple(_chain(choices, first, qubits))
        else:
            turn = f"CX {flip} {qubits[0]}"
            before[at] = (f"R {flip}", *_chain(choices, first, (flip,)), turn)
            after[at] = (turn,)
    return TaggedFaults(
        errors=Errors(after=after, before=before),
        locations=len(locations),
        tag_qubits=tuple(range(first, first + TAG_BITS)),
        tags=dict(tagged),
    )


def _chain(
    choices: Sequence[tuple[int, Fault]], first: int, qubits: tuple[int, ...]
) -> Iterator[str]:
    """Yield a chain of errors that exclude each other and have PROBABILITY together."""
    share, name = PROBABILITY / len(choices), "CORRELATED_ERROR"
    for i, (tag, fault) in enumerate(choices):
        struck = [f"{letter}{qubit}" for letter, qubit in _struck(fault.pauli, qubits)]
        named = [f"X{first + bit}" for bit in range(TAG_BITS) if tag >> bit & 1]
        yield f"{name}({share / (1 - i * share)!r}) {' '.join([*struck, *named])}"
        name = "ELSE_CORRELATED_ERROR"


def _struck(pauli: str, qubits: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    pairs = zip(pauli, qubits, strict=True)
    return ((letter, qubit) for letter, qubit in pairs if letter != "I")
