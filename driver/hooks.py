"""`on_done`: a command of the experiment that is run once when a run has ended."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..backends.redaction import one_line
from ..experiments.errors import HexmagicError
from ..experiments.spec import load_experiment
from .folder.run_folder import RunFolder
from .ledger.runs import Ledger

WALL_SECONDS = 60.0
SAID = "on_done: "
"""How what is told of the command begins."""

KEPT_BACK = ("QISKIT_IBM_TOKEN",)
"""Variables that the command does not get: it is told of a run, and needs nothing of its account.

Others it does get, also those with secrets: one that sends a mail has its own.
"""

_TAIL_BYTES = 16_384


def call_hook(folder: RunFolder, ledger: Ledger, state: str) -> str | None:
    """Run the experiment's `on_done` command, if it has one; return in words what went wrong.

    It is run without a shell, in the run folder, at most once for each end of a run: that it is
    about to be run is in the ledger first. HEXMAGIC_RUN, HEXMAGIC_STATE and HEXMAGIC_FOLDER tell it
    of the run. Whatever it does, the run stays as it is; after 60 s it and what it has started are
    killed. What it leaves in the background when it ends before goes on.
    """
    try:
        command = load_experiment(folder.path / "spec.yaml").on_done
    except HexmagicError as error:
        return f"{SAID}not run: {error}"
    if not command or _was_called(folder, ledger):
        return None
    ledger.note_run(folder.run_id, f"{SAID}{command}")
    told = {"RUN": folder.run_id, "STATE": state, "FOLDER": str(folder.path.resolve())}
    environment = {name: value for name, value in os.environ.items() if name not in KEPT_BACK}
    environment |= {f"HEXMAGIC_{key}": value for key, value in told.items()}
    try:
        failed = _failure(shlex.split(command), folder.path, environment)
    except OSError as error:
        failed = str(error)
    if failed is None:
        return None
    from ..backends.ibm.account import saved_tokens  # imports the client: about a second

    what, why = (one_line(text, saved_tokens()) for text in (command, failed))
    return f"{SAID}{what}: {why}; this changes neither the run nor the exit code"


def _failure(words: list[str], folder: Path, environment: Mapping[str, str]) -> str | None:
    """Run a command in a session of its own; return in words how it failed, None if it did not.

    Its output goes to files: who reads a pipe waits for everybody that the command has started.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code = process.wait(WALL_SECONDS)
        except subprocess.TimeoutExpired:
            return f"timed out after {WALL_SECONDS:g} seconds and was killed"
        finally:
            if process.returncode is None:  # an interrupt too: it does not reach another session
                _kill(process)
        last = (_tail(errors) or _tail(output))[-1:]
    return f"exit code {code}" + "".join(f": {line}" for line in last) if code else None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command and what it has started, but for what has left its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(file: BinaryIO) -> list[str]:
    """Return the last lines of a file, whole ones: no part of a secret is known for one."""
    start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
    file.seek(start)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[1:] if start else lines


def _was_called(folder: RunFolder, ledger: Ledger) -> bool:
    """Return whether it was called since a job of the run last changed."""
    for event in reversed(ledger.events(folder.run_id)):
        if event.shard is not None:
            return False
        if event.detail.startswith(SAID):
            return True
    return False
