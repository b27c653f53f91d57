"""`hexmagic tick`: what it does, says and exits with, for runs of every kind side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fakes.commands import one_line
from fakes.hardware import EMULATED, SPEC, World, make_world
from fakes.processes import StopAfter

from hexmagic.backends.remote import AccountError, RemoteError, UnclearError
from hexmagic.driver.folder.directory_lock import directory_lock
from hexmagic.driver.start import run

ONE = SPEC.replace("shots: 300", "shots: 100")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def interrupted(world: World, name: str = "emulated") -> str:
    """Leave an emulated run after three of its shards."""
    before = world.run_ids()
    with pytest.raises(KeyboardInterrupt):
        run(world.spec(text=EMULATED, name=name), services=world.services, progress=StopAfter(3))
    (run_id,) = [one for one in world.run_ids() if one not in before]
    return run_id


def parked(world: World) -> str:
    """Leave a run with a parked job."""
    world.remote.fail("post", UnclearError("lost"))
    folder = world.start(text=ONE)
    world.clock.advance(121)
    world.tick()
    world.tick(code=4)
    assert world.states() == ["parked"]
    return folder.run_id


# --- exit codes ---------------------------------------------------------------------------------


def test_0_nothing_is_open(world: World) -> None:
    world.runs.mkdir()
    assert world.tick(code=0).stdout == "nothing is open\n"
    assert not (world.runs / "hexmagic.sqlite").exists()
    assert world.opened == []


def test_0_everything_has_ended(world: World) -> None:
    world.start(text=ONE)
    world.remote.end()
    assert "collected 100 shots" in world.tick(code=0).stdout
    assert world.tick(code=0).stdout == "nothing is open\n"


def test_75_something_waits(world: World) -> None:
    folder = world.start(text=ONE)
    assert world.tick(code=75).stdout == f"{folder.run_id}: waiting\n  waits: 1 submitted\n"


def test_75_another_process_is_at_work(world: World) -> None:
    world.start(text=ONE)
    with directory_lock(world.runs):
        result = world.tick(code=75)
    assert one_line(result).startswith("runs: another process is at work here; nothing was done")


def test_75_the_service_does_not_answer(world: World) -> None:
    world.start(text=ONE)
    world.remote.fail("look", RemoteError("job-1: HTTP 503: down"), times=9)
    assert "HTTP 503: down" in world.tick(code=75).stdout


def test_4_a_person_is_needed(world: World) -> None:
    parked(world)
    world.tick(code=4)


def test_4_is_told_once_of_a_run_that_failed(world: World) -> None:
    world.start(text=ONE)
    world.remote.end("failed", reason="fridge warm")
    assert "fridge warm" in world.tick(code=4).stdout
    world.tick(code=0)


def test_3_the_account_is_not_taken(world: World) -> None:
    world.start(text=ONE)
    world.remote.fail("look", AccountError("IBM account: HTTP 401"), times=9)
    assert "IBM account: HTTP 401" in world.tick(code=3).stdout
    world.remote.mend()
    world.tick(code=75)


def test_5_an_expectation_is_not_met(world: World) -> None:
    text = ONE.replace("[X]", "[X, Y, Z]")
    world.start("expect: {fidelity: {max: 0.2}}\n", text=text)
    world.remote.end()
    assert "expected at most 0.2" in world.tick(code=5).stdout
    assert world.tick().exit_code == 0


def test_the_worst_decides(world: World) -> None:
    parked(world)
    world.start(text=ONE, name="other")
    world.tick(code=4)


def test_2_a_directory_that_is_not_there(world: World) -> None:
    result = world.tick("--runs", "elsewhere", code=2)
    assert one_line(result).startswith("--runs elsewhere: no such directory")
    assert not (world.path / "elsewhere").exists()


def test_2_settings_that_are_not_valid(world: World) -> None:
    world.start(text=ONE)
    world.site("[ibm]\nprogramme = 'sampler'\n")
    line = one_line(world.tick(code=2))
    assert line == "runs/hexmagic.toml:2: ibm.programme: unknown key; did you mean 'program'?"


def test_4_a_ledger_that_is_damaged(world: World) -> None:
    world.runs.mkdir()
    (world.runs / "hexmagic.sqlite").write_bytes(b"not a database" * 100)
    assert "file is not a database" in one_line(world.tick(code=4))


def test_75_a_service_that_does_not_answer_before_a_run_is_made(world: World) -> None:
    for call in ("standing", "device", "usage"):
        world.remote.fail(call, RemoteError("ibm_boston: HTTP 503: down"))
        result = world.call("run", world.spec(text=ONE), "--no-wait")
        assert result.exit_code == 75
        line = "ibm_boston: HTTP 503: down; nothing was made or submitted, try again later"
        assert one_line(result) == line
    assert (world.run_ids(), world.remote.count("post")) == ([], 0)
    world.remote.fail("standing", AccountError("IBM account: HTTP 401"))
    assert world.call("run", world.spec(text=ONE), "--no-wait").exit_code == 3


def test_75_a_service_that_does_not_answer_a_schedule_that_is_new(world: World) -> None:
    world.remote.fail("standing", RemoteError("ibm_boston: HTTP 503: down"))
    spec = world.spec("schedule: {every: 24h}\n", text=ONE)
    result = world.call("run", spec, "--no-wait")
    assert result.exit_code == 75
    assert one_line(result).endswith("the schedule is registered, try again later")
    assert "schedule tiny: started" in world.tick(code=75).stdout


# --- as data ------------------------------------------------------------------------------------


def test_json_is_one_document_and_nothing_else(world: World) -> None:
    folder = world.start(text=ONE)
    world.remote.end()
    result = world.tick("--json", code=0)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert list(document) == sorted(["schema_version", "exit_code", "time", "runs", "schedules"])
    (told,) = document["runs"]
    assert told == {
        "run": folder.run_id,
        "state": "done",
        "said": ["bare in X, shard 0: collected 100 shots of job-1"],
        "waits": [],
        "problems": [],
        "exit_code": 0,
        "pause_seconds": 0.0,
    }
    assert (document["schema_version"], document["schedules"]) == (1, [])


def test_json_tells_the_exit_code(world: World) -> None:
    parked(world)
    assert world.tick_json()["exit_code"] == 4


def test_json_with_a_hook_that_fails_is_still_one_document(world: World) -> None:
    world.spec("on_done: 'false'\n", text=EMULATED, name="emulated")
    with pytest.raises(KeyboardInterrupt):
        run("emulated.yaml", services=world.services, progress=StopAfter(3))
    result = world.tick("--json", code=0)
    assert json.loads(result.stdout)["runs"][0]["state"] == "done"
    assert [text.partition(";")[0] for text in world.told] == ["on_done: false: exit code 1"]


def stopped(world: World, *words: str, code: int) -> str:
    """Return the error of a tick that is stopped early, from the one document there is."""
    result = world.tick("--json", *words, code=code)
    document = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert document == {
        "schema_version": 1,
        "time": document["time"],
        "exit_code": code,
        "runs": [],
        "schedules": [],
        "error": result.stderr.strip(),
    }
    return str(document["error"])


def test_json_is_there_too_when_a_tick_is_stopped_early(world: World) -> None:
    assert "no such directory" in stopped(world, "--runs", "elsewhere", code=2)
    world.start(text=ONE)
    assert "nothing of it is parked" in stopped(world, "--resubmit", "latest", code=2)
    with directory_lock(world.runs):
        assert "another process is at work" in stopped(world, code=75)
    world.site("[ibm]\nprogramme = 'sampler'\n")
    assert "unknown key" in stopped(world, code=2)


def test_json_is_there_too_when_the_ledger_is_damaged(world: World) -> None:
    world.runs.mkdir()
    (world.runs / "hexmagic.sqlite").write_bytes(b"not a database" * 100)
    assert "file is not a database" in stopped(world, code=4)


def test_a_hook_that_fails_is_a_problem_of_a_run_that_is_done(world: World) -> None:
    world.start("on_done: 'false'\n", text=ONE)
    world.remote.end()
    (told,) = world.tick_json()["runs"]
    assert (told["state"], told["exit_code"], told["waits"]) == ("done", 0, [])
    (problem,) = told["problems"]
    assert problem.startswith("on_done: false: exit code 1; this changes neither")


# --- emulated runs ------------------------------------------------------------------------------


def test_an_interrupted_emulated_run_is_gone_on_with(world: World) -> None:
    run_id = interrupted(world)
    assert world.tick(code=0).stdout == f"{run_id}: done\n  did: run to its end\n"
    assert world.state(run_id) == world.provenance(run_id)["state"] == "done"
    assert world.opened == []


def test_an_emulated_run_that_another_process_holds_is_left(world: World) -> None:
    run_id = interrupted(world)
    with world.folder(run_id).locked():
        assert "another process is running it" in world.tick(code=75).stdout
    assert world.states(run_id).count("done") == 3


def test_an_emulated_run_that_failed_is_left_to_a_person(world: World) -> None:
    run_id = interrupted(world)
    with world.ledger() as ledger:
        ledger.set_run_state(run_id, "failed")
    assert world.tick(code=0).stdout == "nothing is open\n"


def test_an_emulated_run_that_would_be_computed_otherwise_is_refused(world: World) -> None:
    run_id = interrupted(world)
    plan = world.runs / run_id / "plan.json"
    plan.write_text(plan.read_text().replace('"fake 1"', '"fake 0"'))
    assert "would not compute the same shots" in world.tick(code=3).stdout


def test_hardware_and_emulated_runs_are_served_together(world: World) -> None:
    emulated = interrupted(world)
    hardware = world.start(text=ONE).run_id
    result = world.tick_json()
    assert {one["run"]: one["state"] for one in result["runs"]} == {
        hardware: "waiting",
        emulated: "done",
    }
    assert result["exit_code"] == 75


def test_hardware_is_served_first_and_without_the_lock_of_emulated_ones(world: World) -> None:
    emulated = interrupted(world)
    world.start(text=ONE)
    runs = [one["run"] for one in world.tick_json()["runs"]]
    assert runs.index(emulated) == 1


# --- what is in the directory -------------------------------------------------------------------


def test_a_damaged_run_is_told_and_leaves_the_others_alone(world: World) -> None:
    broken = world.start(text=ONE, name="broken").path
    well = world.start(text=ONE, name="well").run_id
    (broken / "circuits").rename(broken / "gone")
    world.remote.end()
    document = world.tick_json()
    assert document["exit_code"] == 4
    assert {one["run"]: one["exit_code"] for one in document["runs"]} == {broken.name: 4, well: 0}


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_plan_that_cannot_be_read_is_told_and_leaves_the_others_alone(
    world: World, content: str
) -> None:
    broken = world.start(text=ONE, name="broken").path
    well = world.start(text=ONE, name="well").run_id
    (broken / "plan.json").write_text(content)
    world.remote.end()
    document = world.tick_json()
    assert {one["run"]: one["exit_code"] for one in document["runs"]} == {broken.name: 4, well: 0}


def test_a_copy_of_a_run_beside_it_is_not_taken_for_another(world: World) -> None:
    folder = world.start(text=ONE)
    shutil.copytree(folder.path, world.runs / "a-copy")
    world.remote.end()
    world.tick()
    assert (world.state(), world.remote.count("post")) == ("done", 1)
    assert len(list((folder.path / "shots").iterdir())) == 1


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_that_was_copied_to_another_directory_is_not_submitted_there(
    world: World, ended: bool
) -> None:
    folder = world.start(text=ONE)
    if ended:
        world.remote.end()
        world.tick(code=0)
    shutil.copytree(folder.path, world.path / "other" / folder.path.name)
    world.tick("--runs", "other")
    assert world.remote.count("post") == 1


def test_a_run_that_has_lost_its_ledger_is_not_submitted_again(world: World) -> None:
    folder = world.start(text=ONE)
    for path in world.runs.glob("hexmagic.sqlite*"):
        path.unlink()
    assert folder.run_id in world.tick(code=4).stdout
    assert world.remote.count("post") == 1


def test_a_run_whose_folder_was_deleted_is_told_while_it_is_open(world: World) -> None:
    folder = world.start(text=ONE)
    shutil.rmtree(folder.path)
    assert folder.path.name in world.tick(code=4).stdout


# --- a person's word ----------------------------------------------------------------------------


def test_resubmit_takes_an_id_a_start_of_one_and_latest(world: World) -> None:
    run_id = parked(world)
    world.remote.fail("post", UnclearError("lost"))
    world.tick("--resubmit", run_id[:6], code=75)
    world.clock.advance(121)
    world.tick()
    world.tick(code=4)
    world.tick("--resubmit", "latest", code=75)
    assert world.states() == ["submitted"]


def test_resubmit_of_one_run_leaves_the_other_parked(world: World) -> None:
    first = parked(world)
    world.remote.fail("post", UnclearError("lost"))
    second = world.start(text=ONE, name="other").run_id
    world.clock.advance(121)
    world.tick()
    world.tick(code=4)
    world.tick("--resubmit", second, code=4)
    assert (world.states(first), world.states(second)) == (["parked"], ["submitted"])


def test_resubmit_looks_once_more_before_it_submits(world: World) -> None:
    world.remote.listing_lag = 500
    world.remote.fail("post", UnclearError("lost"), after=True)
    world.start(text=ONE)
    world.clock.advance(121)
    world.tick()
    world.tick(code=4)
    world.clock.advance(500)
    world.tick("--resubmit", "latest", code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 1)


def test_resubmit_of_an_unknown_run_is_refused(world: World) -> None:
    parked(world)
    assert one_line(world.tick("--resubmit", "nothing", code=2)).startswith("run 'nothing': not in")


@pytest.mark.parametrize("kind", ["submitted", "ended", "emulated"])
def test_resubmit_of_a_run_that_has_nothing_parked_is_refused(world: World, kind: str) -> None:
    run_id = interrupted(world) if kind == "emulated" else world.start(text=ONE).run_id
    if kind == "ended":
        world.remote.end()
        world.tick(code=0)
    before = world.jobs(run_id)
    line = one_line(world.tick("--resubmit", run_id, code=2))
    assert line == f"--resubmit {run_id}: nothing of it is parked; leave the option out"
    assert world.jobs(run_id) == before


# --- a clock that was ahead ---------------------------------------------------------------------


def test_a_schedule_that_was_run_for_a_time_to_come_is_told(world: World) -> None:
    world.remote.at_once = True
    world.call("run", world.spec("schedule: {every: 24h}\n", text=ONE), "--no-wait")
    world.clock.advance(30 * 86400)
    assert "started" in world.tick().stdout
    world.tick()
    world.clock.advance(-3600)
    assert "clock" not in world.tick(code=75).stdout
    world.clock.advance(-20 * 86400)
    said = world.tick(code=75).stdout
    assert "the clock was ahead when tiny-20260201-030405-" in said
    assert "for 2026-02-01T03:04:05Z: if it is right now, end the schedule with" in said
