"""Ledgers of older programs: brought up to date, with all that they have, or left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from fakes.old_ledgers import VERSION_1, VERSION_2
from fakes.paid import MOST, plan, remote
from fakes.remote import Clock

from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import SCHEMA_VERSION


def write(path: Path, dump: str) -> Path:
    db = sqlite3.connect(path)
    db.executescript(dump)
    db.close()
    return path


def tables(path: Path) -> list[str]:
    db = sqlite3.connect(path)
    rows = db.execute("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
    found = [" ".join(sql.replace(" DEFAULT 0", "").split()) for (sql,) in rows]
    db.close()
    return found


@pytest.mark.parametrize(("dump", "jobs"), [(VERSION_1, 2), (VERSION_2, 3)])
def test_an_older_ledger_keeps_all_it_has_and_takes_submissions(
    tmp_path: Path, dump: str, jobs: int
) -> None:
    path = write(tmp_path / "hexmagic.sqlite", dump)
    with HardwareLedger(path, clock=Clock().now) as ledger:
        found = ledger.jobs("old")
        assert [job.state for job in found] == ["done", "intended", "planned"][:jobs]
        assert [job.first_shot for job in found] == [0, 500, 1000][:jobs]
        assert (found[0].detail, len(ledger.events("old"))) == ("it's there", 5)
        assert (ledger.claims(), ledger.posts_since("2026-01-01", "2027")) == ([], 0)
        plan(ledger, found[1])
        ledger.adopt(found[1], remote(), detail="")
        assert ledger.claims()[0].open_seconds == MOST


@pytest.mark.parametrize("dump", [VERSION_1, VERSION_2])
def test_an_older_ledger_becomes_like_a_new_one(tmp_path: Path, dump: str) -> None:
    old, new = write(tmp_path / "old.sqlite", dump), tmp_path / "new.sqlite"
    for path in (old, new, old):
        HardwareLedger(path, clock=Clock().now).__exit__()
    names = [sql.split()[2] for sql in tables(new)]
    assert [sql.split()[2] for sql in tables(old)] == names
    for path in (old, new):
        db = sqlite3.connect(path)
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        columns = [db.execute(f"PRAGMA table_info({name})").fetchall() for name in names]
        db.close()
        if path == old:
            upgraded = [[column[1:3] for column in table] for table in columns]
    assert upgraded == [[column[1:3] for column in table] for table in columns]


@pytest.mark.parametrize(("dump", "version"), [(VERSION_1, 1), (VERSION_2, 2)])
def test_an_upgrade_that_fails_leaves_the_old_ledger(
    tmp_path: Path, dump: str, version: int
) -> None:
    path = write(tmp_path / "hexmagic.sqlite", dump + "CREATE TABLE schedules (x);")
    before = tables(path)
    with pytest.raises(StorageError, match="schedules already exists"):
        HardwareLedger(path, clock=Clock().now)
    assert tables(path) == before
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (version,)
    db.close()


# --- opening ------------------------------------------------------------------------------------


def test_a_ledger_that_is_up_to_date_is_opened_while_another_process_changes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hexmagic.sqlite"
    with HardwareLedger(path, clock=Clock().now) as writer, writer._transaction():
        monkeypatch.setattr("hexmagic.driver.ledger.runs.WAIT_SECONDS", 0.0)
        with HardwareLedger(path, clock=Clock().now) as other:
            assert other.runs() == []


def test_a_ledger_that_cannot_be_made_or_lacks_a_table_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "hexmagic.sqlite"
    with pytest.raises(StorageError) as refused:
        HardwareLedger(path, clock=Clock().now)
    assert str(refused.value).startswith(f"{path}: ledger: ")
    path = tmp_path / "hexmagic.sqlite"
    with HardwareLedger(path, clock=Clock().now) as ledger:
        ledger._db.execute("DROP TABLE events")
        with pytest.raises(StorageError) as refused:
            ledger.events("r")
    assert str(refused.value) == f"{path}: ledger: no such table: events"
