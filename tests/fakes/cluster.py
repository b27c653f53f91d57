"""A real Dask cluster on this machine: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import distributed

from hexmagic.driver.dask.cluster import Patience

SHORT = Patience(scheduler=20, workers=20)
"""For tests: enough for a busy machine."""


def wait_until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until a condition holds; fail if it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


class Cluster:
    """Starts and ends the processes of one cluster; what they print is in `folder`."""

    def __init__(self, folder: Path, *, tls: Sequence[str] = (), **environment: str) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._tls = tls
        self._environment = environment
        self._processes: list[subprocess.Popen[bytes]] = []
        document = folder / "scheduler.json"
        options = ["--port", "0", "--dashboard-address", "127.0.0.1:0", "--no-dashboard"]
        options += ["--idle-timeout", "300", "--scheduler-file", str(document)]
        options += ["--protocol", "tls"] if tls else []
        self.scheduler = self._start("scheduler", *options)
        wait_until(lambda: document.exists() and document.read_text().endswith("}"))
        self.address = str(json.loads(document.read_text())["address"])

    def add_worker(
        self, *, threads: int = 1, nanny: bool = False, **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker; do not wait for it."""
        options = ["--nthreads", str(threads), "--nanny" if nanny else "--no-nanny"]
        options += ["--no-dashboard", "--death-timeout", "60"]
        options += ["--local-directory", str(self.folder / "spill")]
        self.workers.append(self._start("worker", self.address, *options, **environment))
        return self.workers[-1]

    def wait_for_workers(self, count: int) -> None:
        """Wait until the scheduler has this many workers."""
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def count_workers(self) -> int:
        """Return how many workers the scheduler has."""
        with distributed.Client(self.address, set_as_default=False) as client:
            return len(client.nthreads())

    def tasks(self) -> list[str]:
        """Return the keys of all that the scheduler knows about."""
        with distributed.Client(self.address, set_as_default=False) as client:
            keys = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))
        return [str(key) for key in keys]

    def end(self) -> None:
        """End every process at once."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def _start(self, kind: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        paths = [environment.pop("PYTHONPATH", ""), str(Path(__file__).parents[1])]
        paths = [path for path in [*paths, os.environ.get("PYTHONPATH")] if path]
        surroundings = os.environ | self._environment | environment
        log = self.folder / f"{kind}-{len(self._processes)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, "--host", "127.0.0.1", *options, *self._tls],
                cwd=self.folder,
                env=surroundings | {"PYTHONPATH": os.pathsep.join(paths)},
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process


@contextmanager
def cluster(
    folder: Path, *, workers: int, tls: Sequence[str] = (), **environment: str
) -> Iterator[Cluster]:
    """Run a cluster, with its workers there."""
    made = Cluster(folder, tls=tls, **environment)
    try:
        for _ in range(workers):
            made.add_worker()
        if workers:
            made.wait_for_workers(workers)
        yield made
    finally:
        made.end()


def fake_distribution(folder: Path, name: str, version: str) -> Path:
    """Return a folder for PYTHONPATH in which a package seems to have another version."""
    about = folder / "other" / f"{name}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return about.parent
