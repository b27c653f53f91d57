"""The clifft adapter: records, counts and strata tell the same; seeds never share shots."""

from __future__ import annotations

import pickle
from functools import cache
from math import comb, pi, sin

import numpy as np
import pytest
from numpy.typing import NDArray

from hexmagic.analysis.postselect import count_shots, cut_flow
from hexmagic.backends.clifft.counts import ideal_flipped
from hexmagic.backends.clifft.engine import (
    approximations,
    count,
    counts_early,
    location_probabilities,
    sample,
    shots_per_shard,
)
from hexmagic.backends.clifft.noise import noise_errors
from hexmagic.backends.clifft.text import Errors
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.backends.known_strata import known_strata
from hexmagic.backends.noise.channels import PauliChannel
from hexmagic.backends.noise.models import make_noise
from hexmagic.experiments.certificates.gate_matrices import gate_matrix
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.certificates.steps import pauli_matrix
from hexmagic.experiments.counts import Counts
from hexmagic.experiments.errors import RefusedError, UsageError
from hexmagic.experiments.measures import MEASURES, Measure
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.spec import Accept, NoiseSpec

NONE = NoiseSpec(kind="none")
UNIFORM = NoiseSpec(kind="uniform", p=3e-3)
CALIBRATION = NoiseSpec(kind="calibration")
DETECT, CORRECT = Accept(), Accept(readout="correct")
SWITCHED = [
    DETECT,
    CORRECT,
    Accept(flags=False),
    Accept(hadamard=False, syndromes=False, readout="correct"),
    Accept(hadamard=False, flags=False, syndromes=False),
]
ANYTHING = Accept(hadamard=False, flags=False, syndromes=False, readout="correct")
SCHEMES = ("fold", "fold13", "fold14", "tree16", "encoded")
RECORDED: tuple[Measure, ...] = ("X", "Y", "Z", "H")
MINUS = {"X": sin(pi / 8) ** 2, "Y": 0.5, "Z": sin(pi / 8) ** 2, "H": 0.0, "H_ideal": 0.0}


@cache
def circuit(
    scheme: str,
    measure: Measure,
    device: str = "fake_boston",
    reuse: Reuse = "reset",
    distance: int = 3,
    *,
    in_time_steps: bool = False,
) -> Compiled:
    rounds = None if scheme in ("encoded", "bare") else (distance - 1) // 2
    program = make_program(
        scheme=scheme,
        distance=None if scheme == "bare" else distance,
        rounds=rounds,
        basis=measure,
        reuse=reuse,
    )
    known = load_device(device)
    layout = find_embeddings(program.patch, known)[0]
    return compile_program(program, known.in_time_steps() if in_time_steps else known, layout)


def same_rate(a: int, shots_a: int, b: int, shots_b: int, sigmas: float = 4.5) -> bool:
    """Return whether two counts fit one probability."""
    p = (a + b + 1) / (shots_a + shots_b + 2)
    width = np.sqrt(p * (1 - p) * (1 / shots_a + 1 / shots_b))
    return bool(abs(a / shots_a - b / shots_b) < sigmas * width)


def assert_same(one: Counts, other: Counts) -> None:
    for readout, found in one.outcomes.items():
        wanted = other.outcomes[readout]
        assert same_rate(found.kept, one.shots, wanted.kept, other.shots)
        assert same_rate(int(found.minus), found.kept, int(wanted.minus), wanted.kept)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_without_noise_every_shot_is_kept_in_the_right_state(scheme: str, measure: Measure) -> None:
    compiled, shots = circuit(scheme, measure), 4_000
    for accept in (DETECT, CORRECT):
        counts = count(compiled, NONE, accept, shots=shots, seed=1)
        assert counts.shots == shots
        assert counts.passed is None
        for outcome in counts.outcomes.values():
            assert outcome.kept == shots
            p = MINUS[measure]
            assert abs(outcome.minus / shots - p) <= 4.5 * np.sqrt(p * (1 - p) / shots)
    assert set(counts.outcomes) == ({"detect", "correct"} if measure == "H_ideal" else {"correct"})


