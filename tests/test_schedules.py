"""Scheduled experiments through `hexmagic run` and `hexmagic tick`: one run for each occurrence."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.commands import one_line
from fakes.hardware import EMULATED, SPEC, KilledError, World, make_world

from hexmagic.backends.remote import RemoteError, UnclearError

ONE = SPEC.replace("shots: 300", "shots: 100")
DAILY = "schedule: {every: 24h}\n"
HOUR = 3600.0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = make_world(tmp_path, monkeypatch)
    world.remote.at_once = True
    return world


def register(world: World, schedule: str = DAILY, *, code: int = 0, text: str = ONE) -> str:
    """Put the experiment on the schedule; return what was said."""
    result = world.call("run", world.spec(schedule, text=text), "--no-wait")
    assert result.exit_code == code, result.output
    return result.output


def after(world: World, seconds: float) -> str:
    """Let time pass, tick twice (a run started by the first ends in the second)."""
    world.clock.advance(seconds)
    said = world.tick().stdout
    world.tick()
    return said


def count_runs(world: World) -> int:
    return len(world.run_ids())


# --- when ---------------------------------------------------------------------------------------


def test_every_starts_now_and_once_in_each_period(world: World) -> None:
    register(world)
    assert (count_runs(world), world.remote.count("post")) == (1, 1)
    for hours, runs in ((0, 1), (23, 1), (2, 2), (22, 2), (2, 3)):
        after(world, hours * HOUR)
        assert count_runs(world) == runs
    assert world.remote.count("post") == 3


def test_a_late_tick_does_not_shift_the_grid(world: World) -> None:
    register(world)
    after(world, 40 * HOUR)
    after(world, 9 * HOUR)
    assert count_runs(world) == 3


def test_a_machine_that_was_off_for_days_makes_up_for_one_run(world: World) -> None:
    register(world)
    after(world, 10 * 24 * HOUR)
    for _ in range(3):
        after(world, 60)
    assert count_runs(world) == 2


def test_not_before_registers_and_waits(world: World) -> None:
    said = register(world, 'schedule: {not_before: "2026-01-02T05:00Z"}\n')
    assert said == "schedule tiny: due at 2026-01-02T05:00:00Z\n"
    assert count_runs(world) == 0
    assert "schedule tiny: due at 2026-01-02T05:00:00Z" in world.tick(code=75).stdout
    world.clock.set("2026-01-02T05:00:01+00:00")
    assert "schedule tiny: started tiny-20260102-050001-" in world.tick().stdout
    assert count_runs(world) == 1


def test_one_that_happens_once_has_ended_then(world: World) -> None:
    register(world, 'schedule: {not_before: "2026-01-02T05:00Z"}\n')
    after(world, 3 * HOUR)
    for _ in range(2):
        after(world, 48 * HOUR)
    assert count_runs(world) == 1
    assert [row.state for row in world.schedules()] == ["ended"]
    assert world.tick(code=0).stdout == "nothing is open\n"


def test_until_ends_it(world: World) -> None:
    register(world, 'schedule: {every: 24h, until: "2026-01-04T00:00Z"}\n')
    after(world, 24 * HOUR)
    after(world, 24 * HOUR)
    assert count_runs(world) == 2
    assert [row.state for row in world.schedules()] == ["ended"]


@pytest.mark.parametrize("dry", ["--no-wait", "--dry-run"])
def test_what_is_over_before_it_begins_is_refused(world: World, dry: str) -> None:
    spec = world.spec('schedule: {every: 1h, until: "2026-01-01T00:00Z"}\n', text=ONE)
    result = world.call("run", spec, dry)
    assert result.exit_code == 2
    assert result.stderr == (
        f"{spec}:8: schedule.until: 2026-01-01T00:00:00Z has passed, so nothing would be run; "
        "write a later time, or leave it out\n"
    )
    assert not world.runs.exists()


def test_on_recalibration_runs_once_for_each_calibration(world: World) -> None:
    register(world, "schedule: {on: recalibration}\n")
    after(world, 48 * HOUR)
    assert count_runs(world) == 1
    world.remote.recalibrate(at="2026-04-20T00:00:00+00:00")
    after(world, 60)
    after(world, 60)
    assert count_runs(world) == 2
    world.remote.recalibrate(at="2026-04-19T00:00:00+00:00")
    after(world, 60)
    assert count_runs(world) == 2


def test_with_every_too_a_new_calibration_waits_for_the_period(world: World) -> None:
    register(world, "schedule: {every: 24h, on: recalibration}\n")
    world.remote.recalibrate(at="2026-04-20T00:00:00+00:00")
    after(world, HOUR)
    assert count_runs(world) == 1
    after(world, 24 * HOUR)
    assert count_runs(world) == 2
    assert "due on a new calibration" in after(world, 24 * HOUR)
    assert count_runs(world) == 2


def test_who_waits_sees_the_first_run_through(world: World) -> None:
    world.site("[ibm]\npoll_seconds = 0.01\n")
    result = world.call("run", world.spec(DAILY, text=ONE))
    assert result.exit_code == 0
    assert "Fidelity of |H>" in result.stdout


# --- what stands in the way ---------------------------------------------------------------------


LATER = '{not_before: "2030-01-01T00:00Z"}'
BLOCKS = ONE.replace(
    "device: {backend: ibm, name: ibm_boston}", "device:\n  backend: ibm\n  name: X"
)


@pytest.mark.parametrize("when", ["{every: 24h}", LATER])
@pytest.mark.parametrize(
    ("more", "site", "code", "line"),
    [
        ("budget: {qpu_seconds: 0.1}\n", "", 3, ":10: budget.qpu_seconds: up to 5 QPU seconds "),
        ("gates: {max_queue: 5}\n", "", 2, ":6: device.name: "),
        ("", "[budget]\nqpu_seconds_per_day = 4\n", 3, "up to 5 QPU seconds more would exceed "),
    ],
)
def test_what_can_never_be_run_is_refused_with_the_line_of_its_file(
    world: World, when: str, more: str, site: str, code: int, line: str
) -> None:
    name = "ibm_nowhere" if code == 2 else "ibm_boston"
    spec = world.spec(f"{more}schedule: {when}\n", text=BLOCKS.replace("X", name, 1))
    world.site(site)
    result = world.call("run", spec, "--no-wait")
    assert result.exit_code == code, result.output
    said = one_line(result)
    assert said.startswith(f"{spec}{line}" if line.startswith(":") else line)
    assert said.endswith("; the schedule is not registered")
    assert (world.schedules(), count_runs(world)) == ([], 0)


def test_what_may_pass_by_itself_is_said_when_a_schedule_is_registered(world: World) -> None:
    world.remote.stand(operational=False, message="maintenance", queue=9)
    said = register(world, f"gates: {{max_queue: 5}}\nschedule: {LATER}\n")
    assert said.startswith("schedule tiny: due at 2030-01-01T00:00:00Z; now it would be refused: ")
    assert "tiny.yaml:4: device.name: ibm_boston takes no jobs now (maintenance)" in said
    assert "tiny.yaml:8: gates.max_queue: ibm_boston: 9 jobs wait, the gate allows at most" in said
    assert [row.state for row in world.schedules()] == ["active"]


def test_a_first_run_that_is_due_and_refused_for_now_is_tried_again(world: World) -> None:
    world.remote.stand(operational=False, message="maintenance")
    said = register(world)
    assert said.startswith("schedule tiny: refused: ")
    assert "tiny.yaml:4: device.name: ibm_boston takes no jobs now (maintenance)" in said
    assert said.endswith("; it is registered, and tried again a quarter of an hour later\n")
    assert count_runs(world) == 0
    world.remote.stand(operational=True)
    assert "schedule tiny: started" in after(world, 901)
    assert count_runs(world) == 1


def test_an_emulated_schedule_that_can_never_be_run_is_refused(world: World) -> None:
    more = f"budget: {{qpu_seconds: 0}}\nschedule: {LATER}\n"
    result = world.call("run", world.spec(more, text=EMULATED))
    assert result.exit_code == 3
    assert "tiny.yaml:" in one_line(result) and "budget.qpu_seconds: estimated " in result.stderr
    assert world.schedules() == []


def test_a_schedule_that_is_due_is_compiled_and_checked_once(world: World) -> None:
    register(world)
    assert (world.remote.count("usage"), count_runs(world)) == (1, 1)


def test_a_later_run_that_is_refused_is_tried_again_after_a_quarter_of_an_hour(
    world: World,
) -> None:
    register(world)
    world.remote.stand(operational=False)
    assert "schedule tiny: refused: " in after(world, 24 * HOUR)
    world.remote.stand(operational=True)
    asked = world.remote.count("device")
    assert "refused, tried again later: " in after(world, 600)
    assert (count_runs(world), world.remote.count("device")) == (1, asked)
    after(world, 301)
    assert count_runs(world) == 2


def test_a_service_that_does_not_answer_is_asked_again_by_the_next_tick(world: World) -> None:
    register(world)
    world.tick()
    world.clock.advance(24 * HOUR)
    world.remote.fail("standing", RemoteError("HTTP 503: down"))
    assert "schedule tiny: HTTP 503: down" in world.tick(code=75).stdout
    world.tick()
    assert count_runs(world) == 2


def test_a_run_that_is_still_open_is_waited_for(world: World) -> None:
    world.remote.at_once = False
    register(world)
    first = world.run_ids()[0]
    assert f"schedule tiny: waits until {first} has ended" in after(world, 25 * HOUR)
    world.remote.end()
    world.remote.at_once = True
    after(world, 60)
    assert count_runs(world) == 2


def test_a_run_that_needs_a_person_is_waited_for(world: World) -> None:
    world.remote.fail("post", UnclearError("lost"))
    register(world)
    for _ in range(4):
        world.clock.advance(60)
        world.tick()
    assert world.states() == ["parked"]
    assert "waits until" in after(world, 48 * HOUR)
    assert count_runs(world) == 1


def test_the_days_budget_refuses_an_occurrence_until_the_next_day(world: World) -> None:
    world.site("[budget]\nqpu_seconds_per_day = 7\n")
    register(world, "schedule: {every: 1h}\n")
    world.tick()
    assert "would exceed this day's budget" in after(world, 2 * HOUR)
    assert count_runs(world) == 1
    world.clock.set("2026-01-03T00:00:01+00:00")
    after(world, HOUR)
    assert count_runs(world) == 2


@pytest.mark.parametrize(
    "where",
    [
        "hexmagic.driver.schedules.due.create_on_hardware",
        "hexmagic.driver.hardware.start.create_run",
        "hexmagic.driver.hardware.start.register",
    ],
)
def test_a_crash_while_a_run_is_made_leaves_one_run(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KilledError

    register(world)
    world.tick()
    world.clock.advance(24 * HOUR)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(where, killed)
        world.tick()
    (row,) = world.schedules()
    for _ in range(3):
        after(world, 60)
    assert count_runs(world) == 2
    assert row.last_run in world.run_ids()
    assert world.remote.count("post") == 2


# --- names --------------------------------------------------------------------------------------


def test_cancel_ends_the_schedule_and_not_its_run(world: World) -> None:
    world.remote.at_once = False
    register(world)
    result = world.call("cancel", "tiny")
    assert (result.exit_code, result.stdout) == (
        0,
        "schedule tiny: ended; runs that it started go on\n",
    )
    assert world.states() == ["submitted"]
    world.remote.end()
    world.tick(code=0)
    after(world, 48 * HOUR)
    assert count_runs(world) == 1


def test_one_that_was_cancelled_can_be_registered_again(world: World) -> None:
    register(world)
    world.tick()
    world.call("cancel", "tiny")
    register(world, "schedule: {every: 12h}\n")
    assert count_runs(world) == 2


def test_registering_the_same_again_changes_nothing(world: World) -> None:
    register(world)
    world.tick()
    assert "schedule tiny: due at 2026-01-03T03:04:05" in register(world)
    assert count_runs(world) == 1
    after(world, 24 * HOUR)
    assert count_runs(world) == 2


def test_another_experiment_of_the_name_is_refused(world: World) -> None:
    register(world)
    result = world.call("run", world.spec(DAILY, text=SPEC), "--no-wait")
    assert result.exit_code == 2
    assert "hexmagic cancel tiny" in one_line(result)
    result = world.call("run", world.spec(DAILY, text=ONE), "--shots", 50, "--no-wait")
    assert result.exit_code == 2


def test_overrides_stay_with_the_schedule(world: World) -> None:
    world.call("run", world.spec(DAILY, text=ONE), "--shots", 50, "--no-wait")
    world.tick()
    after(world, 24 * HOUR)
    shots = [job.submission.circuits[-1][1] for job in world.remote.jobs]
    assert shots == [50, 50]


def test_the_experiment_is_as_it_was_when_it_was_registered(world: World) -> None:
    register(world)
    world.tick()
    (world.path / "tiny.yaml").write_text("nonsense")
    after(world, 24 * HOUR)
    assert count_runs(world) == 2
    specs = {(world.runs / run / "spec.yaml").read_bytes() for run in world.run_ids()}
    assert len(specs) == 1


def test_an_emulated_experiment_can_be_scheduled_too(world: World) -> None:
    world.call("run", world.spec(DAILY, text=EMULATED))
    assert world.state() == "done"
    world.clock.advance(24 * HOUR)
    result = world.tick(code=75)
    assert "run to its end" in result.stdout
    assert count_runs(world) == 2


def test_two_schedules_are_served_side_by_side(world: World) -> None:
    register(world)
    world.call("run", world.spec("schedule: {every: 12h}\n", text=ONE, name="other"), "--no-wait")
    after(world, 12 * HOUR)
    after(world, 12 * HOUR)
    names = [run.partition("-")[0] for run in world.run_ids()]
    assert (names.count("tiny"), names.count("other")) == (2, 3)


def test_a_dry_run_registers_nothing(world: World) -> None:
    result = world.call("run", "--dry-run", world.spec(DAILY, text=ONE))
    assert result.exit_code == 0
    assert not world.runs.exists()
    assert "Schedule: due at 2026-01-02T03:04:" in result.stdout


def test_a_dry_run_says_when_the_next_runs_would_be(world: World) -> None:
    spec = world.spec('schedule: {every: 12h, not_before: "2026-01-05T00:00Z"}\n', text=ONE)
    said = " ".join(world.call("run", "--dry-run", spec).stdout.split())
    days = "2026-01-05T00:00:00Z, 2026-01-05T12:00:00Z, 2026-01-06T00:00:00Z and so on"
    assert f"Schedule: due at {days} Before" in said
    register(world, 'schedule: {every: 12h, not_before: "2026-01-05T00:00Z"}\n')
    said = " ".join(world.call("run", "--dry-run", spec).stdout.split())
    assert "Schedule: registered at 2026-01-02T03:04:0" in said and f"; due at {days}" in said


def test_a_dry_run_knows_its_own_registration_and_not_that_of_another(world: World) -> None:
    register(world)
    spec = world.spec(DAILY, text=ONE)
    said = " ".join(world.call("run", "--dry-run", spec).stdout.split())
    assert "Schedule: registered at " in said
    said = " ".join(world.call("run", "--dry-run", spec, "--shots", 7).stdout.split())
    assert "Schedule: due at " in said and "registered at" not in said


def test_an_emulated_experiment_is_not_run_again_while_its_snapshot_is_the_same(
    world: World,
) -> None:
    noisy = EMULATED.replace("heavy_hex_5, noise: none", "fake_boston, noise: calibration")
    world.call("run", world.spec("schedule: {on: recalibration}\n", text=noisy), "--shots", 10)
    assert (count_runs(world), world.state()) == (1, "done")
    after(world, 48 * HOUR)
    assert count_runs(world) == 1
