"""A ledger from a backup of any moment: nothing is paid twice, nothing is lost, and it ends.

Whatever a ledger was when it was kept, the run folders and the service are as they are now. What
then has to hold is `Outcome.wrong`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fakes.hardware import make_world, words
from fakes.histories import HISTORIES, LAG, WAYS
from fakes.snapshots import Past, make_process

KILLS = 40
"""Older ledgers of a history whose recovery is killed up to three times."""
EVENTS = 40
"""Within so many lasting things of a command line it is killed."""

Make = Callable[[str, float], Past]


@pytest.fixture
def make_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return what lives through a history beside a service whose listing lags."""

    def make(history: str, lag: float) -> Past:
        world = make_world(tmp_path, monkeypatch)
        return Past(world, make_process(world, monkeypatch), HISTORIES[history], lag=lag)

    return make


def wrong(past: Past, number: int, way: str, kills: Sequence[int] = ()) -> list[str]:
    """Return what is wrong after a recovery, and where to look for it."""
    past.go_back(number)
    found = past.go_on(way, kills).wrong
    return [f"ledger {number}, {way}, killed after {[*kills]}: {one}" for one in found]


def test_a_history_ends_with_a_job_in_flight_and_can_be_gone_back_to(make_past: Make) -> None:
    past = make_past("failed, resumed, failed, resumed", LAG)
    assert words(past.world) == ["failed", "failed", "queued"]
    assert len(past.ledgers) > 20
    states = []
    for number in range(len(past.ledgers)):
        past.go_back(number)
        with past.world.ledger() as ledger:
            runs = ledger.runs()
        states += [past.world.states() if runs else []]
    assert states[0] == []  # the file is made before the run is in it
    assert ["failed", "planned"] in states and ["failed", "submitted"] in states
    assert states[-1] == ["failed", "failed", "submitted"]
    assert past.go_on("tick").state == "done"


@pytest.mark.parametrize("history", HISTORIES)
def test_some_of_the_ledgers_of_a_history(make_past: Make, history: str) -> None:
    past = make_past(history, LAG)
    found = [
        one
        for offset, way in enumerate(WAYS)
        for number in range(2 * offset, len(past.ledgers), 6)
        for one in wrong(past, number, way)
    ]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("lag", [0.0, LAG])
@pytest.mark.parametrize("history", HISTORIES)
def test_every_ledger_of_a_history(make_past: Make, history: str, lag: float) -> None:
    past = make_past(history, lag)
    found = [
        one
        for number in range(len(past.ledgers))
        for way in WAYS
        for one in wrong(past, number, way)
    ]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES)
def test_a_recovery_that_is_killed(make_past: Make, history: str) -> None:
    past, draw = make_past(history, LAG), random.Random(f"kills of {history}")
    found: list[str] = []
    for _ in range(KILLS):
        number, way = draw.randrange(len(past.ledgers)), draw.choice([*WAYS])
        kills = [draw.randrange(EVENTS) for _ in range(draw.randint(1, 3))]
        found += wrong(past, number, way, kills)
    assert found == []
    assert past.process.killed > KILLS / 2
