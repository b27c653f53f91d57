"""Giving up: a run on hardware whose folder is gone, so that its results have no place to go."""

from __future__ import annotations

from ..backends.remote import Remote
from .execution import latest
from .hardware_ledger import HardwareLedger
from .jobs import JobRow

_WHY = "its folder is gone and a person gave it up"


def give_up(run_id: str, ledger: HardwareLedger, remote: Remote) -> tuple[str, ...]:
    """Cancel what a run has at the service and everything else of it; return what was done.

    Raises:
        RemoteError: the service does not answer; what was done stays, and it can be done again.
    """
    said: list[str] = []
    for job in latest(ledger.jobs(run_id)):
        if job.state == "planned":
            ledger.move(job, "cancelled", detail=_WHY)
        elif job.state in ("intended", "unknown", "parked"):
            said += _unclear(job, ledger, remote)
        elif job.state == "submitted":
            said += _submitted(job, ledger, remote)
    ledger.set_run_state(run_id, "cancelled", detail=_WHY)
    return tuple(said)


def _unclear(job: JobRow, ledger: HardwareLedger, remote: Remote) -> list[str]:
    """Cancel a job whose fate is not known; if the service lists it, it is cancelled there too."""
    if job.state == "intended":
        job = ledger.move(job, "unknown", detail=_WHY)
    asked = ledger.submission(job)
    found = () if asked is None else remote.find(asked.tag)
    if not found:
        states = ("parked", "cancelled") if job.state == "unknown" else ("cancelled",)
        ledger.move(job, *states, detail=f"{_WHY}; the service did not list it")
        return [f"shard {job.shard_index} in {job.basis}: not at the service, as far as it tells"]
    job = ledger.adopt(job, found[0], detail=f"found by its tag: {found[0].id}")
    for other in found[1:]:
        ledger.add_double(job, other, detail=f"a second job for it, {other.id}")
    return _submitted(job, ledger, remote)


def _submitted(job: JobRow, ledger: HardwareLedger, remote: Remote) -> list[str]:
    said: list[str] = []
    for row in ledger.remotes_of(job):
        if not row.ended:
            remote.cancel(row.remote_id)
            ledger.update_remote(remote.look(row.remote_id))
            said.append(f"asked the service to cancel {row.remote_id}")
    ledger.move(job, "cancelled", detail=_WHY)
    return said
