"""Paid hardware and SIGKILL: at every step, at random moments, while a scheduled run starts.

The real client talks to the loopback service over sockets, from processes that end as told. What
has to hold each time: the tables are those of an undisturbed run, and the service saw each job
once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.crashing import Grounds, Road, World, open_grounds, travel
from fakes.killer import KILLED

PARTS = 8
"""Every step there is, in so many tests, so that they are shared by the cores."""
MOST_STRIKES = 20
SIX_JOBS = (
    ("description: one physical qubit", "baselines: [bare]"),
    ("scheme: bare", "distance: 3, scheme: encoded"),
    ("[X, Z]", "[X, Y, Z]"),
)


@pytest.fixture(scope="module")
def grounds() -> Iterator[Grounds]:
    with open_grounds() as grounds:
        yield grounds


@pytest.fixture(scope="module")
def road(grounds: Grounds, tmp_path_factory: pytest.TempPathFactory) -> Road:
    return travel(grounds.world(tmp_path_factory.mktemp("undisturbed")))


def check_killed(world: World, road: Road, at: int) -> None:
    ended = road.strike(world, at, "kill")
    assert ended.code == KILLED, ended
    world.go_on()
    road.check(world)


def sample(steps: tuple[str, ...], count: int) -> list[int]:
    """Return so many steps: those round the first submission, and others evenly."""
    first = steps.index("before POST /api/v1/jobs")
    near = [first - 1, first, first + 1, first + 3]
    return sorted({*near, *range(0, len(steps), -(-len(steps) // (count - len(near))))})


def changing(steps: tuple[str, ...]) -> list[int]:
    """Return the steps that are no question: between two of those nothing changes."""
    questions = (" GET ", " POST /iam/", " POST /search/")
    return [n for n, step in enumerate(steps) if not any(part in step for part in questions)]


def test_the_steps_are_what_lasts_and_what_is_asked(road: Road) -> None:
    assert road.begun.steps.count("before POST /api/v1/jobs") == len(road.fingerprints) == 2
    before, after = (road.begun.steps.index(f"{x} POST /api/v1/jobs") for x in ("before", "after"))
    intent = road.begun.steps[before - 4 : before]  # in the ledger, then in the run folder
    starts = (
        "after COMMIT",
        "before fsync .submitted.json",
        "before replace",
        "before fsync tiny-",
    )
    assert all(step.startswith(start) for step, start in zip(intent, starts, strict=True)), intent
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


def test_killed_at_a_step_a_run_comes_to_the_same_end(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    for at in sample(road.steps, 3):
        check_killed(grounds.world(tmp_path / str(at)), road, at)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_step_a_run_comes_to_the_same_end(
    road: Road, grounds: Grounds, tmp_path: Path, part: int
) -> None:
    for at in changing(road.steps)[part::PARTS]:
        check_killed(grounds.world(tmp_path / str(at)), road, at)


@pytest.mark.slow
def test_killed_at_any_step_after_a_persons_word_a_run_comes_to_the_same_end(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    before_post = road.begun.steps.index("before POST /api/v1/jobs")

    def parked(name: str) -> World:
        world = grounds.world(tmp_path / name)
        world.start(at=before_post)
        assert [world.tick().code for _ in range(3)] == [75, 75, 4]
        return world

    word = parked("undisturbed").tick("--resubmit", "latest")
    assert "before POST /api/v1/jobs" in word.steps
    for at in changing(word.steps)[::2]:
        world = parked(str(at))
        assert world.tick("--resubmit", "latest", at=at).code == KILLED
        world.go_on()
        road.check(world)


def test_before_its_folder_has_its_name_a_run_is_nothing_and_a_new_one_is_clean(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    world = grounds.world(tmp_path)
    at = next(n for n, name in enumerate(road.begun.steps) if name.startswith("before rename"))
    assert world.start(at=at).code == KILLED
    assert (list(world.runs.glob("*/plan.json")) != [], world.run_ids) == (True, [])
    assert '"runs": []' in world.tick().out
    assert not world.jobs
    assert world.start().code == 0
    world.go_on()
    road.check(world)


def test_a_tick_adopts_a_run_whose_folder_the_ledger_does_not_know(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    world = grounds.world(tmp_path)
    at = next(n for n, name in enumerate(road.begun.steps) if name.startswith("after rename"))
    assert world.start(at=at).code == KILLED
    assert (len(world.run_ids), world.ledger_is_there) == (1, False)
    world.go_on()
    road.check(world)


def test_a_scheduled_run_is_started_once_wherever_its_start_is_killed(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    check_scheduled_starts(road, grounds, tmp_path, every=90)


@pytest.mark.slow
def test_a_scheduled_run_is_started_once_at_whichever_step_its_start_is_killed(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    check_scheduled_starts(road, grounds, tmp_path, every=3)


def check_scheduled_starts(road: Road, grounds: Grounds, tmp_path: Path, every: int) -> None:
    once = ("seed: 7", "seed: 7\nschedule: {not_before: 2026-01-01T00:00Z}")
    steps = grounds.world(tmp_path / "undisturbed", once).start().steps
    registered = steps.index("after COMMIT", steps.index("after COMMIT") + 1)
    for at in range(registered, len(steps), every):
        world = grounds.world(tmp_path / str(at), once)
        assert world.start(at=at).code == KILLED
        world.go_on()
        road.check(world)


class Dice:
    """Moments at which to strike, so chosen that about two of three strikes come in time."""

    def __init__(self, longest: float) -> None:
        self._random = random.Random(5)
        self._longest = longest
        self.left = 0

    def __call__(self, killed: bool) -> dict[str, float]:
        """Return the next strike, if any is left, knowing whether the last one came in time."""
        self._longest *= 1.15 if killed else 0.75
        self.left -= 1
        return {"seconds": self._random.uniform(0, self._longest)} if self.left >= 0 else {}


def check_random_kills(grounds: Grounds, tmp_path: Path, *, kills: int) -> None:
    """Kill runs of six jobs at random moments, each at most MOST_STRIKES times."""
    done, runs, dice = 0, 0, Dice(1.0)
    road = travel(grounds.world(tmp_path / "undisturbed", *SIX_JOBS))
    assert len(road.fingerprints) == 6
    while done < kills:
        dice.left, killed = MOST_STRIKES, False
        world = grounds.world(tmp_path / str(runs), *SIX_JOBS)
        while not world.run_ids:
            killed = world.start(**dice(killed)).code == KILLED
            done += killed
        done += world.go_on(dice)
        road.check(world)
        runs += 1
    print(f"{done} kills over {runs} runs of 6 jobs each: no job doubled, none lost")


def test_killed_at_random_moments_a_run_of_six_jobs_comes_to_the_same_end(
    grounds: Grounds, tmp_path: Path
) -> None:
    check_random_kills(grounds, tmp_path, kills=1)


@pytest.mark.slow
def test_killed_a_hundred_times_runs_of_six_jobs_come_to_the_same_end(
    grounds: Grounds, tmp_path: Path
) -> None:
    check_random_kills(grounds, tmp_path, kills=100)
