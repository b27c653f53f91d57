"""A tiny run on paid hardware: loopback service, runs directory, and a ticker in this process.

The client is the real one, unpatched, over sockets; only the clock, the pauses between two tries of
a question and the prediction of acceptance are ours. In a test file:

    @pytest.fixture(scope="module")
    def place(tmp_path_factory):
        with open_place(tmp_path_factory.mktemp("place")) as place:
            yield place

    @pytest.fixture
    def world(place, tmp_path):
        return place.world(tmp_path / "runs")

A run is compiled once for a place, copied into each world and registered there.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import pytest
from service import LoopbackService, Rule, ServiceConfig
from service.snapshots import Device

from hexmagic.backends.ibm.door import IbmSettings, open_remote
from hexmagic.backends.remote import Remote
from hexmagic.driver.clockwork import Clockwork
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.hardware.start import register
from hexmagic.driver.hardware_run import begin
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import EventRow, JobRow, latest
from hexmagic.driver.ledger.runs import LEDGER_NAME
from hexmagic.driver.ledger.submissions import RemoteRow, SubmissionRow
from hexmagic.driver.request import prepare_request, read_request
from hexmagic.driver.services import Services
from hexmagic.driver.site import SITE_NAME, IbmSite
from hexmagic.driver.tick import Ticker, make_ticker
from hexmagic.driver.tick_report import RunStep, Tick

from .world import judge

SNAPSHOT = "lagos"
"""Of seven qubits: nothing of it takes long."""

SHOTS = 40

SPEC = f"""\
schema_version: 1
name: tiny-hardware
description: for the driver's tests
protocol: {{state: H, scheme: bare}}
device: {{backend: ibm, name: ibm_{SNAPSHOT}}}
measure: [Z]
shots: {SHOTS}
seed: 7
"""
"""One point, one circuit of one qubit, one job of SHOTS shots and a canary."""

SETTINGS: Mapping[str, object] = {
    "timeout_seconds": 20.0,
    "listing_wait_seconds": 100.0,
    "posts_per_minute": 1_000_000,
    "poll_seconds": 0.05,
}
"""What `hexmagic.toml` says, besides the service's address."""


@dataclass
class Clock:
    """The time, and what was added to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> str:
        return (datetime.now(UTC) + self.ahead).isoformat(timespec="microseconds")

    def advance(self, seconds: float) -> None:
        """Let time pass at once; the service's own clock stands still meanwhile."""
        self.ahead += timedelta(seconds=seconds)


@dataclass(kw_only=True)
class World:
    """A runs directory with one run on hardware, and what ticks over it.

    Attributes:
        service: with nothing of earlier tests in it.
        folder: of the run.
        ticker: in this process.
        clock: of the ticker.
    """

    service: LoopbackService
    folder: RunFolder
    ticker: Ticker
    clock: Clock

    @property
    def runs(self) -> Path:
        return self.ticker.runs

    @property
    def device(self) -> Device:
        """The machine of the run's first point."""
        return self.service.devices[self.folder.plan.points[0].device.name]

    def tick(self, *, resubmit: bool = False) -> RunStep:
        """Tick once the service has nothing to do; return what was done for the run."""
        (step,) = self.tick_all(resubmit=self.folder.run_id if resubmit else None).runs
        return step

    def tick_all(self, *, resubmit: str | None = None) -> Tick:
        """Tick once the service has nothing to do; a run that has ended is in no tick."""
        if self.device.operational and not any(job.held for job in self.service.jobs):
            self.service.wait()
        return self.ticker.tick(resubmit=resubmit)

    def tick_until(self, *states: str, most: int = 20, seconds: float = 0.0) -> RunStep:
        """Tick, letting time pass between, until the run is in one of some states."""
        for _ in range(most):
            step = self.tick()
            if step.state in states:
                return step
            self.clock.advance(seconds)
        raise AssertionError(f"after {most} ticks: {step}; {self.events()}")

    def inject(self, *rules: Rule) -> None:
        """Let the service go wrong."""
        self.service.rules.extend(rules)

    def ledger(self) -> HardwareLedger:
        """Open the ledger; to be used in a `with`."""
        return HardwareLedger(self.runs / LEDGER_NAME, clock=self.clock)

    def rows(self) -> list[JobRow]:
        """Return every attempt at every shard."""
        with self.ledger() as ledger:
            return ledger.jobs(self.folder.run_id)

    def states(self) -> list[str]:
        """Return the state of the last attempt at each shard."""
        return [job.state for job in latest(self.rows())]

    def events(self) -> list[EventRow]:
        """Return what happened."""
        with self.ledger() as ledger:
            return ledger.events(self.folder.run_id)

    def story(self) -> list[str]:
        """Return the states that the first shard went through; twice the same: a note."""
        first = self.rows()[0].shard
        return [event.to_state or "" for event in self.events() if event.shard == first]

    def submissions(self) -> list[SubmissionRow]:
        """Return what the ledger says was asked for."""
        with self.ledger() as ledger:
            return ledger.submissions(self.folder.run_id)

    def remotes(self) -> list[RemoteRow]:
        """Return what the ledger knows of the service's jobs."""
        with self.ledger() as ledger:
            return ledger.remotes(self.folder.run_id)

    def tags(self) -> Counter[str]:
        """Return how many jobs the service has for each tag of ours."""
        ours = {submission.tag for submission in self.submissions()}
        return Counter(tag for job in self.service.jobs for tag in job.tags if tag in ours)

    def posts(self) -> int:
        """Return how many submissions the service has seen, accepted or not."""
        asked = self.service.requests
        return sum(one.method == "POST" and one.path.endswith("/jobs") for one in asked)

    def lag(self, seconds: float) -> None:
        """Let jobs be listed only so long after they were accepted."""
        state = self.service.state
        state.config = replace(state.config, listing_lag_seconds=seconds)

    def hook(self, before: str, act: Callable[[], object]) -> World:
        """Return the world of a process in which something happens just before each call."""

        def open_hooked(site: IbmSite) -> Remote:
            return cast("Remote", _Hooked(open_at_once(site), before, act))

        services = replace(self.ticker.services, open_remote=open_hooked)
        return replace(self, ticker=replace(self.ticker, services=services, remotes={}))


