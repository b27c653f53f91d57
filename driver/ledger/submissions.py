"""Submissions to a service as rows of the ledger, and what each has cost or may yet cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...backends.remote import REMOTE_ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRow:
    """What an attempt at a shard asks of a service; written when the attempt is planned.

    Attributes:
        run_id, shard, attempt: the job.
        tag: unique to it in the whole world; a second submission under it is found by it.
        device: the machine.
        estimated_seconds: of quantum processor time.
        most_seconds: the service stops it after so many.
        batch: that it was last submitted in.
        payload: SHA-256 of what was sent last.
        intended: when its submission was last intended, UTC; None: never.
        looks: how often the service's listing was searched for it in vain since then.
        unclear: how often it was submitted, before that, with a fate that never became clear.
    """

    run_id: str
    shard: str
    attempt: int
    tag: str
    device: str
    estimated_seconds: float
    most_seconds: int
    batch: str | None
    payload: str | None
    intended: str | None
    looks: int
    unclear: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRow:
    """A job that the service has.

    Attributes:
        remote_id: the service's id.
        run_id, shard, attempt: what it was submitted for.
        kept: 1 for the one whose result counts; 0 for a double, which is cancelled.
        state: as the service last told, in our words.
        charged_seconds: None until the service tells.
        found: when we got to know it, UTC.
        ended_at: when we got to know that it ended, UTC.
        settled: when we got to know what it is charged, UTC.
        fetches: results that could not be used.
    """

    remote_id: str
    run_id: str
    shard: str
    attempt: int
    kept: int
    state: str
    charged_seconds: float | None
    found: str
    ended_at: str | None
    settled: str | None
    fetches: int

    @property
    def ended(self) -> bool:
        """Whether the service is done with it."""
        return self.state in REMOTE_ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Processor time that a submission has cost or may yet cost.

    Attributes:
        run_id: its run.
        state: of its job.
        charged: (seconds, when it became known) of each job that the service has charged.
        open_seconds: the most that may be charged on top of it.
        planned_seconds: as much of that as is for a submission that is yet to be made.
    """

    run_id: str
    state: str
    charged: tuple[tuple[float, str], ...]
    open_seconds: float
    planned_seconds: float


def make_claim(row: dict[str, object], remotes: Sequence[RemoteRow]) -> Claim:
    """Return the claim of a submission: one whose fate is unclear may cost its whole time.

    One whose fate was not known when its job ended counts with all of it, at that time.
    """
    most, state = float(str(row["most_seconds"])), str(row["state"])
    known = [r for r in remotes if r.charged_seconds is not None]
    pending = len(remotes) - len(known)
    unclear = int(str(row["unclear"])) + bool(state == "planned" and row["looks"])
    charged = tuple((r.charged_seconds or 0.0, r.settled or r.found) for r in known)
    if state not in REMOTE_ENDED:
        pending += max(0, unclear - max(0, len(remotes) - 1)) + (not remotes)
    else:
        sent = unclear + bool(remotes or (state == "cancelled" and row["looks"]))
        charged += ((most, str(row["changed"])),) * max(0, sent - len(remotes))
    return Claim(
        run_id=str(row["run_id"]),
        state=state,
        charged=charged,
        open_seconds=pending * most,
        planned_seconds=most if state == "planned" and not remotes else 0.0,
    )
