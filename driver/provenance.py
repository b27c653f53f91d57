"""Provenance: with what a run was made, so that it can be made again or doubted with reason."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .circuits import PlannedCircuit
from .ledger.jobs import JobRow
from .plan import Plan
from .shards import circuit_name

SCHEMA_VERSION = 1
PROVENANCE = "provenance.json"
_PACKAGES = (
    "hexmagic",
    "clifft",
    "click",
    "distributed",
    "jinja2",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyyaml",
    "qiskit",
    "qiskit-aer",
    "qiskit-ibm-runtime",
    "rich",
    "rustworkx",
    "scipy",
)


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of every core package."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def git_revision() -> dict[str, Any] | None:
    """Return the revision of hexmagic's own sources and whether they were changed since.

    None if they are not a git working copy: an installed wheel.
    """
    folder = Path(__file__).resolve().parent
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if revision is None or changes is None:
        return None
    return {"revision": revision.strip(), "dirty": bool(changes.strip())}


def make_provenance(
    *, run: str, created: str, plan: Plan, circuits: Sequence[PlannedCircuit], engine: str
) -> dict[str, Any]:
    """Return what is known when a run is made; `with_outcome` adds the rest."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": run,
        "created": created,
        "command_line": list(sys.argv),
        "engine": engine,
        "versions": package_versions(),
        "platform": platform.platform(),
        "git": git_revision(),
        "overrides": dict(plan.overrides),
        "circuits": {circuit.name: _circuit(plan, circuit) for circuit in circuits},
        "rewrites": rewrites(plan, circuits),
        "state": "running",
    }


def with_outcome(
    provenance: Mapping[str, Any],
    *,
    state: str,
    finished: str,
    seconds: float,
    jobs: Sequence[JobRow],
    problems: Sequence[str],
) -> dict[str, Any]:
    """Return the provenance of a run that has ended, one way or another.

    Args:
        provenance: as made at its start.
        state: how it ended.
        finished: when, ISO 8601.
        seconds: wall-clock time from its making to this end.
        jobs: every attempt at every shard.
        problems: what failed or is missing, in words.
    """
    shards = [
        {
            "job": job_id(job),
            "circuit": circuit_name(job.point, job.basis),
            "seed": job.seed,
            "shots": job.shots,
            "state": job.state,
        }
        for job in jobs
    ]
    return dict(provenance) | {
        "state": state,
        "finished": finished,
        "duration_seconds": seconds,
        "seconds_charged": 0.0,  # local engines cost nothing
        "jobs": shards,
        "problems": list(problems),
    }


def job_id(job: JobRow) -> str:
    """Return the id of an attempt at a shard: the start of the shard's hash, and the attempt."""
    return f"{job.shard[:16]}-{job.attempt}"


def rewrites(plan: Plan, circuits: Sequence[PlannedCircuit]) -> list[str]:
    """Return what the engine changes in compiled circuits, with the points unless it is all."""
    labels: dict[str, list[str]] = {}
    for circuit in circuits:
        for text in circuit.rewrites:
            points = labels.setdefault(text, [])
            label = plan.points[circuit.point].label
            points += [] if label in points else [label]
    return [
        text if len(points) == len(plan.points) else f"{text} (in {', '.join(points)})"
        for text, points in labels.items()
    ]


def _circuit(plan: Plan, circuit: PlannedCircuit) -> dict[str, Any]:
    return {
        "point": plan.points[circuit.point].label,
        "device": plan.points[circuit.point].device.name,
        "layout": {role: list(qubits) for role, qubits in circuit.roles.items()},
        "reuse": circuit.reuse,
        "reuse_asked": plan.points[circuit.point].protocol.reuse,
        "fingerprint": circuit.fingerprint,
    }


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
