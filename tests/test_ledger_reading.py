"""Reading the ledger: nothing is changed by it, and it works where nothing can be written."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.old_ledgers import VERSION_1
from fakes.world import make_clock

from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger import reading
from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.jobs import RunRow
from hexmagic.driver.ledger.runs import Ledger
from hexmagic.driver.ledger.schedules import ScheduleLedger

RUN = RunRow(run_id="r", name="n", created="2026", state="running")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "hexmagic.sqlite"
    with Ledger(path, clock=make_clock()) as ledger:
        ledger.register(RUN, labels=[(0, "p")], shards=[])
    return path


def state(path: Path) -> str:
    with Ledger.reading(path) as ledger:
        return ledger.runs()[0].state


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}


def test_a_reader_leaves_the_ledger_and_its_folder_as_they_are(path: Path) -> None:
    before = content(path.parent)
    assert list(before) == [path.name]
    assert state(path) == "running"
    with HardwareLedger.reading(path) as hardware, ScheduleLedger.reading(path) as schedules:
        assert (hardware.claims(), schedules.schedules()) == ([], [])
    assert content(path.parent) == before


def test_a_reader_makes_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"runs/hexmagic.sqlite: ledger: .*No such file"):
        Ledger.reading(tmp_path / "runs" / "hexmagic.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_writes_nothing(path: Path) -> None:
    with (
        Ledger.reading(path) as ledger,
        pytest.raises(StorageError, match="opened to be read only"),
    ):
        ledger.set_run_state("r", "done")
    assert state(path) == "running"


def test_a_reader_sees_what_a_writer_has_committed_and_does_not_wait_for_the_rest(
    path: Path,
) -> None:
    with Ledger(path, clock=make_clock()) as writer:
        writer.set_run_state("r", "waiting")
        with writer._transaction():
            writer._db.execute("UPDATE runs SET state = 'done'")
            assert state(path) == "waiting"
        assert state(path) == "done"


def test_a_reader_that_is_open_sees_what_is_written_later(path: Path) -> None:
    with Ledger.reading(path) as reader:
        assert reader.runs() == [RUN]
        for word in ("waiting", "parked"):
            with Ledger(path, clock=make_clock()) as writer:
                writer.set_run_state("r", word)
            assert [run.state for run in reader.runs()] == [word]


def test_what_a_crash_left_in_the_second_file_is_read_without_the_third(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    with Ledger(path, clock=make_clock()) as writer:
        writer.set_run_state("r", "parked")
        for name in (path.name, f"{path.name}-wal"):
            shutil.copy(path.parent / name, copy.parent)
    before = content(copy.parent)
    assert state(copy) == "parked"
    assert content(copy.parent) == before


def test_the_ledger_of_an_older_program_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "hexmagic.sqlite"
    db = sqlite3.connect(path)
    db.executescript(VERSION_1)
    db.close()
    before = content(tmp_path)
    with HardwareLedger.reading(path) as ledger:
        (run,) = ledger.runs()
        assert {job.first_shot for job in ledger.jobs(run.run_id)} >= {0}
        assert ledger.claims() == []
    assert content(tmp_path) == before


def test_the_ledger_of_a_newer_program_is_refused(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StorageError, match="ledger schema 99, this program knows"):
        Ledger.reading(path)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "hexmagic.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match="ledger: file is not a database"):
        Ledger.reading(path)


@pytest.fixture
def restless(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A ledger that seems to have changed at each look, as long as the number is not 0."""
    left = [1000]
    stamp = reading._stamp

    def moving(one: Path) -> tuple[int, ...]:
        left[0] = max(0, left[0] - 1)
        return (*stamp(one), left[0])

    assert path.is_file()
    monkeypatch.setattr(reading, "_stamp", moving)
    return left


def test_what_was_read_while_the_ledger_changed_is_read_again(
    path: Path, restless: list[int]
) -> None:
    restless[0] = 9
    assert state(path) == "running"
    assert restless == [0]


def test_a_ledger_that_changes_all_the_time_is_told_and_not_waited_for(
    path: Path, restless: list[int]
) -> None:
    with pytest.raises(StorageError, match=r"hexmagic.sqlite: ledger: it changes all the time; as"):
        state(path)
    assert restless[0] > 0
    restless[0] = 1000
    Path(f"{path}-wal").write_bytes(b"a change that nobody has taken over")
    with pytest.raises(StorageError, match=r"hexmagic.sqlite: ledger: it changes all the time; as"):
        state(path)


def test_an_answer_that_a_change_spoiled_is_asked_for_again_and_damage_is_told(path: Path) -> None:
    with Ledger.reading(path) as reader:
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        with pytest.raises(StorageError, match=r"hexmagic.sqlite: ledger: "):
            reader.runs()
        path.write_bytes(whole)


def test_a_ledger_that_somebody_has_to_himself_is_not_read_past_him(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> sqlite3.Connection:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    with Ledger(path, clock=make_clock()):
        assert Path(f"{path}-shm").exists()
        monkeypatch.setattr(reading, "_connect", busy)
        with pytest.raises(StorageError, match=r"hexmagic.sqlite: ledger: .*locked"):
            state(path)


def test_a_third_file_that_cannot_be_used_is_done_without(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, asked = reading._connect, list[str]()

    def once(one: Path, mode: str) -> sqlite3.Connection:
        asked.append(mode)
        if len(asked) == 1:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(one, mode)

    Path(f"{path}-shm").touch()
    monkeypatch.setattr(reading, "_connect", once)
    assert state(path) == "running"
    assert asked == ["mode=ro", "mode=ro&immutable=1"]


READ = """
import sys
from pathlib import Path
from hexmagic.driver.ledger.runs import Ledger
from hexmagic.driver.folder.files import StorageError
path = Path(sys.argv[1])
with Ledger.reading(path) as ledger:
    print(ledger.runs()[0].state)
try:
    with Ledger(path, clock=lambda: "now") as ledger:
        ledger.set_run_state("r", "done", detail="x" * 400_000)
except StorageError as error:
    print(error)
"""
READ_ONLY = "mount --bind $0 $0 && mount -o remount,bind,ro $0"
FULL = (
    "cp -r $0 $0.kept && mount -t tmpfs -o size=200k none $0 && cp -r $0.kept/. $0 && "
    "{ dd if=/dev/zero of=$0/rest bs=4k 2>/dev/null || true; }"
)


def where(mount: str, path: Path) -> list[str]:
    """Return what is said in a process that finds the ledger's folder on another mount."""
    words = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$1" -c "$2" "$3"', str(path.parent)]
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-m", "true"], check=False).returncode
    ):
        pytest.skip("this machine lets nobody mount a folder for one process")
    done = subprocess.run(
        [*words, sys.executable, READ, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("mount", "cause"), [(READ_ONLY, "Read-only file system"), (FULL, "No space left on device")]
)
@pytest.mark.parametrize("left", ["nothing", "-wal", "-wal and -shm"])
def test_where_nothing_can_be_written_it_is_read_and_a_writer_tells_the_cause(
    path: Path, tmp_path: Path, mount: str, cause: str, left: str
) -> None:
    """`left` is what the last writer left beside the ledger."""
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    with Ledger(path, clock=make_clock()) as writer:
        writer.set_run_state("r", "parked")
        for ending in ("", *left.split(" and ")):
            if left != "nothing":
                shutil.copy(f"{path}{ending}", copy.parent)
    if left == "nothing":
        shutil.copy(path, copy.parent)
    read, refused = where(mount, copy)
    assert read == "parked"
    assert refused.startswith(f"{copy}: ledger: ") and refused.endswith(f" ({cause})")
