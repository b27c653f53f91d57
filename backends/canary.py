"""The bit-order canary: a circuit whose every recorded bit is known before it runs.

A client once returned registers bit by bit in reverse. A job on paid hardware therefore carries
this circuit too, with the registers of the circuit that matters, and its result is judged first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from ..experiments.errors import HexmagicError
from ..experiments.record import BitKey
from .compilation import Compiled

CANARY_SHOTS = 64
"""Shots of a canary."""

_DRAWS = 64
"""Sets of words to look at; only registers that no set can tell apart need more than a few."""

Word = tuple[int, ...]
"""Values of a register's bits, bit 0 first."""


class CanaryError(HexmagicError):
    """Bits do not come back from where they were written."""


@dataclass(frozen=True, kw_only=True)
class Canary:
    """A circuit and what each of its bits reads.

    Attributes:
        circuit: on all qubits of the device; x and measurements only.
        expected: 0 or 1 for each (register, index).
    """

    circuit: QuantumCircuit
    expected: Mapping[BitKey, int]

    def check(self, bits: Mapping[str, NDArray[np.bool_]]) -> None:
        """Compare what came back with what was prepared, by the majority of the shots of each bit.

        A bit is wrong if half of its shots or more are. A false alarm: of 64 shots, each misread
        with 10 %, that many are with probability 7e-16 (with 20 %: 8e-8), the upper tail of a
        binomial distribution; with fold14's 14 bits a canary is wrong once in 1e14.

        Args:
            bits: bool (shots, size) for each register, column k is bit k.

        Raises:
            CanaryError: other registers, sizes or values, with what seems to have happened.
        """
        wanted = self._words()
        shots = _count_shots(bits, {name: len(word) for name, word in wanted.items()})
        wrong = {
            (name, k): int((bits[name][:, k] != bool(value)).sum())
            for name, word in wanted.items()
            for k, value in enumerate(word)
        }
        bad = [key for key, number in wrong.items() if 2 * number >= shots]
        if not bad:
            return
        found = {
            name: tuple(bit ^ ((name, k) in bad) for k, bit in enumerate(word))
            for name, word in wanted.items()
        }
        (register, k), value = bad[0], self.expected[bad[0]]
        example = (
            f"bit {k} of register {register!r} reads {1 - value} in {wrong[register, k]} of "
            f"{shots} shots, {value} was prepared"
        )
        what = _diagnose(wanted, found) or f"{len(bad)} of {len(wrong)} bits are wrong"
        raise CanaryError(f"{what}: {example}; trust no result of this job")

    def _words(self) -> dict[str, Word]:
        """Return the expected word of each register, in the order of the registers."""
        sizes: dict[str, int] = {}
        for register, k in self.expected:
            sizes[register] = max(sizes.get(register, 0), k + 1)
        return {
            register: tuple(self.expected[register, k] for k in range(size))
            for register, size in sizes.items()
        }


def make_canary(compiled: Compiled) -> Canary:
    """Return the canary of a compiled circuit: on its qubits, with its registers.

    Some qubits are prepared in |1>, each is measured as often as needed, bits of 1 on those that
    misread a 1 least. No two-qubit gate is played, so that nothing but readout can go wrong.

    Raises:
        CanaryError: no bits, or registers that cannot be told apart.
    """
    registers = compiled.local.cregs
    words = choose_words({register.name: register.size for register in registers})
    keys = [(name, k) for name, word in words.items() for k in range(len(word))]
    expected = {(name, k): words[name][k] for name, k in keys}
    if not keys:
        raise CanaryError(f"circuit {compiled.local.name!r} records nothing")
    raised, low = _split(compiled, sum(expected.values()), len(keys))
    circuit = QuantumCircuit(compiled.device.num_qubits, name="canary")
    for register in registers:
        circuit.add_register(register)
    for qubit in raised:
        circuit.x(qubit)
    turn = {1: cycle(raised), 0: cycle(low)}
    for register in registers:
        for k, bit in enumerate(register):
            circuit.measure(next(turn[expected[register.name, k]]), bit)
    return Canary(circuit=circuit, expected=expected)


