"""`hexmagic synthesise`: a search for shorter H_m and ED circuits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...experiments.schemes import SEARCHED
from .common import PositiveFloat, format_option, note, print_json


@click.command(short_help="Search for a shorter H_m or ED circuit.")
@click.option(
    "--scheme",
    type=click.Choice(SEARCHED),
    default="fold13",
    show_default=True,
    help="The patch, and the circuit of the stage that is not searched.",
)
@click.option(
    "--stage",
    type=click.Choice(["hadamard", "detection"]),
    default="detection",
    show_default=True,
    help="The stage that is searched; the other stays as shipped.",
)
@click.option(
    "--start",
    type=click.Choice(["shipped", "first"]),
    default="shipped",
    show_default=True,
    help="The circuit to begin with: the scheme's own, or an earlier one with more layers.",
)
@click.option(
    "--objective",
    type=click.Choice(["device", "paper", "gates"]),
    default="device",
    show_default=True,
    help="device: gates and waiting as on a Heron r3; paper: every step of every qubit counts "
    "the same; gates: two-qubit gates alone.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the random numbers.")
@click.option(
    "--steps", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="In all."
)
@click.option(
    "--cycles",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often the temperature goes from hot to cold.",
)
@click.option(
    "--hot",
    type=PositiveFloat(),
    default=1.5,
    show_default=True,
    help="First temperature of a cycle, in units of cost.",
)
@click.option(
    "--cold",
    type=PositiveFloat(),
    default=0.25,
    show_default=True,
    help="Last temperature of a cycle.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the search is saved and taken up again "
    "[default: synthesis-SCHEME-STAGE-OBJECTIVE-SEED.json]",
)
@format_option
def synthesise(
    scheme: str,
    stage: Any,
    start: Any,
    objective: str,
    seed: int,
    steps: int,
    cycles: int,
    hot: float,
    cold: float,
    state: Path | None,
    format_: str,
) -> None:
    """Search for a shorter H_m or ED circuit by simulated annealing; print the best one found.

    Every circuit on the way does exactly what the stage should, and is charged for each single
    fault that fails the correction certificate, for its gates and for its waiting qubits. The best
    one is certified. Progress goes to standard error and the state to a file every few seconds:
    the same command goes on from it, and a search that was stopped ends as if it had not been.

    \b
    Example:
      hexmagic synthesise --objective gates --steps 2000000 --seed 7
      hexmagic synthesise --stage hadamard --scheme fold14 --objective paper --hot 8 --cold 1
    """
    from ...experiments.synthesis.anneal import Schedule
    from ...experiments.synthesis.task import Task
    from ..synthesis import outcome, render_outcome, search

    task = Task(
        stage=stage,
        start=start,
        scheme=scheme,
        objective=objective,
        seed=seed,
        schedule=Schedule(steps=steps, cycles=cycles, hot=hot, cold=cold),
    )
    path = state or Path(f"synthesis-{scheme}-{stage}-{objective}-{seed}.json")
    running = search(task, path, note)
    document = outcome(task, running)
    if format_ == "json":
        print_json(document)
    else:
        click.echo(render_outcome(document), nl=False)
