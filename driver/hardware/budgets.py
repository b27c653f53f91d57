"""Budgets: what may be charged for a run, on a day and in a month, and what is left of it.

What the service has charged counts on the day on which it became known. What is in flight, planned
or of unclear fate counts with the most that it can be charged, today: so no budget can be
exceeded, as long as the service keeps to a job's `max_execution_time`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...experiments.spec import Budget
from ..ledger.submissions import Claim
from ..site import SITE_NAME, SiteBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One budget and what counts against it.

    Attributes:
        field: field of the experiment that it is in; empty for one of `hexmagic.toml`.
        what: in words.
        seconds: the budget.
        charged: seconds charged so far.
        pending: the most that what is in flight, or waits to be, may be charged.
    """

    field: str
    what: str
    seconds: float
    charged: float
    pending: float

    @property
    def left(self) -> float:
        """Seconds that nothing has a claim on; negative if too much has."""
        return self.seconds - self.charged - self.pending

    def refusal(self, asked: float) -> str | None:
        """Return why so many seconds more are too many; None if they are not."""
        if asked <= self.left:
            return None
        advice = "raise it or take fewer shots" if self.field else "wait, or raise it"
        return (
            f"up to {asked:.6g} QPU seconds more would exceed {self.what} of {self.seconds:g} "
            f"({self.charged:.4g} charged, up to {self.pending:.6g} in flight or planned); {advice}"
        )


def limits(
    claims: Sequence[Claim],
    *,
    run_id: str | None,
    budget: Budget | None,
    site: SiteBudget,
    now: str,
    planned: bool,
) -> tuple[Limit, ...]:
    """Return every budget that a run is under.

    Args:
        claims: of the whole ledger.
        run_id: the run; None for one that is not in the ledger yet.
        budget: of its experiment.
        site: of its runs directory.
        now: UTC, ISO 8601; days and months are those of UTC.
        planned: whether what is planned and not submitted counts too.
    """
    mine = [claim for claim in claims if claim.run_id == run_id]
    return tuple(
        _limit(field, what, seconds, counted, since, planned=planned)
        for field, what, seconds, counted, since in _budgets(claims, mine, budget, site, now)
        if seconds is not None
    )


_Budget = tuple[str, str, float | None, Sequence[Claim], str]


def _budgets(
    claims: Sequence[Claim],
    mine: Sequence[Claim],
    budget: Budget | None,
    site: SiteBudget,
    now: str,
) -> Iterator[_Budget]:
    of_run = None if budget is None else budget.qpu_seconds
    yield "budget.qpu_seconds", "the run's budget", of_run, mine, ""
    day, month = now[:10], now[:7]
    for word, seconds, since in (
        ("day", site.qpu_seconds_per_day, day),
        ("month", site.qpu_seconds_per_month, month),
    ):
        what = f"this {word}'s budget (qpu_seconds_per_{word} in {SITE_NAME})"
        yield "", what, seconds, claims, since


def _limit(
    field: str, what: str, seconds: float, claims: Sequence[Claim], since: str, *, planned: bool
) -> Limit:
    return Limit(
        field=field,
        what=what,
        seconds=seconds,
        charged=sum(s for claim in claims for s, known in claim.charged if known >= since),
        pending=sum(c.open_seconds - (0 if planned else c.planned_seconds) for c in claims),
    )
