"""What a tick did, for a person, for a log and for an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .ledger.jobs import RUN_ENDED

SCHEMA_VERSION = 1
WAITING, MISSED, FAILED, REFUSED = 75, 5, 4, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """What a tick did for one run.

    Attributes:
        run: its id.
        state: how it stands now.
        said: what was done, in words.
        waits: what it waits for, and what stood in the way.
        problems: what failed or is missing; only told when it ends.
        exit_code: what this run alone would make the tick exit with.
        pause_seconds: what the service asks to wait before the next submission.
    """

    run: str
    state: str
    said: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    exit_code: int = 0
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStep:
    """What a tick did for one schedule."""

    name: str
    said: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What a tick did."""

    time: str
    runs: tuple[RunStep, ...]
    schedules: tuple[ScheduleStep, ...]

    @property
    def exit_code(self) -> int:
        """4: something failed or needs a person; else 3: refused; else 5: an expectation that was

        not met; else 75: something waits.
        """
        codes = {*(run.exit_code for run in self.runs), *(s.exit_code for s in self.schedules)}
        return next((code for code in (FAILED, REFUSED, MISSED, WAITING) if code in codes), 0)

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return {"schema_version": SCHEMA_VERSION, "exit_code": self.exit_code, **asdict(self)}


def state_code(state: str) -> int:
    """Return what a run that stands so would make a tick exit with."""
    if state in ("parked", "failed"):
        return FAILED
    return 0 if state in RUN_ENDED else WAITING


def stopped_json(time: str, error: str, exit_code: int) -> dict[str, Any]:
    """Return the document of a tick that could not be done to its end, as JSON types.

    It tells of no run or schedule; what was done before it stopped is in the ledger.

    Args:
        time: UTC, ISO 8601.
        error: the line that standard error has.
        exit_code: of the process.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "time": time,
        "exit_code": exit_code,
        "runs": [],
        "schedules": [],
        "error": error,
    }
