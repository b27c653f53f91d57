"""The routed baseline: the transpiler's circuit, whole, on working qubits, the same each time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from fakes.exact import judge, run_exactly
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from hexmagic.analysis.postselect import logical_outcomes
from hexmagic.backends.aer.engine import sample
from hexmagic.backends.compilation import CompilationError, Compiled, compile_program
from hexmagic.backends.device import Device, load_device
from hexmagic.backends.routing import Routed, _at, _by_gadget, route_program
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.colour_code import Basis, make_colour_code
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.program import Program, make_program
from hexmagic.experiments.spec import Accept, NoiseSpec

CODE = make_colour_code(3)
DEVICES = {
    "fake_boston": "cz",
    "fake_torino": "cz",
    "fake_sherbrooke": "ecr",
    "fake_kolkata": "cx",
}
BASES: tuple[Basis, ...] = ("X", "Y", "Z")
SEED = 11


@cache
def abstract(basis: Basis = "Z", rounds: int = 1) -> Program:
    return make_program(scheme="routed", distance=3, rounds=rounds, basis=basis)


@cache
def routed_on(name: str, basis: Basis = "Z", rounds: int = 1, seed: int = SEED) -> Routed:
    return route_program(abstract(basis, rounds), load_device(name), seed)


@cache
def compiled_on(name: str, basis: Basis = "Z") -> Compiled:
    routed = routed_on(name, basis)
    return compile_program(routed.program, load_device(name), routed.layout)


def certificate_of(routed: Routed, device: Device) -> Certificate:
    compiled = compile_program(routed.program, device, routed.layout)
    return certify(routed.program, compiled.instructions)


def data_first(state: NDArray[np.complex128], program: Program) -> NDArray[np.complex128]:
    """Return a state with the code's data qubits as the lowest, in order."""
    size = program.patch.num_qubits
    order = [*program.patch.data, *program.patch.ancillas]
    axes = [size - 1 - q for q in reversed(order)]  # the last qubit is the first axis
    return state.reshape((2,) * size).transpose(axes).reshape(-1)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", DEVICES)
