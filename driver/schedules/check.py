"""What is checked of a scheduled experiment before it is registered, so that it can ever run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...experiments.errors import UsageError
from ..adapters import Engine
from ..hardware.start import hardware_checks
from ..limits import Check, refuse_failed
from ..prepare import Prepared, Where
from ..request import Request, check_limits, prepare_request
from ..services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPlan:
    """A compiled plan with what was checked of it just now.

    Attributes:
        prepared: the plan.
        engine: of it.
        checks: of paid hardware, met or not; an emulated plan meets all of its own.
    """

    prepared: Prepared
    engine: Engine
    checks: tuple[Check, ...]


def check_plan(request: Request, runs: Path, services: Services) -> CheckedPlan:
    """Compile an experiment and check all that can be checked before it is run.

    Raises:
        UsageError: it cannot be done.
        RefusedError: a limit of an emulated plan forbids it, or there is no account.
        RemoteError: the service does not answer.
    """
    prepared, engine = prepare_request(request, services, runs)
    checks: tuple[Check, ...] = ()
    if engine.machines is None:
        check_limits(prepared, engine, request.where)
    else:
        checks = hardware_checks(prepared, engine, runs=runs, services=services)
    return CheckedPlan(prepared=prepared, engine=engine, checks=checks)


def check_end(request: Request, now: str) -> None:
    """Check that a schedule has not ended before it is registered.

    Raises:
        UsageError: it has.
    """
    schedule = request.experiment.schedule
    if schedule is None or schedule.ends is None or datetime.fromisoformat(now) < schedule.ends:
        return
    raise UsageError(
        f"{request.where('schedule.until')}: {schedule.until} has passed, so nothing would be run; "
        "write a later time, or leave it out"
    )


def refuse_lasting(checks: tuple[Check, ...], where: Where) -> None:
    """Raise for the first check that is not met and never will be.

    Raises:
        RefusedError: with the place of the field that asks for it.
    """
    refuse_failed((check for check in checks if check.lasting), where)


def passing_words(checks: tuple[Check, ...], where: Where) -> str:
    """Return what is not met now and may be when the first run is due; empty if all is."""
    unmet = [
        f"{where(check.field)}: {check.text}" if check.field else check.text
        for check in checks
        if not check.ok
    ]
    return f"; now it would be refused: {'; '.join(unmet)}" if unmet else ""
