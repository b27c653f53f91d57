"""Speed where people wait: what is imported for it, and the processor time that it takes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = str(ROOT / "experiments" / "steane_h.yaml")
HEXMAGIC = Path(sys.executable).with_name("hexmagic")
ATTEMPTS = 5

LOADED = """\
import atexit, sys
atexit.register(lambda: print("loaded", *{name.split(".")[0] for name in sys.modules}))
"""
HEAVY = {"numpy", "pandas", "pyarrow", "pydantic", "qiskit", "rich", "jinja2", "yaml", "clifft"}
HEAVIEST = {"qiskit_ibm_runtime", "pandas", "marimo", "distributed", "requests"}


def loaded(code: str, environment: Mapping[str, str] | None = None) -> set[str]:
    """Return the names of all packages that are loaded when a program ends."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED + code],
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def hexmagic(*words: str) -> str:
    return f"from hexmagic.driver.cli.main import cli; cli.main({list(words)!r})"


def within(limit: float, stored: Path, *words: str) -> float:
    """Return a command's processor time: the least of some attempts, or the first that will do.

    Each attempt finds an empty store of certificates in a folder of its own below `stored`.
    """
    least = float("inf")
    for attempt in range(ATTEMPTS):
        env = os.environ | {"HEXMAGIC_CACHE": str(stored / str(attempt))}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([HEXMAGIC, *words], env=env, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if least <= limit:
            break
    return least


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("--version",)])
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    found = loaded(hexmagic(*words))
    assert "click" in found
    assert found & (HEAVY | HEAVIEST) == set()


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded("import hexmagic") & (HEAVY | HEAVIEST | {"click"}) == set()


def test_check_loads_neither_the_client_nor_what_only_tables_need(tmp_path: Path) -> None:
    found = loaded(hexmagic("check", SPEC), {"HEXMAGIC_CACHE": str(tmp_path)})
    assert "qiskit" in found
    assert found & HEAVIEST == set()


def test_tables_are_made_without_qiskit() -> None:
    found = loaded("import hexmagic.driver.results, hexmagic.driver.run")
    assert "pandas" in found
    assert found & {"qiskit", "qiskit_ibm_runtime", "qiskit_aer", "clifft"} == set()


def test_help_takes_half_a_second_at_most(tmp_path: Path) -> None:
    assert within(0.5, tmp_path, "--help") <= 0.5


def test_check_of_the_demo_takes_three_seconds_at_most_with_nothing_stored(tmp_path: Path) -> None:
    assert within(3.0, tmp_path, "check", SPEC) <= 3.0
    assert any(tmp_path.rglob("*.npz")), "certificates were made, not found"
