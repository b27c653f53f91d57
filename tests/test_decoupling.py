"""Pulses in the idles: native, in step, the identity, and harmless to certificates and engines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt
from unittest.mock import patch

import pytest
from fakes.agreement import KEPT, classes, compare, homogeneity, take
from qiskit import QuantumCircuit
from qiskit.circuit.library import HGate, SXGate, XGate
from qiskit.quantum_info import Operator, Statevector
from qiskit.transpiler import PassManager, Target
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDelay
from test_aer_exact import CALIBRATION, exact, make_line, noisy
from test_agreement import LEAST_P, assert_agree, exact_twirled, fit, make_reused
from test_compilation import without_measurements

from hexmagic.backends import decoupling
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.decoupling import FILLED, make_padding
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding, find_embeddings
from hexmagic.backends.isa import make_target
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.instructions import VIRTUAL_NAMES
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import Program, make_program
from hexmagic.experiments.spec import NoiseSpec
from hexmagic.experiments.spec.device import DECOUPLINGS, Decoupling

DEVICES = ("fake_boston", "fake_sherbrooke", "fake_kolkata", "heavy_hex_9_cx")
SCHEMES = ("fold14", "fold13", "fold")
SEQUENCES: tuple[Decoupling, ...] = ("xx", "xy4")
PULSES = {"xx": 2, "xy4": 4}
EXPECTED = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2)}
NONE = NoiseSpec(kind="none")


@cache
def compiled_of(
    scheme: str, device: str, decoupling: Decoupling, measure: Measure = "X"
) -> Compiled:
    program = make_program(scheme=scheme, distance=3, rounds=1, basis=measure)
    known = load_device(device)
    layout = choose_embedding(program, known)
    return compile_program(program, known, layout, decoupling=decoupling)


def pulses(compiled: Compiled) -> int:
    """Return how many gates are more than without decoupling."""
    kept = {"delay", "barrier", "rz"}
    plain = compile_program(compiled.program, compiled.device, compiled.layout)
    before, after = (
        sum(item.name not in kept for item in one.instructions) for one in (plain, compiled)
    )
    return after - before


@pytest.mark.parametrize("scheme", SCHEMES)
def test_none_is_the_default_and_writes_delays_only(scheme: str) -> None:
    plain = compiled_of(scheme, "fake_boston", "none")
    default = compile_program(plain.program, plain.device, plain.layout)
    assert plain.fingerprint == default.fingerprint
    assert pulses(plain) == 0
    assert "x" not in plain.local.count_ops()


def test_each_sequence_makes_another_circuit() -> None:
    found = {compiled_of("fold14", "fake_boston", d).fingerprint for d in DECOUPLINGS}
    assert len(found) == len(DECOUPLINGS) == 3


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pulses_are_native_and_move_nothing(scheme: str, name: str, sequence: Decoupling) -> None:
    plain, found = compiled_of(scheme, name, "none"), compiled_of(scheme, name, sequence)
    target = make_target(found.device, found.layout)
    for item in found.instructions:
        assert item.name == "barrier" or target.instruction_supported(item.name, item.qubits)
    assert found.duration_seconds == pytest.approx(plain.duration_seconds, rel=1e-12)
    assert found.depth == plain.depth
    assert found.measurement_layers == plain.measurement_layers
    assert found.two_qubit_gates == plain.two_qubit_gates
    assert pulses(found) > 50
    assert pulses(found) % PULSES[sequence] == 0


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Place:
    """What runs when, in dt after the start, and of which gadget."""

    start: int
    end: int
    qubits: tuple[int, ...]
    name: str
    gadget: str


def places(compiled: Compiled) -> list[Place]:
    """Return the places of everything that takes time, in a fixed order."""
    dt = compiled.device.dt_seconds
    return sorted(
        Place(
            start=round(start / dt),
            end=round(end / dt),
            qubits=item.qubits,
            name=item.name,
            gadget=item.gadget,
        )
        for item, start, end in compiled.windows
        if item.name != "rz"
    )


def inserted(scheme: str, name: str, decoupling: Decoupling) -> dict[Place, list[Place]]:
    """Return what fills each delay of a circuit without decoupling, in order."""
    plain = places(compiled_of(scheme, name, "none"))
    found = Counter(places(compiled_of(scheme, name, decoupling)))
    found.subtract(place for place in plain if place.name != "delay")
    assert min(found.values()) >= 0  # every other operation keeps its moment and its gadget
    new = sorted(found.elements())
    filling = {
        idle: [
            place
            for place in new
            if (place.qubits, place.gadget) == (idle.qubits, idle.gadget)
            and idle.start <= place.start < place.end <= idle.end
        ]
        for idle in plain
        if idle.name == "delay"
    }
    assert sum(map(len, filling.values())) == len(new)  # nothing is anywhere else
    return filling


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pulses_fill_idles_of_their_own_gadget_and_nothing_else_moves(
    scheme: str, name: str, sequence: Decoupling
) -> None:
    counts = set()
    for idle, filling in inserted(scheme, name, sequence).items():
        moments = [idle.start, *(p.end for p in filling)]
        assert moments == [*(p.start for p in filling), idle.end]  # without gap or overlap
        pulse = [p for p in filling if p.name != "delay"]
        counts.add(len(pulse))
        assert not pulse or sum(p.end - p.start for p in pulse) <= FILLED * (idle.end - idle.start)
    assert counts == {0, PULSES[sequence]}


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", DEVICES)
def test_a_constant_detuning_cancels_and_pulses_start_where_they_may(
    name: str, sequence: Decoupling
) -> None:
    alignment = load_device(name).pulse_alignment
    longest = 0
    for idle, filling in inserted("fold14", name, sequence).items():
        sign, drift = 1, 0
        for place in filling:
            if place.name == "delay":
                drift += sign * (place.end - place.start)
            else:
                sign = -sign
                assert place.start % alignment == 0
        if len(filling) > 1:
            longest = max(longest, idle.end - idle.start)
            assert abs(drift) <= 5 * alignment, idle  # each delay is rounded
    assert longest > 100 * alignment


def test_an_idle_that_is_out_of_step_keeps_its_delay() -> None:
    """Qubits with readouts of odd lengths wait for one another; qiskit's pass would give up."""
    device = load_device("fake_kolkata")
    odd = replace(
        device,
        acquire_alignment=1,
        qubits=tuple(
            replace(q, readout_seconds=q.readout_seconds + k * device.dt_seconds)
            for k, q in enumerate(device.qubits)
        ),
    )
    program = make_program(scheme="fold13", distance=3, rounds=1, basis="X")
    found = compile_program(program, odd, choose_embedding(program, odd), decoupling="xx")
    assert 0 < pulses(found) < pulses(compiled_of("fold13", "fake_kolkata", "xx"))


