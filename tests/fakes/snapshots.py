"""A run's ledger as it was after each transaction, and the ways back from there.

A history is lived through once. Then any of its ledgers is put in the place of the last one, beside
the run folder and the service as they are at the end, and a command line and ticks have to cope.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, zip_longest
from pathlib import Path

import pytest

from hexmagic.driver.ledger.jobs import RUN_ENDED
from hexmagic.driver.ledger.runs import LEDGER_NAME, Ledger

from .hardware import KilledError, World, counted, lose_the_ledger
from .histories import LAG, WAYS
from .remote import FakeJob


@dataclass(kw_only=True)
class Process:
    """What a process has done that lasts, and when it is to be killed.

    Attributes:
        left: it is killed when it has done so much more; None: never.
        killed: how often it was.
        keep: whether to keep the ledger after each transaction.
        ledgers: those that were kept.
    """

    left: int | None = None
    killed: int = 0
    keep: bool = False
    ledgers: list[bytes] = field(default_factory=list)

    def did(self) -> None:
        """Something lasts now, or is about to be done.

        Raises:
            KilledError: it was the last thing.
        """
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            self.killed += 1
            raise KilledError


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an older ledger, as one and the same run goes on with it.

    Attributes:
        doubled: ids of jobs beside which the service got another for the same shard.
        lost: ids of open jobs that the ledger did not know when everything was listed.
        state: of the run at the end; empty: the ledger lacks it.
        wanted: whether the service gave a result that nobody took, though none was cancelled.
        reasons: of its jobs that failed.
        counted, charged: seconds, by the budgets and by the service.
        said: what the last tick said.
    """

    doubled: list[str]
    lost: list[str]
    state: str
    wanted: bool
    reasons: list[str]
    counted: float
    charged: float
    said: str

    @property
    def wrong(self) -> list[str]:
        """What must not be, in words."""
        found = [f"{job} has a double" for job in self.doubled]
        found += [f"{job} is open and not known" for job in self.lost]
        if not self.state:
            told = "it was submitted before" in self.said
            return found + ([] if told else [f"lacking, and not said: {self.said}"])
        if self.counted < self.charged:
            found.append(f"{self.counted} s counted, {self.charged} s charged")
        if self.state not in {*RUN_ENDED, "parked"}:
            found.append(f"still {self.state}: {self.said}")
        if self.state == "failed" and not all(self.reasons):
            found.append("failed without a reason")
        if self.wanted:
            found.append(f"{self.state}, and a result was not taken")
        return found


class Past:
    """A history that was lived through, to which one can go back with an older ledger."""

    def __init__(
        self, world: World, process: Process, live: Callable[[World], None], *, lag: float
    ) -> None:
        """Live through a history beside a service whose listing lags; keep its ledgers."""
        self.world, self.process = world, process
        world.remote.listing_lag = lag
        world.site("[ibm]\nposts_per_minute = 100\n")
        process.keep = True
        live(world)
        process.keep = False
        self.ledgers = list(process.ledgers)
        remote = world.remote
        self._jobs, self._batches = [copy(job) for job in remote.jobs], dict(remote.batches)
        self._time: datetime = world.clock.time
        shutil.copytree(world.runs, world.path / "end")

    def go_back(self, number: int) -> None:
        """Put everything as it was at the end, but the ledger as it was after a transaction."""
        world, remote = self.world, self.world.remote
        shutil.rmtree(world.runs)
        shutil.copytree(world.path / "end", world.runs)
        lose_the_ledger(world)
        (world.runs / LEDGER_NAME).write_bytes(self.ledgers[number])
        remote.jobs[:] = [copy(job) for job in self._jobs]
        remote.batches = dict(self._batches)
        remote.numbers = count(len(remote.jobs) + 1)
        remote.calls.clear()
        world.clock.time = self._time
        world.clock.advance(1)

    def go_on(self, way: str, kills: Sequence[int] = ()) -> Outcome:
        """Say something to an older ledger, tick until all is listed and done; return what is.

        Args:
            way: one of WAYS.
            kills: after how much each of the first command lines is killed, up to three.
        """
        world = self.world
        doubled: list[str] = []
        with _watched(world, doubled):
            for words, left in zip_longest((WAYS[way], ("tick",), ("tick",)), kills):
                self._call(words, left)
                world.clock.advance(1)
            for seconds in (LAG, 121, 1):
                world.clock.advance(seconds)
                world.tick()
            run_id = world.run_ids()[0]
            with world.ledger() as ledger:
                known = {row.remote_id for row in ledger.remotes(run_id)}
                lacking = ledger.run(run_id) is None
            lost = [job.id for job in world.remote.jobs if job.open and job.id not in known]
            world.remote.end("done")
            for _ in range(2):
                world.clock.advance(1)
                said = world.tick().output
        if lacking:
            return _outcome(world, doubled, [], said, state="")
        with world.ledger() as ledger:
            rows = {row.run_id: row.state for row in ledger.runs()}
        return _outcome(world, doubled, lost, said, state=rows[run_id])

    def _call(self, words: tuple[str, ...], left: int | None) -> None:
        self.process.left = left
        try:
            self.world.call(*words)
        except KilledError:
            pass
        finally:
            self.process.left = None


