"""The calibrated noise once more, as Aer's own noise model: what the emulator is held against."""

from __future__ import annotations

from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Delay
from qiskit_aer.noise import NoiseModel, ReadoutError, RelaxationNoisePass
from qiskit_aer.noise.device.models import basic_device_gate_errors

from hexmagic.backends.compilation import Compiled
from hexmagic.backends.isa import make_target


def gate_errors(compiled: Compiled) -> dict[tuple[str, tuple[int, ...]], Any]:
    """Return Aer's error of each native gate: (name, patch qubits) -> QuantumError."""
    target = make_target(compiled.device, compiled.layout)
    native = {"sx", "x", compiled.device.two_qubit_gate}
    found = basic_device_gate_errors(target=target)
    return {(name, tuple(qubits)): error for name, qubits, error in found if name in native}


def make_aer_noise_model(compiled: Compiled) -> Any:
    """Return Aer's noise model of gates and readout on the patch's qubits."""
    model = NoiseModel(basis_gates=["sx", "x", "rz", compiled.device.two_qubit_gate, "delay"])
    for (name, qubits), error in gate_errors(compiled).items():
        model.add_quantum_error(error, name, list(qubits))
    for i, physical in enumerate(compiled.layout):
        known = compiled.device.qubits[physical]
        up, down = known.prob_1_given_0 or 0.0, known.prob_0_given_1 or 0.0
        model.add_readout_error(ReadoutError([[1 - up, up], [down, 1 - down]]), [i])
    return model


def with_relaxation(compiled: Compiled) -> QuantumCircuit:
    """Return the compiled circuit on the patch's qubits, each delay followed by T1 and T2."""
    known = [compiled.device.qubits[q] for q in compiled.layout]
    t1s = [q.t1_seconds or 0.0 for q in known]
    t2s = [min(q.t2_seconds or 0.0, 2 * t1) for q, t1 in zip(known, t1s, strict=True)]
    relax = RelaxationNoisePass(t1s, t2s, dt=compiled.device.dt_seconds, op_types=[Delay])
    noisy = relax(compiled.local)
    assert isinstance(noisy, QuantumCircuit)
    return noisy
