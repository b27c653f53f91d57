"""The ledger: states, transactions and events."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.world import make_clock

from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger.jobs import TRANSITIONS, JobRow, JobState, RunRow
from hexmagic.driver.ledger.runs import IllegalTransitionError, Ledger
from hexmagic.driver.shards import Shard

RUN = RunRow(run_id="r", name="n", created="2026", state="running")
SHARDS = [
    Shard(id=f"s{i}", point=0, basis="X", index=i, first_shot=5 * i, shots=5, seed=2**63 - 1 - i)
    for i in range(3)
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "runs" / "hexmagic.sqlite", clock=make_clock()) as opened:
        opened.register(RUN, labels=[(0, "p")], shards=SHARDS)
        yield opened


def first(ledger: Ledger) -> JobRow:
    return ledger.jobs("r")[0]


def take_to(ledger: Ledger, state: str) -> JobRow:
    paths: dict[str, tuple[JobState, ...]] = {
        "planned": (),
        "intended": ("intended",),
        "unknown": ("intended", "unknown"),
        "submitted": ("intended", "submitted"),
        "done": ("intended", "submitted", "done"),
        "failed": ("intended", "submitted", "failed"),
        "parked": ("intended", "unknown", "parked"),
        "cancelled": ("cancelled",),
    }
    return ledger.move(first(ledger), *paths[state])


def test_a_new_run_has_its_jobs_planned_and_one_event(ledger: Ledger) -> None:
    assert [(job.shard, job.state, job.attempt) for job in ledger.jobs("r")] == [
        ("s0", "planned", 1),
        ("s1", "planned", 1),
        ("s2", "planned", 1),
    ]
    assert [event.detail for event in ledger.events("r")] == ["registered"]


def test_seeds_of_63_bits_survive(ledger: Ledger) -> None:
    assert [job.to_shard() for job in ledger.jobs("r")] == SHARDS


def test_registering_again_changes_nothing(ledger: Ledger) -> None:
    take_to(ledger, "done")
    before = (ledger.runs(), ledger.jobs("r"), ledger.events("r"))
    ledger.register(RUN, labels=[(0, "p")], shards=SHARDS)
    assert (ledger.runs(), ledger.jobs("r"), ledger.events("r")) == before


def test_every_step_of_a_job_is_an_event(ledger: Ledger) -> None:
    take_to(ledger, "done")
    steps = [(e.from_state, e.to_state) for e in ledger.events("r") if e.shard == "s0"]
    assert steps == [("planned", "intended"), ("intended", "submitted"), ("submitted", "done")]


@pytest.mark.parametrize("before", TRANSITIONS)
@pytest.mark.parametrize("after", TRANSITIONS)
def test_only_the_transitions_of_the_table_are_possible(
    ledger: Ledger, before: str, after: JobState
) -> None:
    job = take_to(ledger, before)
    if after in TRANSITIONS[before]:
        assert ledger.move(job, after).state == after
    else:
        with pytest.raises(IllegalTransitionError, match=f"{before} -> {after}"):
            ledger.move(job, after)
        assert first(ledger).state == before


def test_several_steps_are_taken_all_or_none(ledger: Ledger) -> None:
    events = len(ledger.events("r"))
    with pytest.raises(IllegalTransitionError):
        ledger.move(first(ledger), "intended", "done")
    assert first(ledger).state == "planned"
    assert len(ledger.events("r")) == events


def test_a_stale_copy_of_a_job_cannot_skip_a_state(ledger: Ledger) -> None:
    stale = first(ledger)
    take_to(ledger, "submitted")
    with pytest.raises(IllegalTransitionError, match="submitted -> intended"):
        ledger.move(stale, "intended")


def test_a_failed_attempt_stays_as_a_row_with_its_error(ledger: Ledger) -> None:
    job = ledger.move(take_to(ledger, "submitted"), "failed", detail="it broke\nbadly")
    again = ledger.retry(job, detail="resumed")
    assert (again.attempt, again.state) == (2, "planned")
    assert [(j.attempt, j.state, j.detail) for j in ledger.jobs("r") if j.shard == "s0"] == [
        (1, "failed", "it broke\nbadly"),
        (2, "planned", ""),
    ]
    assert ledger.latest_jobs("r")["s0"] == again


def test_an_unfinished_job_cannot_be_retried(ledger: Ledger) -> None:
    with pytest.raises(IllegalTransitionError, match="planned"):
        ledger.retry(first(ledger), detail="no")


def test_the_state_of_a_run_changes_with_an_event(ledger: Ledger) -> None:
    ledger.set_run_state("r", "done", detail="well")
    assert ledger.runs()[0].state == "done"
    last = ledger.events("r")[-1]
    assert (last.from_state, last.to_state, last.detail) == ("running", "done", "well")


def test_an_unknown_run_has_no_state_to_change(ledger: Ledger) -> None:
    with pytest.raises(StorageError, match="no run q"):
        ledger.set_run_state("q", "done")


def test_runs_are_listed_oldest_first(ledger: Ledger) -> None:
    older = RunRow(run_id="a", name="n", created="2025", state="done")
    ledger.register(older, labels=[], shards=[])
    assert [run.run_id for run in ledger.runs()] == ["a", "r"]


def test_what_was_written_is_there_for_another_process(ledger: Ledger) -> None:
    take_to(ledger, "submitted")
    with Ledger(ledger.path, clock=make_clock()) as other:
        assert other.jobs("r") == ledger.jobs("r")


def test_the_ledger_is_in_wal_mode_with_a_schema_version(ledger: Ledger) -> None:
    db = sqlite3.connect(ledger.path)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA user_version").fetchone() == (3,)
    db.close()


def test_the_ledger_of_a_newer_program_is_refused(ledger: Ledger) -> None:
    db = sqlite3.connect(ledger.path)
    db.execute("PRAGMA user_version = 4")
    db.close()
    with pytest.raises(StorageError, match="schema 4"):
        Ledger(ledger.path, clock=make_clock())


_VERSION_1 = """
CREATE TABLE jobs (
    run_id TEXT NOT NULL, shard TEXT NOT NULL, attempt INTEGER NOT NULL,
    point INTEGER NOT NULL, basis TEXT NOT NULL, shard_index INTEGER NOT NULL,
    shots INTEGER NOT NULL, seed INTEGER NOT NULL,
    state TEXT NOT NULL, changed TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (run_id, shard, attempt)
) STRICT;
INSERT INTO jobs VALUES ('r', 'old', 1, 0, 'Z', 3, 200, 9, 'done', 'then', '');
PRAGMA user_version = 1;
"""


def test_the_ledger_of_schema_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "hexmagic.sqlite"
    db = sqlite3.connect(path)
    db.executescript(_VERSION_1)
    db.close()
    with Ledger(path, clock=make_clock()) as ledger:
        [job] = ledger.jobs("r")
    shard = Shard(id="old", point=0, basis="Z", index=3, first_shot=1500, shots=200, seed=9)
    assert (job.to_shard(), job.state) == (shard, "done")


def test_jobs_that_a_run_finds_it_needs_are_added_once(ledger: Ledger) -> None:
    stratum = Shard(
        id="k2",
        point=0,
        basis="H_ideal",
        index=0,
        first_shot=0,
        shots=5,
        seed=1,
        gives="counts",
        faults=2,
    )
    [added] = ledger.add("r", [SHARDS[0], stratum])
    assert (added.to_shard(), added.state) == (stratum, "planned")
    assert ledger.add("r", [stratum]) == []


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "hexmagic.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match="ledger: file is not a database"):
        Ledger(path, clock=make_clock())


def test_a_full_disk_changes_nothing(ledger: Ledger) -> None:
    (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"):
        for _ in range(1000):
            ledger.note(first(ledger), "x" * 1000)
    assert first(ledger).state == "planned"
    ledger._db.execute("PRAGMA max_page_count = 100000")
    assert ledger.move(first(ledger), "intended").state == "intended"
