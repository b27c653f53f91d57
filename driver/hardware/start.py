"""Starting a run on paid hardware: every check first, then its folder, then its ledger rows."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...backends.remote import MAX_TAG, Remote, RemoteError
from ...experiments.errors import RefusedError
from ..adapters import Engine
from ..endings import tell_state
from ..folder.files import StorageError
from ..folder.run_folder import RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import RunRow
from ..ledger.runs import LEDGER_NAME
from ..limits import Check
from ..machines import Machines, machine_names
from ..new_run import create_run
from ..prepare import Prepared
from ..services import Services
from ..site import SITE_NAME
from .preflight import preflight
from .submitted import check_address, was_begun


def hardware_checks(
    prepared: Prepared, engine: Engine, *, runs: Path, services: Services
) -> tuple[Check, ...]:
    """Return everything that is checked before a new run, met or not; changes nothing.

    Raises:
        RemoteError: the service does not answer.
        AccountError: it does not take the account.
    """
    machines = _machines(engine)
    path = runs / LEDGER_NAME
    now = services.clockwork.now
    claims = []
    if path.is_file():
        with HardwareLedger.reading(path) as ledger:
            claims = ledger.claims()
    return preflight(
        prepared,
        machines.standings(machine_names(prepared.plan)),
        machines.remote.usage(),
        claims=claims,
        site=machines.site,
        now=now(),
    )


def create_on_hardware(
    prepared: Prepared,
    engine: Engine,
    *,
    spec: bytes,
    runs: Path,
    services: Services,
    run_id: str | None = None,
) -> RunFolder:
    """Return the folder of a new run whose jobs are planned in the ledger; nothing is submitted.

    To be called after the checks and under the lock of the runs directory, so that no other run
    can take what is left of a budget in between.
    """
    folder = create_run(prepared, engine, spec=spec, runs=runs, services=services, run_id=run_id)
    with HardwareLedger(runs / LEDGER_NAME, clock=services.clockwork.now) as ledger:
        register(folder, ledger)
    return folder


def register(folder: RunFolder, ledger: HardwareLedger) -> None:
    """Write a run and what its jobs will ask for into the ledger; what is there stays."""
    plan, document = folder.plan, folder.document
    row = RunRow(run_id=folder.run_id, name=plan.name, created=document["created"], state="waiting")
    labels = [(point.index, point.label) for point in plan.points]
    ledger.register(row, labels=labels, shards=folder.shards)
    plan_submissions(folder, ledger)


def register_left(folder: RunFolder, ledger: HardwareLedger, remote: Remote) -> None:
    """Write a run that the ledger lacks into it, if nothing of it was ever submitted.

    A process that died between a folder and its ledger rows leaves such a run. So does whoever
    copies a folder to another runs directory, or loses a ledger: then its jobs would be paid twice.

    The folder itself tells, as the service's listing may lag; where it cannot, of one that an older
    program made, the listing is asked.

    Raises:
        StorageError: it was submitted before.
        RemoteError: the service does not answer.
    """
    if ledger.run(folder.run_id) is None and (
        was_begun(folder) or (folder.path / "raw").exists() or remote.find(run_tag(folder.run_id))
    ):
        raise StorageError(
            f"run {folder.run_id}: it was submitted before, but {ledger.path} does not have it: a "
            "copy, or the ledger was lost; nothing is submitted: bring its ledger back, or move "
            "the folder away"
        )
    register(folder, ledger)


def check_service(folder: RunFolder, remote: Remote, url: str | None) -> None:
    """Check that address and account are those of a run: others have not its jobs.

    Raises:
        RefusedError: they are not.
        RemoteError: the service does not answer.
    """
    check_address(folder, url)
    planned, now = folder.document["instance"], remote.instance
    if planned != now:
        raise RefusedError(
            f"run {folder.run_id}: it was planned for the instance {planned}, and the account's is "
            f"{now} now; nothing is done with another one: put it back ({SITE_NAME} or "
            "QISKIT_IBM_INSTANCE)"
        )


def run_tag(run_id: str) -> str:
    """Return the tag that all jobs of a run have; a long id ends in a hash of it."""
    tag = f"hexmagic-run:{run_id}"
    if len(tag) <= MAX_TAG:
        return tag
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:16]
    return f"{tag[: MAX_TAG - 17]}-{digest}"


def plan_submissions(folder: RunFolder, ledger: HardwareLedger) -> None:
    """Write what every planned job of a run will ask for, where that is not written yet."""
    for job in ledger.jobs(folder.run_id):
        if job.state == "planned":
            cost = folder.document["costs"][job.shard]
            ledger.plan_submission(
                job,
                device=cost["device"],
                estimated_seconds=cost["estimated_seconds"],
                most_seconds=cost["most_seconds"],
            )


def retry_failed(folder: RunFolder, ledger: HardwareLedger) -> int:
    """Plan the shards of a run anew whose last attempt failed or was cancelled; return how many.

    Raises:
        RefusedError: the run is being cancelled.
    """
    jobs = ledger.latest_jobs(folder.run_id).values()
    again = [job for job in jobs if job.state in ("failed", "cancelled")]
    row = ledger.run(folder.run_id)
    if row is not None and row.state == "cancelling":
        raise RefusedError(
            f"run {folder.run_id}: it is being cancelled; resume it when that is done "
            "(`hexmagic tick` goes on with it)"
        )
    if again:  # first: after a crash the next step ends the run again, or goes on with it
        tell_state(folder, "waiting")  # a folder that says it was cancelled is, by an older ledger
        ledger.set_run_state(folder.run_id, "waiting", detail="resumed")
    for job in again:
        ledger.retry(job, detail=f"attempt {job.attempt} {job.state}; a person asked for another")
    plan_submissions(folder, ledger)
    return len(again)


def _machines(engine: Engine) -> Machines:
    if engine.machines is None:
        raise RemoteError(f"engine {engine.identity}: has no machines")
    return engine.machines
