"""What an audit of the money path found: each way to pay twice, or unknown, stays closed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from fakes.hardware import MOST, SPEC, KilledError, World, make_world
from fakes.ibm import remote_of, serving, submission_of
from fakes.remote import FakeJob
from service import Rule

from hexmagic.backends.ibm.errors import error_of_submission, failure_of
from hexmagic.backends.remote import (
    AccountError,
    GoneError,
    NotAcceptedError,
    RejectedError,
    RemoteError,
    RemoteJob,
    UnclearError,
)
from hexmagic.driver.hardware.collecting import MOST_FETCHES
from hexmagic.driver.hardware.settling import PATIENCE_SECONDS
from hexmagic.driver.ledger.runs import LEDGER_NAME
from hexmagic.driver.ledger.submissions import Claim

ONE = SPEC.replace("shots: 300", "shots: 100")
TWO = SPEC.replace("shots: 300", "shots: 200")
UNCLEAR = UnclearError("lost")
DOWN = RemoteError("HTTP 503: down")
BUSY = NotAcceptedError("HTTP 429: busy")
LAG = 1000.0
"""Seconds, more than a job is looked for before it is parked."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def plan(world: World, **given: Any) -> Path:
    """Leave a run of which nothing is submitted; return its folder."""
    world.remote.fail("open_batch", DOWN)
    return world.start(**{"text": ONE, **given}).path


def park(world: World, *, accepted: bool = True) -> Path:
    """Leave a run with one parked job, which the service lists LAG seconds after it took it."""
    world.remote.listing_lag = LAG
    world.remote.fail("post", UNCLEAR, after=accepted)
    folder = world.start(text=ONE)
    world.clock.advance(121)
    world.tick(code=75)
    world.tick(code=4)
    assert world.states() == ["parked"]
    return folder.path


def park_and_resubmit(world: World) -> tuple[FakeJob, FakeJob]:
    """Return the two jobs of a submission that was sent again on a wrong word; none is listed."""
    park(world)
    world.tick("--resubmit", "latest", code=75)
    first, second = world.remote.jobs
    assert world.states() == ["submitted"]
    return first, second


def words(world: World) -> list[str]:
    """Return the states of the service's jobs."""
    return [job.state for job in world.remote.jobs]


def claim(world: World) -> Claim:
    """Return what the only submission may cost."""
    with world.ledger() as ledger:
        (found,) = ledger.claims()
    return found


def known(world: World) -> dict[str, int]:
    """Return the service's jobs that the ledger knows, and whether each is the one that counts."""
    with world.ledger() as ledger:
        return {r.remote_id: r.kept for run in ledger.runs() for r in ledger.remotes(run.run_id)}


def cancel(world: World, code: int, *words: object) -> str:
    """Cancel a run, the newest if none is named."""
    result = world.call("cancel", *(words or ("latest",)))
    assert result.exit_code == code, result.output
    return result.stdout


# --- M1: a ledger that is older than the service ------------------------------------------------


def test_a_ledger_from_a_backup_finds_what_was_submitted_since(world: World) -> None:
    plan(world, text=TWO)
    shutil.copy(world.runs / LEDGER_NAME, world.path / "backup")
    world.tick(code=75)
    assert world.states() == ["submitted"] * 2
    shutil.copy(world.path / "backup", world.runs / LEDGER_NAME)
    assert world.states() == ["planned"] * 2
    world.tick(code=75)
    assert (world.remote.count("post"), known(world)) == (2, {"job-1": 1, "job-2": 1})
    assert words(world) == ["queued"] * 2


def test_before_every_submission_the_service_is_asked_for_its_tag(world: World) -> None:
    world.start()
    asked = [(name, about) for name, about in world.remote.calls if name in ("find", "post")]
    posts = [i for i, (name, _) in enumerate(asked) if name == "post"]
    assert len(posts) == 3
    assert all(asked[i - 1] == ("find", asked[i][1]) for i in posts)


