"""Exact runs and Heisenberg pictures with qiskit alone.

What the package's own simulation is held against: nothing here uses its state vectors, its steps,
its logical frame or its certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, Statevector

from hexmagic.experiments.block import Gate
from hexmagic.experiments.certificates.faults import Fault
from hexmagic.experiments.colour_code import Basis, ColourCode
from hexmagic.experiments.record import RecordMap


def pauli_on(num_qubits: int, qubits: Sequence[int], letter: str) -> Pauli:
    """Return the same letter on some qubits."""
    return Pauli("".join(letter if q in qubits else "I" for q in reversed(range(num_qubits))))


def product(paulis: Sequence[Pauli]) -> Pauli:
    """Return the product of Paulis, the first one leftmost."""
    return reduce(lambda a, b: a.dot(b), paulis)


def sign_of(pauli: Pauli, letters: Pauli) -> int:
    """Return s = +-1 with pauli = s letters."""
    assert np.array_equal(pauli.x, letters.x)
    assert np.array_equal(pauli.z, letters.z)
    return {0: 1, 2: -1}[int(pauli.phase - letters.phase) % 4]


def circuit_of(gates: Sequence[Gate], num_qubits: int) -> QuantumCircuit:
    """Return Clifford gates as a circuit; the rotations a and adg are left out."""
    circuit = QuantumCircuit(num_qubits)
    for name, *qubits in gates:
        if name not in ("a", "adg"):
            getattr(circuit, name)(*qubits)
    return circuit


def pull_back(gates: Sequence[Gate], pauli: Pauli) -> Pauli:
    """Return U^-1 P U: what P after the gates is in front of them."""
    return pauli.evolve(circuit_of(gates, pauli.num_qubits), frame="h")


def in_front(gates: Sequence[Gate], pauli: Pauli, ancillas: Sequence[int]) -> str:
    """Return `pull_back` with its ancillas, which must be I or Z (they start in |0>), taken out.

    The result is a signed label; "X" on an ancilla stays and shows.
    """
    back = pull_back(gates, pauli)
    clean = np.isin(np.arange(pauli.num_qubits), ancillas) & ~back.x
    left: str = Pauli((back.z & ~clean, back.x)).to_label()
    letters = Pauli((back.z, back.x))
    return ("-" if sign_of(back, letters) < 0 else "") + left


def run_exactly(
    circuit: QuantumCircuit, record: RecordMap, *faults: Fault
) -> list[NDArray[np.complex128]]:
    """Return the unnormalised states in which every ancilla bit is recorded as expected.

    One state for each history of what the resets erased; the data are not measured, but a fault
    of their readout flips them.
    """
    places = {
        bit: (register.name, i) for register in circuit.cregs for i, bit in enumerate(register)
    }
    states = [Statevector.from_int(0, 2**circuit.num_qubits)]
    for fault in (fault for fault in faults if fault.at < 0):
        states = [state.evolve(Pauli("X"), fault.qubits) for state in states]
    for at, item in enumerate(circuit.data):
        qubits = [circuit.find_bit(qubit).index for qubit in item.qubits]
        struck = next((fault for fault in faults if fault.at == at), None)
        if item.operation.name == "measure":
            bit = record.bits[record.column[places[item.clbits[0]]]]
            if bit.role != "data":
                expected = record.expected_raw[bit.key]
                assert expected is not None
                value = expected ^ (struck is not None)
                states = [_project(state, qubits[0], value) for state in states]
                struck = None
        elif item.operation.name == "reset":
            erased = [_project(state, qubits[0], 1) for state in states]
            states = [_project(state, qubits[0], 0) for state in states]
            states += [state.evolve(Pauli("X"), qubits) for state in erased]
        elif item.operation.name not in ("barrier", "delay"):
            states = [state.evolve(item.operation, qubits) for state in states]
        if struck is not None:
            error = Pauli(struck.pauli[::-1])  # qiskit's label starts with the last qubit
            states = [state.evolve(error, struck.qubits) for state in states]
        states = [state for state in states if np.linalg.norm(state.data) > 1e-9]
    return [state.data for state in states]


def judge(
    states: Sequence[NDArray[np.complex128]], code: ColourCode, basis: Basis
) -> dict[str, float]:
    """Return what a certificate says about one fault, for data on the lowest qubits.

    accepted, accepted_readout, right (and trivial syndromes), wrong_undetected, wrong_corrected.
    """
    rows = np.concatenate(
        [np.zeros((1, 1 << code.num_data)), *(s.reshape(-1, 1 << code.num_data) for s in states)]
    )
    frame = decoded_states(code)
    before = _undo_readout(rows, code.num_data, basis)
    table = np.array([[(abs(before @ v.conj()) ** 2).sum() for v in pair] for pair in frame])
    chance = (abs(rows) ** 2).sum(axis=0)
    return {
        "accepted": float(chance.sum()),
        "accepted_readout": float(chance[_quiet(code, basis)].sum()),
        "right": float(table[0, 0]),
        "wrong_undetected": float(table[0, 1]),
        "wrong_corrected": float(table[:, 1].sum()),
    }


def logical_expectation(
    states: Sequence[NDArray[np.complex128]], code: ColourCode, basis: Basis
) -> float:
    """Return the logical Pauli of a basis, read from data that were turned into that basis."""
    rows = np.concatenate([s.reshape(-1, 1 << code.num_data) for s in states])
    signs = 1 - 2 * (np.bitwise_count(np.arange(rows.shape[1])) % 2).astype(int)
    everything = range(code.num_data)
    x, z, y = (pauli_on(code.num_data, everything, letter) for letter in "XZY")
    logical_y = Pauli((y.z, y.x, (product([x, z]).phase - 1) % 4))  # Y = i X Z
    sign = sign_of(logical_y, y) if basis == "Y" else 1
    return sign * float((abs(rows) ** 2).sum(axis=0) @ signs)


@cache
def decoded_states(code: ColourCode) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return C|H> and C|H_perp> for each lightest correction C of X and of Z errors; d = 3."""
    n = code.num_data
    zero = Statevector.from_int(0, 2**n)
    for face in code.faces:
        zero = zero + zero.evolve(pauli_on(n, face, "X"))
    turned = zero.evolve(_all_hadamards(n))  # transversal H: H_L^2 = 1, so these are eigenstates
    right, wrong = zero + turned, zero - turned
    lightest: dict[tuple[bool, ...], tuple[int, ...]] = {}
    for error in [(), *((q,) for q in range(n))]:
        lightest.setdefault(tuple(bool({*error} & {*face}) for face in code.faces), error)
    assert len(lightest) == 2 ** len(code.faces)
    corrections = [
        product([pauli_on(n, flips, "X"), pauli_on(n, phases, "Z")])
        for flips in lightest.values()
        for phases in lightest.values()
    ]
    return [
        tuple(s.evolve(c).data / np.linalg.norm(s.data) for s in (right, wrong))
        for c in corrections
    ]


