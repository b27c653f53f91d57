"""A run on a real Dask cluster: its processes are killed, and nothing changes or repeats."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fakes import engine as fake
from fakes import logged
from fakes.cluster import SHORT, Cluster, cluster, fake_distribution, wait_until
from fakes.logged import PASSES
from fakes.processes import At, StopAfter
from fakes.world import SHARDS, make_clock, make_services, write_spec

from hexmagic.driver.dask.cluster import Patience
from hexmagic.driver.dask.pool import ClusterLostError, DaskPool, make_dask_pool
from hexmagic.driver.dask.worker import BrokenClusterError, software
from hexmagic.driver.execution import RunFailedError
from hexmagic.driver.executors import shards_in_flight
from hexmagic.driver.ledger.runs import LEDGER_NAME, Ledger
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.services import Services
from hexmagic.driver.start import resume, run
from hexmagic.driver.workers import Kit, make_process_pool

RUN_ID = "tiny-20260102-030405-0000"
IMPATIENT = replace(SHORT, workers=1.0)
KIT = Kit(sample=fake.sample, tasks={})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run in two worker processes of this machine."""
    folder = tmp_path_factory.mktemp("whole")
    services = replace(make_services(), make_pool=make_process_pool)
    return run(write_spec(folder), runs=folder, services=services, workers=2)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers, for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("pair")
    with cluster(folder / "cluster", workers=2, FAKE_FAILURES=str(folder / "trouble")) as made:
        yield made


def on(
    made: Cluster, patience: Patience = SHORT, sampler: Callable[..., Any] = fake.sample
) -> Services:
    """Return services with a fake engine on a cluster."""
    pool = partial(make_dask_pool, address=made.address, patience=patience)
    return replace(make_services(fake.make_engine(sampler)), make_pool=pool)


def shot_bytes(run_: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run_.folder / "shots").iterdir()}


def attempts(runs: Path) -> list[tuple[int, int]]:
    """Return (seed, attempt) of every attempt that the ledger knows."""
    with Ledger(runs / LEDGER_NAME, clock=make_clock()) as ledger:
        return [(job.seed, job.attempt) for job in ledger.jobs(RUN_ID)]


def done(runs: Path) -> set[int]:
    """Return the seeds of the shards that the ledger has as done."""
    with Ledger(runs / LEDGER_NAME, clock=make_clock()) as ledger:
        return {job.seed for job in ledger.jobs(RUN_ID) if job.state == "done"}


def test_a_cluster_gives_the_shots_that_processes_give(
    whole: Run, pair: Cluster, tmp_path: Path
) -> None:
    other = run(write_spec(tmp_path), runs=tmp_path, services=on(pair), workers=4)
    assert shot_bytes(other) == shot_bytes(whole)
    assert len(shot_bytes(whole)) == SHARDS


def test_a_killed_worker_changes_nothing_and_no_finished_shard_repeats(
    whole: Run, tmp_path: Path
) -> None:
    book, finished, killed = tmp_path / "book", set[int](), list[int]()
    book.mkdir()

    def kill_one() -> None:
        wait_until(lambda: len({entry.pid for entry in logged.running(book)}) == 2)
        finished.update(done(tmp_path))
        victim = logged.running(book)[0]
        (process,) = [p for p in made.workers if p.pid == victim.pid]
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed.append(victim.seed)
        logged.open_gate(book)

    with cluster(tmp_path / "cluster", workers=2, FAKE_BOOK=str(book)) as made:
        services = on(made, sampler=logged.sample_at_gate)
        other = run(
            write_spec(tmp_path),
            runs=tmp_path,
            services=services,
            workers=4,
            progress=At(PASSES, kill_one),
        )
    assert shot_bytes(other) == shot_bytes(whole)
    assert Counter(other.jobs()["state"]) == {"done": SHARDS}
    assert [attempt for _, attempt in attempts(tmp_path)] == [1] * SHARDS
    times = Counter(logged.started(book))
    assert len(finished) == PASSES
    assert all(times[seed] == 1 for seed in finished)
    assert [times[seed] for seed in killed] == [2]
    assert len(times) == SHARDS


@pytest.mark.slow
def test_if_all_workers_die_the_run_fails_and_resumes_with_processes(
    whole: Run, tmp_path: Path
) -> None:
    with cluster(tmp_path / "cluster", workers=1) as made:
        services = on(made, IMPATIENT)
        kill = At(PASSES, made.workers[0].kill)
        with pytest.raises(RunFailedError, match="all workers are gone and none came for 1 s"):
            run(write_spec(tmp_path), runs=tmp_path, services=services, progress=kill, workers=2)
    failed = open_run(tmp_path / RUN_ID)
    assert failed.state == "failed"
    assert PASSES <= Counter(failed.jobs()["state"])["done"] < SHARDS
    finished = done(tmp_path)
    services = replace(make_services(), make_pool=make_process_pool)
    resumed = resume("latest", tmp_path, services=services, workers=2)
    assert shot_bytes(resumed) == shot_bytes(whole)
    again = {seed for seed, attempt in attempts(tmp_path) if attempt > 1}
    assert again
    assert not again & finished


