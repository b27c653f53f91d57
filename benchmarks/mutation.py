"""Mutation testing of post-selection and of the ledger: how many small faults the tests find.

    make mutation
    python benchmarks/mutation.py [--part post-selection|ledger] [--survivors]

mutmut changes one thing at a time (a number, an operator, a text, an argument), and runs the tests
that reach it until one fails. It wants a package in one folder, so the four folders are copied into
one, with the tests, under build/mutation. It takes from half an hour to hours, and leaves alone
decorated functions and what stands outside functions. Changes that leave the program as it was, to
the letter case of SQL, are counted apart: no test could notice them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mutation_same import same_programs

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutation"
FOLDERS = ("experiments", "backends", "analysis", "driver")
PARTS = {
    "post-selection": (
        (
            "analysis/judge.py",
            "analysis/postselect.py",
            "analysis/cut_counts.py",
            "experiments/counts.py",
            "experiments/criteria.py",
            "experiments/readout_decoder.py",
            "experiments/shots.py",
        ),
        (
            "test_judge.py",
            "test_postselect.py",
            "test_twelve_shots.py",
            "test_counts.py",
            "test_criteria.py",
            "test_cut_counts.py",
            "test_shots.py",
        ),
    ),
    "ledger": (
        (
            "driver/ledger/hardware.py",
            "driver/ledger/jobs.py",
            "driver/ledger/reading.py",
            "driver/ledger/runs.py",
            "driver/ledger/schedules.py",
            "driver/ledger/submissions.py",
        ),
        (
            "test_ledger.py",
            "test_ledger_claims.py",
            "test_ledger_fates.py",
            "test_ledger_reading.py",
            "test_ledger_reading_ways.py",
            "test_ledger_remotes.py",
            "test_ledger_rows.py",
            "test_ledger_schedules.py",
            "test_ledger_submissions.py",
            "test_ledger_upgrade.py",
        ),
    ),
}
"""What is changed, and the tests that are run."""

KILLED, SURVIVED, UNTESTED, SAME = "killed", "survived", "untested", "same program"
_OUTCOMES = {0: SURVIVED, 5: UNTESTED, 33: UNTESTED}
"""mutmut's exit codes of a changed program; any other is a test that failed or never ended."""


def copy_tree(work: Path, part: str) -> None:
    """Write the package in one folder, the tests beside it and what mutmut is to do."""
    shutil.rmtree(work, ignore_errors=True)
    package = work / "hexmagic"
    shutil.copytree(ROOT / "src" / "hexmagic", package, ignore=lambda *_: FOLDERS)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, package / folder, ignore=_no_caches)
    shutil.copytree(ROOT / "tests", work / "tests", ignore=_no_caches)
    (work / "experiments").symlink_to("hexmagic/experiments")
    changed, tests = PARTS[part]
    settings = {
        "source_paths": ["hexmagic"],
        "only_mutate": [f"hexmagic/{name}" for name in changed],
        "also_copy": ["tests", "experiments"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow"],
        "pytest_add_cli_args_test_selection": [f"tests/{name}" for name in tests],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (work / "pyproject.toml").write_text(
        f"{_pytest_settings()}\n[tool.mutmut]\n" + "\n".join(lines) + "\n"
    )


def outcomes(work: Path) -> dict[str, dict[str, str]]:
    """Return by file what became of each mutant: killed, survived, untested or the same program.

    Raises:
        SystemExit: mutmut has left a mutant out.
    """
    found: dict[str, dict[str, str]] = {}
    for path in sorted((work / "mutants").rglob("*.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        if None in codes.values():
            raise SystemExit(f"{path}: mutants that were not tried: mutmut did not end")
        if codes:
            name = str(path.relative_to(work / "mutants" / "hexmagic")).removesuffix(".meta")
            became = {key: _OUTCOMES.get(code, KILLED) for key, code in codes.items()}
            left = [key for key, what in became.items() if what != KILLED]
            found[name] = became | dict.fromkeys(same_programs(path.with_suffix(""), left), SAME)
    return found


def table(found: dict[str, dict[str, str]]) -> str:
    """Return the outcomes as Markdown, a row a file and their sum; the share is of what differs."""
    lines = [
        "| file | mutants | killed | survived | untested | same program | share killed |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    total: Counter[str] = Counter()
    for name, mutants in found.items():
        counts = Counter(mutants.values())
        total += counts
        lines.append(_row(name, counts))
    return "\n".join([*lines, _row("together", total)])


def _row(name: str, counts: Counter[str]) -> str:
    every = counts.total()
    cells = [str(counts[kind]) for kind in (KILLED, SURVIVED, UNTESTED, SAME)]
    share = counts[KILLED] / (every - counts[SAME])
    return f"| {name} | {every} | {' | '.join(cells)} | {share:.1%} |"


def _no_caches(_: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__"}


def _pytest_settings() -> str:
    """Return pytest's section of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text()
    section = text[text.index("[tool.pytest.ini_options]") :]
    return section[: section.index("\n[", 1) + 1]


def main() -> None:
    """Run mutmut and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--survivors", action="store_true", help="list what no test noticed")
    asked = parser.parse_args()
    for part in asked.part or PARTS:
        work = WORK / part
        copy_tree(work, part)
        subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", "2"], cwd=work, check=True
        )
        found = outcomes(work)
        print(f"\n{part}\n\n{table(found)}")
        if asked.survivors:
            for mutants in found.values():
                left = [key for key, what in mutants.items() if what in (SURVIVED, UNTESTED)]
                print("\n".join(left), end="\n" if left else "")


if __name__ == "__main__":
    main()
