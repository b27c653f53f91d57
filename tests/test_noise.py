from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes.aer_noise import gate_errors
from qiskit.quantum_info import Kraus, SuperOp, average_gate_fidelity
from qiskit_aer.noise import depolarizing_error, thermal_relaxation_error

from hexmagic.backends.calibration import Operation
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.noise.channels import Channel, CircuitNoise, PauliChannel, Relaxation
from hexmagic.backends.noise.models import make_noise, single_qubit_readout
from hexmagic.experiments.certificates.faults import PREPARATION
from hexmagic.experiments.certificates.steps import Matrix, pauli_matrix
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.program import make_program
from hexmagic.experiments.spec import NoiseSpec

NONE = NoiseSpec(kind="none", p=None)
CALIBRATION = NoiseSpec(kind="calibration", p=None)
DEVICES = ["fake_boston", "fake_sherbrooke", "fake_kolkata", "fake_marrakesh"]
P = 0.01
UNIFORM = NoiseSpec(kind="uniform", p=P)
HALF = NoiseSpec(kind="calibration", scale=0.5)


def make_compiled(scheme: str, name: str) -> Compiled:
    program = make_program(scheme=scheme, distance=3, rounds=1, basis="Y")
    device = load_device(name)
    return compile_program(program, device, choose_embedding(program, device))


@pytest.fixture(scope="module")
def compiled() -> dict[str, Compiled]:
    return {name: make_compiled("fold13", name) for name in DEVICES}


def textbook(channel: Channel, qubits: tuple[int, ...]) -> SuperOp:
    """Return a channel on an instruction's qubits, from the definitions of its parameters."""
    if isinstance(channel, Relaxation):
        gamma, c = channel.decay, channel.coherence
        matrix = np.zeros((4, 4), dtype=complex)  # on vec(rho), columns stacked
        matrix[0, 0], matrix[0, 3], matrix[3, 3] = 1, gamma, 1 - gamma
        matrix[1, 1] = matrix[2, 2] = c
        one = SuperOp(matrix)
    else:
        rest = 1 - sum(channel.probabilities.values())
        kraus: list[Matrix] = [np.sqrt(rest) * pauli_matrix("I" * len(channel.qubits))]
        for letters, probability in channel.probabilities.items():
            kraus.append(np.sqrt(probability) * pauli_matrix(letters))
        one = SuperOp(Kraus(kraus))
    whole = SuperOp(np.eye(4 ** len(qubits)))
    return whole.compose(one, qargs=[qubits.index(q) for q in channel.qubits])


def by_gate(found: Compiled, noise: CircuitNoise) -> dict[tuple[str, tuple[int, ...]], SuperOp]:
    """Return what follows each native gate: (name, patch qubits) -> channel."""
    composed: dict[tuple[str, tuple[int, ...]], SuperOp] = {}
    for at, instruction in enumerate(found.instructions):
        if instruction.name in ("sx", "x", found.device.two_qubit_gate):
            qubits = instruction.qubits
            total = SuperOp(np.eye(4 ** len(qubits)))
            for channel in (c for c in noise.channels if c.at == at):
                total = total.compose(textbook(channel, qubits))
            composed.setdefault((instruction.name, qubits), total)
    return composed


@pytest.mark.parametrize("name", DEVICES)
def test_every_gates_infidelity_is_the_calibrated_error(
    compiled: dict[str, Compiled], name: str
) -> None:
    found = compiled[name]
    relaxing = 0
    for (_, qubits), channel in by_gate(found, make_noise(found, CALIBRATION)).items():
        physical = tuple(found.layout[q] for q in qubits)
        known = [found.device.qubits[q] for q in physical]
        gate = known[0].one_qubit if len(known) == 1 else found.device.edge(*physical)
        pure = SuperOp(np.eye(1))
        for q in known:
            t1, t2 = q.t1_seconds or 0.0, q.t2_seconds or 0.0
            part = SuperOp(thermal_relaxation_error(t1, min(t2, 2 * t1), gate.seconds))
            pure = part if pure.dim[0] == 1 else part.tensor(pure)
        alone = 1 - average_gate_fidelity(pure)
        assert gate.error is not None
        relaxing += alone > gate.error
        wanted = max(alone, gate.error)
        assert 1 - average_gate_fidelity(channel) == pytest.approx(wanted, abs=1e-9)
    assert relaxing < len(by_gate(found, make_noise(found, CALIBRATION))) / 2


@pytest.mark.parametrize("name", DEVICES)
def test_every_gates_channel_is_aers(compiled: dict[str, Compiled], name: str) -> None:
    found = compiled[name]
    ours, aers = by_gate(found, make_noise(found, CALIBRATION)), gate_errors(found)
    assert len(ours) > 30
    for (gate, qubits), channel in ours.items():
        assert np.abs(channel.data - SuperOp(aers[gate, qubits]).data).max() < 1e-12


