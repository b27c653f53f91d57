from dataclasses import dataclass

import numpy as np
import pytest

from hexmagic.analysis.postselect import cut_flow
from hexmagic.backends.aer.engine import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.prediction import predict_acceptance
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.program import make_program
from hexmagic.experiments.spec import Accept, NoiseSpec

NONE = NoiseSpec(kind="none", p=None)
CALIBRATION = NoiseSpec(kind="calibration", p=None)
UNIFORM = NoiseSpec(kind="uniform", p=1e-3)
DETECT, CORRECT = Accept(readout="detect"), Accept(readout="correct")


@dataclass(frozen=True, kw_only=True)
class Case:
    compiled: Compiled
    certificate: Certificate


@pytest.fixture(scope="module")
def fold14() -> Case:
    return make_case("fake_boston")


def make_case(name: str) -> Case:
    program = make_program(scheme="fold14", distance=3, rounds=1, basis="X")
    device = load_device(name)
    compiled = compile_program(program, device, choose_embedding(program, device))
    return Case(compiled=compiled, certificate=certify(program, compiled.instructions))


@pytest.mark.slow
@pytest.mark.parametrize("accept", [DETECT, CORRECT], ids=["detect", "correct"])
@pytest.mark.parametrize("noise", [CALIBRATION, UNIFORM], ids=str)
def test_the_prediction_is_near_what_is_sampled(
    fold14: Case, noise: NoiseSpec, accept: Accept
) -> None:
    n = 1500
    predicted = predict_acceptance(fold14.compiled, noise, accept, fold14.certificate).acceptance
    flow = cut_flow(sample(fold14.compiled, noise, shots=n, seed=23), accept)
    share = float(np.mean(flow.first_failed < 0))
    assert abs(predicted - share) < 3 * np.sqrt(share * (1 - share) / n) + 0.02


@pytest.mark.parametrize("noise", [CALIBRATION, UNIFORM], ids=str)
def test_the_chance_of_no_fault_at_all_is_lower(fold14: Case, noise: NoiseSpec) -> None:
    exact = predict_acceptance(fold14.compiled, noise, DETECT, fold14.certificate)
    bound = predict_acceptance(fold14.compiled, noise, DETECT, None)
    assert 0.3 < bound.acceptance < exact.acceptance < 1
    assert "lower bound" in bound.method
    assert "exact" in exact.method


def test_the_bound_is_the_product_over_every_location(fold14: Case) -> None:
    """Uniform noise: 1-p per gate, 1-2p/3 per preparation and measurement."""
    instructions, p = fold14.compiled.instructions, 1e-3
    gates = sum(i.name in ("cz", "sx", "x") for i in instructions)
    wanted = (1 - p) ** gates * (1 - 2 * p / 3) ** (14 + 14)
    bound = predict_acceptance(fold14.compiled, UNIFORM, DETECT, None).acceptance
    assert bound == pytest.approx(wanted)


def test_correcting_the_readout_keeps_more_than_detecting(fold14: Case) -> None:
    detect, correct = (
        predict_acceptance(fold14.compiled, CALIBRATION, accept, fold14.certificate).acceptance
        for accept in (DETECT, CORRECT)
    )
    assert detect < correct


def test_without_noise_everything_is_accepted(fold14: Case) -> None:
    for certificate in (None, fold14.certificate):
        found = predict_acceptance(fold14.compiled, NONE, DETECT, certificate)
        assert found.acceptance == 1.0


@pytest.mark.slow
def test_better_devices_are_predicted_to_accept_more(fold14: Case) -> None:
    best = predict_acceptance(fold14.compiled, CALIBRATION, DETECT, fold14.certificate)
    case = make_case("fake_sherbrooke")
    worse = predict_acceptance(case.compiled, CALIBRATION, DETECT, case.certificate)
    assert worse.acceptance < best.acceptance / 2


def test_noise_that_the_device_has_no_data_for_is_refused() -> None:
    program = make_program(scheme="fold14", distance=3, rounds=1, basis="X")
    device = load_device("heavy_hex_5")
    compiled = compile_program(program, device, choose_embedding(program, device))
    with pytest.raises(UsageError, match="no calibration"):
        predict_acceptance(compiled, CALIBRATION, DETECT, None)
