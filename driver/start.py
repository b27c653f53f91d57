"""Starting a run and going on with one, for Python and for the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..backends.device import DeviceError
from ..backends.remote import AccountError
from ..experiments.errors import UsageError
from ..experiments.spec import HARDWARE, Experiment, load_experiment, with_fields, write_experiment
from .adapters import Engine
from .catalogue import find_run
from .engine import Progress
from .execution import Execution, Services, with_writer
from .executors import PROCESSES, pool_factory
from .folder.resuming import resumable
from .folder.run_folder import RunFolder
from .limits import check_engine, check_gates
from .machines import is_hardware
from .new_run import create_run
from .plan import Scalar, make_plan
from .prepare import Prepared, Where, prepare
from .progress import NoProgress
from .run import Run

OPTIONS = {
    "device.backend": "--backend",
    "device.name": "--device",
    "shots": "--shots",
    "seed": "--seed",
}
"""The option of each field that the command line may override."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An experiment as asked for: the file and what overrides it.

    Attributes:
        experiment: with the overrides applied.
        spec: the file's bytes, as given.
        overrides: values by dotted field name.
    """

    experiment: Experiment
    spec: bytes
    overrides: Mapping[str, Scalar]

    def where(self, field: str) -> str:
        """Return where a field's value comes from, for messages: an option or file and line."""
        return OPTIONS[field] if field in self.overrides else self.experiment.where(field)


def run(
    spec: str | os.PathLike[str] | Experiment,
    backend: str | None = None,
    device: str | None = None,
    shots: int | None = None,
    seed: int | None = None,
    runs: str | os.PathLike[str] = "runs",
    *,
    workers: int | None = None,
    executor: str = PROCESSES,
    wait: bool = True,
    progress: Progress | None = None,
    services: Services | None = None,
) -> Run:
    """Run an experiment from its first gate to its report and return the run.

    On paid hardware jobs are submitted and, unless `wait` is false, waited for; who stops waiting
    loses nothing: `hexmagic tick` goes on. A `schedule` is for the command line.

    Args:
        spec: an experiment file, or an experiment.
        backend: instead of the file's `device.backend`.
        device: instead of the file's `device.name`.
        shots: per basis, instead of the file's.
        seed: instead of the file's.
        runs: directory that gets the run folder and the ledger.
        workers: processes to sample with, one per core by default; results do not depend on it.
        executor: where shards run: `processes`, or tcp://HOST:PORT of a Dask scheduler.
        wait: false: return when the jobs are submitted; paid hardware only.
        progress: told of every finished shard.
        services: clock, ids, engines and so on, for tests.

    Raises:
        UsageError: the experiment is not valid or cannot be done; nothing is written.
        RefusedError: a gate, the budget or the engine's limits forbid it; nothing is written.
        RunFailedError: shards failed; the rest is kept and `resume` goes on.
        StorageError: the file system refuses.
    """
    services, workers = with_executor(services, executor), checked_workers(workers)
    request = read_request(spec, backend=backend, device=device, shots=shots, seed=seed)
    if request.experiment.schedule is not None:
        place = request.where("schedule")
        raise UsageError(
            f"{place}: only `hexmagic run` and `hexmagic tick` follow it; leave it out"
        )
    if not wait and request.experiment.device.backend != HARDWARE:
        raise UsageError("wait=False: local engines run in this process and cannot be left")
    prepared, engine = prepare_request(request, services, Path(runs))
    if engine.machines is not None:
        from .hardware.run import run_on_hardware

        return run_on_hardware(
            request, prepared, engine, runs=Path(runs), services=services, wait=wait
        )
    check_limits(prepared, engine, request.where)
    folder = create_run(prepared, engine, spec=request.spec, runs=Path(runs), services=services)
    return execute(folder, workers=workers, progress=progress, services=services, prepared=prepared)


