"""Aer and clifft on the same compiled circuits: the quick form of docs/agreement.md.

Seeds are fixed. A correct program passes for all but one seed in a hundred thousand: no test fails
below 5 standard deviations (6e-7 each, some 60 rates) or above a chi-square's p-value of 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from fakes.aer_noise import gate_errors
from fakes.agreement import (
    KEPT,
    POSSIBLE,
    Difference,
    Ints,
    aer_noise,
    circuit,
    classes,
    compare,
    difference,
    fidelity,
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
from qiskit.quantum_info import DensityMatrix, PTM, SuperOp
from scipy.stats import chi2
from test_aer_exact import (
    State,
    after,
    by_the_paper,
    calibrated,
    exact,
    make_line,
    measured,
    misread,
    small,
)

from hexmagic.backends import aer, clifft_engine
from hexmagic.backends.compilation import Compiled
from hexmagic.backends.noise import CircuitNoise
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import Program, assemble, make_program
from hexmagic.experiments.spec import NoiseSpec

NONE = NoiseSpec(kind="none")
UNIFORM = NoiseSpec(kind="uniform", p=3e-3)
CALIBRATION = NoiseSpec(kind="calibration")
BASES: tuple[Basis, ...] = ("X", "Y", "Z")
EXPECTED = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2)}
SIGMAS, LEAST_P = 5.0, 1e-6


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
    """The encoder: 2000 shots of Aer a second."""
    a, b = both("encoded", "fake_boston", basis, UNIFORM, 2_000, 200_000)
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


# --- small circuits against density matrices ------------------------------------------------------


def make_reused() -> Program:
    """Return the line with its ancilla read twice without a reset in between."""
    program = make_line()
    assert program.reuse == "reset"
    return make_line("xor")
