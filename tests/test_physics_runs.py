"""End to end: what real calibrations give, and Aer's own noise model beside ours."""

import numpy as np
import pytest
from fakes.aer_noise import make_aer_noise_model, with_relaxation
from qiskit_aer import AerSimulator

from hexmagic.analysis.postselect import cut_flow
from hexmagic.backends.aer.engine import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.noise.models import make_noise
from hexmagic.backends.prediction import predict_acceptance, single_faults_of
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.program import make_program
from hexmagic.experiments.shots import Shots, pack_shots
from hexmagic.experiments.spec import Accept, NoiseSpec

pytestmark = pytest.mark.slow
CALIBRATION = NoiseSpec(kind="calibration", p=None)
ACCEPT = Accept()


def make_compiled(scheme: str, name: str, basis: Basis) -> Compiled:
    program = make_program(
        scheme=scheme, distance=3, rounds=None if scheme == "encoded" else 1, basis=basis
    )
    device = load_device(name)
    return compile_program(program, device, choose_embedding(program, device))


def acceptance(shots: Shots) -> float:
    return float(np.mean(cut_flow(shots, ACCEPT).first_failed < 0))


def error(share: float, n: int) -> float:
    return float(np.sqrt(share * (1 - share) / n))


def aers_own(compiled: Compiled, shots: int) -> Shots:
    """Return shots from Aer with its own noise model on the same compiled circuit."""
    simulator = AerSimulator(
        method="statevector",
        max_parallel_threads=1,
        noise_model=make_aer_noise_model(compiled),
    )
    job = simulator.run(with_relaxation(compiled), shots=shots, memory=True, seed_simulator=77)
    words = job.result().get_memory()  # registers apart, the last first; bit 0 on the right
    record, names = compiled.program.record, [r.name for r in compiled.local.cregs]
    bits = np.zeros((shots, len(record.bits)), dtype=np.bool_)
    for k, word in enumerate(words):
        parts = dict(zip(names, reversed(word.split(" ")), strict=True))
        bits[k] = [parts[b.register][-1 - b.index] == "1" for b in record.bits]
    return pack_shots(bits, record)


def test_aers_own_noise_model_accepts_as_often() -> None:
    compiled = make_compiled("fold14", "fake_boston", "X")
    ours, aers = sample(compiled, CALIBRATION, shots=2000, seed=5), aers_own(compiled, 350)
    a, b = acceptance(ours), acceptance(aers)
    assert abs(a - b) < 4 * np.hypot(error(a, 2000), error(b, 350))
    raised, aers_raised = ours.values().mean(axis=0), aers.values().mean(axis=0)
    width = np.sqrt((raised * (1 - raised) + 1e-3) * (1 / 2000 + 1 / 350))
    assert (abs(raised - aers_raised) < 5 * width).all()


@pytest.mark.parametrize("name", ["fake_boston", "fake_marrakesh", "fake_sherbrooke"])
def test_a_calibration_gives_the_acceptance_that_is_predicted(name: str) -> None:
    """Pairs of faults that hide each other, which the prediction leaves out, add a little."""
    compiled = make_compiled("fold14", name, "Z")
    certificate = certify(compiled.program, compiled.instructions)
    predicted = predict_acceptance(compiled, CALIBRATION, Accept(), certificate).acceptance
    share = acceptance(sample(compiled, CALIBRATION, shots=600, seed=9))
    width = 4 * error(predicted, 600)
    assert predicted - width < share < 1.15 * predicted + width


def test_the_generic_fold_accepts_most_shots_at_one_in_a_thousand() -> None:
    compiled = make_compiled("fold", "fake_boston", "Z")
    noise = NoiseSpec(kind="uniform", p=1e-3)
    share = acceptance(sample(compiled, noise, shots=1000, seed=4))
    gates = sum(i.name in ("cz", "sx", "x") for i in compiled.instructions)
    assert (1 - 1e-3) ** gates * 0.9 < share < 0.95


def test_single_faults_spoil_the_encoder_and_never_the_protocol() -> None:
    """To first order in the calibrated errors, exactly; 2e4 shots a basis cannot resolve it."""

    def first_order_infidelity(scheme: str) -> float:
        compiled = make_compiled(scheme, "fake_boston", "Z")
        certificate = certify(compiled.program, compiled.instructions)
        wrong = {
            (fault.at, fault.qubits, fault.pauli): chance
            for fault, chance in zip(
                certificate.faults, certificate.wrong_corrected.tolist(), strict=True
            )
        }
        return sum(
            probability * float(wrong[key])
            for channel in make_noise(compiled, CALIBRATION).channels
            for key, probability in single_faults_of(compiled, channel)
        )

    assert first_order_infidelity("fold14") < 1e-12
    assert 2e-3 < first_order_infidelity("encoded") < 2e-2
