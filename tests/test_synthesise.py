"""`hexmagic synthesise`: saved, taken up again, the same for the same seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from fakes.commands import Call, make_call, one_line

from hexmagic.driver.folder.files import StorageError, read_json
from hexmagic.driver.synthesis import search
from hexmagic.experiments.block import Gate
from hexmagic.experiments.patch import make_fold_patch, spider_names
from hexmagic.experiments.searched import parse_layers
from hexmagic.experiments.synthesis.anneal import Schedule
from hexmagic.experiments.synthesis.task import Task, found_block, start_search

STEPS = 7000
TASK = Task(
    stage="detection",
    scheme="fold13",
    start="first",
    objective="gates",
    seed=1,
    schedule=Schedule(steps=STEPS, cycles=2, hot=0.8, cold=0.3),
)
OPTIONS = (
    "--objective",
    "gates",
    "--start",
    "first",
    "--hot",
    "0.8",
    "--cold",
    "0.3",
    "--cycles",
    "2",
)


class KilledError(Exception):
    pass


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


def silent(_: str) -> None:
    pass


def clock_of_tens() -> Callable[[], float]:
    ticks = count(0, 10)
    return lambda: float(next(ticks))


def kill_at(line: int) -> Callable[[str], None]:
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        if len(told) == line:
            raise KilledError

    return say


@pytest.mark.parametrize("line", [1, 2])
def test_a_search_that_was_killed_ends_as_if_it_had_not_been(tmp_path: Path, line: int) -> None:
    whole = search(TASK, tmp_path / "whole.json", silent)
    with pytest.raises(KilledError):
        search(TASK, tmp_path / "killed.json", kill_at(line), clock=clock_of_tens())
    assert 0 < read_json(tmp_path / "killed.json")["step"] < STEPS
    ended = search(TASK, tmp_path / "killed.json", silent)
    assert (ended.best, ended.current, ended.step) == (whole.best, whole.current, STEPS)
    names = ("whole.json", "killed.json")
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1


def test_a_search_is_what_its_seed_makes_it(tmp_path: Path) -> None:
    first = search(TASK, tmp_path / "1.json", silent)
    other = Task(**{name: getattr(TASK, name) for name in TASK.__slots__} | {"seed": 2})
    second = search(other, tmp_path / "2.json", silent)
    assert first.current != second.current


def test_a_finished_search_is_only_shown_again(call: Call, tmp_path: Path) -> None:
    words = ("synthesise", *OPTIONS, "--steps", "50", "--format", "json")
    first = call(*words)
    state = (tmp_path / "synthesis-fold13-detection-gates-1.json").read_bytes()
    again = call(*words)
    assert first.exit_code == again.exit_code == 0
    assert json.loads(first.stdout) == json.loads(again.stdout)
    assert (tmp_path / "synthesis-fold13-detection-gates-1.json").read_bytes() == state


def test_what_it_prints_is_the_certified_circuit(call: Call) -> None:
    document = json.loads(
        call("synthesise", *OPTIONS, "--steps", str(STEPS), "--format", "json").stdout
    )
    running = start_search(TASK)
    running.advance(STEPS)
    block = found_block(TASK, running, running.best)
    gates = parse_layers("\n".join(document["layers"]), spider_names(make_fold_patch(3)))
    assert in_order(gates) == in_order(block.gates)
    counts = document["certificate"]
    assert (counts["detection"], counts["correction"]) == (0, 0)
    assert document["best"]["two_qubit"] == block.two_qubit_gates <= 50
    assert document["best"]["cost"] < document["start"]["cost"]
    assert len(document["reads"]) == 6


def in_order(gates: tuple[Gate, ...]) -> dict[int, list[Gate]]:
    """Return each qubit's gates in their order: equal for equal circuits."""
    return {q: [gate for gate in gates if q in gate[1:]] for gate in gates for q in gate[1:]}


def test_the_text_says_what_the_search_costs_and_what_is_read(call: Call) -> None:
    stage = ("--stage", "hadamard", "--scheme", "fold14", "--start", "first")
    done = call("synthesise", *stage, "--steps", "20")
    assert done.exit_code == 0
    assert "certify: 0 / 0 of 1" in done.stdout
    assert "    r: hadamard" in done.stdout
    assert "    x1>f1 x2>f2 x3>f3" in done.stdout


def test_a_state_of_another_search_is_refused(call: Call) -> None:
    assert call("synthesise", "--steps", "5", "--state", "s.json").exit_code == 0
    done = call("synthesise", "--steps", "5", "--seed", "2", "--state", "s.json")
    assert done.exit_code == 2
    assert "seed 1, not 2" in one_line(done)


@pytest.mark.parametrize("text", ["[]", "{}", '{"version": 1, "task": {}}'])
def test_a_file_that_is_no_state_is_refused(call: Call, tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    done = call("synthesise", "--steps", "5", "--state", "s.json")
    assert done.exit_code == 2
    assert "not the state of a search" in one_line(done)


def test_a_state_that_cannot_be_written_is_one_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = call("synthesise", "--steps", "5", "--state", "file/s.json")
    assert done.exit_code == 4
    assert "cannot be written" in one_line(done)


def test_a_damaged_state_is_no_reason_to_start_anew(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"version": 1')
    with pytest.raises(StorageError, match="not a JSON file"):
        search(TASK, tmp_path / "s.json", silent)


def test_tree16_has_no_earlier_h_m(call: Call) -> None:
    done = call(
        "synthesise",
        *("--scheme", "tree16", "--stage", "hadamard", "--start", "first", "--steps", "5"),
    )
    assert done.exit_code == 2
    assert "use shipped" in one_line(done)
