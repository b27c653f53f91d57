"""Execution: a run from its folder's first byte to its report, and again after it was stopped."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..experiments.errors import HexmagicError, RefusedError
from ..experiments.measures import Measure
from .endings import write_ending
from .engine import Progress, ShardRunner
from .folder.files import StorageError
from .folder.run_folder import RunFolder
from .hooks import call_hook
from .ledger.jobs import JobRow, RunRow, RunState, latest
from .ledger.runs import LEDGER_NAME, Ledger
from .plan import Point
from .prepare import Built, Prepared, Where, prepare
from .provenance import PROVENANCE, package_versions
from .services import Services
from .workers import Kit

if TYPE_CHECKING:
    pass


class RunFailedError(HexmagicError):
    """Some shards of a run failed; what was taken is kept and the run can be resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One process's work on a run.

    Attributes:
        folder: the run.
        services: what it uses of the world.
        workers: processes to sample with.
        progress: told of every shard.
        prepared: the compiled plan, if this process has made it.
    """

    folder: RunFolder
    services: Services
    workers: int
    progress: Progress
    prepared: Prepared | None = None

    def run(self) -> None:
        """Run every shard that is not done, then write tables, report and provenance.

        Whatever stops it, the run can be resumed (`resumable` says how).

        Raises:
            RefusedError: another process is running it, or it cannot be continued truthfully.
            RunFailedError: shards failed; tables and report are of the others.
            StorageError: the file system refuses.
            KeyboardInterrupt: it was interrupted.
        """
        with (
            self.folder.locked(),
            Ledger(self._ledger_path(), clock=self._now) as ledger,
            self._recorded_end(ledger),
        ):
            self._register(ledger)
            self._begin(ledger)
            runner = self._runner(ledger)
            jobs = runner.reconcile()
            failed = self._run_rounds(runner, ledger, jobs)
            self._finish(ledger, failed)

    def _run_rounds(
        self, runner: ShardRunner, ledger: Ledger, jobs: Sequence[JobRow]
    ) -> list[JobRow]:
        """Run the jobs that are open, then those that the strata ask for; return what failed."""
        from .strata import STRATA
        from .strata_rounds import stratified_rounds

        if not (self.folder.path / STRATA).is_file():
            return runner.execute([jobs], self._kit()) if jobs else []

        def rounds() -> Iterator[Sequence[JobRow]]:
            yield jobs
            for shards in stratified_rounds(self.folder):
                yield ledger.add(self.folder.run_id, shards)

        return runner.execute(rounds(), self._kit())

    def _register(self, ledger: Ledger) -> None:
        plan = self.folder.plan
        created = self.folder.document["created"]
        row = RunRow(run_id=self.folder.run_id, name=plan.name, created=created, state="running")
        labels = [(point.index, point.label) for point in plan.points]
        ledger.register(row, labels=labels, shards=self.folder.shards)

    def _begin(self, ledger: Ledger) -> None:
        ledger.set_run_state(self.folder.run_id, "running")
        provenance = self.folder.read_json(PROVENANCE) | {"state": "running"}
        if self.prepared is None:
            again = {"time": self._now(), "command_line": list(sys.argv)}
            provenance["resumed"] = [*provenance.get("resumed", []), again]
        self.folder.write_json(PROVENANCE, provenance)

    def _runner(self, ledger: Ledger) -> ShardRunner:
        return ShardRunner(
            folder=self.folder,
            ledger=ledger,
            run_id=self.folder.run_id,
            make_pool=self.services.make_pool,
            workers=self.workers,
            versions=package_versions(),
            progress=self.progress,
        )

    def _kit(self) -> Kit:
        """Return the workers' kit, compiled again if need be and then compared with the plan."""
        plan = self.folder.plan
        engine = self.services.engine(plan)
        prepared = self.prepared or prepare(
            plan, engine, build=self._build_again, judge=None, where=self._where
        )
        before = self.folder.document["engine"]
        same_circuits = [(c.key, c.fingerprint) for c in prepared.circuits] == [
            (c.key, c.fingerprint) for c in self.folder.circuits
        ]
        if before != engine.identity or not same_circuits or prepared.shards != self.folder.shards:
            raise RefusedError(
                f"run {self.folder.run_id}: the versions installed now would not compute the same "
                f"shots (made with {before}, now {engine.identity}, or the compiled circuits "
                "differ); make a new run from its spec.yaml"
            )
        return prepared.kit(engine)

    def _build_again(self, point: Point, where: Where) -> Mapping[Measure, Built]:
        """Build a point as it was built first: what reuse `best` chose then is not asked again."""
        chosen = {circuit.point: circuit.reuse for circuit in self.folder.circuits}[point.index]
        protocol = replace(point.protocol, reuse=chosen)
        return self.services.build(replace(point, protocol=protocol), where)

    def _finish(self, ledger: Ledger, failed: Sequence[JobRow]) -> None:
        from .outputs import write_report, write_tables

        jobs = ledger.jobs(self.folder.run_id)
        open_jobs = [job for job in latest(jobs) if job.state != "done"]
        outputs = write_tables(self.folder, jobs)
        self._record_end(ledger, "failed" if outputs.problems else "done", outputs.problems)
        write_report(self.folder, outputs)
        unheard = call_hook(self.folder, ledger, "failed" if outputs.problems else "done")
        if unheard:
            self.services.tell(unheard)
        if outputs.problems:
            reason = failed[0].detail if failed else outputs.problems[0]
            raise RunFailedError(
                f"run {self.folder.run_id}: {len(open_jobs)} of {len(latest(jobs))} shards are "
                f"missing, {len(failed)} failed now: {' '.join(reason.split())}"
            )

    @contextmanager
    def _recorded_end(self, ledger: Ledger) -> Iterator[None]:
        """Record an end that is not the run's own: an interrupt, a full disk, a bug."""
        try:
            yield
        except RunFailedError:
            raise
        except BaseException as error:
            state: RunState = "interrupted" if is_interrupt(error) else "failed"
            with suppress(StorageError):  # the disk may be full: the first error counts
                self._record_end(ledger, state, [f"{type(error).__name__}: {error}"])
            raise

    def _record_end(self, ledger: Ledger, state: RunState, problems: Sequence[str]) -> None:
        jobs = ledger.jobs(self.folder.run_id)
        write_ending(self.folder, state, now=self._now(), jobs=jobs, problems=problems)
        ledger.set_run_state(self.folder.run_id, state, detail="; ".join(problems))

    def _ledger_path(self) -> Path:
        return self.folder.path.parent / LEDGER_NAME

    def _now(self) -> str:
        return self.services.clockwork.now()

    def _where(self, field_name: str) -> str:
        return f"{self.folder.path / 'spec.yaml'}: {field_name}"


def is_interrupt(error: BaseException) -> bool:
    """Return whether a person or the system asked it to stop."""
    return isinstance(error, KeyboardInterrupt | SystemExit)
