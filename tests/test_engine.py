"""The engine of a run: stopped, killed, damaged and resumed, it does everything exactly once."""

import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import engine as fake
from fakes.processes import Count, StopAfter, children, is_alive, slow_run, wait_for_shots
from fakes.world import SHARDS, make_clock, make_services, with_engine, write_spec

from hexmagic.driver.execution import RunFailedError
from hexmagic.driver.folder.files import StorageError, write_bytes
from hexmagic.driver.ledger.jobs import EventRow
from hexmagic.driver.ledger.runs import LEDGER_NAME, Ledger
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.services import Services
from hexmagic.driver.start import resume, run
from hexmagic.driver.workers import make_process_pool
from hexmagic.experiments.errors import RefusedError, UsageError

RUN_ID = "tiny-20260102-030405-0000"
TABLES = ("fidelity", "cutflow", "points")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return run(write_spec(folder), runs=folder / "runs", services=make_services())


def events(folder: Path) -> list[EventRow]:
    with Ledger(folder.parent / LEDGER_NAME, clock=make_clock()) as ledger:
        return ledger.events(RUN_ID)


def submissions(folder: Path) -> Counter[str | None]:
    return Counter(e.shard for e in events(folder) if e.to_state == "submitted")


def table_bytes(run_: Run) -> list[bytes]:
    names = [f"{kind}.{suffix}" for kind in TABLES for suffix in ("csv", "parquet")]
    return [(run_.folder / "tables" / name).read_bytes() for name in names]


def interrupted(tmp_path: Path, shards: int) -> Path:
    """Interrupt a run after some shards; return its folder."""
    with pytest.raises(KeyboardInterrupt):
        run(
            write_spec(tmp_path),
            runs=tmp_path / "runs",
            services=make_services(),
            progress=StopAfter(shards),
        )
    return tmp_path / "runs" / RUN_ID


def test_every_shard_runs_once(whole: Run) -> None:
    assert Counter(whole.jobs()["state"]) == {"done": SHARDS}
    assert set(submissions(whole.folder).values()) == {1}


def test_results_do_not_depend_on_the_number_of_workers(whole: Run, tmp_path: Path) -> None:
    other = run(write_spec(tmp_path), runs=tmp_path, services=make_services(), workers=5)
    assert table_bytes(other) == table_bytes(whole)


def test_real_worker_processes_give_the_same_results(whole: Run, tmp_path: Path) -> None:
    services = replace(make_services(), make_pool=make_process_pool)
    other = run(write_spec(tmp_path), runs=tmp_path, services=services, workers=2)
    assert table_bytes(other) == table_bytes(whole)


def test_another_seed_gives_other_results(whole: Run, tmp_path: Path) -> None:
    other = run(write_spec(tmp_path), runs=tmp_path, services=make_services(), seed=8)
    assert not other.fidelity()["x"].equals(whole.fidelity()["x"])


def test_more_shots_keep_the_seeds_of_the_first_ones(whole: Run, tmp_path: Path) -> None:
    other = run(write_spec(tmp_path), runs=tmp_path, services=make_services(), shots=1700)
    seeds = [set(r.jobs()["seed"]) for r in (whole, other)]
    assert seeds[0] < seeds[1]


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_refused_before_anything_is_written(tmp_path: Path, workers: int) -> None:
    with pytest.raises(UsageError, match=f"--workers {workers}"):
        run(write_spec(tmp_path), runs=tmp_path / "runs", services=make_services(), workers=workers)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("shards", [1, 5, SHARDS])
def test_an_interrupted_run_resumes_to_the_same_tables(
    whole: Run, tmp_path: Path, shards: int
) -> None:
    folder = interrupted(tmp_path, shards)
    assert open_run(folder).state == "interrupted"
    finished = {job for job in open_run(folder).jobs().query("state == 'done'")["job"]}
    resumed = resume(RUN_ID, folder.parent, services=make_services())
    assert table_bytes(resumed) == table_bytes(whole)
    again = submissions(folder)
    assert all(again[e.shard] == 1 for e in events(folder) if f"{e.shard}"[:16] + "-1" in finished)


