from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hexmagic.backends.aer.engine import MAX_QUBITS, approximations, sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import Device, load_device
from hexmagic.backends.embedding import choose_embedding, find_embeddings
from hexmagic.experiments.block import Block, Read, each
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.errors import RefusedError
from hexmagic.experiments.patch import make_fold_patch
from hexmagic.experiments.program import assemble, make_program
from hexmagic.experiments.record import Role, Stage
from hexmagic.experiments.shots import Shots
from hexmagic.experiments.spec import NoiseSpec

NONE = NoiseSpec(kind="none", p=None)
CALIBRATION = NoiseSpec(kind="calibration", p=None)
CHANCE = 1 / 16  # that two shots of the encoded |H>, read in Y, agree: 16 words, equally likely
BASES: tuple[Basis, ...] = ("X", "Y", "Z")


@pytest.fixture(scope="module")
def boston() -> Device:
    return load_device("fake_boston")


def make_compiled(scheme: str, basis: Basis, device: Device) -> Compiled:
    program = (
        make_program(scheme="bare", distance=None, rounds=None, basis=basis)
        if scheme == "bare"
        else make_program(scheme=scheme, distance=3, rounds=1, basis=basis)
    )
    return compile_program(program, device, choose_embedding(program, device))


def kept(shots: Shots) -> NDArray[np.bool_]:
    """Return which shots every check accepts, from the record map alone."""
    values, record = shots.values(), shots.record
    good = np.ones(len(shots), dtype=np.bool_)
    for j, bit in enumerate(record.bits):
        if bit.expected is not None:
            good &= values[:, j] == bool(bit.expected)
    for face in record.faces:
        good &= values[:, record.columns(face.bits)].sum(axis=1) % 2 == face.expected
    return good


def logical_mean(shots: Shots) -> float:
    columns = shots.record.columns(shots.record.logical.bits)
    odd = shots.values()[:, columns].sum(axis=1) % 2
    return shots.record.logical.sign * float(np.mean(1 - 2 * odd.astype(float)))


@pytest.mark.parametrize("scheme", ["fold14", "fold13", "fold"])
@pytest.mark.parametrize("basis", BASES)
def test_without_noise_every_shot_is_accepted(scheme: str, basis: Basis, boston: Device) -> None:
    shots = sample(make_compiled(scheme, basis, boston), NONE, shots=100, seed=3)
    assert len(shots) == 100
    assert kept(shots).all()


@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke", "fake_kolkata"])
@pytest.mark.parametrize("basis", BASES)
def test_the_noiseless_state_is_h(name: str, basis: Basis) -> None:
    n = 100_000
    shots = sample(make_compiled("fold14", basis, load_device(name)), NONE, shots=n, seed=11)
    wanted = 0.0 if basis == "Y" else np.sqrt(0.5)
    assert abs(logical_mean(shots) - wanted) < 4 * np.sqrt((1 - wanted**2) / n)
    assert kept(shots).all()


def overlap(first: Shots, second: Shots) -> float:
    """Return the largest share of equal shots at any shift by up to three."""
    a, b = first.packed, second.packed
    n = len(a)
    shares = []
    for k in range(-3, 4):
        left, right = a[max(0, k) : n + min(0, k)], b[max(0, -k) : n + min(0, -k)]
        shares.append(float((left == right).all(axis=1).mean()))
    return max(shares)


@pytest.mark.parametrize("noise", [NONE, CALIBRATION], ids=str)
def test_a_seed_gives_its_own_shots_and_always_the_same(noise: NoiseSpec, boston: Device) -> None:
    """fold13 in Y: its measurements in the middle make Aer run shot by shot, of 16 outcomes."""
    compiled = make_compiled("fold13", "Y", boston)
    zero, one, again = (sample(compiled, noise, shots=80, seed=seed) for seed in (0, 1, 0))
    assert np.array_equal(zero.packed, again.packed)
    assert overlap(zero, one) < CHANCE + 5 * np.sqrt(CHANCE / 80)


