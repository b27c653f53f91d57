"""The paper's noise: every operation a time step, and a waiting qubit errs in every step."""

from __future__ import annotations

from collections import Counter
from functools import cache
from math import exp, log

import numpy as np
import pytest

from hexmagic.analysis.postselect import cut_flow
from hexmagic.backends.aer.engine import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding, find_embeddings
from hexmagic.backends.noise.channels import PauliChannel
from hexmagic.backends.noise.models import make_noise, single_qubit_readout
from hexmagic.backends.prediction import predict_acceptance
from hexmagic.backends.routing import route_program
from hexmagic.experiments.block import Block, Read
from hexmagic.experiments.certificates.faults import PREPARATION
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.certificates.trial import make_trial
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.patch import Patch
from hexmagic.experiments.program import Program, assemble, make_program
from hexmagic.experiments.spec import Accept, NoiseSpec

P = 0.01
PAPER, UNIFORM = NoiseSpec(kind="paper", p=P), NoiseSpec(kind="uniform", p=P)
NONE, CALIBRATION = NoiseSpec(kind="none"), NoiseSpec(kind="calibration")
DETECT, CORRECT = Accept(readout="detect"), Accept(readout="correct")
SCHEMES = ("fold", "fold13", "fold14", "tree16", "routed", "encoded", "bare")


def make(scheme: str, basis: Basis = "Z") -> Program:
    distance = {"bare": None, "fold40": 5}.get(scheme, 3)
    rounds = None if distance is None or scheme == "encoded" else (distance - 1) // 2
    return make_program(scheme=scheme, distance=distance, rounds=rounds, basis=basis)


@cache
def compiled(scheme: str, name: str, basis: Basis = "Z") -> Compiled:
    """Return a program on a device in time steps."""
    device, program = load_device(name).in_time_steps(), make(scheme, basis)
    if scheme == "routed":
        routed = route_program(program, device, 1)
        return compile_program(routed.program, device, routed.layout)
    return compile_program(program, device, choose_embedding(program, device))


def idle_steps(found: Compiled) -> int:
    return sum(int(i.params[0]) for i in found.instructions if i.name == "delay")


def exponent(found: Compiled, accept: Accept) -> float:
    """Return N of the predicted acceptance exp(-N p)."""
    certificate = certify(found.program, found.instructions)
    spec = NoiseSpec(kind="paper", p=1e-7)
    return -log(predict_acceptance(found, spec, accept, certificate).acceptance) / 1e-7


# --- what follows each instruction ----------------------------------------------------------------


def make_staggered() -> Program:
    """Return one CX whose target is turned three times while its control waits."""
    patch = Patch(
        name="pair",
        code=None,
        data=(0, 1),
        ancillas=(),
        edges=((0, 1),),
        positions=((0.0, 0.0), (1.0, 0.0)),
    )
    first, second = (("cx", 0, 1),), (("h", 1), ("s", 1), ("a", 1), ("cx", 0, 1))
    reads = tuple(Read(qubit=q, role="data", basis="Z", expected=None) for q in (0, 1))
    blocks = [
        Block(label="e", stage="encode", round=0, gates=(*first, *second)),
        Block(label="r", stage="readout", round=0, gates=(), reads=reads),
    ]
    return assemble("pair", patch, blocks, "Z")


def test_a_qubit_that_waits_three_steps_has_three_chances_to_err() -> None:
    program, device = make_staggered(), load_device("heavy_hex_3_cx").in_time_steps()
    found = compile_program(program, device, find_embeddings(program.patch, device)[0])
    names = [i.name for i in found.instructions if i.name != "barrier"]
    assert sorted(names) == sorted(["cx", "h", "s", "ry", "delay", "cx", "measure", "measure"])
    delay = next(at for at, i in enumerate(found.instructions) if i.name == "delay")
    assert found.instructions[delay].params == (3.0,)
    waits = [c for c in make_noise(found, PAPER).channels if c.at == delay]
    (control,) = found.instructions[delay].qubits
    each = PauliChannel(at=delay, qubits=(control,), probabilities=dict.fromkeys("XYZ", P / 3))
    assert waits == [each] * 3


