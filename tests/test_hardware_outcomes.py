"""What a run on hardware says and keeps when a step of it does not go as it should."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fakes.hardware import MOST, ONE, SPEC, World, make_world

from hexmagic.backends.remote import MAX_TAG, AccountError, RemoteError, UnclearError
from hexmagic.driver.adapters import hardware_engine
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.hardware.start import run_tag
from hexmagic.driver.start import resume, run
from hexmagic.experiments.errors import HexmagicError, RefusedError, UsageError

AT_ONCE = "[ibm]\npoll_seconds = 0.01\n"
UNCLEAR = UnclearError("submitted, but whether it was accepted is not known: reset")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


# --- the canary that watches for several jobs -----------------------------------------------------


def test_a_job_waits_for_the_canary_of_its_machine_and_fails_with_it(world: World) -> None:
    """The program `executor` has one canary for each machine, in the first of its jobs."""
    world.site('[ibm]\nprogram = "executor"\n')
    folder = world.start()
    first, *others = world.remote.jobs
    world.remote.end("done", *others)
    waits = world.tick_json()["runs"][0]["waits"]
    unknown = "the bit order of ibm_boston is not known: bare in X, shard 0"
    assert [wait for wait in waits if unknown in wait and wait.endswith(" is submitted")]
    assert world.states() == ["submitted"] * 3
    assert not list((folder.path / "shots").glob("*"))
    world.remote.end("failed", first, reason="out of helium")
    said = world.tick(code=4).stdout
    assert "out of helium" in said
    assert said.count(unknown) >= 2
    assert world.states() == ["failed"] * 3


# --- the end --------------------------------------------------------------------------------------


def test_a_report_that_cannot_be_drawn_is_a_problem_of_a_run_that_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no such font")

    monkeypatch.setattr("hexmagic.driver.outputs.write_report", broken)
    folder = world.start(text=ONE)
    world.remote.end()
    said = world.tick(code=4).stdout
    assert "the report could not be written: ValueError: no such font" in said
    assert world.state() == "done"
    assert "no such font" in json.dumps(world.provenance())
    assert (folder.path / "tables" / "fidelity.csv").is_file()


# --- from Python ----------------------------------------------------------------------------------


def test_a_run_from_python_may_be_left_and_is_gone_on_with(world: World) -> None:
    world.site(AT_ONCE)
    made = run(world.spec(text=ONE), runs=world.runs, services=world.services, wait=False)
    assert (made.state, world.states()) == ("waiting", ["submitted"])
    world.remote.end("failed", reason="out of helium")
    world.tick(code=4)
    world.remote.at_once = True
    again = resume(made.id, world.runs, services=world.services)
    assert (again.state, again.fidelity()["shots"].sum() > 0) == ("done", True)
    assert world.states() == ["failed", "done"]


def test_a_run_from_python_is_waited_for(world: World) -> None:
    world.site(AT_ONCE)
    world.remote.at_once = True
    made = run(world.spec(text=ONE), runs=world.runs, services=world.services)
    assert made.state == "done"
    assert made.jobs()["state"].tolist() == ["done"]


def test_from_python_no_schedule_is_followed_and_no_emulator_is_left(world: World) -> None:
    spec = world.spec("schedule: {every: 24h}\n", text=ONE)
    with pytest.raises(UsageError, match=r"schedule: only `hexmagic run` and `hexmagic tick` foll"):
        run(spec, runs=world.runs, services=world.services)
    emulated = world.spec(text=ONE.replace("ibm, name: ibm_boston", "aer, name: heavy_hex_5"))
    text = emulated.read_text().replace("heavy_hex_5}", "heavy_hex_5, noise: none}")
    emulated.write_text(text)
    with pytest.raises(UsageError, match=r"^wait=False: local engines run in this process"):
        run(emulated, runs=world.runs, services=world.services, wait=False)
    assert not world.runs.exists()
    assert world.remote.count("post") == 0


def test_jobs_on_hardware_are_not_sampled(world: World) -> None:
    world.runs.mkdir()
    engine = hardware_engine(world.services.machines(world.runs), ["ibm_boston"])
    with pytest.raises(HexmagicError, match=r"^9 shots \(seed 3\): jobs on hardware are submitted"):
        engine.sample(None, None, shots=9, seed=3)  # type: ignore[arg-type]  # not looked at
    with pytest.raises(RefusedError, match="cannot take shots with a given number of faults"):
        engine.approximations(None, None, stratified=True)  # type: ignore[arg-type]  # likewise


# --- the account ----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["find", "encode"])
def test_an_account_that_is_not_taken_stops_a_submission_and_loses_nothing(
    world: World, call: str
) -> None:
    world.remote.fail("open_batch", RemoteError("no answer"))
    world.start(text=ONE)
    world.remote.mend()
    assert world.states() == ["planned"]
    world.remote.fail(call, AccountError("the token is not taken"))
    assert "the token is not taken" in world.tick(code=3).stdout
    assert world.states() == ["planned"]
    world.tick(code=75)
    assert world.states() == ["submitted"]
    assert world.remote.count("post") == 1


@pytest.mark.parametrize(
    ("error", "code"), [(AccountError("the token is not taken"), 3), (StorageError("disk full"), 4)]
)
def test_a_schedule_tells_what_stops_it_and_goes_on_when_it_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch, error: HexmagicError, code: int
) -> None:
    world.remote.at_once = True
    world.call("run", world.spec("schedule: {every: 24h}\n", text=ONE), "--no-wait")
    world.tick()
    world.clock.advance(25 * 3600)

    def stop(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("hexmagic.driver.tick.start_due", stop)
        assert f"schedule tiny: {error}" in world.tick(code=code).stdout
    assert len(world.run_ids()) == 1
    world.tick()
    assert len(world.run_ids()) == 2


def test_resubmit_where_no_ledger_is_has_nothing_to_submit(world: World) -> None:
    folder = world.start(text=ONE)
    (world.runs / "hexmagic.sqlite").rename(world.path / "away")
    for path in world.runs.glob("hexmagic.sqlite-*"):
        path.unlink()
    result = world.call("tick", "--resubmit", folder.run_id)
    assert result.exit_code == 2
    assert "nothing of it is parked; leave the option out" in result.stderr
    assert world.remote.count("post") == 1


# --- giving up ------------------------------------------------------------------------------------


def test_all_that_one_unclear_submission_made_is_cancelled(world: World) -> None:
    world.remote.doubles, world.remote.listing_lag = 1, 10
    world.remote.fail("post", UNCLEAR, after=True)
    folder = world.start(text=ONE)
    assert world.states() == ["unknown"]
    run_id = folder.run_id
    shutil.rmtree(folder.path)
    world.clock.advance(11)
    assert world.call("cancel", run_id).exit_code == 0
    assert [job.state for job in world.remote.jobs] == ["cancelled", "cancelled"]
    assert world.state(run_id) == "cancelled"


# --- what is shown --------------------------------------------------------------------------------


def test_status_lists_twelve_jobs_and_counts_the_rest(world: World) -> None:
    world.start(text=SPEC.replace("shots: 300", "shots: 1500"))
    lines = world.call("status", "latest").stdout.splitlines()
    assert sum(line.startswith("job ") for line in lines) == 12
    assert "         and 3 more; --format json lists all" in lines
    document = json.loads(world.call("status", "latest", "--format", "json").stdout)
    assert len(document["hardware"]["jobs"]) == 15


def test_status_names_doubles_and_the_attempts_that_failed(world: World) -> None:
    world.remote.doubles = 1
    world.remote.fail("post", UNCLEAR, after=True)
    world.start(text=ONE)
    world.tick()
    said = world.call("status", "latest").stdout
    assert "doubles  job-2" in said
    world.remote.end("failed", world.remote.jobs[0], reason="out of helium")
    world.tick()
    said = " ".join(world.call("status", "latest").stdout.split())
    assert "failed bare in X, shard 0, attempt 1: " in said and "out of helium" in said


def test_a_list_ends_with_the_schedules(world: World) -> None:
    world.remote.at_once = True
    later = 'schedule: {every: 24h, not_before: "2026-02-01T00:00Z"}\n'
    world.call("run", world.spec(later, text=ONE), "--no-wait")
    assert "schedule tiny: active, no run yet\n" in world.call("list").stdout
    world.clock.advance(40 * 24 * 3600)
    world.tick()
    assert f"schedule tiny: active, last run {world.run_ids()[0]}\n" in world.call("list").stdout


def test_a_copy_without_its_ledger_says_what_is_on_disk(world: World) -> None:
    world.start(text=ONE)
    world.remote.end()
    world.tick(code=0)
    for path in world.runs.glob("hexmagic.sqlite*"):
        path.unlink()
    said = world.call("status", "latest").stdout
    assert "shots    100 of 100" in said and "jobs     1 done" in said
    assert "charged" not in said


@pytest.mark.parametrize("length", [3, MAX_TAG])
def test_the_tag_of_a_run_is_never_longer_than_the_service_takes(length: int) -> None:
    one, other = "a" * length + "-1", "a" * length + "-2"
    assert len(run_tag(one)) <= MAX_TAG
    assert run_tag(one).startswith("hexmagic-run:aaa")
    assert run_tag(one) != run_tag(other)


def test_the_most_that_a_job_costs_is_shown_while_it_is_open(world: World) -> None:
    world.start(text=ONE)
    said = world.call("status", "latest").stdout
    assert f"charged  0.0 QPU seconds; up to {MOST:g} more in flight or planned" in said
