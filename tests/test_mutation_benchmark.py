"""Which of mutmut's changes are the same program: letter case of SQL, and of nothing else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load(name: str) -> ModuleType:
    folder = str(ROOT / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


same, mutation = load("mutation_same"), load("mutation")


@pytest.mark.parametrize(
    ("original", "changed"),
    [
        ('do("SELECT * FROM runs")', 'do("select * from runs")'),
        ('do("SELECT * FROM runs")', 'do("SELECT * FROM RUNS")'),
        ("do(\"DELETE FROM a WHERE b = 'c'\")", "do(\"delete from a where b = 'c'\")"),
        ('do("INSERT INTO a " "(b, c)")', 'do("INSERT INTO a " "(B, C)")'),
        ('do(f"UPDATE a SET {b}, " "c = ?")', 'do(f"UPDATE a SET {b}, " "C = ?")'),
        ("x = \"IN ('done')\"", "x = \"in ('done')\""),
        ('do(" WHERE run_id = ?", 1)', 'do(" where run_id = ?", 1)'),
        ('do("tried = ?, refusal = ?")', 'do("TRIED = ?, REFUSAL = ?")'),
        ('do("journal_mode = WAL")', 'do("journal_mode = wal")'),
        ('do("SELECT COUNT(*) AS posts FROM a")', 'do("select count(*) as posts from a")'),
        ('do("SELECT a FROM b AS r WHERE r.c = 1")', 'do("SELECT A FROM B AS R WHERE R.C = 1")'),
    ],
)
def test_letter_case_of_sql_is_no_change(original: str, changed: str) -> None:
    assert is_same(original, changed)


@pytest.mark.parametrize(
    ("original", "changed"),
    [
        ('do("SELECT * FROM runs")', 'do("XXSELECT * FROM runsXX")'),
        ('do("SELECT * FROM runs")', 'do("SELECT * FROM run")'),
        ("do(\"DELETE FROM a WHERE b = 'c'\")", "do(\"DELETE FROM A WHERE B = 'C'\")"),
        ('do("UPDATE a SET " "b = \'C\'")', 'do("update a set " "b = \'c\'")'),
        ("do(\"state = 'ended'\")", "do(\"STATE = 'ENDED'\")"),
        ('do("SELECT COUNT(*) AS posts FROM a")', 'do("SELECT COUNT(*) AS POSTS FROM A")'),
        ('do("SELECT a FROM b", c)', 'do("select a from b", None)'),
        ('do("SELECT a FROM b", c)', 'do("SELECT a FROM b", None)'),
        ('do("SELECT a FROM b", "c")', 'do("SELECT a FROM b", "C")'),
        ('x = row["state"]', 'x = row["STATE"]'),
        ('error("from here it is damaged")', 'error("FROM HERE IT IS DAMAGED")'),
        ("x = 1", "x = 2"),
    ],
)
def test_any_other_change_is_one(original: str, changed: str) -> None:
    assert not is_same(original, changed)


def is_same(original: str, changed: str) -> bool:
    functions = [
        same.ast.parse(f"def f__mutmut_{name}(c):\n    {line}").body[0]
        for name, line in (("orig", original), ("1", changed))
    ]
    return bool(same.is_same(*functions))


def test_the_mutants_of_a_file_are_held_against_their_own_original(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(
        'def x_a__mutmut_orig():\n    do("SELECT 1")\n'
        'def x_a__mutmut_1():\n    do("select 1")\n'
        "def x_a__mutmut_2():\n    do(None)\n"
        'class C:\n    def xǁCǁa__mutmut_orig(self):\n        do("SELECT a")\n'
        '    def xǁCǁa__mutmut_1(self):\n        do("SELECT A")\n',
        encoding="utf-8",
    )
    names = ["m.a.x_a__mutmut_1", "m.a.x_a__mutmut_2", "m.a.xǁCǁa__mutmut_1"]
    assert same.same_programs(file, names) == {names[0], names[2]}


def test_the_share_is_of_the_mutants_that_are_another_program() -> None:
    found = {
        "a.py": {"1": "killed", "2": "survived", "3": "same program", "4": "killed"},
        "b.py": {"5": "untested"},
    }
    assert mutation.table(found).splitlines()[2:] == [
        "| a.py | 4 | 2 | 1 | 0 | 1 | 66.7% |",
        "| b.py | 1 | 0 | 0 | 1 | 0 | 0.0% |",
        "| together | 5 | 2 | 1 | 1 | 1 | 50.0% |",
    ]


@pytest.mark.parametrize("part", mutation.PARTS)
def test_what_is_changed_and_the_tests_that_are_run_are_there(part: str) -> None:
    changed, tests = mutation.PARTS[part]
    missing = [name for name in changed if not (ROOT / name).is_file()]
    assert missing + [name for name in tests if not (ROOT / "tests" / name).is_file()] == []
