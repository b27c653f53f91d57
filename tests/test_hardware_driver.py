"""A run on paid hardware, step by step, on a service that does what the test says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fakes.hardware import MOST, PROTOCOL, SPEC, KilledError, World, make_world
from fakes.remote import encode_result

from hexmagic.backends.canary import CANARY_SHOTS
from hexmagic.backends.remote import (
    AccountError,
    NotAcceptedError,
    RejectedError,
    RemoteError,
    UnclearError,
)
from hexmagic.driver import hardware_run
from hexmagic.driver.run import open_run

ONE = SPEC.replace("shots: 300", "shots: 100")
"""One job."""

UNCLEAR = UnclearError("submitted, but whether it was accepted is not known: reset")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def finish(world: World, code: int = 0) -> None:
    """Let the service finish everything, then tick."""
    world.remote.end()
    world.tick(code=code)


# --- the whole road -----------------------------------------------------------------------------


def test_a_run_is_submitted_left_and_collected(world: World) -> None:
    folder = world.start(text=PROTOCOL.replace("[X]", "[X, Z]").replace("300", "100"))
    assert world.states() == ["submitted"] * 4
    world.tick(code=75)
    assert world.tick_json()["runs"][0]["waits"] == ["4 submitted"]
    finish(world)
    assert set(world.states()) == {"done"}
    assert (world.state(), world.tick().stdout) == ("done", "nothing is open\n")
    fidelity = open_run(folder.path).fidelity()
    assert (fidelity[fidelity["point"] == 0]["acceptance"] == 1).all()
    assert (folder.path / "report.html").is_file()


def test_the_intent_and_its_hash_are_in_the_ledger_before_anything_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, seen = world.remote.post, []

    def watched(body: bytes) -> str:
        with world.ledger() as ledger:
            (job,) = [one for one in ledger.jobs(world.run_ids()[0]) if one.state == "intended"]
            asked = ledger.submission(job)
        assert asked is not None
        seen.append((asked.payload == hashlib.sha256(body).hexdigest(), asked.tag in body.decode()))
        return post(body)

    monkeypatch.setattr(world.remote, "post", watched)
    world.start()
    assert seen == [(True, True)] * 3


def test_a_submission_has_its_canary_first_its_own_tag_and_a_limit_of_time(world: World) -> None:
    folder = world.start()
    asked = [job.submission for job in world.remote.jobs]
    assert [[shots for _, shots in one.circuits] for one in asked] == [[CANARY_SHOTS, 100]] * 3
    assert {one.max_seconds for one in asked} == {MOST}
    assert len({one.tags[0] for one in asked}) == 3
    assert {one.tags[1:] for one in asked} == {(f"hexmagic-run:{folder.run_id}",)}


def test_the_jobs_of_a_run_share_a_batch_that_is_closed_at_its_end(world: World) -> None:
    world.start()
    assert {job.submission.batch for job in world.remote.jobs} == {"batch-1"}
    assert world.remote.batches == {"batch-1": True}
    finish(world)
    assert world.remote.batches == {"batch-1": False}


def test_a_batch_that_takes_no_more_jobs_is_followed_by_another(world: World) -> None:
    world.remote.fail("post", NotAcceptedError("busy"), skip=1)
    world.start()
    world.remote.close_batch("batch-1")
    world.clock.advance(121)
    world.tick(code=75)
    assert [job.submission.batch for job in world.remote.jobs] == ["batch-1", "batch-2", "batch-2"]


def test_submissions_keep_the_pace(world: World) -> None:
    world.start(text=SPEC.replace("shots: 300", "shots: 700"))
    assert world.states().count("submitted") == 5
    world.clock.advance(50)
    assert "at most 5 submissions a minute" in world.tick(code=75).stdout
    assert len(world.remote.jobs) == 5
    world.clock.advance(11)
    world.tick(code=75)
    assert len(world.remote.jobs) == 7


def test_the_calibration_is_kept_at_submission_and_at_collection(world: World) -> None:
    folder = world.start(text=ONE)
    later = "2026-05-01T00:00:00+00:00"
    world.remote.recalibrate(at=later)
    finish(world)
    assert [p.name for p in sorted((folder.path / "calibration").iterdir())] == [
        "ibm_boston-20260501T000000.json",
        "ibm_boston.json",
    ]
    with world.ledger() as ledger:
        details = {e.to_state: e.detail for e in ledger.events(folder.run_id) if e.shard}
    assert details["intended"] == "calibration of 2026-04-17T12:19:24+02:00"
    assert details["done"].endswith(f"collected under the calibration of {later}")


def test_what_was_charged_is_told_by_provenance_and_by_the_table_of_jobs(world: World) -> None:
    folder = world.start()
    finish(world)
    provenance = world.provenance()
    assert (provenance["seconds_charged"], provenance["charges_open"]) == (9.0, 0)
    assert [one["id"] for one in provenance["remote_jobs"]] == ["job-1", "job-2", "job-3"]
    jobs = open_run(folder.path).jobs()
    assert list(jobs["remote_id"]) == ["job-1", "job-2", "job-3"]
    assert list(jobs["charged_seconds"]) == [3.0] * 3


def test_a_charge_that_is_told_late_is_asked_for_after_the_run_has_ended(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 8\n")
    world.remote.charge_lag = 100
    world.start(text=ONE)
    finish(world)
    assert world.provenance()["charges_open"] == 1
    world.clock.advance(101)
    world.tick(code=0)
    with world.ledger() as ledger:
        (claim,) = ledger.claims()
    assert [seconds for seconds, _ in claim.charged] == [3.0]
    assert claim.open_seconds == 0
    assert (world.provenance()["seconds_charged"], world.provenance()["charges_open"]) == (3.0, 0)


# --- submissions that go wrong ------------------------------------------------------------------


@pytest.mark.parametrize("error", [UNCLEAR, KilledError(), TypeError("a bug"), KeyboardInterrupt()])
def test_a_job_that_was_accepted_unheard_is_adopted(world: World, error: BaseException) -> None:
    world.remote.fail("post", error, after=True)
    spec = world.spec(text=ONE)
    if isinstance(error, UnclearError | TypeError | KeyboardInterrupt):
        world.call("run", spec, "--no-wait")
    else:
        with pytest.raises(KilledError):
            world.call("run", spec, "--no-wait")
    world.tick(code=75)
    assert (world.states(), len(world.remote.jobs)) == (["submitted"], 1)
    finish(world)
    assert (world.state(), world.remote.count("post")) == ("done", 1)


def test_a_listing_that_lags_doubles_nothing(world: World) -> None:
    world.remote.listing_lag = 100
    world.remote.fail("post", UNCLEAR, after=True)
    world.start(text=ONE)
    assert world.states() == ["unknown"]
    for _ in range(5):
        world.clock.advance(20)
        world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 1)


def test_a_submission_that_is_never_listed_is_parked_for_a_person(world: World) -> None:
    world.remote.fail("post", UNCLEAR)
    folder = world.start(text=ONE)
    world.clock.advance(121)
    world.tick(code=75)
    result = world.tick(code=4)
    assert f"{folder.run_id}: parked" in result.stdout
    assert "not listed in 3 looks over 12" in result.stdout
    assert (world.states(), world.state(), world.remote.count("post")) == (["parked"], "parked", 1)
    world.tick(code=4)
    assert world.remote.count("post") == 1


def test_three_looks_in_a_hurry_do_not_park(world: World) -> None:
    world.remote.fail("post", UNCLEAR)
    world.start(text=ONE)
    for _ in range(4):
        world.clock.advance(10)
        world.tick(code=75)
    assert world.states() == ["unknown"]


def test_the_waiting_time_is_a_setting(world: World) -> None:
    world.site("[ibm]\nlisting_wait_seconds = 15\n")
    world.remote.fail("post", UNCLEAR)
    world.start(text=ONE)
    world.clock.advance(16)
    world.tick(code=75)
    world.tick(code=4)
    assert world.states() == ["parked"]


def park(world: World, **lag: float) -> None:
    """Leave one parked job; the service has it all the same if the listing lags."""
    world.remote.listing_lag = lag.get("listing_lag", 0)
    world.remote.fail("post", UNCLEAR, after=bool(lag))
    world.start(text=ONE)
    world.clock.advance(121)
    world.tick(code=75)
    world.tick(code=4)
    assert world.states() == ["parked"]


def test_a_parked_job_that_is_listed_after_all_is_adopted(world: World) -> None:
    park(world, listing_lag=1000)
    world.clock.advance(1000)
    world.tick(code=75)
    assert (world.states(), world.state()) == (["submitted"], "waiting")
    finish(world)
    assert (world.state(), len(world.remote.jobs)) == ("done", 1)


def test_a_parked_job_is_submitted_again_on_a_persons_word_under_its_tag(world: World) -> None:
    park(world)
    result = world.tick("--resubmit", "latest", code=75)
    assert "planned again, as asked" in result.stdout
    assert world.states() == ["submitted"]
    tags = {about for name, about in world.remote.calls if name == "post"}
    assert (world.remote.count("post"), len(tags)) == (2, 1)


def test_a_wrong_word_costs_a_job_that_is_cancelled_and_counted(world: World) -> None:
    park(world, listing_lag=1000)
    world.tick("--resubmit", "latest", code=75)
    assert [job.state for job in world.remote.jobs] == ["queued", "queued"]
    world.clock.advance(2000)
    world.remote.end("done", world.remote.jobs[1])
    result = world.tick(code=0)
    assert "the service has a second job for it, job-1" in result.stdout
    assert [job.state for job in world.remote.jobs] == ["cancelled", "done"]
    assert world.provenance()["seconds_charged"] == 6.0
    assert [one["kept"] for one in world.provenance()["remote_jobs"]] == [True, False]


def test_a_double_is_found_after_a_success_and_cancelled(world: World) -> None:
    world.remote.doubles = 1
    world.start(text=ONE)
    assert [job.state for job in world.remote.jobs] == ["queued", "cancelled"]
    with world.ledger() as ledger:
        assert [(r.remote_id, r.kept) for r in ledger.remotes(world.run_ids()[0])] == [
            ("job-1", 1),
            ("job-2", 0),
        ]
    finish(world)
    assert world.state() == "done"


def test_of_several_the_oldest_that_was_not_cancelled_is_adopted(world: World) -> None:
    world.remote.doubles = 2
    world.remote.fail("post", UNCLEAR, after=True)
    world.remote.fail("find", RemoteError("503"), skip=2)  # after those before the submission
    world.start(text=ONE)
    world.remote.end("cancelled", world.remote.jobs[0], reason="by IBM")
    world.tick(code=75)
    assert [job.state for job in world.remote.jobs] == ["cancelled", "queued", "cancelled"]
    finish(world)
    assert (world.state(), world.states()) == ("done", ["done"])


def test_what_was_certainly_not_accepted_is_sent_again_later(world: World) -> None:
    world.remote.fail("post", NotAcceptedError("not accepted: HTTP 429: slow down"))
    world.start(text=ONE)
    for _ in range(2):
        assert (world.states(), world.remote.count("post")) == (["planned"], 1)
        world.clock.advance(59)
        assert "if it is not listed by then" in world.tick(code=75).stdout
    world.clock.advance(3)
    world.tick(code=75)
    assert (world.states(), len(world.remote.jobs)) == (["submitted"], 1)


def test_what_was_never_sent_goes_out_with_the_next_tick(world: World) -> None:
    world.remote.fail("post", NotAcceptedError("not submitted: no connection", sent=False))
    world.start(text=ONE)
    assert (world.states(), world.remote.jobs) == (["planned"], [])
    world.tick(code=75)
    assert (world.states(), len(world.remote.jobs)) == (["submitted"], 1)


def test_a_rejected_job_fails_and_the_others_go_on(world: World) -> None:
    world.remote.fail("post", RejectedError("rejected: HTTP 400: too many gates"))
    world.start()
    world.tick(code=75)
    assert sorted(world.states()) == ["failed", "submitted", "submitted"]
    world.remote.end()
    result = world.tick(code=4)
    assert "too many gates" in result.stdout
    assert (world.state(), sorted(world.states())) == ("failed", ["done", "done", "failed"])
    assert len(open_run(world.runs / world.run_ids()[0]).points()) == 1


def test_an_account_that_is_not_taken_loses_nothing(world: World) -> None:
    world.remote.fail("post", AccountError("not submitted: the service does not take the account"))
    result = world.call("run", world.spec(text=ONE), "--no-wait")
    assert result.exit_code == 3
    assert "does not take the account" in result.stderr.splitlines()[-1]
    assert world.states() == ["planned"]
    world.clock.advance(121)
    world.tick(code=75)
    assert (world.states(), len(world.remote.jobs)) == (["submitted"], 1)


def test_a_machine_that_takes_no_jobs_is_waited_for(world: World) -> None:
    world.remote.fail("open_batch", RemoteError("503"))
    world.start(text=ONE)
    world.remote.stand(operational=False, message="maintenance")
    result = world.tick(code=75)
    assert "ibm_boston takes no jobs now (maintenance)" in result.stdout
    world.remote.stand(operational=True)
    world.tick(code=75)
    assert world.states() == ["submitted"]


# --- jobs that go wrong -------------------------------------------------------------------------


def test_a_service_that_does_not_answer_is_left_alone_after_two_questions(world: World) -> None:
    world.start()
    world.remote.fail("look", RemoteError("job: HTTP 503: down"), times=9)
    before = world.remote.count("look")
    result = world.tick(code=75)
    assert world.remote.count("look") - before == 2
    assert "HTTP 503: down" in result.stdout
    world.remote.mend()
    finish(world)


def test_a_word_that_is_not_known_is_no_end(world: World) -> None:
    world.start(text=ONE)
    (job,) = world.remote.jobs
    job.state, job.word = "unrecognised", "Pondering"
    assert "job-1 is 'Pondering', a word not known" in world.tick(code=75).stdout
    assert world.states() == ["submitted"]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_that_gave_nothing_fails_the_run_with_the_services_reason(
    world: World, state: str
) -> None:
    folder = world.start()
    world.remote.end(state, world.remote.jobs[0], reason="1517: fridge warm")  # type: ignore[arg-type]  # of the two
    world.remote.end()
    result = world.tick(code=4)
    assert "1517: fridge warm" in result.stdout
    assert (world.state(), world.states()[0]) == ("failed", state)
    (row,) = open_run(folder.path).points().itertuples()
    assert row.shots == 200


def test_a_damaged_result_is_kept_and_fetched_again(world: World) -> None:
    folder = world.start(text=ONE)
    world.remote.damaged += [b"", b'{"half": ']
    for _ in range(2):
        finish(world, code=75)
    world.tick(code=0)
    assert sorted(path.name.partition(".")[2] for path in (folder.path / "raw").iterdir()) == [
        "json",
        "unusable1.json",
        "unusable2.json",
    ]
    assert world.state() == "done"


def test_results_that_are_never_usable_end_in_a_failure(world: World) -> None:
    world.start(text=ONE)
    other = encode_result([{"stranger": np.zeros((100, 1), dtype=np.bool_)}])
    world.remote.damaged += [other] * 5
    for _ in range(4):
        finish(world, code=75)
    result = world.tick(code=4)
    assert "5 fetches of job-1 gave no usable result" in result.stdout
    assert world.states() == ["failed"]


def test_bits_in_another_order_fail_the_job(world: World) -> None:
    world.remote.turned = True
    world.start(text=PROTOCOL.replace("300", "100"))
    world.remote.end()
    result = world.tick(code=4)
    assert "bit-order canary" in result.stdout
    assert "failed" in world.states()
    assert not list((world.runs / world.run_ids()[0] / "shots").glob("p000*"))


@pytest.mark.parametrize(
    ("where", "fetches"),
    [
        ("hexmagic.driver.hardware.collecting._decode", 1),
        ("hexmagic.driver.folder.run_folder.RunFolder.save_shots", 1),
        ("hexmagic.driver.outputs.write_tables", 1),
        ("hexmagic.driver.outputs.write_report", 1),
        ("hexmagic.driver.hardware.end._close_batches", 1),
        ("hexmagic.driver.hardware.end.write_ending", 1),
        ("hexmagic.driver.hardware.end.call_hook", 1),
        ("hexmagic.driver.ledger.runs.Ledger.set_run_state", 1),
    ],
)
def test_a_process_killed_while_it_collects_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str, fetches: int
) -> None:
    folder = world.start(text=ONE)
    world.remote.end()
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(where, killed)
        world.tick()
    assert (folder.path / "raw").is_dir()
    world.tick(code=0)
    assert (world.state(), world.provenance()["state"]) == ("done", "done")
    assert world.remote.count("fetch") == fetches
    assert len(open_run(folder.path).fidelity())


def killed(*_: object, **__: object) -> None:
    raise KilledError


def test_a_killed_start_leaves_no_half_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr("hexmagic.driver.hardware.start.register", killed)
        world.call("run", world.spec(text=ONE), "--no-wait")
    world.tick(code=75)
    assert world.states() == ["submitted"]
    finish(world)


# --- one run beside another ---------------------------------------------------------------------


def test_a_run_that_cannot_be_read_is_told_and_leaves_the_others_alone(world: World) -> None:
    broken = world.start(text=ONE, name="broken")
    world.start(text=ONE, name="well")
    (broken.path / "plan.json").write_text("{")
    world.remote.end()
    result = world.tick(code=4)
    assert "broken" in result.stdout
    assert world.state(world.run_ids()[1]) == "done"


def test_a_circuit_file_that_is_gone_fails_that_run_only(world: World) -> None:
    world.remote.fail("open_batch", RemoteError("503"), times=2)
    broken = world.start(text=ONE, name="broken")
    world.start(text=ONE, name="well")
    (broken.path / "circuits" / "p000-X.qpy").unlink()
    result = world.tick(code=4)
    assert "p000-X.qpy: cannot be read" in result.stdout
    assert [world.states(run) for run in world.run_ids()] == [["planned"], ["submitted"]]


# --- who waits ----------------------------------------------------------------------------------


@pytest.fixture
def nap(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[float], None]], None]:
    """Return what replaces the sleep between two steps."""

    def use(sleep: Callable[[float], None]) -> None:
        monkeypatch.setattr(hardware_run, "wait_for", partial(hardware_run.wait_for, sleep=sleep))

    return use


Nap = Callable[[Callable[[float], None]], None]


def test_who_waits_gets_the_table_and_the_id_last(world: World, nap: Nap) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.remote.end()

    nap(sleep)
    world.site("[ibm]\npoll_seconds = 7\n")
    result = world.call("run", world.spec(text=ONE))
    assert (result.exit_code, slept) == (0, [7.0])
    assert "Fidelity of |H>" in result.stdout
    assert result.stdout.splitlines()[-1] == f"run: {world.run_ids()[0]}"
    assert "submitted as job-1" in result.stderr


def test_who_waits_may_leave_and_the_jobs_go_on(world: World, nap: Nap) -> None:
    def leave(_: float) -> None:
        raise KeyboardInterrupt

    nap(leave)
    result = world.call("run", world.spec(text=ONE))
    assert result.exit_code == 130
    line = result.stderr.splitlines()[-1]
    assert (
        line
        == f"interrupted; the jobs of {world.run_ids()[0]} go on; `hexmagic tick` collects them"
    )
    finish(world)
    assert world.state() == "done"


def test_who_waits_is_told_when_a_person_is_needed(world: World, nap: Nap) -> None:
    world.remote.fail("post", UNCLEAR)
    nap(lambda _: world.clock.advance(61))
    result = world.call("run", world.spec(text=ONE))
    (run_id,) = world.run_ids()
    assert result.exit_code == 4
    assert f"`hexmagic tick --resubmit {run_id}`" in result.stderr.splitlines()[-1]


def test_who_waits_for_a_run_that_fails_gets_its_reason(world: World, nap: Nap) -> None:
    nap(lambda _: world.remote.end("failed", reason="fridge warm"))
    result = world.call("run", world.spec(text=ONE))
    assert result.exit_code == 4
    assert "fridge warm" in result.stderr.splitlines()[-1]


def test_the_ledger_is_not_needed_to_read_a_run(world: World) -> None:
    folder = world.start(text=ONE)
    finish(world)
    (world.runs / "hexmagic.sqlite").unlink()
    assert list(open_run(folder.path).points()["shots"]) == [100]
