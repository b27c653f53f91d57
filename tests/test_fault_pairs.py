"""Pairs of faults: the classes against brute force, and the counts against each other."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from fakes.exact import judge as judge_states
from fakes.exact import run_exactly

from hexmagic.experiments.certificates import trial
from hexmagic.experiments.certificates.fault_classes import classify
from hexmagic.experiments.certificates.faults import Fault, single_faults
from hexmagic.experiments.certificates.pair_table import make_pair_table, num_pairs, place_of
from hexmagic.experiments.certificates.pairs import PairCertificate, certify_pairs
from hexmagic.experiments.certificates.pauli_frame import make_pauli_frame
from hexmagic.experiments.colour_code import make_colour_code
from hexmagic.experiments.errors import RefusedError
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.program import Program, make_program

EXACT = 1e-9


@cache
def program_of(scheme: str) -> Program:
    rounds = None if scheme in ("encoded", "bare") else 1
    distance = None if scheme == "bare" else 3
    return make_program(scheme=scheme, distance=distance, rounds=rounds, basis="Z")


def certify(scheme: str, budget_seconds: float = 1e6, seed: int = 0) -> PairCertificate:
    program = program_of(scheme)
    return certify_pairs(
        program,
        read_instructions(program.circuit),
        budget_seconds=budget_seconds,
        seed=seed,
    )


@cache
def all_pairs(scheme: str) -> PairCertificate:
    return certify(scheme)


def faults_of(scheme: str) -> tuple[Fault, ...]:
    program = program_of(scheme)
    instructions = read_instructions(program.circuit)
    return tuple(single_faults(instructions, program.patch.num_qubits))


def drawn(scheme: str, count: int, seed: int) -> list[tuple[Fault, Fault]]:
    """Pairs of faults at different places, most of them of a kind that may be accepted."""
    faults = faults_of(scheme)
    program = program_of(scheme)
    frame = make_pauli_frame(program, read_instructions(program.circuit), faults)
    table = make_pair_table(frame, classify(frame, make_colour_code(3)), faults)
    rng = np.random.default_rng(seed)
    found: list[tuple[Fault, Fault]] = []
    while len(found) < count:
        pairs = list(table.fault_pairs(int(rng.integers(len(table)))))
        i, j = pairs[int(rng.integers(len(pairs)))]
        if place_of(faults[i]) != place_of(faults[j]):
            found.append((faults[i], faults[j]))
    return found


def verdicts(scheme: str, pairs: list[tuple[Fault, Fault]]) -> list[dict[str, float]]:
    """What `certify_pairs` finds of these pairs alone, each in a circuit of its own."""
    program = program_of(scheme)
    instructions = read_instructions(program.circuit)
    found = []
    for pair in pairs:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trial, "single_faults", lambda *_, pair=pair: iter(pair))
            result = certify_pairs(program, instructions, budget_seconds=1e6, seed=0)
        assert result.pairs == result.judged == 1
        found.append(
            {
                "accepted": result.accepted,
                "wrong_undetected": result.weights["detection"],
                "wrong_corrected": result.weights["correction"],
            }
        )
    return found


@pytest.mark.parametrize(
    ("scheme", "count"),
    [
        ("fold13", 12),
        pytest.param("fold13", 60, marks=pytest.mark.slow),
        pytest.param("fold14", 40, marks=pytest.mark.slow),
        pytest.param("fold", 60, marks=pytest.mark.slow),
    ],
)
def test_a_pair_does_what_qiskits_state_vector_says(scheme: str, count: int) -> None:
    program, pairs = program_of(scheme), drawn(scheme, count, seed=count)
    accepted = 0
    for pair, said in zip(pairs, verdicts(scheme, pairs), strict=True):
        states = run_exactly(program.circuit, program.record, *pair)
        exact = judge_states(states, make_colour_code(3), "Z")
        for field, value in said.items():
            assert value == pytest.approx(exact[field], abs=EXACT), (field, pair)
        accepted += exact["accepted"] > EXACT
    assert accepted >= count // 12 > 0  # the comparison is not of zeros alone


def test_the_number_of_pairs_is_counted_from_the_places() -> None:
    faults = faults_of("fold13")[:400]
    direct = sum(place_of(a) != place_of(b) for i, a in enumerate(faults) for b in faults[:i])
    assert num_pairs(faults) == direct


@pytest.mark.parametrize("scheme", ["fold13", "fold14"])
def test_pairs_defeat_distance_3_and_all_of_them_are_judged(scheme: str) -> None:
    found = all_pairs(scheme)
    assert found.exhaustive
    assert found.judged == found.pairs == num_pairs(faults_of(scheme))
    assert 0 < found.failures["detection"] < found.failures["correction"] < found.accepted
    for kind, first, second in found.examples:
        assert place_of(first) != place_of(second)
        name = "wrong_undetected" if kind == "detection" else "wrong_corrected"
        assert verdicts(scheme, [(first, second)])[0][name] > EXACT


def test_drawn_pairs_agree_with_all_pairs() -> None:
    every, some = all_pairs("fold14"), certify("fold14", budget_seconds=1e-9, seed=3)
    assert not some.exhaustive
    assert some.judged > 50_000
    for kind in ("detection", "correction"):
        rate = every.failures[kind] / every.pairs
        error = np.sqrt(rate / some.judged)
        assert abs(some.failures[kind] / some.judged - rate) < 4 * error
    acceptance = every.accepted / every.pairs
    assert some.accepted / some.judged == pytest.approx(acceptance, abs=5e-3)


def test_drawn_pairs_follow_the_seed() -> None:
    one, same, other = (certify("fold13", 1e-9, seed) for seed in (0, 0, 1))
    assert one.failures == same.failures
    assert one.accepted == same.accepted
    assert one.accepted != other.accepted


def test_the_order_of_the_classes_does_not_matter() -> None:
    assert certify("fold13", seed=8).failures == all_pairs("fold13").failures


def test_a_bare_qubit_has_no_pairs_to_certify() -> None:
    with pytest.raises(RefusedError, match="no code"):
        certify("bare")


def test_progress_ends_at_one() -> None:
    told: list[float] = []
    program = program_of("fold13")
    certify_pairs(
        program,
        read_instructions(program.circuit),
        budget_seconds=1e6,
        seed=0,
        progress=told.append,
    )
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
