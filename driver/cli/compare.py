"""`hexmagic compare`: runs beside one another."""

from __future__ import annotations

from pathlib import Path

import click

from .common import note, output_option, runs_option, table_format_option, text_width


@click.command(short_help="Say how far runs lie apart, or take them as one.")
@click.argument("run_names", metavar="RUN RUN...", nargs=-1, required=True)
@click.option(
    "--kind",
    type=click.Choice(["differences", "combined"]),
    default="differences",
    show_default=True,
    help="differences: each run against the first. combined: their common values.",
)
@table_format_option
@output_option
@runs_option
def compare(
    run_names: tuple[str, ...], kind: str, format_: str, output: Path | None, runs: Path
) -> int:
    """Say how far runs lie from the first one, or take several runs of one experiment as one.

    Points are matched by their labels. Combined values pool the shots of runs with identical
    circuits and weight others by their variances; whether the runs agree stands beside them.

    \b
    Example:
      hexmagic compare latest steane-h-boston-20260102
      hexmagic compare latest steane-h-boston-20260102 --kind combined --format csv
    """
    from ...experiments.errors import UsageError
    from ..comparing import compared_runs
    from .results import EXIT_PARTIAL, encode_table, write_output

    if len(set(run_names)) < 2:
        raise UsageError(f"compare {' '.join(run_names)}: name two runs or more, each once")
    frame, problems = compared_runs(run_names, runs, kind)
    if frame.empty:
        raise UsageError(
            f"compare {' '.join(run_names)}: no point has the same label in two of them; "
            "`hexmagic table RUN` shows the labels"
        )
    for problem in problems:
        note(problem)
    write_output(encode_table(frame, format_, text_width()), format_, output)
    return EXIT_PARTIAL if problems else 0
