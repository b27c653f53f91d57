"""Catching up: a ledger from a backup learns from the run folders what was sent since.

What a folder says was sent was sent. So everything that it has and the ledger has not is brought
into the ledger, attempt by attempt, before anything is submitted: budgets count it then, nothing of
it is sent again, and the service is asked what became of it.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ...backends.remote import RemoteJob
from ...experiments.errors import HexmagicError
from ..catalogue import ledger_runs, run_folders
from ..folder.files import StorageError
from ..folder.run_folder import PLAN, RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import FINISHED, RUN_ENDED, JobRow, JobState
from ..ledger.runs import LEDGER_NAME
from ..machines import is_hardware
from ..provenance import PROVENANCE
from ..services import Services, with_writer
from .open_runs import doubled_folders, folder_of, has_ended
from .start import plan_submissions
from .submitted import SUBMITTED, Sent, read_submitted

_LATER = f"{SUBMITTED} has a later attempt"
_OVER: dict[str, tuple[JobState, ...]] = {
    "planned": ("cancelled",),
    "intended": ("unknown", "parked", "cancelled"),
    "unknown": ("parked", "cancelled"),
    "parked": ("cancelled",),
    "submitted": ("cancelled",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """What a ledger has learned of each run, and whether it has learned everything.

    Attributes:
        said: in words, by run.
        failed: why it could not learn of a run, by run.
        held: why nothing of a run is submitted though all is known of it, by run.
        unknown: a run that was submitted and has not ended, and that the ledger lacks; or empty.
    """

    said: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    unknown: str = ""

    @property
    def hold(self) -> str:
        """Why nothing may be submitted: what is in flight is not all known; empty if it is."""
        if self.unknown:
            return unknown_words(self.unknown)
        return next((f"run {run_id}: {why}" for run_id, why in self.failed.items()), "")

    def require_run(self, run_id: str) -> None:
        """Check that the ledger knows what was sent of a run.

        Raises:
            StorageError: it does not.
        """
        if run_id in self.failed:
            raise StorageError(self.failed[run_id])

    def require_all(self) -> None:
        """Check that something may be submitted.

        Raises:
            StorageError: it may not.
        """
        if self.hold:
            raise StorageError(f"nothing is submitted: {self.hold}")


def catch_up_all(runs: Path, services: Services) -> CaughtUp:
    """Let the ledger of a runs directory know what was sent of every run, also of ended ones.

    To be called under the lock of the directory, before anything is submitted or cancelled.
    """
    folders = run_folders(runs, file=SUBMITTED)
    if not (runs / LEDGER_NAME).is_file():
        return CaughtUp(unknown=_unknown(folders, known=()))
    said: dict[str, tuple[str, ...]] = {}
    with HardwareLedger(runs / LEDGER_NAME, clock=services.clockwork.now) as ledger:
        known = {row.run_id: str(row.state) for row in ledger.runs()}
        doubled = doubled_folders(run_folders(runs), known)
        failed = {
            run_id: words
            for run_id, words in doubled.items()
            if run_id in folders or ledger.submissions(run_id)
        }
        held: dict[str, str] = {}
        for run_id in known:
            if run_id in failed:
                continue
            words: list[str] = []
            try:
                for path in _own(runs, run_id, folders.get(run_id, ())):
                    folder = with_writer(RunFolder(path=path), services)
                    words += catch_up(folder, run_id, ledger)
                if why := _cancel_again(runs, run_id, ledger):
                    held[run_id] = why
            except HexmagicError as error:
                failed[run_id] = str(error)
            except Exception as error:  # a bug: its run waits, and no other submits beside it
                failed[run_id] = f"internal error: {type(error).__name__}: {error}"
                services.tell(traceback.format_exc())
            said[run_id] = tuple(words)
    return CaughtUp(said=said, failed=failed, held=held, unknown=_unknown(folders, known))


def _own(runs: Path, run_id: str, folders: Sequence[Path]) -> Sequence[Path]:
    """Return the folders that tell what was sent of a run: not a copy beside its original.

    Raises:
        StorageError: a copy has submissions that its original lacks: one of them is not this run.
    """
    original = runs / run_id
    if not (original / PLAN).is_file():
        return folders
    known = _tags(original)
    for path in folders:
        if path != original and not _tags(path) <= known:
            raise StorageError(
                f"{path} has submissions of this run that {original} lacks: if {original} is the "
                f"older one, put {path.name} in its place, else move {path.name} away"
            )
    return [path for path in folders if path == original]


def _tags(path: Path) -> set[str]:
    document = read_submitted(RunFolder(path=path))
    return set(document["submissions"]) if document else set()


def _cancel_again(runs: Path, run_id: str, ledger: HardwareLedger) -> str:
    """Cancel a run whose folder says that a person has cancelled it since the ledger was written.

    A ledger that has more attempts than the folder had when it was cancelled is the newer of them.
    Returns why nothing of the run may be submitted: the folder does not say how it stands.

    Raises:
        StorageError: the ledger cannot be written.
    """
    run, folder = ledger.run(run_id), folder_of(run_id, runs)
    if run is None or run.state in RUN_ENDED or run.state == "cancelling":
        return ""
    if not (folder.path / PLAN).is_file() or not _is_hardware(folder, run_id, ledger):
        return ""  # one that is lost is told as lost
    try:
        provenance = folder.read_json(PROVENANCE)
    except StorageError as error:
        return f"{error}; it may say that the run was cancelled: bring it back"
    later = len(ledger.jobs(run_id)) > len(provenance.get("jobs", []))
    if provenance["state"] == "cancelling" or (provenance["state"] == "cancelled" and not later):
        detail = "its folder says that it was cancelled: this ledger is an older one"
        ledger.set_run_state(run_id, "cancelling", detail=detail)
    return ""


def _is_hardware(folder: RunFolder, run_id: str, ledger: HardwareLedger) -> bool:
    """Return whether a run is on paid hardware, also if its plan cannot be read."""
    with suppress(HexmagicError):
        return is_hardware(folder.plan)
    return bool(ledger.submissions(run_id))


def catch_up(folder: RunFolder, run_id: str, ledger: HardwareLedger) -> list[str]:
    """Let a ledger know what was sent of a run since it was written; return it in words.

    Attempts that it lacks are planned, each after the one before is over: it was, or a person would
    have got no other. What was accepted is submitted then; what was sent otherwise is unknown.

    Raises:
        StorageError: the folder's file is damaged.
    """
    document = read_submitted(folder)
    if document is None:
        return []
    said: list[str] = []
    jobs = ledger.latest_jobs(run_id)
    for tag, sent in _in_order(document["submissions"].items()):
        job = jobs.get(sent["shard"])
        if job is None:
            raise StorageError(
                f"{folder.path / SUBMITTED}: damaged: no shard {sent['shard']}; bring the file back"
            )
        if job.attempt > sent["attempt"]:
            continue
        while job.attempt < sent["attempt"]:
            job = _next_attempt(folder, ledger, job)
        jobs[job.shard] = job
        if job.state not in FINISHED:
            jobs[job.shard] = _learn(folder, ledger, job, tag, sent, said)
    return said


def _in_order(submissions: Iterable[tuple[str, Sent]]) -> list[tuple[str, Sent]]:
    """Return submissions, the attempts at a shard one after the other."""
    return sorted(submissions, key=lambda pair: (pair[1]["attempt"], pair[1]["intended"]))


def _learn(
    folder: RunFolder, ledger: HardwareLedger, job: JobRow, tag: str, sent: Sent, said: list[str]
) -> JobRow:
    """Return a job that is not finished as it is after its submission that the folder knows of."""
    if ledger.submission(job) is None:
        plan_submissions(folder, ledger)  # a process died before it did
    asked = ledger.submission(job)
    known = None if asked is None else asked.intended
    name = f"{job.shard[:16]}-{job.attempt}: {SUBMITTED} has it as"
    if known is None or _time(known) < _time(sent["intended"]):
        detail = f"sent at {sent['intended']}: this ledger is an older one"
        job = ledger.was_sent(
            job, tag=tag, intended=sent["intended"], unclear=sent["unclear"], detail=detail
        )
        said.append(f"{name} {detail}")
    elif job.state in ("planned", "submitted"):
        return job
    found = sent["id"]
    if found is not None and found not in {row.remote_id for row in ledger.remotes(job.run_id)}:
        accepted = RemoteJob(id=found, state="queued", word="accepted")
        detail = f"{SUBMITTED} has it as accepted as {found}"
        if job.state == "submitted":
            ledger.add_double(job, accepted, detail=detail)
        else:
            job = ledger.adopt(job, accepted, detail=detail)
        said.append(f"{name} accepted as {found}")
    return job


def _next_attempt(folder: RunFolder, ledger: HardwareLedger, job: JobRow) -> JobRow:
    """Return the attempt after one, planned; a run that has ended goes on first: it was resumed."""
    run = ledger.run(job.run_id)
    if run is not None and (run.state in RUN_ENDED or run.state == "cancelling"):
        ledger.set_run_state(job.run_id, "waiting", detail=_LATER)
    if job.state in ("intended", "unknown", "parked"):
        ledger.count_look(job)  # whoever got another attempt had looked for this one in vain
    if job.state not in FINISHED:
        job = ledger.move(job, *_OVER[job.state], detail=_LATER)
    job = ledger.retry(job, detail=_LATER)
    plan_submissions(folder, ledger)
    return job


def unknown_since(runs: Path, name: str, since: datetime) -> str:
    """Return the id of a run of an experiment that the ledger lacks, submitted here since a time.

    Empty if there is none. It may be what a schedule has started, by a ledger that was lost since.
    """
    known = {row.run_id for row in ledger_runs(runs)}
    for run_id, paths in run_folders(runs, file=SUBMITTED).items():
        folder = RunFolder(path=paths[0])
        if run_id not in known and (
            folder.plan.name == name and _time(folder.document["created"]) >= since
        ):
            return run_id
    return ""


def unknown_words(run_id: str) -> str:
    """Return what is to be done about a submitted run that the ledger lacks."""
    return (
        f"{run_id} was submitted and the ledger does not have it: bring the ledger back, or move "
        "the folder away"
    )


def _unknown(folders: Mapping[str, Sequence[Path]], known: Iterable[str]) -> str:
    """Return the id of a begun run that is not known and has not ended; empty if there is none."""
    for run_id in sorted(folders.keys() - {*known}):
        # one that has ended is a copy to look at, or its charges are history
        if not all(has_ended(RunFolder(path=path)) for path in folders[run_id]):
            return run_id
    return ""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
