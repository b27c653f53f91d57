"""When a scheduled experiment is due: pure functions of times in UTC.

An occurrence is known by a time that every process works out alike: its place in the grid of
`every`, or the time of the calibration that asked for it. So it cannot be run twice, however many
processes ask and whatever their clocks do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ...experiments.errors import UsageError
from ...experiments.spec import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An occurrence that is due now.

    Attributes:
        at: what identifies it, UTC: the last point of the grid of `every` that has passed, or the
            only time of a schedule that has one, or, with `on: recalibration` alone, the time of
            the calibration.
        calibration: the device's calibration as it was given; None where it does not matter.
    """

    at: datetime
    calibration: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing is due now.

    Attributes:
        at: the earliest time at which something may be due, UTC; None: at any, or never again.
        calibration: whether a calibration newer than the last one is needed too.
    """

    at: datetime | None = None
    calibration: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing will be due again."""
        return self.at is None and not self.calibration

    def __str__(self) -> str:
        """Return what is waited for, in words."""
        if self.ended:
            return "ended"
        time = "" if self.at is None else _word(self.at)
        if not self.calibration:
            return f"due at {time}"
        return "due on a new calibration" + (f", not before {time}" if time else "")


def next_due(
    schedule: Schedule,
    *,
    registered: datetime,
    last_due: datetime | None,
    last_calibration: str | None,
    calibration: str | None,
    now: datetime,
) -> Due | Waiting:
    """Return the occurrence that is due now, or what the next one waits for.

    The first is due at `not_before` or, without it, when the schedule was registered. With
    `every`, the others follow in a grid from there, which a late run does not shift; of those
    that were missed only the latest is made up. With `on: recalibration` one is due when the
    calibration is newer than at the last one, and the first on any; with `every` too, both are
    needed: at most one in each period, and only on a new calibration. With neither there is
    exactly one. Nothing is due at or after `until`, also nothing that was missed before.

    Args:
        schedule: of the experiment.
        registered: when it was registered; the same at every call.
        last_due: `Due.at` of the last occurrence, None before the first.
        last_calibration: `Due.calibration` of the last occurrence.
        calibration: the device's calibration time, ISO 8601 with a zone; None: not known.
        now: the time. All times are aware.

    Raises:
        UsageError: a calibration time is no time with a zone.
    """
    first = schedule.starts or registered.astimezone(UTC)
    if schedule.ends is not None and (now >= schedule.ends or first >= schedule.ends):
        return Waiting()
    by_calibration = schedule.on is not None
    if schedule.every is None and not by_calibration and last_due is not None:
        return Waiting()
    if now < first:
        return Waiting(at=first)
    found: Due | Waiting = Due(at=first)
    if schedule.every is not None:
        found = _of_grid(first, timedelta(seconds=schedule.every), last_due, now)
    if by_calibration:
        found = _on_recalibration(schedule, found, last_due, last_calibration, calibration)
    return _before(schedule.ends, found)


def next_times(
    schedule: Schedule,
    *,
    registered: datetime,
    last_due: datetime | None,
    now: datetime,
    most: int = 3,
) -> list[datetime]:
    """Return the times at which the next runs are due, the earliest first, UTC.

    With `on: recalibration` each is the earliest, as a new calibration is needed too; without
    `every` that is the first one alone. Args: as for `next_due`; `most`: so many.
    """
    if schedule.every is None and schedule.on is not None:
        if last_due is not None:
            return []
        schedule = replace(
            schedule, on=None, not_before=(schedule.starts or registered).isoformat()
        )
    elif schedule.on is not None:
        schedule = replace(schedule, on=None)
    times: list[datetime] = []
    time = now.astimezone(UTC)
    while len(times) < most:
        found = next_due(
            schedule,
            registered=registered,
            last_due=last_due,
            last_calibration=None,
            calibration=None,
            now=time,
        )
        if isinstance(found, Due):
            times.append(time)
            last_due = found.at
        elif found.at is None:
            break
        else:
            time = found.at
    return times


def schedule_words(
    schedule: Schedule, *, registered: datetime, last_due: datetime | None, now: datetime
) -> str:
    """Return in words when the next runs are due. Args: as for `next_due`."""
    times = next_times(schedule, registered=registered, last_due=last_due, now=now, most=4)
    shown = [_word(time) + (" (now)" if time == now else "") for time in times[:3]]
    and_so_on = " and so on" if len(times) > 3 else ""
    end = "" if schedule.ends is None else f", none at or after {_word(schedule.ends)}"
    if schedule.every is None and schedule.on is not None:
        first = f"from {shown[0]} on, " if shown else ""
        ended = schedule.ends is not None and now >= schedule.ends
        return (
            f"nothing is due any more{end}" if ended else f"due {first}on each new calibration{end}"
        )
    if not shown:
        return f"nothing is due any more{end}"
    if schedule.every is None:
        return f"due once, at {shown[0]}"
    on = ", each on a new calibration only" if schedule.on is not None else ""
    return f"due at {', '.join(shown)}{and_so_on}{on}{end}"


def _word(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _of_grid(
    first: datetime, period: timedelta, last_due: datetime | None, now: datetime
) -> Due | Waiting:
    """Return the latest point of the grid that has passed, unless it or a later one was run."""
    latest = first + (now - first) // period * period
    if last_due is None or latest > last_due:
        return Due(at=latest)
    return Waiting(at=first + ((last_due - first) // period + 1) * period)


def _on_recalibration(
    schedule: Schedule,
    found: Due | Waiting,
    last_due: datetime | None,
    last_calibration: str | None,
    calibration: str | None,
) -> Due | Waiting:
    """Return an occurrence only if the calibration is newer than at the last one."""
    here = None if calibration is None else _time(calibration)
    before = last_due if last_calibration is None else _time(last_calibration)
    new = here is not None and (before is None or here > before)
    if isinstance(found, Waiting):
        return Waiting(at=found.at, calibration=not new)
    if here is None or not new:
        return Waiting(calibration=True)
    return Due(at=found.at if schedule.every is not None else here, calibration=calibration)


def _before(end: datetime | None, found: Due | Waiting) -> Due | Waiting:
    """Return that it has ended where the next occurrence would be too late."""
    if isinstance(found, Due) or found.at is None or end is None or found.at < end:
        return found
    return Waiting()


def _time(calibration: str) -> datetime:
    try:
        time = datetime.fromisoformat(calibration)
    except ValueError:
        raise UsageError(f"calibration time {calibration!r}: not a time in ISO 8601") from None
    if time.tzinfo is None:
        raise UsageError(f"calibration time {calibration!r}: it does not tell its zone")
    return time.astimezone(UTC)