@pytest.mark.parametrize("name", ["fake_boston", "heavy_hex_5_cx"])
def test_the_papers_noise_is_uniform_noise_and_that_of_waiting_qubits(name: str) -> None:
    found = compiled("fold13", name)
    paper, uniform = make_noise(found, PAPER), make_noise(found, UNIFORM)
    idle = {at for at, i in enumerate(found.instructions) if i.name == "delay"}
    assert tuple(c for c in paper.channels if c.at not in idle) == uniform.channels
    waits = [c for c in paper.channels if c.at in idle]
    assert len(waits) == idle_steps(found) > 100
    for wait in waits:
        assert isinstance(wait, PauliChannel)
        assert wait.qubits == found.instructions[wait.at].qubits
        assert wait.probabilities == dict.fromkeys("XYZ", P / 3)
    assert paper.readout == uniform.readout
    assert set(paper.readout.values()) == {single_qubit_readout(found.device, 0, PAPER)}


def test_there_is_no_noise_before_a_qubits_first_gate_but_its_preparation() -> None:
    found = compiled("fold14", "heavy_hex_5_cx")
    awake: set[int] = set()
    for instruction in found.instructions:
        if instruction.name == "delay":
            assert {*instruction.qubits} <= awake
        elif instruction.name != "barrier":
            awake |= {*instruction.qubits}
    channels = make_noise(found, PAPER).channels
    assert sum(c.at == PREPARATION for c in channels) == found.program.patch.num_qubits


def test_noise_and_schedule_must_fit_each_other() -> None:
    program, device = make("bare"), load_device("fake_boston")
    timed = compile_program(program, device, (36,))
    with pytest.raises(UsageError, match=r"compile it for Device\.in_time_steps\(\)"):
        make_noise(timed, PAPER)
    with pytest.raises(UsageError, match="calibration noise needs the durations of fake_boston"):
        make_noise(compiled("bare", "fake_boston"), CALIBRATION)


# --- schedules in time steps ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["fake_boston", "fake_sherbrooke", "heavy_hex_9", "heavy_hex_9_cx"]
)
@pytest.mark.parametrize("scheme", [*SCHEMES, "fold40"])
def test_every_scheme_is_scheduled_in_whole_steps(scheme: str, name: str) -> None:
    found = compiled(scheme, name)
    step = found.device.dt_seconds
    for instruction, start, end in found.windows:
        takes = {"delay": instruction.params[0] if instruction.params else 0, "rz": 0}
        assert (end - start) / step == pytest.approx(takes.get(instruction.name, 1))
        assert start / step == pytest.approx(round(start / step))
    assert not {*found.layout} & {*found.device.faulty_qubits}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_papers_gates_survive_compilation_one_for_one(scheme: str) -> None:
    found = compiled(scheme, "heavy_hex_9_cx", "Y")
    for device in (found.device, load_device("heavy_hex_9_cx")):
        again = compile_program(found.program, device, found.layout)
        native = [(i.name, i.params, i.qubits, i.gadget) for i in again.instructions]
        wanted = [
            (i.name, i.params, i.qubits, i.gadget) for i in read_instructions(found.program.circuit)
        ]
        for q in range(found.program.patch.num_qubits):
            mine = [item for item in native if q in item[2] and item[0] != "delay"]
            assert mine == [item for item in wanted if q in item[2]]


def test_fold14_has_its_own_gates_on_the_map_with_the_papers() -> None:
    found = compiled("fold14", "heavy_hex_5_cx", "Z")
    counts = Counter(i.name for i in found.instructions)
    del counts["barrier"], counts["delay"]
    assert counts == {"cx": 107, "h": 13, "ry": 15, "measure": 14}
    assert sum(found.two_qubit_gates.values()) == 107


# --- certificates and acceptance --------------------------------------------------------------


@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke", "heavy_hex_9_cx"])
@pytest.mark.parametrize("scheme", [s for s in (*SCHEMES, "fold40") if s != "bare"])
def test_without_noise_every_scheme_prepares_its_state(scheme: str, name: str) -> None:
    found = compiled(scheme, name, "X")
    trial = make_trial(found.program, found.instructions)
    assert trial.noiseless.fidelity == pytest.approx(1)


