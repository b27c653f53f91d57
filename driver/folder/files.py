"""Files written whole or not at all, and JSON in one canonical form."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...experiments.errors import HexmagicError

Writer = Callable[[Path, bytes], None]


class StorageError(HexmagicError):
    """A file or the ledger cannot be written or read: disk full, no permission, damaged."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, finds the old content or all of the new one.

    Raises:
        StorageError: the file system refuses (full, read-only, no permission).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _make_folder(path.parent)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(cannot_write(path, error)) from error


def cannot_write(path: Path, error: OSError) -> str:
    """Return the one line for a file that the file system refused."""
    return f"{path}: cannot be written: {error.strerror or error}"


def canonical_json(document: Any) -> str:
    """Return JSON text, sorted and indented, that refuses NaN; equal documents, equal text.

    Raises:
        ValueError: the document holds NaN or an infinity.
    """
    return json.dumps(document, allow_nan=False, indent=2, sort_keys=True) + "\n"


def json_digest(document: Any) -> str:
    """Return the SHA-256 of a document as sorted JSON, in hexadecimal."""
    return hashlib.sha256(
        json.dumps(document, allow_nan=False, sort_keys=True).encode()
    ).hexdigest()


def read_json(path: Path) -> Any:
    """Return a JSON file's document.

    Raises:
        StorageError: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{path}: not a JSON file: {error}") from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: the file system refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """Make a folder, and the folders above it, whose names outlast a crash."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
