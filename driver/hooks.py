"""`on_done`: a command of the experiment that is run once when a run has ended."""

from __future__ import annotations

import os
import shlex
import subprocess

from ..experiments.errors import HexmagicError
from ..experiments.spec import load_experiment
from .ledger import Ledger
from .run_folder import RunFolder

WALL_SECONDS = 60.0
_SAID = "on_done: "


def call_hook(folder: RunFolder, ledger: Ledger, state: str) -> str | None:
    """Run the experiment's `on_done` command, if it has one; return in words what went wrong.

    It is run without a shell, in the run folder, at most once for each end of a run: that it is
    about to be run is in the ledger first. HEXMAGIC_RUN, HEXMAGIC_STATE and HEXMAGIC_FOLDER tell it
    of the run. Whatever it does, the run stays as it is; after 60 s it is killed.
    """
    try:
        command = load_experiment(folder.path / "spec.yaml").on_done
    except HexmagicError as error:
        return f"{_SAID}not run: {error}"
    if not command or _was_called(folder, ledger):
        return None
    ledger.note_run(folder.run_id, f"{_SAID}{command}")
    told = {"RUN": folder.run_id, "STATE": state, "FOLDER": str(folder.path.resolve())}
    environment = os.environ | {f"HEXMAGIC_{key}": value for key, value in told.items()}
    try:
        done = subprocess.run(
            shlex.split(command),
            cwd=folder.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"{_SAID}{command}: {error}"
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        return f"{_SAID}{command}: exit code {done.returncode}" + "".join(f": {x}" for x in last)
    return None


def _was_called(folder: RunFolder, ledger: Ledger) -> bool:
    """Return whether it was called since a job of the run last changed."""
    for event in reversed(ledger.events(folder.run_id)):
        if event.shard is not None:
            return False
        if event.detail.startswith(_SAID):
            return True
    return False
