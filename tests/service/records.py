"""Records: jobs and sessions as the service keeps them, and as its API tells them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .programs import Outcome

FINAL = ("Completed", "Failed", "Cancelled")
RAN_TOO_LONG = 1305
"""Reason code of a job that reached its maximum execution time."""


def stamp(when: datetime | None) -> str | None:
    """Return a time as the API writes it: UTC with a Z."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z") if when else None


@dataclass(kw_only=True)
class Job:
    """A job.

    Attributes:
        id: the service's.
        instance: cloud resource name.
        program: sampler or executor.
        device: name of the backend.
        params: JSON of the program's parameters, as posted.
        tags: of the job.
        session: id of its batch or session.
        max_seconds: maximum execution time asked for.
        created: UTC.
        accepted: the same on the monotonic clock.
        word: Queued, Running, Completed, Failed or Cancelled.
        reason, reason_code: why it failed or was cancelled.
        fate: (word, reason, code) that a fault rule has laid on it: it ends so instead of running.
        held: stays queued until it is released.
        seeds: Aer's, in order of circuits and parameter sets.
        fingerprints: of the circuits with parameters bound, likewise.
        calibrated_at: of the calibration it ran with.
        charged_seconds: simulated processor time that it costs.
        started, finished: UTC.
        outcome: what came out.
        text: the encoded results, or the error's text.
    """

    id: str
    instance: str
    program: str
    device: str
    params: bytes
    tags: list[str]
    session: str | None = None
    max_seconds: float | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    accepted: float = field(default_factory=time.monotonic)
    word: str = "Queued"
    reason: str = ""
    reason_code: int | None = None
    fate: tuple[str, str, int | None] | None = None
    held: bool = False
    seeds: list[int] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)
    calibrated_at: str = ""
    charged_seconds: float = 0.0
    started: datetime | None = None
    finished: datetime | None = None
    outcome: Outcome | None = None
    text: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.word in FINAL

    def end(self, word: str, reason: str = "", code: int | None = None) -> None:
        """Bring the job to its end; later ends change nothing."""
        if not self.is_final:
            self.word, self.reason, self.reason_code = word, reason, code
            self.finished = datetime.now(UTC)
            self.text = self.text or reason

    def told(self, *, with_params: bool = False) -> dict[str, Any]:
        """Return the job as `GET /jobs/{id}` gives it."""
        state: dict[str, Any] = {"status": self.word}
        if self.reason:
            state["reason"] = self.reason
        if self.reason_code is not None:
            state["reason_code"] = self.reason_code
        too_long = self.reason_code == RAN_TOO_LONG
        known = {
            "id": self.id,
            "backend": self.device,
            "status": "Cancelled - Ran too long" if too_long else self.word,
            "state": state,
            "program": {"id": self.program},
            "created": stamp(self.created),
            "ended": stamp(self.finished),
            "tags": self.tags,
            "runtime": "loopback:1",
            "private": False,
            "usage": {"seconds": self.charged_seconds if self.is_final else 0},
            "estimated_running_time_seconds": self.charged_seconds,
        }
        if self.session:
            known["session_id"] = self.session
        if self.max_seconds is not None:
            known["cost"] = self.max_seconds
        return known | ({"params": json.loads(self.params)} if with_params else {})

    def metrics(self) -> dict[str, Any]:
        """Return the job's metrics as `GET /jobs/{id}/metrics` gives them."""
        charged = self.charged_seconds if self.is_final else 0
        return {
            "timestamps": {
                "created": stamp(self.created),
                "running": stamp(self.started),
                "finished": stamp(self.finished),
            },
            "bss": {"seconds": charged},
            "usage": {
                "quantum_seconds": charged,
                "seconds": charged,
                "qpu_charge_time_seconds": charged,
                "status": "final" if self.is_final else "pending",
            },
        }

    def recorded(self) -> dict[str, Any]:
        """Return the server's own record as JSON values, for people who look in from outside."""
        return {
            **self.told(),
            "instance": self.instance,
            "params_bytes": len(self.params),
            "seeds": self.seeds,
            "fingerprints": self.fingerprints,
            "calibrated_at": self.calibrated_at,
            "charged_seconds": self.charged_seconds,
            "started": stamp(self.started),
        }


@dataclass(kw_only=True)
class Session:
    """A batch or a dedicated session.

    Attributes:
        id: the service's.
        instance: cloud resource name.
        device: name of the backend.
        mode: batch or dedicated.
        max_seconds: longest time it may be open; told, not enforced.
        accepting: whether it takes jobs.
        created, closed: UTC.
    """

    id: str
    instance: str
    device: str
    mode: str
    max_seconds: int | None
    accepting: bool = True
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    closed: datetime | None = None

    def told(self, jobs: list[Job]) -> dict[str, Any]:
        """Return the session as `GET /sessions/{id}` gives it; `jobs` are those that are in it."""
        started = [job.started for job in jobs if job.started]
        finished = [job.finished for job in jobs if job.finished]
        over = not self.accepting and all(job.is_final for job in jobs)
        return {
            "id": self.id,
            "backend_name": self.device,
            "mode": self.mode,
            "max_ttl": self.max_seconds,
            "active_ttl": self.max_seconds,
            "interactive_ttl": 60,
            "state": "closed" if over else "active" if started else "open",
            "accepting_jobs": self.accepting,
            "started_at": stamp(self.created),
            "activated_at": stamp(min(started, default=None)),
            "closed_at": stamp(self.closed),
            "last_job_started": stamp(max(started, default=None)),
            "last_job_completed": stamp(max(finished, default=None)),
            "elapsed_time": round(sum(job.charged_seconds for job in jobs), 6),
            "timestamps": [],
        }