# --- M2: a person's word counts for what the person was told ------------------------------------


def test_a_job_that_is_parked_in_the_step_of_the_word_is_not_submitted_by_it(world: World) -> None:
    world.remote.fail("post", UNCLEAR, times=2)
    world.start(text=TWO)
    world.clock.advance(60)
    world.tick(code=75)
    world.clock.advance(65)
    world.tick(code=75)
    assert world.states() == ["parked", "unknown"]
    world.clock.advance(60)
    world.tick("--resubmit", "latest", code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted", "parked"], 3)


def test_a_word_is_not_taken_while_the_listing_does_not_answer(world: World) -> None:
    park(world)
    world.remote.fail("find", DOWN)
    world.tick("--resubmit", "latest", code=4)
    assert (world.states(), world.remote.count("post")) == (["parked"], 1)


# --- M3: cancelling what nobody has seen --------------------------------------------------------


def test_a_parked_job_is_not_dropped_while_the_listing_does_not_answer(world: World) -> None:
    park(world)
    world.clock.advance(LAG)
    world.remote.fail("find", DOWN)
    assert "HTTP 503: down" in cancel(world, 75)
    assert (world.states(), world.state()) == (["parked"], "cancelling")
    world.tick(code=0)
    assert (words(world), world.state()) == (["cancelled"], "cancelled")
    assert [seconds for seconds, _ in claim(world).charged] == [3.0]


def test_a_job_that_is_parked_in_a_step_that_cancels_needs_an_answer_too(world: World) -> None:
    world.remote.listing_lag = 130
    world.remote.fail("post", UNCLEAR, after=True)
    world.start(text=ONE)
    world.remote.fail("find", DOWN)
    cancel(world, 75)
    world.clock.advance(131)
    world.tick()
    assert (words(world), world.states()) == (["cancelled"], ["cancelled"])


# --- M3b, N4: what was given up is looked for ---------------------------------------------------


def test_a_job_that_was_dropped_unseen_counts_and_is_cancelled_when_it_is_listed(
    world: World,
) -> None:
    park(world)
    cancel(world, 0)
    assert (world.states(), words(world)) == (["cancelled"], ["queued"])
    assert [seconds for seconds, _ in claim(world).charged] == [MOST]
    world.clock.advance(LAG)
    assert "the service has it after all, as job-1" in world.tick(code=0).stdout
    assert (words(world), known(world)) == (["cancelled"], {"job-1": 0})
    assert [seconds for seconds, _ in claim(world).charged] == [3.0]
    assert world.provenance()["seconds_charged"] == 3.0


def test_so_is_one_that_the_service_said_it_rejected(world: World) -> None:
    world.remote.listing_lag = LAG
    world.remote.fail("post", RejectedError("rejected: HTTP 400"), after=True)
    world.call("run", world.spec(text=ONE), "--no-wait")
    assert world.states() == ["failed"]
    world.clock.advance(LAG)
    world.tick()
    assert (words(world), known(world)) == (["cancelled"], {"job-1": 0})


def test_after_three_days_nobody_looks_any_more(world: World) -> None:
    park(world)
    cancel(world, 0)
    world.clock.advance(PATIENCE_SECONDS - 200)
    world.remote.listing_lag = 2 * PATIENCE_SECONDS
    before = world.remote.count("find")
    world.tick(code=0)
    assert world.remote.count("find") == before + 1
    world.clock.advance(200)
    world.tick(code=0)
    assert world.remote.count("find") == before + 1


# --- M4, M5: doubles ----------------------------------------------------------------------------


def test_a_double_that_is_listed_late_is_cancelled_while_ours_still_waits(world: World) -> None:
    first, second = park_and_resubmit(world)
    world.tick(code=75)
    assert (first.state, second.state) == ("queued", "queued")
    world.clock.advance(LAG)
    world.tick(code=75)
    assert (first.state, second.state) == ("cancelled", "queued")


def test_a_job_does_not_end_before_it_was_asked_for_doubles(world: World) -> None:
    first, second = park_and_resubmit(world)
    world.clock.advance(LAG)
    world.remote.end("done", second)
    world.remote.fail("find", DOWN)
    assert "HTTP 503: down" in world.tick(code=75).stdout
    assert (world.states(), first.state) == (["submitted"], "queued")
    world.tick(code=0)
    assert (world.states(), first.state) == (["done"], "cancelled")


def test_a_double_that_outlives_its_run_is_cancelled_all_the_same(world: World) -> None:
    world.remote.doubles = 1
    world.remote.deaf = True
    world.start(text=ONE)
    ours, other = world.remote.jobs
    world.remote.end("done", ours)
    world.tick()
    assert (world.state(), other.state) == ("done", "queued")
    assert claim(world).open_seconds == MOST
    world.remote.deaf = False
    world.tick(code=0)
    assert (other.state, claim(world).open_seconds) == ("cancelled", 0)


# --- M6: charges of a run that is still open ----------------------------------------------------


def test_a_charge_that_is_told_late_is_asked_for_while_the_run_is_open(world: World) -> None:
    world.remote.charge_lag = 100
    world.start(text=TWO)
    world.remote.end("done", world.remote.jobs[0])
    world.tick(code=75)
    assert world.states() == ["done", "submitted"]
    world.clock.advance(101)
    world.tick(code=75)
    with world.ledger() as ledger:
        assert sorted(one.open_seconds for one in ledger.claims()) == [0, MOST]


# --- M7: gateways -------------------------------------------------------------------------------


def answer(status: int, body: bytes, **headers: str) -> requests.HTTPError:
    """Return what the client raises for an answer."""
    response = requests.Response()
    response.status_code = status
    response._content = body
    response.headers.update(headers)
    return requests.HTTPError(response=response)


OWN = b'{"errors": [{"code": 1, "message": "no such gate: warp"}]}'
PAGES = [
    b"<html>Bad Request</html>",
    b"",
    b"{}",
    b'{"message": "blocked"}',
    b'{"errors": []}',
    b"7",
]


@pytest.mark.parametrize(
    "status", [400, 403, 404, 407, 408, 409, 410, 413, 421, 425, 431, 451, 460, 463, 499]
)
@pytest.mark.parametrize("page", PAGES)
def test_an_error_that_is_not_in_the_services_form_is_no_verdict(status: int, page: bytes) -> None:
    error = error_of_submission(failure_of(answer(status, page), ()))
    assert type(error) is UnclearError


@pytest.mark.parametrize("status", [408, 409, 425, 460, 463, 499, 500, 502, 504])
def test_a_status_that_may_come_after_an_acceptance_is_no_verdict_in_any_form(status: int) -> None:
    assert type(error_of_submission(failure_of(answer(status, OWN), ()))) is UnclearError


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_an_error_in_the_services_own_words_is_a_rejection(status: int) -> None:
    error = error_of_submission(failure_of(answer(status, OWN), ()))
    assert type(error) is RejectedError
    assert "no such gate: warp" in str(error)


def test_a_rejection_is_not_believed_if_the_job_is_listed(world: World) -> None:
    world.remote.fail("post", RejectedError("rejected: HTTP 400"), after=True)
    world.start(text=ONE)
    assert (world.states(), known(world)) == (["submitted"], {"job-1": 1})


def test_a_rejection_is_not_believed_before_the_listing_answers(world: World) -> None:
    world.remote.fail("post", RejectedError("rejected: HTTP 400"), after=True)
    world.remote.fail("find", DOWN, skip=2)  # after those before the submission
    world.start(text=ONE)
    assert world.states() == ["unknown"]
    world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 1)


