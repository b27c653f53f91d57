"""Questions to IBM's service: repeated within bounds, told apart, never taken for an end."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.ibm import BOSTON, dripping, remote_of, serving, submission_of
from service import Instance, LoopbackService, Rule, make_crn

from hexmagic.backends.ibm.door import IbmSettings, open_remote
from hexmagic.backends.remote import AccountError, RemoteError

QUESTIONS: dict[str, Callable[[Any, str], object]] = {
    "usage": lambda remote, _: remote.usage(),
    "status": lambda remote, _: remote.standing(BOSTON),
    "properties": lambda remote, _: remote.device(BOSTON),
    "jobs$": lambda remote, _: remote.find("hexmagic:1"),
    "jobs/[^/]+$": lambda remote, job_id: remote.look(job_id),
    "results": lambda remote, job_id: remote.fetch(job_id),
}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackService]:
    with serving(monkeypatch) as running:
        yield running


@pytest.fixture(scope="module")
def body() -> bytes:
    with pytest.MonkeyPatch.context() as patch, serving(patch) as running:
        return bytes(remote_of(running).encode(submission_of()))


@pytest.fixture
def job_id(service: LoopbackService, body: bytes) -> str:
    made = remote_of(service).post(body)
    service.wait()
    return str(made)


def asked(service: LoopbackService, path: str) -> int:
    return sum(path.removesuffix("$") in one.path for one in service.requests)


@pytest.mark.parametrize("path", QUESTIONS)
@pytest.mark.parametrize(
    "fault",
    [
        *({"kind": "status", "status": status} for status in (429, 500, 503)),
        {"kind": "reset"},
        {"kind": "truncate"},
    ],
    ids=str,
)
def test_a_question_is_asked_again_and_answered(
    service: LoopbackService, job_id: str, path: str, fault: dict[str, Any]
) -> None:
    expected = QUESTIONS[path](remote_of(service), job_id)
    service.rules.append(Rule(method="GET", path=path, times=3, **fault))
    assert QUESTIONS[path](remote_of(service), job_id) == expected
    assert service.rules[0].times == 0


@pytest.mark.parametrize("path", QUESTIONS)
def test_a_question_is_given_up_after_four_times(
    service: LoopbackService, job_id: str, path: str
) -> None:
    service.rules.append(Rule(kind="status", status=500, method="GET", path=path, times=None))
    before = len([one for one in service.requests if one.fault])
    with pytest.raises(RemoteError, match="HTTP 500"):
        QUESTIONS[path](remote_of(service), job_id)
    assert len([one for one in service.requests if one.fault]) - before == 4


@pytest.mark.parametrize("kind", ["empty", "invalid_json"])
@pytest.mark.parametrize("path", [path for path in QUESTIONS if path != "results"])
def test_an_answer_that_makes_no_sense_is_a_remote_error(
    service: LoopbackService, job_id: str, path: str, kind: Any
) -> None:
    service.rules.append(Rule(kind=kind, method="GET", path=path, times=None))
    with pytest.raises(RemoteError) as caught:
        QUESTIONS[path](remote_of(service), job_id)
    assert "\n" not in str(caught.value)


def test_a_refusal_is_not_asked_again(service: LoopbackService) -> None:
    service.rules.append(Rule(kind="status", status=400, method="GET", path="usage", times=None))
    with pytest.raises(RemoteError, match="HTTP 400"):
        remote_of(service).usage()
    assert asked(service, "usage") == 1


def test_the_pauses_double_and_heed_what_the_service_asks_for(service: LoopbackService) -> None:
    pauses: list[float] = []
    remote = open_remote(IbmSettings(url=service.url), sleep=pauses.append)
    for status, wish in ((503, None), (429, 9), (500, 0)):
        service.rules.append(Rule(kind="status", status=status, retry_after=wish, path="usage"))
    remote.usage()
    assert pauses == [0.5, 9.0, 2.0]


def test_a_wait_beyond_the_wall_clock_is_an_error_at_once(service: LoopbackService) -> None:
    service.rules.append(Rule(kind="status", status=429, retry_after=30, path="usage"))
    with pytest.raises(RemoteError, match="429"):
        remote_of(service, timeout_seconds=10.0).usage()
    assert asked(service, "usage") == 1


@pytest.mark.parametrize("path", QUESTIONS)
def test_a_hanging_answer_ends_with_the_wall_clock(
    service: LoopbackService, job_id: str, path: str
) -> None:
    remote = remote_of(service, timeout_seconds=2.0)
    remote.usage()
    service.rules.append(Rule(kind="hang", method="GET", path=path, times=None))
    began = time.monotonic()
    with pytest.raises(RemoteError, match=r"no answer in 2 s"):
        QUESTIONS[path](remote, job_id)
    assert time.monotonic() - began < 15.0
    service.rules.clear()
    assert remote.find("hexmagic:1")


def test_a_server_that_drips_does_not_hold_us(service: LoopbackService) -> None:
    began = time.monotonic()
    with dripping() as url, pytest.raises(RemoteError, match=r"no answer in 3 s"):
        remote_of(service, url=url, timeout_seconds=3.0).usage()
    assert time.monotonic() - began < 15.0


def test_an_expired_token_is_renewed_once(service: LoopbackService) -> None:
    remote = remote_of(service)
    remote.usage()
    service.revoke_tokens()
    remote.usage()
    assert [one.status for one in service.requests if "usage" in one.path] == [200, 401, 200]


@pytest.mark.parametrize(("status", "times"), [(401, 2), (403, 1)])
def test_a_token_that_is_not_taken_is_an_account_error(
    service: LoopbackService, status: int, times: int
) -> None:
    service.rules.append(Rule(kind="status", status=status, path="usage", times=None))
    with pytest.raises(AccountError, match="does not take the account"):
        remote_of(service).usage()
    assert asked(service, "usage") == times


def test_a_batch_takes_jobs_until_it_is_closed(service: LoopbackService) -> None:
    remote = remote_of(service)
    batch = remote.open_batch(BOSTON)
    assert remote.batch_takes_jobs(batch)
    remote.close_batch(batch)
    assert not remote.batch_takes_jobs(batch)
    assert not remote.batch_takes_jobs("nowhere")
    remote.close_batch("nowhere")


def test_a_batch_is_asked_for_once(service: LoopbackService) -> None:
    service.rules.append(Rule(kind="status", status=500, path="sessions", times=None))
    with pytest.raises(RemoteError, match="batch on ibm_boston: HTTP 500"):
        remote_of(service).open_batch(BOSTON)
    assert asked(service, "sessions") == 1


def test_usage_tells_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = Instance(crn=make_crn(1), name="one", limit_seconds=600.0, consumed_seconds=540.0)
    with serving(monkeypatch, instances=(instance,)) as running:
        usage = remote_of(running).usage()
    assert (usage.used_seconds, usage.limit_seconds, usage.remaining_seconds) == (540, 600, 60)


def test_usage_that_is_exhausted_leaves_nothing(service: LoopbackService) -> None:
    service.rules.append(Rule(kind="usage_exhausted", when="before", path="usage"))
    assert remote_of(service).usage().remaining_seconds == 0


def test_a_machine_stands_as_the_service_says(service: LoopbackService) -> None:
    machine = service.devices[BOSTON]
    machine.operational, machine.message, machine.extra_queue = False, "maintenance", 7
    machine.max_shots = 1234
    standing = remote_of(service).standing(BOSTON)
    assert (standing.operational, standing.message) == (False, "maintenance")
    assert (standing.queue, standing.max_shots) == (7, 1234)
    assert standing.repetition_delay_seconds == pytest.approx(250e-6)
