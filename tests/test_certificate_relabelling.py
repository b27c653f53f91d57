"""What must not change a certificate: names of qubits, and where on a device the patch sits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import Device, load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.experiments.certificates.faults import Fault
from hexmagic.experiments.certificates.single import Certificate, Kind, certify
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.program import Program, make_program

KINDS: tuple[Kind, ...] = ("detection", "correction")
TABLES = ("accepted", "accepted_readout", "wrong_undetected", "wrong_corrected")


def program_of(scheme: str) -> Program:
    return make_program(scheme=scheme, distance=3, rounds=1, basis="X")


@cache
def embedded(scheme: str, device: str, number: int) -> tuple[tuple[int, ...], Certificate]:
    """Return one of a few embeddings, far apart in the list of all, and its certificate."""
    program, calibration = program_of(scheme), load_device(device)
    layouts = find_embeddings(program.patch, calibration)
    layout = layouts[number * len(layouts) // 4]
    compiled = compile_program(program, calibration, layout)
    return layout, certify(program, compiled.instructions)


def rows(certificate: Certificate) -> dict[Fault, list[float]]:
    tables = np.stack([getattr(certificate, name) for name in TABLES], axis=1)
    return {f: row.round(9).tolist() for f, row in zip(certificate.faults, tables, strict=True)}


def relabel_device(device: Device, names: np.ndarray) -> Device:
    """Return the same device with its qubit q called names[q]."""
    qubits = [device.qubits[q] for q in np.argsort(names)]
    pairs = {(int(names[a]), int(names[b])): gate for (a, b), gate in device.two_qubit.items()}
    return replace(device, qubits=tuple(qubits), two_qubit=pairs)


def relabel_program(program: Program, names: list[int]) -> Program:
    """Return the same program with its patch qubit q called names[q]; the circuit stays."""
    patch = program.patch
    named = replace(
        patch,
        data=tuple(names[q] for q in patch.data),
        ancillas=tuple(names[q] for q in patch.ancillas),
        edges=tuple((names[a], names[b]) for a, b in patch.edges),
    )
    bits = tuple(replace(bit, qubit=names[bit.qubit]) for bit in program.record.bits)
    return replace(program, patch=named, record=replace(program.record, bits=bits))


def relabel(item: Instruction | Fault, names: list[int]) -> Instruction | Fault:
    return replace(item, qubits=tuple(names[q] for q in item.qubits))


@pytest.mark.parametrize("device", ["fake_sherbrooke", "fake_boston"])
@pytest.mark.parametrize("scheme", ["fold", "fold14"])
def test_renaming_the_devices_qubits_changes_nothing(scheme: str, device: str) -> None:
    layout, certificate = embedded(scheme, device, 1)
    plain = load_device(device)
    names = np.random.default_rng(8).permutation(plain.num_qubits)
    moved = tuple(int(names[q]) for q in layout)
    assert moved != layout
    program = program_of(scheme)
    compiled = compile_program(program, relabel_device(plain, names), moved)
    assert rows(certify(program, compiled.instructions)) == rows(certificate)


@pytest.mark.parametrize("scheme", ["fold", "fold13", "fold14"])
def test_renaming_the_patchs_qubits_renames_the_faults_and_changes_no_number(scheme: str) -> None:
    program = program_of(scheme)
    instructions = read_instructions(program.circuit)
    names = [int(q) for q in np.random.default_rng(3).permutation(program.patch.num_qubits)]
    renamed = [relabel(item, names) for item in instructions]
    there = certify(
        relabel_program(program, names), [i for i in renamed if isinstance(i, Instruction)]
    )
    here = rows(certify(program, instructions))
    assert rows(there) == {
        fault: row
        for old, row in here.items()
        for fault in [relabel(old, names)]
        if isinstance(fault, Fault)
    }


@pytest.mark.parametrize("scheme", ["fold", "fold13", "fold14"])
def test_without_calibration_every_embedding_has_the_same_certificate(scheme: str) -> None:
    first, certificate = embedded(scheme, "heavy_hex_7", 0)
    for number in (1, 2, 3):
        layout, other = embedded(scheme, "heavy_hex_7", number)
        assert layout != first
        assert rows(other) == rows(certificate)


@pytest.mark.parametrize("device", ["fake_sherbrooke", "fake_kolkata", "fake_torino"])
@pytest.mark.parametrize("scheme", ["fold", "fold13", "fold14"])
def test_an_embedding_with_other_durations_moves_idles_but_passes_and_fails_alike(
    scheme: str, device: str
) -> None:
    """Durations and gate directions differ from edge to edge; what a two-qubit gate can do is not
    touched by that, nor is any verdict."""
    _, first = embedded(scheme, device, 0)
    for number in (1, 2, 3):
        _, other = embedded(scheme, device, number)
        for kind in KINDS:
            assert bool(other.failures(kind)) == bool(first.failures(kind))
            assert two_qubit_failures(other, kind) == two_qubit_failures(first, kind)
        for fault_kind in ("prepare", "two_qubit", "readout", "reset"):
            assert accepted_sums(other).get(fault_kind) == accepted_sums(first).get(fault_kind)


def two_qubit_failures(certificate: Certificate, kind: Kind) -> Counter[str]:
    """Return the number of counterexamples behind two-qubit gates, by gadget."""
    failures = certificate.failures(kind)
    return Counter(fault.gadget for fault in failures if fault.kind == "two_qubit")


def accepted_sums(certificate: Certificate) -> dict[str, float]:
    """Return how many faults of each kind are accepted, sums of probabilities."""
    sums: Counter[str] = Counter()
    for fault, chance in zip(certificate.faults, certificate.accepted, strict=True):
        sums[fault.kind] += chance
    return {kind: round(total, 6) for kind, total in sums.items()}
