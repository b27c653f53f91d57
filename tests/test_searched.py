"""The searched d = 3 circuits, each read again from the text in the Heisenberg picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from fakes.exact import in_front, pauli_on, pull_back

from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.patch import Patch, make_fold14_patch, make_fold_patch, spider_names
from hexmagic.experiments.searched import (
    DETECTION_13,
    ENCODER_29,
    HADAMARD_13,
    HADAMARD_14,
    SYNDROMES_13,
    parse_layers,
    searched_encoder,
    searched_syndromes,
)
from hexmagic.experiments.synthesis.earlier import (
    DETECTION_13_FEWEST,
    DETECTION_13_FIRST,
    HADAMARD_13_FIRST,
    HADAMARD_14_FIRST,
)

PATCH = make_fold14_patch()
Q = spider_names(PATCH)
TEXTS = {
    "hadamard 13": HADAMARD_13_FIRST,
    "hadamard 14": HADAMARD_14_FIRST,
    "detection": DETECTION_13_FIRST,
    "shallow hadamard 13": HADAMARD_13,
    "shallow hadamard 14": HADAMARD_14,
    "shallow detection": DETECTION_13,
    "fewest detection": DETECTION_13_FEWEST,
    "encoder": ENCODER_29.layers,
}


HADAMARDS = [
    (HADAMARD_13_FIRST, "e1"),
    (HADAMARD_13, "e1"),
    (HADAMARD_14_FIRST, "r"),
    (HADAMARD_14, "r"),
]


def label(qubits: Sequence[int], letter: str) -> str:
    return str(pauli_on(14, qubits, letter))


def before(text: str, qubits: Sequence[int], letter: str) -> str:
    gates = parse_layers(text, Q)
    return in_front(gates, pauli_on(14, qubits, letter), PATCH.ancillas)


def face_of(check: str) -> list[int]:
    i = int(check[1])
    return [Q["c"], Q[f"x{i}"], Q[f"n{i}"], Q[f"n{i % 3 + 1}"]]


@pytest.mark.parametrize(
    ("text", "gates", "layers"),
    [
        ("hadamard 13", 22, 11),
        ("hadamard 14", 25, 15),
        ("detection", 50, 30),
        ("shallow hadamard 13", 24, 8),
        ("shallow hadamard 14", 27, 11),
        ("shallow detection", 51, 19),
        ("fewest detection", 49, 21),
        ("encoder", 29, 9),
    ],
)
def test_each_text_has_the_stated_number_of_cx_and_layers(
    text: str, gates: int, layers: int
) -> None:
    assert TEXTS[text].count(">") == gates
    assert len(TEXTS[text].strip().splitlines()) == layers
    assert sum(gate[0] == "cx" for gate in parse_layers(TEXTS[text], Q)) == gates


@pytest.mark.parametrize("text", TEXTS)
def test_every_cx_is_between_neighbours_on_the_patch(text: str) -> None:
    pairs = {tuple(sorted(gate[1:])) for gate in parse_layers(TEXTS[text], Q) if len(gate) == 3}
    assert pairs <= {tuple(sorted(edge)) for edge in PATCH.edges}


def test_only_fold14s_h_m_uses_the_extra_root() -> None:
    users = [text for text in TEXTS if "r" in TEXTS[text].replace(">", " ").split()]
    assert users == ["hadamard 14", "shallow hadamard 14"]


@pytest.mark.parametrize("text", TEXTS)
def test_no_cx_is_undone_by_the_next_layer(text: str) -> None:
    layers = [set(line.split()) for line in TEXTS[text].strip().splitlines()]
    assert not any(first & second for first, second in pairwise(layers))


@pytest.mark.parametrize(("text", "root"), HADAMARDS)
def test_h_m_reads_the_z_parity_of_all_data_and_nothing_else(text: str, root: str) -> None:
    assert before(text, [Q[root]], "Z") == label(PATCH.data, "Z")


@pytest.mark.parametrize(("text", "root"), HADAMARDS)
def test_the_other_ancillas_of_h_m_come_back_to_zero_on_any_state(text: str, root: str) -> None:
    others = set(PATCH.ancillas) - {Q[root]}
    assert {before(text, [ancilla], "Z") for ancilla in others} == {label([], "I")}


@pytest.mark.parametrize("text", [text for text, _ in HADAMARDS])
def test_h_m_leaves_every_pauli_that_commutes_with_the_parity(text: str) -> None:
    for q in PATCH.data:
        assert before(text, [q], "Z") == label([q], "Z")
        pair = sorted({Q["c"], q})
        if len(pair) == 2:
            assert before(text, pair, "X") == label(pair, "X")


def test_h_ms_root_turns_with_any_single_x() -> None:
    for text, root in HADAMARDS:
        for q in PATCH.data:
            after = pauli_on(14, [q, Q[root]], "X")
            assert in_front(parse_layers(text, Q), after, PATCH.ancillas) == label([q], "X")


@pytest.mark.parametrize("text", [DETECTION_13_FIRST, DETECTION_13, DETECTION_13_FEWEST])
@pytest.mark.parametrize(("ancilla", "check"), SYNDROMES_13.items())
def test_each_ancilla_of_ed_reads_its_check_and_nothing_else(
    text: str, ancilla: str, check: str
) -> None:
    assert before(text, [Q[ancilla]], "Z") == label(face_of(check), check[0])


def test_ed_reads_each_of_the_six_checks_once() -> None:
    assert sorted(SYNDROMES_13.values()) == ["X1", "X2", "X3", "Z1", "Z2", "Z3"]


@pytest.mark.parametrize("text", [DETECTION_13_FIRST, DETECTION_13, DETECTION_13_FEWEST])
@pytest.mark.parametrize("letter", ["X", "Z"])
def test_ed_leaves_logical_operators_and_stabilisers_alone_in_the_code(
    text: str, letter: str
) -> None:
    faces = {kind: [face_of(kind + i) for i in "123"] for kind in "XZ"}
    group = {
        pauli_on(14, xs, "X").dot(pauli_on(14, zs, "Z")).to_label()
        for xs in _span(faces["X"])
        for zs in _span(faces["Z"])
    }
    for qubits in (*faces[letter], list(PATCH.data)):
        moved = pull_back(parse_layers(text, Q), pauli_on(14, qubits, letter))
        change = moved.dot(pauli_on(14, qubits, letter))
        stripped = in_front((), change, PATCH.ancillas)
        assert stripped in group


def _span(faces: Sequence[Sequence[int]]) -> list[list[int]]:
    spans: list[set[int]] = [set()]
    for face in faces:
        spans += [span ^ set(face) for span in spans]
    return [sorted(span) for span in spans]


@pytest.mark.parametrize("scheme", ["fold13", "fold14"])
def test_the_reads_of_ed_name_the_face_that_the_ancilla_reads(scheme: str) -> None:
    patch = PATCH if scheme == "fold14" else make_fold_patch(3)
    assert patch.code is not None
    (block,) = make_detection(patch, scheme, 1)
    for read in block.reads:
        assert isinstance(read.face, int)
        after = pauli_on(patch.num_qubits, [read.qubit], "Z")
        face = patch.code.faces[read.face]
        wanted = pauli_on(patch.num_qubits, face, read.basis).to_label()
        assert in_front(block.gates, after, patch.ancillas) == wanted
    assert block.reads == searched_syndromes(patch, patch.code)


@pytest.mark.parametrize(("scheme", "flags"), [("fold13", 5), ("fold14", 0)])
def test_h_m_rotates_all_data_by_a_inverse_and_back(scheme: str, flags: int) -> None:
    patch: Patch = PATCH if scheme == "fold14" else make_fold_patch(3)
    block = make_hadamard(patch, scheme, 1)
    turns = [(i, gate[0]) for i, gate in enumerate(block.gates) if gate[0] in ("a", "adg")]
    assert [name for _, name in turns] == ["adg"] * 7 + ["a"] * 7
    assert sorted(q for gate in block.gates[:7] for q in gate[1:]) == sorted(patch.data)
    assert sorted(q for gate in block.gates[-7:] for q in gate[1:]) == sorted(patch.data)
    assert [read.role for read in block.reads] == ["hadamard"] + ["flag"] * flags


def test_the_encoder_starts_with_psi_on_e3_and_plus_on_three_others() -> None:
    first = searched_encoder(PATCH)[:4]
    assert first == (("a", Q["e3"]), ("h", Q["e1"]), ("h", Q["n2"]), ("h", Q["n3"]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("c>e1 e1>n1", "share a qubit"),
        ("H:e1 c>e1", "share a qubit"),
        ("c<e1", "neither"),
        ("S:e1", "neither"),
        ("H e1", "neither"),
    ],
)
def test_a_text_that_is_not_layers_of_gates_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_layers(text, Q)
