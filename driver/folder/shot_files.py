"""Shot files: one Parquet file per shard, every raw bit of every shot and what the bits are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...experiments.record import RecordMap
from ...experiments.shots import Shots
from ..shards import Shard
from .files import StorageError
from .seals import check_seal, write_sealed

SCHEMA_VERSION = 1
_KEY = "hexmagic"


def encode_shots(shots: Shots, shard: Shard, versions: Mapping[str, str]) -> bytes:
    """Return a shot file's content.

    Columns: `shard` (int32, the shard's index), `shot` (int64, number among the circuit's shots)
    and `bits` (fixed-size binary: the packed row of `Shots`). The file's metadata key `hexmagic`
    is JSON: schema_version, shard, record (the record map), versions, sealed (true), and sha256 of
    these and the packed rows. Its key `seal` is a checksum of the whole file (`seals`).

    Raises:
        ValueError: the number of shots is not the shard's.
    """
    if len(shots) != shard.shots:
        raise ValueError(f"shard {shard.id}: {len(shots)} shots, {shard.shots} were asked for")
    numbers = np.arange(shard.first_shot, shard.first_shot + len(shots), dtype=np.int64)
    width = shots.packed.shape[1]
    rows = pa.py_buffer(np.ascontiguousarray(shots.packed).tobytes())
    bits = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(shots), [None, rows])
    note = {
        "schema_version": SCHEMA_VERSION,
        "shard": shard.to_json(),
        "record": shots.record.to_json(),
        "versions": dict(versions),
        "sealed": True,
    }
    signed = note | {"sha256": _digest(note, shots)}
    table = pa.table(
        {"shard": np.full(len(shots), shard.index, dtype=np.int32), "shot": numbers, "bits": bits}
    )
    return write_sealed(table, {_KEY: _compact(signed)}, store_schema=False)


def decode_shots(content: bytes, shard: Shard, *, source: str) -> Shots:
    """Return the shots of a shot file, checked against the shard that it must hold.

    A file without a seal was written by an earlier version: of it the pages and the metadata are
    checked, but not every byte between them.

    Raises:
        StorageError: damaged, of another shard, or with another number of shots; names `source`.
    """
    try:
        sealed = check_seal(content)
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        note = json.loads((file.metadata.metadata or {})[_KEY.encode()])
        if note.get("sealed", False) != sealed:
            raise ValueError("its seal is lost")
        table = file.read(columns=["bits"] if sealed else None, use_threads=False)
        sha256 = note.pop("sha256")
        shots = Shots(record=shared_record(note["record"]), packed=_packed(table))
        if not sealed and sha256 != _digest(note, shots):
            raise ValueError("its checksum is not that of its content")
    except (pa.ArrowException, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(f"{source}: damaged shot file: {reason}") from error
    _check_shard(note, shots, shard, source)
    return shots


def shared_record(document: Any) -> RecordMap:
    """Return a record map from its JSON document: equal ones are one object, checked once.

    Raises:
        ValueError: it is no record map.
    """
    return _record(_compact(document))


@lru_cache(maxsize=32)
def _record(text: str) -> RecordMap:
    return RecordMap.from_json(json.loads(text))


def _compact(document: Any) -> str:
    return json.dumps(document, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _digest(note: Mapping[str, Any], shots: Shots) -> str:
    digest = hashlib.sha256(_compact(note).encode())
    digest.update(np.ascontiguousarray(shots.packed))
    return digest.hexdigest()


def _packed(table: pa.Table) -> Any:
    column = table.column("bits").combine_chunks()
    width = column.type.byte_width
    rows = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    start = column.offset * width
    return rows[start : start + len(column) * width].reshape(len(column), width)


def _check_shard(note: Mapping[str, Any], shots: Shots, shard: Shard, source: str) -> None:
    if note["schema_version"] != SCHEMA_VERSION:
        version = note["schema_version"]
        raise StorageError(
            f"{source}: schema_version {version}, this program reads {SCHEMA_VERSION}"
        )
    if Shard.from_json(note["shard"]) != shard:
        found = note["shard"].get("id")
        raise StorageError(f"{source}: holds shard {found}, not {shard.id}")
    if len(shots) != shard.shots:
        raise StorageError(f"{source}: holds {len(shots)} shots, not {shard.shots}")
