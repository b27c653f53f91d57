"""Aer and clifft on the same compiled circuits of d = 3: more shots, every scheme and device.

The full form, with 2e4 shots of Aer a circuit, is benchmarks/agreement.py. Seeds are fixed, and no
test fails below 5 standard deviations or above a chi-square's p-value of 1e-6.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Literal

import pytest
from fakes.agreement import (
    KEPT,
    Ints,
    Square,
    circuit,
    classes,
    compare,
    fidelity,
    homogeneity,
    take,
)
from fakes.strata_sums import sample_directly, sample_strata, strata_differences, weights_of
from test_aer_exact import exact, small
from test_agreement import (
    BASES,
    CALIBRATION,
    EXPECTED,
    LEAST_P,
    NONE,
    PROGRAMS,
    SIGMAS,
    assert_agree,
    exact_twirled,
    fit,
)

from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.spec import NoiseSpec

pytestmark = pytest.mark.slow

Kind = Literal["uniform", "paper"]
UNIFORM = NoiseSpec(kind="uniform", p=1e-3)
DEVICES = ("fake_boston", "fake_torino", "fake_sherbrooke")
AER_SHOTS = {"fold": 400, "fold13": 400, "fold14": 1_500, "tree16": 60, "encoded": 10_000}
"""Ten to thirty seconds of an idle core each."""


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("scheme", ["tree16", "routed"])
def test_without_noise_both_engines_keep_all_in_the_right_state(scheme: str, basis: Basis) -> None:
    compiled = circuit(scheme, "fake_boston", basis)
    for found in (
        classes(take("aer", compiled, NONE, 30, 1)),
        classes(take("clifft", compiled, NONE, 20_000, 2)),
    ):
        assert found[KEPT].sum() == found.sum()
        value, wanted = 1 - 2 * found[7] / found.sum(), EXPECTED[basis]
        assert abs(value - wanted) < SIGMAS * sqrt((1 - wanted**2) / found.sum())


@cache
def both(scheme: str, basis: Basis) -> tuple[Ints, Ints]:
    compiled = circuit(scheme, "fake_boston", basis)
    a = classes(take("aer", compiled, UNIFORM, AER_SHOTS[scheme], 1))
    return a, classes(take("clifft", compiled, UNIFORM, 1_000_000, 2))


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("scheme", AER_SHOTS)
def test_with_pauli_noise_both_engines_find_the_same(scheme: str, basis: Basis) -> None:
    a, b = both(scheme, basis)
    assert_agree(compare(a, b))
    assert homogeneity(a, b).p_value > LEAST_P


def test_with_pauli_noise_all_schemes_together_agree() -> None:
    """The look-elsewhere-honest statement: one chi-square of all disjoint classes, one of all F."""
    pairs = {(scheme, basis): both(scheme, basis) for scheme in AER_SHOTS for basis in BASES}
    total = sum((homogeneity(a, b) for a, b in pairs.values()), start=Square(value=0, freedom=0))
    assert total.freedom > 50
    assert total.p_value > LEAST_P
    rates = {key: compare(a, b) for key, (a, b) in pairs.items()}
    for readout in ("detect", "correct"):
        name = f"<P> {readout}"
        found = [fidelity(rates[s, "X"][name], rates[s, "Z"][name]) for s in AER_SHOTS]
        squares = Square(value=sum(f.sigmas**2 for f in found), freedom=len(found))
        assert squares.p_value > LEAST_P


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("device", DEVICES)
def test_twirled_noise_in_aer_is_that_of_clifft(device: str, basis: Basis) -> None:
    compiled = circuit("fold14", device, basis)
    a = classes(take("aer twirled", compiled, CALIBRATION, 1_000, 3))
    b = classes(take("clifft", compiled, CALIBRATION, 1_000_000, 4))
    assert_agree(compare(a, b))
    assert homogeneity(a, b).p_value > LEAST_P


@pytest.mark.parametrize("device", ["fake_sherbrooke", "fake_kolkata"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_records_have_the_distribution_of_the_density_matrix(name: str, device: str) -> None:
    compiled = small(PROGRAMS[name](), device, CALIBRATION)
    full, paulis = exact(compiled, CALIBRATION), exact_twirled(compiled)
    assert fit(take("clifft", compiled, CALIBRATION, 4_000_000, 5).bits(), paulis) > LEAST_P
    assert fit(take("aer", compiled, CALIBRATION, 20_000, 6).bits(), full) > LEAST_P
    assert fit(take("aer twirled", compiled, CALIBRATION, 20_000, 7).bits(), paulis) > LEAST_P


@pytest.mark.parametrize("measure", ["H_ideal", "X", "Z", "H"])
@pytest.mark.parametrize("kind", ["uniform", "paper"])
def test_strata_are_direct_sampling(kind: Kind, measure: Measure) -> None:
    compiled = circuit("fold14", "fake_boston", measure, in_time_steps=kind == "paper")
    noises = [NoiseSpec(kind=kind, p=p) for p in (3e-3, 1e-3)]
    most = len(weights_of(compiled, noises[0], tail=1e-6).weights) - 1
    strata = sample_strata(compiled, noises[0], most=most, shots=1 << 17, seed=5)
    for noise in noises:
        direct = sample_directly(compiled, noise, shots=1 << 21, seed=6)
        assert_agree(strata_differences(compiled, noise, strata, direct))
