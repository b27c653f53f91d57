"""A random Pauli at a random place: Aer, clifft and the certificate accept the same shots."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli
from qiskit_aer import AerSimulator

from hexmagic.backends.clifft.check import judge_faults
from hexmagic.backends.clifft.shots import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.experiments.certificates.faults import Fault
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.program import make_program
from hexmagic.experiments.record import RecordMap
from hexmagic.experiments.reuse import Reuse

CASES: list[tuple[str, str, Reuse]] = [
    ("fold13", "fake_torino", "reset"),
    ("fold13", "fake_sherbrooke", "xor"),
    ("fold", "fake_kolkata", "reset"),
    ("fold", "fake_boston", "deferred"),
]
SHOTS = 200


@cache
def case(scheme: str, device: str, reuse: Reuse) -> tuple[Compiled, Certificate]:
    program = make_program(scheme=scheme, distance=3, rounds=1, basis="X", reuse=reuse)
    calibration = load_device(device)
    layout = find_embeddings(program.patch, calibration)[0]
    compiled = compile_program(program, calibration, layout)
    return compiled, certify(program, compiled.instructions)


def drawn(certificate: Certificate, seed: int, each: int) -> list[int]:
    """Return random faults: some surely rejected, some surely accepted, some in between."""
    rng, chances = np.random.default_rng(seed), certificate.accepted
    kinds = (chances < 1e-9, chances > 1 - 1e-9, is_sometimes(chances))
    return [
        int(i)
        for kind in kinds
        for i in rng.choice(np.flatnonzero(kind), min(each, int(kind.sum())), replace=False)
    ]


def is_sometimes(chances: NDArray[np.float64]) -> NDArray[np.bool_]:
    between: NDArray[np.bool_] = (chances > 1e-9) & (chances < 1 - 1e-9)
    return between


def with_fault(circuit: QuantumCircuit, fault: Fault) -> QuantumCircuit:
    """Return a circuit with a fault put in, by qiskit alone."""
    struck = circuit.copy_empty_like()
    error = Pauli(fault.pauli[::-1])  # qiskit's label starts with the last qubit
    if fault.kind == "prepare":
        struck.append(error, fault.qubits)
    for at, item in enumerate(circuit.data):
        if at == fault.at and fault.kind == "readout":
            struck.append(error, fault.qubits)
        struck.append(item)
        if at == fault.at:
            struck.append(error, fault.qubits)
    return struck


def aer_values(
    circuit: QuantumCircuit, record: RecordMap, shots: int, seed: int
) -> NDArray[np.bool_]:
    """Return each recorded bit's value, `xor` applied, by stock Aer."""
    engine = AerSimulator(method="statevector", max_parallel_threads=1)
    counts = engine.run(circuit, shots=shots, seed_simulator=seed).result().get_counts()
    rows = []
    for word, count in counts.items():
        parts = zip(reversed(circuit.cregs), word.split(), strict=True)  # last register first
        raw = {(r.name, i): text[-1 - i] == "1" for r, text in parts for i in range(len(r))}
        values = [raw[bit.key] ^ (sum(raw[key] for key in bit.xor) % 2) for bit in record.bits]
        rows += [values] * count
    return np.array(rows, dtype=np.bool_)


def accepted(values: NDArray[np.bool_], record: RecordMap) -> float:
    kept = [values[:, j] == bit.expected for j, bit in enumerate(record.bits) if bit.role != "data"]
    return float(np.all(kept, axis=0).mean())


def compare(scheme: str, device: str, reuse: Reuse, *, each: int, few: int, many: int) -> None:
    """Hold Aer and clifft against the certificate on random faults, and against each other.

    Where the certificate says "always" or "never" no shot may differ, so a few will do.
    """
    compiled, certificate = case(scheme, device, reuse)
    record, instructions = compiled.program.record, compiled.instructions
    for i in drawn(certificate, 1, each):
        fault, chance = certificate.faults[i], certificate.accepted[i]
        shots = many if is_sometimes(certificate.accepted)[i] else few
        by_aer = aer_values(with_fault(compiled.local, fault), record, shots, 5)
        by_clifft = sample(
            compiled.program, instructions, shots=shots, seed=6, faults=[fault]
        ).values()
        width = 5 * np.sqrt(max(chance * (1 - chance), 0) / shots) + 1e-9
        assert abs(accepted(by_aer, record) - chance) < width, fault
        assert abs(accepted(by_clifft, record) - chance) < width, fault
        for column, bit in enumerate(record.bits):
            ones = by_aer[:, column].mean(), by_clifft[:, column].mean()
            spread = 5 * np.sqrt(sum(p * (1 - p) + 2 / shots for p in ones) / shots)
            assert abs(ones[0] - ones[1]) < spread, (fault, bit)


@pytest.mark.parametrize(("scheme", "device", "reuse"), CASES)
def test_a_random_fault_is_accepted_as_often_by_everyone(
    scheme: str, device: str, reuse: Reuse
) -> None:
    compare(scheme, device, reuse, each=2, few=6, many=40)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "device", "reuse"), CASES)
def test_many_random_faults_are_accepted_as_often_by_everyone(
    scheme: str, device: str, reuse: Reuse
) -> None:
    compare(scheme, device, reuse, each=4, few=12, many=120)


@pytest.mark.parametrize(("scheme", "device", "reuse"), CASES)
def test_the_ideal_check_finds_what_the_certificate_says(
    scheme: str, device: str, reuse: Reuse
) -> None:
    compiled, certificate = case(scheme, device, reuse)
    failures = np.flatnonzero(certificate.wrong_corrected > 1e-9)[:4]
    for i in [*drawn(certificate, 3, 3), *(int(k) for k in failures)]:
        judged = judge_faults(
            compiled.program,
            compiled.instructions,
            shots=SHOTS,
            seed=3,
            faults=[certificate.faults[i]],
        )
        found = (judged.accepted, np.nansum(judged.wrong), judged.wrong_corrected.sum())
        wanted = (
            certificate.accepted[i],
            certificate.wrong_undetected[i],
            certificate.wrong_corrected[i],
        )
        for count, chance in zip(found, wanted, strict=True):
            assert abs(count / SHOTS - chance) < 5 * np.sqrt(chance * (1 - chance) / SHOTS) + 1e-6


def test_the_faults_of_the_plain_fold_that_decoding_turns_wrong_are_among_them() -> None:
    compiled, certificate = case("fold", "fake_kolkata", "reset")
    failures = certificate.failures("correction")
    assert failures
    judged = judge_faults(
        compiled.program, compiled.instructions, shots=50, seed=1, faults=failures[:1]
    )
    assert judged.wrong_corrected.max() > 0.4
    assert not judged.trivial.any()
