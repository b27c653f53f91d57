"""State: everything that the service knows, and the one worker that runs its jobs."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .accounts import API_KEY, Accounts, Instance, default_instances
from .programs import Item, Outcome, Program, decode, encode
from .records import RAN_TOO_LONG, Job, Session
from .simulation import NoiseKind, circuit_fingerprint, circuit_seconds, pub_seed, run_pub
from .snapshots import Device, load_device
from .wire import ServiceError

LONGEST_JOB_SECONDS = 3 * 3600.0
"""Maximum execution time of every job, whatever it asks for."""


@dataclass(frozen=True, kw_only=True)
class ServiceConfig:
    """What a service is started with.

    Attributes:
        devices: snapshots, such as boston or ibm_torino.
        noise: none; device for that of each device's calibration, as Aer models it; twirled for
            the same as Pauli errors, which is much faster from ten qubits on.
        seed: enters the seed of every circuit (`pub_seed`).
        fresh_repeats: whether a circuit that was run before, with the same shots at the same place
            of a job, gets another seed; if not, it gives the same shots again.
        fault_seed: of the rules' dice.
        host, port: to listen on; 0 for any free port.
        api_keys: that are taken; the first is in `environment()`.
        instances: of the account; the first is in `environment()`.
        token_seconds: lifetime of a token; below 10 the client fetches one for every request.
        listing_lag_seconds: a job is in no listing until so long after it was accepted.
        queue_seconds: a job is not started until so long after it was accepted.
        hold: jobs stay queued until `release()`.
        overhead_seconds: charged for each job besides its shots.
        posts_per_minute: more submissions than this are answered with 429; None for no limit.
        check_isa: jobs with instructions that the device does not have fail.
    """

    devices: tuple[str, ...] = ("boston", "torino")
    noise: NoiseKind = "none"
    seed: int = 0
    fresh_repeats: bool = True
    fault_seed: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    api_keys: tuple[str, ...] = (API_KEY,)
    instances: tuple[Instance, ...] = field(default_factory=default_instances)
    token_seconds: float = 3600.0
    listing_lag_seconds: float = 0.0
    queue_seconds: float = 0.0
    hold: bool = False
    overhead_seconds: float = 2.0
    posts_per_minute: int | None = None
    check_isa: bool = True


class State:
    """Devices, jobs, sessions, accounts; `changed` guards them all and wakes the worker."""

    def __init__(self, config: ServiceConfig) -> None:
        self.config = config
        self.changed = threading.Condition(threading.RLock())
        self.devices = {device.name: device for device in map(load_device, config.devices)}
        instances = [replace(instance) for instance in config.instances]
        self.accounts = Accounts(config.api_keys, instances, config.token_seconds)
        self.jobs: list[Job] = []
        self.sessions: dict[str, Session] = {}
        self.posts: list[float] = []
        self.holding = config.hold
        self.stopping = threading.Event()
        self._repeats: Counter[tuple[str, int, int]] = Counter()
        self._worker = threading.Thread(target=self._work, name="loopback-worker")

    def start(self) -> None:
        """Start the worker."""
        self._worker.start()

    def stop(self) -> None:
        """End the worker after the job that it runs."""
        self.stopping.set()
        with self.changed:
            self.changed.notify_all()
        if self._worker.is_alive():
            self._worker.join()

    def add(self, job: Job) -> None:
        """Accept a job."""
        with self.changed:
            self.jobs.append(job)
            self.changed.notify_all()

    def count_post(self) -> None:
        """Count a submission; ServiceError 429 if there were too many in the last minute."""
        now, limit = time.monotonic(), self.config.posts_per_minute
        self.posts = [then for then in self.posts if now - then < 60]
        if limit is not None and len(self.posts) >= limit:
            raise ServiceError(429, 1202, f"Too many requests: at most {limit} jobs a minute.")
        self.posts.append(now)

    def job(self, job_id: str) -> Job:
        """Return a job by its id; ServiceError 404 if there is none."""
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise ServiceError(404, 1291, f"Job not found. Job ID: {job_id}")

    def session(self, session_id: str) -> Session:
        """Return a session by its id; ServiceError 404 if there is none."""
        if session_id in self.sessions:
            return self.sessions[session_id]
        raise ServiceError(404, 1216, f"Session not found. Session ID: {session_id}")

    def device(self, name: str) -> Device:
        """Return a device by its name; ServiceError 404 if there is none."""
        if name in self.devices:
            return self.devices[name]
        raise ServiceError(404, 1007, f"Backend not found: {name}")

    def release(self, job_id: str | None = None) -> None:
        """Let one held job run, or all, also those to come."""
        with self.changed:
            self.holding = self.holding and job_id is not None
            for job in self.jobs:
                job.held = job.held and job_id not in {None, job.id}
            self.changed.notify_all()

    def consumed_seconds(self, instance: Instance) -> float:
        """Return the processor time that an instance has used."""
        charged = sum(job.charged_seconds for job in self.jobs if job.instance == instance.crn)
        return round(instance.consumed_seconds + charged, 6)

    def is_exhausted(self, instance: Instance) -> bool:
        """Return whether an instance has reached its limit."""
        limit = instance.limit_seconds
        return limit is not None and self.consumed_seconds(instance) >= limit

    def new_id(self) -> str:
        """Return an id like the service's: twenty characters."""
        return f"d{uuid.uuid4().hex[:19]}"

    def _work(self) -> None:
        while True:
            with self.changed:
                if self.stopping.is_set():
                    return
                job = next((job for job in self.jobs if self._may_run(job)), None)
                if job is None:
                    waiting = any(job.word == "Queued" for job in self.jobs)
                    self.changed.wait(0.02 if waiting else None)
                    continue
                job.word, job.started = "Running", datetime.now(UTC)
            self._run(job)

    def _may_run(self, job: Job) -> bool:
        instance = next(i for i in self.accounts.instances if i.crn == job.instance)
        return (
            job.word == "Queued"
            and not job.held
            and time.monotonic() >= job.accepted + self.config.queue_seconds
            and self.devices[job.device].operational
            and not self.is_exhausted(instance)
        )

    def _run(self, job: Job) -> None:
        end: tuple[str, str, int | None]
        try:
            end = job.fate or self._simulate(job)
        # Whatever a payload does to Qiskit or Aer: the job fails, the service goes on.
        except Exception as error:
            end = ("Failed", f"{type(error).__name__}: {error}", 1000)
        with self.changed:
            if not job.is_final and job.outcome is not None:
                job.text = encode(job.outcome)
            job.end(*end)
            self.changed.notify_all()

    def _simulate(self, job: Job) -> tuple[str, str, int | None]:
        program, device = decode(job.program, job.params), self.devices[job.device]
        self._check(program, device)
        job.calibrated_at = device.calibrated_at
        started = datetime.now(UTC)
        drawn = [self._drawn(item, index) for index, item in enumerate(program.items)]
        charge = self._charge(program, [item for item, _ in drawn], device)
        limit = min(job.max_seconds or LONGEST_JOB_SECONDS, LONGEST_JOB_SECONDS)
        if charge > limit:
            job.charged_seconds = float(limit)
            text = f"Job reached its maximum execution time of {limit:g} seconds."
            return ("Cancelled", text, RAN_TOO_LONG)
        bits = tuple(self._bits(job, item, index) for index, (item, _) in enumerate(drawn))
        job.charged_seconds = charge
        others = tuple(other for _, other in drawn)
        finished = datetime.now(UTC)
        job.outcome = Outcome(
            program=program, bits=bits, others=others, started=started, finished=finished
        )
        return ("Completed", "", None)

    def _check(self, program: Program, device: Device) -> None:
        for item in program.items:
            if item.shots > device.max_shots:
                raise ValueError(f"{item.shots} shots; {device.name} takes {device.max_shots}")
            for entry in item.circuit.data if self.config.check_isa else ():
                where = tuple(item.circuit.find_bit(qubit).index for qubit in entry.qubits)
                if complaint := device.complaint(entry.operation.name, where):
                    raise ValueError(complaint)

    def _drawn(self, item: Item, index: int) -> tuple[Item, dict[str, Any]]:
        seed = pub_seed(self.config.seed, circuit_fingerprint(item.circuit), item.shots, index)
        return item.drawn(np.random.default_rng(seed))

    def _charge(self, program: Program, items: list[Item], device: Device) -> float:
        delay = program.repetition_delay_seconds
        delay = device.repetition_delay_seconds if delay is None else delay
        seconds = self.config.overhead_seconds
        for item in items:
            runs = item.shots * int(np.prod(item.values.shape[:-1]))
            seconds += runs * (circuit_seconds(next(item.bound()), device) + delay)
        return round(seconds, 6)

    def _bits(self, job: Job, item: Item, index: int) -> dict[str, Any]:
        runs: list[dict[str, Any]] = []
        device = self.devices[job.device]
        for circuit in item.bound():
            fingerprint = circuit_fingerprint(circuit)
            key = (fingerprint, item.shots, index)
            repeat = self._repeats[key] if self.config.fresh_repeats else 0
            self._repeats[key] += 1
            seed = pub_seed(self.config.seed, *key, repeat)
            job.seeds.append(seed)
            job.fingerprints.append(fingerprint)
            runs.append(run_pub(circuit, item.shots, seed, self.config.noise, device))
        shape = item.values.shape[:-1]
        return {
            name: np.stack([run[name] for run in runs]).reshape(*shape, *runs[0][name].shape)
            for name in (runs[0] if runs else ())
        }
