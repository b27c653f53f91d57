"""What submissions have cost or may yet cost: the sum in every combination of what is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.paid import MOST, WAYS, first, intend, open_paid, plan, remote, submit
from fakes.remote import Clock

from hexmagic.driver.ledger.hardware import HardwareLedger
from hexmagic.driver.ledger.submissions import Claim, RemoteRow, make_claim


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[HardwareLedger]:
    with open_paid(tmp_path, Clock()) as opened:
        yield opened


def claim(ledger: HardwareLedger) -> Claim:
    return ledger.claims()[0]


# --- one submission -----------------------------------------------------------------------------


def row(state: str, *, unclear: int = 0, looks: int = 0) -> dict[str, Any]:
    """Return a submission of run `r` and the state of its job, which changed at `end`."""
    return {
        "run_id": "r",
        "shard": "s0",
        "attempt": 1,
        "most_seconds": MOST,
        "state": state,
        "changed": "end",
        "looks": looks,
        "unclear": unclear,
    }


def known(*charges: float | None, settled: str | None = "told") -> list[RemoteRow]:
    """Return jobs of the service, found at `found`, with their charges."""
    return [
        RemoteRow(
            remote_id=f"job-{number}",
            run_id="r",
            shard="s0",
            attempt=1,
            kept=int(not number),
            state="queued" if charge is None else "done",
            charged_seconds=charge,
            found="found",
            ended_at=None,
            settled=None if charge is None else settled,
            fetches=0,
        )
        for number, charge in enumerate(charges)
    ]


def test_a_planned_submission_claims_its_most_and_says_that_it_is_planned() -> None:
    assert make_claim(row("planned"), []) == Claim(
        run_id="r", state="planned", charged=(), open_seconds=10.0, planned_seconds=10.0
    )


@pytest.mark.parametrize("state", ["intended", "unknown", "parked", "submitted"])
def test_what_may_have_been_sent_is_not_planned_any_more(state: str) -> None:
    assert make_claim(row(state), []) == Claim(
        run_id="r", state=state, charged=(), open_seconds=10.0, planned_seconds=0.0
    )


def test_a_planned_submission_that_the_service_has_after_all_is_one_of_it() -> None:
    found = make_claim(row("planned"), known(None))
    assert (found.open_seconds, found.planned_seconds) == (10.0, 0.0)


@pytest.mark.parametrize(
    ("state", "looks", "unclear", "charges", "times"),
    [
        # looked for in vain and planned again: the old one may be there beside the new one
        ("planned", 0, 0, [], 1),
        ("planned", 1, 0, [], 2),
        ("planned", 3, 0, [], 2),
        ("planned", 0, 1, [], 2),
        ("planned", 2, 1, [], 3),
        ("planned", 0, 3, [], 4),
        # looks at one whose fate is open still say nothing of another one
        ("unknown", 3, 0, [], 1),
        ("parked", 3, 1, [], 2),
        ("intended", 0, 2, [], 3),
        # the first that is found explains the last one that was sent, each double one more
        ("submitted", 0, 0, [None], 1),
        ("submitted", 0, 1, [None], 2),
        ("submitted", 0, 2, [None], 3),
        ("submitted", 0, 1, [None, None], 2),
        ("submitted", 0, 2, [None, None], 3),
        ("submitted", 0, 0, [None, None], 2),
        ("submitted", 0, 0, [None, None, None], 3),
        ("submitted", 0, 3, [None, None, None], 4),
        # what is charged is not open
        ("submitted", 0, 0, [3.0], 0),
        ("submitted", 0, 1, [3.0], 1),
        ("submitted", 0, 1, [3.0, None], 1),
        ("submitted", 0, 2, [3.0, 0.0], 1),
        ("submitted", 0, 0, [0.0, None, None], 2),
    ],
)
def test_as_long_as_a_job_is_open_each_submission_of_open_fate_claims_its_most(
    state: str, looks: int, unclear: int, charges: list[float | None], times: int
) -> None:
    found = make_claim(row(state, unclear=unclear, looks=looks), known(*charges))
    assert found.open_seconds == times * 10.0
    assert found.charged == tuple((c, "told") for c in charges if c is not None)
    assert found.planned_seconds == (10.0 if state == "planned" else 0.0)


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
@pytest.mark.parametrize(
    ("unclear", "charges", "pending", "charged"),
    [
        (0, [None], 1, []),
        (0, [3.0], 0, [3.0]),
        (0, [0.0], 0, [0.0]),
        (0, [3.0, None], 1, [3.0]),
        (0, [3.0, 0.5, 1.5], 0, [3.0, 0.5, 1.5]),
        (1, [3.0, 4.0], 0, [3.0, 4.0]),
        # sent once more than was ever found: charged with the most when the job ended
        (1, [], 0, [MOST]),
        (2, [], 0, [MOST, MOST]),
        (1, [3.0], 0, [3.0, MOST]),
        (3, [3.0, None], 1, [3.0, MOST, MOST]),
    ],
)
def test_what_was_never_found_counts_with_the_most_when_the_job_has_ended(
    state: str,
    unclear: int,
    charges: list[float | None],
    pending: int,
    charged: list[float],
) -> None:
    found = make_claim(row(state, unclear=unclear), known(*charges))
    told = len([charge for charge in charges if charge is not None])
    times = ["told"] * told + ["end"] * (len(charged) - told)
    assert found == Claim(
        run_id="r",
        state=state,
        charged=tuple(zip(charged, times, strict=True)),
        open_seconds=pending * 10.0,
        planned_seconds=0.0,
    )


@pytest.mark.parametrize(
    ("state", "looks", "unclear", "charges", "charged"),
    [
        # given up after looks in vain: it may have been accepted all the same
        ("cancelled", 1, 0, [], [(10.0, "end")]),
        ("cancelled", 2, 1, [], [(10.0, "end")] * 2),
        ("cancelled", 2, 0, [1.0], [(1.0, "told")]),
        ("cancelled", 2, 1, [1.0], [(1.0, "told"), (10.0, "end")]),
        ("cancelled", 0, 0, [], []),
        # the service itself said so
        ("failed", 2, 0, [], []),
        ("done", 2, 0, [1.0], [(1.0, "told")]),
        ("failed", 2, 1, [], [(10.0, "end")]),
    ],
)
def test_a_job_that_was_given_up_after_looks_in_vain_may_have_been_sent(
    state: str,
    looks: int,
    unclear: int,
    charges: list[float | None],
    charged: list[tuple[float, str]],
) -> None:
    found = make_claim(row(state, unclear=unclear, looks=looks), known(*charges))
    assert (found.charged, found.open_seconds) == (tuple(charged), 0.0)


def test_a_charge_whose_time_is_not_written_counts_when_its_job_was_found() -> None:
    found = make_claim(row("done"), known(2.0, settled=None))
    assert found.charged == ((2.0, "found"),)


# --- the ledger's -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        *((state, MOST) for state in ("planned", "intended", "unknown", "parked")),
        *((state, 0) for state in ("failed", "cancelled")),
    ],
)
def test_a_job_that_the_service_may_have_claims_its_most(
    ledger: HardwareLedger, state: str, seconds: int
) -> None:
    ledger.move(first(ledger), *WAYS[state])
    assert (claim(ledger).open_seconds, claim(ledger).charged) == (seconds, ())
    assert (claim(ledger).run_id, claim(ledger).state) == ("r", state)


def test_a_submission_that_is_planned_after_looks_in_vain_claims_both(
    ledger: HardwareLedger,
) -> None:
    job = ledger.move(intend(ledger), "unknown")
    ledger.count_look(job)
    assert claim(ledger).open_seconds == MOST
    ledger.move(job, "planned")
    assert (claim(ledger).open_seconds, claim(ledger).planned_seconds) == (2 * MOST, MOST)


def test_a_job_that_is_given_up_counts_with_its_most_at_that_time(ledger: HardwareLedger) -> None:
    job = ledger.move(intend(ledger), "unknown")
    ledger.count_look(job)
    job = ledger.move(job, "parked", "cancelled")
    assert claim(ledger).charged == ((MOST, job.changed),)


def test_a_charge_takes_the_place_of_the_most(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    assert claim(ledger).open_seconds == MOST
    ledger.update_remote(remote(1, "done", 3.0))
    ledger.move(job, "done")
    assert claim(ledger).open_seconds == 0
    assert claim(ledger).charged == ((3.0, ledger.remotes_of(job)[0].settled),)


def test_a_job_that_ended_and_whose_charge_is_not_told_still_claims_its_most(
    ledger: HardwareLedger,
) -> None:
    ledger.update_remote(remote(1, "done"))
    job = submit(ledger)
    ledger.update_remote(remote(1, "failed"))
    ledger.move(job, "failed")
    assert claim(ledger).open_seconds == MOST


def test_a_double_claims_its_most_too_until_it_is_charged(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.add_double(job, remote(2), detail="")
    assert claim(ledger).open_seconds == 2 * MOST
    ledger.update_remote(remote(2, "cancelled", 0.5))
    assert claim(ledger).open_seconds == MOST
    assert [seconds for seconds, _ in claim(ledger).charged] == [0.5]


def test_a_job_that_was_charged_nothing_claims_nothing(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.update_remote(remote(1, "cancelled", 0.0))
    ledger.move(job, "cancelled")
    assert (claim(ledger).open_seconds, claim(ledger).charged[0][0]) == (0, 0.0)


def test_every_attempt_has_its_own_claim(ledger: HardwareLedger) -> None:
    job = submit(ledger)
    ledger.update_remote(remote(1, "failed", 2.0))
    again = ledger.retry(ledger.move(job, "failed"), detail="")
    plan(ledger, again)
    assert sorted(one.open_seconds for one in ledger.claims()) == [0, MOST, MOST, MOST]
    assert sum(seconds for one in ledger.claims() for seconds, _ in one.charged) == 2.0
