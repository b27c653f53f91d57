"""Paid hardware and the worst of days: killed at every step, a full disk, a read-only directory.

The real client talks to the loopback service over sockets, from processes that end as told. What
has to hold each time: the tables are those of an undisturbed run, and the service saw each job
once.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.crashing import CONFIG, World, make_world
from fakes.killer import KILLED, NOT_ALLOWED, Ended, Killer
from service import LoopbackService

from hexmagic.driver.directory_lock import LOCK_NAME
from hexmagic.driver.hardware_ledger import HardwareLedger
from hexmagic.driver.ledger import LEDGER_NAME
from hexmagic.driver.times import utc_now

PARTS = 8
"""Every step there is, in so many tests, so that they are shared by the cores."""
SIX_JOBS = (
    ("description: one physical qubit", "baselines: [bare]"),
    ("scheme: bare", "distance: 3, scheme: encoded"),
    ("[X, Z]", "[X, Y, Z]"),
)


@dataclass(frozen=True, kw_only=True)
class Road:
    """An undisturbed run: `run --no-wait`, then a `tick`.

    Attributes:
        begun: the first command line; its steps are those at which the others are killed.
        ended: the second one, likewise.
        tables: what every other run must have.
        fingerprints: of the jobs that the service must see.
    """

    begun: Ended
    ended: Ended
    tables: dict[str, str]
    fingerprints: list[list[str]]

    @property
    def steps(self) -> tuple[str, ...]:
        return self.begun.steps + self.ended.steps

    def check(self, world: World) -> None:
        """Check that a run that was disturbed came to the same end."""
        assert world.fingerprints() == self.fingerprints
        assert world.tables() == self.tables
        world.check_ledger()


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    with LoopbackService(CONFIG) as service:
        yield service


@pytest.fixture(scope="module")
def killer(service: LoopbackService) -> Iterator[Killer]:
    with Killer(service.environment()) as killer:
        yield killer


def travel(world: World) -> Road:
    begun, ended = world.start(), world.tick()
    assert (begun.code, ended.code) == (0, 0), (begun.err, ended.out)
    return Road(begun=begun, ended=ended, tables=world.tables(), fingerprints=world.fingerprints())


@pytest.fixture(scope="module")
def road(
    service: LoopbackService, killer: Killer, tmp_path_factory: pytest.TempPathFactory
) -> Road:
    return travel(make_world(tmp_path_factory.mktemp("undisturbed"), service, killer))


def strike(world: World, road: Road, at: int, fault: str = "kill") -> Ended:
    """Travel the road as far as a step, where the fault strikes; start again if nothing is left."""
    if at >= len(road.begun.steps):
        assert world.start().code == 0
        return world.tick(at=at - len(road.begun.steps), fault=fault)
    ended = world.start(at=at, fault=fault)
    if not world.run_ids:
        assert not world.jobs
        assert world.tick().code == 0
        assert world.start().code == 0
    return ended


def check_killed(world: World, road: Road, at: int) -> None:
    ended = strike(world, road, at)
    assert ended.code == KILLED, ended
    check_intents(world)
    world.go_on()
    road.check(world)


def check_full(world: World, road: Road, at: int, fault: str) -> int:
    """Let the disk be full from a step on; return the exit code, which is that of one line."""
    ended = strike(world, road, at, fault)
    assert ended.code in {0, 4}, ended
    check_intents(world)
    if ended.code and not ended.out:
        *_, line = ended.err.splitlines()
        assert str(world.runs) in line
        assert "Traceback" not in ended.err
    world.go_on()
    road.check(world)
    return ended.code


def check_intents(world: World) -> None:
    """Check that what the service has was written down before it was sent."""
    assert world.ledger_is_there or not world.jobs
    for run_id in world.run_ids if world.ledger_is_there else ():
        with HardwareLedger(world.runs / LEDGER_NAME, clock=utc_now) as ledger:
            intended = {row.tag for row in ledger.submissions(run_id) if row.intended}
        assert {job.tags[0] for job in world.jobs} <= intended


def sample(steps: tuple[str, ...], count: int) -> list[int]:
    """Return so many steps: those round the first submission, and others evenly."""
    first = steps.index("before POST /api/v1/jobs")
    near = [first - 1, first, first + 1, first + 3]
    return sorted({*near, *range(0, len(steps), -(-len(steps) // (count - len(near))))})


def writes(steps: tuple[str, ...]) -> list[int]:
    """Return the steps at which a disk that gets full stops the next write."""
    commits = [n for n, step in enumerate(steps) if step == "before COMMIT"]
    files = [n - 1 for n, step in enumerate(steps) if step.endswith(".tmp")]
    return sorted(commits + files)


def test_the_steps_are_what_lasts_and_what_is_asked(road: Road) -> None:
    assert road.begun.steps.count("before POST /api/v1/jobs") == len(road.fingerprints) == 2
    before, after = (road.begun.steps.index(f"{x} POST /api/v1/jobs") for x in ("before", "after"))
    assert road.begun.steps[before - 1] == "after COMMIT"  # the intent
    assert road.begun.steps[after + 1 : after + 3] == ("before BEGIN IMMEDIATE", "before COMMIT")
    assert road.ended.steps[-1] == "after COMMIT"
    assert len(road.steps) > 200


def test_the_name_of_a_folder_is_on_disk_before_anything_relies_on_it(road: Road) -> None:
    named = next(n for n, step in enumerate(road.begun.steps) if step.startswith("after rename"))
    assert road.begun.steps[named + 1] == "before fsync runs"
    for file in (".p000-X-00000-1.json", ".p000-X-00000.parquet", ".fidelity.csv"):
        begin = f"before fsync {file}"
        written = next(n for n, step in enumerate(road.ended.steps) if step.startswith(begin))
        assert road.ended.steps[written - 1].startswith("before fsync tiny-")  # raw, shots, tables


@pytest.mark.parametrize("half", [0, 1])
def test_killed_at_a_step_a_run_comes_to_the_same_end(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path, half: int
) -> None:
    for at in sample(road.steps, 20)[half::2]:
        check_killed(make_world(tmp_path / str(at), service, killer), road, at)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_step_a_run_comes_to_the_same_end(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path, part: int
) -> None:
    for at in range(part, len(road.steps), PARTS):
        check_killed(make_world(tmp_path / str(at), service, killer), road, at)


@pytest.mark.slow
def test_killed_at_any_step_after_a_persons_word_a_run_comes_to_the_same_end(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    before_post = road.begun.steps.index("before POST /api/v1/jobs")

    def parked(name: str) -> World:
        world = make_world(tmp_path / name, service, killer)
        world.start(at=before_post)
        assert [world.tick().code for _ in range(3)] == [75, 75, 4]
        return world

    word = parked("undisturbed").tick("--resubmit", "latest")
    assert "before POST /api/v1/jobs" in word.steps
    for at in range(len(word.steps)):
        world = parked(str(at))
        assert world.tick("--resubmit", "latest", at=at).code == KILLED
        world.go_on()
        road.check(world)


def test_before_its_folder_has_its_name_a_run_is_nothing_and_a_new_one_is_clean(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    world = make_world(tmp_path, service, killer)
    at = next(n for n, name in enumerate(road.begun.steps) if name.startswith("before rename"))
    assert world.start(at=at).code == KILLED
    assert (list(world.runs.glob("*/plan.json")) != [], world.run_ids) == (True, [])
    assert '"runs": []' in world.tick().out
    assert not world.jobs
    assert world.start().code == 0
    world.go_on()
    road.check(world)


def test_a_tick_adopts_a_run_whose_folder_the_ledger_does_not_know(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    world = make_world(tmp_path, service, killer)
    at = next(n for n, name in enumerate(road.begun.steps) if name.startswith("after rename"))
    assert world.start(at=at).code == KILLED
    assert (len(world.run_ids), world.ledger_is_there) == (1, False)
    world.go_on()
    road.check(world)


def test_a_scheduled_run_is_started_once_wherever_its_start_is_killed(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    check_scheduled_starts(road, service, killer, tmp_path, every=24)


@pytest.mark.slow
def test_a_scheduled_run_is_started_once_at_whatever_step_its_start_is_killed(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    check_scheduled_starts(road, service, killer, tmp_path, every=1)


def check_scheduled_starts(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path, every: int
) -> None:
    once = ("seed: 7", "seed: 7\nschedule: {not_before: 2026-01-01T00:00Z}")
    steps = make_world(tmp_path / "undisturbed", service, killer, once).start().steps
    registered = steps.index("after COMMIT", steps.index("after COMMIT") + 1)
    for at in range(registered, len(steps), every):
        world = make_world(tmp_path / str(at), service, killer, once)
        assert world.start(at=at).code == KILLED
        world.go_on()
        road.check(world)


def check_random_kills(
    service: LoopbackService, killer: Killer, tmp_path: Path, *, kills: int
) -> None:
    dice, done, runs = random.Random(5), 0, 0
    road = travel(make_world(tmp_path / "undisturbed", service, killer, *SIX_JOBS))
    assert len(road.fingerprints) == 6
    longest = 1.5

    def moment() -> dict[str, float | None]:
        return {"seconds": dice.uniform(0, longest)}

    while done < kills:
        world = make_world(tmp_path / str(runs), service, killer, *SIX_JOBS)
        while not world.run_ids:
            done += world.start(**moment()).code == KILLED
        done += world.go_on(moment)
        road.check(world)
        runs += 1
    print(f"{done} kills over {runs} runs of 6 jobs each: no job doubled, none lost")


def test_killed_at_random_moments_a_run_of_six_jobs_comes_to_the_same_end(
    service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    check_random_kills(service, killer, tmp_path, kills=10)


@pytest.mark.slow
def test_killed_a_hundred_times_runs_of_six_jobs_come_to_the_same_end(
    service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    check_random_kills(service, killer, tmp_path, kills=100)


@pytest.mark.parametrize("fault", ["full", "hiccup"])
def test_a_full_disk_costs_no_job_and_doubles_none(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path, fault: str
) -> None:
    codes = [
        check_full(make_world(tmp_path / str(at), service, killer), road, at, fault)
        for at in writes(road.steps)[::8]
    ]
    assert codes.count(4) > len(codes) / 2


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_disk_full_at_any_write_costs_no_job_and_doubles_none(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path, part: int
) -> None:
    codes = []
    for at in writes(road.steps)[part::PARTS]:
        for fault in ("full", "hiccup"):
            world = make_world(tmp_path / f"{at}-{fault}", service, killer)
            codes.append(check_full(world, road, at, fault))
    assert codes.count(4) > len(codes) / 2


def test_an_intent_that_cannot_be_written_is_not_sent(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    world = make_world(tmp_path, service, killer)
    post = road.begun.steps.index("before POST /api/v1/jobs")
    ended = world.start(at=post - 2, fault="full")
    assert road.begun.steps[post - 2] == "before COMMIT"
    assert (ended.code, world.jobs) == (4, [])
    assert "hexmagic.sqlite: ledger: " in ended.err.splitlines()[-1]
    assert not any("POST /api/v1/jobs" in step for step in ended.steps)
    world.go_on()
    road.check(world)


def test_an_answer_that_cannot_be_written_is_found_by_a_later_tick(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    world = make_world(tmp_path, service, killer)
    post = road.begun.steps.index("after POST /api/v1/jobs")
    ended = world.start(at=post, fault="full")
    assert (ended.code, len(world.jobs)) == (4, 1)
    (found, *_) = json.loads(world.tick().out)["runs"][0]["said"]
    assert found.endswith(f"found at the service as {world.jobs[0].id}")
    world.go_on()
    road.check(world)


def test_in_a_read_only_directory_nothing_is_posted_and_one_line_says_so(
    road: Road, service: LoopbackService, killer: Killer, tmp_path: Path
) -> None:
    world = make_world(tmp_path, service, killer)
    ended = world.start(read_only=str(world.runs))
    if ended.code == NOT_ALLOWED:
        pytest.skip("this machine lets nobody mount a folder read-only for one process")
    line = f"{world.runs / LOCK_NAME}: cannot be written: Read-only file system\n"
    assert (ended.code, ended.out, ended.err) == (4, "", line)
    world.start(at=road.begun.steps.index("before POST /api/v1/jobs"))
    ended = world.tick(read_only=str(world.runs))
    assert (ended.code, ended.out, ended.err, world.jobs) == (4, "", line, [])
    world.go_on()
    road.check(world)
