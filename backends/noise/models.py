"""Noise as a value: which channel follows each instruction of a compiled circuit.

Engines read it: Aer simulates every channel exactly. `none` is no noise; `uniform` is gates,
preparation, reset and readout with one probability p and no noise of waiting qubits; `paper` is
the same of a circuit in time steps, in each of which a waiting qubit errs too; `calibration` is a
device's snapshot, its errors multiplied by a scale.
"""

from __future__ import annotations

from ...experiments.spec import NoiseSpec
from ..compilation import Compiled
from ..device import Device
from .calibration import calibration_noise, readout_errors
from .channels import CircuitNoise
from .paulis import flip_probability, paper_noise, uniform_noise


def make_noise(compiled: Compiled, spec: NoiseSpec) -> CircuitNoise:
    """Return the noise of a compiled circuit.

    Raises:
        UsageError: calibration noise on a device without calibration, or scaled beyond what an
            error rate can be; paper noise of a circuit that is not compiled in time steps, or
            calibration noise of one that is.
    """
    if spec.kind == "none":
        return CircuitNoise(channels=(), readout={})
    if spec.kind == "calibration":
        return calibration_noise(compiled, spec.scale)
    make = paper_noise if spec.kind == "paper" else uniform_noise
    return make(compiled, spec.p or 0.0)


def single_qubit_readout(device: Device, qubit: int, spec: NoiseSpec) -> tuple[float, float]:
    """Return (P(1|0), P(0|1)) of one physical qubit as the noise emulates it."""
    if spec.kind == "none":
        return (0.0, 0.0)
    if spec.kind == "calibration":
        up, down = readout_errors(device, qubit)
        return (up * spec.scale, down * spec.scale)
    return (flip_probability(spec.p or 0.0),) * 2
