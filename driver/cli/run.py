"""`hexmagic run`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import note, runs_option, text_width

if TYPE_CHECKING:
    from ..folder.run_folder import RunFolder
    from ..prepare import Prepared
    from ..run import Run
    from ..services import Services
    from .junit_log import JunitLog


@click.command(short_help="Run an experiment and print its fidelity table.")
@click.argument("spec", metavar="[SPEC]", required=False)
@click.option("--backend", metavar="B", help="Instead of device.backend.")
@click.option("--device", metavar="D", help="Instead of device.name; see `hexmagic devices`.")
@click.option("--shots", type=int, metavar="N", help="Per basis, instead of the file's.")
@click.option("--seed", type=int, metavar="N", help="Instead of the file's.")
@click.option("--workers", type=int, metavar="N", help="Processes; one per core by default.")
@click.option(
    "--executor",
    default="processes",
    show_default=True,
    metavar="E",
    help="Where shards run: processes, or tcp://HOST:PORT of a Dask scheduler.",
)
@runs_option
@click.option("--no-wait", is_flag=True, help="Hardware: submit and return; `tick` goes on.")
@click.option("--dry-run", is_flag=True, help="Show every check; run, submit and write nothing.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped or failed.")
@click.option(
    "--junit",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the result, or what went wrong, as JUnit XML for CI.",
)
def run(spec: str | None, runs: Path, **options: Any) -> None:
    """Run an experiment the whole way: check, compile, sample, post-select, tables, report.

    Progress goes to standard error, the fidelity table to standard output; its last line is
    `run: RUN_ID`. A run that was stopped is continued with --resume; no finished shard is run
    twice. Results do not depend on --workers. An experiment with a `schedule` is registered, and
    run now only if it is due; `hexmagic tick` runs it from then on.

    \b
    Example:
      hexmagic run experiments/steane_h.yaml --shots 2000 --device fake_fez
      hexmagic run --resume latest
      hexmagic run experiments/hardware_h.yaml --no-wait
    """
    from ...experiments.errors import UsageError
    from .junit_log import junit_file

    for name in ("dry_run", "no_wait"):
        if options["junit"] is not None and options[name]:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"--junit: {option} waits for no result, so there is none; omit one")
    known = {"spec": spec, "runs": runs, "resume": options["resume"], "seed": options["seed"]}
    with junit_file(options["junit"], **known) as log:
        _run_or_resume(spec, runs, options, log)


def _run_or_resume(spec: str | None, runs: Path, options: dict[str, Any], log: JunitLog) -> None:
    from ...experiments.errors import UsageError

    overrides = {key: options[key] for key in ("backend", "device", "shots", "seed")}
    if options["resume"] is not None:
        _refuse_with_resume(overrides | {"dry_run": options["dry_run"] or None})
        finished = _resume(options["resume"], spec, runs, options, log)
    elif spec is None:
        raise UsageError("run: name an experiment file, or a run with --resume")
    elif options["dry_run"]:
        _dry_run(spec, runs, overrides)
        return
    else:
        finished = _run(spec, runs, options, overrides, log)
    if finished is not None:
        _print(finished, log)


def _services(options: dict[str, Any]) -> tuple[Services, int]:
    """Return what the options say of where shards run."""
    from ...experiments.errors import UsageError
    from ..executors import PROCESSES
    from ..services import Services
    from ..start import checked_workers, with_executor

    workers = checked_workers(options["workers"])
    if options["workers"] is not None and options["executor"] != PROCESSES:
        raise UsageError(
            f"--workers {workers}: a cluster has its own number of workers; leave it out, or use "
            "--executor processes"
        )
    return with_executor(Services(), options["executor"]), workers


def _run(
    spec: str, runs: Path, options: dict[str, Any], overrides: dict[str, Any], log: JunitLog
) -> Run | None:
    from ..new_run import create_run
    from ..request import check_limits, prepare_request, read_request

    services, workers = _services(options)
    request = read_request(spec, **overrides)
    if request.experiment.schedule is not None:
        from ..schedules.register import schedule_now

        with _silence_waits("nothing was submitted; the schedule is registered"):
            folder, said = schedule_now(request, runs, services)
        note(said)
        return None if folder is None else _begun(folder, workers, services, log, options)
    _refuse_no_wait(request.experiment.device.backend, options)
    with _silence_waits("nothing was made or submitted"):
        prepared, engine = prepare_request(request, services, runs)
    if engine.machines is not None:
        from ..hardware_run import begin

        with _silence_waits("nothing was made or submitted"):
            folder = begin(request, prepared, engine, runs=runs, services=services)
        return _begun(folder, workers, services, log, options)
    check_limits(prepared, engine, request.where)
    folder = create_run(prepared, engine, spec=request.spec, runs=runs, services=services)
    return _execute(folder, workers, services, log, prepared)


@contextmanager
def _silence_waits(what: str) -> Iterator[None]:
    """Take a service that does not answer before there is a run for something to wait for.

    Args:
        what: of what was asked for, in words.

    Raises:
        WaitingError: it does not answer; a refusal of its is no silence.
    """
    from ...backends.remote import RemoteError
    from ..folder.directory_lock import WaitingError

    try:
        yield
    except RemoteError as error:
        raise WaitingError(f"{error}; {what}, try again later") from error


def _resume(
    run_id: str, spec: str | None, runs: Path, options: dict[str, Any], log: JunitLog
) -> Run | None:
    from ..catalogue import find_run
    from ..machines import is_hardware
    from ..services import with_writer

    services, workers = _services(options)
    folder = with_writer(find_run(run_id, runs), services)
    if spec is not None:
        _check_same_spec(spec, folder.path)
    if is_hardware(folder.plan):
        from ..hardware_run import plan_again

        plan_again(folder, services)
    return _begun(folder, workers, services, log, options)


def _begun(
    folder: RunFolder,
    workers: int,
    services: Services,
    log: JunitLog,
    options: dict[str, Any],
) -> Run | None:
    """Go on with a run that has its folder: to its end, or, on hardware, for one step."""
    from ..machines import is_hardware

    if not is_hardware(folder.plan):
        _refuse_no_wait(folder.plan.points[0].device.backend, options)
        return _execute(folder, workers, services, log)
    from .hardware import submit_and_leave, submit_and_wait

    if options["no_wait"]:
        submit_and_leave(folder, services, workers)
        return None
    return submit_and_wait(folder, services, workers, log)


def _refuse_no_wait(backend: str, options: dict[str, Any]) -> None:
    from ...experiments.errors import UsageError
    from ...experiments.spec import HARDWARE

    if options["no_wait"] and backend != HARDWARE:
        raise UsageError("--no-wait: local engines run in this process and cannot be left; omit it")


def _execute(
    folder: RunFolder,
    workers: int,
    services: Services,
    log: JunitLog,
    prepared: Prepared | None = None,
) -> Run:
    from ..folder.resuming import resumable
    from ..progress import show_progress
    from ..start import execute
    from ..strata_rounds import planned_shots

    log.begun(folder)
    with resumable(folder):
        note(f"run folder: {folder.path}")
        with show_progress(planned_shots(folder), sys.stderr) as progress:
            return execute(
                folder,
                workers=workers,
                progress=log.watching(progress),
                services=services,
                prepared=prepared,
            )


def _dry_run(spec: str, runs: Path, overrides: dict[str, Any]) -> None:
    from .circuits import check_one, print_check

    document, checked = check_one(spec, runs, **overrides)
    print_check([document], "text")
    checked()


def _print(run: Run, log: JunitLog) -> None:
    from ...analysis.text.tables import render_text
    from ..expectation import ExpectationError, missed_expectations
    from ..folder.run_folder import RunFolder
    from ..strata_rounds import shortfalls

    folder = RunFolder(path=run.folder)
    plan, fidelity, short = folder.plan, run.fidelity(), shortfalls(folder)
    click.echo(render_text(fidelity, text_width()))
    for text in dict.fromkeys(short.values()):
        note(text)
    click.echo(f"run: {run.id}")
    missed = missed_expectations(plan, fidelity, short)
    log.ended(plan, fidelity, missed)
    if missed:
        for one in missed[:-1]:
            note(one.line)
        raise ExpectationError(missed[-1].line)


def _refuse_with_resume(options: dict[str, Any]) -> None:
    from ...experiments.errors import UsageError

    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if given:
        raise UsageError(f"{', '.join(given)}: a run is resumed as it was planned; leave it out")


def _check_same_spec(spec: str, folder: Path) -> None:
    from ...experiments.errors import UsageError
    from ...experiments.spec import load_experiment

    load_experiment(spec)
    if Path(spec).read_bytes() != (folder / "spec.yaml").read_bytes():
        raise UsageError(
            f"{spec}: differs from {folder / 'spec.yaml'}; a run is resumed as it was planned, so "
            "leave the file out, or make a new run"
        )
