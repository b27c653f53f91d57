"""Aer and clifft on the same compiled circuits: the quick form of docs/agreement.md.

Seeds are fixed. A correct program passes for all but one seed in a hundred thousand: no test fails
below 5 standard deviations (6e-7 each, some 60 rates) or above a chi-square's p-value of 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import sqrt
from typing import Literal
from unittest.mock import patch

import numpy as np
import pytest
from fakes.aer_noise import gate_errors
from fakes.agreement import (
    KEPT,
    Difference,
    Ints,
    circuit,
    classes,
    compare,
    homogeneity,
    take,
    twirled,
)
from fakes.strata_sums import (
    sample_directly,
    sample_strata,
    strata_differences,
    weights_of,
)
from numpy.typing import NDArray
from qiskit.quantum_info import PTM, DensityMatrix, SuperOp
from scipy.stats import chi2
from test_aer_exact import Distribution, calibrated, exact, make_line, small, walked

from hexmagic.backends.clifft import engine as clifft_engine
from hexmagic.backends.compilation import Compiled
from hexmagic.backends.noise.channels import CircuitNoise
from hexmagic.backends.noise.models import make_noise
from hexmagic.experiments.block import Block, Read
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.instructions import Instruction
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import Program, assemble
from hexmagic.experiments.spec import NoiseSpec

NONE = NoiseSpec(kind="none")
UNIFORM = NoiseSpec(kind="uniform", p=3e-3)
CALIBRATION = NoiseSpec(kind="calibration")
BASES: tuple[Basis, ...] = ("X", "Y", "Z")
EXPECTED = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2)}
SIGMAS, LEAST_P = 5.0, 1e-6
ENCODED = 5_000
"""Shots of Aer, at 2000 a second of an idle core."""


def assert_agree(found: Mapping[str, Difference]) -> None:
    for name, rate in found.items():
        assert abs(rate.sigmas) < SIGMAS, (name, rate)


def both(
    scheme: str, device: str, basis: Basis, noise: NoiseSpec, aers: int, cliffts: int
) -> tuple[Ints, Ints]:
    """Return the classes of both engines' shots."""
    compiled = circuit(scheme, device, basis)
    a = classes(take("aer", compiled, noise, aers, 1))
    return a, classes(take("clifft", compiled, noise, cliffts, 2))


# --- d = 3 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("scheme", ["fold", "fold13", "fold14", "encoded"])
def test_without_noise_both_engines_keep_all_in_the_right_state(scheme: str, basis: Basis) -> None:
    aers = 2_000 if scheme in ("fold14", "encoded") else 30  # a shot with a reset takes its time
    for found in both(scheme, "fake_boston", basis, NONE, aers, 20_000):
        assert found[KEPT].sum() == found.sum()
        value, exact_value = 1 - 2 * found[7] / found.sum(), EXPECTED[basis]
        assert abs(value - exact_value) < SIGMAS * sqrt((1 - exact_value**2) / found.sum())


@pytest.mark.parametrize("basis", BASES)
def test_with_pauli_noise_both_engines_find_the_same(basis: Basis) -> None:
    a, b = both("encoded", "fake_boston", basis, UNIFORM, ENCODED, 200_000)
    assert_agree(compare(a, b))
    assert homogeneity(a, b).p_value > LEAST_P


def test_with_pauli_noise_both_engines_find_the_same_of_a_protocol() -> None:
    a, b = both("fold14", "fake_boston", "X", replace(UNIFORM, p=1e-3), 400, 200_000)
    assert_agree(compare(a, b))
    assert homogeneity(a, b).p_value > LEAST_P


@pytest.mark.parametrize("basis", BASES)
def test_twirled_noise_in_aer_is_that_of_clifft(basis: Basis) -> None:
    compiled, noise = circuit("encoded", "fake_torino", basis), replace(CALIBRATION, scale=2)
    a = classes(take("aer twirled", compiled, noise, 1_500, 3))
    b = classes(take("clifft", compiled, noise, 200_000, 4))
    assert_agree(compare(a, b))
    assert homogeneity(a, b).p_value > LEAST_P


def test_an_error_rate_that_is_off_by_a_fifth_is_found() -> None:
    compiled = circuit("encoded", "fake_boston", "X")
    a = classes(take("aer", compiled, replace(UNIFORM, p=1.2 * 3e-3), ENCODED, 1))
    b = classes(take("clifft", compiled, UNIFORM, 200_000, 2))
    assert homogeneity(a, b).p_value < LEAST_P


# --- small circuits against density matrices ------------------------------------------------------


def make_reused() -> Program:
    """Return two data qubits and an ancilla that is read twice without a reset in between."""
    first = (("cx", 0, 2), ("a", 2), ("cx", 1, 2))
    flag = Read(qubit=2, role="flag", basis="Z")
    data = tuple(Read(qubit=q, role="data", basis="Y", expected=None) for q in (0, 1))
    turned = (("sdg", 0), ("h", 0), ("a", 1), ("sdg", 1), ("h", 1))
    blocks = [
        Block(label="e", stage="encode", round=0, gates=(("a", 0), ("h", 1), ("s", 1))),
        Block(label="h", stage="hadamard", round=1, gates=first, reads=(flag,)),
        Block(label="d", stage="detection", round=1, gates=(("cx", 1, 2), ("h", 0)), reads=(flag,)),
        Block(label="r", stage="readout", round=0, gates=turned, reads=data),
    ]
    return assemble("line", make_line().patch, blocks, "Y", "xor")