def test_an_interrupt_says_how_to_resume(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as stop:
        run(write_spec(tmp_path), runs=tmp_path, services=make_services(), progress=StopAfter(1))
    assert stop.value.__notes__ == [
        f"resume it with `hexmagic run --resume {RUN_ID} --runs {tmp_path}`"
    ]


def test_what_was_in_flight_is_cancelled_and_retried(tmp_path: Path) -> None:
    folder = interrupted(tmp_path, 1)
    cancelled = {e.shard for e in events(folder) if e.to_state == "cancelled"}
    resumed = resume("latest", folder.parent, services=make_services())
    assert cancelled
    attempts = resumed.jobs().query("state == 'done'").groupby("job")["attempt"].max()
    assert (attempts == 2).sum() >= 1


def test_a_finished_run_resumes_without_running_anything(whole: Run) -> None:
    services = replace(make_services(), make_pool=None, build=None)  # type: ignore[arg-type]
    before = table_bytes(whole)
    counted = Count()
    again = resume(str(whole.folder), services=services, progress=counted)
    assert table_bytes(again) == before
    assert counted.shards == SHARDS


def test_a_shot_file_without_a_done_row_is_adopted(tmp_path: Path) -> None:
    folder = interrupted(tmp_path, SHARDS - 1)
    (folder.parent / LEDGER_NAME).unlink()
    taken = len(list((folder / "shots").iterdir()))
    resume(str(folder), services=make_services())
    adopted = [e for e in events(folder) if e.to_state == "done" and e.detail.startswith("adopted")]
    assert len(adopted) == taken >= SHARDS - 1


def test_a_damaged_shot_file_is_redone_and_recorded(whole: Run, tmp_path: Path) -> None:
    made = run(write_spec(tmp_path), runs=tmp_path, services=make_services())
    path = sorted((made.folder / "shots").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-100])
    resumed = resume(RUN_ID, tmp_path, services=make_services())
    assert table_bytes(resumed) == table_bytes(whole)
    damaged = [e for e in events(made.folder) if "damaged" in e.detail]
    assert [(e.attempt, e.to_state) for e in damaged] == [(2, "planned")]


def test_a_missing_shot_file_is_redone(whole: Run, tmp_path: Path) -> None:
    made = run(write_spec(tmp_path), runs=tmp_path, services=make_services())
    sorted((made.folder / "shots").iterdir())[3].unlink()
    assert table_bytes(resume(RUN_ID, tmp_path, services=make_services())) == table_bytes(whole)


def test_a_shot_file_of_another_shard_is_not_adopted(whole: Run, tmp_path: Path) -> None:
    made = run(write_spec(tmp_path), runs=tmp_path, services=make_services())
    one, other = sorted((made.folder / "shots").iterdir())[:2]
    one.write_bytes(other.read_bytes())
    resumed = resume(RUN_ID, tmp_path, services=make_services())
    assert table_bytes(resumed) == table_bytes(whole)
    assert any("holds shard" in e.detail for e in events(made.folder))


