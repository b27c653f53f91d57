"""Noise as a value: which channel follows each instruction of a compiled circuit.

Engines read it: Aer simulates every channel exactly. `none` is no noise; `uniform` is gates,
preparation, reset and readout with one probability p and no idle noise; `calibration` is a
device's snapshot: T1 and T2 during every gate and every idle, depolarising noise that brings each
gate to its calibrated error, asymmetric readout, reset.

The snapshots give no reset error. A reset is a measurement and a conditional flip, so it is taken
to leave |1> with the probability P(1|0) of misreading |0>. State preparation is part of P(1|0) and
has no error of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import exp

from ..experiments.errors import UsageError
from ..experiments.faults import PREPARATION
from ..experiments.instructions import VIRTUAL_NAMES, Instruction
from ..experiments.record import BitKey
from ..experiments.spec import NoiseSpec
from .compilation import Compiled
from .device import Device, QubitCalibration


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
    """T1 and T2 over some time: populations of |1> decay by `decay`, coherences by `dephasing`.

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


def make_noise(compiled: Compiled, spec: NoiseSpec) -> CircuitNoise:
    """Return the noise of a compiled circuit.

    Raises:
        UsageError: calibration noise on a device without calibration.
    """
    if spec.kind == "none":
        return CircuitNoise(channels=(), readout={})
    if spec.kind == "uniform":
        return _uniform(compiled, spec.p or 0.0)
    if not compiled.device.has_calibration:
        raise UsageError(
            f"device {compiled.device.name} has no calibration; use noise none or {{uniform: p}}"
        )
    return _calibrated(compiled)


def _uniform(compiled: Compiled, p: float) -> CircuitNoise:
    """Per-location numbers of Chamberland and Noh (arXiv:2003.03049), without idle steps."""
    flip = {"X": 2 * p / 3}
    channels: list[Channel] = [
        PauliChannel(at=PREPARATION, qubits=(q,), probabilities=flip)
        for q in range(compiled.program.patch.num_qubits)
    ]
    for at, instruction in enumerate(compiled.instructions):
        if instruction.name in VIRTUAL_NAMES or instruction.name in ("measure", "delay"):
            continue
        if instruction.name == "reset":
            probabilities = flip
        else:
            letters = _paulis(len(instruction.qubits))
            probabilities = dict.fromkeys(letters, p / len(letters))
        channels.append(PauliChannel(at=at, qubits=instruction.qubits, probabilities=probabilities))
    readout = {bit.key: (2 * p / 3, 2 * p / 3) for bit in compiled.program.record.bits}
    return CircuitNoise(channels=tuple(channels), readout=readout)


def _calibrated(compiled: Compiled) -> CircuitNoise:
    channels = [
        channel
        for at, instruction in enumerate(compiled.instructions)
        for channel in _calibrated_channels(compiled, at, instruction)
    ]
    readout = {}
    for bit in compiled.program.record.bits:
        known = compiled.device.qubits[compiled.layout[bit.qubit]]
        readout[bit.key] = (known.prob_1_given_0 or 0.0, known.prob_0_given_1 or 0.0)
    return CircuitNoise(channels=tuple(channels), readout=readout)


def _calibrated_channels(
    compiled: Compiled, at: int, instruction: Instruction
) -> Iterator[Channel]:
    device, name = compiled.device, instruction.name
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
        letters = _paulis(len(known))
        yield PauliChannel(
            at=at,
            qubits=instruction.qubits,
            probabilities=dict.fromkeys(letters, strength / (len(letters) + 1)),
        )
    yield from relaxations  # after the depolarising noise, as in Aer's own device model


def relaxation(at: int, qubit: int, calibration: QubitCalibration, seconds: float) -> Relaxation:
    """Return a qubit's relaxation over a time. A T2 above 2 T1, which cannot be, counts as 2 T1."""
    if not calibration.t1_seconds or not calibration.t2_seconds:
        raise UsageError("calibration noise on a qubit without T1 and T2")
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


def single_qubit_readout(device: Device, qubit: int, spec: NoiseSpec) -> tuple[float, float]:
    """Return (P(1|0), P(0|1)) of one physical qubit as the noise emulates it."""
    if spec.kind == "uniform":
        return (2 * (spec.p or 0.0) / 3,) * 2
    known = device.qubits[qubit]
    if spec.kind == "none":
        return (0.0, 0.0)
    return (known.prob_1_given_0 or 0.0, known.prob_0_given_1 or 0.0)


def _paulis(count: int) -> list[str]:
    return ["".join(letters) for letters in product("IXYZ", repeat=count)][1:]
