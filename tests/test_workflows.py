"""The workflows: they parse, run what exists, hold no secret, and test what pyproject promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from hexmagic.driver.cli.main import cli

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ["3.12", "3.13", "3.14"]
FILE = re.compile(r"(?<![\w$./{-])(?:experiments|docs|benchmarks|tests|\.ci|\.venv/bin)/[\w./-]+")


def load(path: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    document["on"] = document.pop(True)  # YAML 1.1 takes the key `on` for a truth value
    return document


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found = load(path)["jobs"]
    assert isinstance(found, dict)
    return found


def scripts(path: Path) -> list[str]:
    return [step["run"] for job in jobs(path).values() for step in job["steps"] if "run" in step]


def words(text: str, command: str) -> set[str]:
    """Return the word behind every call of a command."""
    return set(re.findall(rf"(?m)(?:^|[\s;/]){command} ([\w.-]+)", text))


def targets() -> set[str]:
    return set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))


def matrix(job: dict[str, Any]) -> set[tuple[str, str]]:
    """Return (python, dependencies) of every job that GitHub makes of a matrix."""
    said = dict(job["strategy"]["matrix"])
    more = said.pop("include", [])
    product = {(p, d) for p in said["python"] for d in said["dependencies"]}
    return product | {(one["python"], one["dependencies"]) for one in more}


def test_there_are_workflows_for_tests_nightly_docs_and_dry_runs() -> None:
    assert [path.stem for path in WORKFLOWS] == ["docs", "dry_run", "nightly", "tests"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_ends_in_time(path: Path) -> None:
    document = load(path)
    assert document["permissions"] == {"contents": "read"}
    assert "workflow_dispatch" in document["on"]
    for job in jobs(path).values():
        assert 0 < job["timeout-minutes"] <= 300
        assert job["steps"][0]["uses"].startswith("actions/checkout@")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_holds_no_secret_and_no_index(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"secrets\.|token|password|api[_-]?key|index-url|https?://", text, re.I)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_githubs_own_in_a_major_version(path: Path) -> None:
    used = [step["uses"] for job in jobs(path).values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_is_there(path: Path) -> None:
    for script in scripts(path):
        assert words(script, "make") <= targets()
        assert words(script, "hexmagic") <= cli.commands.keys()
        assert [name for name in FILE.findall(script) if not (ROOT / name).exists()] == []
        extras = {
            name for said in re.findall(r"\.\[([\w,]+)\]", script) for name in said.split(",")
        }
        assert extras <= PROJECT["optional-dependencies"].keys()
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_tests_run_on_every_python_with_the_oldest_and_the_newest_dependencies() -> None:
    every = jobs(ROOT / ".github/workflows/tests.yml")
    newest = {(python, "newest") for python in PYTHONS}
    assert matrix(every["test"]) == newest | {("3.12", "oldest"), ("3.12", "pinned")}
    assert every["wheel"]["strategy"]["matrix"]["python"] == PYTHONS
    conditions = [step["if"] for step in every["test"]["steps"] if "if" in step]
    asked = re.findall(r"matrix.dependencies == '(\w+)'", " ".join(conditions))
    assert sorted(asked) == sorted({dependencies for _, dependencies in matrix(every["test"])})


def test_the_pythons_that_pyproject_names_are_tested() -> None:
    promised = {
        name.removeprefix("Programming Language :: Python :: ")
        for name in PROJECT["classifiers"]
        if name.startswith("Programming Language :: Python :: ")
    }
    assert promised <= set(PYTHONS)
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"


def test_every_dependency_has_a_lower_bound_for_the_oldest_run_to_take() -> None:
    extras = (one for extra in PROJECT["optional-dependencies"].values() for one in extra)
    unbound = [one for one in (*PROJECT["dependencies"], *extras) if ">=" not in one]
    assert unbound == []


@pytest.mark.parametrize("name", ["nightly", "dry_run"])
def test_a_scheduled_workflow_has_a_time_that_exists(name: str) -> None:
    (entry,) = load(ROOT / f".github/workflows/{name}.yml")["on"]["schedule"]
    minute, hour, day, month, weekday = entry["cron"].split()
    assert int(minute) in range(1, 60), "on the hour, when the service is busiest"
    assert int(hour) in range(24)
    assert (day, month) == ("*", "*")
    assert weekday == "*" or int(weekday) in range(7)


def test_the_hooks_before_a_commit_are_those_of_make_check() -> None:
    document = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = document["repos"]
    assert repository["repo"] == "local"
    check = (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    for hook in repository["hooks"]:
        program, *rest = hook["entry"].removeprefix(".venv/bin/").split()
        asked = [word for word in rest if not word.startswith("-")]
        assert hook["language"] == "system"
        assert re.search(rf"\(BIN\)/{program}\b", check)
        assert all(word in check for word in asked)


@pytest.mark.slow
def test_the_dry_run_meets_what_its_experiment_expects(tmp_path: Path) -> None:
    (script,) = [s for s in scripts(ROOT / ".github/workflows/dry_run.yml") if "--junit" in s]
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    (suite,) = ElementTree.parse(tmp_path / "junit/ci_h.xml").iter("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")
