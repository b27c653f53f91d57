"""Reading the ledger: nothing is created or changed, also where nothing can be written.

SQLite keeps a ledger's latest changes in a second file, `-wal`, and an index of them in a third,
`-shm`, which a plain reader creates if it is not there: so it fails on a read-only file system and
on a full disk, and leaves files behind elsewhere.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ..folder.files import StorageError
from .jobs import CHANGES, SCHEMA_VERSION

WAIT_SECONDS = 30.0
"""How long another process's transaction is waited for."""

_TRIES = 20
_Stamp = tuple[int, ...]


class LedgerReader:
    """A ledger opened to be read, by the first of these ways that can be gone.

    1. `-shm` is there: somebody has the ledger open, or died. SQLite reads with it.
    2. No change is in `-wal`: the file alone is the ledger, and SQLite is told that it does not
       change. Whether that was true is looked at after each question, which is asked again if not.
    3. Else a copy of both files is read.

    A ledger of an older program is read from a copy in memory, brought up to date there.
    """

    def __init__(self, path: Path) -> None:
        """Open the ledger.

        Raises:
            StorageError: it cannot be read, or a newer program wrote it.
        """
        self.path = path
        self._open()

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """Return the rows that a statement selects.

        Raises:
            StorageError: the ledger cannot be read, or changes all the time.
        """
        with storage_errors(self.path):
            for _ in range(_TRIES):
                try:
                    rows = self._db.execute(statement, values).fetchall()
                except sqlite3.DatabaseError:
                    if not self._changed():
                        raise
                else:
                    if not self._changed():
                        return rows
                self.close()
                self._open()
        raise StorageError(f"{self.path}: ledger: it changes all the time; ask again")

    def close(self) -> None:
        """Let go of the ledger."""
        self._db.close()

    def _changed(self) -> bool:
        return self._stamp is not None and self._stamp != _stamp(self.path)

    def _open(self) -> None:
        with storage_errors(self.path):
            self._stamp: _Stamp | None = None
            self._db = self._connect()
            try:
                self._db.row_factory = sqlite3.Row
                version = schema_version(self._db, self.path)
                if version < SCHEMA_VERSION:
                    self._db = _in_memory(self._db)
                    bring_up_to_date(self._db, version)
                check_tables(self._db, self.path)
                self._db.execute("PRAGMA query_only = ON")
            except BaseException:
                self._db.close()
                raise

    def _connect(self) -> sqlite3.Connection:
        if _beside(self.path, "-shm").exists():
            try:
                return _connect(self.path, "mode=ro")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    raise
        for _ in range(_TRIES):
            stamp = _stamp(self.path)
            if not _wal_size(self.path):
                self._stamp = stamp
                return _connect(self.path, "mode=ro&immutable=1")
            copy = _copy(self.path)
            if stamp == _stamp(self.path):
                return copy
            copy.close()
        raise StorageError(f"{self.path}: ledger: it changes all the time; ask again")


def schema_version(db: sqlite3.Connection, path: Path) -> int:
    """Return the version of a ledger's tables.

    Raises:
        StorageError: a newer program wrote it, or another one.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version < 0 or (version == 0 and _tables(db)):
        raise StorageError(f"{path}: not a ledger of hexmagic, but another program's database")
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{path}: ledger schema {version}, this program knows {SCHEMA_VERSION}; "
            "use the newer hexmagic that wrote it"
        )
    return int(version)


def check_tables(db: sqlite3.Connection, path: Path) -> None:
    """Check that the tables of a ledger have the columns of SCHEMA_VERSION.

    SQLite itself tells of one that is missing, when it is asked for.

    Raises:
        StorageError: one has others; nothing could be made of its rows.
    """
    found = _tables(db)
    for table, columns in _wanted_tables().items():
        if found.get(table, columns) != columns:
            raise StorageError(
                f"{path}: ledger: the columns of its table {table} are not this program's: "
                "damaged, or of another program"
            )


def _tables(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table, by name; SQLite's own left out."""
    columns = db.execute(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
        "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid"
    )
    found: dict[str, tuple[str, ...]] = {}
    for table, column in columns:
        found[table] = (*found.get(table, ()), column)
    return found


@cache
def _wanted_tables() -> dict[str, tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as db:
        bring_up_to_date(db, 0)
        return _tables(db)


def bring_up_to_date(db: sqlite3.Connection, version: int) -> None:
    """Give a ledger of a version the tables of SCHEMA_VERSION; within the caller's transaction."""
    for statement in CHANGES[version].strip().split(";\n"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system refuse into one line about the ledger.

    Raises:
        StorageError: that line.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{path}: ledger: {error}") from error


def _connect(path: Path, options: str) -> sqlite3.Connection:
    """Return a connection that has read from the file."""
    address = f"{path.absolute().as_uri()}?{options}"
    db = sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS, isolation_level=None)
    try:
        db.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _copy(path: Path) -> sqlite3.Connection:
    """Return a copy, in memory, of a ledger with what is in its `-wal`.

    A process that closes a file loses its locks on it. Nobody has locks on this one here: who has
    the ledger open has its `-shm` in use, and then a reader in the same process finds it too.
    """
    with tempfile.TemporaryDirectory(prefix="hexmagic-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(_beside(path, "-wal"), _beside(copy, "-wal"))
        return _in_memory(_connect(copy, "mode=rw"))


def _in_memory(db: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy of a database, in memory; the database is closed."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.row_factory = sqlite3.Row
    with closing(db):
        db.backup(memory)
    return memory


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _wal_size(path: Path) -> int:
    wal = _beside(path, "-wal")
    return wal.stat().st_size if wal.exists() else 0


def _stamp(path: Path) -> _Stamp:
    """Return what differs when a ledger has been written to."""
    db, wal = path.stat(), _beside(path, "-wal")
    stamp = (db.st_ino, db.st_size, db.st_mtime_ns)
    if not _wal_size(path):
        return stamp
    last = wal.stat()
    return (*stamp, last.st_ino, last.st_size, last.st_mtime_ns)
