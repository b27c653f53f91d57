"""Run folders and ledgers that are damaged: by a number, the same damage every time."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, 1e308, "", "x", "X", "2026", "no date", "../..", "\x00é"),
    *([], {}, [1], [[]], {"a": 1}, [None, None], "done", ["x", "y"]),
)


def damage_json(content: bytes, dice: random.Random) -> bytes:
    """Drop, replace or rename something in a JSON document."""
    document = json.loads(content)
    homes = [home for home in _containers(document) if home]
    if not homes or dice.random() < 0.05:
        return json.dumps(dice.choice(VALUES)).encode()
    home = dice.choice(homes)
    step: Any = dice.choice(list(home) if isinstance(home, dict) else range(len(home)))
    kind = dice.randrange(4)
    if kind == 0:
        del home[step]
    elif kind == 1 and isinstance(home, dict):
        home[f"{step}s"] = home.pop(step)
    else:
        home[step] = dice.choice(VALUES)
    return json.dumps(document).encode()


def _containers(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    items = value.values() if isinstance(value, dict) else value[:20]
    return [value, *(inner for item in items for inner in _containers(item))]


def damage_bytes(content: bytes, dice: random.Random) -> bytes:
    """Flip, drop, add or repeat bytes, cut the file short, or put something else in its place."""
    i = dice.randrange(len(content) + 1)
    j = min(len(content), i + dice.choice((1, 4, 100, 5000)))
    others = (
        b"",
        b"\x00" * 100,
        b"PAR1PAR1",
        b"null",
        b"[]",
        b"{}",
        b'"run"',
        b"[" * 100_000,
        b"1e999",
    )
    return dice.choice(
        (
            content[:i] + bytes([dice.randrange(256)]) + content[i + 1 :],
            content[:i] + bytes([dice.randrange(256)]) + content[i + 1 :],
            content[:i] + dice.randbytes(j - i) + content[j:],
            content[:i] + content[j:],
            content[:i] + content[i:j] * 2 + content[j:],
            content[:i],
            content[j:],
            dice.choice(others),
            dice.randbytes(len(content)),
        )
    )


def damage_ledger(path: Path, dice: random.Random) -> None:
    """Damage a ledger: its bytes, its tables, its rows, or put another database in its place."""
    kind = dice.randrange(4)
    if kind == 0:
        path.write_bytes(damage_bytes(path.read_bytes(), dice))
        return
    if kind == 1:  # what is in the pages, not their heads: SQLite itself does not notice
        content = bytearray(path.read_bytes())
        for _ in range(20):
            content[dice.randrange(4096, len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        tables = [name for name in tables if not name.startswith("sqlite_")]
        table = dice.choice(tables)
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        dice.choice(_CHANGES)(db, table, dice.choice(columns), dice)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _drop_table(db: sqlite3.Connection, table: str, _column: str, _dice: random.Random) -> None:
    db.execute(f"DROP TABLE {table}")


def _rename_column(db: sqlite3.Connection, table: str, column: str, _dice: random.Random) -> None:
    db.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO other")


def _add_column(db: sqlite3.Connection, table: str, _column: str, _dice: random.Random) -> None:
    db.execute(f"ALTER TABLE {table} ADD COLUMN other TEXT")


def _empty(db: sqlite3.Connection, table: str, _column: str, _dice: random.Random) -> None:
    db.execute(f"DELETE FROM {table}")


def _rows(db: sqlite3.Connection, table: str, column: str, dice: random.Random) -> None:
    value = dice.choice((0, -1, 1.5, "", "x", "done", b"\xff\x00", 2**62, "../..", "X"))
    some = dice.choice(("", f" WHERE rowid = (SELECT min(rowid) FROM {table})"))
    try:
        db.execute(f"UPDATE {table} SET {column} = ?{some}", (value,))
    except sqlite3.IntegrityError:
        db.execute(f"DELETE FROM {table}")


def _version(db: sqlite3.Connection, _table: str, _column: str, dice: random.Random) -> None:
    db.execute(f"PRAGMA user_version = {dice.choice((0, 1, 2, 3, 99, -1))}")


def _other_application(
    db: sqlite3.Connection, table: str, _column: str, dice: random.Random
) -> None:
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        if not name.startswith("sqlite_"):
            db.execute(f"DROP TABLE {name}")
    db.execute(
        f"CREATE TABLE {dice.choice((table, 'moz_places'))} (id INTEGER PRIMARY KEY, url TEXT)"
    )
    db.execute(f"PRAGMA user_version = {dice.choice((0, 1, 75))}")


_CHANGES: tuple[Callable[[sqlite3.Connection, str, str, random.Random], None], ...] = (
    *(_drop_table, _rename_column, _add_column, _empty, _rows, _rows, _rows, _rows),
    *(_version, _other_application),
)