def resume(
    run_id: str,
    runs: str | os.PathLike[str] = "runs",
    *,
    workers: int | None = None,
    executor: str = PROCESSES,
    progress: Progress | None = None,
    services: Services | None = None,
) -> Run:
    """Go on with a run that was stopped or that failed; no finished shard is run again.

    Args and errors: as for `run`; `run_id` may be a prefix, `latest` or a path.
    """
    services, workers = with_executor(services, executor), checked_workers(workers)
    folder = with_writer(find_run(run_id, Path(runs)), services)
    if is_hardware(folder.plan):
        from .hardware.run import resume_on_hardware

        return resume_on_hardware(folder, services)
    return execute(folder, workers=workers, progress=progress, services=services)


def read_request(
    spec: str | os.PathLike[str] | Experiment,
    *,
    backend: str | None = None,
    device: str | None = None,
    shots: int | None = None,
    seed: int | None = None,
) -> Request:
    """Return an experiment with overrides, each checked like a field of the file.

    Raises:
        SpecError: the file or an override is not valid; an override is named by its option.
    """
    if isinstance(spec, Experiment):
        experiment, content = spec, write_experiment(spec).encode()
    else:
        experiment = load_experiment(spec)
        content = Path(spec).read_bytes()
    values = {"device.backend": backend, "device.name": device, "shots": shots, "seed": seed}
    overrides = {field: value for field, value in values.items() if value is not None}
    return with_overrides(experiment, content, overrides)


def with_overrides(experiment: Experiment, spec: bytes, overrides: Mapping[str, Scalar]) -> Request:
    """Return an experiment with overrides by dotted field name, each checked.

    Raises:
        SpecError: an override is not valid.
    """
    for field, value in overrides.items():
        experiment = with_fields(experiment, {field: value}, origin=OPTIONS[field])
    return Request(experiment=experiment, spec=spec, overrides=overrides)


def prepare_request(
    request: Request, services: Services, runs: Path = Path()
) -> tuple[Prepared, Engine]:
    """Return a request's compiled plan and its engine.

    Args:
        request: the experiment.
        services: what compiles and judges.
        runs: directory whose settings tell how paid hardware is reached.

    Raises:
        DeviceError: no such device.
        AccountError: there is no account, or the service does not take it.
    """
    plan = make_plan(request.experiment, overrides=request.overrides)
    try:
        engine = services.engine(plan, runs)
    except AccountError as error:
        raise AccountError(f"{request.where('device.backend')}: {error}") from None
    except DeviceError as error:
        raise DeviceError(f"{request.where('device.name')}: {error}") from None
    load = None if engine.machines is None else engine.machines.device
    build = services.build if load is None else partial(services.build, load=load)
    prepared = prepare(plan, engine, build=build, judge=services.judge, where=request.where)
    return prepared, engine


def check_limits(prepared: Prepared, engine: Engine, where: Where) -> None:
    """Check everything that may forbid a run.

    Raises:
        RefusedError: a gate, the budget or the engine forbids it.
    """
    check_engine(prepared, engine, where)
    check_gates(prepared, where)


def execute(
    folder: RunFolder,
    *,
    workers: int,
    progress: Progress | None,
    services: Services,
    prepared: Prepared | None = None,
) -> Run:
    """Run what is left of a run and return it."""
    execution = Execution(
        folder=folder,
        services=services,
        workers=workers,
        progress=progress or NoProgress(),
        prepared=prepared,
    )
    with resumable(folder):
        execution.run()
    return Run(folder)


def with_executor(services: Services | None, executor: str) -> Services:
    """Return the services with the pool that the executor asks for."""
    found = services or Services()
    return found if executor == PROCESSES else replace(found, make_pool=pool_factory(executor))


def checked_workers(workers: int | None) -> int:
    """Return a number of worker processes: one per core unless given.

    Raises:
        UsageError: it is not positive.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers {workers}: at least one process is needed")
    return workers or os.cpu_count() or 1
