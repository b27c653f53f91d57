"""When a schedule is due: nothing twice, nothing lost, whatever the clock does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.driver.schedules.times import Due, Waiting, next_due, next_times, schedule_words
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.spec import Schedule

START = datetime(2026, 12, 1, 6, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OLD, NEW, NEWER = (f"2026-12-01T0{hour}:00:00+00:00" for hour in (3, 7, 8))


def text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def ask(
    schedule: Schedule,
    now: datetime,
    *,
    registered: datetime = START,
    last: Due | None = None,
    calibration: str | None = None,
) -> Due | Waiting:
    return next_due(
        schedule,
        registered=registered,
        last_due=None if last is None else last.at,
        last_calibration=None if last is None else last.calibration,
        calibration=calibration,
        now=now,
    )


def run(
    schedule: Schedule, ticks: Iterable[tuple[datetime, str | None]], registered: datetime = START
) -> list[tuple[datetime, Due]]:
    """Return what a timer runs: each occurrence with the time of its tick."""
    done: list[tuple[datetime, Due]] = []
    for now, calibration in ticks:
        last = done[-1][1] if done else None
        found = ask(schedule, now, registered=registered, last=last, calibration=calibration)
        done += [(now, found)] if isinstance(found, Due) else []
    return done


# --- examples -----------------------------------------------------------------------------------


def test_one_time_is_one_occurrence() -> None:
    once = Schedule(not_before="2026-12-01T06:00Z")
    assert ask(once, START - HOUR, registered=START - DAY) == Waiting(at=START)
    due = ask(once, START + 3 * DAY, registered=START - DAY)
    assert due == Due(at=START)
    assert isinstance(due, Due)
    for now in (START - HOUR, START + HOUR):
        assert ask(once, now, last=due) == Waiting()


def test_a_period_is_counted_from_the_first_and_a_late_run_does_not_shift_it() -> None:
    hourly = Schedule(every=3600)
    first = ask(hourly, START + 40 * MINUTE)
    assert first == Due(at=START)
    assert isinstance(first, Due)
    assert ask(hourly, START + 59 * MINUTE, last=first) == Waiting(at=START + HOUR)
    assert ask(hourly, START + HOUR, last=first) == Due(at=START + HOUR)


def test_what_was_missed_is_made_up_by_the_latest_alone() -> None:
    hourly = Schedule(every=3600, not_before="2026-12-01T06:00Z")
    late = ask(hourly, START + timedelta(hours=9, minutes=5), last=Due(at=START))
    assert late == Due(at=START + 9 * HOUR)
    assert isinstance(late, Due)
    assert ask(hourly, START + timedelta(hours=9, minutes=6), last=late) == Waiting(
        at=START + 10 * HOUR
    )


def test_nothing_is_due_at_or_after_until() -> None:
    hourly = Schedule(every=3600, until="2026-12-01T08:00Z")
    last = Due(at=START + HOUR)
    assert ask(hourly, START + 2 * HOUR - MINUTE) == Due(at=START + HOUR)
    assert ask(hourly, START + 2 * HOUR - MINUTE, last=last) == Waiting()
    assert ask(hourly, START + 2 * HOUR) == Waiting()
    assert ask(hourly, START, registered=START + 3 * HOUR) == Waiting()


def test_a_recalibration_asks_for_a_run_and_the_first_is_on_any() -> None:
    schedule = Schedule(on="recalibration")
    first = ask(schedule, START, calibration=OLD)
    assert first == Due(at=datetime.fromisoformat(OLD), calibration=OLD)
    assert isinstance(first, Due)
    for same in (OLD, None, "2026-12-01T02:00:00Z", "2026-12-01T04:00:00+01:00"):
        assert ask(schedule, START + DAY, last=first, calibration=same) == Waiting(calibration=True)
    again = ask(schedule, START + DAY, last=first, calibration=NEW)
    assert again == Due(at=datetime.fromisoformat(NEW), calibration=NEW)


def test_an_unknown_calibration_is_waited_for() -> None:
    assert ask(Schedule(on="recalibration"), START) == Waiting(calibration=True)


def test_with_a_period_a_recalibration_asks_once_in_each() -> None:
    schedule = Schedule(every=2 * 3600, on="recalibration")
    first = ask(schedule, START, calibration=OLD)
    assert first == Due(at=START, calibration=OLD)
    assert isinstance(first, Due)
    soon, later = START + HOUR, START + 3 * HOUR
    assert ask(schedule, soon, last=first, calibration=NEW) == Waiting(at=START + 2 * HOUR)
    assert ask(schedule, soon, last=first, calibration=OLD) == Waiting(
        at=START + 2 * HOUR, calibration=True
    )
    assert ask(schedule, later, last=first, calibration=OLD) == Waiting(calibration=True)
    assert ask(schedule, later, last=first, calibration=NEW) == Due(
        at=START + 2 * HOUR, calibration=NEW
    )


def test_without_a_calibration_of_the_last_run_its_own_time_is_what_counts() -> None:
    schedule, last = Schedule(on="recalibration"), Due(at=START)
    assert ask(schedule, START + DAY, last=last, calibration=OLD) == Waiting(calibration=True)
    assert ask(schedule, START + DAY, last=last, calibration=NEW) != Waiting(calibration=True)


@pytest.mark.parametrize(
    ("waiting", "told"),
    [
        (Waiting(), "ended"),
        (Waiting(at=START), "due at 2026-12-01T06:00:00Z"),
        (Waiting(calibration=True), "due on a new calibration"),
        (
            Waiting(at=START, calibration=True),
            "due on a new calibration, not before 2026-12-01T06:00:00Z",
        ),
    ],
)
def test_what_is_waited_for_can_be_told(waiting: Waiting, told: str) -> None:
    assert str(waiting) == told
    assert waiting.ended == (told == "ended")


@pytest.mark.parametrize(("stamp", "what"), [("soon", "not a time"), ("2026-12-01", "its zone")])
def test_a_calibration_without_a_time_and_zone_is_refused(stamp: str, what: str) -> None:
    with pytest.raises(UsageError, match=f"calibration time '{stamp}': .*{what}"):
        ask(Schedule(on="recalibration"), START, calibration=stamp)


def test_the_zone_of_a_time_does_not_matter() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    now, registered = (START + HOUR).astimezone(east), START.astimezone(east)
    stamp = datetime.fromisoformat(OLD).astimezone(east).isoformat()
    for schedule, at in ((Schedule(every=60), START + HOUR), (Schedule(on="recalibration"), OLD)):
        found = ask(schedule, now, registered=registered, calibration=stamp)
        assert isinstance(found, Due)
        assert found.at.isoformat() == str(at).replace(" ", "T")


# --- properties ---------------------------------------------------------------------------------


PERIODS = st.none() | st.integers(60, 4 * 3600)
SCHEDULES = st.builds(
    lambda every, first, length, on: Schedule(
        every=every,
        not_before=None if first is None else text(START + first * MINUTE),
        until=None if length is None else text(START + ((first or 0) + length) * MINUTE),
        on=on,
    ),
    PERIODS,
    st.integers(-60, 300),
    st.none() | st.integers(1, 900),
    st.sampled_from([None, "recalibration"]),
) | st.builds(lambda every, on: Schedule(every=every, on=on), st.integers(60, 9000), st.none())
OFFSETS = st.lists(st.integers(-120, 900).map(lambda minutes: START + minutes * MINUTE))
SECONDS = st.integers(0, 59)


def calibrated(times: list[datetime], now: datetime) -> str | None:
    past = [time for time in times if time <= now]
    return max(past).isoformat() if past else None


def minutes(second: int) -> list[datetime]:
    return [START + timedelta(minutes=m, seconds=second) for m in range(900)]


@given(SCHEDULES, OFFSETS, OFFSETS)
def test_no_occurrence_is_there_twice_and_none_is_out_of_its_time(
    schedule: Schedule, nows: list[datetime], calibrations: list[datetime]
) -> None:
    """The clock jumps at will, backwards too."""
    done = run(schedule, [(now, calibrated(calibrations, now)) for now in nows])
    ids = [due.at for _, due in done]
    assert all(a < b for a, b in pairwise(ids))
    for now, _ in done:
        assert schedule.starts is None or now >= schedule.starts
        assert schedule.ends is None or now < schedule.ends


@given(SCHEDULES.filter(lambda s: s.every is not None and s.on is None), SECONDS)
def test_a_timer_of_a_minute_loses_no_period(schedule: Schedule, second: int) -> None:
    assert schedule.every is not None
    ticks = [t for t in minutes(second) if schedule.ends is None or t < schedule.ends]
    period, first = timedelta(seconds=schedule.every), schedule.starts or START
    grid = [first + k * period for k in range(int(17 * HOUR / period) + 1)]
    reached = [g for g in grid if any(g <= tick < g + period for tick in ticks)]
    done = run(schedule, [(tick, None) for tick in minutes(second)])
    assert [due.at for _, due in done] == reached
    assert all(now - due.at < period for now, due in done)


@given(SCHEDULES.filter(lambda s: s.every is None and s.on is not None), OFFSETS, SECONDS)
def test_a_timer_of_a_minute_loses_no_calibration(
    schedule: Schedule, calibrations: list[datetime], second: int
) -> None:
    starts, ends = schedule.starts or START, schedule.ends
    ticks = [(now, calibrated(calibrations, now)) for now in minutes(second)]
    seen = [c for now, c in ticks if c and now >= starts and (ends is None or now < ends)]
    assert [due.calibration for _, due in run(schedule, ticks)] == list(dict.fromkeys(seen))


@given(st.integers(60, 9000), OFFSETS, SECONDS)
def test_both_conditions_hold_and_whatever_meets_them_is_run(
    every: int, calibrations: list[datetime], second: int
) -> None:
    ticks = [(now, calibrated(calibrations, now)) for now in minutes(second)]
    expected: list[tuple[int, str]] = []
    for now, calibration in ticks:
        number = int((now - START).total_seconds() // every)
        if calibration and (
            not expected or (number > expected[-1][0] and calibration > expected[-1][1])
        ):
            expected.append((number, calibration))
    done = run(Schedule(every=every, on="recalibration"), ticks)
    found = [((due.at - START) / timedelta(seconds=every), due.calibration) for _, due in done]
    assert found == expected


@given(SCHEDULES, OFFSETS, st.datetimes(datetime(2026, 11, 30), datetime(2026, 12, 3)), SECONDS)
def test_two_that_ask_in_one_period_mean_the_same_occurrence(
    schedule: Schedule, calibrations: list[datetime], now: datetime, second: int
) -> None:
    one = now.replace(tzinfo=UTC)
    stamp = calibrated(calibrations, one)
    found = ask(schedule, one, calibration=stamp)
    other = ask(schedule, one + timedelta(seconds=second), calibration=stamp)
    if isinstance(found, Due) and isinstance(other, Due) and schedule.every is not None:
        assert (other.at - found.at) % timedelta(seconds=schedule.every) == timedelta()
        assert other.at - found.at <= timedelta(seconds=second)
    elif isinstance(found, Due) and isinstance(other, Due):
        assert found == other


@given(SCHEDULES, OFFSETS, st.integers(-60, 900))
def test_the_time_that_is_named_for_the_next_is_the_next(
    schedule: Schedule, calibrations: list[datetime], minute: int
) -> None:
    now = START + minute * MINUTE
    before = run(schedule, [(now, calibrated(calibrations, now))])
    last, stamp = (before[0][1] if before else None), "2027-01-01T00:00:00Z"
    found = ask(schedule, now, last=last, calibration=stamp)
    if isinstance(found, Waiting) and found.at is not None:
        early = found.at - timedelta(microseconds=1)
        assert isinstance(ask(schedule, early, last=last, calibration=stamp), Waiting)
        assert isinstance(ask(schedule, found.at, last=last, calibration=stamp), Due)


@given(SCHEDULES.filter(lambda s: s.on is None), st.integers(-60, 900))
def test_the_times_that_are_told_beforehand_are_those_of_a_timer(
    schedule: Schedule, minute: int
) -> None:
    now = START + minute * MINUTE
    told = next_times(schedule, registered=START, last_due=None, now=now)
    done: list[Due] = []
    for time in told:
        found = ask(schedule, time, last=done[-1] if done else None)
        assert isinstance(found, Due)
        done.append(found)
    after = ask(schedule, told[-1] if told else now, last=done[-1] if done else None)
    assert len(told) == 3 or (isinstance(after, Waiting) and after.ended)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(every=86400), "due at 2026-12-01T06:00:00Z (now), 2026-12-02T06:00:00Z, "),
        (Schedule(every=86400, until="2026-12-02T00:00Z"), "(now), none at or after 2026-12-02T00"),
        (Schedule(not_before="2026-12-05T00:00Z"), "due once, at 2026-12-05T00:00:00Z"),
        (Schedule(on="recalibration"), "due from 2026-12-01T06:00:00Z (now) on, on each new calib"),
        (Schedule(every=60, on="recalibration"), " and so on, each on a new calibration only"),
        (Schedule(every=60, until="2026-12-01T00:00Z"), "nothing is due any more, none at or afte"),
    ],
)
def test_a_schedule_in_words(schedule: Schedule, words: str) -> None:
    assert words in schedule_words(schedule, registered=START, last_due=None, now=START)


def test_without_a_period_nobody_knows_when_the_next_calibration_comes() -> None:
    schedule = Schedule(on="recalibration")
    now = START + HOUR
    assert next_times(schedule, registered=START, last_due=None, now=now) == [now]
    assert next_times(schedule, registered=START, last_due=START, now=now) == []