# --- M8: an answer that says "not accepted" -----------------------------------------------------


def test_what_was_said_to_be_not_accepted_is_not_sent_again_before_it_would_be_listed(
    world: World,
) -> None:
    world.remote.listing_lag = 100
    world.remote.fail("post", BUSY, after=True)
    world.start(text=ONE)
    for seconds in (10, 60, 49):
        world.clock.advance(seconds)
        world.tick(code=75)
        assert world.remote.count("post") == 1
    world.clock.advance(2)
    world.tick(code=75)
    assert (world.states(), known(world)) == (["submitted"], {"job-1": 1})
    assert world.remote.count("post") == 1


def test_a_job_that_is_held_holds_up_no_other(world: World) -> None:
    world.remote.fail("post", BUSY)
    world.start(text=TWO)
    world.tick(code=75)
    assert world.states() == ["planned", "submitted"]


# --- M9: copies ---------------------------------------------------------------------------------


def test_of_two_copies_of_a_run_only_one_submits(world: World) -> None:
    folder = plan(world)
    shutil.copytree(folder, world.path / "other" / folder.name)
    world.remote.stand(operational=False)
    world.tick("--runs", "other", code=75)
    world.remote.stand(operational=True)
    world.tick(code=75)
    result = world.tick("--runs", "other", code=3)
    assert "that are not known here (job-1): a copy of it is at work elsewhere" in result.stdout
    assert world.remote.count("post") == 1
    cancel(world, 0, "latest", "--runs", "other")
    assert words(world) == ["queued"]


