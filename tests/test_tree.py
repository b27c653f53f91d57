"""The ancilla tree and its circuits: sites, roles in each phase, certificates."""

from __future__ import annotations

import re
import runpy
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from math import dist
from pathlib import Path

import pytest
from fakes.exact import in_front, judge, pauli_on, pull_back, run_exactly

from hexmagic.analysis.phases import make_phases
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding, find_embeddings
from hexmagic.experiments import tree16
from hexmagic.experiments.block import Block
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.colour_code import Basis, ColourCode
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.patch import make_fold_patch, spider_names
from hexmagic.experiments.program import Program, assemble, make_patch, make_program
from hexmagic.experiments.readout import make_readout
from hexmagic.experiments.record import RecordMap
from hexmagic.experiments.searched import parse_layers
from hexmagic.experiments.tree import ANCILLAS, make_tree_patch, tree_names
from hexmagic.experiments.tree16 import (
    DETECTION_TREE,
    ENCODER_TREE,
    GROWTH,
    HADAMARD_ROOT,
    SYNDROMES,
    tree_detection,
    tree_encoder,
    tree_hadamard,
)

PATCH = make_tree_patch()
Q = tree_names(PATCH)
BASES: tuple[Basis, ...] = ("X", "Y", "Z")
FLAGS = sorted(set(ANCILLAS) - {HADAMARD_ROOT})


def code() -> ColourCode:
    assert PATCH.code is not None
    return PATCH.code


def parities(qubits: Sequence[int], letter: str) -> str:
    return str(pauli_on(PATCH.num_qubits, qubits, letter))


def before(gates: Sequence[tuple[str, *tuple[int, ...]]], ancilla: str) -> str:
    """What a read of an ancilla after the gates tells of the data in front of them."""
    after = pauli_on(PATCH.num_qubits, [Q[ancilla]], "Z")
    return in_front(gates, after, PATCH.ancillas)


def product_of_faces(faces: Sequence[int]) -> list[int]:
    """The data in an odd number of the faces."""
    odd: set[int] = set()
    for face in faces:
        odd ^= set(code().faces[face])
    return sorted(odd)


@cache
def program_of(basis: Basis = "Z") -> Program:
    return make_program(scheme="tree16", distance=3, rounds=1, basis=basis)


def blocks() -> tuple[Block, Block, Block, Block]:
    encode = Block(label="encode", stage="encode", round=0, gates=tree_encoder(PATCH))
    return encode, tree_hadamard(PATCH, 1), tree_detection(PATCH, 1), make_readout(PATCH, "Z")


def without_read(block: Block, ancilla: str) -> Block:
    return replace(block, reads=tuple(read for read in block.reads if read.qubit != Q[ancilla]))


def certificate_of(*parts: Block) -> Certificate:
    program = assemble("tree16", PATCH, parts, "Z")
    return certify(program, read_instructions(program.circuit))


def bad(certificate: Certificate) -> set[str]:
    """Gadgets with a fault that ideal decoding gets wrong."""
    return {fault.gadget for fault in certificate.failures("correction")}


def test_the_patch_is_a_tree_of_nine_ancillas_with_seven_data_at_its_edge() -> None:
    assert (PATCH.num_qubits, len(PATCH.data), len(PATCH.ancillas)) == (16, 7, 9)
    degree = Counter(qubit for edge in PATCH.edges for qubit in edge)
    inside = [edge for edge in PATCH.edges if set(edge) <= set(PATCH.ancillas)]
    assert len(PATCH.edges) == 15  # connected (below) and one fewer than qubits: a tree
    assert len(inside) == 8
    assert {degree[q] for q in PATCH.data} == {1}
    assert [degree[Q[name]] for name in ANCILLAS] == [3, 3, 3, 3, 3, 2, 2, 2, 2]


