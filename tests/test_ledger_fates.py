"""The fate of a submission in the ledger: not accepted, sent again, heard of, there again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.paid import (
    WAYS,
    asked,
    first,
    intend,
    last_events,
    later,
    open_paid,
    steps,
    submit,
)
from fakes.remote import Clock

from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import TRANSITIONS
from hexmagic.driver.ledger.runs import IllegalTransitionError


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[HardwareLedger]:
    with open_paid(tmp_path, clock) as opened:
        yield opened


# --- not accepted, sent again -------------------------------------------------------------------


@pytest.mark.parametrize("sent", [False, True])
def test_of_a_submission_that_was_not_accepted_holds_what_was_known_before(
    ledger: HardwareLedger, clock: Clock, sent: bool
) -> None:
    ledger.count_look(ledger.move(intend(ledger), "unknown"))
    intend(ledger, ledger.move(first(ledger), "planned"))
    ledger.count_look(ledger.move(first(ledger), "unknown"))
    ledger.move(first(ledger), "planned")
    before, others = asked(ledger, first(ledger)), ledger.submissions("r")[1:]
    assert (before.looks, before.unclear) == (1, 1)
    job = intend(ledger)
    now = later(clock, 1)
    job = ledger.was_not_accepted(job, before=before, sent=sent, detail="no")
    assert (job.state, job.detail) == ("planned", "no")
    assert asked(ledger, job) == replace(before, intended=now if sent else before.intended)
    assert ledger.submissions("r")[1:] == others
    assert steps(last_events(ledger, 2)) == [
        ("s0", 1, "intended", "unknown", "no"),
        ("s0", 1, "unknown", "planned", "no"),
    ]


def test_what_was_sent_is_waited_for_from_its_intent_though_the_clock_goes_back(
    ledger: HardwareLedger, clock: Clock
) -> None:
    before = asked(ledger, first(ledger))
    job = intend(ledger)
    intended = asked(ledger, job).intended
    clock.advance(-3600)
    ledger.was_not_accepted(job, before=before, sent=True, detail="")
    assert asked(ledger, job).intended == intended


def test_a_first_submission_of_which_nothing_was_sent_was_never_intended(
    ledger: HardwareLedger,
) -> None:
    before = asked(ledger, first(ledger))
    job = ledger.was_not_accepted(intend(ledger), before=before, sent=False, detail="")
    assert asked(ledger, job).intended is None


def test_a_job_without_a_submission_can_be_found_not_accepted(ledger: HardwareLedger) -> None:
    before = asked(ledger, first(ledger))
    again = ledger.retry(ledger.move(first(ledger), *WAYS["failed"]), detail="")
    job = ledger.move(again, "intended")
    job = ledger.was_not_accepted(job, before=before, sent=True, detail="")
    assert (job.state, ledger.submission(job)) == ("planned", None)


def test_only_what_is_intended_is_found_not_accepted(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    row = asked(ledger, job)
    with pytest.raises(IllegalTransitionError, match="submitted -> unknown"):
        ledger.was_not_accepted(job, before=replace(row, looks=7), sent=True, detail="")
    assert asked(ledger, job) == row


def test_a_person_plans_a_parked_job_again_from_the_time_at_which_it_was_sent(
    ledger: HardwareLedger,
) -> None:
    intend(ledger)
    job = ledger.move(first(ledger), "unknown", "parked")
    before, others = asked(ledger, job), ledger.submissions("r")[1:]
    job = ledger.plan_again(job, intended="2026-03-04", detail="it is not there")
    assert (job.state, job.detail) == ("planned", "it is not there")
    assert asked(ledger, job) == replace(before, intended="2026-03-04")
    assert ledger.submissions("r")[1:] == others
    assert steps(last_events(ledger, 1)) == [("s0", 1, "parked", "planned", "it is not there")]


def test_a_job_that_is_not_parked_is_not_planned_again(ledger: HardwareLedger) -> None:
    row = asked(ledger, submit(ledger))
    with pytest.raises(IllegalTransitionError, match="submitted -> planned"):
        ledger.plan_again(first(ledger), intended="2026-03-04", detail="")
    assert asked(ledger, first(ledger)) == row


# --- it is heard of a submission, or of its job -------------------------------------------------

TO_UNKNOWN = {
    "planned": [("planned", "intended"), ("intended", "unknown")],
    "intended": [("intended", "unknown")],
    "unknown": [("unknown", "unknown")],
    "parked": [("parked", "planned"), ("planned", "intended"), ("intended", "unknown")],
    "submitted": [("submitted", "submitted")],
}


@pytest.mark.parametrize("state", TO_UNKNOWN)
def test_a_job_that_turns_out_to_have_been_sent_is_unknown_or_submitted_still(
    ledger: HardwareLedger, state: str
) -> None:
    ledger.move(first(ledger), *WAYS[state])
    ledger.count_look(first(ledger))
    job, row, others = first(ledger), asked(ledger, first(ledger)), ledger.submissions("r")[1:]
    sent = ledger.was_sent(job, tag="hexmagic:t", intended="2026-03-04", unclear=2, detail="so")
    assert sent == first(ledger)
    assert sent.state == ("submitted" if state == "submitted" else "unknown")
    changed = replace(row, tag="hexmagic:t", intended="2026-03-04", unclear=2, looks=0)
    assert [*ledger.submissions("r")] == [changed, *others]
    found = last_events(ledger, len(TO_UNKNOWN[state]))
    assert steps(found) == [("s0", 1, a, b, "so") for a, b in TO_UNKNOWN[state]]


def test_what_is_heard_of_a_submission_does_not_lessen_what_is_unclear(
    ledger: HardwareLedger,
) -> None:
    job = intend(ledger)
    for told, known in ((3, 3), (1, 3), (4, 4)):
        job = ledger.was_sent(job, tag="hexmagic:t", intended="2026", unclear=told, detail="")
        assert asked(ledger, job).unclear == known


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_a_finished_job_is_not_taken_for_sent(ledger: HardwareLedger, state: str) -> None:
    job = ledger.move(first(ledger), *WAYS[state])
    row = asked(ledger, job)
    with pytest.raises(IllegalTransitionError, match=f"{state} -> unknown"):
        ledger.was_sent(job, tag="hexmagic:t", intended="2026", unclear=0, detail="")
    assert asked(ledger, job) == row


def test_a_job_that_the_service_has_again_is_taken_back(
    ledger: HardwareLedger, clock: Clock
) -> None:
    ledger.move(submit(ledger, 1), "failed", detail="gone")
    failed, others = first(ledger), ledger.jobs("r")[1:]
    changed, written = later(clock, 1), later(clock, 2)
    job = ledger.take_back(failed, detail="there again")
    assert job == replace(failed, state="submitted", changed=changed, detail="there again")
    assert ledger.jobs("r") == [job, *others]
    (event,) = last_events(ledger, 1)
    assert event.time == written
    assert steps([event]) == [("s0", 1, "failed", "submitted", "there again")]


@pytest.mark.parametrize("state", sorted(TRANSITIONS.keys() - {"failed"}))
def test_only_a_failed_job_is_taken_back(ledger: HardwareLedger, state: str) -> None:
    job = ledger.move(first(ledger), *WAYS[state])
    with pytest.raises(IllegalTransitionError) as refused:
        ledger.take_back(job, detail="")
    assert str(refused.value) == f"shard s0: {state}, so it was not gone"
    assert first(ledger) == job
