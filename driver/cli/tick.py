"""`hexmagic tick` and `hexmagic cancel`: what a timer calls, and what stops a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..error_lines import describe_error
from ..tick_report import stopped_json
from .common import runs_option

if TYPE_CHECKING:
    from ..tick_report import RunStep, Tick


@click.command(short_help="One safe step for every open run; for a timer.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="One line of JSON on standard output.")
@click.option(
    "--resubmit",
    metavar="RUN",
    help="Submit this run's parked jobs again: your word that the service does not have them.",
)
@click.option("--workers", type=int, metavar="N", help="Processes for emulated runs.")
def tick(runs: Path, as_json: bool, resubmit: str | None, workers: int | None) -> int:
    """Do one safe step for every open run: reconcile, collect, submit what is due, finish.

    Schedules that are due start their runs. Call it from a timer as often as you like: two at the
    same moment do no harm, and after a crash the next one goes on. Exit codes: 0 nothing is open,
    75 something waits, 5 an expectation is not met, 4 something failed or needs a person,
    3 refused.

    \b
    Example:
      hexmagic tick
      hexmagic tick --json --runs /data/runs
    """
    from ..catalogue import find_run
    from ..services import Services
    from ..start import checked_workers
    from ..tick import make_ticker

    services = Services()
    try:
        ticker = make_ticker(runs, services, checked_workers(workers))
        again = None if resubmit is None else find_run(resubmit, runs).run_id
        done = ticker.tick(resubmit=again)
    except Exception as error:
        if as_json:
            line, code = describe_error(error)
            _print_line(stopped_json(services.clockwork.now(), line, code))
        raise
    if as_json:
        _print_line(done.to_json())
    else:
        click.echo("\n".join(render_tick(done)))
    return done.exit_code


@click.command(short_help="Cancel a run, or end a schedule.")
@click.argument("name", metavar="RUN|SCHEDULE")
@runs_option
def cancel(name: str, runs: Path) -> int:
    """Cancel a run: what was not submitted never is, what the service has is cancelled there.

    What was collected stays, and what the service finishes all the same is collected too. With the
    name of a scheduled experiment no more runs of it are started; those that were go on.

    \b
    Example:
      hexmagic cancel hardware-h-20260102-030405-ab12
      hexmagic cancel hardware-h
    """
    from ..cancelling import cancel_lost, cancel_run, cancel_schedule
    from ..catalogue import find_run
    from ..services import Services
    from ..tick import make_ticker

    services = Services()
    if cancel_schedule(name, runs, services):
        click.echo(f"schedule {name}: ended; runs that it started go on")
        return 0
    done = None
    if runs.is_dir():
        done = cancel_lost(name, make_ticker(runs, services, workers=1))
    if done is None:
        folder = find_run(name, runs)
        done = cancel_run(folder, make_ticker(folder.path.parent, services, workers=1))
    click.echo("\n".join(render_step(done)))
    return done.exit_code


def _print_line(document: dict[str, Any]) -> None:
    """Print a JSON document on a line of its own, as a log wants it."""
    click.echo(json.dumps(document, sort_keys=True))


def render_tick(done: Tick) -> list[str]:
    """Return what a tick did as lines."""
    lines = [line for one in done.runs for line in render_step(one)]
    lines += [f"schedule {schedule.name}: {schedule.said}" for schedule in done.schedules]
    return lines or ["nothing is open"]


def render_step(one: RunStep) -> list[str]:
    """Return what was done for one run as lines: how it stands first."""
    lines = [f"{one.run}: {one.state}"]
    lines += [f"  did: {text}" for text in one.said]
    lines += [f"  waits: {text}" for text in one.waits]
    return lines + [f"  problem: {' '.join(text.split())}" for text in one.problems]
