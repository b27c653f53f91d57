"""`hexmagic predict`: the emulator's prediction of what a run has measured."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import note, runs_option

if TYPE_CHECKING:
    from ..prediction import Predicted


@click.command(short_help="Emulate the circuits of a run, to be put beside what was measured.")
@click.argument("run_names", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--shots",
    type=click.IntRange(min=1),
    metavar="N",
    help="Emulated shots of each circuit. Default with clifft: 1048576 at d = 3, 262144 at d = 5, "
    "some seconds for each circuit.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Default: the seed of the run."
)
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice(["clifft", "aer"]),
    default="clifft",
    show_default=True,
    help="clifft: any size, T1 and T2 as their Pauli twirl. aer: exact, and thousands of times "
    "slower.",
)
@runs_option
def predict(
    run_names: tuple[str, ...], shots: int | None, seed: int | None, engine_name: str, runs: Path
) -> None:
    """Emulate the circuits that a run's folder holds, under its noise, and keep what they count.

    A run on hardware is emulated under the newest calibration that it saved. Then the table kinds
    `predicted` and `flags`, and the report, show measured and predicted side by side.

    The circuits are those that were submitted, not compiled again; if they are not what was
    planned, they are refused (exit code 3).

    \b
    Example:
      hexmagic predict latest
      hexmagic predict latest --shots 100000
      hexmagic table latest --kind flags
    """
    from ..adapters import load_engine
    from ..catalogue import find_runs
    from ..prediction import predict_run
    from ..progress import share_progress

    engine = load_engine(engine_name)
    for folder in find_runs(run_names, runs):
        with share_progress(f"prediction of {folder.run_id}") as tell:
            found = predict_run(folder, engine, shots=shots, seed=seed, tell=tell)
        for text in found.left_out:
            note(f"{folder.run_id}: not predicted: {text}")
        click.echo(f"{folder.run_id}: {_summary(found, engine.identity)}")


def _summary(found: Predicted, engine: str) -> str:
    numbers = Counter(found.shots.values())
    circuits = ", ".join(
        f"{n} circuit{'s' * (n > 1)} with {shots} shots{' each' * (n > 1)}"
        for shots, n in sorted(numbers.items(), reverse=True)
    )
    kept = f"; {len(found.again)} of them were there already" if found.again else ""
    return f"predicted {circuits} by {engine} under {' and '.join(found.noises)}{kept}"
