"""`hexmagic overhead`: our points beside published figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_common import note, runs_option, text_width

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.side_by_side import Footprint
    from .run_folder import RunFolder


@click.command(short_help="Compare runs with the figures of the paper.")
@click.argument("run_names", metavar="[RUN]...", nargs=-1)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "csv", "json", "markdown"]),
    default="text",
    show_default=True,
    help="json: one document with points and fits. csv: one of them, see --kind.",
)
@click.option(
    "--kind",
    type=click.Choice(["points", "fits"]),
    default="points",
    show_default=True,
    help="Which table csv holds; the other formats hold both.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE")
@runs_option
def overhead(
    run_names: tuple[str, ...], format_: str, kind: str, output: Path | None, runs: Path
) -> None:
    """Compare runs under the paper's noise with the figures of Chamberland and Noh (2020).

    Acceptance, error rate, qubits, average qubits, time steps and space-time of each point, and
    the laws c p^k and exp(-N p) fitted to them. A run has such points if its experiment has noise
    {paper: p} and measures H_ideal. Without a RUN the published figures stand alone.

    \b
    Example:
      hexmagic overhead latest
      hexmagic overhead latest --format markdown -o paper.md
    """
    from .catalogue import find_run
    from .files import write_bytes

    points, fits = _tables([find_run(name, runs) for name in run_names])
    content = _encode(points, fits, format_, kind)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        write_bytes(output, content)


def _tables(folders: list[RunFolder]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the points and the fits of runs.

    Raises:
        UsageError: a run has no point to compare.
    """
    import pandas as pd

    from ..analysis.side_by_side import fits_table, side_by_side
    from ..experiments.errors import UsageError
    from .footprints import footprints
    from .run import Run

    frames: list[pd.DataFrame] = []
    known: dict[tuple[str, int], Footprint] = {}
    for folder in folders:
        run, found = Run(folder), footprints(folder)
        if not found:
            raise UsageError(
                f"run {run.id}: no point to compare; it needs device.noise {{paper: p}} and "
                "measure [H_ideal], as in experiments/paper_d3.yaml"
            )
        known |= found
        frames.append(run.fidelity())
        for problem in run.problems():
            note(f"{run.id}: incomplete: {problem}")
        for text in run.shortfalls():
            note(f"{run.id}: short of its goal: {text}")
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    points = side_by_side(frame, known)
    return points, fits_table(points)


def _encode(points: pd.DataFrame, fits: pd.DataFrame, format_: str, kind: str) -> bytes:
    from ..analysis.side_by_side_text import markdown_side_by_side, render_side_by_side
    from .files import canonical_json
    from .results import csv_bytes, json_bytes

    if format_ == "csv":
        return csv_bytes(points if kind == "points" else fits)
    if format_ == "json":
        tables = {"points": json_bytes(points), "fits": json_bytes(fits)}
        rows = {name: json.loads(content) for name, content in tables.items()}
        return canonical_json({"schema_version": 1} | rows).encode()
    if format_ == "markdown":
        return markdown_side_by_side(points, fits).encode()
    return render_side_by_side(points, fits, text_width()).encode()
