"""Sampled sets of faults: against the exhaustive certificate, and that failures are found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations
from math import sqrt

import clifft
import numpy as np
import pytest

from hexmagic.backends.clifft.check import judge_faults
from hexmagic.backends.clifft.fault_sets import sample_fault_sets
from hexmagic.backends.clifft.faults import given_faults
from hexmagic.backends.clifft.text import make_text
from hexmagic.experiments.certificates.lightest import lightest_weights
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.colour_code import make_colour_code
from hexmagic.experiments.instructions import Instruction, read_instructions
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
    monkeypatch.setattr("hexmagic.backends.clifft.shots.SHOTS_PER_BATCH", 4_000)
    found = sample_fault_sets(program, instructions, weight=2, shots=10_000, seed=3)
    assert found.shots == 10_000
    assert len(set(found.engine_seeds)) == 3
    again = sample_fault_sets(program, instructions, weight=2, shots=10_000, seed=3)
    other = sample_fault_sets(program, instructions, weight=2, shots=10_000, seed=4)
    assert found == again
    assert not set(found.engine_seeds) & set(other.engine_seeds)
    assert replace(other, seed=3, engine_seeds=found.engine_seeds) != found


def test_the_chance_of_the_wrong_state_is_that_of_measuring_the_logical_hadamard() -> None:
    """H on all data is measured as A^-1 on all data and the parity in Z, once more and ideally."""
    program = make_program(scheme="encoded", distance=3, rounds=None, basis="Z")
    instructions = read_instructions(program.circuit)
    certificate = certify(program, instructions)
    data = frozenset(bit.key for bit in program.record.bits)  # every bit; Z has no readout gates
    parity = "*".join(f"Z{qubit}" for qubit in program.patch.data)
    check = [*(f"R_Y(-0.25) {qubit}" for qubit in program.patch.data), f"MPP {parity}"]
    # with trivial syndromes for sure, wrong sometimes or always
    sure = certificate.accepted_readout > 1 - 1e-9
    chosen = np.flatnonzero(sure & (certificate.wrong_undetected > 1e-9))
    chances = []
    for i in chosen:
        fault = certificate.faults[i]
        text = make_text(instructions, given_faults(instructions, [fault], data), data)
        engine = clifft.compile("\n".join([*text.lines, *check]) + "\n")
        minus = clifft.sample(engine, 2_000, seed=5).measurements.mean()
        judged = judge_faults(program, instructions, shots=20, seed=1, faults=[fault])
        if judged.trivial.all():
            chance = float(judged.wrong[0])
            chances.append(round(chance, 6))
            assert judged.wrong == pytest.approx(chance)
            assert abs(minus - chance) < 5 * sqrt(max(chance * (1 - chance), 0) / 2_000) + 1e-9
    assert {0.5, 1.0} <= set(chances)


@pytest.mark.parametrize(("distance", "heaviest"), [(3, 1), (5, 3)])
def test_lightest_errors_are_those_of_trying_all_sets_by_weight(
    distance: int, heaviest: int
) -> None:
    code = make_colour_code(distance)
    lightest: dict[int, int] = {}
    for weight in range(heaviest + 1):
        for error in combinations(range(code.num_data), weight):
            odd = [len({*face} & {*error}) % 2 for face in code.faces]
            lightest.setdefault(sum(bit << f for f, bit in enumerate(odd)), weight)
    weights = lightest_weights(code)
    assert dict(enumerate(weights.tolist())) == lightest