def test_aligned_devices_are_among_those() -> None:
    assert [load_device(name).pulse_alignment for name in DEVICES] == [1, 16, 16, 1]


def quiet_idles(compiled: Compiled) -> Iterator[tuple[str, str, float]]:
    """Yield (operation before, first after, seconds) of what is between two operations."""
    for qubit in range(compiled.local.num_qubits):
        last, reached = "start", None
        for item, start, end in compiled.windows:
            if qubit not in item.qubits or item.name in {"delay", *VIRTUAL_NAMES}:
                continue
            yield last, item.name, 0.0 if reached is None else start - reached
            last, reached = item.name, end


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("scheme", ["fold13", "fold"])
def test_a_qubit_that_starts_or_was_read_or_reset_is_left_alone(
    scheme: str, sequence: Decoupling
) -> None:
    """On fake_boston no gate of the program becomes an x."""
    waits = []
    for before, after, seconds in quiet_idles(compiled_of(scheme, "fake_boston", sequence)):
        if before in ("start", "reset", "measure"):
            assert after != "x"
            waits.append(seconds)
    assert max(waits) > 3e-7  # time for two pulses, were it not for the rule


def test_qiskits_own_pass_would_start_right_after_a_reset() -> None:
    """The reason for a class of our own: a barrier after the reset hides it."""
    plain, found = (compiled_of("fold13", "fake_boston", d) for d in ("none", "xx"))
    with patch.object(decoupling, "_is_classical", lambda dag, qubit: False):  # noqa: ARG005 - its form
        naive = compile_program(plain.program, plain.device, plain.layout, decoupling="xx")
    assert pulses(naive) > pulses(found)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", DEVICES)
def test_a_sequence_is_the_identity_up_to_its_phase(name: str, sequence: Decoupling) -> None:
    """And it alternates: x alone, or x and y."""
    device = load_device(name)
    circuit = QuantumCircuit(2)
    circuit.append(SXGate() if "sx" in device.other_gates else HGate(), [0])
    circuit.delay(4000, 0)
    circuit.barrier()
    circuit.measure_all()
    target = make_target(device, device.edges[0])
    passes = [ALAPScheduleAnalysis(target=target), make_padding(sequence, target)]
    played = PassManager(passes).run(circuit).data
    gates = [
        i.operation for i in played if i.operation.name not in ("delay", "barrier", "measure")
    ][1:]
    turns, turn = [], Operator.from_label("I")
    for gate in gates:
        turn = turn.compose(Operator(gate))
        if gate.name != "rz":
            turns.append(turn)
            turn = Operator.from_label("I")
    wanted = "XX" if sequence == "xx" else "XYXY"
    assert all(t.equiv(Operator.from_label(p)) for t, p in zip(turns, wanted, strict=True))


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
def test_the_circuit_with_pulses_prepares_the_programs_state(
    basis: Basis, sequence: Decoupling
) -> None:
    found = compiled_of("fold14", "fake_boston", sequence, basis)
    before = Statevector(without_measurements(found.program.circuit))
    assert before.equiv(Statevector(without_measurements(found.local)), atol=1e-9)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_without_noise_all_is_kept_in_the_right_state(
    scheme: str, basis: Basis, sequence: Decoupling
) -> None:
    compiled = compiled_of(scheme, "fake_boston", sequence, basis)
    found = classes(take("clifft", compiled, NONE, 20_000, 2))
    assert found[KEPT].sum() == found.sum()
    value, wanted = 1 - 2 * found[7] / found.sum(), EXPECTED[basis]
    assert abs(value - wanted) < 5 * sqrt((1 - wanted**2) / found.sum())


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
@pytest.mark.parametrize("scheme", ["fold14", "fold13"])
@pytest.mark.parametrize("name", DEVICES)
def test_no_single_fault_of_a_pulse_defeats_a_certificate(
    name: str, scheme: str, basis: Basis, sequence: Decoupling
) -> None:
    plain = compiled_of(scheme, name, "none", basis)
    found = compiled_of(scheme, name, sequence, basis)
    certificate = certify(found.program, found.instructions)
    assert len(certificate.faults) > len(certify(plain.program, plain.instructions).faults) + 300
    assert not certificate.failures("detection")
    assert not certificate.failures("correction")
    assert certificate.fidelity == pytest.approx(1)