def test_every_site_can_be_reached_and_data_meet_through_ancillas_only() -> None:
    reached, front = {0}, [0]
    while front:
        q = front.pop()
        near = {r for edge in PATCH.edges if q in edge for r in edge} - reached
        reached |= near
        front += near
    assert reached == set(range(16))
    assert not any(set(edge) <= set(PATCH.data) for edge in PATCH.edges)
    assert all(edge[0] in PATCH.data or edge[0] in PATCH.ancillas for edge in PATCH.edges)


def test_the_drawing_is_a_piece_of_a_heavy_hex_lattice() -> None:
    places = PATCH.positions
    assert [dist(places[a], places[b]) for a, b in PATCH.edges] == pytest.approx([0.5] * 15)
    assert min(dist(a, b) for a, b in combinations(places, 2)) > 0.49
    for name in ANCILLAS:
        x, y = places[Q[name]]
        near = [places[q] for edge in PATCH.edges if Q[name] in edge for q in edge if q != Q[name]]
        # three arms at 120 degrees or two in a line: either way they cancel
        assert sum(a for a, _ in near) == pytest.approx(len(near) * x)
        assert sum(b for _, b in near) == pytest.approx(len(near) * y)


def test_the_names_cover_the_qubits_and_belong_to_this_patch_only() -> None:
    assert sorted(Q.values()) == list(range(16))
    assert [Q[name] for name in ANCILLAS] == list(PATCH.ancillas)
    with pytest.raises(ValueError, match="only the tree patch"):
        tree_names(make_fold_patch(3))
    with pytest.raises(ValueError, match="fold patch of distance 3 only"):
        spider_names(PATCH)


def test_the_data_hold_the_code_for_which_the_circuit_was_found() -> None:
    """The search had other faces of the same code: each is a product of these."""
    searched = ["a2 b2 a3 a4", "a1 b1 a2 a3", "a1 a3 a4 b4"]
    stabilisers = {
        tuple(product_of_faces(faces)) for k in (1, 2, 3) for faces in combinations(range(3), k)
    }
    for names in searched:
        assert tuple(sorted(Q[name] for name in names.split())) in stabilisers
    assert len(stabilisers) == 7


@pytest.mark.parametrize(
    ("device", "count"),
    [("fake_kolkata", 96), ("fake_sherbrooke", 912), ("fake_torino", 1184), ("fake_boston", 1952)],
)
def test_the_tree_fits_on_falcon_eagle_and_heron(device: str, count: int) -> None:
    assert len(find_embeddings(PATCH, load_device(device))) == count


def test_the_tree_exists_at_distance_3_only() -> None:
    with pytest.raises(UsageError, match="tree16: exists at distance 3 only"):
        make_patch("tree16", 5)


@pytest.mark.parametrize(
    ("text", "gates", "layers"),
    [(GROWTH, 8, 4), (DETECTION_TREE, 74, 26), (ENCODER_TREE.layers, 42, 12)],
)
def test_each_text_has_the_stated_gates_and_layers_between_neighbours(
    text: str, gates: int, layers: int
) -> None:
    parsed = [gate for gate in parse_layers(text, Q) if gate[0] == "cx"]
    assert len(parsed) == gates
    assert len(text.strip().splitlines()) == layers
    near = {frozenset(edge) for edge in PATCH.edges}
    assert {frozenset(gate[1:]) for gate in parsed} <= near


def test_h_m_has_one_controlled_h_a_data_qubit_between_two_trees() -> None:
    gates = tree_hadamard(PATCH, 1).gates
    names = [gate[0] for gate in gates if len(gate) == 3]
    assert names == ["cx"] * 8 + ["cz"] * 7 + ["cx"] * 8
    assert sorted(gate[-1] for gate in gates if gate[0] == "cz") == list(PATCH.data)
    assert [gate[0] for gate in gates[:7] + gates[-7:]] == ["adg"] * 7 + ["a"] * 7


def test_halfway_through_h_m_the_ancillas_are_one_ghz_state() -> None:
    gates = [("h", Q[HADAMARD_ROOT]), *parse_layers(GROWTH, Q)]
    pairs = (pauli_on(16, both, "Z") for both in combinations(PATCH.ancillas, 2))
    for stabiliser in (pauli_on(16, PATCH.ancillas, "X"), *pairs):
        assert in_front(gates, stabiliser, PATCH.ancillas) == parities([], "I")


