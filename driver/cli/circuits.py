"""`hexmagic check`, `certify` and `export`: what is known before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import PositiveFloat, format_option, print_json, runs_option, spec_argument, text_width

if TYPE_CHECKING:
    from ..adapters import Engine
    from ..plan import Point
    from ..policies import Policy
    from ..prepare import Prepared
    from ..request import Request


@click.command(short_help="Validate experiments and show their plans; submit nothing.")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@runs_option
@format_option
def check(specs: tuple[str, ...], runs: Path, format_: str) -> None:
    """Validate experiments and show their plans; submit nothing.

    For each point: device, layout by role, qubits, two-qubit gates by stage, depth, duration,
    certificate of its first basis, predicted acceptance, every reuse policy beside the one asked
    for, shots and estimated QPU seconds (shots x (duration + 250 us repetition delay)). Gates and
    budget are checked: exit code 3 if one is not met. A plan that is too large for its engine is
    shown and said to be so. For hardware the service is asked, with the settings of the runs
    directory, and everything that must hold before a submission is listed.

    \b
    Example:
      hexmagic check experiments/steane_h.yaml experiments/fold_d5.yaml
      hexmagic check experiments/steane_h.yaml --format json
    """
    checked = [check_one(spec, runs) for spec in specs]
    print_check([document for document, _ in checked], format_)
    for _, limits in checked:
        limits()


@click.command(short_help="Enumerate the faults of the compiled circuits.")
@spec_argument
@click.option(
    "--order",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="Faults at a time; 2 judges pairs as well.",
)
@click.option(
    "--kind",
    type=click.Choice(["detection", "correction"]),
    default="detection",
    show_default=True,
    help="Which certificate decides the exit code; both are shown.",
)
@click.option(
    "--budget-seconds",
    type=PositiveFloat(),
    default=600.0,
    show_default=True,
    help="Time for the pairs of each circuit (order 2): all of them if that fits, else as many "
    "drawn ones as do, at least one batch.",
)
@runs_option
@format_option
def certify(
    spec: str, order: int, kind: Any, budget_seconds: float, runs: Path, format_: str
) -> None:
    """Enumerate the faults of the compiled, scheduled protocol circuits, exactly.

    One circuit for each point and measured basis, baselines left out. Order 1: every single fault.
    Order 2: also every pair of faults or, where that takes too long, pairs drawn at random with
    the experiment's seed; each is judged exactly. Results are kept by the content of the circuit
    (in $HEXMAGIC_CACHE). Exit code 5 if the chosen certificate has counterexamples.

    \b
    Example:
      hexmagic certify experiments/steane_h.yaml
      hexmagic certify experiments/steane_h.yaml --kind correction --format json
      hexmagic certify experiments/fold_d5.yaml --order 2 --budget-seconds 1800
    """
    from ..certificates import certify_plan, counterexamples, render_certificates
    from ..expectation import ExpectationError
    from ..progress import share_progress

    _, prepared, _ = _prepare(spec, runs)
    budget = budget_seconds if order == 2 else None
    document = certify_plan(prepared, budget_seconds=budget, show=share_progress)
    if format_ == "json":
        print_json(document)
    else:
        click.echo(render_certificates(document, text_width()), nl=False)
    single, pairs = counterexamples(document, kind)
    if single or pairs:
        what = f"{single} single faults" + (f" and {pairs} pairs" if order == 2 else "")
        raise ExpectationError(f"{spec}: the {kind} certificate fails: {what} get through")


@click.command(short_help="Write compiled circuits with their record maps.")
@click.argument("source", metavar="SPEC|RUN")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["qasm3", "qpy", "stim", "json"]),
    required=True,
    help="qasm3, qpy (version 13) or json (canonical instruction list); stim cannot hold them.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Directory to write to; made if it does not exist.",
)
@runs_option
def export(source: str, format_: str, output: Path, runs: Path) -> None:
    """Write the compiled circuits of an experiment or of a run, each with `*.record.json`.

    The record file says what every classical bit is, by (register, index). Stim's format has no
    rotations, so these circuits cannot be written in it.

    \b
    Example:
      hexmagic export experiments/steane_h.yaml --format qasm3 -o circuits
      hexmagic export latest --format qpy -o circuits
    """
    from ...experiments.errors import UsageError
    from ..folder.circuit_files import SUFFIXES, copy_circuits, refusal, write_circuits

    if format_ not in SUFFIXES:
        raise UsageError(refusal(format_))
    if _is_spec(source):
        _, prepared, _ = _prepare(source, runs)
        paths = write_circuits(output, prepared.compiled_by_name(), formats=(format_,))
    else:
        from ..catalogue import find_run

        paths = copy_circuits(find_run(source, runs).path / "circuits", output, format_)
    for path in paths:
        click.echo(str(path))


def check_one(spec: str, runs: Path, **overrides: Any) -> tuple[dict[str, Any], Callable[[], None]]:
    """Return an experiment's check document, and what raises if a limit forbids to run it."""
    from ...backends.device import load_device
    from ..build import compare_policies
    from ..certificates import certify_if_small
    from ..check import describe
    from ..hardware.start import hardware_checks
    from ..limits import check_gates, refuse_failed
    from ..schedules.check import check_end
    from ..schedules.register import planned_times
    from ..services import Services

    request, prepared, engine = _prepare(spec, runs, **overrides)
    load = load_device if engine.machines is None else engine.machines.device

    def compare(point: Point) -> tuple[Policy, ...]:
        return compare_policies(point, request.where, load)

    services = Services()
    document = {"spec": spec, **describe(prepared, engine, certify_if_small, compare)}
    if request.experiment.schedule is not None:
        document["schedule"] = planned_times(request, runs, services)
    checks = None
    if engine.machines is not None:
        checks = hardware_checks(prepared, engine, runs=runs, services=services)
        document["preflight"] = [asdict(one) for one in checks]

    def limits() -> None:
        check_end(request, services.clockwork.now())
        if checks is None:
            check_gates(prepared, request.where)
        else:
            refuse_failed(checks, request.where)

    return document, limits


def print_check(documents: Sequence[dict[str, Any]], format_: str) -> None:
    """Print check documents as text, or as one JSON document."""
    from ..check import SCHEMA_VERSION, render_check

    if format_ == "json":
        print_json({"schema_version": SCHEMA_VERSION, "experiments": list(documents)})
        return
    click.echo("\n".join(render_check(document, text_width()) for document in documents), nl=False)


def _prepare(spec: str, runs: Path, **overrides: Any) -> tuple[Request, Prepared, Engine]:
    from ..request import prepare_request, read_request
    from ..services import Services

    request = read_request(spec, **overrides)
    prepared, engine = prepare_request(request, Services(), runs)
    return request, prepared, engine


def _is_spec(source: str) -> bool:
    return Path(source).suffix in (".yaml", ".yml") or Path(source).is_file()
