"""A schedule and a clock that was ahead: what was run for a time to come keeps others waiting."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..ledger.schedules import ScheduleRow
from .due import request_of


def clock_words(row: ScheduleRow, now: str) -> str:
    """Return what is said of a schedule whose last occurrence is in the future, else nothing.

    Only if it is more than a period ahead: else the next one waits no longer than usual.

    Args:
        row: the schedule as it was before this tick.
        now: UTC, ISO 8601.
    """
    if row.last_due is None:
        return ""
    last = datetime.fromisoformat(row.last_due)
    schedule = request_of(row).experiment.schedule
    if schedule is None or schedule.every is None:
        return ""
    if last - datetime.fromisoformat(now) <= timedelta(seconds=schedule.every):
        return ""
    return (
        f"; the clock was ahead when {row.last_run} was started, for {last:%Y-%m-%dT%H:%M:%SZ}: if "
        f"it is right now, end the schedule with `hexmagic cancel {row.name}` and give it anew"
    )
