"""Compiled circuits that measure H or H_ideal: the wait, the certificates, the files."""

from __future__ import annotations

import io
import json
from functools import cache
from math import sqrt

import numpy as np
import pytest
from qiskit import qasm3, qpy

from hexmagic.analysis.postselect import cut_flow, logical_outcomes
from hexmagic.backends.clifft.check import judge_faults
from hexmagic.backends.clifft.shots import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import Device, load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.driver.circuits import planned_gadgets, roles_on_device
from hexmagic.driver.folder.circuit_files import encode_circuit
from hexmagic.experiments.certificates.faults import Fault
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.certificates.trial import make_trial
from hexmagic.experiments.errors import RefusedError
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.spec import Accept

DEVICES = ("fake_boston", "fake_torino")
SEARCHED = ("fold13", "fold14", "tree16")
SMALL = (*SEARCHED, "fold", "encoded")


@cache
def device_of(name: str) -> Device:
    if name == "time steps":
        return load_device("heavy_hex_5_cx").in_time_steps()
    return load_device(name)


@cache
def compiled_of(
    scheme: str, device: str, basis: Measure, reuse: Reuse = "reset", distance: int = 3
) -> Compiled:
    rounds = None if scheme == "encoded" else (distance - 1) // 2
    program = make_program(
        scheme=scheme, distance=distance, rounds=rounds, basis=basis, reuse=reuse
    )
    known = device_of(device)
    return compile_program(program, known, find_embeddings(program.patch, known)[0])


@cache
def certificate_of(
    scheme: str, device: str, basis: Measure = "H_ideal", reuse: Reuse = "reset", distance: int = 3
) -> Certificate:
    compiled = compiled_of(scheme, device, basis, reuse, distance)
    return certify(compiled.program, compiled.instructions)


# --- the wait --------------------------------------------------------------------------------


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("device", [*DEVICES, "fake_sherbrooke", "time steps"])
@pytest.mark.parametrize("scheme", SMALL)
def test_every_qubit_is_told_what_it_does_until_the_circuit_ends(
    scheme: str, device: str, reuse: Reuse
) -> None:
    compiled = compiled_of(scheme, device, "H_ideal", reuse)
    end = compiled.duration_seconds
    for qubit in compiled.program.patch.data:
        spans = [(start, stop) for item, start, stop in compiled.windows if qubit in item.qubits]
        assert spans[-1][1] == pytest.approx(end)
        told = sum(stop - start for start, stop in spans)
        assert told == pytest.approx(end - spans[0][0])


@pytest.mark.parametrize("device", [*DEVICES, "time steps"])
@pytest.mark.parametrize("scheme", [*SEARCHED, "fold"])
def test_the_data_wait_until_the_last_ancilla_is_read(scheme: str, device: str) -> None:
    """The last readout, which ends the circuit, finds each data qubit idle nearly all the time."""
    compiled = compiled_of(scheme, device, "H_ideal")
    reads = [(start, stop) for item, start, stop in compiled.windows if item.name == "measure"]
    start, stop = max(reads, key=lambda span: span[1])
    assert stop == pytest.approx(compiled.duration_seconds)
    for qubit in compiled.program.patch.data:
        waits = [
            max(0.0, min(stop, last) - max(start, first))
            for item, first, last in compiled.windows
            if item.name == "delay" and qubit in item.qubits
        ]
        assert sum(waits) > 0.9 * (stop - start)


@pytest.mark.parametrize("scheme", SEARCHED)
def test_an_error_while_they_wait_is_accepted_and_only_the_ideal_check_sees_it(
    scheme: str,
) -> None:
    certificate = certificate_of(scheme, "fake_boston")
    compiled = compiled_of(scheme, "fake_boston", "H_ideal")
    for qubit in compiled.program.patch.data:
        last = max(
            at
            for at, item in enumerate(compiled.instructions)
            if item.name == "delay" and item.qubits == (qubit,)
        )
        struck = [i for i, fault in enumerate(certificate.faults) if fault.at == last]
        assert len(struck) == 3
        assert certificate.accepted[struck] == pytest.approx(1)
        assert certificate.accepted_readout[struck] == pytest.approx(0, abs=1e-12)


# --- certificates ----------------------------------------------------------------------------


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scheme", SEARCHED)
def test_no_single_fault_of_a_searched_circuit_is_dangerous_for_the_state_that_is_used(
    scheme: str, device: str, reuse: Reuse
) -> None:
    certificate = certificate_of(scheme, device, "H_ideal", reuse)
    assert certificate.failures("detection") == certificate.failures("correction") == ()
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scheme", ["fold", "fold40"])
def test_at_distance_5_no_single_fault_is_dangerous_for_the_state_that_is_used(
    scheme: str, device: str
) -> None:
    certificate = certificate_of(scheme, device, distance=5)
    assert certificate.failures("detection") == certificate.failures("correction") == ()


