"""Seals: the checksum of a whole Parquet file within that file, so that no bit changes unseen.

Parquet's own checksums cover the pages of a file, not their headers and not the footer. A seal is
one more key of the file's metadata. It is SHA-256 of the file as it is with a blank for a checksum.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq

_KEY = "seal"
_MARK = b"hexmagic-seal:"
_DIGITS = 64
_BLANK = b"0" * _DIGITS


def write_sealed(table: Any, metadata: Mapping[str, str] | None = None, **options: Any) -> bytes:
    """Return a sealed Parquet file; equal tables, equal bytes.

    Args:
        table: a `pyarrow.Table`.
        metadata: further keys of the file's metadata; no value holds a seal's mark.
        options: of `pyarrow.parquet.ParquetWriter`.
    """
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, write_page_checksum=True, **options) as writer:
        writer.write_table(table)
        keys = {**(metadata or {}), _KEY: (_MARK + _BLANK).decode()}
        writer.add_key_value_metadata(keys)
    content = buffer.getvalue()
    start = _place(content)
    if start is None:
        raise ValueError("the file that was written has no place for a seal")
    return content[:start] + _digest(content, start) + content[start + _DIGITS :]


def check_seal(content: bytes) -> bool:
    """Return whether a file has a seal.

    Raises:
        ValueError: it has, and its bytes are not those that were sealed.
    """
    start = _place(content)
    if start is not None and content[start : start + _DIGITS] != _digest(content, start):
        raise ValueError("its bytes are not those that were written: its checksum differs")
    return start is not None


def _place(content: bytes) -> int | None:
    """Return where the last seal's checksum starts: the footer is behind all else."""
    found = content.rfind(_MARK)
    return None if found < 0 else found + len(_MARK)


def _digest(content: bytes, start: int) -> bytes:
    view, digest = memoryview(content), hashlib.sha256()
    for part in (view[:start], _BLANK, view[start + _DIGITS :]):
        digest.update(part)
    return digest.hexdigest().encode()
