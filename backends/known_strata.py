"""What shots without a fault and with a single one do, exactly, from the certificate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..experiments.certificates.single import TOLERANCE, Certificate
from ..experiments.counts import Readout
from ..experiments.spec import NoiseSpec
from .compilation import Compiled
from .noise.models import make_noise
from .prediction import fault_locations

Floats = NDArray[np.float64]
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
    place = {key: i for i, key in enumerate(keys)}
    locations = [
        (noise.p or sum(faults.values()), faults)
        for faults in fault_locations(compiled, make_noise(compiled, noise))
    ]
    odds = [total / (1 - total) for total, _ in locations]
    shares, nothing = np.zeros(len(keys)), 0.0
    for weight, (total, faults) in zip(odds, locations, strict=True):
        if total > 0:
            nothing += weight / sum(odds) * (1 - sum(faults.values()) / total)
            for key, p in faults.items():
                shares[place[key]] += weight / sum(odds) * p / total
    does: Mapping[Readout, tuple[Floats, Floats]] = {
        "detect": (certificate.accepted_readout, certificate.wrong_undetected),
        "correct": (certificate.accepted, certificate.wrong_corrected),
    }
    single = {
        readout: (
            float(nothing + shares @ kept),
            float(shares @ np.where(wrong > TOLERANCE, wrong, 0.0)),
        )
        for readout, (kept, wrong) in does.items()
    }
    return (dict.fromkeys(does, _CLEAN), single)
