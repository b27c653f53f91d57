"""Cancelling: a run that is not to go on, or a schedule that is to start no more runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..experiments.errors import RefusedError, UsageError
from .endings import tell_state, write_ending
from .folder.directory_lock import LOCK_SECONDS, directory_lock
from .folder.run_folder import RunFolder
from .hardware.catching_up import catch_up_all
from .hardware.giving_up import give_up
from .hardware.open_runs import require_original, runs_without_folder
from .hardware.start import check_service, register, register_left
from .ledger.hardware import HardwareLedger
from .ledger.jobs import RUN_ENDED, JobState, latest
from .ledger.runs import LEDGER_NAME, Ledger
from .ledger.schedules import ScheduleLedger
from .machines import is_hardware
from .services import Services
from .tick import Ticker
from .tick_report import WAITING, RunStep

_BACK: Mapping[str, tuple[JobState, ...]] = {
    "intended": ("unknown", "planned", "cancelled"),
    "unknown": ("planned", "cancelled"),
    "submitted": ("cancelled",),
    "planned": ("cancelled",),
}


def cancel_schedule(name: str, runs: Path, services: Services) -> bool:
    """End an active schedule; return whether there was one. Runs that it started go on."""
    if not (runs / LEDGER_NAME).is_file():
        return False
    with (
        directory_lock(runs, wait_seconds=LOCK_SECONDS),
        ScheduleLedger(runs / LEDGER_NAME, clock=services.clockwork.now) as ledger,
    ):
        if name not in {row.name for row in ledger.schedules(active=True)}:
            return False
        ledger.end_schedule(name)
    return True


def cancel_run(folder: RunFolder, ticker: Ticker) -> RunStep:
    """Cancel a run; on hardware what the service has is cancelled there, as far as it still can.

    Raises:
        UsageError: it has ended.
        StorageError: it was submitted, and this ledger does not have it; or what the folder has of
            its submissions is damaged.
        RefusedError: another process is emulating it.
    """
    services = ticker.services
    with directory_lock(ticker.runs, wait_seconds=LOCK_SECONDS):
        require_original(folder)
        known = catch_up_all(ticker.runs, services)
        known.require_run(folder.run_id)
        with HardwareLedger(ticker.runs / LEDGER_NAME, clock=services.clockwork.now) as ledger:
            if is_hardware(folder.plan):
                _register(folder, ledger, ticker)
            row = ledger.run(folder.run_id)
            if row is not None and row.state in RUN_ENDED:
                raise UsageError(f"run {folder.run_id}: has ended ({row.state}); nothing to cancel")
            if not is_hardware(folder.plan):
                return _cancel_emulated(folder, ledger, services)
            if row is not None and row.state != "cancelling":
                ledger.set_run_state(folder.run_id, "cancelling", detail="a person cancelled it")
            tell_state(folder, "cancelling")
        return ticker.step_hardware(folder, known)


def cancel_lost(run_id: str, ticker: Ticker) -> RunStep | None:
    """Give up a run whose folder, or its plan, is gone; None if there is no such run.

    Raises:
        StorageError: what is left of the folder has submissions that the ledger cannot learn of.
    """
    if run_id not in runs_without_folder(ticker.runs):
        return None
    now = ticker.services.clockwork.now
    with (
        directory_lock(ticker.runs, wait_seconds=LOCK_SECONDS),
        HardwareLedger(ticker.runs / LEDGER_NAME, clock=now) as ledger,
    ):
        catch_up_all(ticker.runs, ticker.services).require_run(run_id)
        ended, said = give_up(run_id, ledger, ticker.remote())
    if ended:
        return RunStep(run=run_id, state="cancelled", said=said)
    waits = ("the service has not cancelled it yet; say `hexmagic cancel` again",)
    return RunStep(run=run_id, state="cancelling", said=said, waits=waits, exit_code=WAITING)


def _register(folder: RunFolder, ledger: HardwareLedger, ticker: Ticker) -> None:
    """Write a run and its jobs into the ledger, unless it was submitted by another one.

    What that one has sent would not be cancelled: it has tags that this one does not know.
    """
    if ledger.run(folder.run_id) is not None:
        register(folder, ledger)
        return
    remote = ticker.remote(folder.document["program"])
    check_service(folder, remote, ticker.site.ibm.url)
    register_left(folder, ledger, remote)


def _cancel_emulated(folder: RunFolder, ledger: Ledger, services: Services) -> RunStep:
    if folder.is_held():
        raise RefusedError(
            f"run {folder.run_id}: another process is running it; stop that one (Ctrl-C) first"
        )
    if ledger.run(folder.run_id) is None:
        raise UsageError(f"run {folder.run_id}: the ledger does not have it; delete its folder")
    with folder.locked():
        for job in latest(ledger.jobs(folder.run_id)):
            if job.state in _BACK:
                ledger.move(job, *_BACK[job.state], detail="a person cancelled the run")
        jobs = ledger.jobs(folder.run_id)
        write_ending(folder, "cancelled", now=services.clockwork.now(), jobs=jobs)
        ledger.set_run_state(folder.run_id, "cancelled", detail="a person cancelled it")
    return RunStep(run=folder.run_id, state="cancelled", said=("cancelled",))
