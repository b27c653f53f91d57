"""Command lines in processes that are killed, or find the disk full, at a step of their choosing.

`Killer` starts `python -m fakes.killer`, which imports everything once and runs each command line
in a fork of itself. A fork counts its steps: whatever it does that lasts. That is a transaction of
the ledger (begun, about to be committed, committed), a file (its content synced, its name given,
its folder synced) and a request to the service (about to be sent, answered).
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

Fault = Literal["kill", "full", "hiccup"]
"""`full`: no file grows from that step on. `hiccup`: the same until the next step."""

KILLED = -signal.SIGKILL
NOT_ALLOWED = 71
"""Exit code of a process that could not make a folder read-only."""
HUNG = 72
"""Exit code of a process that said nothing more for HUNG_SECONDS and was killed for it."""
HUNG_SECONDS = 300.0
_READ_ONLY, _REMOUNT, _BIND = 1, 32, 4096  # of mount(2)
_ONE_THREAD = {
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""A process that is to fork has one thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command line.

    Attributes:
        words: after `hexmagic`.
        at: the step at which the fault strikes, from 0; None: never.
        fault: what strikes.
        seconds: it is killed after so long; None: never.
        read_only: a folder that it finds on a read-only file system.
    """

    words: tuple[str, ...]
    at: int | None = None
    fault: Fault = "kill"
    seconds: float | None = None
    read_only: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command line ended: `code` is KILLED if it was killed; `steps` are those it reached."""

    code: int
    steps: tuple[str, ...]
    out: str
    err: str


class Killer:
    """The process that forks; use as a context manager."""

    def __init__(self, environment: dict[str, str]) -> None:
        root = Path(__file__).parents[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fakes.killer"],
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": str(root)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def call(
        self, *words: object, at: int | None = None, fault: Fault = "kill", **more: Any
    ) -> Ended:
        """Run one command line to whatever end."""
        (ended,) = self.together(Call(words=tuple(map(str, words)), at=at, fault=fault, **more))
        return ended

    def together(self, *calls: Call) -> list[Ended]:
        """Run command lines that start at the same moment."""
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] is not None
        assert pipes[1] is not None
        print(json.dumps([asdict(call) for call in calls]), file=pipes[0], flush=True)
        answer = pipes[1].readline()
        assert answer, f"the process that forks is gone: {self._process.wait()}"
        return [
            Ended(code=code, steps=tuple(steps.splitlines()), out=out, err=err)
            for code, out, err, steps in json.loads(answer)
        ]


class Steps:
    """Counts the steps of this process, tells each, and strikes at one of them."""

    def __init__(self, told: int, call: Call) -> None:
        self._told = told
        self._call = call
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        """Count a step."""
        with self._lock:
            here, self._count = self._count, self._count + 1
            os.write(self._told, f"{name}\n".encode())
        if self._call.fault == "hiccup" and here == (self._call.at or 0) + 1:
            _limit_files(resource.RLIM_INFINITY)
        if here != self._call.at:
            return
        if self._call.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        _limit_files(0)


def _limit_files(size: int) -> None:
    """Let no file be written beyond a size; Python ignores the signal, so that calls fail."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _make_read_only(folder: str) -> None:
    """Mount a folder read-only, for this process alone; needs no rights.

    Raises:
        OSError: this machine does not allow it.
    """
    libc, path = ctypes.CDLL(None, use_errno=True), folder.encode()
    os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
    for flags in (_BIND, _BIND | _REMOUNT | _READ_ONLY):
        if libc.mount(path, path, None, flags, None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), folder)


