"""What a resumed run makes of every state that a job can be left in, and what a pool may do."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.engine import sample
from fakes.processes import StopAfter
from fakes.world import SHARDS, make_clock, make_services, write_spec

from hexmagic.driver.dask import cluster as dask_cluster
from hexmagic.driver.dask import worker
from hexmagic.driver.dask.worker import (
    BrokenClusterError,
    run_with_kit,
    software,
    unpack_kit,
)
from hexmagic.driver.execution import RunFailedError
from hexmagic.driver.executors import pool_factory
from hexmagic.driver.ledger.jobs import EventRow
from hexmagic.driver.ledger.runs import LEDGER_NAME, Ledger
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.start import resume, run
from hexmagic.driver.workers import Kit, make_process_pool, stop_pool, take_shard
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.measures import Measure

RUN_ID = "tiny-20260102-030405-0000"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return run(write_spec(folder), runs=folder / "runs", services=make_services())


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The folder of the same run, interrupted after its first shard."""
    with pytest.raises(KeyboardInterrupt):
        run(write_spec(tmp_path), runs=tmp_path, services=make_services(), progress=StopAfter(1))
    return tmp_path / RUN_ID


@pytest.fixture
def ledger(stopped: Path) -> Iterator[Ledger]:
    with Ledger(stopped.parent / LEDGER_NAME, clock=make_clock()) as opened:
        yield opened


def events(folder: Path) -> list[EventRow]:
    with Ledger(folder.parent / LEDGER_NAME, clock=make_clock()) as ledger:
        return ledger.events(RUN_ID)


def go_on(folder: Path, whole: Run) -> Run:
    """Resume a run; its tables must be those of the run that nothing interrupted."""
    resumed = resume(str(folder), services=make_services())
    assert len(list((folder / "shots").iterdir())) == SHARDS
    for name in ("fidelity.csv", "points.csv", "cutflow.csv"):
        assert (folder / "tables" / name).read_bytes() == (
            whole.folder / "tables" / name
        ).read_bytes()
    return resumed


def test_the_shots_of_a_job_that_was_given_up_are_taken_as_its_next_attempt(
    stopped: Path, ledger: Ledger, whole: Run
) -> None:
    jobs = ledger.latest_jobs(RUN_ID).values()
    late = next(job for job in jobs if job.state == "cancelled")
    name = late.to_shard().file_name
    shutil.copy(whole.folder / name, stopped / name)
    go_on(stopped, whole)
    told = [event for event in events(stopped) if event.shard == late.shard]
    assert [event.detail for event in told][-1] == "adopted: its shot file is complete"
    assert "attempt 1 was cancelled" in [event.detail for event in told]
    assert told[-1].attempt == 2


def test_a_damaged_file_of_a_job_that_was_never_sent_is_noted_and_made_again(
    stopped: Path, ledger: Ledger, whole: Run
) -> None:
    jobs = ledger.latest_jobs(RUN_ID).values()
    waiting = next(job for job in jobs if job.state == "planned")
    (stopped / waiting.to_shard().file_name).write_bytes(b"half of a f")
    go_on(stopped, whole)
    noted = [event for event in events(stopped) if "damaged shot file" in event.detail]
    assert [event.shard for event in noted] == [waiting.shard]


def test_a_job_that_a_process_was_about_to_send_when_it_died_is_sent_once(
    stopped: Path, ledger: Ledger, whole: Run
) -> None:
    jobs = ledger.latest_jobs(RUN_ID).values()
    waiting = next(job for job in jobs if job.state == "planned")
    ledger.move(waiting, "intended")
    go_on(stopped, whole)
    told = [event for event in events(stopped) if event.shard == waiting.shard]
    assert "the process that intended it is gone" in [event.detail for event in told]
    assert [event.to_state for event in told].count("submitted") == 1