def _outcome(
    world: World, doubled: list[str], lost: list[str], said: str, *, state: str
) -> Outcome:
    latest = {job.shard: job for job in (world.jobs() if state else ())}
    shards = _shards(world)
    given = {shards[job.tag] for job in world.remote.jobs if job.state == "done"}
    return Outcome(
        doubled=doubled,
        lost=lost,
        state=state,
        wanted=any(job.state != "done" for job in latest.values() if job.shard in given),
        reasons=[job.detail for job in latest.values() if job.state == "failed"],
        counted=counted(world),
        charged=sum(job.charge for job in world.remote.jobs if job.ended is not None),
        said=" ".join(said.split()),
    )


def _shards(world: World) -> dict[str, str]:
    """Return which shard each submission is of, by its tag."""
    path = world.runs / world.run_ids()[0] / "submitted.json"
    document = json.loads(path.read_text())
    return {tag: one["shard"] for tag, one in document["submissions"].items()}


@contextmanager
def _watched(world: World, doubled: list[str]) -> Iterator[None]:
    """Note the jobs beside which another is submitted for the same shard; nobody asked for that."""
    post = world.remote.post

    def watch(body: bytes) -> str:
        shards = _shards(world)
        tag = world.remote.known[body].tags[0]
        doubled.extend(
            job.id for job in world.remote.jobs if shards[job.tag] == shards[tag] and _is_alive(job)
        )
        return post(body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.remote, "post", watch)
        yield


def _is_alive(job: FakeJob) -> bool:
    return job.state not in ("failed", "cancelled")


def make_process(world: World, monkeypatch: pytest.MonkeyPatch) -> Process:
    """Return this process as one that may be killed wherever something lasts, or is asked for.

    It draws no reports: they are most of the time, and nothing of this depends on them.
    """
    monkeypatch.setattr("hexmagic.driver.outputs.write_report", lambda *_: None)
    monkeypatch.setattr("hexmagic.driver.tick.package_versions", lambda: {"hexmagic": "0"})
    process = Process()
    transaction = Ledger._transaction
    rename = Path.replace
    act = world.remote._do

    @contextmanager
    def transact(ledger: Ledger) -> Iterator[None]:
        process.did()
        with transaction(ledger):
            yield
        if process.keep:
            process.ledgers.append(_copied(ledger))
        process.did()

    def replace(path: Path, target: Path) -> Path:
        process.did()
        found = rename(path, target)
        process.did()
        return found

    def do[T](name: str, about: str, effect: Callable[[], T]) -> T:
        changes = name in ("post", "cancel", "open_batch")
        if changes or name == "find":
            process.did()
        found = act(name, about, effect)
        if changes:
            process.did()
        return found

    monkeypatch.setattr(Ledger, "_transaction", transact)
    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(world.remote, "_do", do)
    return process


def _copied(ledger: Ledger) -> bytes:
    memory = sqlite3.connect(":memory:")
    with closing(memory):
        ledger._db.backup(memory)
        return memory.serialize()
