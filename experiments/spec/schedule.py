"""When an experiment is run again: `schedule:`, which `hexmagic tick` honours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, with_config

from .errors import FieldError, kind_of, show

SHORTEST_SECONDS = 60
LONGEST_SECONDS = 366 * 86400
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = r"(?=[0-9])(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_LIKE_A_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+)?"


def parse_duration(text: Any) -> int:
    """Return the seconds of a duration such as 90s, 30m, 24h, 7d or 1h30m.

    Raises:
        ValueError: it is no duration, or shorter than a minute or longer than 366 days.
    """
    if not isinstance(text, str) or re.fullmatch(_DURATION, text) is None:
        number = isinstance(text, int | float) and not isinstance(text, bool)
        bare = number or (isinstance(text, str) and re.fullmatch(r"[0-9.]+", text) is not None)
        hint = " has no unit" if bare else " is no duration"
        raise ValueError(f"{show(text)}{hint}; write 90s, 30m, 24h, 7d or 1h30m")
    parts = re.findall(r"([0-9]+)([dhms])", text)
    return _checked(sum(int(number) * _UNITS[unit] for number, unit in parts), text)


def show_duration(seconds: int) -> str:
    """Return whole seconds as `parse_duration` reads them: `1d`, `1h30m`."""
    parts = []
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def parse_time(text: Any) -> str:
    """Return a time as UTC in ISO 8601: `2026-12-01T06:00:00Z`.

    Raises:
        ValueError: it is no date with a time, or it does not tell its zone.
    """
    example = "2026-12-01T06:00Z, or +01:00 in the place of Z"
    if not isinstance(text, str):
        raise ValueError(f"{show(text)} is {kind_of(text)}; needs a time such as {example}")
    if re.fullmatch(_TIME, text) is None:
        like = re.fullmatch(_LIKE_A_TIME, text) is not None
        hint = "does not tell its time and zone" if like else "is no time"
        raise ValueError(f"{show(text)} {hint}; write {example}")
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{show(text)} is no time: {error}; write {example}") from None
    return moment.isoformat().replace("+00:00", "Z")


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$"}),
]
Time = Annotated[
    str, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "pattern": f"^{_TIME}$"})
]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When it is run again; only `hexmagic tick` looks at it.

    Attributes:
        every: time from one run to the next, such as 90s, 30m, 24h, 7d or 1h30m, counted from the
            first; what was missed is made up by one run. At least 60s.
        not_before: time of the first run, in ISO 8601 with a zone (2026-12-01T06:00Z); left out:
            as soon as the schedule is registered. Alone, it asks for one run.
        until: no run at or after this time, written as not_before is.
        on: recalibration asks for a run when the device's calibration is newer than at the last
            one; with every, at most once in each period and only on a new calibration.
    """

    every: Duration | None = None
    not_before: Time | None = None
    until: Time | None = None
    on: Literal["recalibration"] | None = None

    def __post_init__(self) -> None:
        """Check that it asks for a run; times become UTC."""
        if self.every is None and self.on is None and self.not_before is None:
            what = "asks for no run; give every or on or not_before, or leave it out"
            raise FieldError("", what)
        if self.every is not None:
            _checked(self.every, f"{self.every} s", field="every")
        for name in ("not_before", "until"):
            written = getattr(self, name)
            if written is not None:
                try:
                    object.__setattr__(self, name, parse_time(written))
                except ValueError as error:
                    raise FieldError(name, str(error)) from None
        start, end = self.starts, self.ends
        if start is not None and end is not None and end <= start:
            what = f"{self.until} is not after not_before {self.not_before}, so nothing is run"
            raise FieldError("until", what)

    @property
    def starts(self) -> datetime | None:
        """`not_before` as an aware datetime in UTC."""
        return None if self.not_before is None else datetime.fromisoformat(self.not_before)

    @property
    def ends(self) -> datetime | None:
        """`until` as an aware datetime in UTC."""
        return None if self.until is None else datetime.fromisoformat(self.until)

    def to_document(self) -> dict[str, str]:
        """Return it as a YAML file writes it, without what is absent."""
        every = None if self.every is None else show_duration(self.every)
        written = {
            "every": every,
            "not_before": self.not_before,
            "until": self.until,
            "on": self.on,
        }
        return {name: value for name, value in written.items() if value is not None}


def _checked(seconds: int, text: str, *, field: str = "") -> int:
    """Return the seconds of a duration that a schedule can have."""
    if SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        return seconds
    bounds = "short; needs at least 60s" if seconds < SHORTEST_SECONDS else "long; at most 366d"
    raise FieldError(field, f"{text} is too {bounds}")
