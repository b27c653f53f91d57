"""The contract of engines: what every engine does, ours and anybody's.

    HEXMAGIC_BACKEND=module:factory .venv/bin/pytest tests/test_engine_contract.py

asks it of an engine of your own: `factory()` returns a `driver.adapters.Engine`
(docs/extending_engine.md). What an engine refuses is skipped, with its reason. Backend ibm is not
asked: it samples nothing on call (see there).
"""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.agreement import KEPT, classes, compare
from fakes.contract import NONE, VALUES, engine_names, find_engine, protocol, word_circuit
from fakes.world import make_services

from hexmagic.analysis.postselect import count_shots
from hexmagic.backends.clifft import engine as clifft_engine
from hexmagic.backends.compilation import Compiled
from hexmagic.driver.adapters import Engine
from hexmagic.driver.shards import Shard
from hexmagic.driver.start import run
from hexmagic.driver.workers import Kit, Task, make_process_pool, run_shard
from hexmagic.experiments.errors import HexmagicError, RefusedError, UsageError
from hexmagic.experiments.shots import Shots
from hexmagic.experiments.spec import Accept, NoiseSpec, load_experiment

SIGMAS = 4.0
SEEDS = (0, 1, 2**31, 2**32 + 1, 2**63 - 1)
SHOTS = 300
ACCEPT = Accept()
NOISES = (
    NoiseSpec(kind="uniform", p=0.01),
    NoiseSpec(kind="calibration"),
    NoiseSpec(kind="calibration", scale=3.0),
)


@pytest.fixture(scope="module", params=engine_names())
def engine(request: pytest.FixtureRequest) -> Engine:
    return find_engine(request.param)


def take(
    engine: Engine, compiled: Compiled, noise: NoiseSpec = NONE, *, shots: int = SHOTS, seed: int
) -> Shots:
    """Return shots; what the engine refuses, in one line, skips the test."""
    try:
        return engine.sample(compiled, noise, shots=shots, seed=seed)
    except HexmagicError as error:
        assert isinstance(error, RefusedError | UsageError)
        assert str(error) and len(str(error).splitlines()) == 1
        pytest.skip(f"refused: {error}")


def rows(shots: Shots) -> list[list[int]]:
    found: list[list[int]] = shots.packed.tolist()
    return found


# --- what it is -----------------------------------------------------------------------------------


def test_it_has_a_name_and_a_version(engine: Engine) -> None:
    assert engine.name and engine.name == engine.name.lower() and " " not in engine.name
    assert engine.version and len(engine.identity.splitlines()) == 1
    assert engine.max_qubits is None or engine.max_qubits > 0
    assert engine.machines is None


def test_worker_processes_find_its_functions_by_name(engine: Engine) -> None:
    for function in filter(None, (engine.sample, engine.count)):
        assert pickle.loads(pickle.dumps(function)) is function


def test_a_shard_has_as_many_shots_every_time(engine: Engine) -> None:
    for counted in (False, True):
        sizes = {engine.shots_per_shard(protocol("encoded"), counted) for _ in range(3)}
        assert len(sizes) == 1 and min(sizes) >= 1


def test_what_it_changes_is_told_in_lines(engine: Engine) -> None:
    told = engine.approximations(protocol("encoded"), NONE, stratified=False)
    assert told == (*told,) and all(len(text.splitlines()) == 1 for text in told)
    if engine.locations is None:
        with pytest.raises(RefusedError):
            engine.approximations(protocol("encoded"), NONE, stratified=True)


# --- shots and seeds ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["bare", "encoded"])
def test_it_takes_what_every_engine_takes(engine: Engine, scheme: str) -> None:
    assert len(engine.sample(protocol(scheme), NONE, shots=3, seed=1)) == 3


