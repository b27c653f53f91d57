"""The certificates: what they state for each scheme, and that they fail when they should."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hexmagic.experiments.block import Block
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.encode import make_encode
from hexmagic.experiments.errors import HexmagicError, RefusedError
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.patch import make_fold14_patch, spider_names
from hexmagic.experiments.program import Program, assemble, make_patch, make_program
from hexmagic.experiments.readout import make_readout
from hexmagic.experiments.record import RecordMap

SEARCHED = ("fold13", "fold14")
SCHEMES = (*SEARCHED, "fold")


def certify_program(program: Program) -> Certificate:
    return certify(program, read_instructions(program.circuit))


@cache
def program_of(scheme: str) -> Program:
    rounds = None if scheme == "encoded" else 1
    return make_program(scheme=scheme, distance=3, rounds=rounds, basis="Z")


@cache
def certificate_of(scheme: str) -> Certificate:
    return certify_program(program_of(scheme))


def blocks_of(scheme: str) -> list[Block]:
    """encode, H_m, ED..., readout."""
    patch = make_patch(scheme, 3)
    detection = make_detection(patch, scheme, 1)
    return [
        make_encode(patch),
        make_hadamard(patch, scheme, 1),
        *detection,
        make_readout(patch, "Z"),
    ]


def without_read(block: Block, qubit: int) -> Block:
    return replace(block, reads=tuple(read for read in block.reads if read.qubit != qubit))


def program_from(scheme: str, blocks: Sequence[Block]) -> Program:
    return assemble(scheme, make_patch(scheme, 3), blocks, "Z")


@pytest.mark.parametrize("scheme", SEARCHED)
def test_no_single_fault_of_a_searched_circuit_is_dangerous(scheme: str) -> None:
    certificate = certificate_of(scheme)
    assert certificate.failures("detection") == certificate.failures("correction") == ()
    assert max(certificate.wrong_corrected) < 1e-20
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)


def test_the_plain_fold_detects_every_fault_but_miscorrects_33() -> None:
    certificate = certificate_of("fold")
    assert certificate.failures("detection") == ()
    failures = certificate.failures("correction")
    assert len(failures) == 33
    # none in the encoder, so the count is the one for a perfect input to H_m and ED
    assert {fault.gadget for fault in failures} == {f"detection 1 Z{face}" for face in range(3)}


@pytest.mark.slow
def test_the_plain_folds_miscorrected_faults_leave_z_errors_that_a_readout_in_x_sees() -> None:
    program = make_program(scheme="fold", distance=3, rounds=1, basis="X")
    certificate = certify_program(program)
    chosen = np.flatnonzero(certificate.wrong_corrected > 1e-9)
    assert {certificate.faults[i].kind for i in chosen} == {"two_qubit"}
    assert len(chosen) == 33
    assert certificate.accepted_readout[chosen] == pytest.approx(0, abs=1e-12)


def test_a_readout_in_z_misses_24_of_the_33_and_sees_the_x_error_of_9() -> None:
    certificate = certificate_of("fold")
    chosen = np.flatnonzero(certificate.wrong_corrected > 1e-9)
    assert certificate.accepted[chosen] == pytest.approx(1)
    assert sorted(certificate.accepted_readout[chosen].round(9)) == [0] * 9 + [1] * 24


@pytest.mark.parametrize("scheme", [*SCHEMES, "encoded"])
def test_the_number_of_faults_is_that_of_the_formula(scheme: str) -> None:
    ops = program_of(scheme).circuit.count_ops()
    one = sum(ops.get(name, 0) for name in ("h", "s", "sdg", "x", "ry"))
    reads = ops["measure"] + ops.get("reset", 0) + program_of(scheme).patch.num_qubits
    faults = certificate_of(scheme).faults
    assert len(faults) == 15 * ops["cx"] + 3 * one + reads
    assert len(set(faults)) == len(faults)


def test_faults_by_kind_are_those_of_the_fold13_circuit() -> None:
    kinds = Counter(fault.kind for fault in certificate_of("fold13").faults)
    assert kinds["two_qubit"] == 15 * (29 + 24 + 51)
    assert (kinds["prepare"], kinds["reset"], kinds["readout"]) == (13, 6, 12 + 7)
    assert kinds["one_qubit"] == 3 * (4 + 16 + 6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_ancilla_readout_flip_is_rejected_and_no_data_one_is(scheme: str) -> None:
    certificate = certificate_of(scheme)
    for fault, accepted in zip(certificate.faults, certificate.accepted, strict=True):
        if fault.kind == "readout":
            on_data = fault.qubits[0] in program_of(scheme).patch.data
            assert accepted == pytest.approx(1 if on_data else 0, abs=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_probabilities_are_ordered_and_below_1(scheme: str) -> None:
    c = certificate_of(scheme)
    assert np.all(c.accepted < 1 + 1e-9)
    assert np.all(c.accepted_readout < c.accepted + 1e-9)
    assert np.all(c.wrong_undetected < c.wrong_corrected + 1e-9)
    assert np.all(c.wrong_corrected < c.accepted + 1e-9)


def test_the_unprotected_encoder_has_undetected_logical_faults() -> None:
    certificate = certificate_of("encoded")
    assert len(certificate.failures("detection")) == 9
    assert certificate.accepted == pytest.approx(np.ones(len(certificate.faults)))


def test_without_h_m_the_encoders_faults_pass_undetected() -> None:
    encode, _, *rest = blocks_of("fold13")
    failures = certify_program(program_from("fold13", [encode, *rest])).failures("detection")
    assert failures
    assert {fault.gadget for fault in failures} == {"encode"}


def test_without_the_outcome_of_h_m_fold13_fails_for_faults_of_the_encoder() -> None:
    encode, hadamard, *rest = blocks_of("fold13")
    (root,) = (read.qubit for read in hadamard.reads if read.role == "hadamard")
    document = certify_program(
        program_from("fold13", [encode, without_read(hadamard, root), *rest])
    ).to_json()
    assert len(document["counterexamples"]) == document["correction_failures"] > 0
    assert {found["certificate"] for found in document["counterexamples"]} == {"correction"}
    assert "encode" in {found["gadget"] for found in document["counterexamples"]}


def test_a_dropped_flag_of_the_fold_adds_a_failure_of_h_m() -> None:
    encode, hadamard, *rest = blocks_of("fold")
    blocks = [encode, without_read(hadamard, 10), *rest]
    failures = certify_program(program_from("fold", blocks)).failures("correction")
    assert Counter(fault.gadget for fault in failures)["hadamard 1"] == 1


@pytest.mark.slow
def test_dropping_the_outcome_of_h_m_fails_the_detection_certificate_of_fold14() -> None:
    encode, hadamard, *rest = blocks_of("fold14")
    root = hadamard.reads[0].qubit
    program = program_from("fold14", [encode, without_read(hadamard, root), *rest])
    assert root not in {bit.qubit for bit in program.record.bits}
    failures = certify_program(program).failures("detection")
    assert failures
    assert {fault.gadget for fault in failures} == {"encode"}


@pytest.mark.slow
@pytest.mark.parametrize("qubit", [8, 11])
def test_an_unread_syndrome_of_fold13_fails_the_correction_certificate(qubit: int) -> None:
    encode, hadamard, detection, readout = blocks_of("fold13")
    blocks = [encode, hadamard, without_read(detection, qubit), readout]
    certificate = certify_program(program_from("fold13", blocks))
    assert certificate.failures("detection") == ()  # detection is told all final syndromes
    assert {"hadamard 1", "detection 1"} <= {f.gadget for f in certificate.failures("correction")}


def test_the_counts_by_gadget_add_up_and_fit_into_json() -> None:
    document = json.loads(json.dumps(certificate_of("fold").to_json()))
    parts = document["by_gadget"].values()
    assert list(document["by_gadget"]) == [gadget.label for gadget in program_of("fold").gadgets]
    assert sum(part["faults"] for part in parts) == document["faults"]
    assert sum(part["correction"] for part in parts) == document["correction_failures"] == 33
    assert len(document["counterexamples"]) == 33


@pytest.mark.parametrize("place", [0, 3])
def test_a_wrong_expected_bit_is_refused(place: int) -> None:
    encode, hadamard, *rest = blocks_of("fold13")
    reads = [*hadamard.reads]
    reads[place] = replace(reads[place], expected=1)
    program = program_from("fold13", [encode, replace(hadamard, reads=tuple(reads)), *rest])
    with pytest.raises(HexmagicError, match="is not the expected one"):
        certify_program(program)


def test_flags_that_are_expected_to_read_1_certify_like_those_that_read_0() -> None:
    encode, hadamard, *rest = blocks_of("fold13")
    flips = tuple(("x", read.qubit) for read in hadamard.reads[1:3])
    reads = tuple(replace(r, expected=int(("x", r.qubit) in flips)) for r in hadamard.reads)
    turned = replace(hadamard, gates=(*hadamard.gates, *flips), reads=reads)
    certificate = certify_program(program_from("fold13", [encode, turned, *rest]))
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)
    assert certificate.failures("detection") == certificate.failures("correction") == ()
    blind = (replace(read, expected=0) for read in reads)
    with pytest.raises(HexmagicError, match="noiseless run: the outcome on wire"):
        certify_program(
            program_from("fold13", [encode, replace(turned, reads=tuple(blind)), *rest])
        )


def test_a_value_that_is_xored_with_another_value_is_judged_by_the_values() -> None:
    program = program_of("fold13")
    bits = [*program.record.bits]
    bits[7] = replace(bits[7], xor=(bits[0].key,))
    record: RecordMap = replace(program.record, bits=tuple(bits))
    certificate = certify_program(replace(program, record=record))
    assert certificate.accepted == pytest.approx(certificate_of("fold13").accepted)
    assert certificate.wrong_corrected == pytest.approx(certificate_of("fold13").wrong_corrected)


@pytest.mark.slow
def test_no_single_fault_of_the_fold_at_distance_5_is_dangerous() -> None:
    certificate = certify_program(make_program(scheme="fold", distance=5, rounds=2, basis="Z"))
    assert certificate.failures("detection") == certificate.failures("correction") == ()
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)
    assert 0 < np.mean(certificate.accepted > 0.5) < 0.5


def test_a_bare_qubit_has_nothing_to_certify() -> None:
    program = make_program(scheme="bare", distance=None, rounds=None, basis="Z")
    with pytest.raises(RefusedError, match="no code"):
        certify_program(program)


@pytest.mark.slow
def test_without_the_read_of_a_flag_fold14_fails_its_detection_certificate() -> None:
    """f2 is a flag of H_m that is read, with a syndrome of ED, at the end."""
    patch = make_fold14_patch()
    f2 = spider_names(patch)["f2"]
    hadamard, detection = make_hadamard(patch, "fold14", 1), make_detection(patch, "fold14", 1)[0]
    blind = replace(detection, reads=tuple(r for r in detection.reads if r.qubit != f2))
    blocks = [make_encode(patch), hadamard, blind, make_readout(patch, "Z")]
    program = assemble("fold14", patch, blocks, "Z")
    failures = certify(program, read_instructions(program.circuit)).failures("detection")
    assert len(failures) == 12
    assert {fault.gadget for fault in failures} <= {"encode", "hadamard 1", "detection 1"}
    assert all(fault.qubits and fault.pauli for fault in failures)