def test_h_m_reads_the_parity_on_its_root_and_its_flags_are_0_on_any_state() -> None:
    block = tree_hadamard(PATCH, 1)
    assert before(block.gates, HADAMARD_ROOT) == parities(PATCH.data, "Z")
    assert {before(block.gates, flag) for flag in FLAGS} == {parities([], "I")}
    roles = {read.qubit: read.role for read in block.reads}
    assert roles == {Q[n]: "hadamard" if n == HADAMARD_ROOT else "flag" for n in ANCILLAS}


def test_each_read_of_ed_tells_what_its_record_says_and_nothing_else() -> None:
    block = tree_detection(PATCH, 1)
    assert [read.qubit for read in block.reads] == list(PATCH.ancillas)
    for read in block.reads:
        told = in_front(block.gates, pauli_on(16, [read.qubit], "Z"), PATCH.ancillas)
        checked = product_of_faces([*read.faces])
        assert told == (parities(checked, read.basis) if checked else parities([], "I"))
        assert read.role == ("syndrome" if checked else "flag")


@pytest.mark.parametrize("letter", ["X", "Z"])
def test_the_three_reads_of_a_kind_tell_all_three_faces(letter: str) -> None:
    rows = [set(faces) for basis, faces in SYNDROMES.values() if basis == letter]
    sums = {frozenset(_odd(chosen)) for k in range(4) for chosen in combinations(rows, k)}
    assert len(rows) == 3
    assert len(sums) == 8


def _odd(sets: Sequence[set[int]]) -> set[int]:
    odd: set[int] = set()
    for faces in sets:
        odd ^= faces
    return odd


@pytest.mark.parametrize("letter", ["X", "Z"])
def test_ed_leaves_logical_operators_and_stabilisers_alone_in_the_code(letter: str) -> None:
    gates = tree_detection(PATCH, 1).gates
    spans = [product_of_faces(faces) for k in range(4) for faces in combinations(range(3), k)]
    group = {
        pauli_on(16, xs, "X").dot(pauli_on(16, zs, "Z")).to_label() for xs in spans for zs in spans
    }
    for qubits in (*code().faces, PATCH.data):
        moved = pull_back(gates, pauli_on(16, qubits, letter))
        change = moved.dot(pauli_on(16, qubits, letter))
        assert in_front((), change, PATCH.ancillas) in group


PAGE = Path(__file__).parents[1] / "docs" / "tree16.md"


@pytest.mark.parametrize("text", [tree16.__doc__ or "", PAGE.read_text()], ids=["module", "page"])
def test_the_documented_roles_are_those_of_the_record(text: str) -> None:
    hadamard, detection = make_phases(program_of().record, PATCH.data, PATCH.ancillas)
    words = {"H": "outcome of H", "flag": "flag"}
    for label in detection.labels.values():
        basis, *faces = re.findall(r"[XZ]|\d", label) or ["flag"]
        numbers = [face for face in faces if face.isdigit()]
        plural = "s" if len(numbers) > 1 else ""
        words.setdefault(label, f"{basis} parity of face{plural} {' and '.join(numbers)}")
    wanted = [
        (name, words[hadamard.labels[Q[name]]], words[detection.labels[Q[name]]])
        for name in ANCILLAS
    ]
    cells = [tuple(cell.strip() for cell in line.split("|")[1:4]) for line in text.splitlines()]
    assert [row for row in cells if row and row[0] in ANCILLAS] == wanted


def test_the_picture_of_the_roles_is_up_to_date() -> None:
    folder = PAGE.parent / "pictures"
    picture = runpy.run_path(str(folder / "make_tree.py"))["make_picture"](program_of())
    assert picture + "\n" == (folder / "tree16.svg").read_text()


def test_a_product_of_faces_survives_the_record_file() -> None:
    record = program_of().record
    products = [bit.face for bit in record.bits if isinstance(bit.face, tuple)]
    assert products == [(0, 2), (0, 1)]
    assert RecordMap.from_json(record.to_json()) == record


