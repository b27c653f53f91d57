"""Wire: a request as it came, an answer as it is to be sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

Manner = Literal["whole", "reset", "close", "truncate", "hang", "slow"]
"""How an answer goes out: whole, or one of the ways in which a network fails."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request.

    Attributes:
        method: GET, POST, ...
        path: without the query.
        query: every value of each name.
        headers: by name in lower case.
        body: as sent.
    """

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the decoded body; an empty body is {}."""
        return json.loads(self.body or b"{}")

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer.

    Attributes:
        status: HTTP status code.
        body: as sent.
        headers: besides Content-Length, Content-Type and Connection.
        manner: how it goes out.
        seconds: of a slow or hanging answer; 0 hangs until the client or the service ends.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    manner: Manner = "whole"
    seconds: float = 0.0

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A line of the service's log.

    Attributes:
        method: GET, POST, ...
        path: without the query.
        status: as answered, None if the connection ended without an answer.
        fault: kind of the rule that matched, None for none.
    """

    method: str
    path: str
    status: int | None
    fault: str | None


class ServiceError(Exception):
    """A request that is refused, as the real service words it: status, error code, message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def json_answer(value: Any, status: int = 200) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status=status, body=json.dumps(value).encode())


def error_answer(status: int, code: int, message: str) -> Answer:
    """Return a refusal in the service's form: a list of errors and a trace id."""
    error = {"code": code, "message": message, "solution": "", "more_info": ""}
    return json_answer({"errors": [error], "trace": "loopback"}, status)


def posted_object(request: Request) -> dict[str, Any]:
    """Return the JSON object that was posted; ServiceError 400 if it is none."""
    try:
        posted = request.json()
    except json.JSONDecodeError as error:
        raise ServiceError(400, 3220, f"Payload not valid: {error}") from None
    if not isinstance(posted, dict):
        raise ServiceError(400, 3220, "Payload not valid: not an object")
    return posted