def _all_hadamards(n: int) -> QuantumCircuit:
    circuit = QuantumCircuit(n)
    circuit.h(range(n))
    return circuit


def _project(state: Statevector, qubit: int, value: int) -> Statevector:
    bits = np.arange(len(state.data)) >> qubit & 1
    return Statevector(np.where(bits == value, state.data, 0))


def _undo_readout(rows: NDArray[Any], n: int, basis: Basis) -> NDArray[Any]:
    circuit = QuantumCircuit(n)
    if basis != "Z":
        circuit.h(range(n))
    if basis == "Y":
        circuit.s(range(n))
    return np.stack([Statevector(row).evolve(circuit).data for row in rows])


def _quiet(code: ColourCode, basis: Basis) -> NDArray[np.bool_]:
    """Return which outcomes of the data have every face's product of a basis at its value."""
    outcomes = np.arange(1 << code.num_data)
    quiet = np.ones(len(outcomes), dtype=bool)
    for face in code.faces:
        x, y, z = (pauli_on(code.num_data, face, letter) for letter in "XYZ")
        minus = basis == "Y" and sign_of(product([x, z]), y) < 0
        parity = np.bitwise_count(outcomes & sum(1 << q for q in face)) % 2
        quiet &= parity == int(minus)
    return quiet
