"""What shots without a fault and with a single one do, exactly, from the certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..experiments.certificate import TOLERANCE, Certificate
from ..experiments.counts import Readout
from ..experiments.spec import NoiseSpec
from .compilation import Compiled
from .noise import make_noise
from .prediction import single_faults_of

Rates = tuple[float, float]
"""(kept, kept and wrong), each per shot."""

_CLEAN: Rates = (1.0, 0.0)


def known_strata(
    compiled: Compiled, noise: NoiseSpec, certificate: Certificate
) -> tuple[Mapping[Readout, Rates], ...]:
    """Return the rates of an H_ideal circuit given no fault, and given exactly one.

    Fault locations are those of the stratified sampler: under uniform and paper noise each fails
    with the same probability p, of which a preparation, reset or readout uses two thirds (the
    rest does nothing); under calibration noise, if its readout is symmetric, each with its own.

    Args:
        compiled: the circuit.
        noise: with symmetric readout.
        certificate: what every single fault of that circuit does.
    """
    keys = [(fault.at, fault.qubits, fault.pauli) for fault in certificate.faults]
    undetected, corrected = (
        np.where(wrong > TOLERANCE, wrong, 0.0)
        for wrong in (certificate.wrong_undetected, certificate.wrong_corrected)
    )
    does: dict[Readout, dict[object, Rates]] = {
        "detect": dict(
            zip(
                keys,
                zip(certificate.accepted_readout, undetected, strict=True),
                strict=True,
            )
        ),
        "correct": dict(
            zip(
                keys,
                zip(certificate.accepted, corrected, strict=True),
                strict=True,
            )
        ),
    }
    locations = [(total, faults) for total, faults in _locations(compiled, noise) if total > 0]
    odds = [total / (1 - total) for total, _ in locations]
    single: dict[Readout, Rates] = {}
    for readout, known in does.items():
        kept = wrong = 0.0
        for weight, (total, faults) in zip(odds, locations, strict=True):
            share = weight / sum(odds)
            idle = 1 - sum(faults.values()) / total
            kept += share * (idle + sum(p / total * known[key][0] for key, p in faults.items()))
            wrong += share * sum(p / total * known[key][1] for key, p in faults.items())
        single[readout] = (kept, wrong)
    return (dict.fromkeys(does, _CLEAN), single)


def _locations(
    compiled: Compiled, noise: NoiseSpec
) -> Iterator[tuple[float, Mapping[object, float]]]:
    """Yield each location's probability and its faults, named as in the certificate."""
    found = make_noise(compiled, noise)
    for channel in found.channels:
        faults: dict[object, float] = dict(single_faults_of(compiled, channel))
        yield sum(faults.values()) if noise.p is None else noise.p, faults
    record = compiled.program.record
    for at, instruction in enumerate(compiled.instructions):
        for bit in instruction.bits:
            up, down = found.readout.get(bit, (0.0, 0.0))
            raw = record.expected_raw[bit]
            error = (up + down) / 2 if raw is None else (up, down)[raw]
            yield error if noise.p is None else noise.p, {(at, instruction.qubits, "X"): error}
