"""A machine with a queue, as the driver knows it: what may be asked of it, and how it fails.

An adapter (`ibm`) gives these values and raises these errors, and nothing of its vendor's. What is
told of a failed submission decides whether it may be sent again, so it errs on the side of
`UnclearError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from ..experiments.errors import HexmagicError, RefusedError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from .device import Device

RemoteState = Literal["queued", "running", "done", "failed", "cancelled", "unrecognised"]
"""`unrecognised`: the service used a word that is not known here; never taken for an end."""

REMOTE_ENDED = frozenset({"done", "failed", "cancelled"})
"""States of a job that the service is done with."""

MAX_TAG = 86
"""Characters of a tag, at most."""

MAX_TAGS = 8
"""Tags of a job, at most."""


class RemoteError(HexmagicError):
    """The service did not answer, or not in a way that makes sense; asking again may help."""


class NotAcceptedError(RemoteError):
    """A submission that certainly was not accepted, so that it may be sent again.

    Attributes:
        retry_after: seconds that the service asked to wait, if it did.
        sent: whether it was sent, and an answer says so; else nothing has left this machine.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.sent = sent


class RejectedError(NotAcceptedError):
    """Not accepted, and the same submission never will be: the service says what is wrong."""


class UnclearError(RemoteError):
    """A submission that may have been accepted or not: only the service's listing can tell."""


class GoneError(RemoteError):
    """The service says itself that it has no such job (any more)."""


class AccountError(RefusedError):
    """There is no account, or the service does not take it: token, instance or plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteJob:
    """A job as the service tells it.

    Attributes:
        id: the service's.
        state: in our words.
        word: in the service's.
        created: UTC, ISO 8601; empty if the service does not say.
        charged_seconds: of quantum processor time; None where it is not known yet.
        reason: why it failed or was cancelled, verbatim.
        device: where it runs.
    """

    id: str
    state: RemoteState
    word: str
    created: str = ""
    charged_seconds: float | None = None
    reason: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineStanding:
    """How a machine stands at the moment.

    Attributes:
        operational: whether it takes jobs.
        message: what the service says about it.
        queue: jobs that wait.
        max_shots: most shots of one circuit in one job.
        repetition_delay_seconds: between two shots unless a job says otherwise.
    """

    operational: bool
    message: str
    queue: int
    max_shots: int
    repetition_delay_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Quantum processor time of the account's instance, in seconds; None: not limited, unknown."""

    used_seconds: float | None
    limit_seconds: float | None
    remaining_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One job to submit.

    Attributes:
        device: the machine.
        circuits: in order, each with its shots; on all qubits of the machine, ISA.
        tags: at most MAX_TAGS, each at most MAX_TAG characters; the first is unique to this job.
        batch: id of the batch that it belongs to, None for none.
        max_seconds: the service stops it, and charges no more, after so much processor time.
    """

    device: str
    circuits: tuple[tuple[QuantumCircuit, int], ...]
    tags: tuple[str, ...]
    batch: str | None
    max_seconds: int


class Remote(Protocol):
    """A service with machines and a queue. Every call has a wall clock and raises RemoteError.

    Only `post`, `open_batch`, `close_batch` and `cancel` change anything. AccountError may come
    from any of them.
    """

    @property
    def identity(self) -> str:
        """Name and version of the client, and how it submits."""

    @property
    def instance(self) -> str:
        """What tells this account apart from others: the instance that pays. Asks the service."""

    def device(self, name: str) -> Device:
        """Return a machine with the calibration that the service tells now.

        Raises:
            DeviceError: no such machine, or not one that hexmagic can use.
        """

    def standing(self, name: str) -> MachineStanding:
        """Return how a machine stands now."""

    def usage(self) -> Usage:
        """Return what is left of the account's time."""

    def open_batch(self, device: str) -> str:
        """Return the id of a new batch on a machine."""

    def batch_takes_jobs(self, batch: str) -> bool:
        """Return whether a batch still takes jobs."""

    def close_batch(self, batch: str) -> None:
        """Let a batch take no more jobs; those in it go on."""

    def encode(self, submission: Submission) -> bytes:
        """Return what `post` sends, byte for byte; changes nothing.

        Raises:
            RefusedError: the client finds the circuits impossible on the machine.
        """

    def post(self, body: bytes) -> str:
        """Submit once, without any retry, and return the job's id.

        Raises:
            NotAcceptedError, RejectedError, AccountError: certainly no job was made.
            UnclearError: anything else, whatever it was.
        """

    def find(self, tag: str) -> tuple[RemoteJob, ...]:
        """Return every job with a tag that the service lists, oldest first."""

    def look(self, job_id: str) -> RemoteJob:
        """Return a job as it stands."""

    def fetch(self, job_id: str) -> bytes:
        """Return the result of a job that is done as the service sent it, not decoded."""

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled; whether it was, `look` tells."""