@dataclass(frozen=True)
class _Hooked:
    """A service where something happens just before each call of one kind."""

    remote: Remote
    before: str
    act: Callable[[], object]

    def __getattr__(self, name: str) -> Any:
        if name == self.before:
            self.act()
        return getattr(self.remote, name)


@dataclass(kw_only=True)
class Place:
    """A service, and a run that is compiled for it and not yet registered.

    Attributes:
        service: shared by the tests of a file; `world` empties it.
        path: of the directory with the compiled run.
        spec: the experiment.
        settings: of `hexmagic.toml`, section ibm; the service's address is added.
    """

    service: LoopbackService
    path: Path
    spec: str = SPEC
    settings: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def compiled(self) -> RunFolder:
        """The run that is copied into the worlds."""
        runs = self.path / "compiled"
        self._write_settings(runs, {})
        experiment = self.path / "tiny.yaml"
        experiment.write_text(self.spec)
        services = loopback_services(Clock())
        request = read_request(str(experiment))
        prepared, engine = prepare_request(request, services, runs)
        return begin(request, prepared, engine, runs=runs, services=services)

    def world(self, runs: Path, **settings: object) -> World:
        """Return a runs directory with the run in it; of the service nothing is left but devices.

        Args:
            runs: is made.
            settings: of `hexmagic.toml`, instead of the place's.
        """
        source = self.compiled.path
        shutil.copytree(source, runs / source.name)
        self._write_settings(runs, settings)
        self.clear()
        clock = Clock()
        ticker = make_ticker(runs, loopback_services(clock), workers=1)
        folder = RunFolder(path=runs / source.name)
        with HardwareLedger(runs / LEDGER_NAME, clock=clock) as ledger:
            register(folder, ledger)
        return World(service=self.service, folder=folder, ticker=ticker, clock=clock)

    def clear(self) -> None:
        """Take rules, jobs and requests of earlier tests away and let the devices work."""
        state = self.service.state
        state.config = self.service.config
        self.service.rules.clear()
        self.service.release()
        for device in self.service.devices.values():
            device.operational, device.message, device.extra_queue = True, "active", 0
        for instance in state.accounts.instances:
            instance.limit_seconds = None
        with state.changed:
            for job in self.service.jobs:
                job.end("Cancelled")
            self.service.jobs.clear()
            state.changed.notify_all()
        self.service.requests.clear()

    def _write_settings(self, runs: Path, settings: Mapping[str, object]) -> None:
        chosen = {"url": self.service.url, **SETTINGS, **self.settings, **settings}
        runs.mkdir(parents=True, exist_ok=True)
        lines = [f"{key} = {_toml(value)}" for key, value in chosen.items()]
        (runs / SITE_NAME).write_text("\n".join(["[ibm]", *lines, ""]))


@contextmanager
def open_place(
    path: Path, *, spec: str = SPEC, settings: Mapping[str, object] | None = None, **config: Any
) -> Iterator[Place]:
    """Run a service with one machine, make it the client's account, and yield a place.

    Args:
        path: an empty directory.
        spec: the experiment.
        settings: of `hexmagic.toml`, section ibm.
        config: of the service (`ServiceConfig`).
    """
    chosen = ServiceConfig(**{"devices": (SNAPSHOT,), **config})
    with pytest.MonkeyPatch.context() as patch, LoopbackService(chosen) as service:
        for name, value in service.environment().items():
            patch.setenv(name, value)
        patch.setenv("HOME", str(path))
        yield Place(service=service, path=path, spec=spec, settings=settings or {})


def loopback_services(clock: Clock) -> Services:
    """Return services with the real client, which does not really wait between two tries."""
    return Services(clockwork=Clockwork(now=clock), judge=judge, open_remote=open_at_once)


def open_at_once(site: IbmSite) -> Remote:
    """Return the service of a runs directory's settings."""
    names = ("account", "instance", "channel", "url", "program", "timeout_seconds")
    settings = {name: getattr(site, name) for name in names}
    return open_remote(IbmSettings(**settings), sleep=lambda _: None)


def fresh_ticker(world: World) -> Ticker:
    """Return the ticker of a new process: nothing that the client knew is left."""
    return replace(world.ticker, remotes={})


def child_environment() -> dict[str, str]:
    """Return the environment of a child process that imports `fakes` and asks the same service."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
