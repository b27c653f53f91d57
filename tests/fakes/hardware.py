"""Runs on the service in memory: command lines in this process, on a clock that tests move."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hexmagic.driver.cli.main import cli
from hexmagic.driver.clockwork import Clockwork
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import JobRow
from hexmagic.driver.ledger.runs import LEDGER_NAME
from hexmagic.driver.ledger.schedules import ScheduleLedger, ScheduleRow
from hexmagic.driver.services import Services
from hexmagic.driver.site import IbmSite

from .engine import make_engine
from .remote import Clock, FakeRemote
from .world import SPEC as EMULATED
from .world import make_thread

SPEC = """\
schema_version: 1
name: tiny
protocol: {state: H, scheme: bare}
device: {backend: ibm, name: ibm_boston}
measure: [X]
shots: 300
seed: 7
"""
"""One qubit; on a machine that takes 100 shots a job, three jobs of at most MOST seconds each."""

ONE = SPEC.replace("shots: 300", "shots: 100")
TWO = SPEC.replace("shots: 300", "shots: 200")
"""SPEC of one job, and of two."""

MOST = 5
"""Seconds after which the service stops a job of SPEC: twice 2 s and 164 repetitions."""

PROTOCOL = SPEC.replace("scheme: bare", "distance: 3, scheme: fold13") + "baselines: [bare]\n"
"""A protocol with a certificate, and the one qubit beside it."""

__all__ = [
    "EMULATED",
    "MOST",
    "ONE",
    "PROTOCOL",
    "SPEC",
    "TWO",
    "KilledError",
    "World",
    "bring_the_ledger_back",
    "counted",
    "keep_the_ledger",
    "known",
    "lose_the_ledger",
    "make_world",
    "park",
    "submitted",
    "words",
]


class KilledError(BaseException):
    """In the place of SIGKILL: nothing in the program catches it."""


@dataclass(kw_only=True)
class World:
    """A directory with experiments, a service, and command lines that use both.

    Attributes:
        path: the directory that the process is in; runs are in `runs`.
        remote: the service.
        services: what the command line works with.
        told: what was said to a person beside the command line's own words.
        opened: the settings with which the service was opened.
    """

    path: Path
    remote: FakeRemote
    services: Services
    told: list[str]
    opened: list[IbmSite] = field(default_factory=list)

    @property
    def runs(self) -> Path:
        """The runs directory."""
        return self.path / "runs"

    @property
    def clock(self) -> Clock:
        """The clock of program and service."""
        return self.remote.clock

    def spec(self, more: str = "", *, text: str = SPEC, name: str = "tiny") -> Path:
        """Write an experiment; return its path."""
        path = self.path / f"{name}.yaml"
        path.write_text(text.replace("name: tiny", f"name: {name}") + more)
        return path

    def site(self, text: str) -> None:
        """Write `hexmagic.toml`."""
        self.runs.mkdir(exist_ok=True)
        (self.runs / "hexmagic.toml").write_text(text)

    def call(self, *words: object) -> Result:
        """Run a command line; what is no exit is raised, as it would end the process."""
        result = CliRunner().invoke(cli, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def tick(self, *words: object, code: int | None = None) -> Result:
        """Tick; expect an exit code if one is given."""
        result = self.call("tick", *words)
        assert code is None or result.exit_code == code, result.output
        return result

    def tick_json(self) -> dict[str, Any]:
        """Tick with `--json` and return the document, the only thing on standard output."""
        document: dict[str, Any] = json.loads(self.tick("--json").stdout)
        return document

    def start(self, more: str = "", **given: Any) -> RunFolder:
        """Submit a run and leave it; return its folder."""
        before = self.run_ids()
        result = self.call("run", self.spec(more, **given), "--no-wait")
        assert result.exit_code == 0, result.output
        (run_id,) = [one for one in self.run_ids() if one not in before]
        assert result.stdout == f"run: {run_id}\n"
        return self.folder(run_id)

    def run_ids(self) -> list[str]:
        """Return the names of the run folders."""
        return sorted(path.parent.name for path in self.runs.glob("*/plan.json"))

    def folder(self, run_id: str) -> RunFolder:
        """Return a run's folder."""
        return RunFolder(path=self.runs / run_id)

    def ledger(self) -> HardwareLedger:
        """Return the ledger, to be closed."""
        return HardwareLedger(self.runs / LEDGER_NAME, clock=self.clock.now)

    def jobs(self, run_id: str = "") -> list[JobRow]:
        """Return every attempt of a run, of the newest if none is named."""
        with self.ledger() as ledger:
            return ledger.jobs(run_id or ledger.runs()[-1].run_id)

    def states(self, run_id: str = "") -> list[str]:
        """Return the states of a run's jobs."""
        return [job.state for job in self.jobs(run_id)]

    def state(self, run_id: str = "") -> str:
        """Return the state of a run, as the ledger knows it."""
        with self.ledger() as ledger:
            rows = {row.run_id: row.state for row in ledger.runs()}
        return rows[run_id] if run_id else list(rows.values())[-1]

    def provenance(self, run_id: str = "") -> dict[str, Any]:
        """Return what the run folder says of how the run went."""
        found: dict[str, Any] = self.folder(run_id or self.run_ids()[-1]).read_json(
            "provenance.json"
        )
        return found

    def schedules(self) -> list[ScheduleRow]:
        """Return the schedules."""
        with ScheduleLedger(self.runs / LEDGER_NAME, clock=self.clock.now) as ledger:
            return ledger.schedules()

    def files(self) -> dict[str, bytes | None]:
        """Return everything in the directory by its path; None is a folder."""
        return {
            str(path.relative_to(self.path)): path.read_bytes() if path.is_file() else None
            for path in sorted(self.path.rglob("*"))
        }


