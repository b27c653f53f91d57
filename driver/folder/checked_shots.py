"""Checked shots: what the shards of a circuit gave, and in words what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...experiments.counts import Counts
from ...experiments.record import RecordMap
from ...experiments.shots import Shots
from ..shards import Shard, circuit_name
from .archive import load_record
from .circuit_files import RECORD_SUFFIX
from .files import StorageError
from .run_folder import RunFolder

Checked = tuple[Shard, Shots | Counts | None, str]
"""A shard, what it gave (None: nothing, or nothing that is good), and what is wrong with it."""


def checked_shards(folder: RunFolder, shards: Sequence[Shard]) -> Iterator[Checked]:
    """Yield what each shard of one circuit gave, one at a time.

    Shots that have another record map than the circuit are as bad as damaged ones.
    """
    record: RecordMap | None = None
    if any(shard.gives == "shots" for shard in shards):
        try:
            record = load_record(folder, circuit_name(shards[0].point, shards[0].basis))
        except StorageError as error:
            yield shards[0], None, str(error)
    for shard in shards:
        try:
            taken = folder.load_taken(shard)
        except StorageError as error:
            yield shard, None, str(error)
            continue
        if isinstance(taken, Shots):
            record = taken.record if record is None else record
            if taken.record != record:
                path, name = folder.path / shard.file_name, circuit_name(shard.point, shard.basis)
                words = f"{path}: its record map is not that of circuits/{name}{RECORD_SUFFIX}"
                yield shard, None, words
                continue
        yield shard, taken, ""


def strays(folder: RunFolder) -> tuple[str, ...]:
    """Return one line for each file among the shots that is no shard of the plan."""
    known = {Path(shard.file_name).name for shard in folder.shards if shard.gives == "shots"}
    found = sorted((folder.path / "shots").glob("[!.]*"))
    return tuple(
        f"{path}: no shard of the plan has this name; nothing in it is counted"
        for path in found
        if path.name not in known
    )