def test_a_sampler_that_raises_fails_its_shards_and_keeps_the_rest(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    monkeypatch.setenv(fake.FAILURES, str(trouble))
    services = make_services(fake.make_engine(fake.sample_or_raise))
    with pytest.raises(RunFailedError, match=r"6 of 12 shards .* the fake cannot do Z not at all"):
        run(write_spec(tmp_path), runs=tmp_path, services=services)
    failed = open_run(tmp_path / RUN_ID)
    assert failed.state == "failed"
    assert Counter(failed.jobs()["state"]) == {"done": 6, "failed": 6}
    assert set(failed.jobs().query("state == 'failed'")["detail"]) == {
        "ValueError: the fake cannot do Z\nnot at all"
    }
    assert (failed.folder / "report.html").is_file()
    assert len(failed.problems()) == 2
    trouble.unlink()
    assert table_bytes(resume("latest", tmp_path, services=services)) == table_bytes(whole)


def test_a_worker_that_dies_fails_the_run_which_resumes(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    monkeypatch.setenv(fake.FAILURES, str(trouble))
    services = make_services(fake.make_engine(fake.sample_or_die))
    services = replace(services, make_pool=make_process_pool)
    with pytest.raises(RunFailedError, match="BrokenProcessPool"):
        run(write_spec(tmp_path), runs=tmp_path, services=services, workers=2)
    states = Counter(open_run(tmp_path / RUN_ID).jobs()["state"])
    assert states["failed"] in (1, 2)
    assert states["done"] >= 1
    assert set(states) <= {"failed", "done", "planned"}
    trouble.unlink()
    assert table_bytes(resume("latest", tmp_path, services=services)) == table_bytes(whole)


def test_a_full_disk_fails_the_run_which_resumes(whole: Run, tmp_path: Path) -> None:
    written = Counter[str]()

    def write_until_full(path: Path, content: bytes) -> None:
        written[path.parent.name] += 1
        if written["shots"] > 4:
            raise StorageError(f"{path}: cannot be written: No space left on device")
        write_bytes(path, content)

    services = replace(make_services(), write=write_until_full)
    with pytest.raises(StorageError, match="No space left") as full:
        run(write_spec(tmp_path), runs=tmp_path, services=services)
    assert "--resume" in full.value.__notes__[0]
    assert len(list((tmp_path / RUN_ID / "shots").iterdir())) == 4
    resumed = resume("latest", tmp_path, services=make_services())
    assert table_bytes(resumed) == table_bytes(whole)
    assert max(submissions(tmp_path / RUN_ID).values()) <= 2


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    folder = open_run(interrupted(tmp_path, 1))._folder
    with folder.locked(), pytest.raises(RefusedError, match="another process is running it"):
        resume("latest", tmp_path / "runs", services=make_services())


def test_a_run_is_not_continued_with_another_engine_version(tmp_path: Path) -> None:
    folder = interrupted(tmp_path, 1)
    newer = with_engine(make_services(), fake.make_engine(version="2"))
    with pytest.raises(RefusedError, match="made with fake 1, now fake 2"):
        resume("latest", folder.parent, services=newer)


def test_a_killed_run_resumes_to_the_same_tables_and_repeats_nothing(
    whole: Run, tmp_path: Path
) -> None:
    process = slow_run(tmp_path, str(write_spec(tmp_path)), FAKE_SHOT_SECONDS="0.3")
    folder = tmp_path / RUN_ID
    wait_for_shots(folder, 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = set(folder.glob("shots/*.parquet"))
    resumed = slow_run(tmp_path, RUN_ID)
    assert resumed.communicate()[1] == b""
    assert table_bytes(open_run(folder)) == table_bytes(whole)
    shards = open_run(folder)._folder.shards
    done = {s.id for s in shards if folder / s.file_name in finished}
    assert len(done) >= 3
    assert all(count == 1 for shard, count in submissions(folder).items() if shard in done)
    ends = Counter(e.shard for e in events(folder) if e.shard and e.to_state == "done")
    assert ends == dict.fromkeys((shard.id for shard in shards), 1)


def test_the_workers_of_a_killed_run_end(tmp_path: Path) -> None:
    process = slow_run(tmp_path, str(write_spec(tmp_path)), FAKE_SHOT_SECONDS="0.5")
    wait_for_shots(tmp_path / RUN_ID, 1, process)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(workers) >= 2
    deadline = time.monotonic() + 20
    while any(is_alive(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_services_refuse_a_plan_with_two_engines(whole: Run) -> None:
    plan = whole._folder.plan
    other = replace(plan.points[0].device, backend="clifft")
    mixed = replace(plan, points=(plan.points[1], replace(plan.points[0], device=other)))
    with pytest.raises(UsageError, match="one engine, not aer, clifft"):
        Services().engine(mixed)
