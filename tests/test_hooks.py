"""`on_done`: a command that is told of a run's end, once, whatever it does itself."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    "where", ["subprocess.Popen", "hexmagic.driver.ledger.runs.Ledger.set_run_state"]
)
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
    assert len(notes(world)) == (0 if where == "subprocess.Popen" else 1)


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
        (
            "false",
            "\n  problem: on_done: false: exit code 1; this changes neither the run nor the exit ",
        ),
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


def test_one_that_fails_while_somebody_waits_is_told(world: World) -> None:
    world.remote.at_once = True
    world.site("[ibm]\npoll_seconds = 0.01\n")
    result = world.call("run", world.spec(hook(world, "false"), text=ONE))
    assert (result.exit_code, world.state()) == (0, "done")
    assert "problem: on_done: false: exit code 1" in result.stderr


def test_one_that_hangs_is_killed_with_all_that_it_has_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "WALL_SECONDS", 0.3)
    world.start(hook(world, "sh -c 'echo $$ > ../../pid; sleep 30; true'"), text=ONE)
    begun = time.monotonic()
    said = finish(world)
    assert time.monotonic() - begun < 10
    assert "timed out after 0.3 seconds and was killed" in said
    assert world.state() == "done"
    with pytest.raises(ProcessLookupError):
        for _ in range(200):  # whoever takes in orphans may be late
            os.killpg(int((world.path / "pid").read_text()), 0)
            time.sleep(0.01)


def test_an_interrupt_does_not_leave_one_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(process: Any, seconds: float | None = None) -> int:
        if seconds is None:
            return wait(process)
        raise KeyboardInterrupt

    def killing(group: int, _: int) -> None:
        killed.append(group)
        os.kill(group, signal.SIGKILL)

    wait = subprocess.Popen.wait
    world.start(hook(world, "sleep 30"), text=ONE)
    world.remote.end()
    killed: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr("subprocess.Popen.wait", interrupted)
        patch.setattr("os.killpg", killing)
        world.tick(code=130)
    with pytest.raises(ProcessLookupError):
        os.kill(killed[0], 0)


def test_one_that_leaves_a_child_behind_has_succeeded_and_is_not_waited_for(world: World) -> None:
    world.start(hook(world, "sh -c 'sleep 30 & echo $! > ../../pid; exit 0'"), text=ONE)
    begun = time.monotonic()
    said = finish(world)
    child = int((world.path / "pid").read_text())
    os.kill(child, signal.SIGTERM)  # is there: it was left alone
    assert time.monotonic() - begun < 5
    assert "on_done" not in said


def test_it_does_not_get_the_token_and_gets_its_own_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "the-token-of-the-service")
    monkeypatch.setenv("MAIL_PASSWORD", "its-own-password")
    command = "sh -c 'echo \"<$QISKIT_IBM_TOKEN>\" $MAIL_PASSWORD > ../../got'"
    world.start(hook(world, command), text=ONE)
    finish(world)
    assert (world.path / "got").read_text() == "<> its-own-password\n"


@pytest.mark.parametrize("text", [ONE, EMULATED], ids=["hardware", "emulated"])
def test_what_it_says_is_told_without_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    secrets = ("the-token-of-the-service", "the-token-that-is-saved", "its-own-password")
    monkeypatch.setenv("QISKIT_IBM_TOKEN", secrets[0])
    monkeypatch.setenv("MAIL_PASSWORD", secrets[2])
    account = {"lab": {"channel": "ibm_cloud", "token": secrets[1]}}
    (world.path / "saved.json").write_text(json.dumps(account))
    monkeypatch.setattr(
        "qiskit_ibm_runtime.accounts.management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE",
        str(world.path / "saved.json"),
    )
    (world.path / "said").write_text(f"oops {' '.join(secrets)}\n")
    world.spec(hook(world, "sh -c 'cat ../../said >&2; exit 1'"), text=text)
    said = world.call("run", "tiny.yaml", *(["--no-wait"] if text == ONE else [])).output
    world.remote.end()
    said += world.tick("--json").output + "".join(world.told)
    assert "oops [redacted] [redacted] [redacted]" in said
    files = b"".join(p.read_bytes() for p in world.runs.rglob("*") if p.is_file())
    assert not any(one in said or one.encode() in files for one in secrets)


def test_a_long_line_is_not_cut_in_the_middle_of_a_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "its-own-password")
    (world.path / "said").write_text("x" * 99 + "its-own-password" + "y" * (16_384 - 8))
    world.start(hook(world, "sh -c 'cat ../../said >&2; exit 1'"), text=ONE)
    assert "password" not in finish(world)


def test_an_emulated_run_calls_it_too(world: World) -> None:
    result = world.call("run", world.spec(hook(world), text=EMULATED))
    assert result.exit_code == 0
    assert [note["HEXMAGIC_STATE"] for note in notes(world)] == ["done"]


def test_one_of_an_emulated_run_that_fails_is_told_on_standard_error(world: World) -> None:
    assert world.call("run", world.spec(hook(world, "false"), text=EMULATED)).exit_code == 0
    assert world.told == [
        "on_done: false: exit code 1; this changes neither the run nor the exit code"
    ]


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


def test_a_spec_that_was_spoilt_since_is_told_and_the_run_is_done(world: World) -> None:
    folder = world.start(hook(world), text=ONE)
    (folder.path / "spec.yaml").write_text("name: [\n")
    said = finish(world)
    assert "on_done" in said and "not run: " in said and "spec.yaml" in said
    assert (world.state(), notes(world)) == ("done", [])