@pytest.mark.parametrize("shots", [1, 2, 7, 64, 1001])
def test_there_are_exactly_as_many_shots_as_asked_for(engine: Engine, shots: int) -> None:
    compiled = protocol("encoded")
    taken = engine.sample(compiled, NONE, shots=shots, seed=5)
    assert len(taken) == shots
    assert taken.record == compiled.program.record
    padding = 8 * taken.packed.shape[1] - len(taken.record.bits)
    assert not (taken.packed[:, -1] >> (8 - padding)).any(), "the bits behind the last are zero"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_shots(engine: Engine, seed: int) -> None:
    compiled = protocol("encoded")
    first = engine.sample(compiled, NONE, shots=SHOTS, seed=seed)
    engine.sample(protocol("bare"), NONE, shots=7, seed=seed + 1 if seed < SEEDS[-1] else 3)
    again = engine.sample(compiled, NONE, shots=SHOTS, seed=seed)
    assert rows(first) == rows(again)


def test_other_seeds_give_other_shots(engine: Engine) -> None:
    taken = [rows(engine.sample(protocol("encoded"), NONE, shots=50, seed=s)) for s in SEEDS]
    assert all(a != b for i, a in enumerate(taken) for b in taken[:i])


def test_shots_of_other_seeds_are_independent(engine: Engine) -> None:
    """Neighbouring seeds share no shots: seeds are not added up inside."""
    one, other = (engine.sample(protocol("bare"), NONE, shots=4000, seed=s).bits() for s in (7, 8))
    share, chance = (one == other).mean(), (1 + VALUES["Z"] ** 2) / 2
    assert abs(share - chance) < SIGMAS * sqrt(chance * (1 - chance) / 4000)


def test_the_global_generators_are_neither_read_nor_moved(engine: Engine) -> None:
    compiled = protocol("encoded")
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    first = engine.sample(compiled, NONE, shots=SHOTS, seed=11)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    random.seed(2)
    np.random.seed(2)
    assert rows(engine.sample(compiled, NONE, shots=SHOTS, seed=11)) == rows(first)


def test_worker_processes_take_the_same_shots(engine: Engine) -> None:
    compiled, many = protocol("encoded"), 4
    shard = Shard(id="0", point=0, basis="Z", index=0, first_shot=0, shots=SHOTS, seed=21)
    task = Task(compiled=compiled, noise=NONE, accept=ACCEPT)
    pool = make_process_pool(2, Kit(sample=engine.sample, tasks={(0, "Z"): task}))
    with pool:
        found = [pool.submit(run_shard, shard) for _ in range(many)]
        taken = [np.asarray(future.result()).tolist() for future in found]
    assert taken == [rows(engine.sample(compiled, NONE, shots=SHOTS, seed=21))] * many


# --- bits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("twice", [False, True])
def test_every_bit_is_where_its_name_says(engine: Engine, twice: bool) -> None:
    compiled, known = word_circuit(twice=twice)
    shots = take(engine, compiled, shots=20, seed=3)
    expected = [bool(known[bit.key]) for bit in compiled.program.record.bits]
    assert expected != expected[::-1]
    assert shots.bits().tolist() == [expected] * 20


# --- physics --------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
@pytest.mark.parametrize("scheme", ["encoded", "fold14", "fold13"])
def test_without_noise_every_shot_is_kept_and_right(
    engine: Engine, scheme: str, basis: str
) -> None:
    shots = 30 if scheme == "fold13" else 2000  # with resets a state vector takes its time
    found = classes(take(engine, protocol(scheme, basis), shots=shots, seed=4))
    assert found[KEPT].sum() == found.sum() == shots
    value, exact = 1 - 2 * found[7] / shots, VALUES[basis]
    assert abs(value - exact) < SIGMAS * sqrt((1 - exact**2) / shots)


@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
def test_a_bare_qubit_is_the_magic_state(engine: Engine, basis: str) -> None:
    bits = take(engine, protocol("bare", basis), shots=4000, seed=4).bits()
    value, exact = 1 - 2 * bits.mean(), VALUES[basis]
    assert abs(value - exact) < SIGMAS * sqrt((1 - exact**2) / 4000)


def kept(engine: Engine, noise: NoiseSpec, shots: int = 250) -> int:
    return int(classes(take(engine, protocol("encoded"), noise, shots=shots, seed=9))[KEPT].sum())