def test_two_copies_of_a_whole_directory_share_their_jobs(world: World) -> None:
    plan(world)
    shutil.copytree(world.runs, world.path / "other")
    world.tick(code=75)
    world.tick("--runs", "other", code=75)
    world.tick(code=75)
    assert words(world) == ["queued"]
    world.remote.end()
    world.tick(code=0)
    world.tick("--runs", "other", code=0)
    assert (words(world), world.state()) == (["done"], "done")


# --- M10: an interrupt --------------------------------------------------------------------------


def test_an_interrupt_while_the_token_is_fetched_sends_nothing_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(monkeypatch) as service:
        body = remote_of(service).encode(submission_of())
        remote = remote_of(service)  # which has no token yet
        at_work: list[threading.Thread] = []

        def interrupted(_: float, work: Callable[[], object]) -> None:
            def quietly() -> None:
                with pytest.raises(NotAcceptedError, match="not submitted"):
                    work()

            at_work.append(threading.Thread(target=quietly))
            at_work[0].start()
            raise KeyboardInterrupt

        service.rules.append(Rule(kind="slow", seconds=0.5, path="/identity/token"))
        monkeypatch.setattr("hexmagic.backends.ibm.link.within", interrupted)
        with pytest.raises(KeyboardInterrupt):
            remote.post(body)
        at_work[0].join()
        assert any(one.path.endswith("/identity/token") for one in service.requests)
        assert service.jobs == []
        assert not any(one.path.endswith("/jobs") for one in service.requests)


# --- N1, N2, N3: runs without a folder ----------------------------------------------------------


def test_a_run_that_is_given_up_is_open_until_the_service_says_that_its_jobs_ended(
    world: World,
) -> None:
    folder = world.start(text=ONE).path
    shutil.rmtree(folder)
    world.remote.deaf = True
    assert "has not cancelled it yet" in cancel(world, 75, folder.name)
    assert (world.states(), world.state()) == (["submitted"], "cancelling")
    world.remote.deaf = False
    cancel(world, 0, folder.name)
    assert (words(world), world.state()) == (["cancelled"], "cancelled")
    world.tick(code=0)
    assert claim(world).open_seconds == 0


@pytest.mark.parametrize("error", [BUSY, UNCLEAR])
def test_a_run_that_is_given_up_is_looked_for_before_its_jobs_are_dropped(
    world: World, error: RemoteError
) -> None:
    world.remote.listing_lag = 10
    world.remote.fail("post", error, after=True)
    folder = world.start(text=ONE).path
    shutil.rmtree(folder)
    world.clock.advance(11)
    cancel(world, 0, folder.name)
    assert (words(world), known(world)) == (["cancelled"], {"job-1": 1})


