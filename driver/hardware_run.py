"""A run on paid hardware for who stands by: begun, and waited for, one step after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..experiments.errors import HexmagicError
from .adapters import Engine
from .execution import RunFailedError
from .folder.directory_lock import LOCK_SECONDS, directory_lock
from .folder.resuming import runs_words
from .folder.run_folder import RunFolder
from .hardware.catching_up import catch_up_all
from .hardware.open_runs import require_original
from .hardware.settling import gone_jobs, look_or_gone, take_back
from .hardware.start import check_service, create_on_hardware, hardware_checks, retry_failed
from .ledger.hardware import HardwareLedger
from .ledger.jobs import RUN_ENDED
from .ledger.runs import LEDGER_NAME
from .limits import refuse_failed
from .prepare import Prepared
from .request import Request
from .run import Run
from .services import Services
from .tick import Ticker, make_ticker
from .tick_report import RunStep

Tell = Callable[[RunStep], None]


class ParkedError(HexmagicError):
    """What is left of a run needs a person's word."""


def begin(
    request: Request, prepared: Prepared, engine: Engine, *, runs: Path, services: Services
) -> RunFolder:
    """Return the folder of a new run, its jobs planned and nothing submitted.

    Raises:
        RefusedError: a check is not met; nothing is written.
        StorageError: what was submitted here is not all known; likewise.
        WaitingError: another process is at work in the directory.
    """
    with directory_lock(runs, wait_seconds=LOCK_SECONDS):
        catch_up_all(runs, services).require_all()
        checks = hardware_checks(prepared, engine, runs=runs, services=services)
        refuse_failed(checks, request.where)
        return create_on_hardware(prepared, engine, spec=request.spec, runs=runs, services=services)


def run_on_hardware(
    request: Request,
    prepared: Prepared,
    engine: Engine,
    *,
    runs: Path,
    services: Services,
    wait: bool,
) -> Run:
    """Begin a run and return it: when it has ended, or, without `wait`, after its first step."""
    folder = begin(request, prepared, engine, runs=runs, services=services)
    ticker = make_ticker(runs, services, workers=1)
    if wait:
        wait_for(folder, ticker, say_nothing)
    else:
        raise_for(one_step(folder, ticker), folder)
    return Run(folder)


def resume_on_hardware(folder: RunFolder, services: Services) -> Run:
    """Plan what failed of a run anew, wait for it, and return the run."""
    plan_again(folder, services)
    wait_for(folder, make_ticker(folder.path.parent, services, workers=1), say_nothing)
    return Run(folder)


def say_nothing(_done: RunStep) -> None:
    """Tell nobody of a step."""


def plan_again(folder: RunFolder, services: Services) -> int:
    """Plan what failed of a run anew; return how many jobs.

    A job that the service had no longer is asked for first: if it is there again, done, it is not
    paid twice.

    Raises:
        RemoteError: the service does not answer to that; nothing is planned.
        RefusedError: it is not the one that has the run's jobs.
        StorageError: what the folder has of its submissions is damaged.
    """
    require_original(folder)
    runs = folder.path.parent
    with (
        directory_lock(runs, wait_seconds=LOCK_SECONDS),
        HardwareLedger(runs / LEDGER_NAME, clock=services.clockwork.now) as ledger,
    ):
        catch_up_all(runs, services).require_run(folder.run_id)
        gone = gone_jobs(ledger, folder.run_id)
        if gone:
            ticker = make_ticker(runs, services, workers=1)
            remote = ticker.remote(folder.document["program"])
            check_service(folder, remote, ticker.site.ibm.url)
            for row in gone:
                told = look_or_gone(remote, row.remote_id)
                ledger.update_remote(told)
                take_back(ledger, row, told)
        return retry_failed(folder, ledger)


def one_step(folder: RunFolder, ticker: Ticker) -> RunStep:
    """Do one step of a run."""
    with directory_lock(ticker.runs, wait_seconds=LOCK_SECONDS):
        return ticker.step_hardware(folder, catch_up_all(ticker.runs, ticker.services))


def wait_for(
    folder: RunFolder,
    ticker: Ticker,
    tell: Tell,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Do one step after the other until a run has ended; between them others may step too.

    Raises:
        RunFailedError: it ended with something missing; tables and report are of the rest.
        ParkedError: it cannot go on without a person's word.
        HexmagicError: a step cannot be done; the run can be gone on with.
    """
    while True:
        done = one_step(folder, ticker)
        tell(done)
        if done.state in RUN_ENDED:
            break
        raise_for(done, folder)
        sleep(max(ticker.site.ibm.poll_seconds, done.pause_seconds))
    if done.state != "done":
        why = next((text for text in done.problems if " failed: " in text), "see its jobs")
        raise RunFailedError(
            f"run {folder.run_id}: {done.state}: {' '.join(why.split())}; what failed is run again "
            f"by `hexmagic run --resume {folder.run_id}{runs_words(folder)}`"
        )


def raise_for(done: RunStep, folder: RunFolder) -> None:
    """Raise if a step says that the run does not go on by itself.

    Raises:
        ParkedError, HexmagicError: it does not.
    """
    words = runs_words(folder)
    if done.state == "parked":
        raise ParkedError(
            f"run {folder.run_id}: {'; '.join(done.waits)}: see `hexmagic status "
            f"{folder.run_id}{words}` and docs/hardware.md; then `hexmagic tick --resubmit "
            f"{folder.run_id}{words}` or `hexmagic cancel {folder.run_id}{words}`"
        )
    if done.exit_code not in (0, 75):
        error = HexmagicError(f"run {folder.run_id}: {'; '.join((*done.problems, *done.waits))}")
        error.exit_code = done.exit_code
        raise error
