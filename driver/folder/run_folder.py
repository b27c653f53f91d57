"""The run folder: everything about one run in one place, safe to copy."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ...experiments.counts import Counts
from ...experiments.errors import RefusedError, UsageError
from ...experiments.measures import Measure
from ...experiments.shots import Shots
from ...experiments.strict_values import all_of
from ..circuits import PlannedCircuit
from ..plan import Plan, Point
from ..shards import Shard
from .files import (
    StorageError,
    Writer,
    cannot_write,
    canonical_json,
    read_json,
    sync_folder,
    write_bytes,
)
from .shapes import check_file, damage_told
from .shot_files import decode_shots, encode_shots
from .tally_files import decode_counts, encode_counts

PLAN = "plan.json"
CERTIFICATE = "certificate.json"


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Names and formats of a run folder's files; `write` stores one file whole or not at all.

    The plan never changes after a run is made, so it is read once.
    """

    path: Path
    write: Writer = field(default=write_bytes, repr=False)

    @property
    def run_id(self) -> str:
        """The run's id: as recorded, so that a renamed copy keeps it."""
        return str(self.document["run"])

    @cached_property
    def document(self) -> dict[str, Any]:
        """The content of plan.json: the plan, and what its circuits became.

        Raises:
            UsageError: this is not a run folder.
        """
        if not (self.path / PLAN).is_file():
            raise UsageError(f"{self.path}: not a run folder (it has no {PLAN})")
        document = read_json(self.path / PLAN)
        if not isinstance(document, dict) or not isinstance(document.get("run"), str):
            raise UsageError(f"{self.path / PLAN}: not a run's plan")
        return document

    @cached_property
    def plan(self) -> Plan:
        """The plan.

        Raises:
            UsageError: of another version of this program.
            StorageError: damaged, as for `circuits` and `shards`.
        """
        with damage_told(self.path / PLAN):
            plan = Plan.from_json(self.document)
            check_file(PLAN, self.document, self.path / PLAN)
            if [point.index for point in all_of(Point, plan.points)] != [*range(len(plan.points))]:
                raise ValueError("points: not numbered from 0")
            return plan

    @cached_property
    def circuits(self) -> tuple[PlannedCircuit, ...]:
        """Its circuits in numbers, in plan order."""
        with damage_told(self.path / PLAN):
            circuits = tuple(map(PlannedCircuit.from_json, self.document["circuits"]))
            if [circuit.key for circuit in circuits] != _circuit_keys(self.plan):
                raise ValueError("circuits: not those of its points")
            for circuit in all_of(PlannedCircuit, circuits):
                if {*circuit.layout} != {
                    qubit for role in circuit.roles.values() for qubit in role
                }:
                    raise ValueError(f"circuit {circuit.name}: its roles are not of its layout")
            return circuits

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """Every shard that the plan names, in order; strata ask for more as they go."""
        with damage_told(self.path / PLAN):
            shards = all_of(Shard, tuple(map(Shard.from_json, self.document["shards"])))
            if not {(shard.point, shard.basis) for shard in shards} <= {*_circuit_keys(self.plan)}:
                raise ValueError("shards: not those of its circuits")
            return shards

    def write_text(self, name: str, text: str) -> None:
        """Write a text file, named relative to the folder."""
        self.write(self.path / name, text.encode())

    def write_json(self, name: str, document: Any) -> None:
        """Write a JSON file, named relative to the folder."""
        self.write_text(name, canonical_json(document))

    def read_json(self, name: str) -> Any:
        """Return a JSON file's document.

        Raises:
            StorageError: it is missing, unreadable, not JSON or not such a file.
        """
        document = read_json(self.path / name)
        check_file(name, document, self.path / name)
        return document

    def save_shots(self, shard: Shard, shots: Shots, versions: Mapping[str, str]) -> None:
        """Write a shard's shots; they are durable when this returns."""
        self.write(self.path / shard.file_name, encode_shots(shots, shard, versions))

    def save_counts(self, shard: Shard, counts: Counts, versions: Mapping[str, str]) -> None:
        """Write a shard's counts; they are durable when this returns."""
        self.write(self.path / shard.file_name, encode_counts(counts, shard, versions))

    def has(self, shard: Shard) -> bool:
        """Return whether a shard's file is there, whatever it holds."""
        return (self.path / shard.file_name).is_file()

    def load_taken(self, shard: Shard) -> Shots | Counts | None:
        """Return what a shard gave, or None if it has not been run.

        Raises:
            StorageError: the file is damaged or another shard's.
        """
        path = self.path / shard.file_name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
        decode = decode_shots if shard.gives == "shots" else decode_counts
        return decode(content, shard, source=str(path))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process: while it runs, nobody else may run it.

        Raises:
            RefusedError: another process holds it.
            StorageError: the lock cannot be written.
        """
        try:
            descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(cannot_write(self.path / ".lock", error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            name = self.path.name
            raise RefusedError(f"run {name}: another process is running it; wait for it") from None
        try:
            yield
        finally:
            os.close(descriptor)

    def is_held(self) -> bool:
        """Return whether a process is running this run at the moment."""
        try:
            with (self.path / ".lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False  # never locked, or it cannot be told: nobody to wait for
        return False


def _circuit_keys(plan: Plan) -> list[tuple[int, Measure]]:
    return [(point.index, measure) for point, measure in plan.circuits()]


def create_run_folder(
    runs: Path, run_id: str, fill: Callable[[RunFolder], None], *, write: Writer = write_bytes
) -> RunFolder:
    """Return a new run folder that `fill` has written; a failure leaves no folder behind.

    Raises:
        StorageError: the file system refuses.
    """
    partial = partial_path(runs, run_id)
    final = runs / run_id
    try:
        partial.mkdir(parents=True)
        fill(RunFolder(path=partial, write=write))
        partial.rename(final)
        sync_folder(runs)
    except OSError as error:
        raise StorageError(cannot_write(partial, error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return RunFolder(path=final, write=write)


def partial_path(runs: Path, run_id: str) -> Path:
    """Return where a run folder is filled before it gets its name."""
    return runs / f".{run_id}.partial"
