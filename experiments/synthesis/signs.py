"""Signs of observables taken back through a circuit: effects know Paulis up to a sign only.

A Pauli is kept as a sign, an X mask and a Z mask, in the order X before Z. In this order products
of X checks with Z checks have the sign +, and so do the images under CX.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .couplings import Coupling


def keeps_signs(
    couplings: Sequence[Coupling], ends: frozenset[int], observables: Iterable[Sequence[int]]
) -> bool:
    """Return whether no observable has a minus sign in front of a circuit.

    Args:
        couplings: the circuit.
        ends: qubits whose axes end turned.
        observables: components of each, as behind the circuit with no axis turned: 2q for X on
            qubit q, 2q + 1 for Z; products of one letter.
    """
    return not any(_is_turned(couplings, _start(observable, ends)) for observable in observables)


def _start(observable: Sequence[int], ends: frozenset[int]) -> list[int]:
    """Return the X mask and the Z mask of an observable in the frame that the circuit ends in."""
    masks = [0, 0]
    for component in observable:
        qubit, letter = component >> 1, component & 1
        masks[letter ^ (qubit in ends)] |= 1 << qubit
    return masks


def _is_turned(couplings: Sequence[Coupling], masks: list[int]) -> bool:
    """Return whether going back through a circuit gives a Pauli a minus sign."""
    turned = False
    for coupling in reversed(couplings):
        a, b = 1 << coupling.first, 1 << coupling.second
        crossed = (a if coupling.first_axis == "X" else 0) | (
            b if coupling.second_axis == "X" else 0
        )
        turned ^= _cross(masks, crossed)
        first, second = bool(masks[0] & a), bool(masks[0] & b)  # a CZ
        turned ^= first and second
        masks[1] ^= (b if first else 0) ^ (a if second else 0)
        turned ^= _cross(masks, crossed)
    return turned


def _cross(masks: list[int], qubits: int) -> bool:
    """Put a Hadamard on some qubits; return whether the sign turns (once for each Y)."""
    swapped = (masks[0] ^ masks[1]) & qubits
    turned = (masks[0] & masks[1] & qubits).bit_count() & 1 == 1
    masks[0] ^= swapped
    masks[1] ^= swapped
    return turned
