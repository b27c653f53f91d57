"""A service of paid hardware in memory: jobs that wait, run and end when a test says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from service.simulation import circuit_fingerprint, run_pub

from hexmagic.backends.device import Device, DeviceError, load_device
from hexmagic.backends.ibm.checks import check_job, check_tags
from hexmagic.backends.remote import (
    GoneError,
    MachineStanding,
    RemoteJob,
    RemoteState,
    Submission,
    Usage,
)

Bits = dict[str, NDArray[np.bool_]]
START = "2026-01-02T03:04:05.000000+00:00"


class Clock:
    """A clock that stands still until it is moved; each look moves it by a microsecond."""

    def __init__(self, start: str = START) -> None:
        self.time = datetime.fromisoformat(start)

    def now(self) -> str:
        """Return the time, UTC, ISO 8601."""
        self.time += timedelta(microseconds=1)
        return self.time.isoformat(timespec="microseconds")

    def advance(self, seconds: float) -> None:
        """Move the clock on, or back."""
        self.time += timedelta(seconds=seconds)

    def set(self, text: str) -> None:
        """Set the clock to a time."""
        self.time = datetime.fromisoformat(text).astimezone(UTC)


@dataclass(kw_only=True)
class FakeJob:
    """A job of the service.

    Attributes:
        id, submission, state, reason: what one thinks.
        accepted: when; it is listed `listing_lag` seconds later.
        charge: seconds, told `charge_lag` seconds after it has ended.
        ended: when.
        word: in the place of the state's own word.
    """

    id: str
    submission: Submission
    accepted: datetime
    charge: float
    state: RemoteState = "queued"
    reason: str = ""
    ended: datetime | None = None
    word: str = ""

    @property
    def tag(self) -> str:
        """The tag that is unique to the submission."""
        return self.submission.tags[0]

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None


@dataclass(kw_only=True)
class Fault:
    """What a call is to raise, after so many calls, so often, before or after it takes effect."""

    error: BaseException
    after: bool
    times: int
    skip: int


@dataclass(kw_only=True)
class FakeRemote:
    """The service, a `Remote`; jobs stay queued until `end`, unless `at_once`.

    Attributes:
        clock: of the service.
        at_once: whether a job is done when it is accepted.
        charge: seconds of each job.
        listing_lag, charge_lag: seconds until a job is listed, until its charge is told.
        doubles: how many jobs more the next submission makes.
        deaf: whether what is asked to be cancelled goes on.
        turned: whether the registers come back reversed.
        instance: the account that pays.
        damaged: results that are given before a right one is.
    """

    clock: Clock = field(default_factory=Clock)
    at_once: bool = False
    charge: float = 3.0
    listing_lag: float = 0.0
    charge_lag: float = 0.0
    doubles: int = 0
    deaf: bool = False
    turned: bool = False
    instance: str = "crn:fake"
    damaged: list[bytes] = field(default_factory=list)
    machines: dict[str, Device] = field(default_factory=dict)
    standings: dict[str, MachineStanding] = field(default_factory=dict)
    left: Usage = field(
        default_factory=lambda: Usage(used_seconds=0.0, limit_seconds=None, remaining_seconds=None)
    )
    jobs: list[FakeJob] = field(default_factory=list)
    batches: dict[str, bool] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    known: dict[bytes, Submission] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        if not self.machines:
            self.add_machine("ibm_boston")

    def add_machine(self, name: str, *, max_shots: int = 100_000) -> None:
        """Add a machine with the calibration of a snapshot."""
        self.machines[name] = replace(load_device("fake_boston"), name=name)
        self.standings[name] = MachineStanding(
            operational=True,
            message="",
            queue=0,
            max_shots=max_shots,
            repetition_delay_seconds=250e-6,
        )

    def stand(self, name: str = "ibm_boston", **changes: object) -> None:
        """Change how a machine stands."""
        self.standings[name] = replace(self.standings[name], **changes)  # type: ignore[arg-type]  # by name

    def recalibrate(
        self, name: str = "ibm_boston", *, at: str, change: Callable[[Device], Device] | None = None
    ) -> None:
        """Give a machine a new calibration."""
        device = replace(self.machines[name], calibrated_at=at)
        self.machines[name] = change(device) if change else device

    def fail(
        self, name: str, error: BaseException, *, after: bool = False, times: int = 1, skip: int = 0
    ) -> None:
        """Let a call raise."""
        fault = Fault(error=error, after=after, times=times, skip=skip)
        self.faults.setdefault(name, []).append(fault)

    def mend(self) -> None:
        """Let no call raise any more."""
        self.faults.clear()

    def end(self, state: RemoteState = "done", *jobs: FakeJob, reason: str = "") -> None:
        """Let jobs end, all that are open if none is named."""
        for job in jobs or [one for one in self.jobs if one.open]:
            job.state, job.reason, job.ended = state, reason, self.clock.time

    def count(self, name: str) -> int:
        """Return how often a method was called."""
        return sum(called == name for called, _ in self.calls)

    # --- the protocol ---------------------------------------------------------------------------

    @property
    def identity(self) -> str:
        """Name and version of the client, and how it submits."""
        return "ibm fake-runtime 1 sampler"

    def device(self, name: str) -> Device:
        """Return a machine with its calibration."""
        return self._do("device", name, lambda: self._machine(name))

    def standing(self, name: str) -> MachineStanding:
        """Return how a machine stands now."""
        self._machine(name)
        return self._do("standing", name, lambda: self.standings[name])

    def usage(self) -> Usage:
        """Return what is left of the account's time."""
        return self._do("usage", "", lambda: self.left)

    def open_batch(self, device: str) -> str:
        """Return the id of a new batch."""

        def open_one() -> str:
            batch = f"batch-{len(self.batches) + 1}"
            self.batches[batch] = True
            return batch

        return self._do("open_batch", device, open_one)

    def batch_takes_jobs(self, batch: str) -> bool:
        """Return whether a batch still takes jobs."""
        return self._do("batch_takes_jobs", batch, lambda: self.batches.get(batch, False))

    def close_batch(self, batch: str) -> None:
        """Let a batch take no more jobs."""
        self._do("close_batch", batch, lambda: self.batches.update({batch: False}))

    def encode(self, submission: Submission) -> bytes:
        """Return what `post` sends: what was asked for, the circuits by their hashes."""
        check_tags(submission.tags)
        most = self.standings[submission.device].max_shots
        check_job(submission.circuits, self._machine(submission.device), max_shots=most)
        told = {
            "device": submission.device,
            "circuits": [[circuit_fingerprint(c), shots] for c, shots in submission.circuits],
            "tags": list(submission.tags),
            "batch": submission.batch,
            "max_seconds": submission.max_seconds,
        }
        body = json.dumps(told).encode()
        self.known[body] = submission
        return self._do("encode", submission.tags[0], lambda: body)

    def post(self, body: bytes) -> str:
        """Submit once and return the job's id."""
        submission = self.known[body]
        if submission.batch is not None:
            assert self.batches[submission.batch], "a batch that is closed takes no job"

        def accept() -> str:
            made = [self._make_job(submission) for _ in range(1 + self.doubles)]
            self.doubles = 0
            return made[0].id

        return self._do("post", submission.tags[0], accept)

    def find(self, tag: str) -> tuple[RemoteJob, ...]:
        """Return every job with a tag that is listed, oldest first."""
        listed = self.clock.time - timedelta(seconds=self.listing_lag)
        return self._do(
            "find",
            tag,
            lambda: tuple(
                self._told(job)
                for job in self.jobs
                if tag in job.submission.tags and job.accepted <= listed
            ),
        )

    def look(self, job_id: str) -> RemoteJob:
        """Return a job as it stands."""
        return self._do("look", job_id, lambda: self._told(self._job(job_id)))

    def fetch(self, job_id: str) -> bytes:
        """Return the result of a job, in the client's own encoding."""
        submission = self._job(job_id).submission
        if self.damaged:
            content = self.damaged.pop(0)
            return self._do("fetch", job_id, lambda: content)
        return self._do(
            "fetch",
            job_id,
            lambda: encode_result([self._sample(c, n) for c, n in submission.circuits]),
        )

    def cancel(self, job_id: str) -> None:
        """Cancel a job that has not ended."""

        def stop() -> None:
            job = next((job for job in self.jobs if job.id == job_id), None)
            if job is not None and job.open and not self.deaf:
                self.end("cancelled", job, reason="asked for")

        self._do("cancel", job_id, stop)

    def _do[T](self, name: str, about: str, act: Callable[[], T]) -> T:
        self.calls.append((name, about))
        fault = next((f for f in self.faults.get(name, []) if f.times), None)
        if fault is None:
            return act()
        if fault.skip:
            fault.skip -= 1
            return act()
        fault.times -= 1
        if fault.after:
            act()
        raise fault.error

    def _make_job(self, submission: Submission) -> FakeJob:
        job = FakeJob(
            id=f"job-{next(self.numbers)}",
            submission=submission,
            accepted=self.clock.time,
            charge=min(self.charge, submission.max_seconds),
        )
        self.jobs.append(job)
        if self.at_once:
            self.end("done", job)
        return job

    def _machine(self, name: str) -> Device:
        if name not in self.machines:
            raise DeviceError(f"unknown machine {name!r}; there are {', '.join(self.machines)}")
        return self.machines[name]

    def _job(self, job_id: str) -> FakeJob:
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise GoneError(f"job {job_id}: HTTP 404: not found")

    def _told(self, job: FakeJob) -> RemoteJob:
        told = job.ended is not None and (
            self.clock.time >= job.ended + timedelta(seconds=self.charge_lag)
        )
        return RemoteJob(
            id=job.id,
            state=job.state,
            word=job.word or job.state.capitalize(),
            created=job.accepted.isoformat(timespec="microseconds"),
            charged_seconds=job.charge if told else None,
            reason=job.reason,
            device=job.submission.device,
        )

    def _sample(self, circuit: QuantumCircuit, shots: int) -> Bits:
        bits = sample(_Hashed(circuit), shots)
        return {name: array[:, ::-1] for name, array in bits.items()} if self.turned else bits


class _Hashed:
    """A circuit, equal to another that does the same."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        self.circuit = circuit
        self.key = circuit_fingerprint(circuit)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@cache
def sample(hashed: _Hashed, shots: int) -> Bits:
    """Return noiseless shots of a circuit, always the same."""
    seed = int.from_bytes(hashlib.sha256(f"{hashed.key} {shots}".encode()).digest()[:3])
    return run_pub(hashed.circuit, shots, seed + 1)


def encode_result(circuits: Sequence[Bits]) -> bytes:
    """Return a result as the service sends it, written by the client's own encoder."""
    from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
    from qiskit_ibm_runtime import RuntimeEncoder

    parts = [
        SamplerPubResult(
            DataBin(
                **{n: BitArray.from_bool_array(a, order="little") for n, a in bits.items()},
                shape=(),
            )
        )
        for bits in circuits
    ]
    result = PrimitiveResult(parts, metadata={"version": 2})
    return json.dumps(result, cls=RuntimeEncoder).encode()
