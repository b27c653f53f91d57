"""`hexmagic overhead`: what a state costs, ours beside published figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import output_option, runs_option, text_width
from .results import EXIT_PARTIAL, tell_problems

if TYPE_CHECKING:
    import pandas as pd

    from ...analysis.overhead.comparison import Attempt
    from ...analysis.overhead.side_by_side import Footprint
    from ..folder.run_folder import RunFolder

Tables = dict[str, "pd.DataFrame"]

COMPARISON = "comparison"
_PAPER = ("points", "fits")


@click.command(short_help="Compare what a state costs with distillation and with the paper.")
@click.argument("run_names", metavar="[RUN]...", nargs=-1)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "csv", "json", "markdown"]),
    default="text",
    show_default=True,
    help="csv: one table, see --kind. json: one document with every table.",
)
@click.option(
    "--kind",
    type=click.Choice([COMPARISON, *_PAPER]),
    help="Which table. points and fits belong together and are one table only as csv. Without it: "
    "text and json hold all that there is; csv holds points, markdown points and fits.",
)
@output_option
@runs_option
def overhead(
    run_names: tuple[str, ...], format_: str, kind: str | None, output: Path | None, runs: Path
) -> int:
    """Compare what an accepted state costs with 15-to-1 distillation and with the paper.

    comparison: qubits, two-qubit gates, time and space-time of each accepted state, its infidelity,
    and the ratios to published figures of Chamberland and Noh (2020) and of Litinski (2019), each
    traced to a run or a citation. Without a RUN it is about what hexmagic ships, measured at
    p = 1e-4 and 1e-3 and on FakeBoston (docs/overhead.md).

    points, fits: runs under the paper's noise ({paper: p}, H_ideal measured) beside the authors'
    figures, and the laws c p^k and exp(-N p) fitted to both (docs/paper.md).

    If shots of a run are missing or damaged, standard error says which and the exit code is 4.

    \b
    Example:
      hexmagic overhead
      hexmagic overhead latest --kind comparison --format csv -o overhead.csv
      hexmagic overhead latest --format markdown -o paper.md
    """
    from ..catalogue import find_runs
    from ..folder.files import write_bytes
    from ..run import Run

    folders = find_runs(run_names, runs)
    wanted = _wanted(kind, format_)
    tables: Tables = _comparison(folders) if COMPARISON in wanted else {}
    if _wants_paper(kind, format_, folders):
        tables |= _paper(folders)
    partial = tell_problems([Run(folder) for folder in folders])
    content = _encode(tables, format_, kind or ("points" if format_ == "csv" else None))
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        write_bytes(output, content)
    return EXIT_PARTIAL if partial else 0


def _wanted(kind: str | None, format_: str) -> tuple[str, ...]:
    if kind is not None:
        return (COMPARISON,) if kind == COMPARISON else _PAPER
    return (COMPARISON, *_PAPER) if format_ in ("text", "json") else _PAPER


def _wants_paper(kind: str | None, format_: str, folders: list[RunFolder]) -> bool:
    """Return whether points and fits are shown: if asked for, and else if there are any."""
    if kind is not None or format_ in ("csv", "markdown"):
        return kind != COMPARISON
    if format_ == "json" and not folders:
        return True
    from ..footprints import footprints

    return any(footprints(folder) for folder in folders)


def _comparison(folders: list[RunFolder]) -> Tables:
    """Return the comparison, of runs or of what is shipped.

    Raises:
        UsageError: a run has no point whose fidelity is known.
    """
    import pandas as pd

    from ...analysis.overhead.comparison import comparison, measured_points, run_points
    from ...experiments.errors import UsageError
    from ..footprints import attempts
    from ..run import Run

    if not folders:
        return {COMPARISON: comparison(measured_points())}
    known: dict[tuple[str, int], Attempt] = {}
    frames: list[pd.DataFrame] = []
    for folder in folders:
        known |= attempts(folder)
        frames.append(run_points(Run(folder).fidelity(), known))
        if frames[-1].empty:
            raise UsageError(
                f"run {folder.run_id}: no point to compare; it needs an infidelity: measure "
                "[H_ideal] or X and Z"
            )
    return {COMPARISON: comparison(pd.concat(frames, ignore_index=True))}


def _paper(folders: list[RunFolder]) -> Tables:
    """Return the points and the fits of runs under the paper's noise.

    Raises:
        UsageError: a run has no point to compare.
    """
    import pandas as pd

    from ...analysis.overhead.side_by_side import fits_table, side_by_side
    from ...experiments.errors import UsageError
    from ..footprints import footprints
    from ..run import Run

    frames: list[pd.DataFrame] = []
    known: dict[tuple[str, int], Footprint] = {}
    for folder in folders:
        found = footprints(folder)
        if not found:
            raise UsageError(
                f"run {folder.run_id}: no point to compare; it needs device.noise {{paper: p}} and "
                "measure [H_ideal], as in experiments/paper_d3.yaml"
            )
        known |= found
        frames.append(Run(folder).fidelity())
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    points = side_by_side(frame, known)
    return {"points": points, "fits": fits_table(points)}


def _encode(tables: Tables, format_: str, kind: str | None) -> bytes:
    from ...analysis.text.overhead import markdown_comparison, render_comparison
    from ...analysis.text.side_by_side import markdown_side_by_side, render_side_by_side
    from ..folder.files import canonical_json
    from ..results import csv_bytes, json_bytes

    if format_ == "csv":
        return csv_bytes(tables[str(kind)])
    if format_ == "json":
        rows: dict[str, Any] = {name: json.loads(json_bytes(t)) for name, t in tables.items()}
        return canonical_json({"schema_version": 1} | rows).encode()
    parts: list[str] = []
    if COMPARISON in tables:
        table = tables[COMPARISON]
        text = format_ == "text"
        parts.append(render_comparison(table, text_width()) if text else markdown_comparison(table))
    if "points" in tables:
        pair = (tables["points"], tables["fits"])
        parts.append(
            render_side_by_side(*pair, text_width())
            if format_ == "text"
            else markdown_side_by_side(*pair)
        )
    return "\n".join(parts).encode()
