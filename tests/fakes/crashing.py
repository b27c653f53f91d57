"""A runs directory beside the loopback service, whose command lines are killed and gone on with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from service import Job, LoopbackService, ServiceConfig

from hexmagic.driver.catalogue import run_ids
from hexmagic.driver.hardware_ledger import HardwareLedger
from hexmagic.driver.ledger import LEDGER_NAME
from hexmagic.driver.times import utc_now

from .killer import KILLED, Ended, Killer

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

_TABLES = ("fidelity", "cutflow", "points")
_MOST_TICKS = 300


@dataclass(frozen=True, kw_only=True)
class World:
    """A runs directory, the service that its settings lead to, and what runs command lines.

    `before`: jobs that the service had before this world began.
    """

    runs: Path
    service: LoopbackService
    killer: Killer
    before: int = field(default=0)

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

    def go_on(self, strike: Callable[[], dict[str, Any]] = dict) -> int:
        """Tick until nothing is open; return how many ticks were killed.

        Of what is parked say that it is to be submitted again.

        Args:
            strike: gives the fault that each tick is to have.
        """
        words: tuple[str, ...] = ()
        killed = 0
        for _ in range(_MOST_TICKS):
            ended = self.tick(*words, **strike())
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


def make_world(
    folder: Path, service: LoopbackService, killer: Killer, *changes: tuple[str, str]
) -> World:
    """Return a runs directory that has settings only, and the experiment beside it.

    Args:
        folder: to make it in.
        service: its service.
        killer: runs the command lines.
        changes: (before, after) in the text of the experiment.
    """
    runs = folder / "runs"
    runs.mkdir(parents=True)
    site = f'[ibm]\nurl = "{service.url}"\nposts_per_minute = 1000\nlisting_wait_seconds = 0.01\n'
    (runs / "hexmagic.toml").write_text(site)
    text = SPEC
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "tiny.yaml").write_text(text)
    return World(runs=runs, service=service, killer=killer, before=len(service.jobs))
