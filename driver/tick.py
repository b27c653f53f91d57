"""A tick: one safe step for everything that is open in a runs directory, as often as liked."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

from ..backends.ibm.settings import Program
from ..backends.remote import AccountError, Remote, RemoteError
from ..experiments.errors import HexmagicError, RefusedError, UsageError
from .emulated_step import emulate
from .endings import tell_state
from .expectation import missed_lines
from .folder.directory_lock import directory_lock
from .folder.run_folder import PLAN, RunFolder
from .hardware.catching_up import CaughtUp, catch_up_all
from .hardware.end import leave
from .hardware.open_runs import folder_of, open_folders
from .hardware.settling import hear, settle, settle_ended
from .hardware.start import check_service, register_left
from .hardware.step import HardwareRun, step, waiting_words
from .ledger.hardware import HardwareLedger
from .ledger.jobs import RUN_ENDED, RunState
from .ledger.runs import LEDGER_NAME
from .ledger.schedules import ScheduleLedger
from .machines import Machines, is_hardware
from .provenance import package_versions
from .schedules.clock import clock_words
from .schedules.due import start_due
from .services import Services, with_writer
from .site import Site, load_site
from .tick_report import FAILED, MISSED, REFUSED, WAITING, RunStep, ScheduleStep, Tick, state_code


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
            UsageError: nothing of that run is parked; nothing is done then.
            WaitingError: another process is at work here.
        """
        with directory_lock(self.runs):
            if resubmit is not None:
                self._require_parked(resubmit)
            known = catch_up_all(self.runs, self.services)
            folders, steps = open_folders(self.runs, self.services)
            steps += [
                self.step_hardware(folder, known, resubmit=folder.run_id == resubmit)
                for folder in folders
                if is_hardware(folder.plan)
            ]
            steps += _untold(known, steps)
            schedules, started = self._start_schedules(known)
            steps += [self.step_hardware(f, known) for f in started if is_hardware(f.plan)]
            steps += self._settle()
        emulated = [f for f in (*folders, *started) if not is_hardware(f.plan)]
        steps += [emulate(folder, self.services, self.workers) for folder in emulated]
        return Tick(
            time=self.services.clockwork.now(), runs=tuple(steps), schedules=tuple(schedules)
        )

    def step_hardware(
        self, folder: RunFolder, known: CaughtUp, *, resubmit: bool = False
    ) -> RunStep:
        """Do one step of a run on hardware, under the lock of the directory.

        Whatever goes wrong is told and leaves the other runs alone; of a bug the traceback too.

        Args:
            folder: the run.
            known: what the ledger has learned under this lock.
            resubmit: a person's word that its parked jobs are to be submitted again.
        """
        said: list[str] = [*known.said.get(folder.run_id, ())]
        waits: list[str] = []
        pauses: list[float] = []
        state: str = "waiting"
        code = WAITING
        problems: tuple[str, ...] = ()
        try:
            known.require_run(folder.run_id)
            with HardwareLedger(self.runs / LEDGER_NAME, clock=self._now) as ledger:
                remote = self.remote(folder.document["program"])
                check_service(folder, remote, self.site.ibm.url)
                register_left(folder, ledger, remote)
                run = HardwareRun(
                    folder=folder,
                    ledger=ledger,
                    machines=Machines(remote=remote, site=self.site),
                    now=self._now,
                    versions=package_versions(),
                    hold=known.held.get(folder.run_id) or known.hold,
                    said=said,
                    waits=waits,
                    pauses=pauses,
                )
                before = state = _state(ledger, folder.run_id)
                now = step(run, cancelling=before == "cancelling", resubmit=resubmit)
                left = leave(run, now, before)
                now = left.state
                problems = left.problems
                waits[:] = waiting_words(run, run.jobs())
                state, code = now, REFUSED if run.refused else state_code(now)
                if now == "done" and before != "done":
                    missed = missed_lines(folder)
                    code = FAILED if problems else MISSED if missed else code
                    problems += missed
                problems += left.unheard
        except RefusedError as error:  # AccountError among them
            waits.append(str(error))
            code = REFUSED
        except RemoteError as error:
            waits.append(str(error))
        except HexmagicError as error:
            problems, code = (str(error),), FAILED
        except Exception as error:  # a bug must not keep a timer from the other runs
            problems, code = (f"internal error: {type(error).__name__}: {error}",), FAILED
            self.services.tell(traceback.format_exc())
        return RunStep(
            run=folder.run_id,
            state=state,
            said=tuple(said),
            waits=tuple(waits),
            problems=problems,
            exit_code=code,
            pause_seconds=max(pauses, default=0.0),
        )

    def _require_parked(self, run_id: str) -> None:
        parked = False
        if (self.runs / LEDGER_NAME).is_file():
            with HardwareLedger(self.runs / LEDGER_NAME, clock=self._now) as ledger:
                parked = any(j.state == "parked" for j in ledger.latest_jobs(run_id).values())
        if not parked:
            raise UsageError(f"--resubmit {run_id}: nothing of it is parked; leave the option out")

    def _settle(self) -> list[RunStep]:
        """Look after what ended: charges that were not told, jobs that show up after all."""
        if not (self.runs / LEDGER_NAME).is_file():
            return []
        steps: list[RunStep] = []
        with HardwareLedger(self.runs / LEDGER_NAME, clock=self._now) as ledger:
            states = {row.run_id: row.state for row in ledger.runs()}
            heard = hear(ledger, self._remote_of, self._now())
            rows = [row for row in ledger.unsettled() if states[row.run_id] in RUN_ENDED]
            for run_id in dict.fromkeys([*heard, *(row.run_id for row in rows)]):
                mine = [row for row in rows if row.run_id == run_id]
                folder = with_writer(folder_of(run_id, self.runs), self.services)
                try:
                    said = heard.get(run_id, ())
                    said += settle(ledger, mine, partial(self._remote_of, run_id), self._now())
                    state = _state(ledger, run_id)
                    if folder.path.is_dir():
                        settle_ended(folder, ledger)
                        tell_state(folder, state)
                except HexmagicError as error:
                    state, said = _state(ledger, run_id), (f"charges: {error}",)
                if said:
                    code = 0 if state in RUN_ENDED else WAITING
                    steps.append(RunStep(run=run_id, state=state, waits=said, exit_code=code))
        return steps

    def _remote_of(self, run_id: str) -> Remote:
        """Return the service for a run that has ended.

        Raises:
            RefusedError: it is not the one that has its jobs.
            RemoteError: it does not answer.
        """
        remote, folder = self.remote(), folder_of(run_id, self.runs)
        if (folder.path / PLAN).is_file():
            check_service(folder, remote, self.site.ibm.url)
        return remote

    def _start_schedules(self, known: CaughtUp) -> tuple[list[ScheduleStep], list[RunFolder]]:
        """Start what is due; on hardware only if the ledger knows what was submitted here."""
        steps: list[ScheduleStep] = []
        started: list[RunFolder] = []
        path = self.runs / LEDGER_NAME
        if not path.is_file():
            return steps, started
        with ScheduleLedger(path, clock=self._now) as ledger:
            for row in ledger.schedules(active=True):
                code = WAITING
                try:
                    folder, said = start_due(
                        row, ledger, known, runs=self.runs, services=self.services
                    )
                    said += clock_words(row, self._now()) if folder is None else ""
                    started += [] if folder is None else [folder]
                except AccountError as error:
                    said, code = str(error), REFUSED
                except RemoteError as error:
                    said = str(error)
                except HexmagicError as error:
                    said, code = str(error), FAILED
                steps.append(ScheduleStep(name=row.name, said=said, exit_code=code))
        return steps, started

    def remote(self, program: Program | None = None) -> Remote:
        """Return the service, for jobs of a program; None: for what all jobs have in common."""
        program = program or self.site.ibm.program
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


def _untold(known: CaughtUp, steps: Sequence[RunStep]) -> list[RunStep]:
    """Return a step for each run whose ledger could not catch up, if it has none of its own."""
    told = {step.run for step in steps}
    return [
        RunStep(run=run_id, state="damaged", problems=(why,), exit_code=FAILED)
        for run_id, why in known.failed.items()
        if run_id not in told
    ]


def _state(ledger: HardwareLedger, run_id: str) -> RunState:
    row = ledger.run(run_id)
    return "waiting" if row is None else cast("RunState", row.state)
