from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import Device, load_device
from hexmagic.backends.embedding import (
    EmbeddingError,
    choose_embedding,
    find_embeddings,
    no_fault_log,
)
from hexmagic.backends.prediction import predict_acceptance
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.patch import Patch, make_bare_patch, make_fold14_patch, make_fold_patch
from hexmagic.experiments.program import Program, make_program
from hexmagic.experiments.spec import Accept, NoiseSpec

CALIBRATION = NoiseSpec(kind="calibration", p=None)


@pytest.fixture(scope="module")
def boston() -> Device:
    return load_device("fake_boston")


@pytest.fixture(scope="module")
def program() -> Program:
    return make_program(scheme="fold14", distance=3, rounds=1, basis="X")


def working_edges(device: Device) -> set[frozenset[int]]:
    """Return the edges without a fault, read off the calibration itself."""
    broken = {q for q, c in enumerate(device.qubits) if not (c.t1_seconds and c.t2_seconds)}
    for q, known in enumerate(device.qubits):
        if max(known.readout_error or 0, known.one_qubit.error or 0) >= 0.5:
            broken.add(q)
    good = {e for e in device.edges if (error := device.edge(*e).error) is None or error < 0.5}
    return {frozenset(e) for e in good if not broken & set(e)}


def count_by_hand(patch: Patch, device: Device) -> int:
    """Count the embeddings by placing qubit after qubit (the patch is a connected graph)."""
    near: dict[int, set[int]] = {}
    for a, b in map(tuple, working_edges(device)):
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    links = {q: {b for a, b in (*patch.edges, *(e[::-1] for e in patch.edges)) if a == q}
             for q in range(patch.num_qubits)}  # fmt: skip
    order = [0]
    for q in order:
        order += sorted(links[q] - set(order))

    def extensions(place: dict[int, int]) -> Iterator[dict[int, int]]:
        qubit = order[len(place)]
        options = [near[place[other]] for other in links[qubit] if other in place]
        for site in set.intersection(*options) if options else set(near):
            if site not in place.values():
                yield place | {qubit: site}

    places: list[dict[int, int]] = [{}]
    for _ in order:
        places = [longer for place in places for longer in extensions(place)]
    return len(places)


@pytest.mark.parametrize(
    ("name", "fold13", "fold14"),
    [("fake_boston", 1320, 1224), ("fake_sherbrooke", 720, 628), ("fake_kolkata", 24, 24)],
)
def test_the_counts_are_those_of_a_search_by_hand(name: str, fold13: int, fold14: int) -> None:
    device = load_device(name)
    assert len(find_embeddings(make_fold_patch(3), device)) == fold13
    assert len(find_embeddings(make_fold14_patch(), device)) == fold14
    assert count_by_hand(make_fold_patch(3), device) == fold13
    assert count_by_hand(make_fold14_patch(), device) == fold14


@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke", "fake_kolkata"])
def test_every_embedding_puts_patch_edges_on_working_edges(name: str) -> None:
    device = load_device(name)
    patch, working = make_fold14_patch(), working_edges(device)
    for layout in find_embeddings(patch, device):
        assert len(set(layout)) == patch.num_qubits
        assert {frozenset((layout[a], layout[b])) for a, b in patch.edges} <= working


def test_a_single_qubit_sits_on_every_qubit_but_the_faulty(boston: Device) -> None:
    found = find_embeddings(make_bare_patch(), boston)
    assert found == tuple((q,) for q in range(156) if q != 146)


def test_the_chosen_embedding_has_the_largest_probability_of_no_fault(
    boston: Device, program: Program
) -> None:
    layouts = find_embeddings(program.patch, boston)
    chosen = choose_embedding(program, boston)
    reference = compile_program(program, boston, layouts[7])
    scores = no_fault_log(reference, layouts)
    assert scores.max() > scores.min()
    assert layouts[int(scores.argmax())] == chosen


