"""A ledger that was lost, another address, a copied directory: nothing is paid twice.

The service's listing lags in most of these: what is known, the run folder and the ledger tell.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fakes.commands import one_line
from fakes.hardware import (
    ONE,
    TWO,
    KilledError,
    World,
    known,
    lose_the_ledger,
    make_world,
    park,
    submitted,
    words,
)

from hexmagic.backends.remote import NotAcceptedError, RemoteError, UnclearError
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.hardware.collecting import MOST_FETCHES
from hexmagic.driver.hardware.settling import PATIENCE_SECONDS

DOWN = RemoteError("HTTP 503: down")
LAG = 1000.0
YEAR = 365 * 86400.0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


# --- what was sent is in the run folder ---------------------------------------------------------


def test_what_is_about_to_be_sent_is_in_the_run_folder_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.site("[ibm]\nurl = 'https://quantum.example/api'\n")
    post, seen = world.remote.post, []

    def watched(body: bytes) -> str:
        document = submitted(world)
        assert document["url"] == "https://quantum.example/api"
        seen.append(list(document["submissions"]))
        return post(body)

    monkeypatch.setattr(world.remote, "post", watched)
    world.start(text=TWO)
    first, second = (job.tag for job in world.remote.jobs)
    assert seen == [[first], sorted([first, second])]


@pytest.mark.parametrize("how", ["submitted", "killed"])
def test_a_run_that_has_lost_its_ledger_is_refused_while_the_listing_lags(
    world: World, how: str
) -> None:
    world.remote.listing_lag = LAG
    if how == "killed":
        world.remote.fail("post", KilledError(), after=True)
        with pytest.raises(KilledError):
            world.call("run", world.spec(text=ONE), "--no-wait")
    else:
        world.start(text=ONE)
    lose_the_ledger(world)
    for command in (["tick"], ["run", "--resume", "latest", "--no-wait"], ["cancel", "latest"]):
        result = world.call(*command)
        assert (result.exit_code, world.remote.count("post")) == (4, 1)
        assert "it was submitted before, but runs/hexmagic.sqlite does not have it" in result.output
    assert words(world) == ["queued"]


def test_a_folder_that_is_copied_while_the_listing_lags_is_refused(world: World) -> None:
    world.remote.listing_lag = LAG
    folder = world.start(text=ONE).path
    shutil.copytree(folder, world.path / "other" / folder.name)
    assert "it was submitted before" in world.tick("--runs", "other", code=4).stdout
    assert world.remote.count("post") == 1


def test_a_run_of_which_nothing_was_sent_is_gone_on_with_without_its_ledger(world: World) -> None:
    world.remote.fail("post", NotAcceptedError("no connection", sent=False))
    world.start(text=ONE)
    assert submitted(world)["submissions"] == {}
    world.tick(code=75)
    assert world.states() == ["submitted"]


def test_a_submission_that_the_folder_cannot_take_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("submitted.json: cannot be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hexmagic.driver.hardware.submitting.note_submission", full)
        result = world.call("run", world.spec(text=ONE), "--no-wait")
    assert (result.exit_code, world.remote.count("post"), world.states()) == (4, 0, ["planned"])
    world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 1)


def test_a_damaged_list_of_what_was_sent_submits_nothing(world: World) -> None:
    world.remote.fail("post", NotAcceptedError("busy"))
    folder = world.start(text=ONE).path
    (folder / "submitted.json").write_text('{"url": null}')
    world.clock.advance(121)
    assert "submitted.json: damaged" in world.tick(code=4).stdout
    assert world.remote.count("post") == 1


# --- another address ----------------------------------------------------------------------------


def test_nothing_is_asked_of_another_address_than_the_one_it_was_sent_to(world: World) -> None:
    world.site("[ibm]\nurl = 'https://one.example/api/'\n")
    folder = world.start(text=ONE).path
    world.clock.advance(121)
    jobs = list(world.remote.jobs)
    world.remote.jobs.clear()  # the other address has none of them
    for text, shown in (
        ("url = 'https://two.example'", "https://two.example"),
        ("", "the account"),
    ):
        world.site(f"[ibm]\n{text}\n")
        calls = len(world.remote.calls)
        result = world.tick(code=3)
        assert f"were sent to https://one.example/api/, and hexmagic.toml has {shown}" in (
            result.stdout
        )
        assert (world.states(), len(world.remote.calls)) == (["submitted"], calls)
    world.remote.jobs.extend(jobs)
    world.remote.end()
    (folder / "submitted.json").write_text(
        (folder / "submitted.json")
        .read_text()
        .replace("https://one.example/api/", "https://x.example")
    )
    world.site("[ibm]\nurl = 'https://x.example/'\n")
    world.tick(code=0)
    assert world.states() == ["done"]


def test_charges_are_not_asked_of_another_address(world: World) -> None:
    world.remote.charge_lag = 100
    world.start(text=ONE)
    world.remote.end()
    world.tick(code=0)
    world.clock.advance(101)
    world.site("[ibm]\nurl = 'https://two.example'\n")
    calls = len(world.remote.calls)
    assert "charges: run tiny-" in world.tick(code=0).stdout
    assert len(world.remote.calls) == calls
    world.site("")
    world.tick(code=0)
    assert world.provenance()["seconds_charged"] == 3.0


# --- a job that was gone, and comes back --------------------------------------------------------


def gone(world: World) -> None:
    """Leave a run of two jobs that failed: the service had one of them no longer."""
    world.start(text=TWO)
    world.remote.end("done")
    lost = world.remote.jobs.pop(0)
    world.clock.advance(121)
    world.tick(code=4)
    assert (world.states(), world.state()) == (["failed", "done"], "failed")
    world.remote.jobs.insert(0, lost)


def test_a_finished_job_that_was_gone_and_comes_back_is_collected(world: World) -> None:
    gone(world)
    assert "job-1 was gone, and is there again, done" in world.tick(code=75).stdout
    assert (world.state(), world.provenance()["state"]) == ("waiting", "waiting")
    world.tick(code=0)
    assert (world.states(), world.state()) == (["done", "done"], "done")
    assert (world.remote.count("post"), world.provenance()["seconds_charged"]) == (2, 6.0)


def test_a_resumption_asks_for_what_was_gone_before_it_pays_again(world: World) -> None:
    gone(world)
    world.remote.fail("look", DOWN)
    result = world.call("run", "--resume", "latest", "--no-wait")
    assert (result.exit_code, world.state()) == (4, "failed")
    assert "HTTP 503: down" in one_line(result)
    result = world.call("run", "--resume", "latest", "--no-wait")
    assert (result.exit_code, world.remote.count("post")) == (0, 2)
    assert (world.states(), world.state()) == (["done", "done"], "done")


def test_it_is_collected_also_while_other_jobs_of_the_run_are_open(world: World) -> None:
    world.start(text=TWO)
    first, second = world.remote.jobs
    world.remote.end("done", first)
    world.remote.jobs.remove(first)
    world.clock.advance(121)
    world.tick(code=75)
    assert world.states() == ["failed", "submitted"]
    world.remote.jobs.insert(0, first)
    world.remote.end("done", second)
    world.tick(code=75)
    assert (world.states(), world.state()) == (["submitted", "done"], "waiting")
    world.tick(code=0)
    assert world.states() == ["done", "done"]


def test_after_a_resumption_its_place_is_taken(world: World) -> None:
    gone(world)
    lost = world.remote.jobs.pop(0)
    world.call("run", "--resume", "latest", "--no-wait")
    assert world.remote.count("post") == 3
    world.remote.jobs.insert(0, lost)
    world.tick(code=75)
    world.remote.end()
    world.tick(code=0)
    assert [job.state for job in world.jobs()] == ["failed", "done", "done"]
    assert world.provenance()["seconds_charged"] == 9.0


def test_a_job_whose_result_cannot_be_used_is_not_taken_back(world: World) -> None:
    world.remote.charge_lag = PATIENCE_SECONDS - 1  # so that it is asked for its charge
    world.remote.damaged = [b"{}"] * MOST_FETCHES
    world.start(text=ONE)
    world.remote.end()
    for _ in range(MOST_FETCHES + 2):
        world.tick()
    assert (world.states(), world.state()) == (["failed"], "failed")


# --- a directory that was copied, with its ledger -----------------------------------------------


def two_directories(world: World) -> None:
    """Leave a job in each of two copies of a directory, neither of which was listed in time."""
    world.remote.fail("open_batch", DOWN)
    world.start(text=ONE)
    shutil.copytree(world.runs, world.path / "other")
    world.remote.listing_lag = 10.0
    world.tick(code=75)
    world.clock.advance(1)
    world.tick("--runs", "other", code=75)
    assert words(world) == ["queued", "queued"]


@pytest.mark.parametrize("order", [("runs", "other"), ("other", "runs")])
@pytest.mark.parametrize("seconds", [9.5, 10.5])  # only the older is listed, or both are
def test_of_the_jobs_of_two_copies_both_keep_the_older(
    world: World, order: tuple[str, str], seconds: float
) -> None:
    two_directories(world)
    world.clock.advance(seconds)
    for _ in range(2):
        for runs in order:
            world.tick("--runs", runs, code=75)
        world.clock.advance(10)
    assert words(world) == ["queued", "cancelled"]
    world.remote.end()
    for runs in order:
        world.tick("--runs", runs, code=0)
        assert known(world, runs) == {"job-1": 1, "job-2": 0}
        status = json.loads(world.call("status", "--runs", runs, "--format", "json").stdout)
        assert (status["state"], status["shots_done"]) == ("done", 100)


@pytest.mark.parametrize("order", [("runs", "other"), ("other", "runs")])
def test_of_the_jobs_of_two_copies_both_keep_the_one_that_is_done(
    world: World, order: tuple[str, str]
) -> None:
    two_directories(world)
    world.remote.end("done", world.remote.jobs[1])
    world.clock.advance(11)
    for _ in range(2):
        for runs in order:
            world.tick("--runs", runs)
    assert words(world) == ["cancelled", "done"]
    for runs in order:
        assert known(world, runs) == {"job-2": 1, "job-1": 0}


# --- what status and list say -------------------------------------------------------------------


def shown(world: World) -> tuple[str, str]:
    """Return the state of the newest run as `status` and as `list` show it."""
    status = json.loads(world.call("status", "latest", "--format", "json").stdout)
    line = world.call("list").stdout.splitlines()[-1]
    return str(status["state"]), line.split()[1]


@pytest.mark.parametrize("answers", [True, False])
def test_a_run_that_is_being_cancelled_is_shown_so(world: World, answers: bool) -> None:
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=ONE)
    if not answers:
        world.remote.fail("find", DOWN, times=9)
    assert world.call("cancel", "latest").exit_code == 75
    assert shown(world) == ("cancelling", "cancelling")


def test_a_parked_run_that_is_resumed_is_shown_as_waiting(world: World) -> None:
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=TWO)
    world.tick(code=75)
    world.remote.end("failed", reason="fridge warm")
    park(world)
    assert shown(world) == ("parked", "parked")
    world.call("run", "--resume", "latest", "--no-wait")
    assert world.states().count("submitted") == 1
    assert shown(world) == ("waiting", "waiting")


def test_what_is_shown_is_put_right_by_the_next_step(world: World) -> None:
    folder = world.start(text=ONE)
    folder.write_json("provenance.json", world.provenance() | {"state": "parked"})
    world.tick(code=75)
    assert shown(world) == ("waiting", "waiting")


# --- a clock that was ahead ---------------------------------------------------------------------


def test_a_job_of_unknown_fate_that_a_clock_sent_ahead_is_told_and_parked(world: World) -> None:
    world.clock.advance(YEAR)
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=ONE)
    world.clock.advance(-YEAR)
    said = world.tick(code=75).stdout
    assert "the clock was ahead when it was sent, at 2027-01-02T03:04:05" in said
    world.tick(code=4)
    status = " ".join(world.call("status").stdout.split())
    assert "2027-01-02T03:04:05" in status and "by a clock that was ahead" in status
    assert world.remote.count("post") == 1


def test_a_word_about_a_job_that_a_clock_sent_ahead_counts_from_now(world: World) -> None:
    world.clock.advance(YEAR)
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=ONE)
    world.clock.advance(-YEAR)
    for _ in range(2):
        world.tick()
    assert "sent again in 120 s" in world.tick("--resubmit", "latest", code=75).stdout
    world.clock.advance(121)
    world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 2)


def test_a_job_that_is_held_by_a_clock_that_was_ahead_is_told_and_can_be_cancelled(
    world: World,
) -> None:
    world.clock.advance(YEAR)
    world.remote.fail("post", NotAcceptedError("HTTP 429: busy"))
    world.start(text=ONE)
    world.clock.advance(-YEAR)
    said = world.tick(code=75).stdout
    assert "the clock was ahead when it was last sent, at 2027-01-02T03:04:05" in said
    assert world.call("cancel", "latest").exit_code == 0


# --- a command that is run at the end -----------------------------------------------------------


def test_a_command_that_ticks_finds_the_directory_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[int] = []
    monkeypatch.setattr(
        "hexmagic.driver.hooks._failure",
        lambda *_: ends.append(world.tick().exit_code),
    )
    world.start("on_done: hexmagic tick\n", text=ONE)
    world.remote.end()
    world.tick(code=0)
    assert (ends, world.state()) == ([75], "done")


def test_a_cancelled_run_says_how_to_go_on_with_it(world: World) -> None:
    folder = world.start(text=ONE)
    world.call("cancel", "latest")
    status = json.loads(world.call("status", "--format", "json").stdout)
    assert status["next"] == (
        f"hexmagic table {folder.run_id}, or hexmagic run --resume {folder.run_id} for what is "
        "missing"
    )