@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke", "heavy_hex_5_cx"])
@pytest.mark.parametrize("scheme", ["fold13", "fold14", "tree16"])
def test_in_time_steps_a_circuit_is_certified_as_ever(scheme: str, name: str) -> None:
    found = compiled(scheme, name, "X")
    certificate = certify(found.program, found.instructions)
    assert certificate.failures("detection") == ()
    assert certificate.failures("correction") == ()


def test_a_predicted_acceptance_is_near_that_of_the_benchmark() -> None:
    """N of `benchmarks/paper_noise.py --one-qubit-steps`, which ignores barriers, is 289."""
    found = compiled("fold14", "heavy_hex_5_cx")
    assert 289 < exponent(found, CORRECT) < 340
    assert exponent(found, CORRECT) < exponent(found, DETECT) < 375


def test_a_predicted_acceptance_counts_every_waiting_step() -> None:
    """The bound without certificate is the product over all locations."""
    found = compiled("fold14", "heavy_hex_5_cx")
    names = Counter(i.name for i in found.instructions)
    gates = sum(names[name] for name in ("cx", "h", "ry"))
    wanted = (1 - P) ** (gates + idle_steps(found)) * (1 - 2 * P / 3) ** (14 + 14)
    assert predict_acceptance(found, PAPER, DETECT, None).acceptance == pytest.approx(wanted)


@pytest.mark.parametrize("accept", [DETECT, CORRECT], ids=["detect", "correct"])
def test_the_prediction_is_what_clifft_samples(accept: Accept) -> None:
    found, spec, shots = (
        compiled("fold14", "heavy_hex_5_cx"),
        NoiseSpec(kind="paper", p=2e-4),
        100_000,
    )
    certificate = certify(found.program, found.instructions)
    predicted = predict_acceptance(found, spec, accept, certificate).acceptance
    share = clifft_acceptance(found, spec, accept, shots)
    assert abs(share - predicted) < 4 * np.sqrt(share * (1 - share) / shots) + 2e-3
    assert share < exp(-300 * 2e-4)


def clifft_acceptance(found: Compiled, spec: NoiseSpec, accept: Accept, shots: int) -> float:
    """Return how many shots are kept, by clifft, with the noise written out as text here."""
    import clifft

    from hexmagic.backends.clifft.text import Errors, make_text
    from hexmagic.experiments.shots import pack_shots

    noise = make_noise(found, spec)
    after: dict[int, list[str]] = {}
    for channel in noise.channels:
        assert isinstance(channel, PauliChannel)
        where = " ".join(map(str, channel.qubits))
        p = sum(channel.probabilities.values())
        kind = {1: "X_ERROR", 3: "DEPOLARIZE1", 15: "DEPOLARIZE2"}[len(channel.probabilities)]
        after.setdefault(channel.at, []).append(f"{kind}({p!r}) {where}")
    errors = Errors(after={at: tuple(lines) for at, lines in after.items()})
    text = make_text(found.instructions, errors)
    record = clifft.sample(clifft.compile(text.text), shots=shots, seed=11)
    columns = [text.measured.index(bit.key) for bit in found.program.record.bits]
    bits = np.asarray(record.measurements).astype(bool)[:, columns]
    flips = np.array([noise.readout[bit.key][0] for bit in found.program.record.bits])
    bits ^= np.random.default_rng(12).random(bits.shape) < flips
    shots_ = pack_shots(bits, found.program.record)
    return float(np.mean(cut_flow(shots_, accept).first_failed < 0))


# --- Aer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fake_boston", "heavy_hex_5_cx"])
def test_paper_noise_of_rate_zero_is_no_noise(name: str) -> None:
    found = compiled("fold14", name)
    quiet = sample(found, NoiseSpec(kind="paper", p=0.0), shots=50, seed=5)
    assert (quiet.bits() == sample(found, NONE, shots=50, seed=5).bits()).all()
    assert cut_flow(quiet, DETECT).kept.all()


def test_aer_accepts_as_many_as_predicted() -> None:
    found, shots = compiled("encoded", "heavy_hex_5_cx"), 400
    certificate = certify(found.program, found.instructions)
    predicted = predict_acceptance(found, PAPER, DETECT, certificate).acceptance
    share = float(np.mean(cut_flow(sample(found, PAPER, shots=shots, seed=3), DETECT).kept))
    assert abs(share - predicted) < 4 * np.sqrt(share * (1 - share) / shots) + 0.03
