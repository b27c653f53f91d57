"""Ticks at the same moment, a run beside a tick, readers beside both: nothing is done twice."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.crashing import Grounds, World, open_grounds
from fakes.killer import KILLED, Call, Ended
from fakes.processes import StopAfter
from fakes.world import make_services, write_spec

from hexmagic.driver.catalogue import find_run
from hexmagic.driver.clockwork import utc_now
from hexmagic.driver.folder.directory_lock import directory_lock
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.ledger.runs import LEDGER_NAME, Ledger
from hexmagic.driver.start import run
from hexmagic.driver.tick import Ticker, make_ticker

SCHEDULED = ("seed: 7", "seed: 7\nschedule: {not_before: 2026-01-01T00:00Z}")
MOST_SECONDS = 10.0
"""A reader that waits for a ledger gives up after 30 s; one that waits for nobody takes 1."""

Changes = Counter[tuple[str | None, str | None]]


@pytest.fixture(scope="module")
def grounds() -> Iterator[Grounds]:
    with open_grounds() as grounds:
        yield grounds


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where directories begin, and how an undisturbed run goes on from there.

    Attributes:
        grounds: where they are.
        named: the step of a start at which the run's folder has its name.
        scheduled: the step of a start at which the schedule is in the ledger.
        changes: how often a run or a job goes from one state to another, in all.
        tables: of the run.
    """

    grounds: Grounds
    named: int
    scheduled: int
    changes: Changes
    tables: dict[str, str]

    def planned(self, folder: Path) -> World:
        """Return a directory with a run whose folder is made, and nothing more."""
        world = self.grounds.world(folder)
        assert world.start(at=self.named).code == KILLED
        assert len(world.run_ids) == 1
        return world

    def due(self, folder: Path) -> World:
        """Return a directory with a schedule that is due, and nothing more."""
        world = self.grounds.world(folder, SCHEDULED)
        assert world.start(at=self.scheduled).code == KILLED
        assert (world.run_ids, world.ledger_is_there) == ([], True)
        return world


@pytest.fixture(scope="module")
def start(grounds: Grounds, tmp_path_factory: pytest.TempPathFactory) -> Start:
    folder = tmp_path_factory.mktemp("start")
    whole = grounds.world(folder / "whole")
    steps = whole.start().steps
    whole.go_on()
    schedule = grounds.world(folder / "schedule", SCHEDULED).start().steps
    return Start(
        grounds=grounds,
        named=next(n for n, step in enumerate(steps) if step.startswith("after rename")),
        scheduled=[n for n, step in enumerate(schedule) if step == "after COMMIT"][1],
        changes=changes(whole),
        tables=whole.tables(),
    )


def changes(world: World) -> Changes:
    """Return how often each change of state happened in a directory."""
    with Ledger(world.runs / LEDGER_NAME, clock=utc_now) as ledger:
        events = [event for run in world.run_ids for event in ledger.events(run)]
    return Counter((event.from_state, event.to_state) for event in events)


def two_ticks(world: World) -> list[Ended]:
    """Start two ticks at the same moment; check what they say, and that none does harm."""
    world.service.wait()
    tick = Call(words=("tick", "--runs", str(world.runs)))
    ends = world.killer.together(tick, tick)
    for ended in ends:
        assert ended.code in {0, 75}, ended
        if not ended.out:
            assert ended.code == 75
            told = f"{world.runs}: another process is at work here; nothing was done, "
            assert ended.err == told + "try again later\n"
    assert any(ended.out for ended in ends)
    return ends


def check_two_ticks(
    start: Start, begin: Callable[[Path], World], tmp_path: Path, *, times: int
) -> None:
    """Two ticks to submit, two to collect and to end; each time everything happened once."""
    locked_out = 0
    for number in range(times):
        world = begin(tmp_path / str(number))
        ends = two_ticks(world) + two_ticks(world)
        world.go_on()
        assert len(world.jobs) == 2
        assert changes(world) == start.changes
        assert world.tables() == start.tables
        world.check_ledger()
        locked_out += sum(not ended.out for ended in ends)
    print(f"{times} times two pairs of ticks; {locked_out} of {4 * times} found the lock taken")
    assert locked_out > times / 2


