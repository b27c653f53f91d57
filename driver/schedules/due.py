"""Scheduled experiments: which are due, and how one becomes a run, once for each occurrence."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from ...experiments.errors import HexmagicError, RefusedError
from ...experiments.spec import HARDWARE, parse_experiment
from ..clockwork import seconds_between
from ..folder.files import StorageError
from ..folder.run_folder import RunFolder, partial_path
from ..hardware.catching_up import CaughtUp, unknown_since, unknown_words
from ..hardware.open_runs import folder_of
from ..hardware.start import create_on_hardware
from ..ledger.jobs import RunRow
from ..ledger.runs import Ledger
from ..ledger.schedules import ScheduleLedger, ScheduleRow
from ..limits import refuse_failed
from ..machines import is_hardware, machine_names
from ..new_run import create_run, new_run_id
from ..plan import make_plan
from ..request import Request, with_overrides
from ..services import Services
from .check import CheckedPlan, check_plan
from .times import Due, Waiting, next_due

PAUSE_SECONDS = 900.0
"""After a refused start the next one is tried so much later: a quarter of an hour."""

_OPEN = ("running", "waiting", "parked", "cancelling", "interrupted")


def start_due(
    row: ScheduleRow,
    ledger: ScheduleLedger,
    caught_up: CaughtUp,
    *,
    runs: Path,
    services: Services,
    request: Request | None = None,
    checked: CheckedPlan | None = None,
) -> tuple[RunFolder | None, str]:
    """Start the run of a schedule that is due; return it, and what is to be said.

    To be called under the lock of the runs directory. That the occurrence becomes a run of a
    certain id is in the ledger before the run is made: after a crash in between the next call
    makes that run.

    Args:
        row: the schedule.
        ledger: that it is in.
        caught_up: what the ledger has learned under this lock.
        runs: the directory.
        services: clock, engines and so on.
        request: the experiment as a person has just given it, whose file messages name; else the
            row's.
        checked: the same compiled and checked just now; else that is done here, if it is due.

    Raises:
        StorageError: the file system refuses; or it is for hardware, and the ledger lacks what was
            submitted here, which may be what is due.
    """
    now = services.clockwork.now()
    known = row.last_run is None or ledger.run(row.last_run) is not None
    made = known or folder_of(str(row.last_run), runs).path.exists()
    if made and row.refusal and _seconds(row.tried, now) < PAUSE_SECONDS:
        return None, f"refused, tried again later: {row.refusal}"
    try:
        found = request or request_of(row)
        return _start(
            row,
            found,
            ledger,
            caught_up,
            runs=runs,
            services=services,
            made=made,
            checked=checked,
        )
    except HexmagicError as error:
        if not isinstance(error, RefusedError) and error.exit_code != 2:
            raise
        ledger.refuse(row.name, str(error))
        return None, f"refused: {error}"


def request_of(row: ScheduleRow) -> Request:
    """Return the experiment of a schedule, overrides applied."""
    experiment = parse_experiment(row.spec, source=f"schedule {row.name}")
    return with_overrides(experiment, row.spec.encode(), row.values)


def _start(
    row: ScheduleRow,
    request: Request,
    ledger: ScheduleLedger,
    caught_up: CaughtUp,
    *,
    runs: Path,
    services: Services,
    made: bool,
    checked: CheckedPlan | None,
) -> tuple[RunFolder | None, str]:
    prepared_for = None
    if made:
        before = _open_run(row, ledger)
        if before is not None:
            return None, f"waits until {before.run_id} has ended"
        found = _due(row, request, services, runs)
        if not isinstance(found, Due):
            if found.ended:
                ledger.end_schedule(row.name)
            return None, str(found)
        prepared_for = found
        _require_known(row, request, caught_up, runs)
    checked = checked or check_plan(request, runs, services)
    refuse_failed(checked.checks, request.where)
    prepared, engine = checked.prepared, checked.engine
    run_id = row.last_run or ""
    if prepared_for is None:  # what a crash left of its folder is in the way
        shutil.rmtree(partial_path(runs, run_id), ignore_errors=True)
    else:
        run_id = new_run_id(prepared.plan.name, services.clockwork.now(), runs, services)
        due = prepared_for.at.isoformat()
        ledger.occur(row.name, due=due, calibration=prepared_for.calibration, run_id=run_id)
    create = create_run if engine.machines is None else create_on_hardware
    folder = create(
        prepared, engine, spec=request.spec, runs=runs, services=services, run_id=run_id
    )
    return folder, f"started {run_id}"


def _require_known(row: ScheduleRow, request: Request, caught_up: CaughtUp, runs: Path) -> None:
    """Check that what is due on hardware was not started by a ledger that was lost since.

    Raises:
        StorageError: it may have been.
    """
    if request.experiment.device.backend != HARDWARE:
        return
    caught_up.require_all()
    started = unknown_since(runs, row.name, datetime.fromisoformat(row.last_due or row.registered))
    if started:
        raise StorageError(f"waits: it may have been started: {unknown_words(started)}")


def _open_run(row: ScheduleRow, ledger: Ledger) -> RunRow | None:
    """Return the run of the last occurrence if it has not ended."""
    found = None if row.last_run is None else ledger.run(row.last_run)
    return found if found is not None and found.state in _OPEN else None


def _due(row: ScheduleRow, request: Request, services: Services, runs: Path) -> Due | Waiting:
    schedule = request.experiment.schedule
    if schedule is None:
        raise RefusedError(f"schedule {row.name}: its experiment has no schedule")
    last = None if row.last_due is None else datetime.fromisoformat(row.last_due)
    return next_due(
        schedule,
        registered=datetime.fromisoformat(row.registered),
        last_due=last,
        last_calibration=row.last_calibration,
        calibration=_calibration(request, services, runs) if schedule.on else None,
        now=datetime.fromisoformat(services.clockwork.now()),
    )


def _calibration(request: Request, services: Services, runs: Path) -> str | None:
    """Return the newest calibration time of the experiment's devices."""
    from ...backends.device import load_device

    plan = make_plan(request.experiment, overrides=request.overrides)
    names = machine_names(plan)
    if is_hardware(plan):
        machines = services.machines(runs)
        times = [machines.device(name).calibrated_at for name in names]
    else:
        times = [load_device(name).calibrated_at for name in names]
    return max((time for time in times if time is not None), default=None)


def _seconds(then: str | None, now: str) -> float:
    if then is None:
        return float("inf")
    return max(seconds_between(then, now), 0.0)