def test_a_run_that_is_given_up_unlisted_is_looked_for_later(world: World) -> None:
    folder = park(world)
    shutil.rmtree(folder)
    cancel(world, 0, folder.name)
    assert words(world) == ["queued"]
    world.clock.advance(LAG)
    world.tick()
    assert (words(world), known(world)) == (["cancelled"], {"job-1": 0})


def test_a_folder_that_was_renamed_is_not_gone(world: World) -> None:
    folder = world.start(text=ONE).path
    folder.rename(world.runs / "renamed")
    assert "gone" not in world.tick(code=75).stdout
    world.remote.end()
    world.tick(code=0)
    assert world.states() == ["done"]


# --- N5: a double that is done ------------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_double_that_is_done_counts_if_ours_gave_nothing(world: World, state: Any) -> None:
    first, second = park_and_resubmit(world)
    world.remote.end("done", first)
    world.remote.end(state, second, reason="fridge warm")
    world.clock.advance(LAG)
    assert "its double job-1 counts, not job-2: it is done" in world.tick(code=75).stdout
    world.tick(code=0)
    assert (world.states(), known(world)) == (["done"], {"job-2": 0, "job-1": 1})
    assert [seconds for seconds, _ in claim(world).charged] == [3.0, 3.0]


# --- N6: what a wrong word may cost -------------------------------------------------------------


def test_a_job_that_is_sent_again_on_a_word_claims_for_both(world: World) -> None:
    park_and_resubmit(world)
    assert claim(world).open_seconds == 2 * MOST
    world.clock.advance(LAG)
    world.tick(code=75)
    assert claim(world).open_seconds == MOST
    assert [seconds for seconds, _ in claim(world).charged] == [3.0]


def test_a_budget_has_no_room_for_a_word_that_may_cost_too_much(world: World) -> None:
    world.site(f"[budget]\nqpu_seconds_per_day = {2 * MOST - 1}\n")
    park(world)
    result = world.tick("--resubmit", "latest")
    assert "would exceed this day's budget" in result.stdout
    assert world.remote.count("post") == 1


@pytest.mark.parametrize("sent", [True, False])
def test_what_was_sent_again_in_vain_and_cancelled_counts_and_is_looked_for(
    world: World, sent: bool
) -> None:
    park(world)
    world.remote.fail("post", NotAcceptedError("not accepted", sent=sent))
    world.tick("--resubmit", "latest", code=75)
    assert world.states() == ["planned"]
    cancel(world, 0)
    assert [seconds for seconds, _ in claim(world).charged] == [MOST]
    world.clock.advance(LAG)
    world.tick()
    assert (words(world), known(world)) == (["cancelled"], {"job-1": 0})


# --- N8: another account ------------------------------------------------------------------------


def test_nothing_is_done_under_another_instance_than_planned(world: World) -> None:
    park(world)
    world.remote.instance = "crn:other"
    finds = world.remote.count("find")
    for words_ in ((), ("--resubmit", "latest")):
        result = world.tick(*words_, code=3)
        assert "planned for the instance crn:fake, and the account's is crn:other" in result.stdout
    assert (world.remote.count("find"), world.remote.count("post")) == (finds, 1)
    world.remote.instance = "crn:fake"
    world.tick("--resubmit", "latest", code=75)
    assert world.remote.count("post") == 2


def test_a_lost_ledger_and_another_instance_submit_nothing(world: World) -> None:
    world.start(text=ONE)
    for path in world.runs.glob(f"{LEDGER_NAME}*"):
        path.unlink()
    world.remote.jobs.clear()  # the other instance has none of them
    world.remote.instance = "crn:other"
    world.tick(code=3)
    assert world.remote.count("post") == 1


# --- N9, N10: clocks and charges ----------------------------------------------------------------


