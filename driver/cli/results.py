"""`hexmagic list`, `status`, `table` and `report`: what runs did and found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..table_kinds import KINDS
from .common import (
    format_option,
    note,
    output_option,
    print_json,
    runs_option,
    table_format_option,
    text_width,
)

if TYPE_CHECKING:
    import pandas as pd

    from ..run import Run

EXIT_PARTIAL = 4
AT_WORK = ("running", "waiting", "cancelling")
"""States of a run in which shots that are missing are no failure."""


@click.command("list", short_help="List the runs of a runs directory.")
@runs_option
@format_option
def list_runs(runs: Path, format_: str) -> None:
    """List the runs of a runs directory, oldest first, with state and shots, and its schedules.

    \b
    Example:
      hexmagic list
      hexmagic list --runs /data/runs --format json
    """
    from ..hardware.standing import schedule_standings
    from ..standing import list_standings, render_standings

    standings = list_standings(runs)
    if format_ == "json":
        schedules = [asdict(row) for row in schedule_standings(runs)]
        print_json({"schema_version": 1, "runs": standings, "schedules": schedules})
    else:
        click.echo(render_standings(standings, runs, text_width()), nl=False)


@click.command(short_help="Say how far a run is, and what failed.")
@click.argument("run", metavar="[RUN]", required=False, default="latest")
@runs_option
@format_option
def status(run: str, runs: Path, format_: str) -> None:
    """Say how far a run is, what failed with which error, and how to go on.

    RUN is an id, the start of one, `latest` (the default) or the path of a run folder.

    \b
    Example:
      hexmagic status
      hexmagic status steane-h-boston-20260102 --format json
    """
    from ..catalogue import find_run
    from ..standing import make_status, render_status

    document = make_status(find_run(run, runs))
    if format_ == "json":
        print_json(document)
    else:
        click.echo(render_status(document, text_width()), nl=False)


@click.command(short_help="Print or write a table of one run or several.")
@click.argument("run_names", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--kind",
    type=click.Choice([*KINDS, "jobs"]),
    default="fidelity",
    show_default=True,
)
@table_format_option
@output_option
@runs_option
def table(
    run_names: tuple[str, ...], kind: str, format_: str, output: Path | None, runs: Path
) -> int:
    """Print or write a table of one run, or of several one below the other.

    json is a list of rows, one object each; missing values are null. parquet needs -o, or a
    standard output that is not a terminal. If shots are missing or damaged, the table is of the
    others, standard error says which and the exit code is 4, unless the run is still at work.

    \b
    Example:
      hexmagic table latest --kind cutflow
      hexmagic table latest --format csv -o fidelity.csv
    """
    opened = _open_runs(run_names, runs)
    frame = _joined([getattr(run, kind)() for run in opened])
    partial = tell_problems(opened)
    write_output(encode_table(frame, format_, text_width()), format_, output)
    return EXIT_PARTIAL if partial else 0


@click.command(short_help="Write a run's report as one HTML file.")
@click.argument("run_names", metavar="RUN...", nargs=-1, required=True)
@output_option
@runs_option
def report(run_names: tuple[str, ...], output: Path | None, runs: Path) -> int:
    """Write the report: one self-contained HTML file that needs no network.

    Without -o each run's report.html is written again; with it one file shows all runs. If shots
    are missing or damaged, the report says which, and the exit code is 4, unless a run is still at
    work.

    \b
    Example:
      hexmagic report latest
      hexmagic report latest steane-h-boston-20260102 -o both.html
    """
    from ..folder.files import write_bytes
    from ..outputs import REPORT, render_together

    opened = _open_runs(run_names, runs)
    if output is not None:
        write_bytes(output, render_together([run.report_data() for run in opened]).encode())
        click.echo(str(output))
    else:
        for run in opened:
            write_bytes(run.folder / REPORT, run.report().encode())
            click.echo(str(run.folder / REPORT))
    return EXIT_PARTIAL if tell_problems(opened) else 0


def tell_problems(opened: Sequence[Run]) -> bool:
    """Say what is missing; return whether any of it is of a run that is no longer at work."""
    partial = False
    for run in opened:
        for problem in run.problems():
            note(f"{run.id}: {_partial(run)}: {problem}")
            partial |= run.state not in AT_WORK
        for text in run.shortfalls():
            note(f"{run.id}: short of its goal: {text}")
    return partial


def _partial(run: Run) -> str:
    """Return what a problem means for the table that is shown."""
    if run.state != "done":
        return "incomplete"
    return "damaged since it was done (tables that it saved then are whole)"


def _open_runs(names: Sequence[str], runs: Path) -> list[Run]:
    from ..catalogue import find_runs
    from ..run import Run

    return [Run(folder) for folder in find_runs(names, runs)]


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def encode_table(frame: pd.DataFrame, format_: str, width: int) -> bytes:
    """Return a table in a format: text, csv, json or parquet."""
    from ..results import csv_bytes, json_bytes, parquet_bytes

    if format_ == "text":
        from ...analysis.text.tables import render_text

        return render_text(frame, width).encode()
    if format_ == "csv":
        return csv_bytes(frame)
    return json_bytes(frame) if format_ == "json" else parquet_bytes(frame)


def write_output(content: bytes, format_: str, output: Path | None) -> None:
    """Write a table to a file, or to standard output if none is named.

    Raises:
        UsageError: Parquet on a terminal.
    """
    from ...experiments.errors import UsageError
    from ..folder.files import write_bytes

    if output is not None:
        write_bytes(output, content)
    elif format_ == "parquet" and sys.stdout.isatty():
        raise UsageError("--format parquet: is not text; name a file with -o")
    else:
        sys.stdout.buffer.write(content)
