"""The certificate of compiled circuits, fault by fault, against brute force with qiskit.

Nothing is shared with the certificate but the names of the faults: gates, projections, resets,
logical states and decoder are those of `fakes.exact`.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from fakes.exact import judge, run_exactly
from qiskit import QuantumCircuit

from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.experiments.certificates.faults import Fault
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.program import make_program

FIELDS = ("accepted", "accepted_readout", "wrong_undetected", "wrong_corrected")
EXACT = 1e-9
SLOW_14 = pytest.param("fold14", marks=pytest.mark.slow)


@cache
def compiled_of(scheme: str, basis: Basis) -> Compiled:
    rounds = None if scheme == "encoded" else 1
    program = make_program(scheme=scheme, distance=3, rounds=rounds, basis=basis)
    device = load_device("fake_boston")
    return compile_program(program, device, choose_embedding(program, device, "best"))


def with_waits(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with a delay in front of every reset: after the measurement, so unseen."""
    waiting = circuit.copy_empty_like()
    for item in circuit.data:
        if item.operation.name == "reset":
            waiting.delay(100, item.qubits[0])
        waiting.append(item)
    return waiting


@cache
def case(scheme: str, basis: Basis) -> tuple[QuantumCircuit, Certificate]:
    compiled = compiled_of(scheme, basis)
    circuit = with_waits(compiled.local)
    return circuit, certify(compiled.program, read_instructions(circuit))


def largest_difference(scheme: str, basis: Basis, chosen: list[Fault]) -> float:
    circuit, certificate = case(scheme, basis)
    program = compiled_of(scheme, basis).program
    assert program.patch.code is not None
    index = {fault: i for i, fault in enumerate(certificate.faults)}
    worst = 0.0
    for fault in chosen:
        found = judge(run_exactly(circuit, program.record, fault), program.patch.code, basis)
        said = {field: getattr(certificate, field)[index[fault]] for field in FIELDS}
        worst = max(worst, *(abs(found[field] - said[field]) for field in FIELDS))
    return worst


def some(faults: list[Fault], count: int, seed: int) -> list[Fault]:
    places = np.random.default_rng(seed).choice(len(faults), min(count, len(faults)), replace=False)
    return [faults[i] for i in sorted(places)]


def of_each_kind(scheme: str, basis: Basis, count: int, seed: int) -> list[Fault]:
    """Up to `count` faults of each kind."""
    faults = case(scheme, basis)[1].faults
    kinds = sorted({fault.kind for fault in faults})
    return [f for kind in kinds for f in some([f for f in faults if f.kind == kind], count, seed)]


def between_measurement_and_reset(scheme: str, basis: Basis) -> list[Fault]:
    circuit, certificate = case(scheme, basis)
    names = [item.operation.name for item in circuit.data]
    return [f for f in certificate.faults if f.kind == "idle" and names[f.at + 1] == "reset"]


def test_the_encoders_faults_agree_though_no_ancilla_is_read() -> None:
    chosen = of_each_kind("encoded", "Y", 12, seed=1)
    certificate = case("encoded", "Y")[1]
    assert certificate.accepted == pytest.approx(np.ones(len(certificate.faults)))
    assert any(fault in certificate.failures("detection") for fault in chosen)
    assert largest_difference("encoded", "Y", chosen) < EXACT


def test_a_few_faults_of_each_kind_of_fold13_agree() -> None:
    chosen = of_each_kind("fold13", "Y", 3, seed=2)
    assert {fault.kind for fault in chosen} == {
        "idle", "one_qubit", "prepare", "readout", "reset", "two_qubit"
    }  # fmt: skip
    assert largest_difference("fold13", "Y", chosen) < EXACT


def test_a_flip_between_measurement_and_reset_is_erased_unseen() -> None:
    chosen = between_measurement_and_reset("fold13", "Y")
    circuit, certificate = case("fold13", "Y")
    accepted = [certificate.accepted[certificate.faults.index(fault)] for fault in chosen]
    assert len(chosen) == 3 * circuit.count_ops()["reset"] == 18
    assert accepted == pytest.approx([1.0] * 18)
    assert largest_difference("fold13", "Y", chosen[::4]) < EXACT


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "basis"), [("fold14", "Z"), ("fold13", "Y")])
def test_150_random_faults_of_a_searched_circuit_agree(scheme: str, basis: Basis) -> None:
    faults = list(case(scheme, basis)[1].faults)
    assert largest_difference(scheme, basis, some(faults, 150, seed=3)) < EXACT


@pytest.mark.slow
def test_every_reset_readout_and_wait_of_fold13_agrees() -> None:
    certificate = case("fold13", "Y")[1]
    chosen = [f for f in certificate.faults if f.kind in ("reset", "readout")]
    chosen += between_measurement_and_reset("fold13", "Y")
    assert len(chosen) == 6 + 19 + 18
    assert largest_difference("fold13", "Y", chosen) < EXACT


@pytest.mark.slow
def test_every_miscorrected_fault_of_the_compiled_fold_agrees() -> None:
    certificate = case("fold", "X")[1]
    failures = list(certificate.failures("correction"))
    assert len(failures) >= 33
    chosen = failures + some(list(certificate.faults), 30, seed=4)
    assert largest_difference("fold", "X", chosen) < EXACT


@pytest.mark.parametrize("scheme", ["fold13", SLOW_14])
def test_the_compiled_searched_circuits_have_no_dangerous_single_fault(scheme: str) -> None:
    basis: Basis = "Y" if scheme == "fold13" else "Z"
    certificate = case(scheme, basis)[1]
    assert certificate.failures("detection") == certificate.failures("correction") == ()
    assert certificate.fidelity == pytest.approx(1, abs=EXACT)


@pytest.mark.parametrize("scheme", ["fold13", SLOW_14])
def test_the_compiled_circuit_has_every_fault_of_the_formula(scheme: str) -> None:
    circuit, certificate = case(scheme, "Y" if scheme == "fold13" else "Z")
    ops = Counter(circuit.count_ops())
    one = ops["sx"] + ops["x"] + ops["delay"]
    flips = ops["reset"] + ops["measure"] + circuit.num_qubits
    assert len(certificate.faults) == 15 * ops["cz"] + 3 * one + flips
