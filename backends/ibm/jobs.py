"""Jobs as the service tells them: one, its charge, and all with a tag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..remote import RemoteJob, RemoteState

PAGE = 50
"""Jobs asked for at once."""

MOST_PAGES = 200
"""A listing that goes on longer is wrong."""

_STATES: dict[str, RemoteState] = {
    "QUEUED": "queued",
    "RUNNING": "running",
    "COMPLETED": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "CANCELLED - RAN TOO LONG": "failed",
}
_RAN_TOO_LONG = 1305


def read_job(told: Any) -> RemoteJob:
    """Return a job from the service's JSON.

    Raises:
        LookupError, TypeError, AttributeError: it lacks what every job has.
    """
    state = told.get("state") or {}
    word = str(state.get("status") or told["status"])
    code = state.get("reason_code") or state.get("reasonCode")
    known = _STATES.get(word.upper(), "unrecognised")
    if known == "cancelled" and code == _RAN_TOO_LONG:
        known = "failed"
    reason = str(state.get("reason") or "")
    return RemoteJob(
        id=read_id(told["id"]),
        state=known,
        word=word,
        created=str(told.get("created") or ""),
        reason=f"{reason} (code {code})" if code else reason,
        device=str(told.get("backend") or ""),
    )


def read_charge(metrics: Any) -> float | None:
    """Return the seconds charged for a job; None as long as that is not settled.

    Raises:
        TypeError, AttributeError: that is no metrics.
    """
    usage = metrics.get("usage") or {}
    seconds = usage.get("qpu_charge_time_seconds")
    if seconds is None or usage.get("status", "pending") == "pending":
        return None
    return float(seconds)


def ask_jobs(client: Any, tag: str) -> tuple[RemoteJob, ...]:
    """Return every job with exactly this tag that is listed, oldest first.

    The listing's own count is not used: the client goes on for ever where it is wrong. A page that
    is not full, or has nothing new, is the last.

    Raises:
        Exception: any of the client's; ValueError: the listing does not end.
    """
    found = {job.id: job for job in _pages(client, tag)}
    return tuple(sorted(found.values(), key=lambda job: job.created))


def _pages(client: Any, tag: str) -> Iterator[RemoteJob]:
    seen: set[str] = set()
    for number in range(MOST_PAGES):
        page = client.jobs_get(limit=PAGE, skip=number * PAGE, job_tags=[tag], descending=False)[
            "jobs"
        ]
        for told in page:
            if tag in told["tags"]:
                yield read_job(told)
        ids = {read_id(told["id"]) for told in page}
        if len(page) < PAGE or ids <= seen:
            return
        seen |= ids
    raise ValueError(f"the listing has more than {MOST_PAGES} pages")


def read_id(value: Any) -> str:
    """Return an id that the service told.

    Raises:
        TypeError: it is none.
    """
    if not (isinstance(value, str) and value):
        raise TypeError(f"{value!r} is no id")
    return value
