"""Schedules in the ledger: experiments that `hexmagic tick` runs again, and how far each is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ...experiments.errors import UsageError
from ..plan import Scalar
from .runs import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """A scheduled experiment.

    Attributes:
        name: the experiment's; one schedule has it in a runs directory.
        spec: the experiment file's text.
        overrides: values by dotted field name, as JSON text.
        registered: when, UTC.
        state: active or ended.
        last_due: what identifies the last occurrence, ISO 8601; None before the first.
        last_calibration: the device's calibration then.
        last_run: the run that it became; its id is here before its folder is made.
        tried: when a start was last refused.
        refusal: why; empty if the last start was not refused.
    """

    name: str
    spec: str
    overrides: str
    registered: str
    state: str
    last_due: str | None
    last_calibration: str | None
    last_run: str | None
    tried: str | None
    refusal: str

    @property
    def values(self) -> dict[str, Scalar]:
        """The overrides."""
        found: dict[str, Scalar] = json.loads(self.overrides)
        return found


class ScheduleLedger(Ledger):
    """The ledger with its schedules; the same file."""

    def schedules(self, *, active: bool = False) -> list[ScheduleRow]:
        """Return every schedule, or the active ones, in the order of registration."""
        rows = self._all("SELECT * FROM schedules ORDER BY registered, name")
        found = [ScheduleRow(**row) for row in rows]
        return [row for row in found if row.state == "active" or not active]

    def register_schedule(
        self, name: str, spec: str, overrides: Mapping[str, Scalar]
    ) -> ScheduleRow:
        """Write a schedule unless the same one is active; return it.

        Raises:
            UsageError: another one of this name is active.
        """
        text = json.dumps(dict(overrides), sort_keys=True)
        with self._transaction():
            before = self._one("SELECT * FROM schedules WHERE name = ?", name)
            active = before is not None and before["state"] == "active"
            if before is not None and active:
                if (before["spec"], before["overrides"]) == (spec, text):
                    return ScheduleRow(**before)
                raise UsageError(
                    f"schedule {name}: another experiment of this name is scheduled; end it with "
                    f"`hexmagic cancel {name}` first, or give this one another name"
                )
            self._db.execute("DELETE FROM schedules WHERE name = ?", (name,))
            self._db.execute(
                "INSERT INTO schedules (name, spec, overrides, registered, state, refusal) "
                "VALUES (?, ?, ?, ?, 'active', '')",
                (name, spec, text, self._clock()),
            )
        return self._row(name)

    def occur(self, name: str, *, due: str, calibration: str | None, run_id: str) -> None:
        """Write that an occurrence is about to become a run; durable when this returns."""
        self._change(
            name,
            "last_due = ?, last_calibration = ?, last_run = ?, refusal = ''",
            due,
            calibration,
            run_id,
        )

    def refuse(self, name: str, reason: str) -> None:
        """Write that the start of an occurrence was refused; it is tried again later."""
        self._change(name, "tried = ?, refusal = ?", self._clock(), reason)

    def end_schedule(self, name: str) -> None:
        """Write that nothing of it is to be run any more."""
        self._change(name, "state = 'ended'")

    def _change(self, name: str, changes: str, *values: str | None) -> None:
        with self._transaction():
            self._db.execute(f"UPDATE schedules SET {changes} WHERE name = ?", (*values, name))

    def _row(self, name: str) -> ScheduleRow:
        (row,) = self._all("SELECT * FROM schedules WHERE name = ?", name)
        return ScheduleRow(**row)
