"""Reuse policies: what is reset, recorded and read, and that nothing but the noise changes."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from fakes.exact import judge, run_exactly
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.analysis.postselect import cut_flow, logical_outcomes
from hexmagic.backends.aer.engine import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding, find_embeddings, no_fault_log
from hexmagic.backends.noise.models import make_noise
from hexmagic.backends.prediction import predict_acceptance
from hexmagic.experiments.block import Block, Read
from hexmagic.experiments.certificates.faults import Fault
from hexmagic.experiments.certificates.noiseless import check_noiseless
from hexmagic.experiments.certificates.pauli_frame import make_pauli_frame
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.colour_code import Basis, ColourCode
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.patch import spider_names
from hexmagic.experiments.program import Program, assemble, make_program
from hexmagic.experiments.readout import make_readout
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.shots import pack_shots
from hexmagic.experiments.spec import Accept, NoiseSpec

SCHEMES = ("fold", "fold13", "fold14")
CASES = [(scheme, reuse) for scheme in SCHEMES for reuse in REUSES]
NONE = NoiseSpec(kind="none")
BASES: tuple[Basis, ...] = ("X", "Z")


@cache
def program_of(scheme: str, reuse: Reuse, rounds: int = 1, basis: Basis = "Z") -> Program:
    return make_program(scheme=scheme, distance=3, rounds=rounds, basis=basis, reuse=reuse)


@cache
def compiled_of(scheme: str, reuse: Reuse, device: str, basis: Basis = "Z") -> Compiled:
    program, known = program_of(scheme, reuse, basis=basis), load_device(device)
    return compile_program(program, known, choose_embedding(program, known))


def code_of(program: Program) -> ColourCode:
    assert program.patch.code is not None
    return program.patch.code


# --- what a policy does to a program ---------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "reuse", "rounds", "resets", "xored", "flags"),
    [
        ("fold", "reset", 1, 18, 0, 17),
        ("fold", "xor", 1, 0, 30, 17),
        ("fold", "deferred", 1, 0, 10, 4),
        ("fold13", "reset", 1, 6, 0, 5),
        ("fold13", "xor", 1, 0, 5, 5),
        ("fold13", "deferred", 1, 0, 1, 0),
        ("fold14", "reset", 2, 7, 0, 0),
        ("fold14", "xor", 2, 0, 10, 0),
    ],
)
def test_resets_xors_and_flags_are_as_the_policy_says(
    scheme: str, reuse: Reuse, rounds: int, resets: int, xored: int, flags: int
) -> None:
    program = program_of(scheme, reuse, rounds)
    assert sum(gadget.resets for gadget in program.gadgets) == resets
    assert program.circuit.count_ops().get("reset", 0) == resets
    assert sum(len(bit.xor) for bit in program.record.bits) == xored
    assert Counter(bit.role for bit in program.record.bits)["flag"] == flags


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(
    ("scheme", "rounds"), [("fold", 2), ("routed", 2), ("fold13", 1), ("fold14", 1), ("tree16", 1)]
)
def test_a_flip_of_an_ancilla_before_its_measurement_changes_that_value_alone(
    scheme: str, rounds: int, reuse: Reuse
) -> None:
    """Without resets the flip stays on the ancilla, and the XORs take it out of later values.

    In the searched circuits it also makes an error of the data, which the next round sees.
    """
    program = program_of(scheme, reuse, rounds)
    instructions = read_instructions(program.circuit)
    bits = {bit.key: bit for bit in program.record.bits}
    measured = [
        (at, instruction, bits[instruction.bits[0]])
        for at, instruction in enumerate(instructions)
        if instruction.name == "measure" and bits[instruction.bits[0]].role != "data"
    ]
    flips = [
        Fault(kind="one_qubit", at=at - 1, qubits=item.qubits, pauli="X", gadget=item.gadget)
        for at, item, _ in measured
    ]
    frame = make_pauli_frame(program, instructions, flips)
    for effect, (_, _, bit) in zip(frame.effects, measured, strict=True):
        assert effect.x >> frame.num_wires == 1 << program.record.column[bit.key]


def test_an_xor_takes_in_other_ancillas_where_the_circuit_mixes_them() -> None:
    record = program_of("tree16", "xor").record
    qubits = {bit.key: bit.qubit for bit in record.bits}
    others = [key for bit in record.bits for key in bit.xor if qubits[key] != bit.qubit]
    assert others
    assert not any(bit.xor for bit in program_of("tree16", "reset").record.bits)


@pytest.mark.parametrize("scheme", [*SCHEMES, "tree16"])
def test_deferred_leaves_out_only_flags_of_qubits_that_are_read_again(scheme: str) -> None:
    every, fewer = (program_of(scheme, reuse, 2) for reuse in ("xor", "deferred"))

    def reads(program: Program) -> Counter[tuple[str, int, str]]:
        stages = [(f"{bit.stage}{bit.round}", bit.qubit, bit.role) for bit in program.record.bits]
        return Counter(stages)

    left_out = reads(every) - reads(fewer)
    assert {role for _, _, role in left_out} <= {"flag"}
    assert {bit.qubit for bit in every.record.bits} == {bit.qubit for bit in fewer.record.bits}
    assert [g.two_qubit_gates for g in every.gadgets] == [g.two_qubit_gates for g in fewer.gadgets]


def test_fold14_is_the_same_circuit_under_every_policy_as_nothing_is_read_twice() -> None:
    first, *others = (program_of("fold14", reuse) for reuse in REUSES)
    for other in others:
        assert (other.record, other.gadgets) == (first.record, first.gadgets)
        assert other.circuit == first.circuit


def test_a_program_is_named_by_its_scheme_policy_and_basis() -> None:
    compiled = compiled_of("fold13", "xor", "fake_boston")
    assert (compiled.program.circuit.name, compiled.circuit.name) == ("fold13-xor-Z",) * 2
    assert compiled.program.reuse == "xor"


# --- values --------------------------------------------------------------------------------------


@given(data=st.data())
def test_expected_raw_outcomes_give_the_expected_values(data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=8))
    patch = program_of("fold13", "xor").patch
    ancilla = patch.ancillas[0]
    blocks = [
        Block(
            label=f"block {i}",
            stage="detection",
            round=i,
            gates=(),
            reads=(Read(qubit=ancilla, role="syndrome", basis="Z", face=0, expected=value),),
        )
        for i, value in enumerate(values)
    ]
    record = assemble("fold13", patch, [*blocks, make_readout(patch, "Z")], "Z", "xor").record
    raw = [record.expected_raw[bit.key] for bit in record.bits]
    assert raw[len(values) :] == [None] * 7
    bits = np.array([[bool(value) for value in raw]])
    assert pack_shots(bits, record).values()[0, : len(values)].tolist() == [v == 1 for v in values]


def test_predictions_count_the_raw_outcome_and_not_the_value() -> None:
    patch = program_of("fold13", "xor").patch
    ancilla = patch.ancillas[0]
    reads = (("x", 1), ("rest", 0))  # raised and read as 1, then read again: 1, of value 0
    blocks = [
        Block(
            label=name,
            stage="detection",
            round=0,
            gates=(("x", ancilla),) if name == "x" else (),
            reads=(Read(qubit=ancilla, role="flag", basis="Z", expected=value),),
        )
        for name, value in reads
    ]
    program = assemble("fold13", patch, [*blocks, make_readout(patch, "Z")], "Z", "xor")
    device = load_device("fake_boston")
    compiled = compile_program(program, device, choose_embedding(program, device))
    raw = tuple(
        replace(bit, xor=(), expected=program.record.expected_raw[bit.key])
        for bit in program.record.bits
    )
    plain = replace(compiled, program=replace(program, record=replace(program.record, bits=raw)))
    layouts = find_embeddings(patch, device)[:3]
    assert (no_fault_log(compiled, layouts) == no_fault_log(plain, layouts)).all()
    found = [
        predict_acceptance(c, NoiseSpec(kind="calibration"), Accept(), None).acceptance
        for c in (compiled, plain)
    ]
    assert found[0] == found[1]
    noise = make_noise(compiled, NoiseSpec(kind="calibration")).readout
    assert len({*noise[raw[0].key]}) == 2  # a readout error that depends on the outcome


# --- physics -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "reuse"), CASES)
def test_without_noise_every_value_is_as_expected_and_the_state_is_h(
    scheme: str, reuse: Reuse
) -> None:
    program = program_of(scheme, reuse, 2)
    found = judge(run_exactly(program.circuit, program.record), code_of(program), "Z")
    assert found["accepted"] == pytest.approx(1, abs=1e-9)
    assert found["right"] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("distance", [5, pytest.param(7, marks=pytest.mark.slow)])
def test_without_noise_larger_distances_end_in_h_too(distance: int, reuse: Reuse) -> None:
    program = make_program(
        scheme="fold", distance=distance, rounds=(distance - 1) // 2, basis="X", reuse=reuse
    )
    frame = make_pauli_frame(program, read_instructions(program.circuit), ())
    assert check_noiseless(frame, code_of(program)).fidelity == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("scheme", ["fold13", "fold14", "tree16"])
@pytest.mark.parametrize("device", ["fake_boston", "fake_sherbrooke"])
def test_every_policy_detects_and_corrects_every_fault(scheme: str, device: str) -> None:
    compiled = [compiled_of(scheme, reuse, device) for reuse in REUSES]
    found = [certify(one.program, one.instructions) for one in compiled]
    assert [len(one.failures("detection")) for one in found] == [0, 0, 0]
    assert [len(one.failures("correction")) for one in found] == [0, 0, 0]


@pytest.mark.parametrize("scheme", ["fold", "fold13"])
def test_a_pauli_after_a_gate_does_the_same_with_and_without_resets(scheme: str) -> None:
    programs = [program_of(scheme, reuse) for reuse in ("reset", "xor")]
    gates = [_gate_places(program) for program in programs]
    assert len(gates[0]) == len(gates[1])
    rng = random.Random(2026)
    for k in rng.sample(range(len(gates[0])), 12):
        pauli = rng.choice(["XI", "IX", "XX", "ZI", "YX", "ZZ"])
        seen = [
            judge(run_exactly(p.circuit, p.record, _fault(places[k], pauli)), code_of(p), "Z")
            for p, places in zip(programs, gates, strict=True)
        ]
        assert seen[0] == pytest.approx(seen[1], abs=1e-9)


def _gate_places(program: Program) -> list[tuple[int, tuple[int, ...]]]:
    return [
        (at, tuple(program.circuit.find_bit(qubit).index for qubit in item.qubits))
        for at, item in enumerate(program.circuit.data)
        if item.operation.name == "cx"
    ]


def _fault(place: tuple[int, tuple[int, ...]], pauli: str) -> Fault:
    return Fault(kind="two_qubit", at=place[0], qubits=place[1], pauli=pauli, gadget="")


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("flag", "accepted_if_deferred"), [("e2", 0), ("f2", 1)])
def test_a_flag_that_h_m_leaves_raised_is_seen_later_unless_a_hadamard_hides_it(
    flag: str, accepted_if_deferred: float, reuse: Reuse
) -> None:
    program = program_of("fold13", reuse)
    qubit = spider_names(program.patch)[flag]
    names = [item.operation.name for item in program.circuit.data]
    before = [place for place in _gate_places(program) if place[0] < names.index("measure")]
    last = max(place for place in before if place[1][1] == qubit)
    states = run_exactly(program.circuit, program.record, _fault(last, "IX"))
    found = judge(states, code_of(program), "Z")
    expected = accepted_if_deferred if reuse == "deferred" else 0
    assert found["accepted"] == pytest.approx(expected, abs=1e-9)
    assert found["wrong_corrected"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("scheme", "reuse"), CASES)
def test_aer_keeps_every_shot_without_noise(scheme: str, reuse: Reuse) -> None:
    shots = sample(compiled_of(scheme, reuse, "fake_boston"), NONE, shots=20, seed=5)
    assert cut_flow(shots, Accept()).kept.all()


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "reuse"), [case for case in CASES if case[0] != "fold14"])
def test_noiseless_aer_runs_have_the_fidelity_of_h(scheme: str, reuse: Reuse) -> None:
    means = {}
    for basis in BASES:
        shots = sample(compiled_of(scheme, reuse, "fake_boston", basis), NONE, shots=300, seed=5)
        assert cut_flow(shots, Accept()).kept.all()
        means[basis] = logical_outcomes(shots, Accept()).mean()
    fidelity = (1 + (means["X"] + means["Z"]) / np.sqrt(2)) / 2
    assert fidelity == pytest.approx(1, abs=5 * np.sqrt(2 * 0.5 / 300 / 8))


@pytest.mark.slow
def test_uniform_noise_lets_reset_and_xor_keep_equally_many_shots() -> None:
    noise, shots = NoiseSpec(kind="uniform", p=2e-3), 800
    circuits = [compiled_of("fold13", reuse, "heavy_hex_5") for reuse in ("reset", "xor")]
    kept = [cut_flow(sample(c, noise, shots=shots, seed=9), Accept()).kept.mean() for c in circuits]
    # the six resets of fold13, flipped with 2p/3 each, are the only difference
    assert kept[0] == pytest.approx(kept[1] * (1 - 2 * 2e-3 / 3) ** 6, abs=5 * 0.5 / shots**0.5)
