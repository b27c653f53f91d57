"""Schedules in the ledger: registered, occurred, refused, ended; exact rows, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.paid import later
from fakes.remote import Clock

from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.ledger.schedules import ScheduleLedger, ScheduleRow
from hexmagic.experiments.errors import UsageError


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[ScheduleLedger]:
    with ScheduleLedger(tmp_path / "hexmagic.sqlite", clock=clock.now) as opened:
        yield opened


def test_a_schedule_that_is_registered_is_active_and_nothing_has_happened(
    ledger: ScheduleLedger, clock: Clock
) -> None:
    registered = later(clock, 1)
    row = ledger.register_schedule("a", "the file", {"shots": 5, "noise": "x", "account": None})
    assert row == ScheduleRow(
        name="a",
        spec="the file",
        overrides='{"account": null, "noise": "x", "shots": 5}',
        registered=registered,
        state="active",
        last_due=None,
        last_calibration=None,
        last_run=None,
        tried=None,
        refusal="",
    )
    assert row.values == {"shots": 5, "noise": "x", "account": None}
    assert ledger.schedules() == ledger.schedules(active=True) == [row]


def test_schedules_are_listed_as_they_were_registered_then_by_name(tmp_path: Path) -> None:
    times = iter(["2026-02", "2026-01", "2026-02"])
    with ScheduleLedger(tmp_path / "hexmagic.sqlite", clock=lambda: next(times)) as ledger:
        for name in ("c", "z", "a"):
            ledger.register_schedule(name, "", {})
        assert [row.name for row in ledger.schedules()] == ["z", "a", "c"]


def test_the_same_schedule_is_registered_once(ledger: ScheduleLedger) -> None:
    row = ledger.register_schedule("a", "the file", {"x": 1, "y": 2})
    assert ledger.register_schedule("a", "the file", {"y": 2, "x": 1}) == row
    ledger.occur("a", due="2026-03", calibration=None, run_id="run")
    (occurred,) = ledger.schedules()
    assert ledger.register_schedule("a", "the file", {"x": 1, "y": 2}) == occurred
    assert ledger.schedules() == [occurred]


@pytest.mark.parametrize(("spec", "value"), [("another", 1), ("the file", 2)])
def test_another_schedule_of_the_name_of_an_active_one_is_refused(
    ledger: ScheduleLedger, spec: str, value: int
) -> None:
    row = ledger.register_schedule("a", "the file", {"x": 1})
    with pytest.raises(UsageError) as refused:
        ledger.register_schedule("a", spec, {"x": value})
    assert str(refused.value) == (
        "schedule a: another experiment of this name is scheduled; end it with "
        "`hexmagic cancel a` first, or give this one another name"
    )
    assert ledger.schedules() == [row]


@pytest.mark.parametrize("spec", ["the file", "another"])
def test_a_schedule_takes_the_place_of_one_that_has_ended(
    ledger: ScheduleLedger, clock: Clock, spec: str
) -> None:
    other = ledger.register_schedule("b", "the file", {})
    old = ledger.register_schedule("a", "the file", {"x": 1})
    ledger.occur("a", due="2026-03", calibration="c", run_id="run")
    ledger.end_schedule("a")
    registered = later(clock, 1)
    row = ledger.register_schedule("a", spec, {"x": 2})
    assert row == replace(old, spec=spec, overrides='{"x": 2}', registered=registered)
    assert ledger.schedules() == [other, row]


def test_schedules_of_other_names_do_not_mind_each_other(ledger: ScheduleLedger) -> None:
    rows = [ledger.register_schedule(name, name, {}) for name in ("a", "b", "c")]
    ledger.end_schedule("b")
    ended = replace(rows[1], state="ended")
    assert ledger.schedules() == [rows[0], ended, rows[2]]
    assert ledger.schedules(active=False) == ledger.schedules()
    assert ledger.schedules(active=True) == [rows[0], rows[2]]


def test_an_occurrence_is_written_with_its_run_and_ends_a_refusal(
    ledger: ScheduleLedger, clock: Clock
) -> None:
    row = ledger.register_schedule("a", "the file", {})
    other = ledger.register_schedule("b", "the file", {})
    tried = later(clock, 1)
    ledger.refuse("a", "no time left")
    refused = replace(row, tried=tried, refusal="no time left")
    assert ledger.schedules() == [refused, other]
    ledger.occur("a", due="2026-03", calibration="2026-02", run_id="run-1")
    occurred = replace(
        row, last_due="2026-03", last_calibration="2026-02", last_run="run-1", tried=tried
    )
    assert ledger.schedules() == [occurred, other]
    ledger.occur("a", due="2026-04", calibration=None, run_id="run-2")
    assert ledger.schedules()[0] == replace(
        occurred, last_due="2026-04", last_calibration=None, last_run="run-2"
    )


def test_what_is_written_of_a_schedule_is_there_for_another_process(
    ledger: ScheduleLedger,
) -> None:
    row = ledger.register_schedule("a", "the file", {})
    with ScheduleLedger.reading(ledger.path) as reader:
        assert reader.schedules() == [row]
        ledger.end_schedule("a")
        assert (reader.schedules(active=True), reader.schedules()[0].state) == ([], "ended")
        with pytest.raises(StorageError, match="opened to be read only"):
            reader.register_schedule("b", "", {})