@pytest.mark.parametrize("scheme", SMALL)
def test_the_ideal_check_sees_the_faces_of_x_and_of_z(scheme: str) -> None:
    """What is accepted with them and wrong is what detection counts; readouts see half each."""
    certificate = certificate_of(scheme, "fake_torino")
    assert np.all(certificate.accepted_readout <= certificate.accepted + 1e-9)
    assert np.all(certificate.wrong_undetected <= certificate.accepted_readout + 1e-9)
    others = [certificate_of(scheme, "fake_torino", basis) for basis in ("X", "Z")]
    name = {(f.kind, f.qubits, f.pauli, f.gadget): i for i, f in enumerate(certificate.faults)}
    assert len(name) < len(certificate.faults)  # several idles of a qubit in one gadget
    two_qubit = [i for i, f in enumerate(certificate.faults) if f.kind == "two_qubit"]
    seen_by = [
        certificate.accepted_readout[two_qubit],
        *(o.accepted_readout[[f.kind == "two_qubit" for f in o.faults]] for o in others),
    ]
    assert np.all(seen_by[0] <= np.minimum(seen_by[1], seen_by[2]) + 1e-9)
    assert np.any(seen_by[0] < seen_by[1] - 0.1)
    assert np.any(seen_by[0] < seen_by[2] - 0.1)


def test_what_the_plain_fold_miscorrects_is_all_seen_by_the_ideal_check() -> None:
    certificate = certificate_of("fold", "fake_torino")
    wrong = certificate.wrong_corrected > 1e-9
    assert wrong.sum() == 54
    assert certificate.failures("detection") == ()
    assert certificate.accepted_readout[wrong] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("scheme", "reuse"), [("fold13", "xor"), ("fold14", "reset")])
def test_clifft_accepts_the_same_shots_with_trivial_faces(scheme: str, reuse: Reuse) -> None:
    """Faults that the ideal check sees, ones that it does not, and ones in between."""
    compiled = compiled_of(scheme, "fake_boston", "H_ideal", reuse)
    certificate = certificate_of(scheme, "fake_boston", "H_ideal", reuse)
    rng, chances, shots = np.random.default_rng(5), certificate.accepted_readout, 400
    sure = chances > 1 - 1e-9
    between = (chances > 1e-9) & ~sure
    hidden = (certificate.accepted > 1e-9) & (chances < 1e-9)
    for kind in (sure, between, hidden):
        for i in rng.choice(np.flatnonzero(kind), 6, replace=False):
            judged = judge_faults(
                compiled.program,
                compiled.instructions,
                shots=shots,
                seed=int(i),
                faults=[certificate.faults[i]],
            )
            for found, chance in (
                (judged.accepted, certificate.accepted[i]),
                (int(judged.trivial.sum()), chances[i]),
            ):
                sigma = sqrt(max(0.0, chance * (1 - chance)) / shots)
                assert found / shots == pytest.approx(chance, abs=5 * sigma + 1e-9)


@pytest.mark.parametrize("scheme", SMALL)
def test_a_circuit_that_measures_h_is_refused_in_one_line(scheme: str) -> None:
    compiled = compiled_of(scheme, "fake_boston", "H")
    with pytest.raises(RefusedError) as caught:
        certify(compiled.program, compiled.instructions)
    assert str(caught.value) == (
        "certificate: measure H is itself a measurement; certify X, Z or H_ideal"
    )


@pytest.mark.parametrize("basis", ["Z", "H_ideal"])
def test_beyond_distance_7_a_certificate_is_refused_before_anything_is_allocated(
    basis: Measure,
) -> None:
    program = make_program(scheme="fold", distance=9, rounds=1, basis=basis)
    with pytest.raises(RefusedError, match=r"fold at distance 9: .*2\^30 .*distance 7 or less"):
        make_trial(program, read_instructions(program.circuit))


# --- the second H_m, compiled ----------------------------------------------------------------


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(
    ("scheme", "device"), [("fold14", "fake_torino"), ("tree16", "time steps")]
)
def test_a_compiled_second_h_m_reads_plus_1_and_minus_1_behind_a_logical_y(
    scheme: str, device: str, reuse: Reuse
) -> None:
    compiled = compiled_of(scheme, device, "H", reuse)
    at = next(i for i, item in enumerate(compiled.instructions) if item.gadget == "readout")
    turned = [
        Fault(kind="one_qubit", at=at, qubits=(q,), pauli="Y", gadget="")
        for q in compiled.program.patch.data
    ]
    for faults, result in (([], 1), (turned, -1)):
        shots = sample(compiled.program, compiled.instructions, shots=200, seed=6, faults=faults)
        assert cut_flow(shots, Accept()).kept.all()
        assert np.all(logical_outcomes(shots, Accept()) == result)


# --- lists, roles and files ------------------------------------------------------------------


@pytest.mark.parametrize("basis", ["H", "H_ideal"])
@pytest.mark.parametrize("scheme", SMALL)
def test_its_blocks_and_roles_are_listed_and_its_files_read_back(
    scheme: str, basis: Measure
) -> None:
    compiled = compiled_of(scheme, "fake_boston", basis)
    stages = [gadget.stage for gadget in planned_gadgets(compiled)]
    assert ("readout" in stages) == (basis == "H")
    assert sum(map(len, roles_on_device(compiled).values())) == compiled.program.patch.num_qubits
    (loaded,) = qpy.load(io.BytesIO(encode_circuit(compiled, "qpy")))
    assert loaded.count_ops() == compiled.circuit.count_ops()
    text = encode_circuit(compiled, "qasm3").decode()
    assert text.count("measure") == len(compiled.program.record.bits)
    assert qasm3.dumps(compiled.circuit) == text
    document = json.loads(encode_circuit(compiled, "json"))
    assert len(document["instructions"]) == len(compiled.instructions)
