"""Submissions in the ledger: what each job asks for, and when it was sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from fakes.paid import (
    MOST,
    WAYS,
    asked,
    first,
    intend,
    last_events,
    later,
    open_paid,
    plan,
    steps,
    submit,
)
from fakes.remote import Clock

from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.runs import IllegalTransitionError
from hexmagic.driver.ledger.submissions import SubmissionRow


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[HardwareLedger]:
    with open_paid(tmp_path, clock) as opened:
        yield opened


# --- what is asked for --------------------------------------------------------------------------


def test_a_planned_submission_has_a_tag_that_no_other_has(ledger: HardwareLedger) -> None:
    tags = [row.tag for row in ledger.submissions("r")]
    assert len(set(tags)) == 3
    assert all(len(tag) <= 86 for tag in tags)
    assert {UUID(tag.removeprefix("hexmagic:")).version for tag in tags} == {4}
    assert all(tag == f"hexmagic:{UUID(tag[9:])}" for tag in tags)


def test_a_planned_submission_knows_what_it_asks_for_and_nothing_else(
    ledger: HardwareLedger,
) -> None:
    row = asked(ledger, first(ledger))
    assert row == SubmissionRow(
        run_id="r",
        shard="s0",
        attempt=1,
        tag=row.tag,
        device="d",
        estimated_seconds=4.0,
        most_seconds=MOST,
        batch=None,
        payload=None,
        intended=None,
        looks=0,
        unclear=0,
    )


def test_submissions_are_listed_of_one_run_as_they_were_planned(ledger: HardwareLedger) -> None:
    assert [row.shard for row in ledger.submissions("r")] == ["s0", "s1", "s2"]
    assert ledger.submissions("q") == []
    again = ledger.retry(ledger.move(first(ledger), *WAYS["failed"]), detail="")
    assert ledger.submission(again) is None
    plan(ledger, again)
    assert [(row.shard, row.attempt) for row in ledger.submissions("r")][-1] == ("s0", 2)


def test_planning_again_changes_nothing(ledger: HardwareLedger) -> None:
    before = ledger.submissions("r")
    for job in ledger.jobs("r"):
        ledger.plan_submission(job, device="other", estimated_seconds=99, most_seconds=99)
    assert ledger.submissions("r") == before


def test_another_attempt_has_another_tag(ledger: HardwareLedger) -> None:
    failed = ledger.move(submit(ledger), "failed")
    again = ledger.retry(failed, detail="asked")
    plan(ledger, again)
    old, new = (asked(ledger, job) for job in (failed, again))
    assert old.tag != new.tag
    assert (new.intended, new.payload, new.looks) == (None, None, 0)


def test_one_tag_cannot_be_that_of_two_jobs(ledger: HardwareLedger) -> None:
    tag = ledger.submissions("r")[0].tag
    with pytest.raises(sqlite3.IntegrityError):
        ledger._db.execute("UPDATE submissions SET tag = ?", (tag,))


# --- intents and looks --------------------------------------------------------------------------


def test_an_intent_is_durable_with_payload_batch_and_time(
    ledger: HardwareLedger, clock: Clock
) -> None:
    before, others = ledger.submissions("r")[0], ledger.submissions("r")[1:]
    time, changed, written = (later(clock, looks) for looks in (1, 2, 3))
    job = ledger.intend(first(ledger), batch="b", payload="hash", detail="why")
    with HardwareLedger(ledger.path, clock=clock.now) as other:
        row = asked(other, job)
        assert other.jobs("r")[0] == job
    assert (job.state, job.changed, job.detail) == ("intended", changed, "why")
    assert row == replace(before, batch="b", payload="hash", intended=time)
    assert ledger.submissions("r")[1:] == others
    (event,) = last_events(ledger, 1)
    assert (event.run_id, event.time) == ("r", written)
    assert steps([event]) == [("s0", 1, "planned", "intended", "why")]


def test_an_intent_that_is_not_possible_changes_nothing(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    before = ledger.submission(job)
    with pytest.raises(IllegalTransitionError, match="submitted -> intended"):
        ledger.intend(job, batch="c", payload="other", detail="")
    assert ledger.submission(job) == before


def test_vain_looks_are_counted_from_the_last_intent(ledger: HardwareLedger) -> None:
    job = ledger.move(intend(ledger), "unknown")
    assert [ledger.count_look(job) for _ in range(3)] == [1, 2, 3]
    assert [row.looks for row in ledger.submissions("r")] == [3, 0, 0]
    intend(ledger, ledger.move(job, "planned"))
    assert asked(ledger, job).looks == 0


def test_a_submission_that_was_looked_for_in_vain_stays_unclear_after_the_next_intent(
    ledger: HardwareLedger,
) -> None:
    job = first(ledger)
    found = []
    for looks in (0, 2, 1, 0):
        job = ledger.move(intend(ledger, job), "unknown")
        for _ in range(looks):
            ledger.count_look(job)
        row = asked(ledger, job)
        found.append((row.looks, row.unclear))
        job = ledger.move(job, "planned")
    assert found == [(0, 0), (2, 0), (1, 1), (0, 2)]


def test_looks_for_a_job_without_a_submission_are_none(ledger: HardwareLedger) -> None:
    again = ledger.retry(ledger.move(first(ledger), *WAYS["failed"]), detail="")
    assert ledger.count_look(again) == 0


def test_nothing_leads_from_parked_to_the_service_without_a_plan(ledger: HardwareLedger) -> None:
    job = ledger.move(first(ledger), *WAYS["parked"])
    with pytest.raises(IllegalTransitionError, match="parked -> intended"):
        intend(ledger, job)
