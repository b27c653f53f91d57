"""Folded parities in the Heisenberg picture: what the root reads, what the flags read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes.exact import in_front, pauli_on, pull_back

from hexmagic.experiments.block import Block
from hexmagic.experiments.colour_code import CheckBasis
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.fold import FoldTree, fold_gates, make_fold_tree, tree_ancillas
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.patch import Patch, make_bare_patch, make_fold_patch

KINDS: tuple[CheckBasis, ...] = ("X", "Z")
DISTANCES = (3, 5)


def parities(patch: Patch) -> list[tuple[FoldTree, tuple[int, ...]]]:
    """Every face of the code, then all data, each with its tree."""
    assert patch.code is not None
    return [(make_fold_tree(patch, data), data) for data in (*patch.code.faces, patch.data)]


def label(patch: Patch, qubits: Sequence[int], letter: str) -> str:
    return str(pauli_on(patch.num_qubits, qubits, letter))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_root_reads_exactly_the_parity_of_its_data(distance: int, kind: CheckBasis) -> None:
    patch = make_fold_patch(distance)
    for tree, data in parities(patch):
        root = pauli_on(patch.num_qubits, tree_ancillas(patch, tree)[:1], "Z")
        read = in_front(fold_gates(patch, tree, kind), root, patch.ancillas)
        assert read == label(patch, data, kind)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_flag_comes_back_to_zero_on_any_state(distance: int, kind: CheckBasis) -> None:
    patch = make_fold_patch(distance)
    for tree, data in parities(patch):
        flags = tree_ancillas(patch, tree)[1:]
        assert len(flags) == len(data) - 2
        for flag in flags:
            after = pauli_on(patch.num_qubits, [flag], "Z")
            read = in_front(fold_gates(patch, tree, kind), after, patch.ancillas)
            assert read == label(patch, [], "I")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fold_leaves_every_commuting_pauli_of_the_data_alone(kind: CheckBasis) -> None:
    patch = make_fold_patch(3)
    other = {"X": "Z", "Z": "X"}[kind]
    for tree, data in parities(patch):
        gates = fold_gates(patch, tree, kind)
        same = [([q], kind) for q in patch.data]
        pairs = [([data[0], q], other) for q in data[1:]]
        for qubits, letter in [*same, *pairs]:
            after = pauli_on(patch.num_qubits, qubits, letter)
            assert in_front(gates, after, patch.ancillas) == str(after)


def test_an_anticommuting_pauli_of_the_data_flips_the_root_alone() -> None:
    patch = make_fold_patch(3)
    for tree, data in parities(patch):
        root = tree_ancillas(patch, tree)[0]
        pulled = pull_back(fold_gates(patch, tree, "Z"), pauli_on(13, [data[0], root], "X"))
        assert pulled == pauli_on(13, [data[0]], "X")


@pytest.mark.parametrize(("weight", "gates"), [(4, 10), (6, 18), (7, 22), (19, 70)])
def test_a_parity_of_w_data_costs_4w_minus_6_gates(weight: int, gates: int) -> None:
    patch = make_fold_patch(3 if weight == 7 else 5)
    assert patch.code is not None
    data = next(d for d in (*patch.code.faces, patch.data) if len(d) == weight)
    assert len(fold_gates(patch, make_fold_tree(patch, data), "Z")) == gates == 4 * weight - 6


@pytest.mark.parametrize(("distance", "hadamard", "detection"), [(3, 22, 60), (5, 70, 228)])
def test_a_round_costs_what_the_design_says(distance: int, hadamard: int, detection: int) -> None:
    patch = make_fold_patch(distance)
    checks = make_detection(patch, "fold", 1)
    assert make_hadamard(patch, "fold", 1).two_qubit_gates == hadamard
    assert sum(block.two_qubit_gates for block in checks) == detection
    assert 2 * (70 + 228) == 596  # the design's two rounds at d = 5


@pytest.mark.parametrize("distance", DISTANCES)
def test_two_qubit_gates_are_between_neighbours(distance: int) -> None:
    patch = make_fold_patch(distance)
    blocks: list[Block] = [make_hadamard(patch, "fold", 1), *make_detection(patch, "fold", 1)]
    pairs = {tuple(sorted(gate[1:])) for b in blocks for gate in b.gates if len(gate) == 3}
    assert pairs <= {tuple(sorted(edge)) for edge in patch.edges}


def test_a_tree_hangs_every_other_datum_from_its_root_once() -> None:
    for tree, data in parities(make_fold_patch(5)):
        children = [child for child, _ in tree.steps]
        assert sorted([*children, *tree.root]) == sorted(data)
        for i, (_, parent) in enumerate(tree.steps):
            assert parent not in children[:i]  # leaves first


def test_a_disconnected_set_is_refused() -> None:
    patch = make_fold_patch(3)
    assert patch.code is not None
    tips = tuple(q for q in patch.data if len(patch.code.neighbours(q)) == 1)
    with pytest.raises(ValueError, match="not connected"):
        make_fold_tree(patch, tips)


def test_a_patch_without_a_code_has_no_folds() -> None:
    with pytest.raises(ValueError, match="has no code"):
        make_fold_tree(make_bare_patch(), (0,))