class Refusing(Executor):
    """A pool that takes one shard, loses it, and is broken then."""

    def __init__(self) -> None:
        self.taken = 0

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        self.taken += 1
        if self.taken > 1:
            raise BrokenProcessPool("a worker died\nfor want of memory")
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("a worker died"))
        return future


def test_a_pool_that_takes_no_more_leaves_the_rest_planned_and_the_run_resumes(
    whole: Run, tmp_path: Path
) -> None:
    services = replace(make_services(), make_pool=lambda *_: Refusing())
    with pytest.raises(
        RunFailedError, match=r"12 shards are missing, 1 failed now: .*a worker died"
    ):
        run(write_spec(tmp_path), runs=tmp_path, services=services, workers=2)
    with Ledger(tmp_path / LEDGER_NAME, clock=make_clock()) as ledger:
        states = sorted(job.state for job in ledger.latest_jobs(RUN_ID).values())
    assert states == ["failed"] + ["planned"] * (SHARDS - 1)
    go_on(tmp_path / RUN_ID, whole)


def test_a_shard_that_was_spoilt_meanwhile_is_in_no_table_of_shots_of_a_run_that_goes_on(
    stopped: Path,
) -> None:
    found = open_run(stopped)
    before = len(found.shots())
    spoilt = min((stopped / "shots").iterdir())
    spoilt.write_bytes(b"half of a f")
    assert len(open_run(stopped).shots()) == before - 500
    assert "damaged shot file" in " ".join(open_run(stopped).problems())
    assert repr(found) == f"Run('{stopped}')"


# --- pools and workers ----------------------------------------------------------------------------


def test_stopping_a_pool_ends_its_processes_and_leaves_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    pool = make_process_pool(1, Kit(sample=sample, tasks={}))
    future = pool.submit(time.sleep, 600)
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    began = time.monotonic()
    stop_pool(pool)
    assert time.monotonic() - began < 60
    assert isinstance(future.exception(timeout=0), BrokenProcessPool)


def test_a_worker_whose_engine_cannot_count_says_so(whole: Run) -> None:
    shard = replace(whole._folder.shards[0], gives="counts")
    task = type("Task", (), {"counts_early": True})()
    basis: Measure = shard.basis
    kit = Kit(sample=sample, tasks={(shard.point, basis): task})
    with pytest.raises(ValueError, match=rf"^shard {shard.id}: this engine cannot count$"):
        take_shard(kit, shard)


def test_a_worker_with_other_software_runs_nothing() -> None:
    kit, ran = Kit(sample=sample, tasks={}), list[int]()
    other = software() | {"numpy": "0.1"}
    with pytest.raises(BrokenClusterError, match=r"that joined on .* here it is numpy 0\.1: its"):
        run_with_kit(kit, other, ran.append, (1,))
    assert ran == []
    run_with_kit(unpack_kit(pickle.dumps(kit)), software(), ran.append, (1,))
    assert ran == [1]


def test_a_package_that_is_not_installed_is_told_as_such() -> None:
    assert worker._version("no-such-package-anywhere") == "not installed"
    assert worker._version("numpy")[0].isdigit()


def test_a_worker_that_died_while_it_was_asked_for_its_software_is_passed_over() -> None:
    dask_cluster._check_software({"tcp://a:1": OSError("gone"), "tcp://b:1": software()}, "tcp://x")
    with pytest.raises(Exception, match=r"worker tcp://c:1 cannot run hexmagic \(.*no such"):
        dask_cluster._check_software({"tcp://c:1": ImportError("no such module")}, "tcp://x")


def test_what_is_missing_beside_dask_is_not_taken_for_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("hexmagic.driver.dask.pool", raising=False)
    monkeypatch.setitem(sys.modules, "hexmagic.driver.dask.pool", None)
    with pytest.raises(ImportError) as missing:
        pool_factory("tcp://host:8786")
    assert not isinstance(missing.value, UsageError)
    assert "hexmagic.driver.dask" in str(missing.value)
