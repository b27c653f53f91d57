"""What the service has, in the ledger: jobs, doubles, charges, results and posts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from fakes.paid import (
    MOST,
    RUN,
    SHARDS,
    WAYS,
    first,
    intend,
    last_events,
    later,
    open_paid,
    plan,
    remote,
    steps,
    submit,
)
from fakes.remote import Clock

from hexmagic.backends.remote import RemoteState
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import TRANSITIONS
from hexmagic.driver.ledger.runs import IllegalTransitionError
from hexmagic.driver.ledger.submissions import RemoteRow

Ended = Literal["done", "failed", "cancelled"]
ENDED: tuple[Ended, ...] = ("done", "failed", "cancelled")
OPEN: tuple[RemoteState, ...] = ("queued", "running", "unrecognised")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[HardwareLedger]:
    with open_paid(tmp_path, clock) as opened:
        yield opened


# --- which of the service's jobs are ours -------------------------------------------------------


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


@pytest.mark.parametrize("state", [*OPEN, *ENDED])
def test_a_job_that_is_adopted_is_a_row_with_the_time_and_an_event(
    ledger: HardwareLedger, clock: Clock, state: RemoteState
) -> None:
    intend(ledger)
    found = later(clock, 1)
    job = ledger.adopt(first(ledger), remote(1, state, 3.0), detail="accepted")
    assert (job, job.state, job.detail) == (first(ledger), "submitted", "accepted")
    (row,) = ledger.remotes("r")
    assert row == RemoteRow(
        remote_id="job-1",
        run_id="r",
        shard="s0",
        attempt=1,
        kept=1,
        state=state,
        charged_seconds=None,
        found=found,
        ended_at=found if state in ENDED else None,
        settled=None,
        fetches=0,
    )
    assert row.ended == (state in ENDED)
    assert steps(last_events(ledger, 1)) == [("s0", 1, "intended", "submitted", "accepted")]


def test_one_of_the_services_jobs_belongs_to_one_of_ours(ledger: HardwareLedger) -> None:
    submit(ledger)
    other = intend(ledger, ledger.jobs("r")[1])
    with pytest.raises(StorageError, match="UNIQUE"):
        ledger.adopt(other, remote(), detail="")
    assert ledger.jobs("r")[1].state == "intended"


def test_a_double_is_a_row_of_its_own_and_an_event(ledger: HardwareLedger, clock: Clock) -> None:
    job = submit(ledger)
    (kept,) = ledger.remotes("r")
    found = later(clock, 1)
    ledger.add_double(job, remote(2, "running"), detail="a second one")
    double = replace(kept, remote_id="job-2", kept=0, state="running", found=found)
    assert ledger.remotes("r") == ledger.remotes_of(job) == [kept, double]
    assert steps(last_events(ledger, 1)) == [("s0", 1, "submitted", "submitted", "a second one")]
    assert first(ledger) == job


def test_another_of_the_services_jobs_can_be_the_one_that_counts(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    submit(ledger, 3, ledger.jobs("r")[1])
    ledger.add_double(job, remote(2), detail="")
    ledger.keep(job, "job-2", detail="the first is gone")
    assert {row.remote_id: row.kept for row in ledger.remotes("r")} == {
        "job-1": 0,
        "job-2": 1,
        "job-3": 1,
    }
    assert steps(last_events(ledger, 1)) == [
        ("s0", 1, "submitted", "submitted", "the first is gone")
    ]
    assert first(ledger) == job


def test_the_services_jobs_are_told_by_run_and_by_attempt(ledger: HardwareLedger) -> None:
    failed = ledger.move(submit(ledger, 9), "failed")
    again = ledger.retry(failed, detail="")
    plan(ledger, again)
    submit(ledger, 1, again)
    submit(ledger, 2, ledger.jobs("r")[2])
    assert [row.remote_id for row in ledger.remotes("r")] == ["job-9", "job-1", "job-2"]
    assert ledger.remotes("q") == []
    assert [row.remote_id for row in ledger.remotes_of(failed)] == ["job-9"]
    assert [row.remote_id for row in ledger.remotes_of(again)] == ["job-1"]


def test_unheard_of_are_ended_jobs_that_were_sent_more_often_than_the_service_tells(
    ledger: HardwareLedger,
) -> None:
    def heard() -> list[str]:
        return [job.shard for job in ledger.unheard()]

    job = ledger.was_sent(first(ledger), tag="t", intended="2026", unclear=1, detail="")
    other = ledger.move(intend(ledger, ledger.jobs("r")[1]), "failed")
    ledger.move(ledger.jobs("r")[2], "cancelled")
    assert ledger.unheard() == [other]
    job = ledger.adopt(job, remote(1), detail="")
    assert heard() == ["s1"]
    job = ledger.move(job, "done")
    assert sorted(heard()) == ["s0", "s1"]
    ledger.add_double(job, remote(2), detail="")
    assert heard() == ["s1"]
    ledger.add_double(other, remote(3), detail="")
    assert heard() == []


# --- what it tells of them ----------------------------------------------------------------------


def test_a_charge_is_taken_once_and_only_of_a_job_that_has_ended(
    ledger: HardwareLedger, clock: Clock
) -> None:
    job = submit(ledger)
    (before,) = ledger.remotes_of(job)
    ledger.update_remote(remote(1, "running", 1.0))
    assert ledger.remotes_of(job) == [replace(before, state="running")]
    ended = later(clock, 1)
    ledger.update_remote(remote(1, "done"))
    assert ledger.remotes_of(job) == [replace(before, state="done", ended_at=ended)]
    clock.advance(60)
    settled = later(clock, 2)
    ledger.update_remote(remote(1, "done", 3.0))
    known = replace(before, state="done", ended_at=ended, charged_seconds=3.0, settled=settled)
    assert ledger.remotes_of(job) == [known]
    ledger.update_remote(remote(1, "done", 5.0))
    assert ledger.remotes_of(job) == [known]


def test_what_the_service_tells_of_one_job_is_not_told_of_another(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.add_double(job, remote(2), detail="")
    before = ledger.remotes("r")
    ledger.update_remote(remote(2, "cancelled", 0.0))
    assert ledger.remotes("r")[0] == before[0]
    assert ledger.remotes("r")[1].charged_seconds == 0.0
    ledger.update_remote(remote(7, "done", 4.0))
    assert [row.state for row in ledger.remotes("r")] == ["queued", "cancelled"]


def test_unsettled_are_those_that_ended_or_are_doubles_without_a_charge(
    ledger: HardwareLedger,
) -> None:
    job = submit(ledger)
    assert ledger.unsettled() == []
    ledger.add_double(job, remote(2), detail="")
    assert ledger.unsettled() == ledger.remotes("r")[1:]
    ledger.update_remote(remote(1, "done"))
    ledger.update_remote(remote(2, "cancelled", 0.0))
    assert [row.remote_id for row in ledger.unsettled()] == ["job-1"]


@pytest.mark.parametrize("state", ENDED)
def test_a_job_that_ended_on_either_side_is_unsettled_until_its_charge_is_known(
    ledger: HardwareLedger, state: Ended
) -> None:
    submit(ledger)
    ours = ledger.move(submit(ledger, 2, ledger.jobs("r")[1]), state)
    assert [row.remote_id for row in ledger.unsettled()] == ["job-2"]
    ledger.update_remote(remote(1, state))
    assert [row.remote_id for row in ledger.unsettled()] == ["job-1", "job-2"]
    ledger.update_remote(remote(1, state, 2.0))
    ledger.charge_most(ledger.remotes_of(ours)[0])
    assert ledger.unsettled() == []


def test_a_charge_that_is_never_told_counts_with_the_most(
    ledger: HardwareLedger, clock: Clock
) -> None:
    job = submit(ledger)
    ledger.add_double(job, remote(2, "done"), detail="")
    kept, row = ledger.remotes_of(job)
    assert ledger.most_seconds(row) == 10.0
    assert isinstance(ledger.most_seconds(row), float)
    settled, written = later(clock, 1), later(clock, 2)
    assert ledger.charge_most(row) == 10.0
    assert ledger.remotes_of(job) == [kept, replace(row, charged_seconds=10.0, settled=settled)]
    (event,) = last_events(ledger, 1)
    assert (event.run_id, event.time) == ("r", written)
    assert steps([event]) == [("s0", 1, None, "", "charge not told; counted as 10 s")]
    assert first(ledger) == job


def test_the_most_is_that_of_the_attempt(ledger: HardwareLedger) -> None:
    again = ledger.retry(ledger.move(submit(ledger), "failed"), detail="")
    ledger.plan_submission(again, device="d", estimated_seconds=4.0, most_seconds=25)
    submit(ledger, 2, again)
    assert [ledger.most_seconds(row) for row in ledger.remotes("r")] == [MOST, 25]


def test_fetches_in_vain_are_counted(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.add_double(job, remote(2), detail="")
    assert [ledger.count_fetch("job-1") for _ in range(2)] == [1, 2]
    assert [row.fetches for row in ledger.remotes("r")] == [2, 0]
    assert ledger.count_fetch("job-3") == 0


# --- posts --------------------------------------------------------------------------------------


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


def test_both_ends_of_the_time_in_which_posts_are_counted_belong_to_it(
    ledger: HardwareLedger,
) -> None:
    intend(ledger)
    (event,) = last_events(ledger, 1)
    assert ledger.posts_since(event.time, event.time) == 1
    assert ledger.posts_since("2026-01-01", event.time[:-7]) == 0
    assert ledger.posts_since(f"{event.time}1", "2027") == 0


def test_what_an_emulated_run_intends_is_no_post(ledger: HardwareLedger) -> None:
    ledger.register(replace(RUN, run_id="e"), labels=[(0, "p")], shards=SHARDS[:1])
    ledger.move(ledger.jobs("e")[0], "intended")
    assert ledger.posts_since("2026-01-01", "2027") == 0
