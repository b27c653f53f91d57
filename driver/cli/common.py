"""What the verbs share: options and ways to print."""

from __future__ import annotations

import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

WIDTH = 80
_NARROWEST = 40

spec_argument = click.argument("spec", metavar="SPEC")
runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Directory of run folders and their ledger.",
)
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one JSON document on standard output and nothing else.",
)
table_format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "csv", "json", "parquet"]),
    default="text",
    show_default=True,
)
output_option = click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE")


class PositiveFloat(click.FloatRange):
    """A number above 0 that is finite: click's own range lets nan and inf through."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail as click does."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


def print_json(document: Any) -> None:
    """Print one JSON document."""
    from ..folder.files import canonical_json

    click.echo(canonical_json(document), nl=False)


def text_width() -> int:
    """Return the columns to print in, 40 at least: COLUMNS, the terminal's, 80 without either."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return max(_NARROWEST, int(asked))
    if not sys.stdout.isatty():
        return WIDTH
    return max(_NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns)


def note(text: str) -> None:
    """Print a line for people on standard error."""
    click.echo(text, err=True)
