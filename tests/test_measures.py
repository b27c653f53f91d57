"""What is measured at the end: X, Y, Z as ever, a second H_m, or nothing (H_ideal)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from math import cos, pi, sin, sqrt

import numpy as np
import pytest

from hexmagic.analysis.phases import make_phases
from hexmagic.analysis.postselect import cut_flow, logical_outcomes
from hexmagic.backends.clifft.check import judge_faults
from hexmagic.backends.clifft.shots import sample
from hexmagic.experiments.block import Gate
from hexmagic.experiments.certificates.faults import Fault
from hexmagic.experiments.encode import make_encode
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.hadamard import make_hadamard_readout
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import Program, assemble, make_patch, make_program
from hexmagic.experiments.record import Logical, RecordMap
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.shots import Shots
from hexmagic.experiments.spec import Accept

# SHA-256, cut short, of all programs in X, Y and Z, before there was another measurement.
PAULI_PROGRAMS = {
    ("fold", 3, 1): "27e3afded6ad7d19",
    ("fold13", 3, 2): "a30169f05aec7d77",
    ("fold14", 3, 2): "2d93843e150418ed",
    ("tree16", 3, 1): "092f76b508f1ea2f",
    ("fold40", 5, 2): "4249ae907fbfc4ab",
    ("encoded", 3, None): "25463b0d54c58089",
    ("bare", None, None): "1d98b2d7b285da48",
    ("routed", 3, 1): "e59c32123b37e950",
}
SMALL = [
    ("fold", 3, 1),
    ("fold", 3, 2),
    ("fold13", 3, 1),
    ("fold13", 3, 2),
    ("fold14", 3, 1),
    ("fold14", 3, 2),
    ("tree16", 3, 1),
    ("tree16", 3, 2),
    ("encoded", 3, None),
]
LARGE = [("fold", 5, 2), ("fold40", 5, 2), ("encoded", 5, None), ("fold", 7, 3)]
SCHEMES = [("fold", 3), ("fold13", 3), ("fold14", 3), ("tree16", 3), ("fold40", 5)]
# scheme, distance: ancillas that H_m uses
USED = {("fold", 3): 6, ("fold13", 3): 6, ("fold14", 3): 7, ("tree16", 3): 9, ("fold40", 5): 18}


def program_of(
    scheme: str, distance: int, basis: Measure, reuse: Reuse = "reset", rounds: int | None = 1
) -> Program:
    rounds = None if scheme == "encoded" else rounds
    return make_program(scheme=scheme, distance=distance, rounds=rounds, basis=basis, reuse=reuse)


def run(program: Program, faults: Sequence[Fault] = (), shots: int = 2_000) -> Shots:
    return sample(program, read_instructions(program.circuit), shots=shots, seed=3, faults=faults)


def paulis(at: int, pauli: str, qubits: Sequence[int]) -> list[Fault]:
    """The same Pauli on several qubits behind an instruction."""
    return [Fault(kind="one_qubit", at=at, qubits=(q,), pauli=pauli, gadget="") for q in qubits]


def start_of(instructions: Sequence[Instruction], gadget: str) -> int:
    return next(i for i, item in enumerate(instructions) if item.gadget == gadget)


# --- X, Y and Z ------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "distance", "rounds"), PAULI_PROGRAMS)
def test_the_programs_in_pauli_bases_are_what_they_were(
    scheme: str, distance: int | None, rounds: int | None
) -> None:
    digest = hashlib.sha256()
    bases: tuple[Measure, ...] = ("X", "Y", "Z")
    for basis in bases:
        for reuse in REUSES:
            program = make_program(
                scheme=scheme, distance=distance, rounds=rounds, basis=basis, reuse=reuse
            )
            instructions = [asdict(item) for item in read_instructions(program.circuit)]
            gadgets = [asdict(gadget) for gadget in program.gadgets]
            content = [instructions, program.record.to_json(), gadgets]
            digest.update(json.dumps(content, sort_keys=True).encode())
    assert digest.hexdigest()[:16] == PAULI_PROGRAMS[scheme, distance, rounds]


@pytest.mark.parametrize("basis", ["H", "H_ideal"])
@pytest.mark.parametrize(("scheme", "distance", "rounds"), [("bare", None, None), ("routed", 3, 1)])
def test_one_qubit_and_data_that_move_are_read_in_pauli_bases_only(
    scheme: str, distance: int | None, rounds: int | None, basis: Measure
) -> None:
    with pytest.raises(UsageError, match=f"scheme {scheme}: cannot measure {basis}: .*use X, Y"):
        make_program(scheme=scheme, distance=distance, rounds=rounds, basis=basis)


# --- H: a second H_m -------------------------------------------------------------------------


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance"), SCHEMES)
def test_the_readout_is_a_second_h_m_and_every_ancilla_of_it_is_read(
    scheme: str, distance: int, reuse: Reuse
) -> None:
    program = program_of(scheme, distance, "H", reuse)
    first, last = program.gadgets[1], program.gadgets[-1]
    assert (last.label, last.stage, last.round) == ("readout", "readout", 0)
    assert last.two_qubit_gates == first.two_qubit_gates
    bits = [bit for bit in program.record.bits if bit.stage == "readout"]
    assert len({bit.qubit for bit in bits}) == len(bits) == USED[scheme, distance]
    assert {bit.register for bit in bits} == {"readout"}
    outcome, *flags = bits
    assert (outcome.role, outcome.expected) == ("hadamard", None)
    assert {(bit.role, bit.expected) for bit in flags} == {("flag", 0)}
    assert outcome.qubit == next(b.qubit for b in program.record.bits if b.role == "hadamard")
    assert program.record.logical == Logical(basis="H", sign=1, bits=(outcome.key,))
    assert program.record.faces == ()
    assert "data" not in program.record.registers()


@pytest.mark.parametrize(("scheme", "distance"), SCHEMES)
def test_only_the_policy_reset_resets_in_front_of_the_second_h_m(
    scheme: str, distance: int
) -> None:
    resets = {r: program_of(scheme, distance, "H", r).circuit.count_ops() for r in REUSES}
    always = int(scheme == "fold40")  # its root is read while the others go on
    assert resets["xor"].get("reset", 0) == resets["deferred"].get("reset", 0) == always
    assert resets["reset"]["reset"] >= USED[scheme, distance]


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance", "rounds"), SMALL)
def test_without_faults_every_shot_is_kept_and_reads_plus_1(
    scheme: str, distance: int, rounds: int | None, reuse: Reuse
) -> None:
    shots = run(program_of(scheme, distance, "H", reuse, rounds))
    assert not shots.values().any()
    assert cut_flow(shots, Accept()).kept.all()
    assert np.all(logical_outcomes(shots, Accept()) == 1)


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance", "rounds"), LARGE)
def test_without_faults_large_programs_read_plus_1(
    scheme: str, distance: int, rounds: int | None, reuse: Reuse
) -> None:
    assert not run(program_of(scheme, distance, "H", reuse, rounds), shots=40).values().any()


@pytest.mark.parametrize(("pauli", "chance"), [("X", 0.5), ("Y", 1.0), ("Z", 0.5)])
@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance"), [*SCHEMES, ("encoded", 3)])
def test_a_logical_pauli_in_front_of_it_reads_minus_1_with_its_probability(
    scheme: str, distance: int, reuse: Reuse, pauli: str, chance: float
) -> None:
    """<H> of X|H> and of Z|H> is 0, that of Y|H> is -1; no flag sees a logical operator."""
    program = program_of(scheme, distance, "H", reuse)
    at = start_of(read_instructions(program.circuit), "readout")
    shots = run(program, paulis(at, pauli, program.patch.data))
    assert cut_flow(shots, Accept()).kept.all()
    minus = float(np.mean(logical_outcomes(shots, Accept()) == -1))
    assert minus == pytest.approx(chance, abs=5 * sqrt(chance * (1 - chance) / len(shots)))


@pytest.mark.parametrize("scheme", ["fold", "fold13", "fold14", "tree16", "encoded"])
@pytest.mark.parametrize(
    ("state", "chance"),
    [((), sin(pi / 8) ** 2), (("x",), cos(pi / 8) ** 2), (("x", "a"), 1.0), (("h", "s"), 0.5)],
)
def test_any_other_logical_state_reads_minus_1_with_its_probability(
    scheme: str, state: tuple[str, ...], chance: float
) -> None:
    """|0>, |1>, the state orthogonal to |H>, and |+i>, whose <H> is 0."""
    patch = make_patch(scheme, 3)
    encode = make_encode(patch)
    gates: list[Gate] = []
    for gate in encode.gates:
        gates += [(name, *gate[1:]) for name in state] if gate[0] == "a" else [gate]
    blocks = [replace(encode, gates=tuple(gates)), make_hadamard_readout(patch, scheme)]
    shots = run(assemble(scheme, patch, blocks, "H"), shots=4_000)
    minus = float(np.mean(logical_outcomes(shots, Accept()) == -1))
    assert minus == pytest.approx(chance, abs=5 * sqrt(chance * (1 - chance) / len(shots)))
    assert not shots.values()[:, 1:].any()


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance"), SCHEMES)
def test_a_flipped_readout_of_it_is_a_wrong_result_or_a_flag(
    scheme: str, distance: int, reuse: Reuse
) -> None:
    program = program_of(scheme, distance, "H", reuse)
    instructions, record = read_instructions(program.circuit), program.record
    for at, item in enumerate(instructions):
        if item.name == "measure" and item.gadget == "readout":
            flip = Fault(kind="readout", at=at, qubits=item.qubits, pauli="X", gadget="readout")
            shots = run(program, [flip], shots=20)
            only = np.arange(len(record.bits)) == record.column[item.bits[0]]
            assert np.array_equal(shots.values(), np.broadcast_to(only, shots.values().shape))
            is_result = item.bits == record.logical.bits
            flow = cut_flow(shots, Accept())
            assert flow.kept.all() == is_result
            assert {c.name for c in flow.criteria if c.failed} == (
                set() if is_result else {"flags"}
            )
            assert np.all(logical_outcomes(shots, Accept()) == (-1 if is_result else 1))


@pytest.mark.parametrize("reuse", REUSES)
def test_an_ancilla_that_was_left_in_1_does_not_change_the_result(reuse: Reuse) -> None:
    """The plain fold takes it along and gives it back; its values are XORed away."""
    program = program_of("fold", 3, "H", reuse)
    instructions, record = read_instructions(program.circuit), program.record
    measured = [i for i, item in enumerate(instructions) if item.name == "measure"]
    for at in measured:
        shots = run(program, paulis(at - 1, "X", instructions[at].qubits), shots=20)
        only = np.arange(len(record.bits)) == record.column[instructions[at].bits[0]]
        assert np.array_equal(shots.values(), np.broadcast_to(only, shots.values().shape))


# --- H_ideal: nothing is read ----------------------------------------------------------------


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance", "rounds"), [*SMALL, *LARGE])
def test_h_ideal_is_the_program_without_its_readout(
    scheme: str, distance: int, rounds: int | None, reuse: Reuse
) -> None:
    program = program_of(scheme, distance, "H_ideal", reuse, rounds)
    read = program_of(scheme, distance, "Z", reuse, rounds)
    assert program.gadgets == read.gadgets[:-1]
    assert program.record.bits == tuple(b for b in read.record.bits if b.stage != "readout")
    assert program.record.logical == Logical(basis="H_ideal", sign=1, bits=())
    assert program.record.faces == ()
    kept = [item for item in read_instructions(read.circuit) if item.gadget != "readout"]
    assert [*read_instructions(program.circuit)] == kept


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize(("scheme", "distance", "rounds"), [*SMALL, *LARGE])
def test_the_ideal_check_finds_the_encoded_state_behind_it(
    scheme: str, distance: int, rounds: int | None, reuse: Reuse
) -> None:
    program = program_of(scheme, distance, "H_ideal", reuse, rounds)
    judged = judge_faults(program, read_instructions(program.circuit), shots=5, seed=4)
    assert judged.accepted == 5
    assert judged.trivial.all()
    assert max(judged.wrong.max(), judged.wrong_corrected.max()) < 1e-12


# --- both ------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", ["H", "H_ideal"])
@pytest.mark.parametrize("scheme", ["fold13", "fold14", "tree16", "encoded"])
def test_the_record_survives_json_and_the_phases_are_those_of_the_protocol(
    scheme: str, basis: Measure
) -> None:
    program, read = (program_of(scheme, 3, b, "xor") for b in (basis, "Z"))
    again = RecordMap.from_json(json.loads(json.dumps(program.record.to_json())))
    assert again == program.record
    patch = program.patch
    phases = [make_phases(p.record, patch.data, patch.ancillas) for p in (program, read)]
    assert phases[0] == phases[1]
