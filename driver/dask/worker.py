"""What runs in a Dask worker: a shard with the run's kit, and the question what is installed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import pickle
import platform
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor
from functools import cache
from pathlib import Path
from typing import Any

from .. import workers
from ..workers import Kit

_PACKAGES = ("numpy", "qiskit", "qiskit-aer", "clifft")
_FOLDERS = ("experiments", "backends", "analysis", "driver")
_one_at_a_time = threading.Lock()


class BrokenClusterError(BrokenExecutor):
    """The cluster cannot go on with a run; what is done is kept and the run can be resumed."""


@cache
def software() -> dict[str, str]:
    """Return the version of everything that a shard's result depends on, by name.

    hexmagic's includes a digest of its sources: a working copy changes without a new version. It
    is taken once in a process, so a worker that has not seen a change since does not claim it.
    """
    found = {name: _version(name) for name in _PACKAGES}
    sources = source_digest(Path(__file__).resolve().parents[2])
    hexmagic = f"{_version('hexmagic')} (sources {sources})"
    python = ".".join(platform.python_version_tuple()[:2])
    return {"hexmagic": hexmagic, "python": python, **found}


def source_digest(root: Path) -> str:
    """Return a short digest of what workers run of hexmagic, whose packages are in `root`.

    Raises:
        ValueError: one of them is not there.
    """
    digest = hashlib.sha256()
    for folder in _FOLDERS:
        paths = sorted((root / folder).rglob("*.py"))
        if not paths:
            raise ValueError(f"{root / folder}: no sources of hexmagic")
        for path in paths:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:8]


def differing(theirs: Mapping[str, str], ours: Mapping[str, str]) -> tuple[str, str] | None:
    """Return what differs, as theirs and as ours in words, or None if nothing does."""
    names = [name for name in ours if theirs.get(name) != ours[name]]
    if not names:
        return None
    sides = [[f"{name} {side.get(name, 'unknown')}" for name in names] for side in (theirs, ours)]
    return ", ".join(sides[0]), ", ".join(sides[1])


def unpack_kit(content: bytes) -> Kit:
    """Return a pickled kit."""
    kit = pickle.loads(content)
    assert isinstance(kit, Kit)
    return kit


def run_with_kit(
    kit: Kit, ours: Mapping[str, str], fn: Callable[..., Any], args: tuple[Any, ...]
) -> Any:
    """Return fn(*args), computed while this process holds the kit.

    One at a time: Aer must not be used by several threads of a process.

    Raises:
        BrokenClusterError: this worker has other software than the client, `ours`.
    """
    found = differing(software(), ours)
    if found:
        raise BrokenClusterError(f"a worker that joined on {platform.node()} {mismatch(*found)}")
    with _one_at_a_time:
        workers._held[:] = [kit]
        return fn(*args)


def mismatch(theirs: str, ours: str) -> str:
    """Return the end of the line about a worker with other software."""
    return (
        f"has {theirs}, here it is {ours}: its results would not be the same; install the same "
        "there and restart it"
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
