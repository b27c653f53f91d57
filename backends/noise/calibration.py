"""Noise of a calibration snapshot.

T1 and T2 during every gate and every idle, depolarising noise that brings each gate to its
calibrated error, asymmetric readout, reset. The snapshots give no reset error. A reset is a
measurement and a conditional flip, so it is taken to leave |1> with the probability P(1|0) of
misreading |0>. State preparation is part of P(1|0) and has no error of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from ...experiments.errors import UsageError
from ...experiments.instructions import VIRTUAL_NAMES, Instruction
from ..calibration import QubitCalibration
from ..compilation import Compiled
from ..device import Device
from .channels import Channel, CircuitNoise, PauliChannel, Relaxation
from .paulis import paulis

MOST_PROBABLE_ERROR = 0.5
"""Largest error that a scale may make of a calibrated one: beyond, it is no error rate."""


def calibration_noise(compiled: Compiled, scale: float) -> CircuitNoise:
    """Return the noise of the device's snapshot.

    Args:
        compiled: the circuit, with its device's calibration.
        scale: factor on gate errors, 1/T1, 1/T2, readout and reset errors; 0 is no noise.

    Raises:
        UsageError: the device has no calibration or is in time steps, or the scale makes an error
            of a qubit or edge in use larger than MOST_PROBABLE_ERROR.
    """
    device = compiled.device
    if not device.has_calibration:
        raise UsageError(
            f"device {device.name} has no calibration; use noise none, {{uniform: p}} or "
            "{paper: p}"
        )
    if device.is_in_time_steps:
        raise UsageError(
            f"calibration noise needs the durations of {device.name}, and the circuit was "
            "compiled for time steps"
        )
    if scale != 1:
        device = device.with_errors_scaled(scale)
        _check_scaled(compiled, device, scale)
    channels = tuple(
        channel
        for at, instruction in enumerate(compiled.instructions)
        for channel in _channels(compiled, device, at, instruction)
    )
    readout = {
        bit.key: readout_errors(device, compiled.layout[bit.qubit])
        for bit in compiled.program.record.bits
    }
    return CircuitNoise(channels=channels, readout=readout)


def readout_errors(device: Device, qubit: int) -> tuple[float, float]:
    """Return (P(1|0), P(0|1)) of a physical qubit; 0 where nothing is calibrated."""
    known = device.qubits[qubit]
    return known.prob_1_given_0 or 0.0, known.prob_0_given_1 or 0.0


def _check_scaled(compiled: Compiled, device: Device, scale: float) -> None:
    found = []
    for q in compiled.layout:
        known = device.qubits[q]
        for what, error in (
            ("P(1|0)", known.prob_1_given_0),
            ("P(0|1)", known.prob_0_given_1),
            ("one-qubit gate error", known.one_qubit.error),
        ):
            found.append((f"{what} of qubit {q}", error))
    for a, b in compiled.program.patch.edges:
        u, v = sorted((compiled.layout[a], compiled.layout[b]))
        found.append((f"error of edge ({u}, {v})", device.edge(u, v).error))
    for what, error in found:
        if scale > 1 and error is not None and error > MOST_PROBABLE_ERROR:
            raise UsageError(
                f"calibration x {scale:g}: {what} of {device.name} would be {error:.3g}, and an "
                f"error rate is at most {MOST_PROBABLE_ERROR}; take a smaller scale"
            )


def _channels(
    compiled: Compiled, device: Device, at: int, instruction: Instruction
) -> Iterator[Channel]:
    name = instruction.name
    physical = tuple(compiled.layout[q] for q in instruction.qubits)
    known = [device.qubits[q] for q in physical]
    if name in VIRTUAL_NAMES or name == "measure":
        return
    if name == "reset":
        yield PauliChannel(
            at=at, qubits=instruction.qubits, probabilities={"X": known[0].prob_1_given_0 or 0.0}
        )
        return
    if name == "delay":
        seconds, error = instruction.params[0] * device.dt_seconds, 0.0
    else:
        operation = known[0].one_qubit if len(known) == 1 else device.edge(*physical)
        seconds, error = operation.seconds, operation.error or 0.0
    relaxations = [
        relaxation(at, qubit, calibration, seconds)
        for qubit, calibration in zip(instruction.qubits, known, strict=True)
    ]
    strength = 0.0 if name == "delay" else depolarising_probability(error, relaxations)
    if strength > 0:
        letters = paulis(len(known))
        yield PauliChannel(
            at=at,
            qubits=instruction.qubits,
            probabilities=dict.fromkeys(letters, strength / (len(letters) + 1)),
        )
    yield from relaxations  # after the depolarising noise, as in Aer's own device model


def relaxation(at: int, qubit: int, calibration: QubitCalibration, seconds: float) -> Relaxation:
    """Return a qubit's relaxation over a time. A T2 above 2 T1, which cannot be, counts as 2 T1.

    Raises:
        UsageError: its T1 or T2 is not known.
    """
    if not calibration.t1_seconds or not calibration.t2_seconds:
        raise UsageError(
            f"calibration noise: patch qubit {qubit} is on a physical qubit without T1 and T2; "
            "take another embedding, or another noise"
        )
    t2_seconds = min(calibration.t2_seconds, 2 * calibration.t1_seconds)
    return Relaxation(
        at=at,
        qubits=(qubit,),
        decay=1 - exp(-seconds / calibration.t1_seconds),
        coherence=exp(-seconds / t2_seconds),
    )


def depolarising_probability(error: float, relaxations: list[Relaxation]) -> float:
    """Return the probability of full depolarisation that brings a gate to its calibrated error.

    With average fidelity F of the relaxation alone and dimension d, depolarising with probability
    q gives (1 - q) F + q / d. It is 0 where relaxation alone exceeds the calibrated error.
    """
    dimension = 1 << len(relaxations)
    process = 1.0
    for part in relaxations:
        process *= (1 + 2 * part.coherence + (1 - part.decay)) / 4
    fidelity = (dimension * process + 1) / (dimension + 1)
    return max(0.0, (fidelity - (1 - error)) / (fidelity - 1 / dimension))
