"""A sampler that keeps a book of what it does, and that waits at a gate."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from .engine import sample

BOOK = "FAKE_BOOK"
PASSES = 5
"""Shards that pass the gate while it is shut: the first ones to come."""


class Entry(NamedTuple):
    """What an execution wrote: started or ended, the shard's seed, the process."""

    what: str
    seed: int
    pid: int


def sample_at_gate(*args: Any, seed: int, **kwargs: Any) -> Any:
    """Return the fake's shots once the gate lets them pass."""
    book = Path(os.environ[BOOK])
    _write(book, Entry("started", seed, os.getpid()))
    deadline = time.monotonic() + 60
    while not _may_pass(book, seed):
        if time.monotonic() > deadline:
            raise TimeoutError("nobody opened the gate")
        time.sleep(0.02)
    result = sample(*args, seed=seed, **kwargs)
    _write(book, Entry("ended", seed, os.getpid()))
    return result


def open_gate(book: Path) -> None:
    """Let every shard pass."""
    (book / "open").touch()


def entries(book: Path) -> list[Entry]:
    """Return what was written so far, in order."""
    path = book / "entries"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Entry(what, int(seed), int(pid)) for what, seed, pid in map(str.split, lines)]


def started(book: Path) -> list[int]:
    """Return the seed of every execution, in the order in which they started."""
    return [entry.seed for entry in entries(book) if entry.what == "started"]


def running(book: Path) -> list[Entry]:
    """Return the executions that started and did not end."""
    ended = [(entry.seed, entry.pid) for entry in entries(book) if entry.what == "ended"]
    begun = [entry for entry in entries(book) if entry.what == "started"]
    return [entry for entry in begun if (entry.seed, entry.pid) not in ended]


def _may_pass(book: Path, seed: int) -> bool:
    return (book / "open").exists() or seed in started(book)[:PASSES]


def _write(book: Path, entry: Entry) -> None:
    with (book / "entries").open("a") as file:  # one short write: lines do not mix
        file.write(f"{entry.what} {entry.seed} {entry.pid}\n")