def exact_twirled(compiled: Compiled) -> Distribution:
    """Return the distribution of the recorded bits with every error of Aer's device model twirled.

    The Pauli twirl of a channel has the diagonal of its Pauli transfer matrix and nothing else.
    """
    gates = gate_errors(compiled)
    start = DensityMatrix.from_label("0" * compiled.local.num_qubits)

    def follows(instruction: Instruction) -> SuperOp | None:
        full = calibrated(compiled, gates, instruction)
        return None if full is None else SuperOp(PTM(np.diag(np.diag(PTM(full).data))))

    return walked(compiled, CALIBRATION, start, follows)


def fit(bits: NDArray[np.bool_], wanted: Distribution) -> float:
    """Return the p-value of rows as drawn from a distribution; scarce words are put together."""
    shots = len(bits)
    counts = np.bincount(bits @ (1 << np.arange(bits.shape[1])), minlength=1 << bits.shape[1])
    means = np.zeros(len(counts))
    for word, p in wanted.items():
        means[sum(bit << i for i, bit in enumerate(word))] = p * shots
    assert means.sum() == pytest.approx(shots)
    scarce = means < 8
    rows = np.stack([np.append(part[~scarce], part[scarce].sum()) for part in (counts, means)])
    found, mean = rows[:, rows[1] > 0]
    return float(chi2.sf(((found - mean) ** 2 / mean).sum(), len(mean) - 1))


PROGRAMS = {"line": make_line, "reused": make_reused}
SMALL = 2_000


@pytest.mark.parametrize("name", PROGRAMS)
def test_records_have_the_distribution_of_the_density_matrix(name: str) -> None:
    """clifft that of the twirled channels, not of the full ones; Aer that of both."""
    compiled = small(PROGRAMS[name](), "fake_boston", CALIBRATION)
    full, paulis = exact(compiled, CALIBRATION), exact_twirled(compiled)
    by_clifft = take("clifft", compiled, CALIBRATION, 400_000, 5).bits()
    assert fit(by_clifft, paulis) > LEAST_P
    assert fit(by_clifft, full) < LEAST_P
    assert fit(take("aer", compiled, CALIBRATION, SMALL, 6).bits(), full) > LEAST_P
    assert fit(take("aer twirled", compiled, CALIBRATION, SMALL, 7).bits(), paulis) > LEAST_P


@pytest.mark.parametrize("kind", ["uniform", "paper"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_records_under_pauli_noise_have_the_distribution_of_the_density_matrix(
    name: str, kind: Literal["uniform", "paper"]
) -> None:
    noise = NoiseSpec(kind=kind, p=0.05)
    compiled = small(PROGRAMS[name](), "fake_boston", noise)
    wanted = exact(compiled, noise)
    assert fit(take("clifft", compiled, noise, 400_000, 5).bits(), wanted) > LEAST_P
    assert fit(take("aer", compiled, noise, SMALL, 6).bits(), wanted) > LEAST_P


def swapped(noise: CircuitNoise) -> CircuitNoise:
    return replace(noise, readout={key: (b, a) for key, (a, b) in noise.readout.items()})


def flipped_by_all_of_the_decay(noise: CircuitNoise) -> CircuitNoise:
    return twirled(noise, share=1)


@pytest.mark.parametrize("mistake", [swapped, flipped_by_all_of_the_decay])
def test_a_mistake_in_the_noise_is_found(mistake: Callable[[CircuitNoise], CircuitNoise]) -> None:
    compiled = small(make_reused(), "fake_boston", CALIBRATION)
    mistaken = lambda circuit, spec: mistake(make_noise(circuit, spec))  # noqa: E731
    with patch.object(clifft_engine, "make_noise", mistaken):
        clifft_engine._sampling.cache_clear()
        found = take("clifft", compiled, CALIBRATION, 400_000, 7).bits()
    clifft_engine._sampling.cache_clear()
    assert fit(found, exact_twirled(compiled)) < LEAST_P


# --- strata ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["H_ideal", "X"])
@pytest.mark.parametrize("kind", ["uniform", "paper"])
def test_strata_are_direct_sampling(kind: Literal["uniform", "paper"], measure: Measure) -> None:
    """One set of strata for p = 3e-3 and 1e-3."""
    compiled = circuit("fold14", "fake_boston", measure, in_time_steps=kind == "paper")
    noises = [NoiseSpec(kind=kind, p=p) for p in (3e-3, 1e-3)]
    most = len(weights_of(compiled, noises[0], tail=1e-4).weights) - 1
    strata = sample_strata(compiled, noises[0], most=most, shots=1 << 14, seed=3)
    for noise in noises:
        direct = sample_directly(compiled, noise, shots=1 << 17, seed=4)
        assert_agree(strata_differences(compiled, noise, strata, direct))
        if noise is noises[1]:
            wrong = strata_differences(compiled, noises[0], strata, direct)
            assert (
                abs(
                    wrong[
                        "acceptance correct" if measure == "H_ideal" else "acceptance detect"
                    ].sigmas
                )
                > 50
            )
