"""`on_done`: a command that is told of a run's end, once, whatever it does itself."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path

import pytest
from fakes.hardware import EMULATED, SPEC, KilledError, World, make_world
from fakes.processes import StopAfter

from hexmagic.backends.remote import UnclearError
from hexmagic.driver import hooks
from hexmagic.driver.start import run

ONE = SPEC.replace("shots: 300", "shots: 100")
NOTES = "notes.jsonl"
SCRIPT = """\
import json, os, sys
told = {k: v for k, v in os.environ.items() if k.startswith("HEXMAGIC_")}
told |= {"folder": os.getcwd(), "stdin": sys.stdin.read(), "words": sys.argv[1:]}
with open(os.path.dirname(os.path.abspath(__file__)) + "/notes.jsonl", "a") as file:
    file.write(json.dumps(told) + "\\n")
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "hook.py").write_text(SCRIPT)
    return make_world(tmp_path, monkeypatch)


def hook(world: World, command: str = "") -> str:
    """Return the line of an experiment that notes each end, or one with another command."""
    words = command or f"{sys.executable} {world.path / 'hook.py'} 'two words'"
    return f"on_done: {json.dumps(words)}\n"


def notes(world: World) -> list[dict[str, object]]:
    """Return what the hook was told, each time."""
    path = world.path / NOTES
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def finish(world: World, code: int = 0) -> str:
    world.remote.end()
    return world.tick(code=code).stdout


def test_it_is_told_of_the_run_in_its_folder_without_a_shell(world: World) -> None:
    folder = world.start(hook(world), text=ONE)
    assert notes(world) == []
    finish(world)
    (note,) = notes(world)
    assert {key: note[key] for key in ("HEXMAGIC_RUN", "HEXMAGIC_STATE")} == {
        "HEXMAGIC_RUN": folder.run_id,
        "HEXMAGIC_STATE": "done",
    }
    assert note["folder"] == note["HEXMAGIC_FOLDER"] == str(folder.path.resolve())
    assert (note["stdin"], note["words"]) == ("", ["two words"])


def test_a_dollar_is_a_dollar(world: World) -> None:
    script = shlex.quote(str(world.path / "hook.py"))
    world.start(hook(world, f"{sys.executable} {script} $HOME ; *"), text=ONE)
    finish(world)
    assert notes(world)[0]["words"] == ["$HOME", ";", "*"]


def test_ticks_after_the_end_do_not_repeat_it(world: World) -> None:
    world.start(hook(world), text=ONE)
    finish(world)
    for _ in range(3):
        world.tick(code=0)
    assert len(notes(world)) == 1


def test_tables_and_report_are_there_when_it_is_called(world: World) -> None:
    listing = "import os, sys; sys.exit(' '.join(sorted(os.listdir('.'))))"
    world.start(hook(world, f'{sys.executable} -c "{listing}"'), text=ONE)
    said = finish(world)
    assert "report.html" in said and "tables" in said and "shots" in said


@pytest.mark.parametrize("where", ["subprocess.run", "hexmagic.driver.ledger.Ledger.set_run_state"])
def test_a_crash_at_the_end_does_not_call_it_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KilledError

    world.start(hook(world), text=ONE)
    world.remote.end()
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(where, killed)
        world.tick()
    world.tick(code=0)
    assert world.state() == "done"
    assert len(notes(world)) == (0 if where == "subprocess.run" else 1)


def test_each_end_is_told_a_parked_run_then_a_done_one(world: World) -> None:
    world.remote.fail("post", UnclearError("lost"))
    world.start(hook(world), text=ONE)
    world.clock.advance(121)
    world.tick()
    world.tick(code=4)
    world.tick(code=4)
    assert [note["HEXMAGIC_STATE"] for note in notes(world)] == ["parked"]
    world.tick("--resubmit", "latest", code=75)
    finish(world)
    assert [note["HEXMAGIC_STATE"] for note in notes(world)] == ["parked", "done"]


def test_a_failed_run_and_its_second_attempt_are_two_ends(world: World) -> None:
    world.start(hook(world), text=ONE)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    world.call("run", "--resume", "latest", "--no-wait")
    finish(world)
    assert [note["HEXMAGIC_STATE"] for note in notes(world)] == ["failed", "done"]


def test_a_cancelled_run_is_an_end(world: World) -> None:
    world.start(hook(world), text=ONE)
    world.call("cancel", "latest")
    world.tick()
    assert [note["HEXMAGIC_STATE"] for note in notes(world)] == ["cancelled"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("false", "on_done: false: exit code 1"),
        (f"{sys.executable} -c \"import sys; sys.exit('no mail today')\"", "no mail today"),
        ("no-such-command-at-all", "No such file or directory: 'no-such-command-at-all'"),
        ("/", "Permission denied"),
    ],
)
def test_one_that_fails_is_told_and_changes_nothing(world: World, command: str, words: str) -> None:
    world.start(hook(world, command), text=ONE)
    said = finish(world)
    assert words in said
    assert world.state() == "done"


def test_one_that_hangs_is_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "WALL_SECONDS", 0.3)
    world.start(hook(world, "sleep 30"), text=ONE)
    begun = time.monotonic()
    said = finish(world)
    assert time.monotonic() - begun < 10
    assert "timed out after 0.3 seconds" in said
    assert world.state() == "done"


def test_one_that_leaves_a_child_behind_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "WALL_SECONDS", 0.3)
    world.start(hook(world, "sh -c 'sleep 5 & sleep 5'"), text=ONE)
    begun = time.monotonic()
    finish(world)
    assert time.monotonic() - begun < 3


def test_an_emulated_run_calls_it_too(world: World) -> None:
    result = world.call("run", world.spec(hook(world), text=EMULATED))
    assert result.exit_code == 0
    assert [note["HEXMAGIC_STATE"] for note in notes(world)] == ["done"]


def test_one_of_an_emulated_run_that_fails_is_told_on_standard_error(world: World) -> None:
    assert world.call("run", world.spec(hook(world, "false"), text=EMULATED)).exit_code == 0
    assert world.told == ["on_done: false: exit code 1"]


def test_an_interrupt_is_no_end(world: World) -> None:
    spec = world.spec(hook(world), text=EMULATED)
    with pytest.raises(KeyboardInterrupt):
        run(spec, services=world.services, progress=StopAfter(3))
    assert notes(world) == []
    world.tick(code=0)
    assert [note["HEXMAGIC_STATE"] for note in notes(world)] == ["done"]


def test_an_emulated_run_that_has_ended_does_not_call_it_again_when_resumed(world: World) -> None:
    world.call("run", world.spec(hook(world), text=EMULATED))
    assert world.call("run", "--resume", "latest").exit_code == 0
    assert len(notes(world)) == 1