def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, max_shots: int = 100) -> World:
    """Return a world in an empty directory, whose machine takes so many shots a job."""
    remote, numbers = FakeRemote(), count()
    remote.stand(max_shots=max_shots)
    told: list[str] = []
    opened: list[IbmSite] = []

    def open_remote(settings: IbmSite) -> FakeRemote:
        opened.append(settings)
        return remote

    services = Services(
        clockwork=Clockwork(now=remote.clock.now, token=lambda: f"{next(numbers):04x}"),
        load_engine=lambda _: make_engine(),
        make_pool=make_thread,
        open_remote=open_remote,
        tell=told.append,
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hexmagic.driver.services.Services", lambda: services)
    monkeypatch.setattr("hexmagic.driver.cli.hardware._told", set())
    return World(path=tmp_path, remote=remote, services=services, told=told, opened=opened)


def lose_the_ledger(world: World) -> None:
    """Remove the ledger."""
    for path in world.runs.glob(f"{LEDGER_NAME}*"):
        path.unlink()


def keep_the_ledger(world: World) -> None:
    """Make the backup."""
    shutil.copy(world.runs / LEDGER_NAME, world.path / "backup")


def bring_the_ledger_back(world: World) -> None:
    """Put the backup in the place of the ledger."""
    lose_the_ledger(world)
    shutil.copy(world.path / "backup", world.runs / LEDGER_NAME)


def submitted(world: World) -> dict[str, Any]:
    """Return what the newest run's folder says was sent."""
    found: dict[str, Any] = json.loads(
        (world.runs / world.run_ids()[-1] / "submitted.json").read_text()
    )
    return found


def words(world: World) -> list[str]:
    """Return the states of the service's jobs."""
    return [job.state for job in world.remote.jobs]


def known(world: World, runs: str = "runs") -> dict[str, int]:
    """Return the service's jobs that a ledger knows, and whether each is the one that counts."""
    document = json.loads(world.call("status", "latest", "--runs", runs, "--format", "json").stdout)
    kept = {one["remote_id"]: 1 for one in document["hardware"]["jobs"]}
    return kept | dict.fromkeys(document["hardware"]["doubles"], 0)


def counted(world: World) -> float:
    """Return the seconds that the budgets count, of every run."""
    with world.ledger() as ledger:
        claims = ledger.claims()
    return sum(sum(s for s, _ in claim.charged) + claim.open_seconds for claim in claims)


def park(world: World) -> None:
    """Let what is of unknown fate be parked."""
    world.clock.advance(121)
    for _ in range(3):
        world.tick()
    assert "parked" in world.states()