def correction_failures(compiled: Compiled) -> set[tuple[str, bool, tuple[int, ...], str]]:
    """Return where single faults are not corrected: gadget, one qubit or two, which, Pauli."""
    failures = certify(compiled.program, compiled.instructions).failures("correction")
    return {(f.gadget, f.kind == "two_qubit", f.qubits, f.pauli) for f in failures}


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_pulses_add_no_new_counterexample_to_a_scheme_that_has_some(sequence: Decoupling) -> None:
    """Of fold at d = 3: a fault of a pulse is that of the wait around it."""
    plain = correction_failures(compiled_of("fold", "fake_boston", "none"))
    assert len(plain) > 40
    assert correction_failures(compiled_of("fold", "fake_boston", sequence)) == plain


# --- engines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("make", [pytest.param(make_line, marks=pytest.mark.slow), make_reused])
def test_engines_have_the_exact_distribution(
    make: Callable[[], Program], sequence: Decoupling
) -> None:
    """With a measurement in the middle and a reset after it, or none; very noisy pulses."""
    program, device = make(), load_device("fake_boston")
    layout = find_embeddings(program.patch, device)[4]
    compiled = compile_program(program, noisy(device, layout, 1.0), layout, decoupling=sequence)
    assert pulses(compiled) >= 2 * PULSES[sequence]
    full, paulis = exact(compiled, CALIBRATION), exact_twirled(compiled)
    assert fit(take("clifft", compiled, CALIBRATION, 400_000, 5).bits(), paulis) > LEAST_P
    assert fit(take("aer", compiled, CALIBRATION, 2_000, 6).bits(), full) > LEAST_P
    plain = compile_program(program, compiled.device, layout)
    assert fit(take("clifft", plain, CALIBRATION, 400_000, 5).bits(), paulis) < LEAST_P


@pytest.mark.slow
@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize(("scheme", "shots"), [("fold14", 1_000), ("fold13", 1_500)])
def test_engines_agree_on_a_protocol_with_pulses(
    scheme: str, shots: int, sequence: Decoupling
) -> None:
    compiled = compiled_of(scheme, "fake_boston", sequence)
    a = classes(take("aer", compiled, CALIBRATION, shots, 1))
    b = classes(take("clifft", compiled, CALIBRATION, 400_000, 2))
    assert_agree(compare(a, b))
    assert homogeneity(a, b).p_value > LEAST_P


def test_what_pulses_cost_where_only_t1_and_t2_are_known() -> None:
    """Gate errors and no gain: this noise has no slow drift that pulses could undo."""
    kept = {}
    for sequence in DECOUPLINGS:
        compiled = compiled_of("fold14", "fake_boston", sequence)
        kept[sequence] = classes(take("clifft", compiled, CALIBRATION, 200_000, 3))[KEPT].sum()
    assert kept["none"] > kept["xx"] + 800 > kept["xy4"] + 800
    assert kept["none"] - kept["xy4"] < 4_000


# --- bad input ------------------------------------------------------------------------------------


def test_an_unknown_sequence_is_refused() -> None:
    plain = compiled_of("fold14", "fake_boston", "none")
    with pytest.raises(UsageError, match="'udd': choose none, xx, xy4"):
        compile_program(plain.program, plain.device, plain.layout, decoupling="udd")  # type: ignore[arg-type] # that is the test


def test_a_device_that_cannot_play_a_sequence_is_named() -> None:
    target = Target(num_qubits=1, dt=4e-9)
    target.add_instruction(SXGate(), {(0,): None})
    with pytest.raises(UsageError, match="decoupling xx: the device has no x gate"):
        make_padding("xx", target)
    target.add_instruction(XGate(), {(0,): None})
    with pytest.raises(UsageError, match="neither rz nor ry"):
        make_padding("xy4", target)
    assert type(make_padding("none", target)) is PadDelay
