"""Shots per second of Aer itself: uniform noise as Aer's own noise model, one call, no tables.

`emulation.py` runs it in a process of its own, as the plainest way to emulate the same circuit.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error, pauli_error

from hexmagic.analysis.postselect import count_shots
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.shots import pack_shots
from hexmagic.experiments.spec import Accept


def noise_model(compiled: Compiled, p: float) -> NoiseModel:
    """Return the noise of `NoiseSpec(kind="uniform")`, but for the preparation of the qubits."""
    flip = 2 * p / 3
    model = NoiseModel(basis_gates=["sx", "x", "rz", compiled.device.two_qubit_gate, "delay"])
    model.add_all_qubit_quantum_error(depolarizing_error(p * 4 / 3, 1), ["sx", "x"])
    two_qubit = depolarizing_error(p * 16 / 15, 2)
    model.add_all_qubit_quantum_error(two_qubit, compiled.device.two_qubit_gate)
    model.add_all_qubit_quantum_error(pauli_error([("X", flip), ("I", 1 - flip)]), "reset")
    model.add_all_qubit_readout_error(ReadoutError([[1 - flip, flip], [flip, 1 - flip]]))
    return model


def with_preparation(compiled: Compiled, p: float) -> QuantumCircuit:
    """Return the compiled circuit on the patch's qubits, each flipped with 2p/3 first of all."""
    flip = 2 * p / 3
    error = pauli_error([("X", flip), ("I", 1 - flip)])
    noisy = compiled.local.copy_empty_like()
    for qubit in noisy.qubits:
        noisy.append(error, [qubit])
    return noisy.compose(compiled.local)


def recorded_bits(memory: list[str], compiled: Compiled) -> NDArray[np.bool_]:
    """Return what Aer remembers of each shot, shape (shots, bits), columns as in the record map.

    A word of it has one part for each register, the last register and the highest bit first.
    """
    names = [register.name for register in reversed(compiled.local.cregs)]
    places = [(names.index(bit.register), -1 - bit.index) for bit in compiled.program.record.bits]
    words = [word.split() for word in memory]
    return np.array([[word[part][at] == "1" for part, at in places] for word in words])


def measure(
    scheme: str, distance: int, reuse: Reuse, device_name: str, p: float, shots: int
) -> dict[str, Any]:
    """Return Aer's rate, half of the shots in X and half in Z, and the acceptance."""
    device = load_device(device_name)
    threads = os.cpu_count() or 1
    seconds = cpu = 0.0
    kept = 0
    for basis in ("X", "Z"):
        program = make_program(scheme=scheme, distance=distance, rounds=1, basis=basis, reuse=reuse)
        compiled = compile_program(program, device, choose_embedding(program, device))
        simulator = AerSimulator(
            method="statevector",
            noise_model=noise_model(compiled, p),
            max_parallel_threads=threads,
            max_parallel_shots=threads,
        )
        circuit = with_preparation(compiled, p)
        simulator.run(circuit, shots=2, seed_simulator=1).result()  # nothing is measured cold
        start, start_cpu = time.perf_counter(), time.process_time()
        result = simulator.run(circuit, shots=shots, memory=True, seed_simulator=2).result()
        seconds += time.perf_counter() - start
        cpu += time.process_time() - start_cpu
        found = pack_shots(recorded_bits(result.get_memory(), compiled), program.record)
        kept += count_shots(found, Accept()).outcomes["detect"].kept
    taken = 2 * shots
    return {"shots": taken, "run, s": seconds, "CPU, s": cpu, "acceptance": kept / taken}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scheme", required=True)
    parser.add_argument("--distance", type=int, required=True)
    parser.add_argument("--reuse", choices=REUSES, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--p", type=float, required=True)
    parser.add_argument("--shots", type=int, required=True, help="in each basis")
    o = parser.parse_args()
    print(json.dumps(measure(o.scheme, o.distance, o.reuse, o.device, o.p, o.shots)))


if __name__ == "__main__":
    main()
