"""A world that stands still: a clock that ticks once a look, ids that count, one thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from hexmagic.backends.compilation import Compiled
from hexmagic.driver.adapters import Engine
from hexmagic.driver.clockwork import Clockwork
from hexmagic.driver.plan import Point
from hexmagic.driver.prepare import Verdict
from hexmagic.driver.services import Services
from hexmagic.driver.workers import Kit, start_worker

from .engine import make_engine

SPEC = """\
schema_version: 1
name: tiny
description: for the driver's tests
protocol: {state: H, distance: 3, scheme: fold13}
device: {backend: aer, name: heavy_hex_5, noise: none}
measure: [X, Z]
shots: 1200
seed: 7
baselines: [bare]
"""
"""Two points, four circuits, three shards each: twelve shards, 4800 shots."""

SHARDS = 12


def write_spec(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the experiment with some of its text changed; return its path."""
    text = SPEC
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path


def make_clock() -> Callable[[], str]:
    """Return a clock that starts on 2 January 2026 and ticks a second at every look."""
    start, ticks = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), count()
    return lambda: (start + timedelta(seconds=next(ticks))).isoformat(timespec="microseconds")


def make_services(engine: Engine | None = None) -> Services:
    """Return services with a fake engine in this process, a fixed first id and a fake clock."""
    tokens = (f"{i:04x}" for i in count())
    return Services(
        clockwork=Clockwork(now=make_clock(), token=lambda: next(tokens)),
        load_engine=lambda _: engine or make_engine(),
        judge=judge,
        make_pool=make_thread,
    )


def with_engine(services: Services, engine: Engine) -> Services:
    """Return the services with another engine."""
    return replace(services, load_engine=lambda _: engine)


def judge(point: Point, compiled: Compiled) -> Verdict:  # noqa: ARG001
    """Predict half of everything."""
    return Verdict(acceptance=0.5, method="a guess", certificate=None)


def make_thread(workers: int, kit: Kit) -> Executor:
    """Return a pool of threads in the place of processes."""
    return ThreadPoolExecutor(workers, initializer=start_worker, initargs=(kit,))
