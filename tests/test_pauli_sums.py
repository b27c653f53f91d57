"""Pauli sums and Clifford images against dense matrices and qiskit, on up to 4 qubits."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator
from qiskit.quantum_info import Pauli as QiskitPauli

from hexmagic.experiments.certificates.clifford import gate_images, matrix_images, quarter_turns
from hexmagic.experiments.certificates.pauli_sums import (
    Pauli,
    PauliSums,
    anticommuting,
    join,
    make_sums,
    merged,
    multiplied,
    odd,
    odd_overlap,
    pack,
    rotated,
)
from hexmagic.experiments.errors import HexmagicError
from hexmagic.experiments.instructions import Instruction

QUBITS = 3
MASKS = st.integers(0, 2**QUBITS - 1)
PAULIS = st.builds(Pauli, MASKS, MASKS, st.integers(0, 3))
HERMITIAN = st.builds(lambda x, z: Pauli(x, z, (x & z).bit_count() % 4), MASKS, MASKS)
SUMS = st.lists(st.tuples(PAULIS, st.integers(0, 2)), min_size=1, max_size=8)
CLIFFORD = ("x", "h", "s", "sdg", "sx", "cx", "cz", "ecr")
Dense = NDArray[np.complex128]


def dense(pauli: Pauli) -> Dense:
    """i^power X^x Z^z; qubit 0 is the least significant."""
    x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    factors = [
        np.linalg.matrix_power(x, pauli.x >> q & 1) @ np.linalg.matrix_power(z, pauli.z >> q & 1)
        for q in reversed(range(QUBITS))
    ]
    total: Dense = np.full((1, 1), 1j**pauli.power, dtype=np.complex128)
    for factor in factors:
        total = np.kron(total, factor).astype(np.complex128)
    return total


def dense_sums(sums: PauliSums, owners: int) -> list[Dense]:
    total = [np.zeros((2**QUBITS, 2**QUBITS), dtype=complex) for _ in range(owners)]
    for owner, x, z, weight in zip(sums.owners, sums.x, sums.z, sums.weights, strict=True):
        total[owner] += weight * dense(Pauli(int(x[0]), int(z[0])))
    return total


def sums_of(terms: list[tuple[Pauli, int]]) -> PauliSums:
    return make_sums([pauli for pauli, _ in terms], QUBITS, [owner for _, owner in terms])


@given(PAULIS, PAULIS)
def test_products_and_anticommutation_are_those_of_the_matrices(a: Pauli, b: Pauli) -> None:
    ab, ba = dense(a) @ dense(b), dense(b) @ dense(a)
    assert np.allclose(dense(a * b), ab)
    assert a.anticommutes(b) == np.allclose(ab, -ba)
    row = make_sums([b], QUBITS)
    assert anticommuting(row, make_sums([a], QUBITS)).tolist() == [a.anticommutes(b)]


@given(SUMS, PAULIS)
def test_a_pauli_multiplies_every_row_from_either_side(
    terms: list[tuple[Pauli, int]], factor: Pauli
) -> None:
    sums, row = sums_of(terms), make_sums([factor], QUBITS)
    before = dense_sums(sums, 3)
    for found, one in zip(dense_sums(multiplied(row, sums), 3), before, strict=True):
        assert np.allclose(found, dense(factor) @ one)
    right = multiplied(row, sums, from_right=True)
    for found, one in zip(dense_sums(right, 3), before, strict=True):
        assert np.allclose(found, one @ dense(factor))


@given(SUMS, HERMITIAN, st.floats(-pi, pi))
def test_a_rotation_is_that_of_the_matrices(
    terms: list[tuple[Pauli, int]], axis: Pauli, angle: float
) -> None:
    sums, generator = sums_of(terms), dense(axis)
    assert np.allclose(generator, generator.conj().T)
    turn = np.cos(angle / 2) * np.eye(2**QUBITS) - 1j * np.sin(angle / 2) * generator
    turned = rotated(sums, make_sums([axis], QUBITS), angle)
    for found, one in zip(dense_sums(turned, 3), dense_sums(sums, 3), strict=True):
        assert np.allclose(found, turn @ one @ turn.conj().T)


def test_inactive_rows_are_not_rotated() -> None:
    sums, axis = make_sums([Pauli(1, 0), Pauli(1, 0)], QUBITS), make_sums([Pauli(0, 1)], QUBITS)
    turned = rotated(sums, axis, pi / 4, np.array([True, False]))
    assert sorted(turned.owners.tolist()) == [0, 0, 1]
    assert rotated(sums, axis, pi / 4, np.zeros(2, dtype=bool)) is sums


@given(SUMS)
def test_merged_sums_are_the_same_without_equal_or_vanishing_terms(
    terms: list[tuple[Pauli, int]],
) -> None:
    sums = sums_of(terms)
    short = merged(sums)
    for found, one in zip(dense_sums(short, 3), dense_sums(sums, 3), strict=True):
        assert np.allclose(found, one)
    rows = list(zip(short.owners.tolist(), short.x.tolist(), short.z.tolist(), strict=True))
    assert len({str(row) for row in rows}) == len(rows)
    assert np.all(abs(short.weights) > 0.5)  # units add up to 0 or to at least 1


def test_opposite_terms_cancel_and_owners_are_kept_apart() -> None:
    opposite = make_sums([Pauli(1, 2), Pauli(1, 2, 2)], QUBITS, [0, 0])
    assert len(merged(opposite)) == 0
    assert len(merged(make_sums([Pauli(1, 2), Pauli(1, 2, 2)], QUBITS, [0, 1]))) == 2
    assert len(merged(opposite[:0])) == 0
    assert len(join([opposite, opposite])) == 4


@given(st.integers(1, 200), st.data())
def test_packed_masks_can_be_read_back(num_bits: int, data: st.DataObject) -> None:
    masks = data.draw(st.lists(st.integers(0, 2**num_bits - 1), min_size=1, max_size=5))
    words = pack(masks, num_bits)
    assert words.shape == (len(masks), -(-num_bits // 64))
    read = [sum(int(word) << 64 * i for i, word in enumerate(row)) for row in words]
    assert read == masks
    chosen = data.draw(st.integers(0, 2**num_bits - 1))
    (mask,) = pack([chosen], num_bits)
    parity = [(m & chosen).bit_count() % 2 == 1 for m in masks]
    assert odd(words, mask).tolist() == parity
    assert odd_overlap(words, np.tile(mask, (len(masks), 1))).tolist() == parity


def instruction(name: str, *params: float) -> Instruction:
    qubits = (0, 1) if name in ("cx", "cz", "ecr") else (0,)
    return Instruction(name=name, params=params, qubits=qubits, bits=(), gadget="")


def circuit(name: str, *params: float) -> QuantumCircuit:
    found = QuantumCircuit(len(instruction(name).qubits))
    getattr(found, name)(*params, *range(found.num_qubits))
    return found


def as_qiskit(pauli: Pauli, num_qubits: int) -> QiskitPauli:
    """qiskit's phase is that of (-i)^phase times letters, and X Z = -i Y."""
    z, x = ([bool(mask >> q & 1) for q in range(num_qubits)] for mask in (pauli.z, pauli.x))
    ys = (pauli.x & pauli.z).bit_count()
    return QiskitPauli((z, x, (ys - pauli.power) % 4))