def test_a_clock_that_was_once_ahead_stops_no_submission(world: World) -> None:
    year = 365 * 86400.0
    world.clock.advance(year)
    world.start(text=SPEC.replace("shots: 300", "shots: 500"))
    world.clock.advance(-year)
    later = world.start(text=ONE, name="later")
    assert world.states(later.run_id) == ["submitted"]


@pytest.mark.parametrize("lag", [0, 100])
def test_a_charge_above_its_limit_is_told(world: World, lag: float) -> None:
    world.remote.charge_lag = lag
    world.start(text=ONE)
    world.remote.jobs[0].charge = 50.0
    world.remote.end()
    said = world.tick(code=0).stdout
    world.clock.advance(lag)
    said += world.tick(code=0).stdout
    assert said.count("job-1 is charged 50 s, more than its limit of 5 s") == 1


# --- N11: a schedule whose last run is away -----------------------------------------------------


def test_a_schedule_makes_no_second_folder_of_a_run_that_was_moved_away(world: World) -> None:
    world.start("schedule: {every: 24h}\n", text=ONE)
    (run_id,) = world.run_ids()
    (world.runs / run_id).rename(world.path / "away")
    assert f"started {run_id}" not in world.tick(code=4).stdout
    assert world.run_ids() == []
    (world.path / "away").rename(world.runs / run_id)
    world.remote.end()
    world.tick()
    assert (world.state(run_id), world.remote.count("post")) == ("done", 1)


# --- P1, P2, P8: every submission that was made is looked for, and counted ----------------------


@pytest.mark.parametrize("state", ["done", "failed"])
def test_the_first_job_of_a_word_is_looked_for_after_the_second_has_ended(
    world: World, state: Any
) -> None:
    first, second = park_and_resubmit(world)
    world.remote.end(state, second)
    world.tick()
    assert known(world) == {"job-2": 1}
    assert sorted(seconds for seconds, _ in claim(world).charged) == [3.0, MOST]
    world.clock.advance(LAG)
    world.tick()
    assert (first.state, known(world)) == ("cancelled", {"job-2": 1, "job-1": 0})
    world.tick()
    assert [seconds for seconds, _ in claim(world).charged] == [3.0, 3.0]
    assert claim(world).open_seconds == 0


def test_of_two_submissions_that_were_given_up_both_are_looked_for(world: World) -> None:
    park(world)
    world.remote.fail("post", UNCLEAR, after=True)
    world.tick("--resubmit", "latest")
    world.clock.advance(121)
    for _ in range(3):
        world.tick()
    assert world.states() == ["parked"]
    cancel(world, 0)
    assert [seconds for seconds, _ in claim(world).charged] == [MOST, MOST]
    world.clock.advance(LAG - 140)
    world.tick()
    assert known(world) == {"job-1": 0}
    world.clock.advance(LAG)
    world.tick()
    assert (words(world), known(world)) == (["cancelled"] * 2, {"job-1": 0, "job-2": 0})


def test_a_submission_that_a_crash_left_and_was_given_up_counts(world: World) -> None:
    world.remote.listing_lag = LAG
    world.remote.fail("post", KilledError(), after=True)
    with pytest.raises(KilledError):
        world.call("run", world.spec(text=ONE), "--no-wait")
    (folder,) = (world.folder(run_id).path for run_id in world.run_ids())
    shutil.rmtree(folder)
    cancel(world, 0, folder.name)
    assert [seconds for seconds, _ in claim(world).charged] == [MOST]


# --- P3: what holds a submission back does not hold back a look for the last one -----------------


def test_a_job_that_no_budget_lets_be_sent_again_is_still_found(world: World) -> None:
    world.site(f"[budget]\nqpu_seconds_per_day = {2 * MOST - 1}\n")
    park(world)
    world.remote.end()
    assert "would exceed this day's budget" in world.tick("--resubmit", "latest").stdout
    world.clock.advance(LAG)
    world.tick(code=0)
    assert (world.states(), world.remote.count("post")) == (["done"], 1)


