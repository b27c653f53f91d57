"""IBM's service behind the `Remote` protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import qiskit_ibm_runtime
from qiskit_ibm_runtime.api.rest.program_job import ProgramJob

from ...experiments.errors import HexmagicError, RefusedError
from ..device import Device
from ..remote import (
    REMOTE_ENDED,
    GoneError,
    MachineStanding,
    RemoteError,
    RemoteJob,
    Submission,
    Usage,
)
from .account import Opened
from .checks import check_job, check_tags
from .device import Machine, ask_machine, ask_standing, make_machine, unknown_machine
from .errors import ServiceError
from .jobs import ask_jobs, read_charge, read_id, read_job
from .link import IbmLink
from .post import encode_job, post_job
from .settings import Program


class IbmRemote:
    """IBM's service; nothing is asked before the first call.

    A machine is kept as `device` last saw it, for `encode`.
    """

    def __init__(self, link: IbmLink, program: Program) -> None:
        self._link = link
        self._program: Program = program
        self._machines: dict[str, Machine] = {}

    @property
    def identity(self) -> str:
        """Name and version of the client, and the program that samples."""
        return f"ibm qiskit-ibm-runtime {qiskit_ibm_runtime.__version__} {self._program}"

    @property
    def instance(self) -> str:
        """CRN of the instance that pays."""
        return self._link.ask("account", lambda opened, _: opened.instance)

    def device(self, name: str) -> Device:
        """Return a machine with the calibration that the service tells now.

        Raises:
            DeviceError: no such machine, or not one that hexmagic can use.
        """
        told = self._of_machine(name, f"machine {name}", ask_machine)
        self._machines[name] = make_machine(name, told)
        return self._machines[name].device

    def standing(self, name: str) -> MachineStanding:
        """Return how a machine stands now.

        Raises:
            DeviceError: no such machine.
        """
        return self._of_machine(name, f"status of {name}", ask_standing)

    def usage(self) -> Usage:
        """Return what is left of the instance's time."""
        return self._link.ask("usage", lambda _, client: _read_usage(client.cloud_usage()))

    def open_batch(self, device: str) -> str:
        """Return the id of a new batch; it is asked for once, as a second would stay open."""

        def open_one(opened: Opened, client: Any) -> str:
            told = client.create_session(device, opened.instance, None, "batch")
            return read_id(told["id"])

        return self._link.ask(f"batch on {device}", open_one, tries=1)

    def batch_takes_jobs(self, batch: str) -> bool:
        """Return whether a batch takes jobs; one that the service does not know takes none."""
        try:
            return self._link.ask(
                f"batch {batch}", lambda _, client: _is_open(client.session_details(batch))
            )
        except ServiceError as error:
            if error.status != 404:
                raise
        return False

    def close_batch(self, batch: str) -> None:
        """Let a batch take no more jobs; nothing happens if it is gone."""
        self._link.ask(f"closing batch {batch}", lambda _, client: client.close_session(batch))

    def encode(self, submission: Submission) -> bytes:
        """Return what `post` sends.

        The circuits are checked here, and by the client where its program has checks.

        Raises:
            RefusedError: they are impossible, or a tag is.
            DeviceError, RemoteError: the machine was not known yet and cannot be asked for.
        """
        if submission.device not in self._machines:
            self.device(submission.device)
        machine = self._machines[submission.device]
        check_tags(submission.tags)
        if submission.max_seconds < 1:
            raise RefusedError(f"max_seconds {submission.max_seconds}: a job needs at least 1")
        check_job(submission.circuits, machine.device, max_shots=machine.max_shots)
        try:
            return encode_job(submission, machine.backend, self._program)
        except HexmagicError:
            raise
        except Exception as error:  # of the client, qiskit and pydantic: all refuse the input
            told = self._link.redact(f"{type(error).__name__}: {error}")
        raise RefusedError(f"the client refuses the job for {submission.device}: {told}")

    def post(self, body: bytes) -> str:
        """Submit once, without any retry, and return the job's id.

        Raises:
            NotAcceptedError, RejectedError, AccountError: certainly no job was made.
            UnclearError: anything else, whatever it was.
        """
        return self._link.submit(lambda client: post_job(client, body))

    def find(self, tag: str) -> tuple[RemoteJob, ...]:
        """Return every job with exactly this tag that the service lists, oldest first."""
        jobs = self._link.ask(f"jobs with tag {tag}", lambda _, client: ask_jobs(client, tag))
        return tuple(map(self._without_secrets, jobs))

    def look(self, job_id: str) -> RemoteJob:
        """Return a job as it stands; what it cost, once it is over and that is settled.

        Raises:
            GoneError: the service says that it has no such job.
        """
        try:
            told = self._link.ask(
                f"job {job_id}", lambda _, client: read_job(client.job_get(job_id))
            )
        except ServiceError as error:
            if error.status == 404 and error.own_words:
                raise GoneError(str(error)) from error
            raise
        job = self._without_secrets(told)
        if job.state not in REMOTE_ENDED:
            return job
        try:
            charge = self._link.ask(
                f"metrics of job {job_id}",
                lambda _, client: read_charge(client.job_metadata(job_id)),
                tries=2,
            )
        except RemoteError:
            return job  # not told; the job itself was
        return replace(job, charged_seconds=charge)

    def fetch(self, job_id: str) -> bytes:
        """Return the result of a job that is done as the service sent it, not decoded.

        Raises:
            RemoteError: no result, or less of it than the service announced.
        """

        def get(opened: Opened, client: Any) -> bytes:
            del opened
            path = ProgramJob(client._session, job_id).get_url("results")
            response = client._session.get(path)
            if response.status_code == 204:
                raise RemoteError(f"result of job {job_id}: the service has none yet")
            return bytes(response.content)

        return self._link.ask(f"result of job {job_id}", get)

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled; one that is over already stays as it is."""
        try:
            self._link.ask(f"cancelling job {job_id}", lambda _, client: client.job_cancel(job_id))
        except ServiceError as error:
            if error.status not in (404, 409):  # it is gone, or over
                raise

    def _without_secrets(self, job: RemoteJob) -> RemoteJob:
        return replace(job, reason=self._link.without_secrets(job.reason))

    def _of_machine[T](self, name: str, what: str, question: Callable[[Opened, Any, str], T]) -> T:
        try:
            return self._link.ask(what, lambda opened, client: question(opened, client, name))
        except ServiceError as error:
            if error.status != 404:
                raise
        raise self._link.ask("machines", lambda _, client: unknown_machine(name, client))


def _read_usage(told: Any) -> Usage:
    used, limit = told.get("usage_consumed_seconds"), told.get("usage_limit_seconds")
    limit = told.get("usage_allocation_seconds") if limit is None else limit
    left = told.get("usage_remaining_seconds")
    if left is None and limit is not None:
        left = max(0.0, limit - (used or 0.0))
    if told.get("usage_limit_reached"):
        left = 0.0
    return Usage(
        used_seconds=_number(used), limit_seconds=_number(limit), remaining_seconds=_number(left)
    )


def _is_open(told: Any) -> bool:
    return bool(told["accepting_jobs"]) and told.get("state") != "closed"


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