@pytest.mark.slow
def test_if_the_scheduler_dies_the_run_fails_and_resumes(whole: Run, tmp_path: Path) -> None:
    with cluster(tmp_path / "cluster", workers=1) as made:
        services = on(made, replace(SHORT, scheduler=3.0))
        kill = At(PASSES, made.scheduler.kill)
        with pytest.raises(RunFailedError, match="the scheduler is gone or was restarted") as lost:
            run(write_spec(tmp_path), runs=tmp_path, services=services, progress=kill, workers=2)
    assert len(str(lost.value).splitlines()) == 1
    assert "--resume" in lost.value.__notes__[0]
    resumed = resume("latest", tmp_path, services=make_services())
    assert shot_bytes(resumed) == shot_bytes(whole)


@pytest.mark.slow
def test_a_scheduler_that_hangs_is_given_up_in_bounded_time(tmp_path: Path) -> None:
    with cluster(tmp_path / "cluster", workers=1) as made:
        patience = Patience(scheduler=1.0, workers=2.0)
        pool = make_dask_pool(1, KIT, address=made.address, patience=patience)
        made.scheduler.send_signal(signal.SIGSTOP)
        future = pool.submit(abs, -1)
        with pytest.raises(BrokenClusterError, match="the scheduler has not answered for 2 s"):
            future.result(timeout=30)
        began = time.monotonic()
        pool.shutdown()
        assert time.monotonic() - began < 10


