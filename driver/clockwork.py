"""Clock and ids: the only two things in a run that its seed does not decide."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def make_token() -> str:
    """Return 4 random hexadecimal digits."""
    return secrets.token_hex(2)


def make_run_id(name: str, now: str, token: str) -> str:
    """Return `<name>-<UTC yyyymmdd-hhmmss>-<token>`."""
    return f"{name}-{datetime.fromisoformat(now):%Y%m%d-%H%M%S}-{token}"


def seconds_between(then: str, now: str) -> float:
    """Return the seconds from one ISO 8601 time to another."""
    return (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """Where a run's times and ids come from; tests pass their own."""

    now: Callable[[], str] = utc_now
    token: Callable[[], str] = make_token
