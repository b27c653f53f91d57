"""The encoders: as a state vector at d = 3, in the Heisenberg picture at d = 5 and 7."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from fakes.exact import in_front, pauli_on, pull_back
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, Statevector

from hexmagic.experiments.block import Gate
from hexmagic.experiments.colour_code import ColourCode
from hexmagic.experiments.encode import fan_out_encoder, make_encode
from hexmagic.experiments.encode_searched import edge_names
from hexmagic.experiments.patch import Patch, make_bare_patch, make_fold14_patch, make_fold_patch


def code_of(patch: Patch) -> ColourCode:
    assert patch.code is not None
    return patch.code


def searched(distance: int) -> tuple[Patch, tuple[Gate, ...]]:
    patch = make_fold14_patch() if distance == 14 else make_fold_patch(distance)
    return patch, make_encode(patch).gates


def fanned_out(distance: int) -> tuple[Patch, tuple[Gate, ...]]:
    patch = make_fold_patch(distance)
    return patch, fan_out_encoder(patch, code_of(patch))


ENCODERS = {
    "searched, 13 qubits": searched(3),
    "searched, 14 qubits": searched(14),
    "searched, d = 5": searched(5),
    "searched, d = 7": searched(7),
    "fan-out, d = 3": fanned_out(3),
    "fan-out, d = 5": fanned_out(5),
    "fan-out, d = 7": fanned_out(7),
}
SMALL = [name for name in ENCODERS if "5" not in name and "7" not in name]


def encoded_state(name: str) -> Statevector:
    patch, gates = ENCODERS[name]
    circuit = QuantumCircuit(patch.num_qubits)
    for gate, *qubits in gates:
        if gate == "a":
            circuit.initialize([np.cos(np.pi / 8), np.sin(np.pi / 8)], qubits)
        else:
            getattr(circuit, gate)(*qubits)
    return Statevector(circuit.decompose("initialize"))


@pytest.mark.parametrize("name", SMALL)
def test_the_encoded_state_has_all_stabilisers_and_transversal_h_at_plus_1(name: str) -> None:
    patch, state = ENCODERS[name][0], encoded_state(name)
    for face in code_of(patch).faces:
        for letter in "XZ":
            check = pauli_on(patch.num_qubits, face, letter)
            assert state.expectation_value(check) == pytest.approx(1)
    turned = QuantumCircuit(patch.num_qubits)
    turned.h(patch.data)
    assert state.inner(state.evolve(turned)) == pytest.approx(1)


@pytest.mark.parametrize("name", SMALL)
def test_the_ancillas_of_the_encoded_state_are_zero(name: str) -> None:
    patch, state = ENCODERS[name][0], encoded_state(name)
    for ancilla in patch.ancillas:
        z = pauli_on(patch.num_qubits, [ancilla], "Z")
        assert state.expectation_value(z) == pytest.approx(1)


def entry_of(gates: tuple[Gate, ...]) -> int:
    (entry,) = (qubit for name, *qubits in gates if name == "a" for qubit in qubits)
    return entry


def at_start(name: str, pauli: Pauli) -> str:
    """Return a final Pauli in front of the encoder, with every |0> but the entry's taken out."""
    patch, gates = ENCODERS[name]
    fresh = [q for q in range(patch.num_qubits) if q != entry_of(gates)]
    return in_front(gates, pauli, fresh)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_stabiliser_is_plus_1_whatever_state_enters(name: str) -> None:
    patch = ENCODERS[name][0]
    n = patch.num_qubits
    nothing = "I" * n
    for face in code_of(patch).faces:
        assert at_start(name, pauli_on(n, face, "X")) == nothing
        assert at_start(name, pauli_on(n, face, "Z")) == nothing
    assert {at_start(name, pauli_on(n, [a], "Z")) for a in patch.ancillas} == {nothing}


@pytest.mark.parametrize("name", ENCODERS)
def test_logical_x_and_z_are_those_of_the_state_that_enters(name: str) -> None:
    patch, gates = ENCODERS[name]
    for letter in "XZ":
        entered = pauli_on(patch.num_qubits, [entry_of(gates)], letter).to_label()
        assert at_start(name, pauli_on(patch.num_qubits, patch.data, letter)) == entered


@pytest.mark.parametrize("name", ENCODERS)
def test_every_two_qubit_gate_is_between_neighbours(name: str) -> None:
    patch, gates = ENCODERS[name]
    pairs = {tuple(sorted(gate[1:])) for gate in gates if len(gate) == 3}
    assert pairs <= {tuple(sorted(edge)) for edge in patch.edges}


@pytest.mark.parametrize("name", ENCODERS)
def test_the_entry_is_untouched_before_the_state_enters(name: str) -> None:
    _, gates = ENCODERS[name]
    place = next(i for i, gate in enumerate(gates) if gate[0] == "a")
    assert all(entry_of(gates) not in gate[1:] for gate in gates[:place])
    assert {gate[0] for gate in gates} == {"a", "h", "cx"}


def test_the_searched_encoder_has_29_cx_and_the_fan_out_more() -> None:
    counts = [sum(len(gate) == 3 for gate in ENCODERS[name][1]) for name in SMALL]
    assert counts[:2] == [29, 29]
    assert counts[2] > 29


def count_and_depth(gates: Sequence[Gate]) -> tuple[int, int]:
    """Return the number of CX and of their layers."""
    layer: dict[int, int] = {}
    links = [qubits for name, *qubits in gates if name == "cx"]
    for pair in links:
        layer |= dict.fromkeys(pair, 1 + max(layer.get(q, 0) for q in pair))
    return len(links), max(layer.values())


@pytest.mark.parametrize(("distance", "counts"), [(5, (92, 20)), (7, (248, 68))])
def test_the_searched_encoders_of_larger_codes_are_as_short_as_they_say(
    distance: int, counts: tuple[int, int]
) -> None:
    _, gates = searched(distance)
    fan_out = count_and_depth(fanned_out(distance)[1])
    assert count_and_depth(gates) == counts
    assert all(new < old / 2 for new, old in zip(counts, fan_out, strict=True))


def test_codes_that_nothing_was_searched_for_use_the_fan_out() -> None:
    patch = make_fold_patch(9)
    assert make_encode(patch).gates == fan_out_encoder(patch, code_of(patch))


def test_an_ancilla_is_called_by_the_data_on_both_sides() -> None:
    patch = make_fold_patch(5)
    for name, qubit in edge_names(patch).items():
        if "-" in name:
            assert patch.between(*(int(end) for end in name.split("-"))) == qubit
        else:
            assert int(name) == qubit
    assert sorted(edge_names(patch).values()) == list(range(patch.num_qubits))


def test_a_single_x_on_the_entry_flips_logical_z() -> None:
    patch, gates = ENCODERS["fan-out, d = 3"]
    z = pull_back(gates, pauli_on(patch.num_qubits, patch.data, "Z"))
    assert z.anticommutes(pauli_on(patch.num_qubits, [entry_of(gates)], "X"))


def test_the_bare_state_is_one_rotation() -> None:
    block = make_encode(make_bare_patch())
    assert (block.gates, block.reads, block.stage) == ((("a", 0),), (), "encode")
