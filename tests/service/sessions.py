"""Sessions: the routes of batches and dedicated sessions."""

from __future__ import annotations

from datetime import UTC, datetime

from .accounts import Instance
from .records import Job, Session
from .state import State
from .wire import Answer, Request, json_answer, posted_object


def open_session(state: State, request: Request, instance: Instance, name: str) -> Answer:
    """Open a batch or a session (POST /sessions)."""
    del name
    posted = posted_object(request)
    session = Session(
        id=state.new_id(),
        instance=instance.crn,
        device=state.device(posted.get("backend", "")).name,
        mode=posted.get("mode", "dedicated"),
        max_seconds=posted.get("max_ttl"),
    )
    state.sessions[session.id] = session
    return json_answer(session.told([]))


def _in_session(state: State, session: Session) -> list[Job]:
    return [job for job in state.jobs if job.session == session.id]


def tell_session(state: State, request: Request, instance: Instance, name: str) -> Answer:
    """Tell how a session stands (GET /sessions/{id})."""
    del request, instance
    session = state.session(name)
    return json_answer(session.told(_in_session(state, session)))


def change_session(state: State, request: Request, instance: Instance, name: str) -> Answer:
    """Close a session for new jobs (PATCH /sessions/{id})."""
    session = state.session(name)
    if not posted_object(request).get("accepting_jobs", True):
        session.accepting, session.closed = False, session.closed or datetime.now(UTC)
    return tell_session(state, request, instance, name)


def end_session(state: State, request: Request, instance: Instance, name: str) -> Answer:
    """Close a session and cancel what waits in it (DELETE /sessions/{id}/close)."""
    del request, instance
    session = state.session(name)
    session.accepting, session.closed = False, session.closed or datetime.now(UTC)
    for job in _in_session(state, session):
        if job.word == "Queued":
            job.end("Cancelled", "The session was closed")
    return Answer(status=204)
