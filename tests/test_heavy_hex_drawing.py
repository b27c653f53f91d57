import json
import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
import rustworkx
from qiskit_ibm_runtime import fake_provider

from hexmagic.backends.heavy_hex_drawing import heavy_hex_positions
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.patch import make_fold_patch

Edge = tuple[int, int]
Place = tuple[float, float]

OTHER_MAPS = {
    *("FakeAlmadenV2", "FakeBoeblingenV2", "FakeJohannesburgV2", "FakePoughkeepsieV2"),
    *("FakeSingaporeV2", "FakeMelbourneV2", "FakeYorktownV2"),  # faces of 3, 4, 6 or 8
    *("FakeBerlin", "FakeMiami", "FakeNighthawk"),  # square lattices
}


def coupling_maps() -> dict[str, tuple[int, list[Edge]]]:
    """Return each shipped device's coupling map, as its configuration file has it."""
    maps = {}
    for name in dir(fake_provider):
        cls = getattr(fake_provider, name)
        if getattr(cls, "conf_filename", None):
            text = (Path(cls.dirname) / cls.conf_filename).read_text()
            configuration = json.loads(text)
            pairs = configuration["coupling_map"] or []
            edges = sorted({(min(pair), max(pair)) for pair in pairs})
            maps[name] = (configuration["n_qubits"], edges)
    return maps


MAPS = coupling_maps()


def heavy_hex_graph(distance: int) -> tuple[int, list[Edge]]:
    graph = rustworkx.generators.heavy_hex_graph(distance)
    return graph.num_nodes(), sorted({(min(e), max(e)) for e in graph.edge_list()})


def side(a: Place, b: Place, c: Place) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def cross(a: Place, b: Place, c: Place, d: Place) -> bool:
    """Return whether segments ab and cd have a point in common, also if they are in line."""
    boxes_meet = all(
        max(min(a[k], b[k]), min(c[k], d[k])) <= min(max(a[k], b[k]), max(c[k], d[k]))
        for k in (0, 1)
    )
    astride = side(a, b, c) * side(a, b, d) <= 0 and side(c, d, a) * side(c, d, b) <= 0
    return boxes_meet and astride


def crossings(places: Sequence[Place], edges: Sequence[Edge]) -> list[tuple[Edge, Edge]]:
    """Return pairs of edges without a common qubit that meet."""
    return [
        (e, f)
        for e, f in combinations(edges, 2)
        if not set(e) & set(f) and cross(*(places[q] for q in (*e, *f)))
    ]


def lengths(places: Sequence[Place], edges: Sequence[Edge]) -> set[float]:
    return {abs(places[u][0] - places[v][0]) + abs(places[u][1] - places[v][1]) for u, v in edges}


def assert_planar_grid(num_qubits: int, edges: Sequence[Edge]) -> None:
    places = heavy_hex_positions(num_qubits, edges)
    assert len(set(places)) == len(places) == num_qubits
    assert lengths(places, edges) <= {1.0}
    assert crossings(places, edges) == []


def test_crossing_segments_are_found() -> None:
    places = [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    assert crossings(places, [(0, 1), (2, 3)]) == [((0, 1), (2, 3))]


def test_maps_of_every_generation_are_tried() -> None:
    assert {27, 65, 127, 133, 156} <= {num for num, _ in MAPS.values()}
    assert len(MAPS) > 50


@pytest.mark.parametrize("name", sorted(set(MAPS) - OTHER_MAPS))
def test_a_shipped_heavy_hex_device_is_drawn_without_crossings(name: str) -> None:
    assert_planar_grid(*MAPS[name])


@pytest.mark.parametrize("distance", [1, 3, 5, 7, 9])
def test_a_generated_heavy_hex_graph_is_drawn_without_crossings(distance: int) -> None:
    assert_planar_grid(*heavy_hex_graph(distance))


@pytest.mark.parametrize("distance", [3, 5])
def test_a_patch_by_itself_is_drawn_without_crossings(distance: int) -> None:
    patch = make_fold_patch(distance)
    assert_planar_grid(patch.num_qubits, patch.edges)


@pytest.mark.parametrize("name", sorted(OTHER_MAPS))
def test_a_device_that_is_not_heavy_hex_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="heavy-hex"):
        heavy_hex_positions(*MAPS[name])


def test_an_edge_to_a_qubit_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match=r"edge \(0, 3\)"):
        heavy_hex_positions(3, [(0, 3)])


def test_rows_of_a_heron_run_rightwards_as_in_its_pictures() -> None:
    places = heavy_hex_positions(*MAPS["FakeBoston"])
    assert places[:16] == tuple((float(x), 0.0) for x in range(16))
    assert (places[16], places[20]) == ((3.0, 1.0), (0.0, 2.0))


def test_a_qubit_without_edges_stands_beside_the_others() -> None:
    num_qubits, edges = MAPS["FakeKolkataV2"]
    places = heavy_hex_positions(num_qubits + 1, edges)
    assert places[-1][0] > max(x for x, _ in places[:-1]) + 1


def test_any_missing_edge_leaves_the_rest_planar() -> None:
    num_qubits, edges = MAPS["FakeKolkataV2"]
    for missing in edges:
        assert_planar_grid(num_qubits, [edge for edge in edges if edge != missing])


def test_numbering_plays_no_part_in_whether_a_device_can_be_drawn() -> None:
    num_qubits, edges = MAPS["FakeTorino"]
    shuffled = random.Random(1).sample(range(num_qubits), num_qubits)
    assert_planar_grid(num_qubits, [(shuffled[u], shuffled[v]) for u, v in edges])
