"""`hexmagic run` on paid hardware: submitted and left, or waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..folder.resuming import runs_words
from ..hooks import SAID
from .common import note

if TYPE_CHECKING:
    from ..folder.run_folder import RunFolder
    from ..run import Run
    from ..services import Services
    from ..tick_report import RunStep
    from .junit_log import JunitLog


def submit_and_leave(folder: RunFolder, services: Services, workers: int) -> None:
    """Do the first step of a run and say how to go on with it; the last line is the run's id."""
    from ..hardware_run import one_step, raise_for
    from ..tick import make_ticker

    note(f"run folder: {folder.path}")
    done = one_step(folder, make_ticker(folder.path.parent, services, workers))
    _tell(done)
    note(f"next: `hexmagic tick{runs_words(folder)}`, as often as you like")
    click.echo(f"run: {folder.run_id}")
    raise_for(done, folder)


def submit_and_wait(folder: RunFolder, services: Services, workers: int, log: JunitLog) -> Run:
    """Do one step after the other until a run has ended, and return it.

    Who interrupts it leaves the jobs where they are; `hexmagic tick` collects them.
    """
    from ..hardware_run import wait_for
    from ..run import Run
    from ..tick import make_ticker

    log.begun(folder)
    note(f"run folder: {folder.path}")
    try:
        wait_for(folder, make_ticker(folder.path.parent, services, workers), _tell)
    except KeyboardInterrupt as stop:
        stop.add_note(
            f"the jobs of {folder.run_id} go on; `hexmagic tick{runs_words(folder)}` collects them"
        )
        raise
    return Run(folder)


_told: set[str] = set()


def _tell(done: RunStep) -> None:
    """Say what a step did, what is new of what it waits for, and that a command failed."""
    for text in done.said:
        note(text)
    for text in done.problems:
        if text.startswith(SAID):  # whatever else is one ends the command line
            note(f"problem: {text}")
    for text in done.waits:
        if text not in _told:
            _told.add(text)
            note(f"waits: {text}")
