"""Every row of the fault table: what hexmagic makes of it, tick by tick, with the real client.

Beside each test: what the server has in the end, and what the ledger says.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from fakes.loopback import SHOTS, SPEC, Place, World, child_environment, fresh_ticker, open_place
from service import Job, LoopbackService, Rule, ServiceConfig
from service.programs import Bits, encode

from hexmagic.driver.cancelling import cancel_run
from hexmagic.driver.hardware.collecting import MOST_FETCHES
from hexmagic.driver.hardware_run import plan_again
from hexmagic.driver.ledger.jobs import RunState
from hexmagic.driver.provenance import PROVENANCE
from hexmagic.driver.tick_report import FAILED, REFUSED, WAITING

POST: dict[str, Any] = {"method": "POST", "path": "/jobs$"}
LIST: dict[str, Any] = {"method": "GET", "path": "/jobs$"}
LOOK: dict[str, Any] = {"method": "GET", "path": "/jobs/[^/]+$"}
RESULTS: dict[str, Any] = {"method": "GET", "path": "/results$"}
NEVER = 1e6
"""Seconds that no test takes."""

SEVEN_BITS = SPEC.replace("scheme: bare", "distance: 3, scheme: encoded").replace("lagos", "torino")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One service for the file; each test has its own runs directory and finds it empty."""
    path = tmp_path_factory.mktemp("place")
    with open_place(path, devices=("lagos", "torino")) as place:
        yield place


@pytest.fixture
def world(place: Place, tmp_path: Path) -> World:
    return place.world(tmp_path / "runs")


