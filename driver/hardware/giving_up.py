"""Giving up: a run on hardware whose folder is gone, so that its results have no place to go."""

from __future__ import annotations

from ...backends.remote import Remote
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import JobRow, JobState, latest
from .settling import look_or_gone

_WHY = "its folder is gone and a person gave it up"
_TO_CANCELLED: dict[str, tuple[JobState, ...]] = {
    "planned": (),
    "parked": (),
    "unknown": ("parked",),
}


def give_up(run_id: str, ledger: HardwareLedger, remote: Remote) -> tuple[bool, tuple[str, ...]]:
    """Cancel what a run has at the service and everything else of it.

    Returns:
        Whether nothing of it is open any more (else it is to be done again), and what was done.

    Raises:
        RemoteError: the service does not answer; what was done stays, and it can be done again.
    """
    said: list[str] = []
    for job in latest(ledger.jobs(run_id)):
        if job.state == "intended":
            job = ledger.move(job, "unknown", detail=_WHY)  # noqa: PLW2901 - the same job, later
        if job.state in _TO_CANCELLED:
            job = _find_or_drop(job, ledger, remote, said)  # noqa: PLW2901 - likewise
        if job.state == "submitted":
            _cancel(job, ledger, remote, said)
    left = [job for job in latest(ledger.jobs(run_id)) if job.state == "submitted"]
    ledger.set_run_state(run_id, "cancelling" if left else "cancelled", detail=_WHY)
    return not left, tuple(said)


def _find_or_drop(job: JobRow, ledger: HardwareLedger, remote: Remote, said: list[str]) -> JobRow:
    """Return a job as adopted if the service lists it, else as cancelled."""
    asked = ledger.submission(job)
    found = () if asked is None else remote.find(asked.tag)
    name = f"shard {job.shard_index} in {job.basis}"
    if not found:
        if job.state != "planned":
            ledger.count_look(job)
        said.append(f"{name}: not at the service, as far as it tells")
        return ledger.move(job, *_TO_CANCELLED[job.state], "cancelled", detail=_WHY)
    if job.state == "planned":
        job = ledger.move(job, "intended", "unknown", detail=_WHY)
    job = ledger.adopt(job, found[0], detail=f"found by its tag: {found[0].id}")
    for other in found[1:]:
        ledger.add_double(job, other, detail=f"a second job for it, {other.id}")
    return job


def _cancel(job: JobRow, ledger: HardwareLedger, remote: Remote, said: list[str]) -> None:
    """Cancel a job at the service; it is submitted until the service says that it has ended."""
    for row in ledger.remotes_of(job):
        if not row.ended:
            remote.cancel(row.remote_id)
            ledger.update_remote(look_or_gone(remote, row.remote_id))
            said.append(f"asked the service to cancel {row.remote_id}")
    if all(row.ended for row in ledger.remotes_of(job)):
        ledger.move(job, "cancelled", detail=_WHY)
