"""Putting an experiment on the schedule of a runs directory, and running it if it is due."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from ...backends.remote import RemoteError
from ...experiments.errors import RefusedError, UsageError
from ..folder.directory_lock import LOCK_SECONDS, directory_lock
from ..folder.run_folder import RunFolder
from ..hardware.catching_up import catch_up_all
from ..ledger.runs import LEDGER_NAME
from ..ledger.schedules import ScheduleLedger, ScheduleRow
from ..plan import make_plan
from ..request import Request
from ..services import Services
from ..site import load_site
from .check import CheckedPlan, check_end, check_plan, passing_words, refuse_lasting
from .due import start_due
from .times import next_times, schedule_words

_LATER = "; it is registered, and tried again a quarter of an hour later"


def schedule_now(request: Request, runs: Path, services: Services) -> tuple[RunFolder | None, str]:
    """Register an experiment that has a schedule; return its run if it is due now.

    All is checked that can be checked now. What may pass by itself (a queue, a machine that is
    down, today's calibration or budget) is said; what does not is refused, and not registered.

    Returns:
        The run's folder, None if it is not due or cannot start yet, and what is to be said.

    Raises:
        UsageError: the experiment cannot be done, its schedule has ended, or another of its name
            is scheduled in the directory.
        RefusedError: a limit that does not pass by itself forbids it.
        RemoteError: the service does not answer, so not all was checked; it is registered.
        WaitingError: another process is at work in the directory.
    """
    check_end(request, services.clockwork.now())
    load_site(runs)
    plan = make_plan(request.experiment, overrides=request.overrides)
    with (
        directory_lock(runs, wait_seconds=LOCK_SECONDS),
        ScheduleLedger(runs / LEDGER_NAME, clock=services.clockwork.now) as ledger,
    ):
        active = {row.name for row in ledger.schedules(active=True)}
        silence, checked = None, None
        if plan.name not in active:
            try:
                checked = _checked(request, runs, services)
            except RemoteError as error:
                silence = error
        row = ledger.register_schedule(plan.name, request.spec.decode(), request.overrides)
        if silence is not None:
            raise silence
        folder, said = start_due(
            row,
            ledger,
            catch_up_all(runs, services),
            runs=runs,
            services=services,
            request=request,
            checked=checked,
        )
        if checked is not None and folder is None:
            refused = said.startswith("refused")
            said += _LATER if refused else passing_words(checked.checks, request.where)
    return folder, f"schedule {plan.name}: {said}"


def planned_times(request: Request, runs: Path, services: Services) -> dict[str, Any]:
    """Return when an experiment would be run if it were registered now, in JSON types.

    Returns:
        `next`: the times of the next runs, ISO 8601, of which those `on: recalibration` need a
        calibration too; `text`: the same in words.

    Raises:
        UsageError: the experiment has no schedule.
    """
    schedule, now = request.experiment.schedule, services.clockwork.now()
    if schedule is None:
        raise UsageError(f"{request.where('schedule')}: there is none")
    row = _registered(request, runs)
    last = None if row is None or row.last_due is None else datetime.fromisoformat(row.last_due)
    registered = datetime.fromisoformat(now if row is None else row.registered)
    here = datetime.fromisoformat(now)
    times = next_times(schedule, registered=registered, last_due=last, now=here)
    text = schedule_words(schedule, registered=registered, last_due=last, now=here)
    return {
        "next": [time.isoformat() for time in times],
        "text": text if row is None else f"registered at {row.registered}; {text}",
    }


def _checked(request: Request, runs: Path, services: Services) -> CheckedPlan:
    try:
        checked = check_plan(request, runs, services)
        refuse_lasting(checked.checks, request.where)
    except (UsageError, RefusedError) as error:
        error.add_note("the schedule is not registered")
        raise
    return checked


def _registered(request: Request, runs: Path) -> ScheduleRow | None:
    """Return the schedule of an experiment that is registered as it is."""
    path = runs / LEDGER_NAME
    if not path.is_file():
        return None
    with ScheduleLedger.reading(path) as ledger:
        for row in ledger.schedules(active=True):
            if (row.spec, row.values) == (request.spec.decode(), dict(request.overrides)):
                return row
    return None