def test_shots_of_one_run_do_not_repeat_each_other(boston: Device) -> None:
    shots = sample(make_compiled("fold13", "Y", boston), CALIBRATION, shots=160, seed=8)
    first, second = (replace(shots, packed=half) for half in np.split(shots.packed, 2))
    assert overlap(first, second) < CHANCE + 5 * np.sqrt(CHANCE / 80)


def reading(label: str, stage: Stage, role: Role, qubits: list[int]) -> Block:
    expected = None if role == "data" else 0
    reads = tuple(Read(qubit=q, role=role, basis="Z", expected=expected) for q in qubits)
    return Block(label=label, stage=stage, round=0, gates=(), reads=reads)


@pytest.mark.parametrize("seed", range(4))
def test_every_bit_comes_back_under_its_own_register_and_index(seed: int, boston: Device) -> None:
    patch, rng = make_fold_patch(3), np.random.default_rng(seed)
    ancillas, data = rng.permutation(range(7, 13)).tolist(), rng.permutation(7).tolist()
    up = {q for q in range(13) if rng.random() < 0.5}
    blocks = [
        Block(label="e", stage="encode", round=0, gates=each("x", tuple(up))),
        reading("h", "hadamard", "flag", ancillas[:2]),
        reading("d", "detection", "syndrome", ancillas[2:]),
        reading("r", "readout", "data", data),
    ]
    program = assemble("canary", patch, blocks, "Z")
    compiled = compile_program(program, boston, find_embeddings(patch, boston)[seed])
    bits = sample(compiled, NONE, shots=5, seed=0).bits()
    order = [("hadamard0", ancillas[:2]), ("detection0", ancillas[2:]), ("data", data)]
    for register, qubits in order:
        for index, q in enumerate(qubits):
            assert (bits[:, program.record.column[register, index]] == (q in up)).all()


@pytest.mark.parametrize("start", [0, 1])
def test_readout_flips_with_the_probability_of_the_true_value(start: int, boston: Device) -> None:
    patch, n = make_fold_patch(3), 20_000
    raised = Block(label="e", stage="encode", round=0, gates=each("x", patch.data))
    blocks = [*[raised][:start], reading("r", "readout", "data", list(patch.data))]
    program = assemble("readout", patch, blocks, "Z")
    layout = find_embeddings(patch, boston)[0]
    qubits = list(boston.qubits)
    rates = [(0.01 * (q + 1), 0.2 - 0.02 * q) for q in range(7)]
    for q, (up, down) in enumerate(rates):
        old = qubits[layout[q]]
        qubits[layout[q]] = replace(
            old,
            prob_1_given_0=up,
            prob_0_given_1=down,
            t1_seconds=1e3,
            t2_seconds=1e3,
            one_qubit=replace(old.one_qubit, error=0.0),
        )
    compiled = compile_program(program, replace(boston, qubits=tuple(qubits)), layout)
    bits = sample(compiled, CALIBRATION, shots=n, seed=2).bits()
    for q, rate in enumerate(rates):
        p = rate[start]
        assert abs(np.mean(bits[:, q] != start) - p) < 5 * np.sqrt(p * (1 - p) / n)


def test_circuits_above_the_limit_are_refused() -> None:
    program = make_program(scheme="fold", distance=5, rounds=1, basis="Z")
    device = load_device("fake_sherbrooke")
    compiled = compile_program(program, device, find_embeddings(program.patch, device)[0])
    assert program.patch.num_qubits > MAX_QUBITS
    with pytest.raises(RefusedError, match="40 qubits, the state vector takes up to 20"):
        sample(compiled, NONE, shots=1, seed=0)


def test_resets_are_among_the_recorded_rewrites(boston: Device) -> None:
    with_reset = approximations(make_compiled("fold13", "Z", boston), NONE)
    without = approximations(make_compiled("fold14", "Z", boston), NONE)
    assert len(with_reset) == len(without) + 1
    assert "reset" in with_reset[-1]
