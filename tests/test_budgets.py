"""Budgets of paid hardware: a run that would exceed one is refused before anything happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.commands import one_line
from fakes.hardware import MOST, SPEC, World, make_world
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from hexmagic.backends.remote import NotAcceptedError, RemoteError, UnclearError
from hexmagic.driver.hardware.budgets import limits
from hexmagic.driver.ledger.submissions import Claim
from hexmagic.driver.site import SiteBudget
from hexmagic.experiments.spec import Budget

ONE = SPEC.replace("shots: 300", "shots: 100")
"""One job of at most MOST seconds."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def refusal(world: World, more: str = "", **given: str) -> str:
    """Return why a run is refused, with exit code 3; nothing was written but the lock, or asked."""
    spec = world.spec(more, **given)
    before, calls = world.files(), len(world.remote.calls)
    result = world.call("run", spec, "--no-wait")
    assert result.exit_code == 3, result.output
    lock = {"runs": None, "runs/.hexmagic.lock": b""}
    assert before | lock == world.files() | lock
    asked = {name for name, _ in world.remote.calls[calls:]}
    assert asked == {"device", "standing", "usage"}
    return one_line(result)


# --- a new run ----------------------------------------------------------------------------------


def test_a_run_that_would_exceed_its_own_budget_is_refused(world: World) -> None:
    line = refusal(world, "budget: {qpu_seconds: 14}\n")
    assert line.startswith(f"{world.path / 'tiny.yaml'}:8: budget.qpu_seconds: up to 15 QPU")
    assert (world.run_ids(), world.remote.batches) == ([], {})
    assert not (world.runs / "hexmagic.sqlite").exists()


@pytest.mark.parametrize("word", ["day", "month"])
def test_a_run_that_would_exceed_the_directorys_budget_is_refused(world: World, word: str) -> None:
    world.site(f"[budget]\nqpu_seconds_per_{word} = 14\n")
    line = refusal(world)
    assert f"this {word}'s budget (qpu_seconds_per_{word} in hexmagic.toml) of 14" in line
    world.site(f"[budget]\nqpu_seconds_per_{word} = 15\n")
    world.start()


def test_a_budget_that_just_suffices_is_enough(world: World) -> None:
    world.start("budget: {qpu_seconds: 15}\n")
    assert world.states() == ["submitted"] * 3


