"""`hexmagic cancel` and what comes after it, and going on with a run that failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.commands import one_line
from fakes.hardware import EMULATED, SPEC, KilledError, World, make_world
from fakes.processes import StopAfter

from hexmagic.backends.remote import RemoteError, UnclearError
from hexmagic.driver.run import open_run
from hexmagic.driver.start import run

ONE = SPEC.replace("shots: 300", "shots: 100")
UNCLEAR = UnclearError("lost")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def cancel(world: World, code: int, name: str = "latest") -> str:
    result = world.call("cancel", name)
    assert result.exit_code == code, result.output
    return result.stdout


# --- cancelling ---------------------------------------------------------------------------------


def test_what_was_not_submitted_never_is(world: World) -> None:
    world.remote.fail("open_batch", RemoteError("503"))
    world.start()
    assert "cancelled" in cancel(world, 0)
    assert (world.states(), world.state()) == (["cancelled"] * 3, "cancelled")
    world.tick(code=0)
    assert world.remote.count("post") == 0


def test_what_the_service_has_is_cancelled_there(world: World) -> None:
    world.start()
    said = cancel(world, 0)
    assert "asked the service to cancel job-1" in said
    assert [job.state for job in world.remote.jobs] == ["cancelled"] * 3
    assert world.state() == "cancelled"
    assert world.provenance()["state"] == "cancelled"


def test_what_the_service_finishes_all_the_same_is_collected(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = world.start()
    monkeypatch.setattr(world.remote, "cancel", lambda _: None)
    assert "cancelling" in cancel(world, 75)
    world.remote.end("done", world.remote.jobs[0])
    world.remote.end("cancelled", *world.remote.jobs[1:])
    world.tick(code=0)
    assert (world.state(), sorted(world.states())) == (
        "cancelled",
        ["cancelled", "cancelled", "done"],
    )
    assert list(open_run(folder.path).points()["shots"]) == [100]


def test_a_run_that_was_finished_before_it_could_be_cancelled_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start(text=ONE)
    monkeypatch.setattr(world.remote, "cancel", lambda _: None)
    cancel(world, 75)
    world.remote.end()
    world.tick(code=0)
    assert world.state() == "done"


def test_a_job_of_unclear_fate_is_looked_for_and_cancelled(world: World) -> None:
    world.remote.listing_lag = 50
    world.remote.fail("post", UNCLEAR, after=True)
    world.start(text=ONE)
    assert "1 unknown" in cancel(world, 75)
    world.clock.advance(51)
    world.tick()
    world.tick()
    assert [job.state for job in world.remote.jobs] == ["cancelled"]
    assert (world.states(), world.state()) == (["cancelled"], "cancelled")


def test_a_job_of_unclear_fate_that_is_never_listed_ends_cancelled(world: World) -> None:
    world.remote.fail("post", UNCLEAR)
    world.start(text=ONE)
    cancel(world, 75)
    world.clock.advance(121)
    for _ in range(3):
        world.tick()
    assert (world.states(), world.state()) == (["cancelled"], "cancelled")
    assert world.remote.count("post") == 1


def test_a_parked_run_can_be_cancelled(world: World) -> None:
    world.remote.fail("post", UNCLEAR)
    world.start(text=ONE)
    world.clock.advance(121)
    world.tick()
    world.tick(code=4)
    assert "cancelled" in cancel(world, 0)
    world.tick(code=0)


def test_a_service_that_does_not_answer_is_asked_again_by_the_next_tick(world: World) -> None:
    world.start(text=ONE)
    world.remote.fail("cancel", RemoteError("HTTP 503: down"))
    assert "HTTP 503: down" in cancel(world, 75)
    assert world.state() == "cancelling"
    world.tick(code=0)
    assert world.remote.jobs[0].state == "cancelled"


def test_a_run_that_is_being_cancelled_submits_nothing(world: World) -> None:
    world.start(text=SPEC.replace("300", "700"))
    assert world.states().count("planned") == 2
    world.remote.fail("cancel", RemoteError("503"), times=99)
    cancel(world, 75)
    world.clock.advance(120)
    world.tick(code=75)
    assert world.remote.count("post") == 5


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_a_run_that_has_ended_cannot_be_cancelled(world: World, state: str) -> None:
    folder = world.start(text=ONE)
    world.remote.end(state)  # type: ignore[arg-type]  # of the three
    world.tick()
    result = world.call("cancel", "latest")
    assert result.exit_code == 2
    # a job that the service cancelled by itself has failed the run
    ended = "done" if state == "done" else "failed"
    assert one_line(result) == f"run {folder.run_id}: has ended ({ended}); nothing to cancel"


def test_cancelling_twice_is_said_so(world: World) -> None:
    world.start(text=ONE)
    cancel(world, 0)
    assert "has ended (cancelled)" in one_line(world.call("cancel", "latest"))


def test_a_name_that_is_neither_run_nor_schedule(world: World) -> None:
    world.start(text=ONE)
    result = world.call("cancel", "nothing")
    assert result.exit_code == 2
    assert one_line(result).startswith("run 'nothing': not in runs")


def test_a_killed_cancel_is_gone_on_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    world.start(text=ONE)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(world.remote, "cancel", killed)
        world.call("cancel", "latest")
    world.tick(code=0)
    assert (world.state(), world.remote.jobs[0].state) == ("cancelled", "cancelled")


# --- emulated runs ------------------------------------------------------------------------------


def interrupted(world: World) -> str:
    with pytest.raises(KeyboardInterrupt):
        run(world.spec(text=EMULATED), services=world.services, progress=StopAfter(3))
    return world.run_ids()[0]


def test_an_interrupted_emulated_run_is_not_gone_on_with_after_cancel(world: World) -> None:
    run_id = interrupted(world)
    cancel(world, 0)
    assert world.tick(code=0).stdout == "nothing is open\n"
    assert world.state(run_id) == world.provenance()["state"] == "cancelled"
    assert world.states().count("done") == 3


def test_an_emulated_run_that_is_running_is_not_cancelled_by_another(world: World) -> None:
    run_id = interrupted(world)
    with world.folder(run_id).locked():
        result = world.call("cancel", run_id)
    assert result.exit_code == 3
    assert "another process is running it" in one_line(result)


def test_an_emulated_run_that_is_done_cannot_be_cancelled(world: World) -> None:
    assert world.call("run", world.spec(text=EMULATED)).exit_code == 0
    assert "has ended (done)" in one_line(world.call("cancel", "latest"))


# --- going on -----------------------------------------------------------------------------------


def failed(world: World) -> None:
    world.start()
    world.remote.end("failed", world.remote.jobs[0], reason="fridge warm")
    world.remote.end()
    world.tick(code=4)


def test_what_failed_is_taken_again_as_a_second_attempt(world: World) -> None:
    failed(world)
    result = world.call("run", "--resume", "latest", "--no-wait")
    assert result.exit_code == 0
    assert "shard 0, attempt 2: submitted as job-4" in result.stderr
    world.remote.end()
    world.tick(code=0)
    assert [(job.attempt, job.state) for job in world.jobs() if job.shard_index == 0] == [
        (1, "failed"),
        (2, "done"),
    ]
    assert list(open_run(world.runs / world.run_ids()[0]).points()["shots"]) == [300]
    assert world.provenance()["state"] == "done"


def test_a_second_attempt_has_a_tag_and_a_raw_file_of_its_own(world: World) -> None:
    failed(world)
    world.call("run", "--resume", "latest", "--no-wait")
    world.remote.end()
    world.tick(code=0)
    assert len({job.tag for job in world.remote.jobs}) == 4
    raw = world.runs / world.run_ids()[0] / "raw"
    assert len(list(raw.glob("*-1.json"))) == 2
    assert len(list(raw.glob("*-2.json"))) == 1


def test_what_was_cancelled_can_be_taken_again(world: World) -> None:
    world.start(text=ONE)
    cancel(world, 0)
    assert world.call("run", "--resume", "latest", "--no-wait").exit_code == 0
    world.remote.end()
    world.tick(code=0)
    assert world.state() == "done"


def test_a_run_that_waits_is_gone_on_with_and_nothing_is_submitted_twice(world: World) -> None:
    world.start(text=ONE)
    result = world.call("run", "--resume", "latest", "--no-wait")
    assert result.exit_code == 0
    assert (world.remote.count("post"), world.states()) == (1, ["submitted"])
    world.remote.end()
    result = world.call("run", "--resume", "latest")
    assert result.exit_code == 0
    assert "Fidelity of |H>" in result.stdout


def test_a_run_that_is_done_is_shown_again(world: World) -> None:
    world.start(text=ONE)
    world.remote.end()
    world.tick(code=0)
    result = world.call("run", "--resume", "latest")
    assert result.exit_code == 0
    assert "Fidelity of |H>" in result.stdout
    assert world.remote.count("post") == 1


def test_a_parked_run_is_not_gone_on_with_without_a_word(world: World) -> None:
    world.remote.fail("post", UNCLEAR)
    world.start(text=ONE)
    world.clock.advance(121)
    world.tick()
    world.tick(code=4)
    result = world.call("run", "--resume", "latest", "--no-wait")
    assert result.exit_code == 4
    assert "hexmagic tick --resubmit" in result.stderr.splitlines()[-1]
    assert world.remote.count("post") == 1
