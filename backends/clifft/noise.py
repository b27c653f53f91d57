"""A compiled circuit's noise as errors of a clifft circuit.

Pauli channels are taken as they are, relaxation as its Pauli twirl. Readout that flips 0 and 1
alike is noise of clifft's measurements; asymmetric readout flips the sampled bits afterwards, which
is exact because nothing in a circuit depends on a recorded bit.

Where every shot is given a number of faults, each fault location is one noise site. Then a readout
flips by way of a qubit of its own, which is struck in |0> and turns the measured one over before
and after its measurement. Under uniform and paper noise all sites have the same probability p: a
preparation, a reset and a readout that flip with 2p/3 suffer X, Y or Z with p, and Z does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...experiments.certificates.faults import PREPARATION
from ...experiments.spec import NoiseSpec
from ..compilation import Compiled
from ..noise.channels import Channel, CircuitNoise, PauliChannel
from ..noise.models import make_noise
from ..noise.paulis import paulis
from .text import Errors

EQUAL_KINDS = frozenset({"uniform", "paper"})
"""Kinds of noise whose locations all have one probability."""

STRATUM_PROBABILITY = 0.01
"""Of those sites while their number is given: then it does not matter."""


def noise_errors(compiled: Compiled, noise: CircuitNoise) -> Errors:
    """Return a circuit's errors as they come; without its readout if that is not symmetric."""
    after: dict[int, tuple[str, ...]] = {}
    for channel in noise.channels:
        after[channel.at] = (*after.get(channel.at, ()), *_channel_lines(channel))
    if not is_symmetric(noise):
        return Errors(after=after)
    flips = {
        at: noise.readout[instruction.bits[0]][0]
        for at, instruction in enumerate(compiled.instructions)
        if instruction.name == "measure" and instruction.bits[0] in noise.readout
    }
    return Errors(after=after, flips=flips)


def site_errors(compiled: Compiled, spec: NoiseSpec) -> Errors:
    """Return a circuit's errors, readout included, with one noise site for each fault location.

    Under uniform and paper noise every site has STRATUM_PROBABILITY. Otherwise each keeps its own;
    that of a readout is the chance to misread the value that the bit should have, for a bit
    without such a value the mean of both.
    """
    equal = spec.kind in EQUAL_KINDS
    noise = make_noise(compiled, stratum_noise(spec))
    after: dict[int, tuple[str, ...]] = {}
    before: dict[int, tuple[str, ...]] = {}
    for channel in noise.channels:
        lines = tuple(_channel_lines(channel))
        if equal and _is_flip(compiled, channel):
            lines = (f"DEPOLARIZE1({STRATUM_PROBABILITY!r}) {channel.qubits[0]}",)
        after[channel.at] = (*after.get(channel.at, ()), *lines)
    expected = compiled.program.record.expected_raw
    fresh = compiled.program.patch.num_qubits
    for at, instruction in enumerate(compiled.instructions):
        if instruction.name != "measure" or instruction.bits[0] not in noise.readout:
            continue
        rate = noise.misread(instruction.bits[0], expected[instruction.bits[0]])
        if rate > 0:
            strike = f"DEPOLARIZE1({STRATUM_PROBABILITY!r})" if equal else f"X_ERROR({rate!r})"
            turn = f"CX {fresh} {instruction.qubits[0]}"
            before[at] = (f"{strike} {fresh}", turn)
            after[at] = (turn, *after.get(at, ()))
            fresh += 1
    return Errors(after=after, before=before)


def stratum_noise(spec: NoiseSpec) -> NoiseSpec:
    """Return the noise that decides what a given number of faults does: of equal sites, any p."""
    if spec.kind in EQUAL_KINDS:
        return NoiseSpec(kind=spec.kind, p=STRATUM_PROBABILITY)
    return spec


def is_symmetric(noise: CircuitNoise) -> bool:
    """Return whether every readout flips 0 and 1 alike."""
    return all(up == down for up, down in noise.readout.values())


def flip_bits(
    bits: NDArray[np.bool_], rates: Sequence[tuple[float, float]], rng: np.random.Generator
) -> None:
    """Flip true outcomes as a readout does, in place.

    The shots that an outcome could flip in are drawn with the larger of its two rates and thinned
    by the true value, so the time grows with the number of flips.

    Args:
        bits: shape (shots, bits).
        rates: P(1|0) and P(0|1) of each column.
        rng: decides.
    """
    for column, (up, down) in zip(bits.T, rates, strict=True):
        most = max(up, down)
        if most > 0:
            struck = _drawn(len(column), most, rng)
            chance = np.where(column[struck], down, up) / most
            column[struck] ^= rng.random(len(struck)) < chance


def _drawn(count: int, p: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return which of `count` independent events of probability p happen."""
    return rng.choice(count, rng.binomial(count, p), replace=False, shuffle=False)


def _is_flip(compiled: Compiled, channel: Channel) -> bool:
    """Return whether a channel strikes a qubit in |0>."""
    return channel.at == PREPARATION or compiled.instructions[channel.at].name == "reset"


def _channel_lines(channel: Channel) -> Iterator[str]:
    """Yield a channel's line; none if it does nothing."""
    known = channel.probabilities if isinstance(channel, PauliChannel) else channel.twirl
    count, qubits = len(channel.qubits), " ".join(map(str, channel.qubits))
    rates = _rates(known, count)
    if set(rates) == {0.0}:
        return
    if len(set(rates)) == 1:
        yield f"DEPOLARIZE{count}({len(rates) * rates[0]!r}) {qubits}"
    elif count == 1 and rates[1:] == [0.0, 0.0]:
        yield f"X_ERROR({rates[0]!r}) {qubits}"
    else:
        yield f"PAULI_CHANNEL_{count}({', '.join(map(repr, rates))}) {qubits}"


def _rates(known: Mapping[str, float], count: int) -> list[float]:
    """Return the probability of each Pauli in Stim's order, rounding errors below 0 removed."""
    return [max(0.0, float(known.get(word, 0.0))) for word in paulis(count)]
