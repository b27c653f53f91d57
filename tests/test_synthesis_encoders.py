"""The search for encoders: what it returns encodes, with the least number of CX at d = 3."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from fakes.exact import in_front, pauli_on

from hexmagic.experiments.patch import Patch, make_bare_patch, make_fold_patch
from hexmagic.experiments.synthesis.encoder_beam import LOGICAL, Beam, Columns
from hexmagic.experiments.synthesis.encoders import (
    Encoder,
    Window,
    make_encoder_problem,
    search_encoder,
)
from hexmagic.experiments.tree import make_tree_patch

SPIDER, TREE, FOLD_5 = make_fold_patch(3), make_tree_patch(), make_fold_patch(5)
BEAM = Beam(width=100, seed=0)
SWEEP = Window(height=1.5, step=0.5)


@cache
def found(patch_name: str) -> Encoder:
    searches = {
        "spider": lambda: search_encoder(SPIDER, replace(BEAM, width=300)),
        "tree": lambda: search_encoder(TREE, BEAM),
        "swept": lambda: search_encoder(SPIDER, replace(BEAM, patience=25), SWEEP),
    }
    encoder = searches[patch_name]()
    assert encoder is not None
    return encoder


CASES = [("spider", SPIDER), ("tree", TREE), ("swept", SPIDER)]


@pytest.mark.parametrize(("name", "patch"), CASES)
def test_what_is_found_encodes_and_leaves_the_ancillas_in_zero(name: str, patch: Patch) -> None:
    assert patch.code is not None
    encoder, n = found(name), patch.num_qubits
    fresh = [q for q in range(n) if q != encoder.entry]
    for face in patch.code.faces:
        for letter in "XZ":
            check = pauli_on(n, [patch.data[q] for q in face], letter)
            assert in_front(encoder.gates, check, fresh) == "I" * n
    for ancilla in patch.ancillas:
        assert in_front(encoder.gates, pauli_on(n, [ancilla], "Z"), fresh) == "I" * n
    for letter in "XZ":
        entered = pauli_on(n, [encoder.entry], letter).to_label()
        assert in_front(encoder.gates, pauli_on(n, patch.data, letter), fresh) == entered


@pytest.mark.parametrize(("name", "patch"), CASES)
def test_only_neighbours_interact(name: str, patch: Patch) -> None:
    edges = {frozenset(edge) for edge in patch.edges}
    assert {frozenset(link) for link in found(name).links} <= edges


def test_the_least_number_of_cx_on_the_spider_is_found() -> None:
    assert len(found("spider").links) == 29


def test_waiting_counts_layers_between_the_gates_of_a_qubit() -> None:
    encoder = found("spider")
    layers: dict[int, int] = dict.fromkeys(SPIDER.data, 0)
    waited = 0
    for link in reversed(encoder.links):
        layer = max(layers.get(q, 0) for q in link)
        waited += sum(layer - layers.get(q, layer) for q in link)
        layers |= dict.fromkeys(link, layer + 1)
    assert encoder.waiting == waited


def test_waiting_that_costs_more_is_less() -> None:
    lazy = search_encoder(TREE, replace(BEAM, waiting_weight=0.0))
    busy = search_encoder(TREE, replace(BEAM, waiting_weight=0.4))
    assert lazy is not None
    assert busy is not None
    assert busy.waiting < lazy.waiting
    assert len(lazy.links) <= len(busy.links)


def test_the_same_seed_finds_the_same_encoder() -> None:
    beam = Beam(width=30, seed=3)
    assert search_encoder(TREE, beam) == search_encoder(TREE, beam)


def test_a_beam_without_patience_gives_up() -> None:
    assert search_encoder(FOLD_5, Beam(width=1, patience=1, noise=0)) is None


def test_the_problem_says_which_generators_hold_each_qubit() -> None:
    problem = make_encoder_problem(SPIDER)
    code = SPIDER.code
    assert code is not None
    for bit, face in enumerate(code.faces, start=1):
        held: Columns = problem.columns & np.uint64(1 << bit)
        assert tuple(np.flatnonzero(held)) == face
    assert tuple(np.flatnonzero(problem.columns & LOGICAL)) == SPIDER.data
    assert problem.generators == 4


def test_cuts_part_the_qubits_and_none_comes_twice() -> None:
    cuts = make_encoder_problem(FOLD_5).cuts
    sides = {
        frozenset([tuple(cut), tuple(~cut)]) for cut in cuts.tolist() for cut in [np.array(cut)]
    }
    assert len(sides) == len(cuts)
    assert all(0 < cut.sum() < FOLD_5.num_qubits for cut in cuts)


def test_a_patch_without_a_code_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="no code"):
        search_encoder(make_bare_patch(), BEAM)