def test_a_delay_relaxes_its_qubit_and_does_nothing_else(compiled: dict[str, Compiled]) -> None:
    found = compiled["fake_boston"]
    of: dict[int, list[Channel]] = {}
    for channel in make_noise(found, CALIBRATION).channels:
        of.setdefault(channel.at, []).append(channel)
    delays = [(at, i) for at, i in enumerate(found.instructions) if i.name == "delay"]
    assert len(delays) > 50
    for at, instruction in delays:
        q = found.device.qubits[found.layout[instruction.qubits[0]]]
        t1, seconds = q.t1_seconds or 0.0, instruction.params[0] * found.device.dt_seconds
        wanted = thermal_relaxation_error(t1, min(q.t2_seconds or 0.0, 2 * t1), seconds)
        (channel,) = of[at]
        assert np.allclose(textbook(channel, instruction.qubits).data, SuperOp(wanted).data)


def test_a_t2_above_twice_t1_counts_as_twice_t1(compiled: dict[str, Compiled]) -> None:
    found = compiled["fake_boston"]
    qubits = list(found.device.qubits)
    for physical in found.layout:
        qubits[physical] = replace(qubits[physical], t1_seconds=1e-5, t2_seconds=9e-5)
    damped = replace(found, device=replace(found.device, qubits=tuple(qubits)))
    for channel in make_noise(damped, CALIBRATION).channels:
        if isinstance(channel, Relaxation):
            assert channel.coherence**2 == pytest.approx(1 - channel.decay)
            assert channel.twirl["Z"] >= 0


def test_readout_and_reset_have_the_calibrated_probabilities(compiled: dict[str, Compiled]) -> None:
    found = compiled["fake_boston"]
    noise = make_noise(found, CALIBRATION)
    asymmetric = 0
    for bit in found.program.record.bits:
        known = found.device.qubits[found.layout[bit.qubit]]
        assert noise.readout[bit.key] == (known.prob_1_given_0, known.prob_0_given_1)
        asymmetric += known.prob_1_given_0 != known.prob_0_given_1
    assert asymmetric > 10
    resets = [at for at, i in enumerate(found.instructions) if i.name == "reset"]
    flips = {c.at: c for c in noise.channels if c.at in resets}
    assert len(flips) == 6
    for at, channel in flips.items():
        (q,) = found.instructions[at].qubits
        known = found.device.qubits[found.layout[q]]
        assert isinstance(channel, PauliChannel)
        assert channel.probabilities == {"X": known.prob_1_given_0}


@pytest.mark.parametrize("name", DEVICES)
def test_a_qubits_own_readout_error_is_the_circuits(
    compiled: dict[str, Compiled], name: str
) -> None:
    found = compiled[name]
    for spec in (CALIBRATION, HALF, UNIFORM):
        noise = make_noise(found, spec)
        for bit in found.program.record.bits:
            physical = found.layout[bit.qubit]
            assert single_qubit_readout(found.device, physical, spec) == noise.readout[bit.key]
    assert single_qubit_readout(found.device, found.layout[0], NONE) == (0.0, 0.0)


def test_uniform_noise_has_the_papers_numbers_at_each_location(
    compiled: dict[str, Compiled],
) -> None:
    found = compiled["fake_boston"]
    noise = make_noise(found, UNIFORM)
    at = {c.at: c for c in noise.channels if c.at != PREPARATION}
    prepared = [c for c in noise.channels if c.at == PREPARATION]
    assert sorted(c.qubits for c in prepared) == [(q,) for q in range(13)]
    wrong = {i: c.probabilities for i, c in at.items() if isinstance(c, PauliChannel)}
    for i, instruction in enumerate(found.instructions):
        if instruction.name == "cz":
            assert len(wrong[i]) == 15
            assert set(wrong[i].values()) == {P / 15}
        elif instruction.name in ("sx", "x"):
            assert wrong[i] == dict.fromkeys("XYZ", P / 3)
        elif instruction.name == "reset":
            assert wrong[i] == {"X": 2 * P / 3}
        else:  # frame changes, idles, barriers, measurements
            assert i not in at
    assert all(c.probabilities == {"X": 2 * P / 3} for c in prepared if isinstance(c, PauliChannel))
    assert set(noise.readout.values()) == {(2 * P / 3, 2 * P / 3)}
    assert len(noise.readout) == len(found.program.record.bits)


def test_uniform_two_qubit_noise_is_a_depolarising_channel(compiled: dict[str, Compiled]) -> None:
    found = compiled["fake_boston"]
    wanted = SuperOp(depolarizing_error(P * 16 / 15, 2)).data
    for (gate, _), channel in by_gate(found, make_noise(found, UNIFORM)).items():
        if gate == "cz":
            assert np.allclose(channel.data, wanted)


def test_no_noise_is_none(compiled: dict[str, Compiled]) -> None:
    assert make_noise(compiled["fake_boston"], NONE) == CircuitNoise(channels=(), readout={})