def test_an_interrupt_leaves_nothing_on_the_scheduler(
    whole: Run, pair: Cluster, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(
            write_spec(tmp_path),
            runs=tmp_path,
            services=on(pair),
            workers=8,
            progress=StopAfter(1),
        )
    wait_until(lambda: pair.tasks() == [])
    stopped = open_run(tmp_path / RUN_ID)
    assert stopped.state == "interrupted"
    assert Counter(stopped.jobs()["state"])["cancelled"] >= 1
    resumed = resume("latest", tmp_path, services=on(pair), workers=8)
    assert shot_bytes(resumed) == shot_bytes(whole)


def test_a_finished_run_leaves_nothing_on_the_scheduler(pair: Cluster, tmp_path: Path) -> None:
    run(write_spec(tmp_path), runs=tmp_path, services=on(pair), workers=4)
    wait_until(lambda: pair.tasks() == [])


def test_a_sampler_that_raises_fails_its_shards_only(
    whole: Run, pair: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = pair.folder.parent / "trouble"
    monkeypatch.setenv(fake.FAILURES, str(trouble))
    trouble.touch()
    services = on(pair, sampler=fake.sample_or_raise)
    with pytest.raises(RunFailedError, match=r"6 of 12 shards .* the fake cannot do Z not at all"):
        run(write_spec(tmp_path), runs=tmp_path, services=services, workers=4)
    trouble.unlink()
    assert shot_bytes(resume("latest", tmp_path, services=services)) == shot_bytes(whole)


@pytest.mark.slow
def test_a_worker_that_its_nanny_restarts_gets_the_kit_again(whole: Run, tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()

    def kill_it() -> None:
        wait_until(lambda: logged.running(book))
        os.kill(logged.running(book)[0].pid, signal.SIGKILL)
        logged.open_gate(book)

    with cluster(tmp_path / "cluster", workers=0, FAKE_BOOK=str(book)) as made:
        made.add_worker(nanny=True)
        other = run(
            write_spec(tmp_path),
            runs=tmp_path,
            services=on(made, sampler=logged.sample_at_gate),
            workers=2,
            progress=At(PASSES, kill_it),
        )
    assert shot_bytes(other) == shot_bytes(whole)
    assert len({entry.pid for entry in logged.entries(book)}) == 2


@pytest.mark.slow
def test_a_worker_that_joins_with_other_software_stops_the_run(tmp_path: Path) -> None:
    newer = fake_distribution(tmp_path, "clifft", "99.1")
    with cluster(tmp_path / "cluster", workers=1) as made:
        pool = make_dask_pool(1, KIT, address=made.address, patience=SHORT)
        made.add_worker(PYTHONPATH=str(newer))
        made.wait_for_workers(2)
        made.workers[0].kill()
        with pytest.raises(BrokenClusterError, match=r"has clifft 99\.1, here it is clifft \d"):
            pool.submit(abs, -1).result(timeout=60)
        with pytest.raises(BrokenClusterError, match="clifft"):
            pool.submit(abs, -1).result(timeout=0)
        pool.shutdown()


@pytest.mark.slow
def test_the_number_in_flight_follows_the_cluster(tmp_path: Path) -> None:
    with cluster(tmp_path / "cluster", workers=1) as made:
        pool = make_dask_pool(7, KIT, address=made.address, patience=IMPATIENT)
        assert shards_in_flight(pool, 7) == 2
        made.add_worker()
        wait_until(lambda: shards_in_flight(pool, 7) == 4)
        pool.shutdown()


def test_a_worker_that_finds_other_software_stops_the_pool_for_good(pair: Cluster) -> None:
    pool = make_dask_pool(1, KIT, address=pair.address, patience=SHORT)
    assert isinstance(pool, DaskPool)
    pool._ours = software() | {"numpy": "0.1"}
    with pytest.raises(BrokenClusterError, match=r"here it is numpy 0\.1: its results would not"):
        pool.submit(abs, -1).result(timeout=60)
    pool._ours = software()
    with pytest.raises(BrokenClusterError, match=r"here it is numpy 0\.1"):
        pool.submit(abs, -1).result(timeout=0)
    pool.shutdown()
    pool.shutdown()


def test_a_shard_is_given_up_when_no_worker_comes_in_the_place_of_one_that_died(
    tmp_path: Path,
) -> None:
    with cluster(tmp_path / "cluster", workers=1) as made:
        pool = make_dask_pool(1, KIT, address=made.address, patience=IMPATIENT)
        future = pool.submit(time.sleep, 600)
        made.workers[0].kill()
        with pytest.raises(BrokenClusterError, match="all workers are gone and none came for 1 s"):
            future.result(timeout=60)
        with pytest.raises(BrokenClusterError, match="all workers are gone"):
            pool.submit(abs, -1).result(timeout=0)
        pool.shutdown()


def test_shutting_down_waits_for_what_is_in_flight(pair: Cluster) -> None:
    pool = make_dask_pool(1, KIT, address=pair.address, patience=SHORT)
    futures = [pool.submit(abs, -i) for i in range(10)]
    pool.shutdown()
    assert [future.result(timeout=0) for future in futures] == list(range(10))
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(abs, -1)


def test_a_large_kit_is_sent_without_a_warning(pair: Cluster) -> None:
    kit = replace(KIT, tasks={(0, "X"): os.urandom(12_000_000)})  # type: ignore[dict-item]
    pool = make_dask_pool(1, kit, address=pair.address, patience=SHORT)
    assert pool.submit(abs, -1).result(timeout=60) == 1
    pool.shutdown()


def test_cancelling_ends_every_future(pair: Cluster) -> None:
    pool = make_dask_pool(1, KIT, address=pair.address, patience=SHORT)
    futures = [pool.submit(time.sleep, 0.2) for _ in range(20)]
    pool.shutdown(cancel_futures=True)
    landed, flying = wait(futures, timeout=10)
    assert not flying
    assert any(isinstance(future.exception(), CancelledError) for future in landed)
    wait_until(lambda: pair.tasks() == [])


def test_a_cluster_that_went_away_before_the_first_shard_is_an_error_that_resumes(
    tmp_path: Path,
) -> None:
    with cluster(tmp_path / "cluster", workers=0) as made:
        pass
    services = on(made, replace(SHORT, scheduler=0.5))
    with pytest.raises(ClusterLostError, match=r"no Dask scheduler answered within 0\.5 s") as lost:
        run(write_spec(tmp_path), runs=tmp_path, services=services)
    assert "--resume" in lost.value.__notes__[0]
    assert open_run(tmp_path / RUN_ID).state == "failed"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["backend: aer", "backend: clifft"])
def test_an_engine_gives_the_same_shots_on_a_cluster(tmp_path: Path, engine: str) -> None:
    text = (Path(__file__).parents[1] / "experiments" / "smoke.yaml").read_text()
    spec = tmp_path / "spec.yaml"
    spec.write_text(text.replace("backend: aer", engine))
    with cluster(tmp_path / "cluster", workers=2) as made:
        pools = [make_process_pool, on(made).make_pool]
        first, second = (
            run(spec, runs=tmp_path / str(i), shots=1200, services=Services(make_pool=pool))
            for i, pool in enumerate(pools)
        )
    assert shot_bytes(first) == shot_bytes(second)
    assert len(shot_bytes(first)) >= 3
