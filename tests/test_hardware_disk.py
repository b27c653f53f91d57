"""Paid hardware and a disk that takes nothing more: no job is lost, none is doubled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.crashing import Grounds, Road, World, open_grounds, travel
from fakes.killer import KILLED, NOT_ALLOWED, Fault

from hexmagic.driver.folder.directory_lock import LOCK_NAME

PARTS = 4
"""Every write there is, in so many tests, so that they are shared by the cores."""


@pytest.fixture(scope="module")
def grounds() -> Iterator[Grounds]:
    with open_grounds() as grounds:
        yield grounds


@pytest.fixture(scope="module")
def road(grounds: Grounds, tmp_path_factory: pytest.TempPathFactory) -> Road:
    return travel(grounds.world(tmp_path_factory.mktemp("undisturbed")))


def check_full(world: World, road: Road, at: int, fault: Fault) -> int:
    """Let the disk be full from a step on; return the exit code, which is that of one line."""
    ended = road.strike(world, at, fault)
    assert ended.code in {0, 4}, ended
    if ended.code and (not ended.out or '"error": ' in ended.out):  # `run` may have said its id
        *_, line = ended.err.splitlines()
        assert str(world.runs) in line
        assert "Traceback" not in ended.err
    world.go_on()
    road.check(world)
    return ended.code


def writes(steps: tuple[str, ...]) -> list[int]:
    """Return the steps at which a disk that gets full stops the next write."""
    commits = [n for n, step in enumerate(steps) if step == "before COMMIT"]
    files = [n - 1 for n, step in enumerate(steps) if step.endswith(".tmp")]
    return sorted(commits + files)


@pytest.mark.parametrize("fault", [pytest.param("full", marks=pytest.mark.slow), "hiccup"])
def test_a_full_disk_costs_no_job_and_doubles_none(
    road: Road, grounds: Grounds, tmp_path: Path, fault: Fault
) -> None:
    codes = [
        check_full(grounds.world(tmp_path / str(at)), road, at, fault)
        for at in writes(road.steps)[::40]
    ]
    assert codes.count(4) > len(codes) / 2


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_disk_full_at_any_write_costs_no_job_and_doubles_none(
    road: Road, grounds: Grounds, tmp_path: Path, part: int
) -> None:
    codes = []
    faults: tuple[Fault, ...] = ("full", "hiccup")
    for at in writes(road.steps)[part :: 2 * PARTS]:
        for fault in faults:
            world = grounds.world(tmp_path / f"{at}-{fault}")
            codes.append(check_full(world, road, at, fault))
    assert codes.count(4) > len(codes) / 2


@pytest.mark.parametrize(
    ("where", "fault", "said"),
    [
        ("before COMMIT", "full", "hexmagic.sqlite: ledger: "),
        ("after COMMIT", "hiccup", "submitted.json: cannot be written: "),
        ("after COMMIT", "full", ": "),  # of the one or the other
    ],
)
def test_an_intent_that_cannot_be_written_is_not_sent(
    road: Road, grounds: Grounds, tmp_path: Path, where: str, fault: Fault, said: str
) -> None:
    world = grounds.world(tmp_path)
    steps = road.begun.steps
    post = steps.index("before POST /api/v1/jobs")
    at = max(n for n, step in enumerate(steps[:post]) if step == where)
    ended = world.start(at=at, fault=fault)
    assert (ended.code, world.jobs) == (4, [])
    assert said in ended.err.splitlines()[-1]
    assert not any("POST /api/v1/jobs" in step for step in ended.steps)
    world.go_on()
    road.check(world)


def test_an_answer_that_cannot_be_written_is_found_by_a_later_tick(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    world = grounds.world(tmp_path)
    post = road.begun.steps.index("after POST /api/v1/jobs")
    ended = world.start(at=post, fault="full")
    assert (ended.code, len(world.jobs)) == (4, 1)
    (found, *_) = json.loads(world.tick().out)["runs"][0]["said"]
    assert found.endswith(f"found at the service as {world.jobs[0].id}")
    world.go_on()
    road.check(world)


def test_what_only_reads_works_in_a_read_only_directory(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    world, spec = grounds.world(tmp_path), tmp_path / "tiny.yaml"
    assert world.start(at=road.begun.steps.index("after POST /api/v1/jobs")).code == KILLED
    folder = str(world.runs)
    if world.call("list", read_only=folder).code == NOT_ALLOWED:
        pytest.skip("this machine lets nobody mount a folder read-only for one process")
    before = {path.name for path in world.runs.iterdir()}
    running: list[tuple[object, ...]] = [("list",), ("status",), ("run", "--dry-run", spec)]
    for words in running:
        ended = world.call(*words, read_only=folder)
        assert (ended.code, ended.err) == (0, ""), ended
    assert {path.name for path in world.runs.iterdir()} == before
    world.go_on()
    for words in (*running, ("table", "latest")):
        there, here = world.call(*words, read_only=folder), world.call(*words)
        assert (there.code, there.out) == (here.code, here.out) == (0, here.out)
    road.check(world)


def test_in_a_read_only_directory_nothing_is_posted_and_one_line_says_so(
    road: Road, grounds: Grounds, tmp_path: Path
) -> None:
    world = grounds.world(tmp_path)
    ended = world.start(read_only=str(world.runs))
    if ended.code == NOT_ALLOWED:
        pytest.skip("this machine lets nobody mount a folder read-only for one process")
    line = f"{world.runs / LOCK_NAME}: cannot be written: Read-only file system\n"
    assert (ended.code, ended.out, ended.err) == (4, "", line)
    world.start(at=road.begun.steps.index("before POST /api/v1/jobs"))
    ended = world.tick(read_only=str(world.runs))
    assert (ended.code, ended.err, world.jobs) == (4, line, [])
    assert json.loads(ended.out)["error"] == line.strip()
    world.go_on()
    road.check(world)
