"""How a command line ends: its exit code, its one line, and what it says beside its result."""

from __future__ import annotations

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from fakes.commands import Call, make_call, one_line
from fakes.world import make_services, write_spec

from hexmagic.driver.cli import main as command_line
from hexmagic.driver.cli.main import cli
from hexmagic.driver.cli.results import write_output
from hexmagic.driver.error_lines import describe_error
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.progress import show_progress
from hexmagic.driver.run import Run
from hexmagic.driver.start import run
from hexmagic.experiments.errors import UsageError


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


# --- the process ----------------------------------------------------------------------------------


def test_without_a_verb_the_help_is_shown_and_it_is_a_usage_error(call: Call) -> None:
    result = call()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: hexmagic" in result.stderr and "Exit codes: " in result.stderr


def test_an_interrupt_while_the_command_line_is_read_is_one(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "parse_args", stop)
    result = call("list")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert result.stderr.strip() == "interrupted"


def test_on_a_terminal_the_line_about_an_interrupt_is_not_behind_the_echo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert command_line._interrupted(KeyboardInterrupt()) == 130
    assert terminal.getvalue() == "\ninterrupted\n"


def test_a_command_line_works_in_a_thread_where_no_signal_can_be_caught(call: Call) -> None:
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(call, "list").result()
    assert (result.exit_code, result.stdout) == (0, "no runs in runs\n")


def test_what_a_person_can_do_about_an_error_is_in_its_line() -> None:
    said = describe_error(MemoryError())
    assert said == ("out of memory; ask for fewer shots or workers", 4)
    assert describe_error(click.UsageError("no such thing")) == ("no such thing", 2)
    with_command = click.UsageError("no such thing", click.Context(cli, info_name="hexmagic"))
    assert describe_error(with_command) == ("hexmagic: no such thing (see `hexmagic --help`)", 2)


# --- run and cancel -------------------------------------------------------------------------------


def test_a_number_of_workers_is_not_a_clusters(call: Call, tmp_path: Path) -> None:
    result = call("run", write_spec(tmp_path), "--workers", 2, "--executor", "tcp://host:8786")
    assert result.exit_code == 2
    assert one_line(result).startswith("--workers 2: a cluster has its own number of workers")
    assert not (tmp_path / "runs").exists()


def test_to_cancel_where_there_is_no_runs_directory_is_a_usage_error(
    call: Call, tmp_path: Path
) -> None:
    result = call("cancel", "latest")
    assert result.exit_code == 2
    assert one_line(result) == "runs: no runs yet"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("works", [0, 1])
def test_a_report_for_junit_that_cannot_be_written_is_one_line(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: int
) -> None:
    """At the start nothing is run; at the end the run is there."""
    left = iter(range(works))

    def full(path: Path, _content: bytes) -> None:
        if next(left, None) is None:
            raise StorageError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("hexmagic.driver.cli.junit.write_bytes", full)
    result = call("run", write_spec(tmp_path), "--shots", 10, "--junit", "r.xml")
    assert result.exit_code == (4 if works else 2)
    line = result.stderr.splitlines()[-1]
    assert line.startswith("--junit r.xml: cannot be written: No space left on device")
    assert line.endswith("give another name") == (not works)
    assert len(list(tmp_path.glob("runs/*/report.html"))) == works


# --- results --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Runs of two experiments without a common point, and a third of those of the first."""
    folder = tmp_path_factory.mktemp("three")
    other = (("scheme: fold13", "scheme: fold14"), ("[bare]", "[encoded]"))
    named = [(("name: tiny", f"name: {name}"),) for name in ("one", "two", "three")]
    changes = [named[0], (*named[1], *other), named[2]]
    return [
        run(write_spec(folder, *one), runs=folder, services=make_services(), shots=10)
        for one in changes
    ]


def test_runs_that_share_no_point_are_not_compared(three: list[Run], call: Call) -> None:
    result = call("compare", three[0].folder, three[1].folder)
    assert result.exit_code == 2
    assert "no point has the same label in two of them; `hexmagic table RUN`" in one_line(result)


def test_what_a_compared_run_lacks_is_said_beside_the_table(three: list[Run], call: Call) -> None:
    next((three[2].folder / "shots").glob("p001-Z-*")).write_bytes(b"x")
    result = call("compare", three[0].folder, three[2].folder, "--format", "json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)
    assert "bare in Z: 0 of 10 shots" in result.stderr


def test_a_goal_that_was_not_reached_is_said_beside_every_table(
    three: list[Run], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "shortfalls", lambda _: ("bare in X: relative error 0.5",))
    result = call("table", three[0].folder)
    assert result.exit_code == 0
    assert result.stderr == f"{three[0].id}: short of its goal: bare in X: relative error 0.5\n"


def test_parquet_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(UsageError, match=r"^--format parquet: is not text; name a file with -o$"):
        write_output(b"PAR1", "parquet", None)
    assert terminal.getvalue() == ""


def test_the_overhead_without_runs_is_that_of_the_paper_too() -> None:
    result = CliRunner().invoke(cli, ["overhead", "--format", "json"])
    assert result.exit_code == 0
    assert {"comparison", "fits"} < set(json.loads(result.stdout))


# --- progress -------------------------------------------------------------------------------------


def test_on_a_terminal_progress_is_a_bar_of_shots(three: list[Run]) -> None:
    terminal = Terminal()
    with show_progress(40, terminal) as progress:
        for shard in three[0]._folder.shards:
            progress.advance(shard)
    assert "shots" in terminal.getvalue() and "40/40" in terminal.getvalue()


# --- certificates ---------------------------------------------------------------------------------


def test_a_measurement_of_h_has_no_certificate_beside_those_of_the_state(
    call: Call, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path, ("[X, Z]", "[X, Z, H]"), ("baselines: [bare]\n", ""))
    document = json.loads(call("certify", spec, "--format", "json").stdout)
    assert [circuit["basis"] for circuit in document["circuits"]] == ["X", "Z"]
