"""The patch: data on the vertices of heavy-hex, ancillas on its edges."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import dist

import pytest

from hexmagic.experiments.patch import (
    Patch,
    make_bare_patch,
    make_fold14_patch,
    make_fold_patch,
    spider_names,
)


@pytest.fixture(params=["3", "5", "7", "fold14"])
def patch(request: pytest.FixtureRequest) -> Patch:
    return make_fold14_patch() if request.param == "fold14" else make_fold_patch(int(request.param))


@pytest.mark.parametrize(("distance", "qubits"), [(3, 13), (5, 40), (7, 82)])
def test_the_fold_patch_has_the_stated_size(distance: int, qubits: int) -> None:
    assert make_fold_patch(distance).num_qubits == qubits


def test_fold14_is_the_spider_with_one_more_ancilla_at_n2() -> None:
    small, large = make_fold_patch(3), make_fold14_patch()
    names = spider_names(large)
    assert large.num_qubits == 14
    assert set(large.edges) - set(small.edges) == {(names["n2"], names["r"])}
    assert large.data == small.data


def test_every_edge_joins_a_data_qubit_and_an_ancilla(patch: Patch) -> None:
    assert all(d in patch.data and a in patch.ancillas for d, a in patch.edges)
    assert len(set(patch.edges)) == len(patch.edges)
    assert sorted(patch.data + patch.ancillas) == list(range(patch.num_qubits))


def test_no_site_has_more_than_3_neighbours_and_no_ancilla_more_than_2(patch: Patch) -> None:
    degree = Counter(qubit for edge in patch.edges for qubit in edge)
    assert max(degree.values()) == 3
    assert max(degree[ancilla] for ancilla in patch.ancillas) == 2
    assert set(degree) == set(range(patch.num_qubits))


def test_drawing_positions_are_apart(patch: Patch) -> None:
    assert len(patch.positions) == patch.num_qubits
    assert min(dist(a, b) for a, b in combinations(patch.positions, 2)) > 0.4


def test_an_ancilla_is_drawn_halfway_between_its_data(patch: Patch) -> None:
    for ancilla in patch.ancillas:
        ends = [patch.positions[d] for d, a in patch.edges if a == ancilla]
        if len(ends) == 2:
            middle = ((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2)
            assert patch.positions[ancilla] == pytest.approx(middle)


def test_the_spider_has_three_legs_from_its_centre() -> None:
    patch = make_fold_patch(3)
    q = spider_names(patch)
    legs = {(q[d], q[a]) for i in "123" for d, a in _leg(i)}
    assert set(patch.edges) == legs
    assert sorted(q.values()) == list(range(13))


def _leg(i: str) -> list[tuple[str, str]]:
    return [("c", "e" + i), ("n" + i, "e" + i), ("n" + i, "f" + i), ("x" + i, "f" + i)]


def test_the_spiders_faces_are_x_n_c_and_the_next_n() -> None:
    patch = make_fold14_patch()
    q = spider_names(patch)
    assert patch.code is not None
    named = {frozenset(q[s] for s in ("x" + i, "n" + i, "c", "n" + j)) for i, j in NEXT}
    assert named == {frozenset(face) for face in patch.code.faces}


NEXT = (("1", "2"), ("2", "3"), ("3", "1"))


def test_between_finds_the_ancilla_that_touches_both_data(patch: Patch) -> None:
    ends: dict[int, list[int]] = {}
    for d, a in patch.edges:
        ends.setdefault(a, []).append(d)
    pairs = {a: both for a, both in ends.items() if len(both) == 2}
    assert len(pairs) >= 6
    assert all(patch.between(*both) == patch.between(*both[::-1]) == a for a, both in pairs.items())


def test_between_refuses_data_that_no_ancilla_joins() -> None:
    q = spider_names(make_fold_patch(3))
    with pytest.raises(ValueError, match="not joined by an edge"):
        make_fold_patch(3).between(q["x1"], q["x2"])


def test_spider_names_exist_at_distance_3_only() -> None:
    for patch in (make_fold_patch(5), make_bare_patch()):
        with pytest.raises(ValueError, match="distance 3 only"):
            spider_names(patch)


def test_the_bare_patch_is_one_qubit_without_a_code() -> None:
    patch = make_bare_patch()
    assert (patch.num_qubits, patch.code, patch.edges) == (1, None, ())