# --- P4: a job that the service has no longer ---------------------------------------------------


def test_jobs_that_the_service_has_no_longer_fail_and_hold_up_nothing(world: World) -> None:
    world.start()
    world.remote.end()
    del world.remote.jobs[:2]
    world.tick(code=75)
    assert world.states() == ["submitted", "submitted", "done"]  # so young, it may not know yet
    world.clock.advance(121)
    assert "failed: job-1 gone: job job-1: HTTP 404" in world.tick(code=4).stdout
    assert world.states() == ["failed", "failed", "done"]
    with world.ledger() as ledger:
        assert sorted(c.open_seconds for c in ledger.claims()) == [0, MOST, MOST]
    world.clock.advance(PATIENCE_SECONDS + 1)
    assert "not told in three days" in world.tick().stdout
    with world.ledger() as ledger:
        assert sorted(c.open_seconds for c in ledger.claims()) == [0, 0, 0]
        charged = [seconds for c in ledger.claims() for seconds, _ in c.charged]
    assert sorted(charged) == [3.0, MOST, MOST]


def test_a_job_that_is_listed_is_not_gone(world: World) -> None:
    world.start(text=ONE)
    world.clock.advance(121)
    world.remote.fail("look", GoneError("HTTP 404"), times=3)
    for _ in range(3):
        world.tick(code=75)
        assert world.states() == ["submitted"]
    world.remote.end()
    world.tick(code=0)


def test_a_run_whose_jobs_are_gone_can_be_cancelled(world: World) -> None:
    world.start(text=ONE)
    world.remote.jobs.clear()
    world.clock.advance(121)
    world.remote.fail("cancel", RemoteError("HTTP 500"))
    cancel(world, 0)
    assert world.state() == "cancelled"


def test_a_given_up_run_whose_jobs_are_gone_ends(world: World) -> None:
    folder = world.start(text=ONE).path
    shutil.rmtree(folder)
    world.remote.jobs.clear()
    cancel(world, 0, folder.name)
    assert world.state() == "cancelled"


# --- P5, P6, P7: three days of patience, from the end --------------------------------------------


def test_a_job_that_queued_for_a_week_is_charged_what_it_cost(world: World) -> None:
    world.remote.charge_lag = 600
    world.start(text=ONE)
    world.clock.advance(2 * PATIENCE_SECONDS)
    world.remote.end()
    assert "three days" not in world.tick(code=0).stdout
    world.clock.advance(601)
    world.tick(code=0)
    assert [seconds for seconds, _ in claim(world).charged] == [3.0]


def test_a_double_that_goes_on_is_cancelled_however_old(world: World) -> None:
    world.remote.doubles = 1
    world.remote.deaf = True
    world.start(text=ONE)
    world.remote.end("done", world.remote.jobs[0])
    world.tick()
    world.clock.advance(2 * PATIENCE_SECONDS)
    world.tick()
    assert claim(world).open_seconds == MOST
    world.remote.deaf = False
    world.tick()
    assert words(world) == ["done", "cancelled"]


def test_what_was_parked_for_days_is_looked_for_from_when_it_was_given_up(world: World) -> None:
    park(world)
    world.remote.listing_lag = 2 * PATIENCE_SECONDS
    world.clock.advance(PATIENCE_SECONDS + 3600)
    cancel(world, 0)
    world.remote.listing_lag = 0
    world.tick()
    assert (words(world), known(world)) == (["cancelled"], {"job-1": 0})


# --- P9, P10, P11 -------------------------------------------------------------------------------


def test_a_resumption_that_is_killed_leaves_a_run_that_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start(text=ONE)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    with monkeypatch.context() as patch:
        patch.setattr("hexmagic.driver.hardware.start.plan_submissions", _killed)
        with pytest.raises(KilledError):
            world.call("run", "--resume", "latest", "--no-wait")
    world.tick()
    world.call("run", "--resume", "latest", "--no-wait")
    world.remote.end()
    world.tick(code=0)
    assert (world.state(), world.remote.count("post")) == ("done", 2)


