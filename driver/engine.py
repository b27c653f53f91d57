"""The engine of a run: takes every shard from planned to done, and can be stopped at any time."""

from __future__ import annotations

import contextlib
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from ..experiments.counts import Counts
from ..experiments.shots import Shots
from .executors import shards_in_flight
from .folder.checked_shots import checked_shards
from .folder.files import StorageError
from .folder.run_folder import RunFolder
from .ledger.jobs import FINISHED, JobRow, JobState
from .ledger.runs import Ledger
from .shards import Shard
from .workers import Kit, Taken, run_shard, stop_pool

_ADOPT: Mapping[str, tuple[JobState, ...]] = {
    "planned": ("intended", "submitted", "done"),
    "intended": ("unknown", "submitted", "done"),
    "unknown": ("submitted", "done"),
    "submitted": ("done",),
}


class Progress(Protocol):
    """Told how far a run is."""

    def advance(self, shard: Shard) -> None:
        """One more shard is on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRunner:
    """Runs a run's shards; the ledger and the folder hold all of its state.

    Attributes:
        folder: where shots go.
        ledger: what happened, written before and after each step.
        run_id: the run.
        make_pool: (number of workers, kit) -> executor.
        workers: shards in flight at once; results do not depend on it.
        versions: written into every shot file.
        progress: told of every shard that is done.
    """

    folder: RunFolder
    ledger: Ledger
    run_id: str
    make_pool: Callable[[int, Kit], Executor]
    workers: int
    versions: Mapping[str, str]
    progress: Progress

    def reconcile(self) -> list[JobRow]:
        """Bring the ledger in line with the shot files; return the jobs that are still to run.

        A good file whose job is not done is adopted; a damaged or missing file of a job that is
        done means another attempt.
        """
        jobs = self.ledger.latest_jobs(self.run_id).values()
        return [job for job in map(self._reconcile_job, jobs) if job is not None]

    def execute(self, rounds: Iterable[Sequence[JobRow]], kit: Kit) -> list[JobRow]:
        """Run jobs, round after round; return those that failed. None follows a round with those.

        If a worker dies, the jobs not yet sent stay planned.

        Args:
            rounds: planned jobs, in the order in which they are to start; a round is asked for
                when the one before it is done.
            kit: circuits and sampler for the workers.

        Raises:
            StorageError: shots cannot be written. Jobs in flight are cancelled, the run resumes.
            KeyboardInterrupt: likewise.
        """
        pool: Executor | None = None
        failed: list[JobRow] = []
        try:
            for jobs in rounds:
                if jobs:
                    pool = pool or self.make_pool(self.workers, kit)
                    flight = _Flight(self, pool, kit, jobs)
                    flight.fly()
                    failed = flight.failed
                    if failed or flight.broken:
                        break
        except BaseException as stop:
            if pool is not None:
                stop_pool(pool)
            self._cancel_submitted(_reason(stop))
            raise
        if pool is not None:
            pool.shutdown(wait=True)
        return failed

    def _cancel_submitted(self, detail: str) -> None:
        """Record what was stopped; on a full disk that fails too, and resuming finds it out."""
        with contextlib.suppress(StorageError):
            for job in self.ledger.latest_jobs(self.run_id).values():
                if job.state == "submitted":
                    self.ledger.move(job, "cancelled", detail=detail)

    def _reconcile_job(self, job: JobRow) -> JobRow | None:
        shard = job.to_shard()
        _, taken, damage = list(checked_shards(self.folder, [shard]))[-1]
        if taken is None:
            return self._to_run(job, damage)
        self.progress.advance(shard)
        if job.state != "done":
            if job.state in FINISHED:
                job = self.ledger.retry(job, detail=f"attempt {job.attempt} was {job.state}")
            self.ledger.move(job, *_ADOPT[job.state], detail="adopted: its shot file is complete")
        return None

    def _to_run(self, job: JobRow, damage: str) -> JobRow:
        if damage and job.state not in FINISHED:
            self.ledger.note(job, damage)
        if job.state == "intended":
            job = self.ledger.move(job, "unknown", detail="the process that intended it is gone")
        if job.state == "unknown":
            return self.ledger.move(job, "planned", detail="no shots were written")
        if job.state == "submitted":
            job = self.ledger.move(job, "failed", detail="the process that ran it is gone")
        if job.state == "done":
            return self.ledger.retry(job, detail=damage or "its shot file is missing")
        if job.state in FINISHED:
            return self.ledger.retry(job, detail=damage or f"attempt {job.attempt} {job.state}")
        return job


class _Flight:
    """One pass over the jobs: which wait, which are in the air, which failed.

    `broken`: the pool takes no more, and some jobs may still wait.
    """

    def __init__(
        self, runner: ShardRunner, pool: Executor, kit: Kit, jobs: Sequence[JobRow]
    ) -> None:
        self.failed: list[JobRow] = []
        self._runner = runner
        self._pool = pool
        self._kit = kit
        self._waiting = deque(jobs)
        self._flying: dict[Future[Any], JobRow] = {}
        self.broken = False

    def fly(self) -> None:
        """Run until nothing waits, or the pool is broken, and nothing is in the air."""
        self._fill()
        while self._flying:
            landed, _ = wait(self._flying, return_when=FIRST_COMPLETED)
            results = [(future, self._flying.pop(future)) for future in landed]
            self.broken |= any(isinstance(f.exception(), BrokenExecutor) for f in landed)
            self._fill()  # workers first: they sample while this process writes
            for future, job in results:
                self._collect(future, job)

    def _fill(self) -> None:
        ledger = self._runner.ledger
        room = shards_in_flight(self._pool, self._runner.workers)
        while self._waiting and len(self._flying) < room and not self.broken:
            job = ledger.move(self._waiting.popleft(), "intended")
            try:
                future = self._pool.submit(run_shard, job.to_shard())
            except BrokenExecutor as error:
                self.broken = True
                ledger.move(job, "unknown", "planned", detail=_reason(error))
            else:
                self._flying[future] = ledger.move(job, "submitted")

    def _collect(self, future: Future[Any], job: JobRow) -> None:
        runner, shard = self._runner, job.to_shard()
        error = future.exception()
        if error is not None:
            self.failed.append(runner.ledger.move(job, "failed", detail=_reason(error)))
            return
        self._save(shard, future.result())
        runner.ledger.move(job, "done")
        runner.progress.advance(shard)

    def _save(self, shard: Shard, taken: Taken) -> None:
        runner = self._runner
        if isinstance(taken, Counts):
            runner.folder.save_counts(shard, taken, runner.versions)
            return
        record = self._kit.tasks[shard.point, shard.basis].compiled.program.record
        runner.folder.save_shots(shard, Shots(record=record, packed=taken), runner.versions)


def _reason(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()
