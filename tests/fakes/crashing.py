"""A runs directory beside the loopback service, whose command lines are killed and gone on with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from service import Job, LoopbackService, ServiceConfig

from hexmagic.driver.catalogue import run_ids
from hexmagic.driver.clockwork import utc_now
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.runs import LEDGER_NAME

from .killer import KILLED, Ended, Fault, Killer

SPEC = """\
schema_version: 1
name: tiny
description: one physical qubit
protocol: {state: H, scheme: bare}
device: {backend: ibm, name: ibm_boston}
measure: [X, Z]
shots: 60
seed: 7
"""
"""Two jobs: one in X, one in Z."""

CONFIG = ServiceConfig(devices=("boston",), noise="device", fresh_repeats=False)
"""The same circuit gives the same shots again, noise included."""

_SITE = '[ibm]\nurl = "{url}"\nposts_per_minute = 1000\nlisting_wait_seconds = 0.01\n'
_TABLES = ("fidelity", "cutflow", "points")
_MOST_TICKS = 300


def _nothing(killed: bool) -> dict[str, Any]:  # noqa: ARG001 - the form of a strike
    return {}


@dataclass(frozen=True, kw_only=True)
class World:
    """A runs directory, the service that its settings lead to, and what runs command lines.

    `before`: jobs that the service had before this world began.
    """

    runs: Path
    service: LoopbackService
    killer: Killer
    before: int

    @property
    def jobs(self) -> list[Job]:
        """The service's jobs of this world."""
        return self.service.jobs[self.before :]

    @property
    def ledger_is_there(self) -> bool:
        """Whether there is a ledger."""
        return (self.runs / LEDGER_NAME).is_file()

    @property
    def run_ids(self) -> list[str]:
        """Its runs."""
        return run_ids(self.runs)

    def call(self, *words: object, **fault: Any) -> Ended:
        """Run a command line on the directory."""
        return self.killer.call(*words, "--runs", self.runs, **fault)

    def start(self, **fault: Any) -> Ended:
        """Start the experiment and do not wait for it."""
        return self.call("run", self.runs.parent / "tiny.yaml", "--no-wait", **fault)

    def tick(self, *words: object, **fault: Any) -> Ended:
        """Tick when the service has done what it has."""
        self.service.wait()
        return self.call("tick", "--json", *words, **fault)

    def go_on(self, strike: Callable[[bool], dict[str, Any]] = _nothing) -> int:
        """Tick until nothing is open; return how many ticks were killed.

        Of what is parked say that it is to be submitted again.

        Args:
            strike: gives the fault that each tick is to have, told whether the last one was killed.
        """
        words: tuple[str, ...] = ()
        killed, ended = 0, None
        for _ in range(_MOST_TICKS):
            ended = self.tick(*words, **strike(ended is not None and ended.code == KILLED))
            killed += ended.code == KILLED
            if ended.code == 0:
                return killed
            words = () if ended.code == KILLED else self._answer(ended)
        raise AssertionError(f"still open after {_MOST_TICKS} ticks: {ended}")

    def _answer(self, ended: Ended) -> tuple[str, ...]:
        """Return what a person adds to the next tick after one that came to its end."""
        told = json.loads(ended.out)
        parked = [run["run"] for run in told["runs"] if run["state"] == "parked"]
        assert ended.code == (4 if parked else 75), ended
        return ("--resubmit", parked[0]) if parked else ()

    def tables(self) -> dict[str, str]:
        """Return the tables of its only run as text, as both kinds of file hold them."""
        (run_id,) = self.run_ids
        folder = self.runs / run_id / "tables"
        found = {f"{name}.csv": (folder / f"{name}.csv").read_text() for name in _TABLES}
        for name in _TABLES:
            found[f"{name}.parquet"] = pd.read_parquet(folder / f"{name}.parquet").to_csv()
        return {name: text.replace(run_id, "RUN") for name, text in found.items()}

    def fingerprints(self) -> list[list[str]]:
        """Return the circuits of the service's jobs."""
        return sorted(job.fingerprints for job in self.jobs)

    def check_intents(self) -> None:
        """Check that what the service has was written down before it was sent."""
        assert self.ledger_is_there or not self.jobs
        for run_id in self.run_ids if self.ledger_is_there else ():
            with HardwareLedger(self.runs / LEDGER_NAME, clock=utc_now) as ledger:
                intended = {row.tag for row in ledger.submissions(run_id) if row.intended}
            assert {job.tags[0] for job in self.jobs} <= intended

    def check_ledger(self) -> None:
        """Check that the ledger of its only run and the service agree on every job."""
        (run_id,) = self.run_ids
        with HardwareLedger(self.runs / LEDGER_NAME, clock=utc_now) as ledger:
            remotes, asked = ledger.remotes(run_id), ledger.submissions(run_id)
            ends = Counter(e.shard for e in ledger.events(run_id) if e.to_state == "done")
        shards = {row.shard for row in asked}
        assert [(row.kept, row.state) for row in remotes] == [(1, "done")] * len(shards)
        assert {row.remote_id for row in remotes} == {job.id for job in self.jobs}
        assert {(row.tag, row.batch) for row in asked} == {
            (job.tags[0], job.session) for job in self.jobs
        }
        assert {shard: count for shard, count in ends.items() if shard} == dict.fromkeys(shards, 1)


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """A service and what runs command lines, for many worlds one after the other."""

    service: LoopbackService
    killer: Killer

    def world(self, folder: Path, *changes: tuple[str, str]) -> World:
        """Return a runs directory that has settings only, and the experiment beside it.

        Args:
            folder: to make it in.
            changes: (before, after) in the text of the experiment.
        """
        runs = folder / "runs"
        runs.mkdir(parents=True)
        (runs / "hexmagic.toml").write_text(_SITE.format(url=self.service.url))
        text = SPEC
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "tiny.yaml").write_text(text)
        before = len(self.service.jobs)
        return World(runs=runs, service=self.service, killer=self.killer, before=before)


@contextmanager
def open_grounds() -> Iterator[Grounds]:
    """Run the service, and the process that forks."""
    with LoopbackService(CONFIG) as service, Killer(service.environment()) as killer:
        yield Grounds(service=service, killer=killer)


@dataclass(frozen=True, kw_only=True)
class Road:
    """An undisturbed run: `run --no-wait`, then a `tick`.

    Attributes:
        begun: the first command line; its steps are those at which the others are struck.
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
        """The steps of both."""
        return self.begun.steps + self.ended.steps

    def strike(self, world: World, at: int, fault: Fault) -> Ended:
        """Travel as far as a step, where the fault strikes; start again if nothing is left.

        What the service has then must have been written down before it was sent.
        """
        if at >= len(self.begun.steps):
            assert world.start().code == 0
            ended = world.tick(at=at - len(self.begun.steps), fault=fault)
        else:
            ended = world.start(at=at, fault=fault)
        world.check_intents()
        if not world.run_ids:
            assert not world.jobs
            assert world.tick().code == 0
            assert world.start().code == 0
        return ended

    def check(self, world: World) -> None:
        """Check that a run that was disturbed came to the same end."""
        assert world.fingerprints() == self.fingerprints
        assert world.tables() == self.tables
        world.check_ledger()


def travel(world: World) -> Road:
    """Return the road of a world, with nothing in the way."""
    begun, ended = world.start(), world.tick()
    assert (begun.code, ended.code) == (0, 0), (begun.err, ended.out)
    return Road(begun=begun, ended=ended, tables=world.tables(), fingerprints=world.fingerprints())
