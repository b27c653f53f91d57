"""Putting an experiment on the schedule of a runs directory, and running it if it is due."""

from __future__ import annotations

from pathlib import Path

from ..experiments.errors import RefusedError
from .directory_lock import directory_lock
from .execution import Services
from .hardware_run import LOCK_SECONDS
from .ledger import LEDGER_NAME
from .plan import make_plan
from .run_folder import RunFolder
from .schedule_ledger import ScheduleLedger
from .schedules import start_due
from .site import load_site
from .start import Request


def schedule_now(request: Request, runs: Path, services: Services) -> tuple[RunFolder | None, str]:
    """Register an experiment that has a schedule; return its run if it is due now.

    Returns:
        The run's folder, None if it is not due, and what is to be said.

    Raises:
        UsageError: another experiment of its name is scheduled in the directory.
        RefusedError: its first run is refused; it is not registered then.
        WaitingError: another process is at work in the directory.
    """
    load_site(runs)
    plan = make_plan(request.experiment, overrides=request.overrides)
    with (
        directory_lock(runs, wait_seconds=LOCK_SECONDS),
        ScheduleLedger(runs / LEDGER_NAME, clock=services.clockwork.now) as ledger,
    ):
        known = {row.name for row in ledger.schedules(active=True)}
        row = ledger.register_schedule(plan.name, request.spec.decode(), request.overrides)
        folder, said = start_due(row, ledger, runs=runs, services=services)
        if folder is None and said.startswith("refused") and plan.name not in known:
            ledger.end_schedule(plan.name)
            raise RefusedError(f"schedule {plan.name}: not registered: {said}")
    return folder, f"schedule {plan.name}: {said}"