def watch(step: Callable[[str], None]) -> None:
    """Make everything of this process that lasts count as a step."""
    import requests

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql not in ("COMMIT", "BEGIN IMMEDIATE"):
                return super().execute(sql, *values)
            step(f"before {sql}")
            done = super().execute(sql, *values)
            if sql == "COMMIT":
                step(f"after {sql}")
            return done

    connect, send = sqlite3.connect, requests.Session.send
    sqlite3.connect = lambda *a, **b: connect(*a, **b, factory=Connection)  # type: ignore[assignment]

    def watched_send(self: Any, request: Any, **options: Any) -> Any:
        name = f"{request.method} {request.path_url.split('?')[0]}"
        step(f"before {name}")
        answer = send(self, request, **options)
        step(f"after {name}")
        return answer

    requests.Session.send = watched_send  # type: ignore[method-assign]
    for name in ("fsync", "replace", "rename"):
        setattr(os, name, _watched(getattr(os, name), step, name))


def _watched(act: Callable[..., Any], step: Callable[[str], None], name: str) -> Callable[..., Any]:
    def watched(*values: Any, **options: Any) -> Any:
        open_file = Path(f"/proc/self/fd/{values[0]}")
        file = open_file.readlink() if name == "fsync" else Path(values[-1])
        step(f"before {name} {file.name}")
        done = act(*values, **options)
        if name == "rename":
            step(f"after {name} {file.name}")
        return done

    return watched


def main() -> None:
    """Serve command lines until standard input ends."""
    for package in ("analysis", "backends", "driver", "experiments"):
        path = importlib.import_module(f"hexmagic.{package}").__path__
        for module in pkgutil.iter_modules(path):
            if not module.name.startswith("dask"):
                importlib.import_module(f"hexmagic.{package}.{module.name}")
    tasks = len(list(Path("/proc/self/task").iterdir()))
    if tasks != 1:
        raise SystemExit(f"{tasks} threads: a fork would lose all but one")
    for line in sys.stdin:
        calls = [Call(**told | {"words": tuple(told["words"])}) for told in json.loads(line)]
        print(json.dumps(_run(calls)), flush=True)


def _run(calls: list[Call]) -> list[tuple[int, str, str, str]]:
    start, go = os.pipe()
    children = [_fork(call, start, go) for call in calls]
    os.close(start)
    os.close(go)  # which all of them wait for
    for call, (pid, _) in zip(calls, children, strict=True):
        if call.seconds is not None:
            time.sleep(call.seconds)
            os.kill(pid, signal.SIGKILL)  # not reaped yet: the id is still its own
    return [_collect(pid, pipes) for pid, pipes in children]


def _fork(call: Call, start: int, go: int) -> tuple[int, list[IO[bytes]]]:
    """Return a child's id, and what it writes: output, errors, steps."""
    pipes = [os.pipe() for _ in range(3)]
    pid = os.fork()
    if pid == 0:
        os.close(go)
        _be_child(call, [write for _, write in pipes], start)
    for _, write in pipes:
        os.close(write)
    return pid, [os.fdopen(read, "rb") for read, _ in pipes]


def _be_child(call: Call, pipes: list[int], start: int) -> None:
    from hexmagic.driver.cli.main import cli

    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(pipes[0], 1)
        os.dup2(pipes[1], 2)
        if call.read_only is not None:
            code = NOT_ALLOWED
            _make_read_only(call.read_only)
        os.read(start, 1)
        watch(Steps(pipes[2], call))
        cli.main(call.words)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _collect(pid: int, pipes: list[IO[bytes]]) -> tuple[int, str, str, str]:
    """Return the exit code of a child and what it wrote."""
    got = {pipe: b"" for pipe in pipes}
    left, hung = list(pipes), False
    while left:
        ready = select.select(left, [], [], HUNG_SECONDS)[0]
        if not ready:
            hung = True
            os.kill(pid, signal.SIGKILL)
        for pipe in ready:
            chunk = os.read(pipe.fileno(), 65536)
            got[pipe] += chunk
            if not chunk:
                left.remove(pipe)
                pipe.close()
    out, err, steps = (content.decode() for content in got.values())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return HUNG if hung else code, out, err, steps


if __name__ == "__main__":
    main()
