"""The ledger of paid hardware: what was submitted, what the service has, what it may yet charge."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.old_ledgers import VERSION_1, VERSION_2
from fakes.remote import Clock

from hexmagic.backends.remote import RemoteJob, RemoteState
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import SCHEMA_VERSION, TRANSITIONS, JobRow, JobState, RunRow
from hexmagic.driver.ledger.runs import IllegalTransitionError
from hexmagic.driver.ledger.submissions import Claim
from hexmagic.driver.shards import Shard

RUN = RunRow(run_id="r", name="n", created="2026", state="waiting")
SHARDS = [
    Shard(id=f"s{i}", point=0, basis="X", index=i, first_shot=5 * i, shots=5, seed=i)
    for i in range(3)
]
MOST = 10


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[HardwareLedger]:
    with HardwareLedger(tmp_path / "hexmagic.sqlite", clock=clock.now) as opened:
        opened.register(RUN, labels=[(0, "p")], shards=SHARDS)
        for job in opened.jobs("r"):
            plan(opened, job)
        yield opened


def plan(ledger: HardwareLedger, job: JobRow, run_seconds: float = 4.0) -> None:
    ledger.plan_submission(job, device="d", estimated_seconds=run_seconds, most_seconds=MOST)


def first(ledger: HardwareLedger) -> JobRow:
    return ledger.jobs("r")[0]


def intend(ledger: HardwareLedger, job: JobRow | None = None) -> JobRow:
    return ledger.intend(job or first(ledger), batch="b", payload="hash", detail="")


def remote(
    number: int = 1, state: RemoteState = "queued", charged: float | None = None
) -> RemoteJob:
    return RemoteJob(id=f"job-{number}", state=state, word=state, charged_seconds=charged)


def submit(ledger: HardwareLedger, number: int = 1, job: JobRow | None = None) -> JobRow:
    return ledger.adopt(intend(ledger, job), remote(number), detail="accepted")


def claim(ledger: HardwareLedger) -> Claim:
    return ledger.claims()[0]


# --- what is asked for --------------------------------------------------------------------------


def test_a_planned_submission_has_a_tag_that_no_other_has(ledger: HardwareLedger) -> None:
    tags = [asked.tag for asked in ledger.submissions("r")]
    assert len(set(tags)) == 3
    assert all(tag.startswith("hexmagic:") and len(tag) <= 86 for tag in tags)


def test_planning_again_changes_nothing(ledger: HardwareLedger) -> None:
    before = ledger.submissions("r")
    for job in ledger.jobs("r"):
        ledger.plan_submission(job, device="other", estimated_seconds=99, most_seconds=99)
    assert ledger.submissions("r") == before


def test_another_attempt_has_another_tag(ledger: HardwareLedger) -> None:
    failed = ledger.move(submit(ledger), "failed")
    again = ledger.retry(failed, detail="asked")
    plan(ledger, again)
    old, new = (ledger.submission(job) for job in (failed, again))
    assert old is not None and new is not None
    assert old.tag != new.tag
    assert (new.intended, new.payload, new.looks) == (None, None, 0)


def test_one_tag_cannot_be_that_of_two_jobs(ledger: HardwareLedger) -> None:
    tag = ledger.submissions("r")[0].tag
    with pytest.raises(sqlite3.IntegrityError):
        ledger._db.execute("UPDATE submissions SET tag = ?", (tag,))


def test_an_intent_is_durable_with_payload_batch_and_time(
    ledger: HardwareLedger, clock: Clock
) -> None:
    job = intend(ledger)
    with HardwareLedger(ledger.path, clock=clock.now) as other:
        asked = other.submission(job)
        assert other.jobs("r")[0].state == "intended"
    assert asked is not None and asked.intended is not None
    assert (asked.batch, asked.payload) == ("b", "hash")
    assert asked.intended.startswith("2026-01-02T03:04:05")


def test_an_intent_that_is_not_possible_changes_nothing(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    before = ledger.submission(job)
    with pytest.raises(IllegalTransitionError, match="submitted -> intended"):
        ledger.intend(job, batch="c", payload="other", detail="")
    assert ledger.submission(job) == before


def test_vain_looks_are_counted_from_the_last_intent(ledger: HardwareLedger) -> None:
    job = ledger.move(intend(ledger), "unknown")
    assert [ledger.count_look(job) for _ in range(3)] == [1, 2, 3]
    intend(ledger, ledger.move(job, "planned"))
    asked = ledger.submission(job)
    assert asked is not None and asked.looks == 0


# --- states -------------------------------------------------------------------------------------

WAYS: dict[str, tuple[JobState, ...]] = {
    "planned": (),
    "intended": ("intended",),
    "unknown": ("intended", "unknown"),
    "parked": ("intended", "unknown", "parked"),
    "submitted": ("intended", "submitted"),
    "done": ("intended", "submitted", "done"),
    "failed": ("intended", "failed"),
    "cancelled": ("intended", "unknown", "parked", "cancelled"),
}


@pytest.mark.parametrize("before", TRANSITIONS)
def test_a_job_is_adopted_only_where_it_may_have_been_accepted(
    ledger: HardwareLedger, before: str
) -> None:
    job = ledger.move(first(ledger), *WAYS[before])
    if before in ("intended", "unknown", "parked"):
        assert ledger.adopt(job, remote(), detail="").state == "submitted"
    else:
        with pytest.raises(IllegalTransitionError):
            ledger.adopt(job, remote(), detail="")
        assert ledger.remotes("r") == []


@pytest.mark.parametrize("state", WAYS)
def test_every_change_is_an_event(ledger: HardwareLedger, state: str) -> None:
    ledger.move(first(ledger), *WAYS[state], detail="why")
    events = [(e.to_state, e.detail) for e in ledger.events("r") if e.shard == "s0"]
    assert events == [(step, "why") for step in WAYS[state]]


def test_nothing_leads_from_parked_to_the_service_without_a_plan(ledger: HardwareLedger) -> None:
    job = ledger.move(first(ledger), *WAYS["parked"])
    with pytest.raises(IllegalTransitionError, match="parked -> intended"):
        intend(ledger, job)


# --- what the service has -----------------------------------------------------------------------


def test_one_of_the_services_jobs_belongs_to_one_of_ours(ledger: HardwareLedger) -> None:
    submit(ledger)
    other = intend(ledger, ledger.jobs("r")[1])
    with pytest.raises(StorageError, match="UNIQUE"):
        ledger.adopt(other, remote(), detail="")
    assert ledger.jobs("r")[1].state == "intended"


def test_a_double_is_a_row_of_its_own_and_an_event(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.add_double(job, remote(2), detail="a second one")
    assert [(r.remote_id, r.kept) for r in ledger.remotes_of(job)] == [("job-1", 1), ("job-2", 0)]
    assert ledger.events("r")[-1].detail == "a second one"
    assert first(ledger).state == "submitted"


def test_a_charge_is_taken_once_and_only_of_a_job_that_has_ended(
    ledger: HardwareLedger, clock: Clock
) -> None:
    job = submit(ledger)
    for seconds, state in ((1.0, "running"), (3.0, "done"), (5.0, "done")):
        ledger.update_remote(remote(1, state, seconds))  # type: ignore[arg-type]  # of the three
        clock.advance(60)
    (row,) = ledger.remotes_of(job)
    assert (row.state, row.charged_seconds) == ("done", 3.0)
    assert row.settled is not None and row.settled.startswith("2026-01-02T03:05:05")


def test_unsettled_are_those_that_ended_or_are_doubles_without_a_charge(
    ledger: HardwareLedger,
) -> None:
    job = submit(ledger)
    assert ledger.unsettled() == []
    ledger.add_double(job, remote(2), detail="")
    assert [row.remote_id for row in ledger.unsettled()] == ["job-2"]
    ledger.update_remote(remote(1, "done"))
    ledger.update_remote(remote(2, "cancelled", 0.0))
    assert [row.remote_id for row in ledger.unsettled()] == ["job-1"]


def test_fetches_in_vain_are_counted(ledger: HardwareLedger) -> None:
    submit(ledger)
    assert [ledger.count_fetch("job-1") for _ in range(2)] == [1, 2]


def test_posts_are_counted_over_all_runs_by_their_intents(
    ledger: HardwareLedger, clock: Clock
) -> None:
    ledger.register(replace(RUN, run_id="q"), labels=[(0, "p")], shards=SHARDS[:1])
    other = ledger.jobs("q")[0]
    plan(ledger, other)
    job = intend(ledger)
    clock.advance(30)
    since = clock.now()
    intend(ledger, ledger.move(job, "unknown", "planned"))
    intend(ledger, other)
    assert ledger.posts_since("2026-01-01", "2027") == 3
    assert ledger.posts_since(since, clock.now()) == 2
    clock.advance(60)
    assert ledger.posts_since(clock.now(), clock.now()) == 0


def test_what_an_emulated_run_intends_is_no_post(ledger: HardwareLedger) -> None:
    ledger.register(replace(RUN, run_id="e"), labels=[(0, "p")], shards=SHARDS[:1])
    ledger.move(ledger.jobs("e")[0], "intended")
    assert ledger.posts_since("2026-01-01", "2027") == 0


# --- what it may cost ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        *((state, MOST) for state in ("planned", "intended", "unknown", "parked")),
        *((state, 0) for state in ("failed", "cancelled")),
    ],
)
def test_a_job_that_the_service_may_have_claims_its_most(
    ledger: HardwareLedger, state: str, seconds: int
) -> None:
    ledger.move(first(ledger), *WAYS[state])
    assert (claim(ledger).open_seconds, claim(ledger).charged) == (seconds, ())


def test_a_charge_takes_the_place_of_the_most(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    assert claim(ledger).open_seconds == MOST
    ledger.update_remote(remote(1, "done", 3.0))
    ledger.move(job, "done")
    assert claim(ledger).open_seconds == 0
    assert [seconds for seconds, _ in claim(ledger).charged] == [3.0]


def test_a_job_that_ended_and_whose_charge_is_not_told_still_claims_its_most(
    ledger: HardwareLedger,
) -> None:
    ledger.update_remote(remote(1, "done"))
    job = submit(ledger)
    ledger.update_remote(remote(1, "failed"))
    ledger.move(job, "failed")
    assert claim(ledger).open_seconds == MOST


def test_a_double_claims_its_most_too_until_it_is_charged(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.add_double(job, remote(2), detail="")
    assert claim(ledger).open_seconds == 2 * MOST
    ledger.update_remote(remote(2, "cancelled", 0.5))
    assert claim(ledger).open_seconds == MOST
    assert [seconds for seconds, _ in claim(ledger).charged] == [0.5]


def test_a_job_that_was_charged_nothing_claims_nothing(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.update_remote(remote(1, "cancelled", 0.0))
    ledger.move(job, "cancelled")
    assert (claim(ledger).open_seconds, claim(ledger).charged[0][0]) == (0, 0.0)


def test_every_attempt_has_its_own_claim(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.update_remote(remote(1, "failed", 2.0))
    again = ledger.retry(ledger.move(job, "failed"), detail="")
    plan(ledger, again)
    assert sorted(one.open_seconds for one in ledger.claims()) == [0, MOST, MOST, MOST]
    assert sum(seconds for one in ledger.claims() for seconds, _ in one.charged) == 2.0


# --- older files --------------------------------------------------------------------------------


def write(path: Path, dump: str) -> Path:
    db = sqlite3.connect(path)
    db.executescript(dump)
    db.close()
    return path


def tables(path: Path) -> list[str]:
    db = sqlite3.connect(path)
    rows = db.execute("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
    found = [" ".join(sql.replace(" DEFAULT 0", "").split()) for (sql,) in rows]
    db.close()
    return found


@pytest.mark.parametrize(("dump", "jobs"), [(VERSION_1, 2), (VERSION_2, 3)])
def test_an_older_ledger_keeps_all_it_has_and_takes_submissions(
    tmp_path: Path, dump: str, jobs: int
) -> None:
    path = write(tmp_path / "hexmagic.sqlite", dump)
    with HardwareLedger(path, clock=Clock().now) as ledger:
        found = ledger.jobs("old")
        assert [job.state for job in found] == ["done", "intended", "planned"][:jobs]
        assert [job.first_shot for job in found] == [0, 500, 1000][:jobs]
        assert (found[0].detail, len(ledger.events("old"))) == ("it's there", 5)
        assert (ledger.claims(), ledger.posts_since("2026-01-01", "2027")) == ([], 0)
        plan(ledger, found[1])
        ledger.adopt(found[1], remote(), detail="")
        assert claim(ledger).open_seconds == MOST


@pytest.mark.parametrize("dump", [VERSION_1, VERSION_2])
def test_an_older_ledger_becomes_like_a_new_one(tmp_path: Path, dump: str) -> None:
    old, new = write(tmp_path / "old.sqlite", dump), tmp_path / "new.sqlite"
    for path in (old, new, old):
        HardwareLedger(path, clock=Clock().now).__exit__()
    names = [sql.split()[2] for sql in tables(new)]
    assert [sql.split()[2] for sql in tables(old)] == names
    for path in (old, new):
        db = sqlite3.connect(path)
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        columns = [db.execute(f"PRAGMA table_info({name})").fetchall() for name in names]
        db.close()
        if path == old:
            upgraded = [[column[1:3] for column in table] for table in columns]
    assert upgraded == [[column[1:3] for column in table] for table in columns]


@pytest.mark.parametrize(("dump", "version"), [(VERSION_1, 1), (VERSION_2, 2)])
def test_an_upgrade_that_fails_leaves_the_old_ledger(
    tmp_path: Path, dump: str, version: int
) -> None:
    path = write(tmp_path / "hexmagic.sqlite", dump + "CREATE TABLE schedules (x);")
    before = tables(path)
    with pytest.raises(StorageError, match="schedules already exists"):
        HardwareLedger(path, clock=Clock().now)
    assert tables(path) == before
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (version,)
    db.close()


def test_a_job_of_unknown_fate_stays_unknown_when_its_submission_is_learned(
    ledger: HardwareLedger,
) -> None:
    job = ledger.move(ledger.jobs("r")[0], "intended", "unknown")
    told = ledger.was_sent(job, tag="t", intended="2026-01-01T00:00", unclear=2, detail="learned")
    assert told.state == "unknown"
    asked = ledger.submission(job)
    assert asked is not None
    assert (asked.tag, asked.intended, asked.unclear) == ("t", "2026-01-01T00:00", 2)
    last = ledger.events("r")[-1]
    assert (last.from_state, last.to_state, last.detail) == ("unknown", "unknown", "learned")


@pytest.mark.parametrize("state", ["planned", "cancelled"])
def test_only_a_job_that_failed_is_taken_back(ledger: HardwareLedger, state: JobState) -> None:
    job = ledger.jobs("r")[0]
    job = job if state == "planned" else ledger.move(job, state)
    with pytest.raises(IllegalTransitionError, match=f"^shard s0: {state}, so it was not gone$"):
        ledger.take_back(job, detail="there again")
    assert ledger.jobs("r")[0] == job


def test_a_job_that_the_ledger_has_not_is_an_error_that_names_it(ledger: HardwareLedger) -> None:
    stranger = replace(ledger.jobs("r")[0], shard="s9")
    with pytest.raises(StorageError, match=r"hexmagic.sqlite: no job \('r', 's9', 1\)$"):
        ledger.move(stranger, "intended")
