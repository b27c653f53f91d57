"""Sampled sets of faults: against the exhaustive certificate, and that failures are found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import pi, sqrt

import clifft
import numpy as np
import pytest

from hexmagic.backends.clifft_check import compile_checked, data_bits, judge, judge_faults
from hexmagic.backends.clifft_fault_sets import sample_fault_sets
from hexmagic.backends.clifft_faults import given_faults
from hexmagic.experiments.certificate import Certificate, certify
from hexmagic.experiments.colour_code import make_colour_code
from hexmagic.experiments.faults import single_faults
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.lightest import lightest_weights
from hexmagic.experiments.program import Program, make_program

SHOTS = 30_000


@cache
def case(scheme: str) -> tuple[Program, tuple[Instruction, ...], Certificate]:
    rounds = None if scheme == "encoded" else 1
    program = make_program(scheme=scheme, distance=3, rounds=rounds, basis="Y")
    instructions = read_instructions(program.circuit)
    return program, instructions, certify(program, instructions)


@pytest.mark.parametrize("scheme", ["fold", "fold13", "encoded"])
def test_single_faults_have_the_means_of_the_certificate(scheme: str) -> None:
    """Locations are drawn uniformly, then their faults: what one fault does on average."""
    program, instructions, certificate = case(scheme)
    found = sample_fault_sets(program, instructions, weight=1, shots=SHOTS, seed=6)
    places: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for i, fault in enumerate(certificate.faults):
        places.setdefault((fault.at, fault.qubits), []).append(i)
    assert found.locations == len(places)
    sums = (found.accepted, found.undetected_sum, found.miscorrected_sum)
    tables = (certificate.accepted, certificate.wrong_undetected, certificate.wrong_corrected)
    for total, table in zip(sums, tables, strict=True):
        wanted = float(np.mean([table[members].mean() for members in places.values()]))
        assert abs(total / SHOTS - wanted) < 5 * sqrt(wanted * (1 - wanted) / SHOTS) + 1e-9


def test_the_counterexamples_of_an_unprotected_state_are_named_as_the_certificate_names_them() -> (
    None
):
    program, instructions, certificate = case("encoded")
    found = sample_fault_sets(program, instructions, weight=1, shots=SHOTS, seed=6)
    assert found.undetected > 0
    assert {fault for (fault,) in found.examples} <= set(certificate.failures("detection"))


def test_one_fault_of_a_searched_circuit_is_never_dangerous_and_two_are() -> None:
    program, instructions, _ = case("fold13")
    one = sample_fault_sets(program, instructions, weight=1, shots=SHOTS, seed=7)
    assert one.accepted > one.trivial > one.undetected == one.miscorrected == 0
    assert one.examples == ()
    two = sample_fault_sets(program, instructions, weight=2, shots=SHOTS, seed=7)
    assert 0 < two.undetected < two.trivial < two.accepted < one.accepted
    assert two.undetected < two.miscorrected
    assert two.undetected_sum <= two.undetected


def test_a_named_pair_is_a_counterexample_by_itself() -> None:
    program, instructions, _ = case("fold13")
    two = sample_fault_sets(program, instructions, weight=2, shots=SHOTS, seed=7)
    assert 0 < len(two.examples) <= 20
    for pair in two.examples[:5]:
        assert len({(fault.at, fault.qubits) for fault in pair}) == 2
        judged = judge_faults(program, instructions, shots=60, seed=1, faults=pair)
        assert np.nansum(judged.wrong) > 0


def test_batches_bound_the_memory_and_each_has_its_own_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, instructions, _ = case("fold13")
    monkeypatch.setattr("hexmagic.backends.clifft_shots.SHOTS_PER_BATCH", 4_000)
    found = sample_fault_sets(program, instructions, weight=2, shots=10_000, seed=3)
    assert found.shots == 10_000
    assert len(set(found.engine_seeds)) == 3
    again = sample_fault_sets(program, instructions, weight=2, shots=10_000, seed=3)
    other = sample_fault_sets(program, instructions, weight=2, shots=10_000, seed=4)
    assert found == again
    assert not set(found.engine_seeds) & set(other.engine_seeds)
    assert replace(other, seed=3, engine_seeds=found.engine_seeds) != found


def test_the_chance_of_the_wrong_state_is_that_of_measuring_the_logical_hadamard() -> None:
    """H on all data is measured as A^-1 on all data and the parity in Z, one more time, ideally."""
    program, instructions, certificate = case("encoded")
    chances = certificate.wrong_undetected
    faults = [certificate.faults[i] for i in np.flatnonzero(chances > 1e-9)[:6]]
    faults.append(next(single_faults(instructions, program.patch.num_qubits)))
    data = "*".join(f"Z{qubit}" for qubit in program.patch.data)
    turn = [f"R_Y(-0.25) {qubit}" for qubit in program.patch.data]
    for fault in faults:
        judged = judge_faults(program, instructions, shots=1, seed=1, faults=[fault])
        text = checked_text(program, instructions, fault)
        engine = clifft.compile("\n".join([text, *turn, f"MPP {data}"]) + "\n")
        found = clifft.sample(engine, 2_000, seed=5).measurements
        trivial = ~found[:, :-1].any(axis=1)
        if judged.trivial.all():
            chance = float(judged.wrong[0])
            width = 5 * sqrt(chance * (1 - chance) / 2_000) + 1e-9
            assert abs(found[trivial, -1].mean() - chance) < width
            assert trivial.all()


def checked_text(program: Program, instructions: tuple[Instruction, ...], fault: object) -> str:
    raise NotImplementedError


def test_lightest_errors_are_those_of_the_code() -> None:
    assert lightest_weights(make_colour_code(3)).tolist() == [0, *[1] * 7]
    five = lightest_weights(make_colour_code(5))
    assert len(five) == 512
    assert five.min() == 0
    assert np.bincount(five)[:2].tolist() == [1, 19]
    assert five.max() == 3  # two errors have their own syndromes, beyond that the code is perfect
