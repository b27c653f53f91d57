"""A tick: one safe step for everything that is open in a runs directory, as often as liked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..backends.remote import AccountError, Remote, RemoteError
from ..experiments.errors import HexmagicError, UsageError
from .catalogue import run_ids
from .directory_lock import directory_lock
from .execution import Execution, RunFailedError, Services, with_writer
from .hardware import HardwareRun, step, waiting_words
from .hardware_end import ENDED, leave
from .hardware_ledger import HardwareLedger
from .hardware_start import plan_submissions, register
from .ledger import LEDGER_NAME
from .machines import is_hardware
from .progress import NoProgress
from .provenance import package_versions
from .run_folder import RunFolder
from .schedule_ledger import ScheduleLedger
from .schedules import start_due
from .site import Site, load_site

SCHEMA_VERSION = 1
WAITING, FAILED, REFUSED = 75, 4, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """What a tick did for one run.

    Attributes:
        run: its id.
        state: how it stands now.
        said: what was done, in words.
        waits: what it waits for, and what stood in the way.
        problems: what failed or is missing; only told when it ends.
        exit_code: what this run alone would make the tick exit with.
    """

    run: str
    state: str
    said: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStep:
    """What a tick did for one schedule."""

    name: str
    said: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What a tick did."""

    time: str
    runs: tuple[RunStep, ...]
    schedules: tuple[ScheduleStep, ...]

    @property
    def exit_code(self) -> int:
        """4: something failed or needs a person; else 3: refused; else 75: something waits."""
        codes = {*(run.exit_code for run in self.runs), *(s.exit_code for s in self.schedules)}
        return next((code for code in (FAILED, REFUSED, WAITING) if code in codes), 0)

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return {"schema_version": SCHEMA_VERSION, "exit_code": self.exit_code, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """One process's ticks over a runs directory.

    Attributes:
        runs: the directory.
        services: clock, engines and the service of paid hardware.
        workers: processes to emulate with.
        site: settings of the directory.
        remotes: the service, by the job program that runs were planned for.
    """

    runs: Path
    services: Services
    workers: int
    site: Site
    remotes: dict[str, Remote]

    def tick(self, *, resubmit: str | None = None) -> Tick:
        """Do one step for every open run and every schedule.

        Args:
            resubmit: id of a run whose parked jobs a person wants submitted again.

        Raises:
            WaitingError: another process is at work here.
        """
        with directory_lock(self.runs):
            steps = [
                self.step_hardware(folder, resubmit=folder.run_id == resubmit)
                for folder in self._open_folders(hardware=True)
            ]
            schedules, started = self._start_schedules()
            steps += [self.step_hardware(f) for f in started if is_hardware(f.plan)]
        steps += [self._emulate(folder) for folder in self._open_folders(hardware=False)]
        return Tick(
            time=self.services.clockwork.now(), runs=tuple(steps), schedules=tuple(schedules)
        )

    def step_hardware(self, folder: RunFolder, *, resubmit: bool = False) -> RunStep:
        """Do one step of a run on hardware, under the lock of the directory.

        Whatever goes wrong is told and leaves the other runs alone; `--debug` has no traceback.
        """
        said: list[str] = []
        waits: list[str] = []
        state, code = "waiting", WAITING
        problems: tuple[str, ...] = ()
        try:
            with HardwareLedger(self.runs / LEDGER_NAME, clock=self._now) as ledger:
                register(folder, ledger)
                run = HardwareRun(
                    folder=folder,
                    ledger=ledger,
                    remote=self._remote(folder),
                    site=self.site,
                    now=self._now,
                    versions=package_versions(),
                    said=said,
                    waits=waits,
                )
                before = _state(ledger, folder)
                now = step(run, cancelling=before == "cancelling", resubmit=resubmit)
                problems = leave(run, now, before)
                waits[:] = waiting_words(run, run.jobs())
                state, code = now, _code(now)
        except AccountError as error:
            waits.append(str(error))
            code = REFUSED
        except RemoteError as error:
            waits.append(str(error))
        except HexmagicError as error:
            problems, code = (str(error),), FAILED
        return RunStep(
            run=folder.run_id,
            state=state,
            said=tuple(said),
            waits=tuple(waits),
            problems=problems,
            exit_code=code,
        )

    def _open_folders(self, *, hardware: bool) -> Iterator[RunFolder]:
        """Yield the runs that have not ended; what cannot be read is nobody's run."""
        states = self._states()
        for run_id in run_ids(self.runs):
            if states.get(run_id) in ENDED:
                continue
            folder = with_writer(RunFolder(path=self.runs / run_id), self.services)
            if is_hardware(folder.plan) == hardware:
                yield folder

    def _states(self) -> dict[str, str]:
        path = self.runs / LEDGER_NAME
        if not path.is_file():
            return {}
        with HardwareLedger(path, clock=self._now) as ledger:
            return {row.run_id: row.state for row in ledger.runs()}

    def _start_schedules(self) -> tuple[list[ScheduleStep], list[RunFolder]]:
        steps: list[ScheduleStep] = []
        started: list[RunFolder] = []
        path = self.runs / LEDGER_NAME
        if not path.is_file():
            return steps, started
        with ScheduleLedger(path, clock=self._now) as ledger:
            for row in ledger.schedules(active=True):
                code = WAITING
                try:
                    folder, said = start_due(row, ledger, runs=self.runs, services=self.services)
                    started += [] if folder is None else [folder]
                except AccountError as error:
                    said, code = str(error), REFUSED
                except RemoteError as error:
                    said = str(error)
                except HexmagicError as error:
                    said, code = str(error), FAILED
                steps.append(ScheduleStep(name=row.name, said=said, exit_code=code))
        return steps, started

    def _emulate(self, folder: RunFolder) -> RunStep:
        """Run what is left of an emulated run, unless another process does."""
        if folder.is_held():
            return RunStep(
                run=folder.run_id,
                state="running",
                waits=("another process is running it",),
                exit_code=WAITING,
            )
        execution = Execution(
            folder=folder,
            services=self.services,
            workers=self.workers,
            progress=NoProgress(),
        )
        try:
            execution.run()
        except HexmagicError as error:
            code = FAILED if isinstance(error, RunFailedError) else error.exit_code
            return RunStep(
                run=folder.run_id, state="failed", problems=(str(error),), exit_code=code
            )
        return RunStep(run=folder.run_id, state="done", said=("run to its end",))

    def _remote(self, folder: RunFolder) -> Remote:
        program = folder.document["program"]
        if program not in self.remotes:
            settings = replace(self.site.ibm, program=program)
            self.remotes[program] = self.services.open_remote(settings)
        return self.remotes[program]

    def _now(self) -> str:
        return self.services.clockwork.now()


def make_ticker(runs: Path, services: Services, workers: int) -> Ticker:
    """Return what ticks over a runs directory.

    Raises:
        UsageError: there is no such directory, or its settings are not valid.
    """
    if not runs.is_dir():
        raise UsageError(f"--runs {runs}: no such directory; it is made by `hexmagic run`")
    site = load_site(runs)
    return Ticker(runs=runs, services=services, workers=workers, site=site, remotes={})


def _state(ledger: HardwareLedger, folder: RunFolder) -> str:
    row = ledger.run(folder.run_id)
    return "waiting" if row is None else row.state


def _code(state: str) -> int:
    if state in ("parked", "failed"):
        return FAILED
    return 0 if state in ENDED else WAITING


def retry_failed(folder: RunFolder, ledger: HardwareLedger) -> int:
    """Plan the shards of a run anew whose last attempt failed or was cancelled; return how many.

    Raises:
        UsageError: nothing of it failed.
    """
    jobs = [j for j in ledger.latest_jobs(folder.run_id).values() if j.state != "done"]
    again = [job for job in jobs if job.state in ("failed", "cancelled")]
    if jobs and not again:
        raise UsageError(
            f"run {folder.run_id}: nothing of it failed; `hexmagic tick` goes on with it"
        )
    for job in again:
        ledger.retry(job, detail=f"attempt {job.attempt} {job.state}; a person asked for another")
    plan_submissions(folder, ledger)
    if again:
        ledger.set_run_state(folder.run_id, "waiting", detail="resumed")
    return len(again)