@pytest.mark.parametrize("measure", MEASURES)
def test_without_noise_distance_5_is_in_the_right_state(measure: Measure) -> None:
    compiled = circuit("fold40", measure, "fake_torino", distance=5)
    counts = count(compiled, NONE, DETECT, shots=2_000, seed=1)
    outcome = counts.outcomes["detect"]
    assert outcome.kept == 2_000
    p = MINUS[measure]
    assert abs(outcome.minus / 2_000 - p) <= 4.5 * np.sqrt(p * (1 - p) / 2_000)


@pytest.mark.parametrize("accept", SWITCHED, ids=str)
@pytest.mark.parametrize("measure", RECORDED)
def test_counts_are_those_of_whole_records(measure: Measure, accept: Accept) -> None:
    compiled, shots = circuit("fold14", measure), 100_000
    wanted = count_shots(sample(compiled, UNIFORM, shots=shots, seed=2), accept)
    assert_same(count(compiled, UNIFORM, accept, shots=shots, seed=3), wanted)


@pytest.mark.parametrize("reuse", REUSES)
@pytest.mark.parametrize("measure", ["Y", "H"])
def test_counts_are_those_of_whole_records_however_ancillas_are_reused(
    measure: Measure, reuse: Reuse
) -> None:
    compiled, shots = circuit("fold14", measure, reuse=reuse), 60_000
    shots_taken = sample(compiled, UNIFORM, shots=shots, seed=2)
    for accept in (CORRECT, ANYTHING):
        wanted = count_shots(shots_taken, accept)
        assert_same(count(compiled, UNIFORM, accept, shots=shots, seed=3), wanted)


def test_counts_of_distance_5_are_those_of_whole_records() -> None:
    compiled, shots = circuit("fold40", "X", "fake_torino", distance=5), 20_000
    wanted = count_shots(sample(compiled, UNIFORM, shots=shots, seed=2), CORRECT)
    assert_same(count(compiled, UNIFORM, CORRECT, shots=shots, seed=3), wanted)


@pytest.mark.parametrize("reuse", REUSES)
def test_the_ideal_check_finds_the_same_whether_flips_are_in_the_circuit_or_behind_it(
    reuse: Reuse,
) -> None:
    compiled, shots = circuit("fold14", "H_ideal", reuse=reuse), 60_000
    noise = make_noise(compiled, UNIFORM)
    bare = Errors(after=noise_errors(compiled, noise).after)
    behind = ideal_flipped(compiled, bare, DETECT, noise).count(shots, 5, None)
    within = count(compiled, UNIFORM, DETECT, shots=shots, seed=6)
    assert_same(behind, within)


def test_what_is_accepted_does_not_depend_on_how_the_data_are_judged() -> None:
    shots = 100_000
    ideally = count(circuit("fold14", "H_ideal"), CALIBRATION, DETECT, shots=shots, seed=1)
    flow = cut_flow(sample(circuit("fold14", "Z"), CALIBRATION, shots=shots, seed=2), CORRECT)
    kept = int(np.count_nonzero(flow.kept))
    assert same_rate(ideally.outcomes["correct"].kept, shots, kept, shots)


def exact_chance_of_one(compiled: Compiled, noise: NoiseSpec) -> float:
    """Return the chance to record 1 on a program of one qubit, relaxation twirled."""
    made = make_noise(compiled, noise)
    rho = np.diag([1.0, 0.0]).astype(complex)
    for at in range(-1, len(compiled.instructions)):
        name = compiled.instructions[at].name if at >= 0 else "barrier"
        if name not in ("barrier", "measure", "delay"):
            matrix = gate_matrix(compiled.instructions[at])
            rho = matrix @ rho @ matrix.conj().T
        for channel in (c for c in made.channels if c.at == at):
            known = channel.probabilities if isinstance(channel, PauliChannel) else channel.twirl
            struck = [p * pauli_matrix(w) @ rho @ pauli_matrix(w) for w, p in known.items()]
            rho = (1 - sum(known.values())) * rho + sum(struck)
    one = float(rho[1, 1].real)
    up, down = next(iter(made.readout.values()))
    return one * (1 - down) + (1 - one) * up