@pytest.mark.parametrize("basis", BASES)
def test_a_noiseless_run_prepares_h_with_every_bit_as_expected(basis: Basis) -> None:
    program = program_of(basis)
    found = judge(run_exactly(program.circuit, program.record), code(), basis)
    assert (found["accepted"], found["right"]) == pytest.approx((1, 1), abs=1e-9)


def test_the_orthogonal_state_is_never_accepted() -> None:
    encode, *others = blocks()
    (entry,) = (gate for gate in encode.gates if gate[0] == "a")
    flipped = replace(encode, gates=(("x", *entry[1:]), *encode.gates))
    program = assemble("tree16", PATCH, [flipped, *others], "Z")
    assert judge(run_exactly(program.circuit, program.record), code(), "Z")["accepted"] < 1e-12


def test_two_rounds_reset_every_ancilla_between_any_two_uses() -> None:
    program = make_program(scheme="tree16", distance=3, rounds=2, basis="X")
    assert [gadget.resets for gadget in program.gadgets] == [0, 9, 9, 9, 0, 0]
    assert certify(program, read_instructions(program.circuit)).failures("correction") == ()


def test_the_program_has_23_and_74_two_qubit_gates_and_reads_nine_ancillas_twice() -> None:
    counts = [(g.two_qubit_gates, g.measurements, g.resets) for g in program_of().gadgets]
    assert counts == [(42, 0, 0), (23, 9, 9), (74, 9, 0), (0, 7, 0)]


@pytest.mark.parametrize("basis", BASES)
def test_no_single_fault_is_dangerous(basis: Basis) -> None:
    program = program_of(basis)
    certificate = certify(program, read_instructions(program.circuit))
    assert certificate.failures("detection") == certificate.failures("correction") == ()
    assert certificate.fidelity == pytest.approx(1, abs=1e-9)


@cache
def compiled_for(name: str) -> Compiled:
    device = load_device(name)
    return compile_program(program_of(), device, choose_embedding(program_of(), device))


@pytest.mark.parametrize("name", ["fake_kolkata", "fake_sherbrooke", "fake_torino", "fake_boston"])
def test_no_single_fault_is_dangerous_on_a_device_idles_included(name: str) -> None:
    compiled = compiled_for(name)
    certificate = certify(compiled.program, compiled.instructions)
    assert "idle" in {fault.kind for fault in certificate.faults}
    assert certificate.failures("detection") == certificate.failures("correction") == ()


@pytest.mark.parametrize("ancilla", ["v0", "v1", "v2", "v3", "e1", "e2", "e4"])
def test_without_one_of_these_reads_ed_lets_a_dangerous_fault_pass(ancilla: str) -> None:
    encode, hadamard, detection, readout = blocks()
    parts = (encode, hadamard, without_read(detection, ancilla), readout)
    assert "detection 1" in bad(certificate_of(*parts))


@pytest.mark.parametrize("flag", FLAGS)
def test_h_m_alone_is_safe_with_all_of_its_flags_and_with_no_fewer(flag: str) -> None:
    encode, hadamard, _, readout = blocks()
    assert "hadamard 1" not in bad(certificate_of(encode, hadamard, readout))
    missing = certificate_of(encode, without_read(hadamard, flag), readout)
    assert "hadamard 1" in bad(missing)


def test_a_cx_too_few_in_ed_is_noticed_by_the_noiseless_run_or_the_certificate() -> None:
    encode, hadamard, detection, readout = blocks()
    places = [i for i, gate in enumerate(detection.gates) if gate[0] == "cx"]
    for i in places[::15]:
        gates = detection.gates[:i] + detection.gates[i + 1 :]
        reads = {name: before(gates, name) for name in ANCILLAS}
        wanted = {name: before(detection.gates, name) for name in ANCILLAS}
        parts = (encode, hadamard, replace(detection, gates=gates), readout)
        assert reads != wanted or bad(certificate_of(*parts))
