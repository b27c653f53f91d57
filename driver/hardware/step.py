"""A run on paid hardware: one safe step at a time, from the ledger and the run folder alone.

A step brings the ledger in line with the service, fetches what is there, submits what is due, and
ends the run when nothing is open. It may be stopped anywhere; the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...backends.remote import GoneError, Remote, RemoteError
from ..folder.run_folder import RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import OPEN, JobKey, JobRow, RunState, latest
from ..machines import Machines
from ..shards import circuit_name
from ..site import Site
from .collecting import collect
from .searching import recall, search, submission_of
from .settling import MOST_FAILURES
from .submitting import submit, submit_again


@dataclass(frozen=True, kw_only=True)
class HardwareRun:
    """One process's work on a run, under the lock of its runs directory.

    Attributes:
        folder: the run.
        ledger: what happened.
        machines: the service, asked of each machine once in a step.
        now: the time, UTC, ISO 8601.
        versions: written into every shot file.
        hold: why nothing may be submitted here, in words; empty if it may.
        said: what was done, in words.
        waits: why something was not done, in words.
        refused: what of it only a person can change.
        pauses: seconds that the service asked to wait.
    """

    folder: RunFolder
    ledger: HardwareLedger
    machines: Machines
    now: Callable[[], str]
    versions: dict[str, str]
    hold: str = ""
    said: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    @property
    def remote(self) -> Remote:
        """The service."""
        return self.machines.remote

    @property
    def site(self) -> Site:
        """The settings of the runs directory."""
        return self.machines.site

    def jobs(self, *states: str) -> list[JobRow]:
        """Return the last attempt at each shard, of those in some states; all if none is named."""
        found = latest(self.ledger.jobs(self.folder.run_id))
        return [job for job in found if not states or job.state in states]

    def name(self, job: JobRow) -> str:
        """Return how to name a job in a message: point, measure, shard and attempt."""
        label = self.folder.plan.points[job.point].label
        attempt = "" if job.attempt == 1 else f", attempt {job.attempt}"
        return f"{label} in {job.basis}, shard {job.shard_index}{attempt}"

    def circuit_name(self, job: JobRow) -> str:
        """Return the stem of the files of a job's circuit."""
        return circuit_name(job.point, job.basis)

    def canary_shots(self, job: JobRow) -> int:
        """Return the shots of the bit-order canary that goes with a job; 0: it has none."""
        return int(self.folder.document["costs"][job.shard]["canary_shots"])

    def raw_path(self, job: JobRow) -> Path:
        """Return where the raw result of a job is archived."""
        stem = Path(job.to_shard().file_name).stem
        return self.folder.path / "raw" / f"{stem}-{job.attempt}.json"


def step(run: HardwareRun, *, cancelling: bool, resubmit: bool = False) -> RunState:
    """Do what can be done now for a run and return how it stands then.

    Args:
        run: the run, registered.
        cancelling: submit nothing, and cancel what the service has.
        resubmit: a person's word that parked jobs which are still not listed were not accepted.

    Raises:
        AccountError: the service does not take the account.
        StorageError: the file system refuses; nothing is lost.
    """
    for job in run.jobs("intended"):
        run.ledger.move(job, "unknown", detail="the process that was submitting it is gone")
    told = {job.key for job in run.jobs("parked")}  # of these a person may know
    looked = _each(run, run.jobs("unknown", "parked"), lambda job: search(run, job))
    unlisted = [job for job in run.jobs("parked") if job.key in looked]
    if cancelling:
        _cancel(run, unlisted)
    elif resubmit:
        for job in (job for job in unlisted if job.key in told):
            submit_again(run, job)
            run.said.append(f"{run.name(job)}: planned again, as asked")
    if not cancelling:  # what was sent before may be listed now, whatever holds it back
        sent = [job for job in run.jobs("planned") if submission_of(run, job).intended]
        _each(run, sent, lambda job: recall(run, job))
    _each(run, run.jobs("submitted"), lambda job: collect(run, job))
    if not cancelling:
        submit(run, run.jobs("planned"))
    return standing(run, cancelling=cancelling)


def standing(run: HardwareRun, *, cancelling: bool) -> RunState:
    """Return how a run stands, by its jobs."""
    states = {job.state for job in run.jobs()}
    if states & {*OPEN, "parked"}:
        if cancelling:
            return "cancelling"
        return "waiting" if states & set(OPEN) else "parked"
    if states == {"done"}:
        return "done"
    return "cancelled" if cancelling else "failed"


def _cancel(run: HardwareRun, unlisted: Iterable[JobRow]) -> None:
    """Cancel what was not submitted, and ask the service to cancel the rest.

    Args:
        run: the run.
        unlisted: its parked jobs that the service has just been asked for, in vain.
    """

    def drop(job: JobRow) -> None:
        if not recall(run, job):
            run.ledger.move(job, "cancelled", detail="before it was submitted")

    _each(run, run.jobs("planned"), drop)
    for job in unlisted:
        detail = "a person cancelled it; if the service has it after all, it is not cancelled there"
        run.ledger.move(job, "cancelled", detail=detail)

    def ask(job: JobRow) -> None:
        for remote in run.ledger.remotes_of(job):
            if not remote.ended:
                run.remote.cancel(remote.remote_id)
                run.said.append(f"{run.name(job)}: asked the service to cancel {remote.remote_id}")

    _each(run, run.jobs("submitted"), ask)


def _each(run: HardwareRun, jobs: Iterable[JobRow], act: Callable[[JobRow], object]) -> set[JobKey]:
    """Act on each job and return those for which the service answered.

    After two in a row that fail the rest waits for the next step; but if the service answered, if
    only with an error, the rest is tried from its other end, so that two jobs that fail for ever
    hold up no other.
    """
    left = list(jobs)
    answered: set[JobKey] = set()
    for end in (0, -1):
        failures = 0
        while left and failures < MOST_FAILURES:
            job = left.pop(end)
            try:
                act(job)
            except RemoteError as error:
                run.waits.append(f"{run.name(job)}: {error}")
                if not isinstance(error, GoneError):  # that is an answer
                    failures += 1
                    alive = getattr(error, "status", None) is not None
            else:
                failures = 0
                answered.add(job.key)
        if failures == MOST_FAILURES and not alive:
            break
    return answered


def waiting_words(run: HardwareRun, jobs: Sequence[JobRow]) -> tuple[str, ...]:
    """Return in words what a run waits for."""
    counts = {state: sum(job.state == state for job in jobs) for state in (*OPEN, "parked")}
    told = [f"{count} {state}" for state, count in counts.items() if count]
    return (*([", ".join(told)] if told else []), *run.refused, *run.waits)