@pytest.mark.parametrize("noise", [NoiseSpec(kind="calibration", scale=2), UNIFORM], ids=str)
@pytest.mark.parametrize("measure", ["X", "Z"])
def test_one_qubit_is_read_as_its_density_matrix_says(measure: Measure, noise: NoiseSpec) -> None:
    compiled, shots = circuit("bare", measure, "fake_torino"), 400_000
    p = exact_chance_of_one(compiled, noise)
    found = sample(compiled, noise, shots=shots, seed=4).bits().mean()
    assert abs(found - p) < 4.5 * np.sqrt(p * (1 - p) / shots)


def binomial(n: int, p: float) -> NDArray[np.float64]:
    return np.array([comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(13)])


@pytest.mark.parametrize(
    ("measure", "kind"),
    [("X", "uniform"), ("H", "uniform"), ("H_ideal", "uniform"), ("Z", "paper")],
)
def test_strata_add_up_to_direct_sampling(measure: Measure, kind: str) -> None:
    compiled = circuit("fold14", measure, in_time_steps=kind == "paper")
    noise = NoiseSpec(kind="paper" if kind == "paper" else "uniform", p=3e-3)
    (p,) = set(location_probabilities(compiled, noise))
    assert p == 3e-3
    weights = binomial(len(location_probabilities(compiled, noise)), p)
    assert weights.sum() > 0.9999
    shots, every = 40_000, 400_000
    strata = [
        count(compiled, noise, DETECT, shots=shots, seed=10 + k, faults=k)
        for k in range(len(weights))
    ]
    direct = count(compiled, noise, DETECT, shots=every, seed=1)
    for readout, found in direct.outcomes.items():
        for what in ("kept", "minus"):
            rates = np.array([getattr(s.outcomes[readout], what) / shots for s in strata])
            variance = (weights**2 * rates * (1 - rates) / shots).sum()
            wanted = getattr(found, what) / every
            spread = np.sqrt(variance + wanted * (1 - wanted) / every)
            assert abs(weights @ rates - wanted) < 4.5 * spread + 1e-4, (readout, what)


def test_one_fault_does_what_the_certificate_says() -> None:
    compiled, noise, shots = circuit("fold", "H_ideal"), UNIFORM, 200_000
    certificate = certify(compiled.program, compiled.instructions)
    known = known_strata(compiled, noise, certificate)
    for k in (0, 1):
        counts = count(compiled, noise, DETECT, shots=shots, seed=7, faults=k)
        for readout, (kept, wrong) in known[k].items():
            found = counts.outcomes[readout]
            assert abs(found.kept / shots - kept) <= 4.5 * np.sqrt(kept * (1 - kept) / shots)
            width = 4.5 * np.sqrt(wrong * (1 - wrong) / shots)
            assert abs(found.minus / shots - wrong) <= width + 1e-12


@pytest.mark.parametrize("kind", ["uniform", "paper"])
def test_what_a_number_of_faults_does_does_not_depend_on_p(kind: str) -> None:
    compiled = circuit("fold13", "H_ideal", in_time_steps=kind == "paper")
    rates = (1e-4, 0.02)
    noises = [NoiseSpec(kind="paper" if kind == "paper" else "uniform", p=p) for p in rates]
    one, other = (count(compiled, n, DETECT, shots=20_000, seed=9, faults=2) for n in noises)
    assert one == other
    for noise, p in zip(noises, rates, strict=True):
        assert set(location_probabilities(compiled, noise)) == {p}


