from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Kraus, SuperOp
from qiskit_aer.noise import thermal_relaxation_error

from hexmagic.backends.calibration import Operation, QubitCalibration
from hexmagic.backends.noise.calibration import relaxation
from hexmagic.backends.noise.channels import PauliChannel, Relaxation
from hexmagic.backends.noise.mixture import Alternative, alternatives, sample_strikes
from hexmagic.experiments.certificates.steps import Matrix, pauli_matrix

T1S = st.floats(1e-6, 1e-3)
RATIOS = st.floats(0.01, 2.0)
TIMES = st.floats(1e-9, 1e-4)


def make_relaxation(t1: float, ratio: float, time: float) -> Relaxation:
    nothing = Operation(error=0.0, seconds=0.0)
    qubit = QubitCalibration(
        t1_seconds=t1,
        t2_seconds=ratio * t1,
        prob_1_given_0=0.0,
        prob_0_given_1=0.0,
        one_qubit=nothing,
        readout_seconds=0.0,
        reset_seconds=0.0,
    )
    return relaxation(0, 0, qubit, time)


def mixture(options: tuple[Alternative, ...], dimension: int) -> Matrix:
    """Return identity and alternatives, weighted, as one superoperator."""
    rest = 1 - sum(option.probability for option in options)
    total: Matrix = rest * np.eye(dimension**2, dtype=np.complex128)
    for option in options:
        strike = np.asarray(SuperOp(Kraus(list(option.kraus))).data, dtype=np.complex128)
        total = total + option.probability * strike
    return total


@given(t1=T1S, ratio=RATIOS, time=TIMES)
def test_the_mixture_is_the_relaxation_channel(t1: float, ratio: float, time: float) -> None:
    wanted = np.diag([1, *[np.exp(-time / (ratio * t1))] * 2, np.exp(-time / t1)]).astype(complex)
    wanted[0, 3] = 1 - np.exp(-time / t1)  # on vec(rho): rho_11 decays onto rho_00
    options = alternatives(make_relaxation(t1, ratio, time))
    assert np.abs(mixture(options, 2) - wanted).max() < 1e-12
    aers = SuperOp(thermal_relaxation_error(t1, ratio * t1, time)).data  # exact to sqrt(epsilon)
    assert np.abs(wanted - aers).max() < 1e-7


@given(t1=T1S, ratio=RATIOS, time=TIMES)
def test_what_strikes_is_a_channel(t1: float, ratio: float, time: float) -> None:
    """Kraus matrices make it completely positive; they must add up to a trace-preserving map."""
    (option,) = alternatives(make_relaxation(t1, ratio, time))
    total = sum((k.conj().T @ k for k in option.kraus), start=np.zeros((2, 2)))
    assert np.abs(total - np.eye(2)).max() < 1e-8
    assert 0 < option.probability <= 1


@given(t1=T1S, ratio=st.floats(0.01, 1.9), time=TIMES)
def test_no_more_identity_can_be_split_off(t1: float, ratio: float, time: float) -> None:
    channel = make_relaxation(t1, ratio, time)
    (option,) = alternatives(channel)
    gamma, loss, q = channel.decay, 1 - channel.coherence, option.probability * 0.99
    block = np.array([[q, q - loss], [q - loss, q - gamma]])
    assert np.linalg.eigvalsh(block).min() < 0


@pytest.mark.parametrize("time", [1e-9, 1e-7, 1e-5])
def test_pure_amplitude_damping_strikes_always_and_stays_exact(time: float) -> None:
    (option,) = alternatives(make_relaxation(3e-4, 2.0, time))
    wanted = SuperOp(thermal_relaxation_error(3e-4, 6e-4, time)).data
    assert option.probability == pytest.approx(1, abs=1e-3)
    assert np.abs(mixture((option,), 2) - wanted).max() < 1e-12


def test_a_qubit_that_does_not_relax_is_never_struck() -> None:
    assert alternatives(Relaxation(at=0, qubits=(0,), decay=0.0, coherence=1.0)) == ()


def test_pure_dephasing_is_a_z_flip() -> None:
    (option,) = alternatives(Relaxation(at=0, qubits=(0,), decay=0.0, coherence=0.9))
    assert option.probability == pytest.approx(0.05)
    (matrix,) = option.kraus
    assert np.abs(matrix) == pytest.approx(np.eye(2))
    assert matrix[0, 0] == pytest.approx(-matrix[1, 1])


def test_a_pauli_channels_first_letter_is_on_its_first_qubit() -> None:
    channel = PauliChannel(at=0, qubits=(4, 7), probabilities={"XI": 0.1, "IZ": 0.0})
    (option,) = alternatives(channel)
    assert option.probability == 0.1
    x, one = pauli_matrix("X"), np.eye(2)
    assert np.array_equal(option.kraus[0], np.kron(one, x))  # the first qubit is the low bit


def choices() -> list[tuple[Alternative, ...]]:
    def unitary(probability: float, letter: str) -> Alternative:
        return Alternative(probability=probability, kraus=(pauli_matrix(letter),))

    return [
        (unitary(0.1, "X"), unitary(0.05, "Y")),
        (unitary(0.3, "Z"),),
        (),
        (unitary(0.02, "X"), unitary(0.2, "Y"), unitary(0.08, "Z")),
    ]


def test_strikes_come_as_often_as_they_should_and_independently() -> None:
    shots, options = 20_000, choices()
    groups = sample_strikes(options, shots, np.random.default_rng(5))
    counts = Counter({strikes: len(members) for strikes, members in groups.items()})
    for channel, alternatives_ in enumerate(options):
        for which, option in enumerate(alternatives_):
            n = sum(k for strikes, k in counts.items() if (channel, which) in strikes)
            p = option.probability
            assert abs(n - shots * p) < 5 * np.sqrt(shots * p * (1 - p))
    both = 0.05 * 0.3 * 0.2
    assert abs(counts[(0, 1), (1, 0), (3, 1)] - shots * both) < 5 * np.sqrt(shots * both)
    none = 0.85 * 0.7 * 0.7
    assert abs(counts[()] - shots * none) < 5 * np.sqrt(shots * none * (1 - none))


def test_the_groups_partition_the_shots() -> None:
    groups = sample_strikes(choices(), 500, np.random.default_rng(1))
    members = np.concatenate(list(groups.values()))
    assert sorted(members) == list(range(500))
    assert all(list(strikes) == sorted(strikes) for strikes in groups)


def test_without_channels_no_shot_is_struck() -> None:
    groups = sample_strikes([], 7, np.random.default_rng(0))
    assert {strikes: list(shots) for strikes, shots in groups.items()} == {(): list(range(7))}
