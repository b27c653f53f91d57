"""Tally files: one JSON file per shard that was only counted."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...experiments.counts import Counts
from ..shards import Shard
from .files import StorageError, json_digest

SCHEMA_VERSION = 1


def encode_counts(counts: Counts, shard: Shard, versions: Mapping[str, str]) -> bytes:
    """Return a tally file's content: schema_version, shard, counts, versions, sha256 of these.

    Raises:
        ValueError: the number of shots is not the shard's.
    """
    if counts.shots != shard.shots:
        raise ValueError(f"shard {shard.id}: {counts.shots} shots, {shard.shots} were asked for")
    note = {
        "schema_version": SCHEMA_VERSION,
        "shard": shard.to_json(),
        "counts": counts.to_json(),
        "versions": dict(versions),
    }
    return (json.dumps(note | {"sha256": json_digest(note)}, allow_nan=False) + "\n").encode()


def decode_counts(content: bytes, shard: Shard, *, source: str) -> Counts:
    """Return the counts of a tally file, checked against the shard that it must hold.

    Raises:
        StorageError: damaged or of another shard; names `source`.
    """
    try:
        note = json.loads(content)
        sha256 = note.pop("sha256")
        if sha256 != json_digest(note):
            raise ValueError("its checksum is not that of its content")
        version, found = note["schema_version"], note["shard"]
        counts = Counts.from_json(note["counts"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StorageError(f"{source}: damaged tally file: {error}") from error
    if version != SCHEMA_VERSION:
        raise StorageError(
            f"{source}: schema_version {version}, this program reads {SCHEMA_VERSION}"
        )
    if found != shard.to_json() or counts.shots != shard.shots:
        raise StorageError(f"{source}: holds shard {found.get('id')}, not {shard.id}")
    return counts
