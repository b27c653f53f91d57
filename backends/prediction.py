"""Predicted acceptance from the noise and from what each single fault does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, log1p

from ..experiments.certificates.single import Certificate
from ..experiments.spec import Accept, NoiseSpec
from .compilation import Compiled
from .noise.channels import Channel, CircuitNoise, PauliChannel
from .noise.models import make_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A predicted acceptance rate and how it was found."""

    acceptance: float
    method: str


FaultKey = tuple[int, tuple[int, ...], str]
"""`Fault.at`, `Fault.qubits`, `Fault.pauli`."""


def predict_acceptance(
    compiled: Compiled, noise: NoiseSpec, accept: Accept, certificate: Certificate | None
) -> Prediction:
    """Return the predicted acceptance rate of a compiled circuit.

    With a certificate every location lowers the acceptance by the exact probability that its
    single faults are rejected, locations multiplied as if independent (so pairs of faults that
    cancel are neglected); T1 and T2 as their Pauli twirl. Without one it is the probability that
    nothing goes wrong at all, a lower bound. Either way all cuts are taken to be on, but that
    on the faces of the readout as `accept` says.

    Raises:
        UsageError: noise that the device has no data for.
    """
    noise_ = make_noise(compiled, noise)
    record = compiled.program.record
    if not record.faces and all(bit.expected is None for bit in record.bits):
        return Prediction(acceptance=1.0, method="nothing to post-select on")
    survival = _survival(certificate, accept) if certificate else {}
    total = 0.0
    for faults in fault_locations(compiled, noise_):
        total += log1p(-sum(p * (1 - survival.get(key, 0.0)) for key, p in faults.items()))
    method = "every single fault, exact" if certificate else "no fault at all (lower bound)"
    return Prediction(acceptance=exp(total), method=method)


def _survival(certificate: Certificate, accept: Accept) -> Mapping[FaultKey, float]:
    kept = certificate.accepted_readout if accept.readout == "detect" else certificate.accepted
    return {
        (fault.at, fault.qubits, fault.pauli): float(probability)
        for fault, probability in zip(certificate.faults, kept, strict=True)
    }


def fault_locations(compiled: Compiled, noise: CircuitNoise) -> Iterator[Mapping[FaultKey, float]]:
    """Yield each fault location: its faults as the certificate names them, with probabilities.

    A measurement is one too; its outcome is taken to be what it should be.
    """
    for channel in noise.channels:
        yield dict(single_faults_of(compiled, channel))
    expected = compiled.program.record.expected_raw
    for at, instruction in enumerate(compiled.instructions):
        for bit in instruction.bits:
            yield {(at, instruction.qubits, "X"): noise.misread(bit, expected[bit])}


def single_faults_of(compiled: Compiled, channel: Channel) -> Iterator[tuple[FaultKey, float]]:
    """Yield the faults of a channel as the certificate names them, with their probabilities.

    A fault is (index of the instruction, the instruction's qubits, a Pauli letter for each);
    relaxation counts as its Pauli twirl.
    """
    if isinstance(channel, PauliChannel):
        for letters, probability in channel.probabilities.items():
            yield (channel.at, channel.qubits, letters), probability
        return
    where = compiled.instructions[channel.at].qubits
    for letter, probability in channel.twirl.items():
        letters = "".join(letter if q in channel.qubits else "I" for q in where)
        yield (channel.at, where, letters), probability