def test_the_same_seed_gives_the_same_and_the_next_another() -> None:
    compiled, shots = circuit("fold14", "X"), 3_000
    packed = [sample(compiled, UNIFORM, shots=shots, seed=s).packed for s in (5, 5, 6)]
    assert np.array_equal(packed[0], packed[1])
    assert not np.array_equal(packed[0], packed[2])
    counts = [count(compiled, UNIFORM, CORRECT, shots=shots, seed=s) for s in (5, 5, 6)]
    assert counts[0] == counts[1] != counts[2]


def test_seeds_and_batches_share_no_shots() -> None:
    compiled, size = circuit("fold14", "Y"), 1 << 16
    for noise in (NoiseSpec(kind="uniform", p=0.03), NoiseSpec(kind="calibration", scale=3)):
        first = sample(compiled, noise, shots=2 * size, seed=8).bits()
        second = sample(compiled, noise, shots=size, seed=9).bits()
        for other in (first[size:], second):
            for j in range(first.shape[1]):
                r = np.corrcoef(first[:size, j], other[:, j])[0, 1]
                assert abs(r) < 5 / np.sqrt(size), (str(noise), j)


def test_strata_of_one_seed_share_no_shots() -> None:
    compiled = circuit("fold14", "H_ideal")
    counts = [count(compiled, UNIFORM, DETECT, shots=9_000, seed=s, faults=3) for s in (1, 2)]
    assert counts[0] != counts[1]


def test_counts_add_over_batches() -> None:
    compiled, shots = circuit("fold14", "H"), (1 << 16) + 777
    counts = count(compiled, NONE, DETECT, shots=shots, seed=8)
    assert counts.shots == counts.outcomes["detect"].kept == shots


def test_what_cannot_be_counted_or_recorded_is_refused() -> None:
    ideally, recorded = circuit("fold14", "H_ideal"), circuit("fold14", "Z")
    with pytest.raises(RefusedError, match="no readout to record"):
        sample(ideally, UNIFORM, shots=10, seed=1)
    with pytest.raises(RefusedError, match="asymmetric"):
        count(recorded, CALIBRATION, DETECT, shots=10, seed=1)
    with pytest.raises(UsageError, match="has 0 locations"):
        count(recorded, NONE, DETECT, shots=10, seed=1, faults=1)
    locations = len(location_probabilities(recorded, UNIFORM))
    with pytest.raises(UsageError, match=f"has {locations} locations"):
        count(recorded, UNIFORM, DETECT, shots=10, seed=1, faults=locations + 1)


def test_counting_early_is_for_symmetric_readout_and_the_ideal_check() -> None:
    assert counts_early(circuit("fold14", "Z"), UNIFORM)
    assert not counts_early(circuit("fold14", "Z"), CALIBRATION)
    assert not counts_early(circuit("fold14", "H"), CALIBRATION)
    assert counts_early(circuit("fold14", "H_ideal"), CALIBRATION)
    assert counts_early(circuit("fold14", "Z"), NoiseSpec(kind="calibration", scale=0))


def test_approximations_are_named_where_they_are_made() -> None:
    compiled = circuit("fold", "Z")
    uniform = " / ".join(approximations(compiled, UNIFORM, stratified=False))
    device = " / ".join(approximations(compiled, CALIBRATION, stratified=False))
    strata = " / ".join(approximations(compiled, CALIBRATION, stratified=True))
    assert "twirl" not in uniform
    assert "twirl" in device
    assert "exact: nothing feeds forward" in device
    assert "exact: nothing feeds forward" in strata
    assert "Z does nothing" in " / ".join(approximations(compiled, UNIFORM, stratified=True))


def test_workers_can_be_sent_the_functions_and_shards_have_a_fixed_size() -> None:
    for function in (sample, count, counts_early, location_probabilities):
        assert pickle.loads(pickle.dumps(function)) is function
    compiled = circuit("fold14", "Z")
    assert shots_per_shard(compiled, counted=True) == 1 << 20
    assert shots_per_shard(compiled, counted=False) == 1 << 16
    wide = circuit("fold40", "X", "fake_torino", distance=5)
    assert shots_per_shard(wide, counted=True) < 1 << 20