def _killed(*_: object) -> None:
    raise KilledError


def test_an_account_that_fails_while_lost_jobs_are_looked_for_hides_nothing(world: World) -> None:
    park(world)
    cancel(world, 0)
    world.start(text=ONE, name="other")
    world.remote.end("done", world.remote.jobs[1])
    finds = world.remote.count("find")
    world.remote.fail("find", AccountError("HTTP 403: no"), skip=1)
    result = world.tick(code=0)
    assert world.remote.count("find") > finds + 1
    assert "other" in result.stdout and "done" in result.stdout


def test_a_double_counts_if_the_result_that_was_kept_is_of_no_use(world: World) -> None:
    world.remote.doubles = 1
    world.remote.deaf = True
    world.start(text=ONE)
    world.remote.end()
    world.remote.damaged = [b"{}"] * MOST_FETCHES
    for _ in range(MOST_FETCHES):
        world.tick(code=75)
    world.tick(code=0)
    assert (world.states(), known(world)) == (["done"], {"job-1": 0, "job-2": 1})


def test_a_word_counts_once_where_the_first_job_is_found_before_the_second_is_sent(
    world: World,
) -> None:
    park(world)
    world.remote.fail("batch_takes_jobs", DOWN)
    world.tick("--resubmit", "latest", code=75)
    assert (claim(world).open_seconds, world.remote.count("post")) == (2 * MOST, 1)
    world.clock.advance(LAG)
    world.remote.end()
    world.tick(code=0)
    assert (claim(world).open_seconds, claim(world).charged[0][0]) == (0, 3.0)
    assert len(claim(world).charged) == 1


def test_a_run_that_is_being_cancelled_is_not_resumed(world: World) -> None:
    world.start()
    world.remote.end("failed", world.remote.jobs[0], reason="fridge warm")
    world.remote.deaf = True
    cancel(world, 75)
    assert world.state() == "cancelling"
    result = world.call("run", "--resume", "latest", "--no-wait")
    assert (result.exit_code, world.state()) == (3, "cancelling")
    assert "it is being cancelled" in result.stderr


# --- the third look: what comes back, and what fails for ever ------------------------------------


def test_a_job_that_was_gone_and_comes_back_is_cancelled(world: World) -> None:
    world.start(text=ONE)
    (job,) = world.remote.jobs
    world.remote.jobs.clear()
    world.clock.advance(121)
    world.tick(code=4)
    assert world.states() == ["failed"]
    world.remote.jobs.append(job)
    world.tick()
    world.tick()
    assert job.state == "cancelled"
    assert claim(world).open_seconds == 0


class _PoisonedError(RemoteError):
    status = 500


def test_two_jobs_that_fail_for_ever_hold_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start()
    world.remote.end()
    look = world.remote.look

    def poisoned(job_id: str) -> RemoteJob:
        if job_id in ("job-1", "job-2"):
            raise _PoisonedError(f"job {job_id}: HTTP 500")
        return look(job_id)

    monkeypatch.setattr(world.remote, "look", poisoned)
    world.tick(code=75)
    assert world.states() == ["submitted", "submitted", "done"]


def test_a_charge_that_is_never_answered_counts_as_the_most_after_three_days(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.remote.charge_lag = 600
    world.start()
    world.remote.end()
    world.tick(code=0)

    def silent(job_id: str) -> RemoteJob:
        raise RemoteError(f"job {job_id}: no answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.remote, "look", silent)
        world.clock.advance(PATIENCE_SECONDS + 1)
        for _ in range(2):
            world.tick()
    with world.ledger() as ledger:
        assert [c.open_seconds for c in ledger.claims()] == [0, 0, 0]
        assert [s for c in ledger.claims() for s, _ in c.charged] == [MOST] * 3