def test_two_ticks_at_the_same_moment_do_no_work_twice(start: Start, tmp_path: Path) -> None:
    check_two_ticks(start, start.planned, tmp_path, times=3)


def test_two_ticks_at_the_same_moment_start_a_scheduled_run_once(
    start: Start, tmp_path: Path
) -> None:
    check_two_ticks(start, start.due, tmp_path, times=2)


@pytest.mark.slow
def test_two_ticks_fifty_times_do_no_work_twice(start: Start, tmp_path: Path) -> None:
    check_two_ticks(start, start.planned, tmp_path, times=50)


@pytest.mark.slow
def test_two_ticks_twenty_times_start_a_scheduled_run_once(start: Start, tmp_path: Path) -> None:
    check_two_ticks(start, start.due, tmp_path, times=20)


def test_a_run_beside_a_tick_waits_for_it_and_both_do_their_work_once(
    start: Start, tmp_path: Path
) -> None:
    for number in range(2):
        world = start.planned(tmp_path / str(number))
        runs, spec = str(world.runs), str(world.runs.parent / "tiny.yaml")
        begun, ticked = world.killer.together(
            Call(words=("run", spec, "--no-wait", "--runs", runs)),
            Call(words=("tick", "--runs", runs)),
        )
        assert begun.code == 0, begun
        assert ticked.code == 75, ticked
        world.go_on()
        tags = Counter(job.tags[1] for job in world.jobs)
        assert tags == {f"hexmagic-run:{run}": 2 for run in world.run_ids}
        assert len(tags) == 2
        assert changes(world) == start.changes + start.changes


@pytest.mark.parametrize("words", ["list", "status latest", "table latest"])
def test_readers_wait_for_nobody(start: Start, tmp_path: Path, words: str) -> None:
    world = start.planned(tmp_path / "world")
    world.tick()
    (run_id,) = world.run_ids
    with (
        directory_lock(world.runs),
        closing(sqlite3.connect(world.runs / LEDGER_NAME, isolation_level=None)) as open_ledger,
    ):
        open_ledger.execute("BEGIN IMMEDIATE")
        open_ledger.execute("UPDATE runs SET state = 'done'")
        begun = time.monotonic()
        ended = world.call(*words.split())
        assert time.monotonic() - begun < MOST_SECONDS
        open_ledger.execute("ROLLBACK")
    assert ended.code == 0, ended
    assert run_id in ended.out


def test_a_tick_beside_a_writer_of_the_lock_leaves_at_once(start: Start, tmp_path: Path) -> None:
    world = start.planned(tmp_path / "world")
    with directory_lock(world.runs):
        ended = world.tick()
    assert (ended.code, ended.out.count("\n"), world.jobs) == (75, 1, [])
    assert json.loads(ended.out)["error"] == ended.err.strip()
    assert ended.err.count("\n") == 1
    assert not any("POST" in step for step in ended.steps)


def emulated(tmp_path: Path) -> tuple[RunFolder, Ticker]:
    """Return an emulated run that was interrupted, and what ticks over it."""
    services, runs = make_services(), tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        run(write_spec(tmp_path), runs=runs, services=services, progress=StopAfter(2), workers=1)
    return find_run("latest", runs), make_ticker(runs, services, 1)


def test_an_emulated_run_that_another_process_takes_in_between_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ticker = emulated(tmp_path)
    really, looks = RunFolder.is_held, iter([False])  # at the first look it is free
    monkeypatch.setattr(RunFolder, "is_held", lambda it: next(looks, None) is None and really(it))
    with folder.locked():
        (step,) = ticker.tick().runs
    assert (step.exit_code, step.waits) == (75, ("another process is running it",))


def test_an_emulated_run_that_another_tick_ends_in_between_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ticker = emulated(tmp_path)
    really = RunFolder.is_held

    def end_it_first(_: RunFolder) -> bool:
        monkeypatch.setattr(RunFolder, "is_held", really)
        assert ticker.tick().exit_code == 0
        return False

    monkeypatch.setattr(RunFolder, "is_held", end_it_first)
    assert ticker.tick().exit_code == 0
    with Ledger(ticker.runs / LEDGER_NAME, clock=utc_now) as ledger:
        told = [event.to_state for event in ledger.events(folder.run_id) if event.shard is None]
    assert told == ["running", "running", "interrupted", "running", "done"]
