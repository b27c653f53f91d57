"""One process at a time does what costs money in a runs directory; readers never wait."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...experiments.errors import HexmagicError
from .files import StorageError, cannot_write

LOCK_NAME = ".hexmagic.lock"
_PAUSE_SECONDS = 0.1

LOCK_SECONDS = 120.0
"""How long another process's step is waited for by a person's command."""


class WaitingError(HexmagicError):
    """Something is still to come: try again later."""

    exit_code = 75


@contextmanager
def directory_lock(runs: Path, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold a runs directory for this process; a process that dies lets go of it.

    Args:
        runs: the directory; it is made if need be.
        wait_seconds: how long to wait for another process.

    Raises:
        WaitingError: another process holds it.
        StorageError: the file system refuses.
    """
    path = runs / LOCK_NAME
    try:
        runs.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(cannot_write(path, error)) from error
    try:
        _take(descriptor, runs, time.monotonic() + wait_seconds)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, runs: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise WaitingError(
                    f"{runs}: another process is at work here; nothing was done, try again later"
                ) from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return
