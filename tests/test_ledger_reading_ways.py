"""The ways to read a ledger, and what each leaves alone; what is refused, word for word."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fakes.old_ledgers import VERSION_1, VERSION_2
from fakes.world import make_clock

from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger import reading
from hexmagic.driver.ledger.jobs import RunRow
from hexmagic.driver.ledger.reading import LedgerReader
from hexmagic.driver.ledger.runs import Ledger

RUN = RunRow(run_id="r", name="n", created="2026", state="running")
CHANGES_ALL_THE_TIME = "ledger: it changes all the time; ask again"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "hexmagic.sqlite"
    with Ledger(path, clock=make_clock()) as ledger:
        ledger.register(RUN, labels=[(0, "p")], shards=[])
    return path


def state(path: Path) -> str:
    with Ledger.reading(path) as ledger:
        return ledger.runs()[0].state


def write(path: Path, script: str) -> Path:
    db = sqlite3.connect(path)
    db.executescript(script)
    db.close()
    return path


def leftovers(path: Path, folder: Path, *endings: str) -> Path:
    """Copy a ledger as a crash would leave it after run `r` was parked."""
    folder.mkdir()
    with Ledger(path, clock=make_clock()) as writer:
        writer.set_run_state("r", "parked")
        for ending in ("", *endings):
            shutil.copy(f"{path}{ending}", folder)
    return folder / path.name


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "PRAGMA user_version = 4",
            "ledger schema 4, this program knows 3; use the newer hexmagic that wrote it",
        ),
        ("PRAGMA user_version = -1", "not a ledger of hexmagic, but another program's database"),
        ("PRAGMA user_version = 0", "not a ledger of hexmagic, but another program's database"),
        (
            "ALTER TABLE jobs ADD COLUMN other TEXT",
            "ledger: the columns of its table jobs are not this program's: "
            "damaged, or of another program",
        ),
        (
            "ALTER TABLE remote_jobs RENAME COLUMN kept TO other",
            "ledger: the columns of its table remote_jobs are not this program's: "
            "damaged, or of another program",
        ),
    ],
)
def test_a_ledger_that_is_not_this_programs_is_refused_and_left_alone(
    path: Path, script: str, words: str
) -> None:
    before = write(path, script).read_bytes()
    with pytest.raises(StorageError) as refused:
        Ledger.reading(path)
    assert str(refused.value) == f"{path}: {words}"
    with pytest.raises(StorageError) as refused:
        Ledger(path, clock=make_clock())
    assert str(refused.value) == f"{path}: {words}"
    assert path.read_bytes() == before


def test_a_table_that_is_missing_is_told_when_it_is_asked_for(path: Path) -> None:
    write(path, "DROP TABLE events")
    with Ledger.reading(path) as ledger:
        assert ledger.runs() == [RUN]
        with pytest.raises(StorageError) as refused:
            ledger.events("r")
    assert str(refused.value) == f"{path}: ledger: no such table: events"


def test_a_question_that_makes_no_sense_is_refused_at_once(path: Path) -> None:
    reader = LedgerReader(path)
    with pytest.raises(StorageError) as refused:
        reader.execute("SELECT nobody FROM runs")
    assert str(refused.value) == f"{path}: ledger: no such column: nobody"
    assert [*reader.execute("SELECT state FROM runs")[0]] == ["running"]
    reader.close()


def test_an_empty_file_is_a_ledger_with_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "hexmagic.sqlite"
    path.touch()
    with Ledger.reading(path) as ledger:
        assert (ledger.runs(), ledger.jobs("r"), ledger.events("r")) == ([], [], [])
    assert (names(tmp_path), path.read_bytes()) == ([path.name], b"")


# --- the ways -----------------------------------------------------------------------------------


def test_an_open_reader_has_no_file_of_its_own_beside_the_ledger(path: Path) -> None:
    with Ledger.reading(path) as ledger:
        assert ledger.runs() == [RUN]
        assert names(path.parent) == [path.name]


def test_what_a_crash_left_is_read_and_stays_with_all_three_files(
    path: Path, tmp_path: Path
) -> None:
    copy = leftovers(path, tmp_path / "copy", "-wal", "-shm")
    kept = [f"{copy}", f"{copy}-wal"]
    before = [Path(name).read_bytes() for name in kept]
    assert state(copy) == "parked"
    assert names(copy.parent) == [path.name, f"{path.name}-shm", f"{path.name}-wal"]
    assert [Path(name).read_bytes() for name in kept] == before


def test_a_copy_is_made_in_a_folder_of_hexmagic_that_is_gone_afterwards(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = leftovers(path, tmp_path / "copy", "-wal")
    made, mkdtemp = [], tempfile.mkdtemp

    def make(*args: str | None, **more: str | None) -> str:
        made.append(mkdtemp(*args, **more))
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert state(copy) == "parked"
    assert len(made) == 1
    assert Path(made[0]).name.startswith("hexmagic-")
    assert not Path(made[0]).exists()
    assert names(here) == []
    assert names(copy.parent) == [path.name, f"{path.name}-wal"]


@pytest.mark.parametrize("dump", [VERSION_1, VERSION_2])
def test_an_older_ledger_is_read_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dump: str
) -> None:
    path = write(tmp_path / "hexmagic.sqlite", dump)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with Ledger.reading(path) as ledger:
        assert [job.first_shot for job in ledger.jobs("old")][:2] == [0, 500]
        assert ledger._all("PRAGMA user_version") == [{"user_version": 3}]
    assert names(here) == []
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (1 if dump == VERSION_1 else 2,)
    db.close()


def test_a_reader_takes_no_locks_from_the_writer_in_its_process(path: Path) -> None:
    """Another process that thought itself alone would throw away what is written next."""
    code = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
        "print(*db.execute('SELECT state FROM runs').fetchone()); db.close()"
    )
    other = [sys.executable, "-c", code, str(path)]
    with Ledger(path, clock=make_clock()) as writer:
        writer.set_run_state("r", "waiting")
        assert state(path) == "waiting"
        subprocess.run(other, check=True, capture_output=True)
        writer.set_run_state("r", "parked")
        done = subprocess.run(other, check=True, capture_output=True, text=True)
    assert done.stdout == "parked\n"
    assert state(path) == "parked"


# --- others -------------------------------------------------------------------------------------


def refusing(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite refuse to read with the third file that is there."""
    connect = reading._connect

    def refuse(path: Path, options: str) -> sqlite3.Connection:
        if options == "mode=ro":
            error = sqlite3.OperationalError("refused")
            error.sqlite_errorcode = code
            raise error
        return connect(path, options)

    monkeypatch.setattr(reading, "_connect", refuse)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY])
