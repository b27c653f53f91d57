"""`hexmagic explore`: a page to switch cuts on and off in."""

from __future__ import annotations

from pathlib import Path

import click

from .common import runs_option


@click.command(short_help="Switch cuts on and off in a page of the browser.")
@click.argument("run_names", metavar="RUN...", nargs=-1, required=True)
@runs_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Port on this machine; by default any that is free.",
)
@click.option("--no-browser", is_flag=True, help="Say the page's address and open no browser.")
def explore(run_names: tuple[str, ...], runs: Path, port: int, no_browser: bool) -> None:
    """Open a page where criteria, bases and parts of runs are chosen and the tables follow.

    Nothing is written, and only this machine can see the page. Ctrl-C ends it. Needs the extra
    `explore`: pip install 'hexmagic[explore]'.

    \b
    Example:
      hexmagic explore latest
      hexmagic explore latest steane-h-boston-20260102 --no-browser
    """
    from ..catalogue import find_runs
    from ..explorer.server import serve

    serve(find_runs(run_names, runs), port=port, browser=not no_browser)