def choose_words(sizes: Mapping[str, int]) -> dict[str, Word]:
    """Return a word for each register, always the same for the same registers.

    No word of two bits or more is its own reverse, nor are all the words joined; registers of one
    size have different words. Only two words of one bit exist (and two of two bits that are not
    their own reverse): of more such registers some have the same, and are told by name alone.

    Args:
        sizes: bits of each register, in the circuit's order.

    Raises:
        CanaryError: there are no such words, as for two registers of two bits and no other.
    """
    for draw in range(_DRAWS):
        words: dict[str, Word] = {}
        taken: dict[int, set[Word]] = {}
        for name, size in sizes.items():
            used = taken.setdefault(size, set())
            if len(used) == _available(size):
                used.clear()
            words[name] = _draw_word(f"{draw} {name}", size, used)
            used.add(words[name])
        joined = [bit for word in words.values() for bit in word]
        if len(joined) < 2 or joined != joined[::-1]:
            return words
    raise CanaryError(f"registers of {list(sizes.values())} bits: no words tell them apart")


def _available(size: int) -> int:
    """Return how many words of a size may be used."""
    return 2 if size == 1 else 2**size - 2 ** ((size + 1) // 2)


def _draw_word(seed: str, size: int, used: set[Word]) -> Word:
    """Return the first word by hashing that is not used and not its own reverse."""
    drawn = (
        hashlib.shake_256(f"canary {seed} {attempt}".encode()).digest(size) for attempt in count()
    )
    words = (tuple(byte & 1 for byte in digest) for digest in drawn)
    return next(w for w in words if w not in used and (size == 1 or w != w[::-1]))


def _split(compiled: Compiled, ones: int, bits: int) -> tuple[Sequence[int], Sequence[int]]:
    """Return the physical qubits to prepare in |1> and in |0>, in proportion to their bits."""
    calibration = compiled.device.qubits
    ranked = sorted(
        compiled.layout,
        key=lambda q: (calibration[q].prob_0_given_1 or 0) - (calibration[q].prob_1_given_0 or 0),
    )
    cut = round(len(ranked) * ones / bits)
    if ones:
        cut = max(cut, 1)
    if ones < bits:
        cut = min(cut, len(ranked) - 1)
    if ones and not cut:
        raise CanaryError(f"{bits} bits of both values need two qubits, the circuit has one")
    return ranked[:cut], ranked[cut:]


def _count_shots(bits: Mapping[str, NDArray[np.bool_]], sizes: Mapping[str, int]) -> int:
    if set(bits) != set(sizes):
        raise CanaryError(f"registers {sorted(bits)} came back, not {sorted(sizes)}")
    shots = {len(column) for column in bits.values()}
    for name, size in sizes.items():
        if bits[name].ndim != 2 or bits[name].shape[1] != size or len(shots) != 1:
            shapes = {name: array.shape for name, array in bits.items()}
            raise CanaryError(f"shapes {shapes} came back, need (shots, size) of sizes {sizes}")
    if not min(shots):
        raise CanaryError("no shots came back")
    return shots.pop()


def _diagnose(wanted: Mapping[str, Word], found: Mapping[str, Word]) -> str:
    """Return the simplest exchange of bits that explains what was found, empty if none does."""
    wrong = [name for name in wanted if found[name] != wanted[name]]
    if all(found[name] == wanted[name][::-1] for name in wrong):
        return f"registers {', '.join(wrong)} are reversed"
    joined = [bit for word in wanted.values() for bit in word]
    if [bit for word in found.values() for bit in word] == joined[::-1]:
        return "all bits are in reverse, over all registers"
    sources = {name: [o for o in wrong if wanted[o] == found[name]] for name in wrong}
    if all(sources.values()):
        return f"registers {', '.join(wrong)} are swapped"
    if all(bit != wanted[name][k] for name in wrong for k, bit in enumerate(found[name])):
        return f"registers {', '.join(wrong)} are inverted"
    return ""