def test_a_ledger_that_somebody_repairs_is_not_read_past_him(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    copy = leftovers(path, tmp_path / "copy", "-wal", "-shm")
    refusing(code, monkeypatch)
    with pytest.raises(StorageError) as refused:
        state(copy)
    assert str(refused.value) == f"{copy}: ledger: refused"


@pytest.mark.parametrize("code", [sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_CANTINIT])
def test_a_third_file_that_cannot_be_used_is_read_without(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    copy = leftovers(path, tmp_path / "copy", "-wal", "-shm")
    refusing(code, monkeypatch)
    assert state(copy) == "parked"


@pytest.mark.parametrize("endings", [(), ("-wal",), ("-wal", "-shm")])
def test_another_process_is_waited_for_half_a_minute(
    path: Path, tmp_path: Path, endings: tuple[str, ...]
) -> None:
    """A copy in memory is nobody else's."""
    copy = leftovers(path, tmp_path / "copy", *endings)
    reader = LedgerReader(copy)
    (row,) = reader.execute("PRAGMA busy_timeout")
    assert endings == ("-wal",) or row[0] == 30_000
    reader.close()


@pytest.mark.parametrize("endings", [(), ("-wal",)])
def test_a_ledger_that_changes_at_each_look_is_given_up(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endings: tuple[str, ...]
) -> None:
    copy = leftovers(path, tmp_path / "copy", *endings)
    reader = LedgerReader(copy) if not endings else None
    looks: list[Path] = []

    def stamp(one: Path) -> tuple[int, ...]:
        looks.append(one)
        return (len(looks),)

    monkeypatch.setattr(reading, "_stamp", stamp)
    with pytest.raises(StorageError) as refused:
        (reader or LedgerReader(copy)).execute("SELECT state FROM runs")
    assert str(refused.value) == f"{copy}: {CHANGES_ALL_THE_TIME}"
    assert looks == [copy] * 40
    if reader is not None:
        reader.close()