def test_more_noise_lets_fewer_shots_through(engine: Engine) -> None:
    rates = [kept(engine, NoiseSpec(kind="uniform", p=p)) for p in (0.0, 0.01, 0.1)]
    assert rates[0] == 250
    assert rates[0] - rates[1] > 10 and rates[1] - rates[2] > 50


@pytest.mark.parametrize(
    "noise", [NONE, *NOISES[:2], pytest.param(NOISES[2], marks=pytest.mark.slow)], ids=str
)
def test_its_rates_are_those_of_clifft(engine: Engine, noise: NoiseSpec) -> None:
    compiled = protocol("encoded", "X")
    ours = classes(take(engine, compiled, noise, shots=700, seed=12))
    theirs = classes(clifft_engine.sample(compiled, noise, shots=30_000, seed=13))
    for name, rate in compare(ours, theirs).items():
        assert abs(rate.sigmas) < SIGMAS, (name, rate)


def test_what_it_cannot_hold_is_refused_in_a_line(engine: Engine) -> None:
    if engine.max_qubits is None:
        pytest.skip("it holds any size")
    compiled = protocol("fold", distance=5)
    if compiled.program.patch.num_qubits <= engine.max_qubits:
        pytest.skip(f"it holds {engine.max_qubits} qubits")
    with pytest.raises(RefusedError) as refused:
        engine.sample(compiled, NONE, shots=1, seed=1)
    assert len(str(refused.value).splitlines()) == 1


# --- counting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [NONE, *NOISES], ids=str)
def test_counting_gives_what_sampling_gives(engine: Engine, noise: NoiseSpec) -> None:
    if engine.count is None:
        pytest.skip("it does not count")
    compiled, shots = protocol("fold14", "X"), 20_000
    given: dict[str, Any] = {"shots": shots, "seed": 15, "faults": None}
    try:
        counts = engine.count(compiled, noise, ACCEPT, **given)
    except RefusedError as error:
        assert engine.counts_early is not None and not engine.counts_early(compiled, noise)
        pytest.skip(f"refused: {error}")
    assert counts == engine.count(compiled, noise, ACCEPT, **given)
    sampled = count_shots(take(engine, compiled, noise, shots=shots, seed=16), ACCEPT)
    assert counts.shots == sampled.shots == shots
    one, other = counts.outcomes["detect"], sampled.outcomes["detect"]
    assert_same_rate(one.kept, shots, other.kept, shots)
    assert_same_rate(int(one.minus), one.kept, int(other.minus), other.kept)


def assert_same_rate(hits: int, of: int, others: int, of_others: int) -> None:
    pooled = (hits + others) / (of + of_others)
    sigma = sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_others))
    assert abs(hits / of - others / of_others) <= SIGMAS * sigma


def test_fault_locations_are_probabilities(engine: Engine) -> None:
    if engine.locations is None:
        pytest.skip("it tells no fault locations")
    chances = engine.locations(protocol("fold14", "X"), NOISES[0])
    assert chances.ndim == 1 and len(chances) > 100
    assert ((chances >= 0) & (chances <= 1)).all() and chances.max() > 0


# --- a run ----------------------------------------------------------------------------------------


def test_a_whole_run_gives_the_state_twice(engine: Engine, tmp_path: Path) -> None:
    shipped = load_experiment(Path(__file__).parents[1] / "experiments" / "smoke.yaml")
    encoded = replace(shipped.protocol, scheme="encoded", rounds=None)
    experiment = replace(shipped, protocol=encoded, baselines=("bare",), shots=600, expect=None)
    services = replace(make_services(), load_engine=lambda _name: engine)
    runs = [run(experiment, runs=tmp_path / name, services=services) for name in ("a", "b")]
    tables = [one.fidelity() for one in runs]
    assert tables[0].drop(columns="run").equals(tables[1].drop(columns="run"))
    assert set(tables[0]["acceptance"]) == {1.0}
    assert ((tables[0]["fidelity"] - 1).abs() < 0.12).all()
    assert engine.identity in (runs[0].folder / "provenance.json").read_text()
