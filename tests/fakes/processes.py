"""Processes to kill, and progress that looks on or interrupts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hexmagic.driver.shards import Shard


class StopAfter:
    """Progress that interrupts the run after some shards."""

    def __init__(self, shards: int) -> None:
        self.left = shards

    def advance(self, shard: Shard) -> None:  # noqa: ARG002 - the form of Progress
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


class At:
    """Progress that does something once, when some shards are done."""

    def __init__(self, shards: int, act: Callable[[], None]) -> None:
        self.left = shards
        self.act = act

    def advance(self, shard: Shard) -> None:  # noqa: ARG002 - the form of Progress
        self.left -= 1
        if self.left == 0:
            self.act()


class Count:
    """Progress that counts."""

    shards = 0

    def advance(self, shard: Shard) -> None:  # noqa: ARG002 - the form of Progress
        self.shards += 1


def slow_run(tmp_path: Path, what: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "fakes.slow_run", str(tmp_path), what],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | environment,
        stderr=subprocess.PIPE,
    )


def wait_for_shots(folder: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while len(list((folder / "shots").glob("*.parquet"))) < count:
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("needs Linux's /proc to see child processes")
    return [int(word) for word in path.read_text().split()]


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
