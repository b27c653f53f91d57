"""Routes: what each path of the API does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from .accounts import Instance
from .programs import PROGRAMS
from .records import Job
from .sessions import change_session, end_session, open_session, tell_session
from .state import State
from .wire import Answer, Request, ServiceError, json_answer, posted_object

API = "/api/v1"
MAX_TAGS, MAX_TAG = 8, 86
"""Tags of a job, and characters of a tag, at most."""

Route = Callable[[State, Request, Instance, str], Answer]


def answer_to(state: State, request: Request) -> Answer:
    """Return the answer to a request, which takes effect.

    Raises:
        ServiceError: it is refused.
    """
    if request.path == "/iam/identity/token":
        return state.accounts.token(request)
    if request.path == "/search/v3/resources/search":
        return state.accounts.search(request)
    if request.path.startswith("/catalog/"):
        return state.accounts.catalogue(request)
    instance = state.accounts.check(request)
    for method, pattern, route in _ROUTES:
        found = re.fullmatch(API + pattern, request.path)
        if found and method == request.method:
            return route(state, request, instance, found[1] if found.groups() else "")
    raise ServiceError(404, 404, f"no route {request.method} {request.path}")


def _backends(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del request, instance, name
    devices = [
        {
            "name": device.name,
            "qubits": device.configuration["n_qubits"],
            "physical_qubits": device.configuration["n_qubits"],
            "status": {
                "name": "online" if device.operational else "paused",
                "reason": device.message,
            },
            "queue_length": _queue(state, device.name),
            "processor_type": device.configuration.get("processor_type", {}),
        }
        for device in state.devices.values()
    ]
    return json_answer({"devices": devices})


def _queue(state: State, name: str) -> int:
    waiting = sum(job.word == "Queued" and job.device == name for job in state.jobs)
    return waiting + state.devices[name].extra_queue


def _configuration(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del request, instance
    return json_answer(state.device(name).configuration)


def _properties(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del instance
    when = _time(request, "updated_before")
    return json_answer(state.device(name).properties_before(when))


def _status(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del request, instance
    device = state.device(name)
    return json_answer(
        {
            "state": device.operational,
            "status": device.message,
            "message": "",
            "length_queue": _queue(state, name),
            "backend_version": device.configuration["backend_version"],
        }
    )


def _usage(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del request, name
    consumed, now = state.consumed_seconds(instance), datetime.now(UTC)
    usage: dict[str, Any] = {
        "instance_id": instance.crn,
        "plan_id": instance.plan_id,
        "usage_consumed_seconds": consumed,
        "usage_period": {
            "start_time": (now - timedelta(days=28)).isoformat(),
            "end_time": now.isoformat(),
        },
        "usage_limit_reached": state.is_exhausted(instance),
    }
    if instance.limit_seconds is not None:
        usage["usage_limit_seconds"] = instance.limit_seconds
        usage["usage_remaining_seconds"] = max(0.0, instance.limit_seconds - consumed)
    return json_answer(usage)


def _submit(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del name
    state.count_post()
    posted = posted_object(request)
    program, tags = posted.get("program_id"), posted.get("tags", [])
    if program not in PROGRAMS:
        raise ServiceError(404, 1207, f"Program not found: {program}")
    device = state.device(posted.get("backend", ""))
    if len(tags) > MAX_TAGS:
        raise ServiceError(400, 1204, f"A job can have at most {MAX_TAGS} tags, not {len(tags)}.")
    if any(len(tag) > MAX_TAG for tag in tags):
        raise ServiceError(400, 1205, f"A tag can have at most {MAX_TAG} characters.")
    if session_id := posted.get("session_id"):
        session = state.session(session_id)
        if not session.accepting:
            raise ServiceError(400, 1217, "Session has been closed.")
        if session.device != device.name:
            raise ServiceError(400, 1218, f"The session is on {session.device}.")
    job = Job(
        id=state.new_id(),
        instance=instance.crn,
        program=program,
        device=device.name,
        params=json.dumps(posted.get("params", {})).encode(),
        tags=list(tags),
        session=session_id,
        max_seconds=posted.get("cost"),
        held=state.holding,
    )
    state.add(job)
    return json_answer({"id": job.id, "backend": device.name, "session_id": session_id}, 200)


def _list(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del name
    lag, now = state.config.listing_lag_seconds, monotonic()
    seen = [
        job
        for job in state.jobs
        if job.instance == instance.crn
        and now >= job.accepted + lag
        and _is_asked_for(job, request)
    ]
    if request.one("sort") != "ASC":
        seen.reverse()
    limit, offset = _number(request, "limit", 20), _number(request, "offset", 0)
    page = [job.told() for job in seen[offset : offset + limit]]
    return json_answer({"jobs": page, "count": len(seen), "limit": limit, "offset": offset})


def _number(request: Request, name: str, usual: int) -> int:
    text = request.one(name, str(usual))
    if not text.isdigit():
        raise ServiceError(400, 3216, f"{name}: {text!r} is not a count")
    return int(text)


def _is_asked_for(job: Job, request: Request) -> bool:
    after, before = _time(request, "created_after"), _time(request, "created_before")
    pending = request.one("pending")
    return (
        set(request.query.get("tags", [])) <= set(job.tags)
        and request.one("backend", job.device) == job.device
        and request.one("program", job.program) == job.program
        and request.one("session_id", job.session or "") == (job.session or "")
        and (not pending or (pending == "true") != job.is_final)
        and (after is None or job.created >= after)
        and (before is None or job.created <= before)
    )


def _time(request: Request, name: str) -> datetime | None:
    if not (text := request.one(name)):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ServiceError(400, 3220, f"{name}: {text!r} is not a time") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _own(state: State, instance: Instance, job_id: str) -> Job:
    job = state.job(job_id)
    if job.instance != instance.crn:
        raise ServiceError(404, 1291, f"Job not found. Job ID: {job_id}")
    return job


def _job(state: State, request: Request, instance: Instance, name: str) -> Answer:
    job = _own(state, instance, name)
    return json_answer(job.told(with_params=request.one("exclude_params") != "true"))


def _results(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del request
    job = _own(state, instance, name)
    if not job.is_final:
        return Answer(status=204)
    return Answer(body=job.text.encode())


def _metrics(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del request
    return json_answer(_own(state, instance, name).metrics())


def _cancel(state: State, request: Request, instance: Instance, name: str) -> Answer:
    del request
    job = _own(state, instance, name)
    if job.is_final:
        raise ServiceError(409, 3209, f"Job {name} is in state {job.word}: it cannot be cancelled.")
    job.end("Cancelled", "Cancelled by the user")
    return Answer(status=204)


def _tag(state: State, request: Request, instance: Instance, name: str) -> Answer:
    _own(state, instance, name).tags = list(posted_object(request)["tags"])
    return Answer(status=204)


_ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("GET", "/backends", _backends),
    ("GET", "/backends/([^/]+)/configuration", _configuration),
    ("GET", "/backends/([^/]+)/properties", _properties),
    ("GET", "/backends/([^/]+)/status", _status),
    ("GET", "/instances/usage", _usage),
    ("POST", "/jobs", _submit),
    ("GET", "/jobs", _list),
    ("GET", "/jobs/([^/]+)", _job),
    ("GET", "/jobs/([^/]+)/results", _results),
    ("GET", "/jobs/([^/]+)/metrics", _metrics),
    ("POST", "/jobs/([^/]+)/cancel", _cancel),
    ("PUT", "/jobs/([^/]+)/tags", _tag),
    ("POST", "/sessions", open_session),
    ("GET", "/sessions/([^/]+)", tell_session),
    ("PATCH", "/sessions/([^/]+)", change_session),
    ("DELETE", "/sessions/([^/]+)/close", end_session),
    ("DELETE", "/sessions/([^/]+)", end_session),
)
