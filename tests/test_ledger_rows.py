"""Rows of the ledger, exactly: runs, jobs and events with their times, and words of refusal."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.paid import later, steps
from fakes.remote import Clock

from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger.jobs import EventRow, JobRow, RunRow
from hexmagic.driver.ledger.runs import IllegalTransitionError, Ledger
from hexmagic.driver.shards import Shard

RUN = RunRow(run_id="r", name="n", created="2026", state="running")
SHARD = Shard(id="s0", point=0, basis="X", index=3, first_shot=15, shots=5, seed=7)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    with Ledger(tmp_path / "a" / "b" / "hexmagic.sqlite", clock=clock.now) as opened:
        opened.register(RUN, labels=[(0, "p"), (1, "q")], shards=[SHARD])
        yield opened


def first(ledger: Ledger) -> JobRow:
    return ledger.jobs("r")[0]


# --- runs ---------------------------------------------------------------------------------------


def test_a_registered_run_is_a_row_with_its_points_jobs_and_event(tmp_path: Path) -> None:
    clock = Clock()
    changed, written = later(clock, 1), later(clock, 2)
    counted = replace(SHARD, id="k", gives="counts", faults=2)
    with Ledger(tmp_path / "hexmagic.sqlite", clock=clock.now) as ledger:
        ledger.register(RUN, labels=[(0, "p"), (1, "q")], shards=[SHARD])
        assert ledger.runs() == [RUN]
        assert ledger.run("r") == RUN
        assert ledger.run("q") is None
        points = ledger._all("SELECT * FROM points ORDER BY point")
        assert points == [
            {"run_id": "r", "point": 0, "label": "p"},
            {"run_id": "r", "point": 1, "label": "q"},
        ]
        assert ledger.jobs("r") == [
            JobRow(
                run_id="r",
                shard="s0",
                attempt=1,
                point=0,
                basis="X",
                shard_index=3,
                shots=5,
                seed=7,
                state="planned",
                changed=changed,
                detail="",
                first_shot=15,
                gives="shots",
                faults=None,
            )
        ]
        assert ledger.events("r") == [
            EventRow(
                event=1,
                time=written,
                run_id="r",
                shard=None,
                attempt=None,
                from_state=None,
                to_state="running",
                detail="registered",
            )
        ]
        time = later(clock, 1)
        (added,) = ledger.add("r", [counted])
        row = ledger.jobs("r")[1]
        assert added == row
        assert (row.to_shard(), row.attempt, row.state, row.changed) == (
            counted,
            1,
            "planned",
            time,
        )
        assert len(ledger.events("r")) == 1


def test_a_change_of_a_run_touches_no_other_and_is_an_event(ledger: Ledger, clock: Clock) -> None:
    other = replace(RUN, run_id="q")
    ledger.register(other, labels=[], shards=[])
    time = later(clock, 1)
    ledger.set_run_state("r", "parked", detail="why")
    assert ledger.runs() == [replace(RUN, state="parked"), other]
    event = ledger.events("r")[-1]
    assert event.time == time
    assert steps([event]) == [(None, None, "running", "parked", "why")]
    ledger.set_run_state("r", "done")
    assert steps(ledger.events("r")[-1:]) == [(None, None, "parked", "done", "")]
    assert len(ledger.events("q")) == 1


def test_a_note_about_a_run_leaves_its_state(ledger: Ledger, clock: Clock) -> None:
    time = later(clock, 1)
    ledger.note_run("r", "looked at")
    assert ledger.runs() == [RUN]
    event = ledger.events("r")[-1]
    assert event.time == time
    assert steps([event]) == [(None, None, "running", "running", "looked at")]
    ledger.note_run("gone", "its folder is not there")
    assert steps(ledger.events("gone")) == [(None, None, None, "", "its folder is not there")]


# --- jobs ---------------------------------------------------------------------------------------


def test_a_note_about_a_job_leaves_it_as_it_is(ledger: Ledger, clock: Clock) -> None:
    job = ledger.move(first(ledger), "intended", "unknown")
    time = later(clock, 1)
    ledger.note(job, "no answer")
    assert first(ledger) == job
    event = ledger.events("r")[-1]
    assert event.time == time
    assert steps([event]) == [("s0", 1, "unknown", "unknown", "no answer")]


def test_a_step_is_written_with_its_time_and_detail_and_is_the_jobs_alone(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.add("r", [replace(SHARD, id="s1", index=4)])
    job, other = ledger.jobs("r")
    changed, written = later(clock, 1), later(clock, 2)
    moved = ledger.move(job, "intended", detail="why")
    assert moved == replace(job, state="intended", changed=changed, detail="why")
    assert ledger.jobs("r") == [moved, other]
    event = ledger.events("r")[-1]
    assert event.time == written
    assert steps([event]) == [("s0", 1, "planned", "intended", "why")]
    assert ledger.move(moved, "failed").detail == ""


def test_one_more_attempt_is_planned_with_an_event(ledger: Ledger, clock: Clock) -> None:
    failed = ledger.move(first(ledger), "intended", "failed", detail="broke")
    changed, written = later(clock, 1), later(clock, 2)
    again = ledger.retry(failed, detail="resumed")
    assert again == replace(failed, attempt=2, state="planned", changed=changed, detail="")
    assert ledger.jobs("r") == [failed, again]
    event = ledger.events("r")[-1]
    assert event.time == written
    assert steps([event]) == [("s0", 2, None, "planned", "resumed")]


def test_what_is_not_possible_is_told_with_shard_attempt_and_states(ledger: Ledger) -> None:
    with pytest.raises(IllegalTransitionError) as refused:
        ledger.retry(first(ledger), detail="no")
    assert str(refused.value) == "shard s0: planned, so it cannot be retried"
    with pytest.raises(IllegalTransitionError) as refused:
        ledger.move(first(ledger), "done")
    assert str(refused.value) == "shard s0 attempt 1: planned -> done is not possible"
    with pytest.raises(StorageError) as missing:
        ledger.move(replace(first(ledger), shard="s9"), "intended")
    assert str(missing.value) == f"{ledger.path}: no job ('r', 's9', 1)"
    with pytest.raises(StorageError) as missing:
        ledger.set_run_state("q", "done")
    assert str(missing.value) == f"{ledger.path}: no run q"


def test_jobs_are_in_the_order_of_the_plan_whenever_they_were_added(ledger: Ledger) -> None:
    plan = [
        Shard(
            id=f"{p}{b}{k}{i}", point=p, basis=b, index=i, first_shot=0, shots=5, seed=1, faults=k
        )
        for p in (0, 1)
        for b in ("X", "Z")
        for k in (None, 0, 1, 2)
        for i in (9, 10)
    ]
    ledger.add("r", plan[::-1])
    planned = [job.shard for job in ledger.jobs("r")]
    assert planned == ["s0", *(shard.id for shard in plan)]
    job = ledger.move(ledger.jobs("r")[1], "intended", "failed")
    again = ledger.retry(job, detail="")
    assert ledger.jobs("r")[1:3] == [job, again]
    latest = ledger.latest_jobs("r")
    assert [*latest] == planned
    assert latest[job.shard] == again


@pytest.mark.parametrize(
    ("column", "value"), [("state", "lost"), ("basis", "W"), ("gives", "nothing")]
)
def test_a_job_with_a_word_that_is_not_known_is_damage(
    ledger: Ledger, column: str, value: str
) -> None:
    long = "0123456789abcdefghij"
    ledger.add("r", [replace(SHARD, id=long, index=4)])
    ledger._db.execute(f"UPDATE jobs SET {column} = ? WHERE shard = ?", (value, long))
    words = {"state": "planned", "basis": "X", "gives": "shots"} | {column: value}
    with pytest.raises(StorageError) as damage:
        ledger.jobs("r")
    assert str(damage.value) == (
        f"ledger: damaged: job 0123456789abcdef-1 of run r has state {words['state']!r}, "
        f"basis {words['basis']!r} and gives {words['gives']!r}"
    )


# --- the file -----------------------------------------------------------------------------------


def test_another_process_is_waited_for_and_every_change_is_on_the_disk(ledger: Ledger) -> None:
    settings = [
        ledger._db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("busy_timeout", "journal_mode", "synchronous", "foreign_keys")
    ]
    assert settings == [30_000, "wal", 2, 1]


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY_DIRECTORY,
        sqlite3.SQLITE_FULL,
    ],
)
@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        (OSError(28, "No space left on device"), " (No space left on device)"),
        (OSError("odd"), " (odd)"),
        (None, ""),
    ],
)
def test_what_the_disk_refuses_is_told_with_what_the_file_system_says(
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    refusal: OSError | None,
    cause: str,
) -> None:
    error = sqlite3.OperationalError("disk trouble")
    error.sqlite_errorcode = code
    asked: list[object] = []

    class File:
        def __init__(self, *, dir: Path) -> None:
            asked.append(dir)

        def __enter__(self) -> File:
            return self

        def __exit__(self, *_: object) -> None:
            asked.append("closed")

        def write(self, content: bytes) -> None:
            asked.append(len(content))

        def flush(self) -> None:
            if refusal is not None:
                raise refusal

    monkeypatch.setattr(tempfile, "TemporaryFile", File)
    with pytest.raises(StorageError) as told, ledger._transaction():
        raise error
    assert str(told.value) == f"{ledger.path}: ledger: disk trouble{cause}"
    assert asked == [ledger.path.parent, 65536, "closed"]


def test_a_lock_is_no_trouble_of_the_disk(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    with pytest.raises(StorageError) as told, ledger._transaction():
        raise error
    assert str(told.value) == f"{ledger.path}: ledger: database is locked"


def test_a_reader_refuses_every_change_in_one_line(ledger: Ledger) -> None:
    with Ledger.reading(ledger.path) as reader:
        assert reader.path == ledger.path
        with pytest.raises(StorageError) as refused:
            reader.note_run("r", "no")
    assert str(refused.value) == f"{ledger.path}: ledger: opened to be read only"
