"""Damaged run folders and ledgers: every verb says in one line what is wrong, or does without it.

A damaged file never ends in an internal error. A case is told by the file's name and its number.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from fakes.commands import Call, make_call
from fakes.damage import damage_bytes, damage_json, damage_ledger
from fakes.world import make_services, write_spec

from hexmagic.driver.ledger.runs import LEDGER_NAME
from hexmagic.driver.start import run

FILES = (
    "plan.json",
    "provenance.json",
    "calibration/*",
    "circuits/*.record.json",
    "shots/*",
    "tables/f*.parquet",
)
LEDGER = "ledger"
LOOKS = (("list",), ("status",), ("table", "latest"), ("table", "latest", "--kind", "jobs"))
STEPS = (("report", "latest"), ("run", "--resume", "latest"), ("tick",), ("status",))
CODES = (0, 2, 4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs directory with a run that is done."""
    folder = tmp_path_factory.mktemp("whole")
    run(write_spec(folder), runs=folder / "runs", services=make_services())
    return folder / "runs"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


def damaged(whole: Path, place: Path, what: str, number: int) -> Path:
    """Return a copy of the runs directory in which something is damaged."""
    runs, dice = place / "runs", random.Random(f"{what} {number}")
    shutil.rmtree(runs, ignore_errors=True)
    shutil.copytree(whole, runs)
    if what == LEDGER:
        damage_ledger(runs / LEDGER_NAME, dice)
        return runs
    path = dice.choice(sorted(runs.glob(f"*/{what}")))
    damage = damage_json if path.suffix == ".json" and dice.random() < 0.75 else damage_bytes
    path.write_bytes(damage(path.read_bytes(), dice))
    return runs


def assert_told(result: Result, case: tuple[str, int, Sequence[str]]) -> None:
    """Check that a verb ended as verbs do, and said in a line why if it failed."""
    assert result.exit_code in CODES, (case, result.output)
    assert "internal error" not in result.stderr, (case, result.stderr)
    assert "Traceback" not in result.output, (case, result.output)
    if result.exit_code == 2:
        assert len(result.stderr.splitlines()) == 1 or "run" in case[2], (case, result.stderr)
    assert result.exit_code == 0 or result.output.strip(), case


def fuzz(
    call: Call, whole: Path, place: Path, what: str, numbers: range, verbs: Sequence[Sequence[str]]
) -> Counter[int]:
    """Damage a file so many times and use the verbs; return how often each exit code came."""
    codes: Counter[int] = Counter()
    for number in numbers:
        runs = damaged(whole, place, what, number)
        for words in verbs:
            result = call(*words, "--runs", runs)
            assert_told(result, (what, number, words))
            codes[result.exit_code] += 1
    return codes


@pytest.mark.parametrize("what", [*FILES, LEDGER])
def test_a_damaged_file_is_told_by_what_looks_at_a_run(
    call: Call, whole: Path, tmp_path: Path, what: str
) -> None:
    codes = fuzz(call, whole, tmp_path, what, range(6), LOOKS)
    assert codes[0] and codes[4]


@pytest.mark.slow
@pytest.mark.parametrize("what", [*FILES, LEDGER])
def test_a_damaged_file_is_told_by_what_goes_on_with_a_run(
    call: Call, whole: Path, tmp_path: Path, what: str
) -> None:
    codes = fuzz(call, whole, tmp_path, what, range(100, 112), STEPS)
    codes += fuzz(call, whole, tmp_path, what, range(200, 260), LOOKS)
    assert codes[0] and codes[4]


def test_a_database_of_another_program_is_left_as_it_is(
    call: Call, whole: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(whole, runs)
    (runs / LEDGER_NAME).unlink()
    with closing(sqlite3.connect(runs / LEDGER_NAME)) as db:
        db.execute("CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url TEXT)")
    before = (runs / LEDGER_NAME).read_bytes()
    for words in (("list",), ("run", "--resume", "latest"), ("tick",)):
        result = call(*words, "--runs", runs)
        assert result.exit_code == 4
        assert "another program's database" in result.stderr.splitlines()[-1]
    assert (runs / LEDGER_NAME).read_bytes() == before


def test_a_copy_that_nothing_was_done_to_is_whole(call: Call, whole: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(whole, runs)
    assert [call(*words, "--runs", runs).exit_code for words in (*LOOKS, *STEPS)] == [0] * 8
