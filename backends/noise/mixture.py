"""Noise channels as mixtures: mostly the identity, now and then something else, exactly.

Sampling which of a circuit's channels strike, before anything is simulated, costs a random number
each; most shots have no strike at all, and shots with the same strikes share a simulation.
Paulis are mixtures as they stand. Relaxation is split into as much of the identity as it holds,

    E = (1 - q) Id + q R,   q = (1 - c)^2 / (2 (1 - c) - gamma),

with gamma = 1 - exp(-t/T1), c = exp(-t/T2), and R a channel that is applied as Kraus matrices:
q is the smallest weight for which E - (1 - q) Id is still completely positive (its block on
|00>, |11> of the Choi matrix, [[q, c - 1 + q], [c - 1 + q, q - gamma]], has determinant 0).
For T2 = 2 T1, pure amplitude damping, no identity can be split off (q = 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...experiments.certificates.steps import Matrix, pauli_matrix
from .channels import Channel, PauliChannel, Relaxation

Strikes = tuple[tuple[int, int], ...]
"""What struck in a shot: (channel, alternative) pairs, ascending. () is a shot without faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What a channel does when it strikes: one unitary, or Kraus matrices of a channel."""

    probability: float
    kraus: tuple[Matrix, ...]


def alternatives(channel: Channel) -> tuple[Alternative, ...]:
    """Return what a channel does besides the identity, with probabilities."""
    if isinstance(channel, PauliChannel):
        return tuple(
            Alternative(probability=probability, kraus=(pauli_matrix(letters),))
            for letters, probability in channel.probabilities.items()
            if probability > 0
        )
    return _split_relaxation(channel)


def _split_relaxation(channel: Relaxation) -> tuple[Alternative, ...]:
    gamma, loss = channel.decay, 1 - channel.coherence
    if gamma <= 0 and loss <= 0:
        return ()
    room = 2 * loss - gamma
    q = min(1.0, loss**2 / room) if room > 0 else 1.0
    block = np.array([[q, q - loss], [q - loss, q - gamma]]) / q
    weights, vectors = np.linalg.eigh(block)
    kraus = [
        np.diag(np.sqrt(weight) * vectors[:, i]).astype(complex)
        for i, weight in enumerate(weights)
        if weight > 1e-12
    ]
    if gamma > 0:
        kraus.append(np.array([[0, np.sqrt(gamma / q)], [0, 0]], dtype=complex))
    return (Alternative(probability=q, kraus=tuple(kraus)),)


def sample_strikes(
    choices: Sequence[Sequence[Alternative]], shots: int, rng: np.random.Generator
) -> dict[Strikes, NDArray[np.int64]]:
    """Return the shots that share each set of strikes, for independent channels: int64 indices.

    Args:
        choices: the alternatives of each channel.
        shots: number of shots.
        rng: source of randomness.
    """
    totals = np.array([sum(a.probability for a in options) for options in choices])
    struck = rng.random((shots, len(totals))) < totals if len(totals) else np.zeros((shots, 0))
    found: dict[int, list[tuple[int, int]]] = {}
    for shot, channel in np.argwhere(struck).tolist():
        weights = np.array([a.probability for a in choices[channel]])
        which = int(rng.choice(len(weights), p=weights / weights.sum()))
        found.setdefault(shot, []).append((channel, which))
    groups: dict[Strikes, list[int]] = {}
    for shot in range(shots):
        groups.setdefault(tuple(found.get(shot, ())), []).append(shot)
    return {strikes: np.array(members) for strikes, members in groups.items()}
