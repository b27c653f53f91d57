"""Nothing that should be independent shares shots, and the same seed gives the same everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.agreement import circuit, take
from fakes.engine import make_engine
from fakes.lags import Bits, chance_of_sharing, largest_correlation
from fakes.processes import StopAfter
from fakes.world import make_thread
from qiskit_aer import AerSimulator
from test_aer_exact import make_line, small

from hexmagic.backends.aer import engine as aer
from hexmagic.backends.clifft.counts import recorded
from hexmagic.backends.clifft.noise import site_errors
from hexmagic.backends.clifft.programs import sample_survivors
from hexmagic.backends.clifft.shots import SHOTS_PER_BATCH, batches
from hexmagic.driver.adapters import Engine, load_engine
from hexmagic.driver.plan import Plan, Point, make_plan
from hexmagic.driver.prepare import Built, Prepared, Where, make_shard, prepare
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.services import Services
from hexmagic.driver.shards import Shard
from hexmagic.driver.start import resume, run
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.spec import Accept, NoiseSpec, parse_experiment

NONE = NoiseSpec(kind="none")
STRONG = NoiseSpec(kind="uniform", p=0.05)
CALIBRATION = NoiseSpec(kind="calibration", scale=3)
N = 1 << 14
"""Shots of each sample; at STRONG one pair of 8e7 is equal, so that sharing 4 shots is seen."""
SURELY = 1e-7
"""False alarms: below this for each comparison of rare rows, some 30 of them."""
FAR = 6.5
"""False alarms: 1e-6 for each comparison of common rows, see `largest_correlation`."""
EVERYTHING = Accept(hadamard=False, flags=False, syndromes=False, readout="correct")
SPEC = """\
schema_version: 1
name: seeds
description: many points
protocol: {state: H, distance: 3, scheme: fold14}
device: {backend: aer, name: heavy_hex_5, noise: {uniform: 1e-3}}
measure: [X, Y, Z]
shots: 5e4
seed: 7
sweep: {device.noise.uniform: [1e-4, 1e-3, 2e-3], protocol.reuse: [reset, xor]}
baselines: [bare, encoded]
"""


def ancillas(bits: Bits) -> Bits:
    """Return the columns that are there whatever the data are read in."""
    record = circuit("fold", "fake_boston", "X").program.record
    return bits[:, [i for i, bit in enumerate(record.bits) if bit.role != "data"]]


def strong(measure: Measure, noise: NoiseSpec, shots: int, seed: int) -> Bits:
    return take("clifft", circuit("fold", "fake_boston", measure), noise, shots, seed).bits()


# --- rows that are nearly all different -----------------------------------------------------------


@pytest.mark.parametrize("noise", [STRONG, CALIBRATION], ids=str)
def test_batches_and_neighbouring_seeds_of_clifft_share_no_shots(noise: NoiseSpec) -> None:
    """Two batches of one shard, seeds s and s + 1, s and 2^32 s."""
    first = strong("X", noise, SHOTS_PER_BATCH + N, 8)
    others = [first[SHOTS_PER_BATCH:], *(strong("X", noise, N, s) for s in (9, 8 << 32))]
    for other in others:
        assert chance_of_sharing(first[:N], other) > SURELY
        assert chance_of_sharing(first[SHOTS_PER_BATCH - N : SHOTS_PER_BATCH], other) > SURELY
    assert chance_of_sharing(first[:N], strong("X", noise, N, 8)) < SURELY


def test_no_batch_of_a_small_seed_is_one_of_a_large_seed() -> None:
    seeds = [
        engine_seed
        for seed in (5, 5 + (7 << 32), 6)
        for _, engine_seed in batches(8 * SHOTS_PER_BATCH, seed)
    ]
    assert len(set(seeds)) == 24


def test_ten_shared_shots_would_be_found() -> None:
    one, other = strong("X", STRONG, N, 8), strong("X", STRONG, N, 9)
    other[2000:2010] = one[100:110]
    assert chance_of_sharing(one, other) < SURELY


def test_shards_points_and_measures_share_no_shots() -> None:
    """By the seeds that a plan gives: ancillas alone, which all of the circuits have."""
    seeds = {
        (shard.point, shard.basis, shard.index): shard.seed for shard in planned_shards("fold", N)
    }
    rates = (0.05, 0.055)
    bits = {
        key: ancillas(strong(key[1], NoiseSpec(kind="uniform", p=rates[key[0]]), N, seed))
        for key, seed in seeds.items()
    }
    assert len(bits) == 2 * 2 * 2
    keys = sorted(bits)
    for i, one in enumerate(keys):
        for other in keys[i + 1 :]:
            assert chance_of_sharing(bits[one], bits[other]) > SURELY, (one, other)


def test_a_seed_that_two_measures_share_would_be_found() -> None:
    size = 4 * N
    one, other = (ancillas(strong(measure, STRONG, size, 5)) for measure in ("X", "Z"))
    assert chance_of_sharing(one, other) < SURELY


def planned_shards(scheme: str, size: int) -> list[Shard]:
    """Return the shards of two points, measures and indices."""
    changes = {"scheme: fold14": f"scheme: {scheme}", "1e-4, 1e-3, 2e-3": "0.05, 0.055"}
    changes |= {"5e4": str(2 * size), "X, Y, Z": "X, Z", ", protocol.reuse: [reset, xor]": ""}
    changes["baselines: [bare, encoded]\n"] = ""
    text = SPEC
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    engine = replace(make_engine(), shots_per_shard=lambda *_: size)
    return list(planned(make_plan(parse_experiment(text, source="seeds.yaml")), engine).shards)


def planned(plan: Plan, engine: Engine) -> Prepared:
    """Return a plan with shards; all of its circuits are one, which enters no seed."""
    built = Built(compiled=circuit("fold14", "fake_boston", "Z"), readout_error=None)

    def build(point: Point, where: Where) -> dict[Measure, Built]:  # noqa: ARG001
        return dict.fromkeys(point.measure, built)

    return prepare(plan, engine, build=build, judge=None, where=lambda field: field)


# --- strata ---------------------------------------------------------------------------------------


def test_strata_share_no_shots() -> None:
    """Those of k and k + 1 faults, and two shards of one k, by the seeds that they would have."""
    plan = make_plan(parse_experiment(SPEC, source="seeds.yaml"))
    ready = planned(plan, make_engine())
    point = replace(plan.points[0], keep="tallies")
    seeds = [
        make_shard(
            point, "X", ready.circuits[0], "clifft", index=index, shots=N, faults=faults
        ).seed
        for faults, index in ((40, 0), (40, 1), (41, 0))
    ]
    compiled = circuit("fold", "fake_boston", "X")
    engine = recorded(compiled, site_errors(compiled, STRONG), EVERYTHING).engine
    rows = [
        sample_survivors(engine, N, seed, keep_records=True, faults=faults).measurements == 1
        for seed, faults in zip(seeds, (40, 40, 41), strict=True)
    ]
    assert all(len(part) == N for part in rows)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert chance_of_sharing(rows[one], rows[other]) > SURELY
    again = sample_survivors(engine, N, seeds[0], keep_records=True, faults=40).measurements == 1
    assert chance_of_sharing(rows[0], again) < SURELY


# --- Aer: many shots of one circuit, rows of few kinds --------------------------------------------


def test_neighbouring_seeds_of_aer_share_no_shots() -> None:
    """A program with a reset, which Aer runs shot by shot, and one that it samples at the end."""
    line = small(make_line(), "fake_boston", NONE)
    for compiled, noise, shots in (
        (line, NONE, 3_000),
        (line, NoiseSpec(kind="uniform", p=1e-3), 3_000),
        (circuit("fold14", "fake_boston", "X"), NONE, 20_000),
    ):
        samples = [aer.sample(compiled, noise, shots=shots, seed=seed).bits() for seed in (5, 6, 7)]
        assert largest_correlation(samples[0], samples[1]) < FAR
        assert largest_correlation(samples[0], samples[2]) < FAR
        assert largest_correlation(samples[0], samples[0]) > 2 * FAR


def test_shots_that_neighbouring_seeds_of_stock_aer_share_would_be_found() -> None:
    """Aer alone takes seed + i for shot i: its runs with seeds 5 and 6 share all but one shot."""
    compiled = small(make_line(), "fake_boston", NONE)
    engine = AerSimulator(method="statevector", max_parallel_threads=1)
    samples = []
    for seed in (5, 6):
        result = engine.run(compiled.local, shots=3_000, memory=True, seed_simulator=seed).result()
        words = [word.replace(" ", "") for word in result.get_memory()]
        samples.append(np.array([[letter == "1" for letter in word] for word in words]))
    assert largest_correlation(*samples) > 2 * FAR


@pytest.mark.slow
def test_shots_of_aer_with_many_faults_are_shared_by_no_two_seeds() -> None:
    compiled = circuit("fold14", "fake_boston", "X")
    rows = [take("aer", compiled, STRONG, 1_000, seed).bits() for seed in (5, 6)]
    assert chance_of_sharing(rows[0], rows[1]) > SURELY


# --- seeds themselves -----------------------------------------------------------------------------


def test_all_seeds_of_a_large_plan_are_different() -> None:
    experiment = parse_experiment(SPEC, source="seeds.yaml")
    plans = [make_plan(replace(experiment, seed=seed)) for seed in (7, 8)]
    seeds: list[int] = []
    for plan in plans:
        ready = planned(plan, make_engine())
        seeds += [shard.seed for shard in ready.shards]
        seeds += stratum_seeds(ready)
    assert len(seeds) == 2 * 18 * 3 * (100 + 60)
    assert len(set(seeds)) == len(seeds)
    parts = [part for seed in seeds[::20] for _, part in batches(20 * SHOTS_PER_BATCH, seed)]
    assert len(set(parts)) == len(parts) > 10_000


def stratum_seeds(ready: Prepared) -> Iterator[int]:
    by_key = {circuit.key: circuit for circuit in ready.circuits}
    for point, measure in ready.plan.circuits():
        counted = replace(point, keep="tallies")
        for faults in (None, *range(19)):
            for index in range(3):
                yield make_shard(
                    counted,
                    measure,
                    by_key[point.index, measure],
                    "clifft",
                    index=index,
                    shots=N,
                    faults=faults,
                ).seed


# --- the same seed --------------------------------------------------------------------------------

TALLIES = """schema_version: 1
name: tallies
description: the same on any number of processes
protocol: {state: H, distance: 3, scheme: fold14}
device: {backend: clifft, name: heavy_hex_5, noise: {uniform: 1e-3}}
measure: [Z, H_ideal]
shots: 5e4
seed: 7
keep: tallies
sweep: {device.noise.uniform: [1e-3, 3e-3]}
"""
STRATA = TALLIES.replace("keep: tallies", "estimate: {stratified: {relative_error: 0.3}}").replace(
    "5e4", "2e6"
)


def counted_run(text: str, folder: Path, workers: int, services: Services | None = None) -> Run:
    folder.mkdir()
    path = folder / "spec.yaml"
    path.write_text(text)
    return run(path, runs=folder / "runs", workers=workers, services=services)


def interrupted_run(text: str, folder: Path, services: Services | None = None) -> Run:
    """Return a run that was stopped after two shards and resumed."""
    folder.mkdir()
    path = folder / "spec.yaml"
    path.write_text(text)
    with pytest.raises(KeyboardInterrupt):
        run(path, runs=folder / "runs", workers=2, services=services, progress=StopAfter(2))
    (stopped,) = (found for found in (folder / "runs").iterdir() if found.is_dir())
    before = tallies(open_run(stopped))
    resume(str(stopped), folder / "runs", workers=2, services=services)
    resumed = open_run(stopped)
    assert before.items() < tallies(resumed).items()
    return resumed


def tallies(run_: Run) -> dict[str, str]:
    """Return what every tally file counts."""
    files = sorted((run_.folder / "tallies").glob("*.json"))
    return {file.name: json.dumps(json.loads(file.read_text())["counts"]) for file in files}


def small_shards() -> Services:
    """Return services as they are, but with small shards."""

    def load(backend: str) -> Engine:
        return replace(load_engine(backend), shots_per_shard=lambda *_: N)

    return replace(Services(), load_engine=load)


def threads() -> Services:
    """Return them with threads in the place of worker processes."""
    return replace(small_shards(), make_pool=make_thread)


@pytest.mark.parametrize("text", [TALLIES, STRATA], ids=["direct", "stratified"])
def test_the_same_seed_gives_the_same_tallies_however_they_are_taken(
    text: str, tmp_path: Path
) -> None:
    one = counted_run(text, tmp_path / "1", 1, threads())
    assert len(tallies(one)) >= 8
    assert tallies(counted_run(text, tmp_path / "3", 3, threads())) == tallies(one)
    resumed = interrupted_run(text, tmp_path / "2", threads())
    assert tallies(resumed) == tallies(one)
    assert resumed.points().drop(columns="run").equals(one.points().drop(columns="run"))
    other = counted_run(text.replace("seed: 7", "seed: 8"), tmp_path / "8", 2, threads())
    assert not set(tallies(other).values()) & set(tallies(one).values())


@pytest.mark.slow
@pytest.mark.parametrize("text", [TALLIES, STRATA], ids=["direct", "stratified"])
def test_the_same_seed_gives_the_same_tallies_on_any_number_of_processes(
    text: str, tmp_path: Path
) -> None:
    runs = [
        counted_run(text, tmp_path / str(workers), workers, small_shards()) for workers in (1, 2, 3)
    ]
    runs.append(interrupted_run(text, tmp_path / "stopped", small_shards()))
    for other in runs[1:]:
        assert tallies(other) == tallies(runs[0])
        assert other.fidelity().drop(columns="run").equals(runs[0].fidelity().drop(columns="run"))