def test_calibration_noise_needs_a_calibration() -> None:
    found = make_compiled("fold14", "heavy_hex_9")
    with pytest.raises(UsageError, match="heavy_hex_9 has no calibration"):
        make_noise(found, CALIBRATION)
    assert make_noise(found, UNIFORM).channels


# --- scaled calibration -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke"])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_scaled_gate_has_the_calibrated_error_times_the_scale(
    compiled: dict[str, Compiled], name: str, scale: float
) -> None:
    found = compiled[name]
    spec = NoiseSpec(kind="calibration", scale=scale)
    depolarised = 0
    for (_, qubits), channel in by_gate(found, make_noise(found, spec)).items():
        physical = tuple(found.layout[q] for q in qubits)
        known = [found.device.qubits[q] for q in physical]
        gate = known[0].one_qubit if len(known) == 1 else found.device.edge(*physical)
        assert gate.error is not None
        infidelity = 1 - average_gate_fidelity(channel)
        if infidelity == pytest.approx(gate.error * scale, abs=1e-9):
            depolarised += 1
        else:  # relaxation alone is more than that
            assert infidelity > gate.error * scale
    assert depolarised > len(by_gate(found, make_noise(found, spec))) / 2


def test_scaled_idles_readout_and_resets_go_wrong_in_proportion(
    compiled: dict[str, Compiled],
) -> None:
    found = compiled["fake_boston"]
    whole, half = make_noise(found, CALIBRATION), make_noise(found, HALF)
    for key, (up, down) in whole.readout.items():
        assert half.readout[key] == (up / 2, down / 2)
    compared = {"delay": 0, "reset": 0}
    for a, b in zip(idles_and_resets(found, whole), idles_and_resets(found, half), strict=True):
        if isinstance(a, Relaxation) and isinstance(b, Relaxation):
            assert 1 - b.decay == pytest.approx((1 - a.decay) ** 0.5)
            assert b.coherence == pytest.approx(a.coherence**0.5)
            compared["delay"] += 1
        elif isinstance(a, PauliChannel) and isinstance(b, PauliChannel):
            assert b.probabilities["X"] == a.probabilities["X"] / 2
            compared["reset"] += 1
    assert compared["delay"] > 50
    assert compared["reset"] == 6


def idles_and_resets(found: Compiled, noise: CircuitNoise) -> list[Channel]:
    return [
        channel
        for channel in noise.channels
        if found.instructions[channel.at].name in ("delay", "reset")
    ]


def test_scale_one_is_the_calibration_and_scale_zero_is_no_noise(
    compiled: dict[str, Compiled],
) -> None:
    found = compiled["fake_boston"]
    assert make_noise(found, NoiseSpec(kind="calibration", scale=1.0)) == make_noise(
        found, CALIBRATION
    )
    nothing = make_noise(found, NoiseSpec(kind="calibration", scale=0.0))
    assert set(nothing.readout.values()) == {(0.0, 0.0)}
    for channel in nothing.channels:
        probabilities = channel.twirl if isinstance(channel, Relaxation) else channel.probabilities
        assert set(probabilities.values()) == {0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prob_0_given_1": 0.3}, r"P\(0\|1\) of qubit {q} of fake_boston would be 0\.6,"),
        ({"prob_1_given_0": 0.26}, r"P\(1\|0\) of qubit {q} of fake_boston would be 0\.52,"),
        (
            {"one_qubit": Operation(error=0.4, seconds=3e-8)},
            "one-qubit gate error of qubit {q} of fake_boston would be 0.8,",
        ),
    ],
)
def test_a_scale_that_makes_an_error_impossible_is_refused_by_name(
    compiled: dict[str, Compiled], change: dict[str, Any], message: str
) -> None:
    found, q = compiled["fake_boston"], compiled["fake_boston"].layout[4]
    qubits = list(found.device.qubits)
    qubits[q] = replace(qubits[q], **change)
    worse = replace(found, device=replace(found.device, qubits=tuple(qubits)))
    with pytest.raises(UsageError, match=message.format(q=q)) as caught:
        make_noise(worse, NoiseSpec(kind="calibration", scale=2.0))
    assert str(caught.value).startswith("calibration x 2: ")
    assert "\n" not in str(caught.value)
    assert make_noise(worse, CALIBRATION).channels


def test_a_scale_that_makes_an_edge_impossible_is_refused_by_name(
    compiled: dict[str, Compiled],
) -> None:
    found = compiled["fake_boston"]
    a, b = (found.layout[q] for q in found.program.patch.edges[3])
    gates = {
        edge: replace(gate, error=0.2) if set(edge) == {a, b} else gate
        for edge, gate in found.device.two_qubit.items()
    }
    worse = replace(found, device=replace(found.device, two_qubit=gates))
    edge = rf"edge \({min(a, b)}, {max(a, b)}\) of fake_boston would be 0\.6"
    with pytest.raises(UsageError, match=edge):
        make_noise(worse, NoiseSpec(kind="calibration", scale=3.0))
