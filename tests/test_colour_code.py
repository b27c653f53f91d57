"""The triangular colour code against Pauli algebra done by qiskit and brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from fakes.exact import pauli_on, product, sign_of

from hexmagic.experiments.colour_code import ColourCode, make_colour_code

DISTANCES = (3, 5, 7, 9, 11)


@pytest.fixture(params=DISTANCES)
def code(request: pytest.FixtureRequest) -> ColourCode:
    return make_colour_code(request.param)


def check_masks(code: ColourCode) -> list[int]:
    return [sum(1 << q for q in face) for face in code.faces]


def rank(masks: list[int]) -> int:
    """Rank over GF(2), by elimination on integers."""
    pivots: dict[int, int] = {}
    for mask in masks:
        left = mask
        while left and left.bit_length() in pivots:
            left ^= pivots[left.bit_length()]
        if left:
            pivots[left.bit_length()] = left
    return len(pivots)


def test_the_code_has_3d2_plus_1_over_4_data_and_a_face_fewer_than_half(code: ColourCode) -> None:
    d = code.distance
    assert code.num_data == (3 * d * d + 1) // 4
    assert len(code.faces) == 3 * (d * d - 1) // 8
    assert code.num_data - 2 * len(code.faces) == 1


def test_faces_have_weight_4_on_the_border_and_6_inside(code: ColourCode) -> None:
    weights = [len(face) for face in code.faces]
    border = 3 * (code.distance - 1) // 2
    assert sorted(weights) == [4] * border + [6] * (len(weights) - border)


def test_x_and_z_stabilisers_commute_because_faces_share_an_even_number(code: ColourCode) -> None:
    pairs = [(set(a), set(b)) for a in code.faces for b in code.faces]
    assert all(len(a & b) % 2 == 0 for a, b in pairs)
    assert {len(a & b) for a, b in pairs if a != b} <= {0, 2}


def test_faces_are_independent_and_do_not_generate_the_logical(code: ColourCode) -> None:
    masks = check_masks(code)
    assert rank(masks) == len(masks)
    assert rank([*masks, (1 << code.num_data) - 1]) == len(masks) + 1


def test_logical_x_and_z_anticommute_and_commute_with_every_face(code: ColourCode) -> None:
    n = code.num_data
    x, z = (pauli_on(n, range(n), letter) for letter in "XZ")
    faces = [pauli_on(n, face, letter) for face in code.faces for letter in "XZ"]
    assert x.anticommutes(z)
    assert all(logical.commutes(face) for logical in (x, z) for face in faces)


def test_faces_sharing_an_edge_have_different_colours_of_three(code: ColourCode) -> None:
    shared = [sum(q in face for face in code.faces) for q in range(code.num_data)]
    assert shared.count(1) == 3  # the corners of the triangle
    assert max(shared) == 3


@pytest.mark.parametrize("distance", [3, 5])
def test_no_error_lighter_than_the_distance_is_an_undetected_logical(distance: int) -> None:
    masks = check_masks(make_colour_code(distance))
    n = make_colour_code(distance).num_data
    columns = [sum((mask >> q & 1) << f for f, mask in enumerate(masks)) for q in range(n)]
    # CSS and self-dual: X and Z errors are undetected alone, and odd weight is the logical class
    undetected = [
        weight
        for weight in range(1, distance + 1)
        for qubits in combinations(columns, weight)
        if np.bitwise_xor.reduce(qubits) == 0
    ]
    lightest_logical = min(weight for weight in undetected if weight % 2)
    assert lightest_logical == distance
    assert all(weight % 2 == 0 for weight in undetected if weight < distance)


@pytest.mark.parametrize("distance", [3, 5])
def test_an_undetected_error_of_even_weight_is_a_product_of_faces(distance: int) -> None:
    code = make_colour_code(distance)
    masks = check_masks(code)
    for qubits in combinations(range(code.num_data), 4):
        error = sum(1 << q for q in qubits)
        if all((error & mask).bit_count() % 2 == 0 for mask in masks):
            assert rank([*masks, error]) == rank(masks)


@pytest.mark.parametrize(("distance", "sign"), [(3, -1), (5, -1), (7, 1), (9, 1), (11, -1)])
def test_logical_y_is_i_x_z_up_to_the_stated_sign(distance: int, sign: int) -> None:
    code = make_colour_code(distance)
    n = code.num_data
    x, y, z = (pauli_on(n, range(n), letter) for letter in "XYZ")
    i_x_z = product([x, z])
    i_x_z.phase = i_x_z.phase - 1  # qiskit counts powers of -i
    assert sign_of(i_x_z, y) == code.logical_sign("Y") == sign
    assert code.logical_sign("X") == code.logical_sign("Z") == 1


def test_the_y_product_of_a_face_has_the_sign_of_its_x_times_its_z(code: ColourCode) -> None:
    n = code.num_data
    for index, face in enumerate(code.faces):
        x, y, z = (pauli_on(n, face, letter) for letter in "XYZ")
        assert code.face_sign(index, "Y") == sign_of(product([x, z]), y)
        assert code.face_sign(index, "X") == code.face_sign(index, "Z") == 1


def test_neighbours_form_a_honeycomb(code: ColourCode) -> None:
    around = [code.neighbours(q) for q in range(code.num_data)]
    corners = [q for q, near in enumerate(around) if len(near) == 1]
    assert [sum(q in face for face in code.faces) for q in corners] == [1, 1, 1]
    assert all(len(near) in (2, 3) for q, near in enumerate(around) if q not in corners)
    assert all(q in around[other] for q, near in enumerate(around) for other in near)


@pytest.mark.parametrize("distance", [-3, 0, 1, 2, 4])
def test_an_even_or_small_distance_is_refused(distance: int) -> None:
    with pytest.raises(ValueError, match=f"distance {distance}: "):
        make_colour_code(distance)