@pytest.fixture(scope="module")
def executor(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same service, with a run for its other job program."""
    path = tmp_path_factory.mktemp("executor")
    return Place(service=place.service, path=path, settings={"program": "executor"})


@pytest.fixture(scope="module")
def two_jobs(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same service, with a run of two jobs."""
    spec = SPEC.replace("measure: [Z]", "measure: [X, Z]")
    return Place(service=place.service, path=tmp_path_factory.mktemp("two"), spec=spec)


def assert_done_once(world: World, *, posts: int = 1) -> None:
    """Check that a run of one job is done, and that the server saw it once."""
    assert world.states() == ["done"]
    assert list(world.tags().values()) == [1] and len(world.service.jobs) == 1
    assert world.posts() == posts
    (remote,) = world.remotes()
    assert remote.kept and remote.charged_seconds == world.service.jobs[0].charged_seconds > 0


def assert_gone_on(world: World, state: RunState = "done", *, seconds: float = 0.0) -> None:
    world.tick_until(state, seconds=seconds)
    assert world.ticker.tick().runs == ()


def status(
    code: int, when: Literal["before", "after"] = "before", times: int | None = 1, **more: Any
) -> Rule:
    return Rule(kind="status", status=code, when=when, times=times, **{**POST, **more})


# Not accepted


@pytest.mark.parametrize("code", [500, 502, 503, 504, 520, 521, 522, 523, 524])
def test_a_server_error_is_posted_once_and_its_fate_is_unknown(world: World, code: int) -> None:
    world.inject(status(code, times=None))
    step = world.tick()
    assert world.states() == ["unknown"] and step.exit_code == WAITING
    world.tick()
    assert (world.posts(), len(world.service.jobs)) == (1, 0)
    assert world.story() == ["intended", "unknown"]


def test_a_server_error_that_was_no_acceptance_is_parked_and_sent_again_by_a_word(
    world: World,
) -> None:
    world.inject(status(503))
    step = world.tick_until("parked", seconds=60)
    assert step.exit_code == FAILED and world.posts() == 1
    assert world.tick().state == "parked" and world.posts() == 1
    assert world.tick(resubmit=True).state == "waiting"
    assert_gone_on(world)
    assert_done_once(world, posts=2)
    assert world.story() == ["intended", "unknown", "parked", "planned", *GOOD]


GOOD = ["intended", "submitted", "done"]


@pytest.mark.parametrize("wish", [None, 7.0])
def test_429_is_sent_again_by_a_later_tick(world: World, wish: float | None) -> None:
    world.inject(status(429, retry_after=wish))
    step = world.tick()
    assert world.states() == ["planned"] and step.exit_code == WAITING
    assert "429" in step.waits[-1] and world.posts() == 1
    world.clock.advance(90)
    assert "if it is not listed by then" in world.tick().waits[-1] and world.posts() == 1
    world.clock.advance(10)
    assert_gone_on(world)
    assert_done_once(world, posts=2)


def test_the_services_own_limit_of_posts_holds_nothing_up_for_long(
    place: Place, tmp_path: Path
) -> None:
    world = place.world(tmp_path / "runs")
    state = world.service.state
    state.config = replace(state.config, posts_per_minute=1)
    state.posts[:] = [time.monotonic()]
    assert "429" in world.tick().waits[-1]
    state.posts.clear()
    world.clock.advance(100)
    assert_gone_on(world)
    assert_done_once(world, posts=2)


def test_429_is_not_believed_if_the_job_is_listed_all_the_same(world: World) -> None:
    world.inject(status(429, "after"))
    world.tick()
    assert world.states() == ["planned"]
    world.clock.advance(100)
    assert_gone_on(world)
    assert_done_once(world)


def test_no_more_is_posted_in_a_minute_than_the_settings_allow(
    two_jobs: Place, tmp_path: Path
) -> None:
    world = two_jobs.world(tmp_path / "runs", posts_per_minute=1)
    assert "at most 1 submissions a minute" in world.tick().waits[-1]
    world.tick()
    assert world.posts() == 1
    world.clock.advance(61)
    assert_gone_on(world)
    assert world.posts() == 2 and list(world.tags().values()) == [1, 1]


@pytest.mark.parametrize("code", [400, 404, 413, 422])
def test_a_job_that_is_rejected_has_failed_and_is_not_sent_again(world: World, code: int) -> None:
    world.inject(status(code, reason="no such gate: warp"))
    step = world.tick()
    assert (step.state, step.exit_code) == ("failed", FAILED)
    assert "no such gate: warp" in world.rows()[0].detail
    assert world.tick_all().runs == ()
    assert world.posts() == 1 and not world.service.jobs


def test_connection_refused_submits_nothing_and_goes_on_later(place: Place, tmp_path: Path) -> None:
    world = place.world(tmp_path / "runs", url="http://127.0.0.1:9/api/v1")
    step = world.tick()
    assert (world.states(), step.exit_code) == (["planned"], WAITING)
    assert "nothing is submitted" in " ".join(step.waits)
    again = place.world(tmp_path / "again")
    world = replace(world, ticker=replace(again.ticker, runs=world.runs))
    assert_gone_on(world)
    assert_done_once(world)


def test_a_service_that_goes_away_just_before_the_post_was_sent_nothing(tmp_path: Path) -> None:
    with open_place(tmp_path) as place:
        world = place.world(tmp_path / "runs")
        port = int(place.service.root.rpartition(":")[2])
        step = world.hook("post", place.service.stop).tick()
        assert world.states() == ["planned"] and "not submitted" in step.waits[-1]
    with LoopbackService(ServiceConfig(devices=("lagos",), port=port)) as service:
        world = replace(world, service=service, ticker=fresh_ticker(world))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in service.environment().items():
                patch.setenv(name, value)
            assert_gone_on(world)
        assert_done_once(world)


def test_a_machine_that_takes_no_jobs_gets_none(world: World) -> None:
    world.device.operational, world.device.message = False, "maintenance until noon"
    step = world.tick()
    assert (world.states(), world.posts(), step.exit_code) == (["planned"], 0, WAITING)
    assert "maintenance until noon" in " ".join(step.waits)
    world.device.operational = True
    assert_gone_on(world)
    assert_done_once(world)


# Accepted, and the answer is lost

LOST = {
    "504 once": status(504, "after"),
    "500 for ever": status(500, "after", times=None),
    "408": status(408, "after"),
    "reset": Rule(kind="reset", **POST),
    "closed": Rule(kind="close", **POST),
    "truncated": Rule(kind="truncate", **POST),
    "empty": Rule(kind="empty", **POST),
    "half of its JSON": Rule(kind="invalid_json", **POST),
    "no backend": Rule(kind="drop_key", key="backend", **POST),
    "no id": Rule(kind="drop_key", key="id", **POST),
}


@pytest.mark.parametrize("fault", LOST)
def test_an_accepted_job_whose_answer_is_lost_is_adopted_by_its_tag(
    world: World, fault: str
) -> None:
    world.inject(replace(LOST[fault]))
    world.tick()
    assert world.states() == ["submitted"] and world.posts() == 1
    assert_gone_on(world)
    assert_done_once(world)
    known = ["submitted"] if fault == "no backend" else ["unknown", "submitted"]
    assert world.story() == ["intended", *known, "done"]


@pytest.mark.parametrize("fault", ["504 once", "reset", "no id"])
def test_so_is_that_of_the_other_program_whose_answer_is_lost(
    executor: Place, tmp_path: Path, fault: str
) -> None:
    world = executor.world(tmp_path / "runs")
    world.inject(replace(LOST[fault]))
    assert_gone_on(world)
    assert_done_once(world)


def test_a_lost_answer_holds_up_no_other_job(two_jobs: Place, tmp_path: Path) -> None:
    world = two_jobs.world(tmp_path / "runs")
    world.lag(NEVER)
    world.inject(replace(LOST["reset"]))
    world.tick()
    world.tick()
    assert world.states() == ["unknown", "submitted"]
    world.lag(0)
    assert_gone_on(world)
    assert world.states() == ["done", "done"] and list(world.tags().values()) == [1, 1]


@pytest.mark.parametrize("fault", ["reset", "500 for ever", "empty"])
def test_a_job_that_is_listed_late_is_adopted_when_it_is(world: World, fault: str) -> None:
    world.lag(NEVER)
    world.inject(replace(LOST[fault]))
    for _ in range(3):
        assert world.tick().exit_code == WAITING and world.states() == ["unknown"]
        world.clock.advance(20)
    world.lag(0)
    assert_gone_on(world)
    assert_done_once(world)


def test_a_post_that_hangs_is_given_up_by_the_wall_clock_and_adopted(
    place: Place, tmp_path: Path
) -> None:
    world = place.world(tmp_path / "runs", timeout_seconds=1.5)
    world.inject(Rule(kind="hang", **POST))
    begun = time.monotonic()
    world.tick()
    assert time.monotonic() - begun < 15
    assert world.story() == ["intended", "unknown", "submitted"]
    assert_gone_on(world)
    assert_done_once(world)


def test_a_client_killed_while_its_post_is_pending_is_adopted_by_the_next_process(
    world: World,
) -> None:
    world.inject(Rule(kind="hang", **POST))
    command = [str(Path(sys.executable).with_name("hexmagic")), "tick", "--runs", str(world.runs)]
    child = subprocess.Popen(command, env=child_environment(), stdout=subprocess.DEVNULL)
    with world.service.state.changed:
        assert world.service.state.changed.wait_for(lambda: world.service.jobs, timeout=60)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert world.states() == ["intended"]
    assert_gone_on(world)
    assert_done_once(world)
    assert world.story() == ["intended", "unknown", "submitted", "done"]


# Parked


def lose(world: World) -> World:
    """Let the answer of the accepted job be lost and the job not be listed."""
    world.lag(NEVER)
    world.inject(Rule(kind="reset", **POST))
    world.tick()
    return world


def test_a_job_is_parked_after_the_wait_and_three_looks_not_before(world: World) -> None:
    lose(world)  # the first look
    world.clock.advance(1000)
    assert world.tick().state == "waiting"  # the second: long enough, too few
    assert world.tick().state == "parked"
    assert len(world.service.jobs) == world.posts() == 1


def test_many_looks_within_the_wait_park_nothing(world: World) -> None:
    lose(world)
    assert [world.tick().state for _ in range(4)] == ["waiting"] * 4
    assert world.submissions()[0].looks == 5


def test_a_parked_job_that_shows_up_is_adopted(world: World) -> None:
    lose(world).tick_until("parked", seconds=60)
    world.lag(0)
    assert_gone_on(world)
    assert_done_once(world)
    assert world.story() == ["intended", "unknown", "parked", "submitted", "done"]


def test_a_person_s_word_sends_nothing_that_is_listed_by_then(world: World) -> None:
    lose(world).tick_until("parked", seconds=60)
    world.lag(0)
    assert world.tick(resubmit=True).state == "done"
    assert_done_once(world)


def test_a_person_s_word_is_no_reason_to_send_what_is_listed_before_it_can_be_sent(
    world: World,
) -> None:
    lose(world).tick_until("parked", seconds=60)
    world.device.operational = False
    assert world.tick(resubmit=True).state == "waiting" and world.posts() == 1
    world.device.operational = True
    world.lag(0)
    assert_gone_on(world)
    assert_done_once(world)


def test_what_is_listed_after_a_person_s_word_is_cancelled_there_with_the_run(world: World) -> None:
    world.service.hold()
    lose(world).tick_until("parked", seconds=60)
    world.device.operational = False
    world.tick(resubmit=True)
    world.lag(0)
    cancel_run(world.folder, world.ticker)
    if world.states() != ["cancelled"]:
        world.tick_until("cancelled")
    assert world.posts() == 1 and [job.word for job in world.service.jobs] == ["Cancelled"]


def test_a_resubmitted_job_whose_first_shows_up_after_all_is_counted_twice_and_kept_once(
    world: World,
) -> None:
    lose(world).tick_until("parked", seconds=60)
    world.tick(resubmit=True)
    world.lag(0)
    assert_gone_on(world)
    assert world.states() == ["done"] and len(world.service.jobs) == 2
    assert_all_counted(world)


def assert_all_counted(world: World) -> None:
    """Check that one of the server's jobs is kept, and that the charges of all are known."""
    remotes = world.remotes()
    assert sorted(remote.kept for remote in remotes) == [0] * (len(remotes) - 1) + [1]
    charged = {remote.remote_id: remote.charged_seconds for remote in remotes}
    assert charged == {job.id: job.charged_seconds for job in world.service.jobs}
    told = world.folder.read_json(PROVENANCE)
    assert told["seconds_charged"] == pytest.approx(
        sum(j.charged_seconds for j in world.service.jobs)
    )
    with world.ledger() as ledger:
        (claim,) = ledger.claims()
    assert sum(seconds for seconds, _ in claim.charged) == told["seconds_charged"]


# Doubled at the server, whoever did it


def double(world: World) -> tuple[Job, Job]:
    """Give the server a second job for the same submission, a second younger."""
    (first,) = world.service.jobs
    second = replace(
        first,
        id=world.service.state.new_id(),
        created=first.created + timedelta(seconds=1),
        word="Queued",
        seeds=[],
        fingerprints=[],
    )
    world.service.state.add(second)
    return first, second


def test_of_two_waiting_jobs_the_oldest_is_kept_and_the_other_cancelled(world: World) -> None:
    world.service.hold()
    lose(world)
    first, second = double(world)
    world.lag(0)
    world.tick()
    assert (first.word, second.word) == ("Queued", "Cancelled")
    world.service.release()
    assert_gone_on(world)
    kept = {remote.remote_id: remote.kept for remote in world.remotes()}
    assert kept == {first.id: 1, second.id: 0}
    assert_all_counted(world)


@pytest.mark.parametrize("lost", [True, False])
def test_of_two_finished_jobs_one_is_kept_and_both_charges_count(world: World, lost: bool) -> None:
    if lost:
        lose(world)
    else:
        world.tick()
    first, second = double(world)
    world.lag(0)
    assert_gone_on(world)
    assert first.charged_seconds > 0 and second.charged_seconds > 0
    kept = {remote.remote_id: remote.kept for remote in world.remotes()}
    assert kept == {first.id: 1, second.id: 0}
    assert_all_counted(world)


def test_a_second_job_that_could_not_be_cancelled_is_cancelled_before_ours_has_ended(
    world: World,
) -> None:
    world.service.hold()
    lose(world)
    _, second = double(world)
    world.lag(0)
    world.inject(Rule(kind="reset", when="before", method="POST", path="/cancel$", times=None))
    world.tick()
    assert second.word == "Queued" and world.states() == ["submitted"]
    world.service.rules.clear()
    world.tick()
    assert second.word == "Cancelled" and world.states() == ["submitted"]


def test_of_two_jobs_the_oldest_that_was_not_cancelled_is_kept(world: World) -> None:
    world.service.hold()
    lose(world)
    first, second = double(world)
    first.end("Cancelled", "by somebody")
    world.service.release()
    world.lag(0)
    assert_gone_on(world)
    kept = {remote.remote_id: remote.kept for remote in world.remotes()}
    assert kept == {first.id: 0, second.id: 1}
    assert_all_counted(world)


def test_somebody_else_s_jobs_in_the_listing_are_none_of_ours(world: World) -> None:
    world.lag(NEVER)
    world.inject(status(500))
    world.tick()
    tag = world.submissions()[0].tag
    job: dict[str, Any] = {"instance": world.service.instance, "program": "sampler"}
    job |= {"device": world.device.name}
    for i, other in enumerate(("theirs", tag[:-1], f"{tag}0")):
        world.service.state.add(Job(id=f"x{i}", params=b"{}", tags=[other], word="Failed", **job))
    world.lag(0)
    world.tick()
    assert world.states() == ["unknown"] and not world.remotes()


@pytest.mark.parametrize("count", [-1, 1, 1000])
def test_a_listing_whose_count_disagrees_is_read_to_its_end(world: World, count: int) -> None:
    world.inject(
        Rule(kind="reset", **POST), Rule(kind="wrong_count", count=count, times=None, **LIST)
    )
    begun = time.monotonic()
    assert_gone_on(world)
    assert time.monotonic() - begun < 15
    assert_done_once(world)


@pytest.mark.parametrize("kind", ["reset", "truncate", "empty", "invalid_json"])
def test_a_listing_that_cannot_be_read_proves_nothing(world: World, kind: Any) -> None:
    # the first two listings are before the submission: of the run, and of the job
    world.inject(Rule(kind="reset", **POST), Rule(kind=kind, times=None, skip=2, **LIST))
    for _ in range(3):
        world.tick()
        world.clock.advance(1000)
    assert world.states() == ["unknown"] and world.submissions()[0].looks == 0
    world.service.rules.clear()
    assert_gone_on(world)
    assert_done_once(world)


# Results

DAMAGED = {
    "truncated": Rule(kind="results_truncated", **RESULTS),
    "empty": Rule(kind="results_empty", **RESULTS),
    "one shot": Rule(kind="results_shots", count=1, **RESULTS),
    "one shot too few": Rule(kind="results_shots", count=SHOTS - 1, **RESULTS),
    "no shots": Rule(kind="results_shots", count=0, **RESULTS),
    "no register": Rule(kind="results_register", **RESULTS),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_result_is_fetched_again(world: World, damage: str) -> None:
    go_through_damage(world, damage)


@pytest.mark.parametrize("damage", DAMAGED)
def test_so_is_that_of_the_other_program(executor: Place, tmp_path: Path, damage: str) -> None:
    go_through_damage(executor.world(tmp_path / "runs"), damage)


def go_through_damage(world: World, damage: str) -> None:
    world.inject(replace(DAMAGED[damage]))
    world.tick()
    assert "fetched again" in world.tick().waits[-1] and world.states() == ["submitted"]
    assert_gone_on(world)
    assert_done_once(world)
    assert len(list((world.folder.path / "raw").iterdir())) == 2


def test_a_result_with_other_registers_is_fetched_again(world: World) -> None:
    world.tick()
    world.service.wait()
    (job,) = world.service.jobs
    text = job.text
    alter(job, lambda item: {f"{name}_": array for name, array in item.items()})
    assert "fetched again" in world.tick().waits[-1] and world.states() == ["submitted"]
    job.text = text
    assert_gone_on(world)
    assert_done_once(world)


@pytest.mark.parametrize("damage", ["truncated", "one shot too few", "no shots"])
def test_a_result_that_is_always_damaged_fails_its_job_and_every_one_is_kept(
    world: World, damage: str
) -> None:
    world.inject(replace(DAMAGED[damage], times=None))
    step = world.tick_until("failed")
    assert step.exit_code == FAILED and world.remotes()[0].fetches == MOST_FETCHES
    raw = sorted(path.name for path in (world.folder.path / "raw").iterdir())
    assert [name.split(".")[1] for name in raw] == [f"unusable{i}" for i in range(1, 6)]
    assert world.remotes()[0].charged_seconds == world.service.jobs[0].charged_seconds > 0


@pytest.mark.parametrize("kind", ["reset", "truncate", "hang"])
def test_a_result_that_does_not_arrive_is_asked_for_again_without_limit(
    place: Place, tmp_path: Path, kind: Any
) -> None:
    world = place.world(tmp_path / "runs", timeout_seconds=1.5)
    world.tick()
    world.inject(Rule(kind=kind, times=None, **RESULTS))
    for _ in range(2 if kind == "hang" else MOST_FETCHES + 1):
        assert world.tick().exit_code == WAITING and world.states() == ["submitted"]
    world.service.rules.clear()
    assert_gone_on(world)
    assert_done_once(world)


def alter(job: Job, change: Callable[[Bits], Bits]) -> None:
    """Change the bits of a finished job's result, circuit by circuit."""
    assert job.outcome is not None
    bits = tuple(change(item) for item in job.outcome.bits)
    job.text = encode(replace(job.outcome, bits=bits))


def turned(item: Bits) -> Bits:
    """Return registers with their bits in reverse."""
    return {name: np.ascontiguousarray(array[..., ::-1]) for name, array in item.items()}


@pytest.mark.parametrize("program", ["sampler", "executor"])
def test_bits_in_reverse_are_named_by_the_canary_and_no_table_has_them(
    place: Place, tmp_path: Path, program: str
) -> None:
    settings = {"program": program}
    wide = Place(service=place.service, path=tmp_path, spec=SEVEN_BITS, settings=settings)
    world = wide.world(tmp_path / "runs")
    world.tick()
    world.service.wait()
    alter(world.service.jobs[0], turned)
    step = world.tick()
    assert (step.state, step.exit_code) == ("failed", FAILED)
    assert "bit-order canary: registers data are reversed" in " ".join(step.problems)
    assert not list((world.folder.path / "shots").glob("*.parquet"))


# How a job goes


@pytest.mark.parametrize(
    ("kind", "state"), [("job_failed", "failed"), ("job_cancelled", "cancelled")]
)
def test_a_job_that_fails_there_says_why_and_can_be_tried_again(
    world: World, kind: Any, state: str
) -> None:
    world.inject(Rule(kind=kind, reason="Boltzmann brain\nin the fridge", code=1517, **POST))
    step = world.tick_until("failed")
    assert step.exit_code == FAILED and world.states() == [state]
    assert "Boltzmann brain\nin the fridge (code 1517)" in world.rows()[0].detail
    assert plan_again(world.folder, world.ticker.services) == 1
    assert_gone_on(world)
    assert [(row.attempt, row.state) for row in world.rows()] == [(1, state), (2, "done")]
    assert len(world.service.jobs) == world.posts() == 2
    assert sorted(world.tags().values()) == [1, 1]


def test_a_word_that_is_not_known_is_no_end(world: World) -> None:
    world.tick()
    world.inject(Rule(kind="unknown_status", word="Meditating", times=2, **LOOK))
    for _ in range(2):
        step = world.tick()
        assert step.exit_code == WAITING and "'Meditating'" in step.waits[-1]
    assert_gone_on(world)
    assert_done_once(world)


def test_a_poll_that_hangs_ends_at_the_wall_clock(place: Place, tmp_path: Path) -> None:
    world = place.world(tmp_path / "runs", timeout_seconds=1.5)
    world.tick()
    world.inject(Rule(kind="hang", **LOOK))
    begun = time.monotonic()
    step = world.tick()
    assert time.monotonic() - begun < 15
    said = " ".join(step.waits)  # the client's own clock, which it starts later, is as long
    assert step.exit_code == WAITING and ("no answer in 1.5 s" in said or "timed out" in said)
    assert_gone_on(world)
    assert_done_once(world)


def test_a_token_that_was_revoked_is_renewed(world: World) -> None:
    world.tick()
    world.service.revoke_tokens()
    assert_gone_on(world)
    assert_done_once(world)


@pytest.mark.parametrize("kind", ["status", "reset", "empty"])
def test_tokens_that_cannot_be_had_are_waited_for_no_longer_than_the_wall_clock(
    place: Place, tmp_path: Path, kind: Any
) -> None:
    world = place.world(tmp_path / "runs", timeout_seconds=3.0)
    world.tick()
    world.service.revoke_tokens()
    world.inject(Rule(kind=kind, status=503, path="/identity/token", times=None))
    begun = time.monotonic()
    assert world.tick().exit_code == WAITING and world.states() == ["submitted"]
    assert time.monotonic() - begun < 20
    world.service.rules.clear()
    assert_gone_on(world)
    assert_done_once(world)


def test_a_token_that_is_revoked_just_before_the_post_is_no_acceptance(world: World) -> None:
    step = world.hook("post", world.service.revoke_tokens).tick()
    assert world.states() == ["planned"] and not world.service.jobs
    assert "token was not taken" in step.waits[-1]
    world.tick()
    assert world.states() == ["planned"] and world.posts() == 1
    world.clock.advance(100)
    assert_gone_on(world)
    assert_done_once(world, posts=2)


@pytest.mark.parametrize("submitted", [True, False])
def test_an_account_that_is_not_taken_is_refused_until_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch, submitted: bool
) -> None:
    if submitted:
        world.tick()
    accounts = world.service.state.accounts
    accounts.revoke()
    with monkeypatch.context() as patch:
        patch.setattr(accounts, "keys", ())
        step = replace(world, ticker=fresh_ticker(world)).tick()
        assert step.exit_code == REFUSED and world.states() == [
            "submitted" if submitted else "planned"
        ]
        assert "account" in step.waits[-1]
        assert world.tick().exit_code == REFUSED
    world = replace(world, ticker=fresh_ticker(world))
    assert_gone_on(world)
    assert_done_once(world)


def test_what_the_server_finishes_in_spite_of_a_cancel_is_collected(world: World) -> None:
    world.service.hold()
    world.tick()
    world.inject(Rule(kind="status", status=204, when="before", method="POST", path="/cancel$"))
    step = cancel_run(world.folder, world.ticker)
    assert (step.state, world.states()) == ("cancelling", ["submitted"])
    world.service.release()
    assert_gone_on(world)
    assert_done_once(world)


def test_what_is_cancelled_in_time_is_cancelled(world: World) -> None:
    world.service.hold()
    world.tick()
    cancel_run(world.folder, world.ticker)
    if world.states() != ["cancelled"]:
        world.tick_until("cancelled")
    assert world.service.jobs[0].word == "Cancelled" and world.posts() == 1


@pytest.mark.parametrize("lag", [0, NEVER])
def test_a_cancelled_run_whose_job_s_fate_is_not_known_sends_nothing(
    world: World, lag: float
) -> None:
    lose(world)
    world.lag(lag)
    cancel_run(world.folder, world.ticker)
    for _ in range(5):
        world.clock.advance(60)
        world.ticker.tick()
    assert world.posts() == 1
    assert world.states() == (["cancelled"] if lag else ["done"])


def test_both_calibrations_are_kept_if_there_is_a_new_one(world: World) -> None:
    world.service.hold()
    world.tick()
    world.service.recalibrate(world.device.name, 1.5)
    world.service.release()
    assert_gone_on(world)
    names = [path.name for path in (world.folder.path / "calibration").iterdir()]
    times = [world.folder.read_json(f"calibration/{name}")["calibrated_at"] for name in names]
    submitted, collected = sorted(times)
    details = [event.detail for event in world.events() if event.to_state in ("intended", "done")]
    assert submitted in details[0] and collected in details[1] and submitted != collected