@pytest.mark.parametrize("name", ["fake_boston", "fake_kolkata"])
def test_the_score_is_the_no_fault_probability_of_the_compiled_circuit(name: str) -> None:
    """Each layout is compiled for itself here, and its channels are multiplied one by one."""
    device = load_device(name)
    program = make_program(scheme="fold13", distance=3, rounds=1, basis="Z")
    layouts = find_embeddings(program.patch, device)[::60]
    compiled = [compile_program(program, device, layout) for layout in layouts]
    scores = no_fault_log(compiled[0], layouts)
    exact = [
        np.log(predict_acceptance(c, CALIBRATION, Accept(), None).acceptance) for c in compiled
    ]
    assert scores == pytest.approx(exact, rel=0.07)


def test_the_chosen_embedding_beats_others_when_each_is_compiled_for_itself(
    boston: Device, program: Program
) -> None:
    def no_fault(layout: tuple[int, ...]) -> float:
        compiled = compile_program(program, boston, layout)
        return predict_acceptance(compiled, CALIBRATION, Accept(), None).acceptance

    best = no_fault(choose_embedding(program, boston))
    others = find_embeddings(program.patch, boston)[::60]
    assert all(no_fault(layout) <= best for layout in others)


def test_a_worse_edge_moves_the_embedding(boston: Device, program: Program) -> None:
    chosen = choose_embedding(program, boston)
    a, b = (chosen[q] for q in program.patch.edges[0])
    bad = {e: replace(op, error=0.3) for e, op in boston.two_qubit.items() if set(e) == {a, b}}
    worse = replace(boston, two_qubit={**boston.two_qubit, **bad})
    moved = choose_embedding(program, worse)
    assert {a, b} not in [{moved[u], moved[v]} for u, v in program.patch.edges]


def test_a_patch_that_does_not_fit_is_an_error_of_one_line() -> None:
    program = make_program(scheme="fold", distance=5, rounds=1, basis="Z")
    with pytest.raises(EmbeddingError, match="does not fit on its 27 qubits") as caught:
        choose_embedding(program, load_device("fake_kolkata"))
    assert "\n" not in str(caught.value)


def test_without_calibration_the_first_embedding_is_taken(program: Program) -> None:
    device = load_device("heavy_hex_5")
    assert choose_embedding(program, device) == find_embeddings(program.patch, device)[0]


def swapped_out(layout: tuple[int, ...], old: int, new: int) -> tuple[int, ...]:
    return tuple(new if q == old else q for q in layout)


def test_an_explicit_layout_is_used_as_it_is(boston: Device, program: Program) -> None:
    layout = find_embeddings(program.patch, boston)[5]
    assert choose_embedding(program, boston, list(layout)) == layout
    assert compile_program(program, boston, layout).layout == layout


def test_explicit_layouts_that_cannot_be_are_refused(boston: Device, program: Program) -> None:
    good = find_embeddings(program.patch, boston)[0]
    repeated = (*good[:-1], good[0])
    wrong = {
        "14 different qubits": repeated,
        "needs 14": good[:-1],
        "no qubit 156": (*good[:-1], 156),
        "no qubit -1": (*good[:-1], -1),
        "no edge": (good[1], good[0], *good[2:]),
        "qubit 146 of fake_boston is faulty": (*good[:-1], 146),
    }
    for message, layout in wrong.items():
        with pytest.raises(UsageError, match=f"{message}.*; embedding best finds qubits that fit$"):
            compile_program(program, boston, layout)


def test_a_layout_over_a_faulty_edge_is_refused(boston: Device, program: Program) -> None:
    repaired = replace(
        boston,
        two_qubit={
            e: replace(op, error=0.001) if (op.error or 0) >= 0.5 else op
            for e, op in boston.two_qubit.items()
        },
    )
    layout = next(
        layout
        for layout in find_embeddings(program.patch, repaired)
        if {84, 85} in [{layout[a], layout[b]} for a, b in program.patch.edges]
    )
    with pytest.raises(
        UsageError, match=r"edge \(84, 85\) of fake_boston is faulty; embedding best"
    ):
        compile_program(program, boston, layout)