def test_a_noiseless_run_gives_every_expected_bit_and_the_state_h(name: str, basis: Basis) -> None:
    program = routed_on(name, basis).program
    states = run_exactly(program.circuit, program.record)
    found = judge([data_first(state, program) for state in states], CODE, basis)
    assert found["accepted_readout"] == pytest.approx(1, abs=1e-6)
    assert found["right"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", DEVICES)
def test_the_certificate_sees_a_perfect_noiseless_run(name: str) -> None:
    certificate = certificate_of(routed_on(name), load_device(name))
    assert certificate.fidelity == pytest.approx(1, abs=1e-6)
    assert len(certificate.faults) > 3000


def test_the_certificate_follows_the_data_as_an_exact_run_does() -> None:
    program = routed_on("fake_boston").program
    certificate = certify(program, read_instructions(program.circuit))
    bad = certificate.failures("correction")
    chosen = [*bad[:2], *bad[-2:], *certificate.faults[::601]]
    assert len(bad) > 4
    for fault in chosen:
        i = certificate.faults.index(fault)
        states = run_exactly(program.circuit, program.record, fault)
        found = judge([data_first(state, program) for state in states], CODE, "Z")
        for name in ("accepted", "accepted_readout", "wrong_undetected", "wrong_corrected"):
            assert getattr(certificate, name)[i] == pytest.approx(found[name], abs=1e-6), fault


def test_noiseless_shots_are_all_kept_and_read_h() -> None:
    values = {}
    for basis in BASES:
        shots = sample(
            compiled_on("fake_boston", basis), NoiseSpec(kind="none"), shots=400, seed=SEED
        )
        outcomes = logical_outcomes(shots, Accept())
        assert len(outcomes) == 400  # all are kept
        values[basis] = float(np.mean(outcomes))
    assert abs(values["X"] - 0.5**0.5) < 5 * (0.5 / 400) ** 0.5
    assert abs(values["Z"] - 0.5**0.5) < 5 * (0.5 / 400) ** 0.5
    assert abs(values["Y"]) < 5 / 400**0.5


@pytest.mark.parametrize("name", DEVICES)
def test_gates_counted_between_the_barriers_are_the_gadgets_counts(name: str) -> None:
    routed = routed_on(name)
    counted: list[Counter[str]] = []
    for item in routed.program.circuit.data:
        if item.operation.name == "barrier":
            counted.append(Counter())
            counted[-1][item.operation.label] = -1
        else:
            counted[-1][item.operation.name] += 1
    native = DEVICES[name]
    assert [(c[native], c["measure"], c["reset"]) for c in counted] == [
        (g.two_qubit_gates, g.measurements, g.resets) for g in routed.program.gadgets
    ]
    assert [g.label for g in routed.program.gadgets] == [g.label for g in abstract().gadgets]
    gates = sum(g.two_qubit_gates for g in routed.program.gadgets)
    assert gates == sum(compiled_on(name).two_qubit_gates.values())
    assert gates == routed.program.circuit.count_ops()[native]
    assert gates > 3 * 56 / 2  # SWAPs


@pytest.mark.parametrize("name", DEVICES)
def test_every_gate_has_the_label_of_one_gadget(name: str) -> None:
    labels = {gadget.label for gadget in abstract().gadgets}
    for circuit in (routed_on(name).program.circuit, compiled_on(name).local):
        found = read_instructions(circuit)
        assert {i.gadget for i in found if i.name not in ("barrier", "delay")} == labels
        barriers = [i.gadget for i in found if i.name == "barrier"]
        assert barriers == [gadget.label for gadget in abstract().gadgets]


@pytest.mark.parametrize("name", DEVICES)
def test_only_working_qubits_and_edges_are_used(name: str) -> None:
    device, routed = load_device(name), routed_on(name)
    place = routed.layout
    assert not {*place} & {*device.faulty_qubits}
    pairs = {
        tuple(sorted(place[q] for q in i.qubits))
        for i in read_instructions(routed.program.circuit)
        if i.is_two_qubit_gate
    }
    assert pairs <= {*device.edges} - {*device.faulty_edges}
    assert pairs <= {tuple(sorted((place[a], place[b]))) for a, b in routed.program.patch.edges}


def test_what_breaks_is_not_used_any_more() -> None:
    device, first = load_device("fake_boston"), routed_on("fake_boston")
    a, b = (first.layout[q] for q in first.program.patch.edges[0])
    c = first.layout[first.program.patch.data[3]]
    worse = dict(device.two_qubit)
    for edge in ((a, b), (b, a)):
        if edge in worse:
            worse[edge] = replace(worse[edge], error=1.0)
    qubits = list(device.qubits)
    qubits[c] = replace(qubits[c], t1_seconds=None)
    damaged = replace(device, two_qubit=worse, qubits=tuple(qubits))
    again = route_program(abstract(), damaged, SEED)
    used = {tuple(sorted(again.layout[q] for q in edge)) for edge in again.program.patch.edges}
    assert tuple(sorted((a, b))) not in used
    assert c not in again.layout
    compile_program(again.program, damaged, again.layout)


def test_the_seed_decides_the_circuit_and_nothing_else_does() -> None:
    device = load_device("fake_boston")
    again = route_program(abstract(), device, SEED)
    assert again.layout == routed_on("fake_boston").layout
    assert again.program.circuit == routed_on("fake_boston").program.circuit
    others = [routed_on("fake_boston", seed=seed).program.circuit for seed in (SEED, 1, 2, 3)]
    assert any(other != others[0] for other in others[1:])


@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke"])
def test_all_bases_get_the_same_circuit_in_front_of_their_readout(name: str) -> None:
    fronts = []
    for basis in BASES:
        routed = routed_on(name, basis)
        found = read_instructions(routed.program.circuit)
        front = [i for i in found if i.gadget != "readout"]
        fronts.append((front, routed.layout, routed.program.patch))
    assert fronts[0] == fronts[1] == fronts[2]


@pytest.mark.parametrize("rounds", [1, 2])
def test_the_record_names_the_qubit_that_is_measured(rounds: int) -> None:
    program = routed_on("fake_boston", "X", rounds).program
    measured = {
        i.bits[0]: i.qubits[0] for i in read_instructions(program.circuit) if i.name == "measure"
    }
    assert measured == {bit.key: bit.qubit for bit in program.record.bits}
    data = [bit.qubit for bit in program.record.bits if bit.role == "data"]
    assert data == list(program.patch.data)
    unplaced = [replace(bit, qubit=0) for bit in program.record.bits]
    assert unplaced == [replace(bit, qubit=0) for bit in abstract("X", rounds).record.bits]


def test_without_its_barriers_level_3_cancels_the_flags() -> None:
    device, guarded = load_device("fake_boston"), routed_on("fake_boston")

    bare = route_program(abstract(), device, SEED, protect_flags=False)
    counts = [r.program.circuit.count_ops()["cz"] for r in (guarded, bare)]
    assert counts[1] < 0.85 * counts[0]
    failures = [len(certificate_of(r, device).failures("detection")) for r in (guarded, bare)]
    assert failures[0] < failures[1]


def test_a_measurement_that_is_lost_is_noticed() -> None:
    program = abstract()
    changed = replace(program.gadgets[1], measurements=3)
    damaged = replace(program, gadgets=(program.gadgets[0], changed, *program.gadgets[2:]))
    with pytest.raises(CompilationError, match="'hadamard 1': 2 of measure after routing, 3 befo"):
        route_program(damaged, load_device("fake_kolkata"), SEED)


def test_a_device_with_too_few_working_qubits_is_refused() -> None:
    device = load_device("fake_kolkata")
    few = {edge: gate for edge, gate in device.two_qubit.items() if max(edge) < 8}
    with pytest.raises(UsageError, match=r"needs 9 connected working qubits, it has \d$"):
        route_program(abstract(), replace(device, two_qubit=few), SEED)


def test_a_swap_through_a_fresh_qubit_belongs_to_the_gadget_that_needs_it() -> None:
    program = abstract()
    labels = [gadget.label for gadget in program.gadgets]
    found = QuantumCircuit(11)
    found.barrier(range(9), label=labels[0])
    found.sx(10)  # of the swap
    found.cx(0, 7)
    found.sx(7)
    found.barrier(range(9), label=labels[1])
    found.cx(7, 10)
    found.sx(10)
    for label in labels[2:-1]:
        found.barrier(range(9), label=label)
    found.cx(10, 9)
    groups, starts = _by_gadget(program, found)
    names = [[(i.operation.name, *_at(found, i)) for i in group] for group in groups]
    assert names[0] == [("cx", 0, 7), ("sx", 7)]
    assert names[1] == [("sx", 10), ("cx", 7, 10), ("sx", 10), ("cx", 10, 9)]
    assert names[2:] == [[]] * 6
    assert starts == [tuple(range(9))] * 8
