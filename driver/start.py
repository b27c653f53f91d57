"""Starting a run and going on with one, for Python and for the command line."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ..experiments.errors import UsageError
from ..experiments.spec import HARDWARE, Experiment
from .catalogue import find_run
from .engine import Progress
from .execution import Execution
from .executors import PROCESSES, pool_factory
from .folder.resuming import resumable
from .folder.run_folder import RunFolder
from .machines import is_hardware
from .new_run import create_run
from .prepare import Prepared
from .progress import NoProgress
from .request import check_limits, prepare_request, read_request
from .run import Run
from .services import Services, with_writer


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
        from .hardware_run import run_on_hardware

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
        from .hardware_run import resume_on_hardware

        return resume_on_hardware(folder, services)
    return execute(folder, workers=workers, progress=progress, services=services)


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