def evolved(gate: QuantumCircuit) -> list[QiskitPauli]:
    """X and Z of the first qubit, of the second, behind the gate."""
    n = gate.num_qubits
    return [
        as_qiskit(pauli, n).evolve(gate, frame="s")
        for q in range(n)
        for pauli in (Pauli(1 << q, 0), Pauli(0, 1 << q))
    ]


@pytest.mark.parametrize("name", CLIFFORD)
def test_a_gate_makes_of_paulis_what_qiskit_says(name: str) -> None:
    n = len(instruction(name).qubits)
    images = [as_qiskit(image, n) for image in gate_images(instruction(name))]
    assert images == evolved(circuit(name))
    matrix = np.asarray(Operator(circuit(name)).data)
    assert [as_qiskit(image, n) for image in matrix_images(matrix)] == images


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("name", ["rz", "ry"])
def test_right_angles_are_clifford(name: str, turns: int) -> None:
    gate = circuit(name, turns * pi / 2)
    rows = [np.asarray(as_qiskit(p, 1).to_matrix()) for p in quarter_turns(name, turns)]
    unitary = np.asarray(Operator(gate).data)
    for row, letter in zip(rows, ("X", "Z"), strict=True):
        before = QiskitPauli(letter).to_matrix()
        assert np.allclose(row, unitary @ before @ unitary.conj().T)


@pytest.mark.parametrize("name", ["ry", "rz"])
def test_a_gate_that_is_not_clifford_is_refused(name: str) -> None:
    with pytest.raises(HexmagicError, match="neither Clifford nor a rotation"):
        gate_images(instruction(name, pi / 4))
