"""A ledger from a backup, older than the run folders: it learns from them what was sent since.

The service's listing lags in most of these: it does not tell what is in flight.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from fakes.commands import one_line
from fakes.hardware import (
    ONE,
    TWO,
    KilledError,
    World,
    bring_the_ledger_back,
    counted,
    keep_the_ledger,
    known,
    make_world,
    park,
    submitted,
    words,
)

from hexmagic.backends.remote import NotAcceptedError, RejectedError, RemoteError, UnclearError
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.ledger.hardware import HardwareLedger

DOWN = RemoteError("HTTP 503: down")
BUSY = NotAcceptedError("HTTP 429: busy")
LAG = 1000.0
HOUR = 3600.0
DAILY = "schedule: {every: 24h}\n"

Strike = Callable[[str, BaseException], None]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def plan(world: World, **given: Any) -> RunFolder:
    """Begin a run of which nothing can be sent yet."""
    world.remote.fail("open_batch", DOWN)
    return world.start(**{"text": ONE} | given)


def fail(world: World) -> None:
    """Begin a run whose only job fails."""
    world.start(text=ONE)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)


def resume(world: World) -> str:
    """Ask for what failed once more; return what is said."""
    result = world.call("run", "--resume", "latest", "--no-wait")
    return " ".join(result.output.split())


def posts(world: World) -> int:
    return world.remote.count("post")


@pytest.fixture
def strike(monkeypatch: pytest.MonkeyPatch) -> Strike:
    """Let a method of the ledger raise, the next time that it is called."""

    def arm(name: str, error: BaseException) -> None:
        method = getattr(HardwareLedger, name)

        def raise_once(*_: object, **__: object) -> NoReturn:
            monkeypatch.setattr(HardwareLedger, name, method)
            raise error

        monkeypatch.setattr(HardwareLedger, name, raise_once)

    return arm


# --- what was sent since --------------------------------------------------------------------------


def test_a_ledger_from_a_backup_learns_what_was_sent_from_the_folder(world: World) -> None:
    world.remote.listing_lag = LAG
    world.remote.fail("open_batch", DOWN)
    world.start(text=ONE)
    keep_the_ledger(world)
    world.tick(code=75)
    bring_the_ledger_back(world)
    assert world.states() == ["planned"]
    result = world.tick(code=75)
    assert "submitted.json has it as sent at" in result.stdout
    assert (world.states(), world.remote.count("post")) == (["submitted"], 1)
    assert known(world) == {"job-1": 1}  # the folder has the service's id


@pytest.mark.parametrize("lag", [0.0, LAG])
def test_a_second_attempt_is_not_sent_again_by_an_older_ledger(world: World, lag: float) -> None:
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=TWO)
    world.tick(code=75)
    world.remote.end("failed", reason="fridge warm")
    park(world)
    assert world.states() == ["parked", "failed"]
    keep_the_ledger(world)
    world.remote.listing_lag = lag
    world.call("run", "--resume", "latest", "--no-wait")
    assert world.remote.count("post") == 3
    bring_the_ledger_back(world)
    world.call("run", "--resume", "latest", "--no-wait")
    assert world.remote.count("post") == 3
    world.clock.advance(lag)
    world.tick()
    assert world.jobs()[-1].state == "submitted"
    assert len({job.tag for job in world.remote.jobs}) == 2


def test_strangers_are_looked_for_while_a_job_is_parked(world: World) -> None:
    world.remote.fail("post", UnclearError("lost"))
    folder = world.start(text=TWO).path
    park(world)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    keep_the_ledger(world)
    before = (folder / "submitted.json").read_text()
    world.call("run", "--resume", "latest", "--no-wait")
    world.remote.end()
    bring_the_ledger_back(world)
    (folder / "submitted.json").write_text(before)  # the whole directory is from the backup
    result = world.call("run", "--resume", "latest", "--no-wait")
    assert "jobs of this run that are not known here (job-2)" in result.output
    assert f"`hexmagic cancel {folder.name}`" in result.output
    assert world.remote.count("post") == 3
    assert world.call("cancel", "latest").exit_code == 0
    assert world.state() == "cancelled"


def test_a_ledger_that_knows_an_earlier_submission_learns_of_the_later_one(world: World) -> None:
    world.remote.listing_lag = 10
    world.remote.fail("post", NotAcceptedError("HTTP 429: busy"))
    world.start(text=ONE)
    keep_the_ledger(world)
    world.clock.advance(121)
    world.tick(code=75)
    bring_the_ledger_back(world)
    world.clock.advance(1)
    world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 2)  # the first: HTTP 429
    assert known(world) == {"job-1": 1}


def test_a_parked_job_that_was_sent_again_since_is_waited_for(world: World) -> None:
    world.remote.listing_lag = 10
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=ONE)
    park(world)
    keep_the_ledger(world)
    world.tick("--resubmit", "latest", code=75)
    bring_the_ledger_back(world)
    world.clock.advance(1)
    world.call("tick", "--resubmit", "latest")
    with world.ledger() as ledger:
        assert [one.unclear for one in ledger.submissions(world.run_ids()[-1])] == [1]
    assert (world.remote.count("post"), len(world.remote.jobs)) == (2, 1)
    world.clock.advance(10)
    world.tick(code=75)
    assert world.states() == ["submitted"]


def test_what_is_in_flight_counts_before_another_run_submits(world: World) -> None:
    world.remote.fail("open_batch", DOWN, times=2)
    world.start(text=ONE, name="a")
    world.start(text=TWO, name="b")
    assert world.remote.jobs == []
    keep_the_ledger(world)
    world.site("[budget]\nqpu_seconds_per_day = 10\n")  # two jobs of 5 s
    world.remote.listing_lag = LAG
    world.remote.fail("standing", DOWN)  # of the first run: the second one submits
    world.tick()
    sent = [job.tag for job in world.remote.jobs]
    assert len(sent) == 2
    bring_the_ledger_back(world)
    world.tick()
    assert [job.tag for job in world.remote.jobs] == sent


def test_an_attempt_that_an_older_ledger_lacks_is_taken_up(world: World) -> None:
    world.start(text=ONE)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    assert world.state() == "failed"
    keep_the_ledger(world)
    world.call("run", "--resume", "latest", "--no-wait")
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["failed", "submitted"], 2)
    world.remote.end()
    world.tick(code=0)
    assert (world.state(), [job.attempt for job in world.jobs()]) == ("done", [1, 2])


def test_one_damaged_file_does_not_keep_the_late_jobs_of_other_runs_alive(world: World) -> None:
    world.remote.listing_lag = LAG
    ids = []
    for name in ("a", "b"):
        world.remote.fail("post", UnclearError("lost"), after=True)
        ids.append(world.start(text=ONE, name=name).run_id)
    world.clock.advance(121)
    for _ in range(3):
        world.tick()
    for run_id in ids:
        world.call("cancel", run_id)
    (world.runs / ids[0] / "submitted.json").write_text("")
    world.clock.advance(LAG)
    output = " ".join(world.tick().stdout.split())
    assert words(world) == ["queued", "cancelled"]
    assert "submitted.json: " in output and "bring the file back, or remove it" in output


def test_a_time_that_is_none_damages_the_file_and_not_the_ledger(world: World) -> None:
    world.remote.fail("open_batch", DOWN)
    folder = world.start(text=ONE).path
    keep_the_ledger(world)
    world.remote.listing_lag = 50
    world.tick(code=75)
    bring_the_ledger_back(world)
    path = folder / "submitted.json"
    good = path.read_text()
    document = json.loads(good)
    for one in document["submissions"].values():
        one["intended"] = "yesterday"
    path.write_text(json.dumps(document))
    assert "submitted.json: damaged: Invalid isoformat" in world.tick(code=4).stdout
    path.write_text(good)
    world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 1)


def test_a_schedule_starts_nothing_beside_a_run_that_the_ledger_lacks(world: World) -> None:
    text = ONE + "schedule: {every: 24h}\n"
    world.call("run", world.spec(text=text), "--no-wait")
    world.remote.end()
    world.tick()
    keep_the_ledger(world)
    world.clock.advance(86401)
    world.tick()
    posts = world.remote.count("post")
    bring_the_ledger_back(world)
    output = " ".join(world.tick(code=4).stdout.split())
    assert "was submitted and the ledger does not have it" in output
    assert world.remote.count("post") == posts


def test_what_was_sent_first_and_turns_up_done_counts_and_the_second_is_cancelled(
    world: World,
) -> None:
    world.remote.listing_lag = 300
    world.remote.fail("post", UnclearError("lost"), after=True)
    world.start(text=ONE)
    park(world)
    world.tick("--resubmit", "latest", code=75)
    world.remote.end("done", world.remote.jobs[0])
    world.clock.advance(180)
    world.tick()
    world.tick()
    assert (world.state(), words(world)) == ("done", ["done", "cancelled"])
    assert known(world) == {"job-1": 1, "job-2": 0}


# --- every attempt is learned -------------------------------------------------------------------


def test_a_job_that_was_registered_and_no_more_learns_of_its_submission(
    world: World, strike: Strike
) -> None:
    world.remote.listing_lag = LAG
    strike("plan_submission", KilledError())
    with pytest.raises(KilledError):
        world.call("run", world.spec(text=ONE), "--no-wait")
    keep_the_ledger(world)
    world.tick(code=75)
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world), known(world)) == (["submitted"], 1, {"job-1": 1})


def test_an_attempt_that_was_begun_and_no_more_learns_of_its_submission(
    world: World, strike: Strike
) -> None:
    fail(world)
    world.remote.listing_lag = LAG
    strike("plan_submission", KilledError())
    with pytest.raises(KilledError):
        resume(world)
    keep_the_ledger(world)
    world.tick(code=75)
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["failed", "submitted"], 2)


def test_an_attempt_that_was_rejected_leads_to_the_one_in_flight(world: World) -> None:
    world.remote.listing_lag = LAG
    plan(world)
    keep_the_ledger(world)
    world.remote.fail("post", RejectedError("HTTP 400: no"))
    world.tick(code=4)
    resume(world)
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["cancelled", "submitted"], 2)
    world.remote.end()
    world.tick(code=0)
    assert world.state() == "done"


def test_an_attempt_that_failed_leads_to_the_one_in_flight_and_is_counted(world: World) -> None:
    world.remote.listing_lag = LAG
    plan(world)
    keep_the_ledger(world)
    world.tick(code=75)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    resume(world)
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["cancelled", "submitted"], 2)
    assert counted(world) == 3 + 5  # one charged, one of at most 5 s in flight


def test_two_attempts_that_are_lacking_are_learned_before_a_person_gets_another(
    world: World,
) -> None:
    fail(world)
    keep_the_ledger(world)
    world.remote.listing_lag = LAG
    resume(world)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    resume(world)
    bring_the_ledger_back(world)
    resume(world)
    assert (posts(world), words(world)) == (3, ["failed", "failed", "queued"])
    assert world.states() == ["failed", "cancelled", "submitted"]


def test_an_attempt_of_which_nothing_was_sent_is_passed_over(world: World) -> None:
    fail(world)
    keep_the_ledger(world)
    world.remote.listing_lag = LAG
    world.remote.fail("open_batch", DOWN)
    resume(world)
    world.call("cancel", "latest")
    resume(world)
    assert world.states() == ["failed", "cancelled", "submitted"]
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["failed", "cancelled", "submitted"], 2)


def test_a_word_about_a_parked_job_that_has_a_later_attempt_sends_nothing(world: World) -> None:
    world.remote.listing_lag = 130
    world.remote.fail("post", UnclearError("lost"), after=True)
    world.start(text=ONE)
    park(world)
    keep_the_ledger(world)
    world.clock.advance(10)
    world.tick(code=75)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    resume(world)
    bring_the_ledger_back(world)
    world.tick("--resubmit", "latest")
    assert (posts(world), world.states()) == (2, ["cancelled", "submitted"])
    world.tick(code=75)
    assert counted(world) == 3 + 5


def test_the_late_job_of_an_attempt_in_the_middle_is_cancelled_and_counted(world: World) -> None:
    fail(world)
    keep_the_ledger(world)
    world.remote.listing_lag = 500
    world.remote.fail("post", UnclearError("lost"), after=True)
    resume(world)
    park(world)
    world.call("cancel", "latest")
    resume(world)
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert counted(world) == 3 + 5 + 5
    world.clock.advance(500)
    for _ in range(2):
        world.tick(code=75)
    assert words(world) == ["failed", "cancelled", "queued"]
    assert counted(world) == 3 + 3 + 5


def test_what_was_sent_twice_under_one_tag_counts_twice_and_the_second_is_found(
    world: World,
) -> None:
    plan(world)
    keep_the_ledger(world)
    world.remote.listing_lag = 300
    world.remote.fail("post", UnclearError("lost"), after=True)
    world.tick(code=75)
    park(world)
    world.remote.fail("post", UnclearError("lost"), after=True)
    world.tick("--resubmit", "latest", code=75)
    bring_the_ledger_back(world)
    world.clock.advance(180)  # only the first is listed
    world.tick(code=75)
    assert counted(world) == 5 + 5
    world.remote.end("done", world.remote.jobs[0])
    world.tick()
    world.clock.advance(LAG)
    world.tick()
    assert (world.state(), words(world)) == ("done", ["done", "cancelled"])
    assert (posts(world), counted(world)) == (2, 3 + 3)


def test_a_list_of_version_1_is_read(world: World) -> None:
    folder = plan(world)
    keep_the_ledger(world)
    world.remote.listing_lag = 50
    world.tick(code=75)
    document = submitted(world) | {"schema_version": 1}
    for one in document["submissions"].values():
        del one["unclear"], one["id"]
    (folder.path / "submitted.json").write_text(json.dumps(document))
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["unknown"], 1)
    world.clock.advance(50)
    world.tick(code=75)
    assert known(world) == {"job-1": 1}


def test_a_result_that_is_in_the_folder_is_taken_though_the_service_has_the_job_no_longer(
    world: World,
) -> None:
    plan(world)
    keep_the_ledger(world)
    world.tick(code=75)
    world.remote.end()
    world.tick(code=0)
    bring_the_ledger_back(world)
    world.remote.jobs.clear()
    world.tick(code=0)
    assert (world.states(), world.state(), posts(world)) == (["done"], "done", 1)


# --- catching up that fails, or is killed -------------------------------------------------------


def test_a_ledger_that_cannot_be_written_while_it_catches_up_sends_nothing(
    world: World, strike: Strike
) -> None:
    world.remote.listing_lag = LAG
    for name in ("a", "b"):
        plan(world, name=name)
    keep_the_ledger(world)
    world.tick(code=75)
    bring_the_ledger_back(world)
    strike("was_sent", StorageError("runs/hexmagic.sqlite: ledger: disk is full"))
    assert "problem: runs/hexmagic.sqlite: ledger: disk is full" in world.tick(code=4).stdout
    assert posts(world) == 2
    world.tick(code=75)
    assert [world.states(run_id) for run_id in world.run_ids()] == [["submitted"]] * 2
    assert posts(world) == 2


@pytest.mark.parametrize("where", ["set_run_state", "plan_submission", "was_sent"])
def test_killed_while_it_catches_up_it_goes_on(world: World, strike: Strike, where: str) -> None:
    fail(world)
    keep_the_ledger(world)
    world.remote.listing_lag = LAG
    resume(world)
    bring_the_ledger_back(world)
    strike(where, KilledError())
    with pytest.raises(KilledError):
        world.tick()
    world.tick(code=75)
    assert (world.states(), world.state(), posts(world)) == (["failed", "submitted"], "waiting", 2)


def test_a_time_without_a_zone_keeps_no_other_run_from_collecting(world: World) -> None:
    sent = world.start(text=ONE, name="a")
    world.remote.fail("post", BUSY)
    damaged = world.start(text=ONE, name="b")
    planned = plan(world, name="c")
    path = damaged.path / "submitted.json"
    path.write_text(path.read_text().replace("+00:00", ""))
    world.remote.end()
    output = " ".join(world.tick(code=4).stdout.split())
    assert "has no time zone" in output
    assert f"nothing is submitted: run {damaged.run_id}: " in output
    assert (world.state(sent.run_id), world.states(planned.run_id)) == ("done", ["planned"])
    assert posts(world) == 2


def test_an_attempt_that_cannot_be_is_refused_at_once(world: World) -> None:
    fail(world)
    path = world.folder(world.run_ids()[0]).path / "submitted.json"
    path.write_text(path.read_text().replace('"attempt": 1', '"attempt": 100000'))
    assert "damaged: attempt 100000" in world.tick(code=4).stdout
    assert len(world.jobs()) == 1


def test_a_renamed_folder_is_learned_from(world: World) -> None:
    world.remote.listing_lag = LAG
    folder = plan(world)
    keep_the_ledger(world)
    world.tick(code=75)
    folder.path.rename(world.runs / "mine")
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["submitted"], 1)


def test_a_renamed_run_that_ended_is_asked_for_at_its_own_address_only(world: World) -> None:
    world.site("[ibm]\nurl = 'https://one.example'\n")
    world.remote.listing_lag = LAG
    world.remote.fail("post", UnclearError("lost"), after=True)
    folder = world.start(text=ONE)
    park(world)
    world.call("cancel", "latest")
    folder.path.rename(world.runs / "mine")
    world.clock.advance(LAG)
    calls = len(world.remote.calls)
    world.site("[ibm]\nurl = 'https://two.example'\n")
    world.tick()
    assert len(world.remote.calls) == calls
    world.site("[ibm]\nurl = 'https://one.example'\n")
    world.tick()
    assert words(world) == ["cancelled"]


# --- cancelled and resumed ----------------------------------------------------------------------


def test_what_is_in_flight_is_cancelled_by_an_older_ledger(world: World) -> None:
    world.remote.listing_lag = LAG
    plan(world)
    keep_the_ledger(world)
    world.tick(code=75)
    bring_the_ledger_back(world)
    assert world.call("cancel", "latest").exit_code == 0
    assert (words(world), world.state(), counted(world)) == (["cancelled"], "cancelled", 3)


def test_a_run_that_went_on_since_is_cancelled_by_a_ledger_to_which_it_had_ended(
    world: World,
) -> None:
    fail(world)
    keep_the_ledger(world)
    resume(world)
    bring_the_ledger_back(world)
    assert world.call("cancel", "latest").exit_code == 0
    assert (words(world), world.state()) == (["failed", "cancelled"], "cancelled")


def test_a_run_that_was_resumed_is_not_cancelled_by_a_ledger_to_which_it_was(world: World) -> None:
    world.start(text=ONE)
    world.call("cancel", "latest")
    keep_the_ledger(world)
    resume(world)
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (words(world), world.state()) == (["cancelled", "queued"], "waiting")


def test_a_job_of_a_copy_under_the_tag_of_an_attempt_that_ended_is_a_stranger(
    world: World,
) -> None:
    world.remote.listing_lag = 100
    plan(world)
    shutil.copytree(world.runs, world.path / "other")
    world.tick(code=75)
    world.clock.advance(1)
    world.tick("--runs", "other", code=75)
    world.remote.end("failed", world.remote.jobs[0], reason="fridge warm")
    world.tick(code=4)
    world.clock.advance(100)
    assert "jobs of this run that are not known here (job-2)" in resume(world)
    assert (posts(world), words(world)) == (2, ["failed", "queued"])


# --- schedules and budgets ----------------------------------------------------------------------


def test_a_schedule_does_not_start_again_what_has_ended_since(world: World) -> None:
    world.remote.at_once = True
    world.call("run", world.spec(DAILY, text=ONE), "--no-wait")
    world.tick()
    keep_the_ledger(world)
    world.clock.advance(86401)
    for _ in range(2):
        world.tick()
    ids = world.run_ids()
    assert len(ids) == 2
    bring_the_ledger_back(world)
    output = " ".join(world.tick(code=4).stdout.split())
    assert f"waits: it may have been started: {ids[1]} was submitted" in output
    assert (world.run_ids(), posts(world)) == (ids, 2)


def test_a_schedule_that_is_registered_again_does_not_start_its_open_run_again(
    world: World,
) -> None:
    world.start(text=ONE, name="other")
    world.remote.end()
    world.tick(code=0)
    keep_the_ledger(world)
    path = world.spec(DAILY, text=ONE, name="nightly")
    world.call("run", path, "--no-wait")
    bring_the_ledger_back(world)
    result = world.call("run", path, "--no-wait")
    assert (result.exit_code, posts(world)) == (4, 2)
    assert "was submitted and the ledger does not have it" in one_line(result)


def test_nothing_is_begun_beside_a_run_that_the_ledger_lacks(world: World) -> None:
    fail(world)
    keep_the_ledger(world)
    folder = world.start(text=TWO, name="lacking")
    bring_the_ledger_back(world)
    result = world.call("run", world.spec(text=ONE, name="another"), "--no-wait")
    assert (result.exit_code, posts(world), len(world.run_ids())) == (4, 3, 2)
    assert f"nothing is submitted: {folder.run_id} was submitted" in one_line(result)


def test_a_later_attempt_of_one_run_counts_before_another_submits(world: World) -> None:
    first = world.start(text=ONE, name="a")
    second = plan(world, name="b")
    keep_the_ledger(world)
    world.remote.end("failed", reason="fridge warm")
    world.remote.fail("open_batch", DOWN)
    world.tick(code=4)
    world.site("[budget]\nqpu_seconds_per_day = 10\n")  # 3 s charged, a job may take 5 s
    world.call("run", "--resume", first.run_id, "--no-wait")
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (posts(world), world.states(second.run_id)) == (2, ["planned"])
    assert counted(world) == 3 + 5 + 5


def test_what_a_damaged_list_hides_is_not_spent_by_another_run(world: World) -> None:
    hidden, other = plan(world, name="a", text=TWO), plan(world, name="b")
    keep_the_ledger(world)
    world.site("[budget]\nqpu_seconds_per_day = 10\n")
    world.tick(code=75)
    assert posts(world) == 2
    bring_the_ledger_back(world)
    (hidden.path / "submitted.json").write_text("{")
    output = " ".join(world.tick(code=4).stdout.split())
    assert f"nothing is submitted: run {hidden.run_id}: " in output
    assert (posts(world), world.states(other.run_id)) == (2, ["planned"])


# --- clocks -------------------------------------------------------------------------------------


def test_what_a_clock_that_was_ahead_has_sent_is_learned(world: World) -> None:
    world.remote.listing_lag = LAG
    world.remote.fail("post", BUSY)
    world.start(text=ONE)
    keep_the_ledger(world)
    world.clock.advance(HOUR)
    world.tick(code=75)
    world.clock.advance(1 - HOUR)
    for job in world.remote.jobs:
        job.accepted -= timedelta(seconds=HOUR)  # the service's own clock was right
    bring_the_ledger_back(world)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["submitted"], 2)


def test_a_clock_that_steps_back_makes_no_ledger_an_older_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = world.remote.post

    def step_back(body: bytes) -> str:
        world.clock.advance(-2)
        return post(body)

    with monkeypatch.context() as patch:
        patch.setattr(world.remote, "post", step_back)
        world.remote.fail("post", BUSY)
        world.start(text=ONE)
    assert "older" not in world.tick(code=75).stdout
    world.clock.advance(125)
    world.tick(code=75)
    assert (world.states(), posts(world)) == (["submitted"], 2)


def test_a_word_about_a_job_that_a_clock_sent_ahead_is_kept(world: World) -> None:
    world.clock.advance(HOUR)
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=ONE)
    world.clock.advance(-HOUR)
    park(world)
    world.remote.stand(operational=False, message="closed")
    world.tick("--resubmit", "latest", code=75)
    world.clock.advance(HOUR + 200)
    world.remote.stand(operational=True, message="")
    assert "older" not in world.tick(code=75).stdout
    assert (world.states(), posts(world)) == (["submitted"], 2)
