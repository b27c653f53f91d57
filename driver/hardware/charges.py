"""What the service charged for a run, and for which of its jobs."""

from __future__ import annotations

from typing import Any

from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import JobRow
from ..ledger.submissions import RemoteRow
from ..provenance import job_id


def charges(ledger: HardwareLedger, run_id: str, jobs: list[JobRow]) -> dict[str, Any]:
    """Return what provenance says of the service's jobs, in JSON types.

    `seconds_charged` is the sum of what the service has told; `charges_open` counts the jobs whose
    charge it has not told yet.
    """
    remotes = ledger.remotes(run_id)
    names = {job.key: job_id(job) for job in jobs}
    known = [r.charged_seconds for r in remotes if r.charged_seconds is not None]
    return {
        "seconds_charged": float(sum(known)),
        "charges_open": len(remotes) - len(known),
        "remote_jobs": [_remote(remote, names) for remote in remotes],
    }


def _remote(remote: RemoteRow, names: dict[tuple[str, str, int], str]) -> dict[str, Any]:
    return {
        "id": remote.remote_id,
        "job": names.get((remote.run_id, remote.shard, remote.attempt), ""),
        "kept": bool(remote.kept),
        "state": remote.state,
        "charged_seconds": remote.charged_seconds,
    }
