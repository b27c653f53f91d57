"""Experiment files with things done to them: one line and exit code 2, or an experiment.

Every case goes through `hexmagic check` when it is refused. When it is not, it is planned, and
checked whole if that is a small plan: of what is left nothing more is read from the file. A case is
told by its number: `mutated(1234)` is the file again.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from click.testing import CliRunner, Result
from fakes.commands import one_line
from fakes.spec_mutations import mutated

from hexmagic.backends.remote import AccountError
from hexmagic.driver.cli.main import cli
from hexmagic.driver.plan import Plan, make_plan
from hexmagic.experiments.spec import (
    Experiment,
    SpecError,
    load_experiment,
    parse_experiment,
    write_experiment,
)

FAST, SLOW = 150, 2000
FAST_CHECKS, SLOW_CHECKS = 2, 40
"""How many small plans are checked whole: half a second of CPU and more each."""

SECONDS = 5.0
"""Of CPU, because the cores are shared; a case that sleeps instead gets ten times that."""

LONGEST_LINE = 1000


class HungError(BaseException):
    """No Exception, which the command line would turn into its one line."""


@contextmanager
def time_limit(number: int) -> Iterator[None]:
    """Stop a case that takes too long."""

    def stop(_signum: int, _frame: FrameType | None) -> None:
        raise HungError(f"case {number} takes more than {SECONDS:g} s")

    clocks = ((signal.ITIMER_PROF, signal.SIGPROF, 1), (signal.ITIMER_REAL, signal.SIGALRM, 10))
    before = [signal.signal(signum, stop) for _, signum, _ in clocks]
    try:
        for clock, _, times in clocks:
            signal.setitimer(clock, times * SECONDS)
        yield
    finally:
        for (clock, signum, _), handler in zip(clocks, before, strict=True):
            signal.setitimer(clock, 0)
            signal.signal(signum, handler)


def check(path: Path) -> Result:
    return CliRunner().invoke(cli, ["check", str(path)])


def is_small(plan: Plan) -> bool:
    """Return whether a plan is checked within a second or two."""
    return len(plan.points) <= 2 and all(
        (point.protocol.distance or 3) == 3
        and (point.protocol.rounds or 1) == 1
        and point.protocol.scheme != "routed"
        and point.protocol.reuse != "best"
        and point.shots <= 10**6
        for point in plan.points
    )


def assert_refused(result: Result, path: Path, number: int) -> None:
    """Check that a file was refused in one printable line that names it."""
    assert result.exit_code == 2, (number, result.output)
    line = one_line(result)
    assert line.startswith(str(path)) and line.isprintable(), (number, line)
    assert len(line) < LONGEST_LINE and "Traceback" not in line, (number, line)


def planned(path: Path) -> tuple[Experiment, Plan]:
    experiment = load_experiment(path)
    return experiment, make_plan(experiment)


def fuzz(path: Path, cases: int, checks: int) -> Counter[str]:
    """Read so many files and check at most `checks` of the plans; return what became of them."""
    found: Counter[str] = Counter()
    for number in range(cases):
        path.write_bytes(mutated(number))
        with time_limit(number):
            try:
                experiment, plan = planned(path)
            except SpecError:
                assert_refused(check(path), path, number)
                found["refused"] += 1
                continue
            assert parse_experiment(write_experiment(experiment), source="again") == experiment
            assert plan.points and Plan.from_json(plan.to_json()) == plan
            found["experiments"] += 1
            if found["checked"] < checks and is_small(plan):
                found["checked"] += 1
                found[assert_checked(check(path), path, number)] += 1
    assert [*path.parent.iterdir()] == [path], "something was written"
    return found


def assert_checked(result: Result, path: Path, number: int) -> str:
    """Check how the check of an experiment ended: done, what is not there, or not allowed."""
    assert result.exit_code in (0, 2, 3), (number, result.output)
    if result.exit_code == 2:
        assert_refused(result, path, number)
    elif result.exit_code == 3:
        (line,) = result.stderr.splitlines()
        assert str(path) in line and line.isprintable(), (number, line)
    return f"exit {result.exit_code}"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where to write experiments: a place of its own, without an account."""

    def no_account(_settings: object) -> None:
        raise AccountError("there is no account in a test")

    monkeypatch.setattr("hexmagic.backends.ibm.door.open_remote", no_account)
    folder = tmp_path / "é place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder / "mine.yaml"


def test_files_with_things_done_to_them_are_experiments_or_refused(
    spec: Path, record_property: Callable[[str, object], None]
) -> None:
    found = fuzz(spec, FAST, FAST_CHECKS)
    record_property("became", dict(found))
    assert found["checked"] == FAST_CHECKS and found["refused"] > FAST / 2
    assert found["experiments"] > FAST / 20


@pytest.mark.slow
def test_2000_files_with_things_done_to_them_are_experiments_or_refused(
    spec: Path, record_property: Callable[[str, object], None]
) -> None:
    found = fuzz(spec, SLOW, SLOW_CHECKS)
    record_property("became", dict(found))
    print(dict(found))
    assert found["checked"] == SLOW_CHECKS and found["exit 0"] and found["exit 2"]
    assert found["refused"] > SLOW / 2 and found["experiments"] > SLOW / 20


def test_a_case_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SECONDS", 0.05)
    with pytest.raises(HungError, match="case 7 takes more than"), time_limit(7):
        while True:
            pass
