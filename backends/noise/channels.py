"""Noise channels as values, and all of a compiled circuit's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...experiments.record import BitKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PauliChannel:
    """Paulis with given probabilities (the rest is the identity).

    Attributes:
        at: index of the instruction that it follows, or PREPARATION.
        qubits: patch qubits.
        probabilities: letters, one per qubit -> probability; no entry for the identity.
    """

    at: int
    qubits: tuple[int, ...]
    probabilities: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """T1 and T2 over some time: |1> loses the share `decay`, coherences are times `coherence`.

    Attributes:
        at: index of the instruction that it follows.
        qubits: the patch qubit, as a tuple of one.
        decay: gamma = 1 - exp(-t/T1).
        coherence: exp(-t/T2), T2 limited to 2 T1.
    """

    at: int
    qubits: tuple[int, ...]
    decay: float
    coherence: float

    @property
    def twirl(self) -> Mapping[str, float]:
        """Pauli twirl of the channel: probabilities of X, Y and Z."""
        flip = self.decay / 4
        return {"X": flip, "Y": flip, "Z": (1 - self.coherence) / 2 - flip}


Channel = PauliChannel | Relaxation


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitNoise:
    """All noise of one compiled circuit.

    Attributes:
        channels: in the order in which they act.
        readout: (P(1|0), P(0|1)) of each recorded bit.
    """

    channels: tuple[Channel, ...]
    readout: Mapping[BitKey, tuple[float, float]]

    def misread(self, key: BitKey, value: int | None) -> float:
        """Return the chance that a bit is recorded wrong.

        Args:
            key: which bit.
            value: its true outcome; None for one that is random, then the mean of both.
        """
        rates = self.readout.get(key, (0.0, 0.0))
        return sum(rates) / 2 if value is None else rates[value]