def test_a_charge_that_is_known_counts_with_what_it_was(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 11\n")
    for name in ("one", "two"):
        world.start(text=ONE, name=name)
        world.remote.end()
        world.tick(code=0)
    assert "6 charged" in refusal(world, text=SPEC.replace("300", "200"))
    world.start(text=ONE, name="three")


def test_what_another_experiment_has_planned_counts(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 9\n")
    world.remote.fail("open_batch", RemoteError("503"))
    world.start(text=ONE, name="first")
    assert world.states() == ["planned"]
    assert "0 charged, up to 5 in flight or planned" in refusal(world, text=ONE, name="second")


def test_what_is_in_flight_of_another_experiment_counts(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 12\n")
    world.start(text=ONE, name="first")
    world.remote.end()
    world.tick(code=0)
    world.start(text=ONE, name="second")
    assert world.states() == ["submitted"]
    line = refusal(world, text=ONE, name="third")
    assert "3 charged, up to 5 in flight or planned" in line


@pytest.mark.parametrize("state", ["unknown", "parked"])
def test_what_may_have_been_accepted_counts(world: World, state: str) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 9\n")
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=ONE, name="first")
    if state == "parked":
        world.clock.advance(121)
        world.tick()
        world.tick(code=4)
    assert world.states() == [state]
    assert "up to 5 in flight" in refusal(world, text=ONE, name="second")


def test_what_was_cancelled_before_it_was_submitted_does_not_count(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 5\n")
    world.remote.fail("open_batch", RemoteError("503"))
    world.start(text=ONE, name="first")
    assert world.call("cancel", "latest").exit_code == 0
    world.start(text=ONE, name="second")


def test_the_days_are_those_of_utc(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 5\n")
    world.clock.set("2026-01-03T00:59:00+01:00")
    world.start(text=ONE, name="first")
    world.remote.end()
    world.tick(code=0)
    assert "3 charged" in refusal(world, text=ONE, name="second")
    world.clock.set("2026-01-03T01:00:01+01:00")
    world.start(text=ONE, name="second")


def test_the_months_are_those_of_utc(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 5\nqpu_seconds_per_month = 7\n")
    world.clock.set("2026-01-30T23:00:00+00:00")
    world.start(text=ONE, name="first")
    world.remote.end()
    world.tick(code=0)
    world.clock.set("2026-02-01T00:59:59+01:00")
    assert "this month's" in refusal(world, text=ONE, name="second")
    world.clock.set("2026-01-31T19:00:01-05:00")
    world.start(text=ONE, name="second")


def test_what_is_in_flight_over_midnight_counts_on_the_new_day(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 9\n")
    world.clock.set("2026-01-02T23:59:00+00:00")
    world.start(text=ONE, name="first")
    world.clock.set("2026-01-03T00:01:00+00:00")
    assert "up to 5 in flight" in refusal(world, text=ONE, name="second")
    world.remote.end()
    world.tick(code=0)
    assert "3 charged" in refusal(world, text=SPEC.replace("300", "200"), name="second")


# --- at submission ------------------------------------------------------------------------------


def test_a_job_that_does_not_fit_todays_budget_waits_for_the_next_day(world: World) -> None:
    world.remote.fail("open_batch", RemoteError("503"))
    world.start()
    world.site("[budget]\nqpu_seconds_per_day = 10\n")
    result = world.tick(code=75)
    assert "would exceed this day's budget" in result.stdout
    assert sorted(world.states()) == ["planned", "submitted", "submitted"]
    world.remote.end()
    world.tick(code=75)
    assert sorted(world.states()) == ["done", "done", "planned"]
    world.clock.set("2026-01-03T00:00:01+00:00")
    world.tick(code=75)
    assert sorted(world.states()) == ["done", "done", "submitted"]


def test_a_job_that_does_not_fit_the_runs_budget_needs_a_person(world: World) -> None:
    world.remote.charge = 2
    world.start("budget: {qpu_seconds: 15}\n")
    world.remote.end("failed", world.remote.jobs[0], reason="fridge warm")
    world.remote.charge = 5
    world.remote.end()
    world.tick(code=4)
    for number, charge in ((4, 5.0), (5, 5.0), (6, 5.0)):
        resumed = world.call("run", "--resume", "latest", "--no-wait")
        if resumed.exit_code == 3:
            assert "would exceed the run's budget of 15" in resumed.stderr
            assert sum(job.charge for job in world.remote.jobs) <= 15
            return
        world.remote.jobs[-1].charge = charge
        world.remote.end("failed", reason=f"again {number}")
        world.tick(code=4)
    raise AssertionError("the run's budget was never reached")


# --- the algebra --------------------------------------------------------------------------------


def made(run_id: str, state: str, charged: list[tuple[float, str]], pending: float) -> Claim:
    planned = pending if state == "planned" else 0.0
    return Claim(
        run_id=run_id,
        state=state,
        charged=tuple(charged),
        open_seconds=pending,
        planned_seconds=planned,
    )


CLAIMS = [
    made("a", "done", [(1.0, "2026-01-31T23:59:59.999999+00:00")], 0),
    made("a", "done", [(2.0, "2026-02-01T00:00:00.000000+00:00")], 0),
    made("a", "submitted", [], 4.0),
    made("a", "planned", [], 8.0),
    made("b", "done", [(16.0, "2026-02-03T12:00:00.000000+00:00")], 0),
    made("b", "planned", [], 32.0),
]


def counted(run_id: str | None, *, now: str = "2026-02-03T13:00:00+00:00", planned: bool) -> Any:
    found = limits(
        CLAIMS,
        run_id=run_id,
        budget=Budget(qpu_seconds=100),
        site=SiteBudget(qpu_seconds_per_day=100, qpu_seconds_per_month=100),
        now=now,
        planned=planned,
    )
    return [(limit.charged, limit.pending) for limit in found]


@pytest.mark.parametrize(
    ("run_id", "planned", "found"),
    [
        ("a", False, [(3, 4), (16, 4), (18, 4)]),
        ("a", True, [(3, 12), (16, 44), (18, 44)]),
        (None, True, [(0, 0), (16, 44), (18, 44)]),
    ],
)
def test_a_budget_counts_its_own_time_and_runs(
    run_id: str | None, planned: bool, found: Any
) -> None:
    assert counted(run_id, planned=planned) == found


def test_a_new_month_begins_with_what_is_in_flight() -> None:
    assert counted("b", now="2026-03-01T00:00:00+00:00", planned=False)[1:] == [(0, 4), (0, 4)]


def test_without_a_budget_there_is_no_limit() -> None:
    found = limits(
        CLAIMS, run_id="a", budget=None, site=SiteBudget(), now="2026-02-03", planned=True
    )
    assert found == ()


LOST = st.sampled_from([None, None, "before", "after"])
"""Whether the answer to a submission is lost, and on which side of its effect."""


class BudgetMachine(RuleBasedStateMachine):
    """Runs, answers, charges, failures and clocks in any order."""

    DAY, MONTH, RUN = 12.0, 25.0, 10.0
    folder: Callable[[], Path]

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.world = make_world(type(self).folder(), self.patch)
        self.patch.setattr("hexmagic.driver.outputs.write_report", lambda *_: None)
        self.world.site(
            f"[budget]\nqpu_seconds_per_day = {self.DAY}\nqpu_seconds_per_month = {self.MONTH}\n"
            "[ibm]\nlisting_wait_seconds = 5\n"
        )
        self.world.remote.listing_lag, self.world.remote.charge_lag = 3.0, 100.0
        self.started = 0

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()

    @rule(runs=st.lists(st.tuples(st.integers(1, 2), LOST), min_size=1, max_size=3))
    def start(self, runs: list[tuple[int, str | None]]) -> None:
        for jobs, lost in runs:
            self.world.remote.mend()
            if lost is not None:
                self.world.remote.fail("post", UnclearError("lost"), after=lost == "after")
            name, self.started = f"run{self.started}", self.started + 1
            text = SPEC.replace("300", str(100 * jobs))
            more = f"budget: {{qpu_seconds: {self.RUN}}}\n"
            spec = self.world.spec(more, text=text, name=name)
            assert self.world.call("run", spec, "--no-wait").exit_code in (0, 3)

    @rule(seconds=st.sampled_from([1, 61, 90_000]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule()
    def tick(self) -> None:
        assert self.world.tick().exit_code in (0, 3, 4, 75)

    @rule(name=st.sampled_from(["post", "find", "look", "open_batch"]))
    def fall_silent(self, name: str) -> None:
        error = NotAcceptedError("429") if name == "post" else RemoteError("503")
        self.world.remote.fail(name, error)

    @rule(charge=st.sampled_from([1.0, MOST]), failed=st.booleans())
    def end_the_jobs(self, charge: float, failed: bool) -> None:
        for job in self.world.remote.jobs:
            job.charge = charge if job.open else job.charge
        self.world.remote.end("failed" if failed else "done")
        self.world.tick()
        self.start([(2, None)])  # while their charges may not be known

    @rule(listing=st.sampled_from([0.0, 3.0]), charges=st.sampled_from([0.0, 100.0]))
    def lag(self, listing: float, charges: float) -> None:
        self.world.remote.listing_lag, self.world.remote.charge_lag = listing, charges

    @rule(which=st.integers(0, 2), verb=st.sampled_from(["resume", "resubmit"]))
    def ask_for_more(self, which: int, verb: str) -> None:
        words = {"resume": ("run", "--no-wait", "--resume"), "resubmit": ("tick", "--resubmit")}
        for run in self.world.run_ids()[which : which + 1]:
            assert self.world.call(*words[verb], run).exit_code in (0, 2, 3, 4, 75)

    @invariant()
    def no_budget_is_exceeded(self) -> None:
        if not hasattr(self, "world"):
            return
        now, jobs = self.world.clock.time, self.world.remote.jobs
        most = {id(job): job.submission.max_seconds if job.open else job.charge for job in jobs}
        for run in {job.submission.tags[1] for job in jobs}:
            assert sum(most[id(job)] for job in jobs if job.submission.tags[1] == run) <= self.RUN
        for budget, form in ((self.DAY, "%Y-%m-%d"), (self.MONTH, "%Y-%m")):
            counted = [j for j in jobs if j.open or f"{j.ended:{form}}" == f"{now:{form}}"]
            assert sum(most[id(job)] for job in counted) <= budget


def test_no_order_of_events_exceeds_a_budget(tmp_path_factory: pytest.TempPathFactory) -> None:
    BudgetMachine.folder = lambda: tmp_path_factory.mktemp("budget")
    # a red run is not shortened: that would take minutes
    short = settings(max_examples=15, stateful_step_count=15, phases=[Phase.generate])
    run_state_machine_as_test(BudgetMachine, settings=short)
