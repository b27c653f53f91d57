"""The IBM adapter, with the real client, against the loopback service: the road and submissions."""

import errno
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from fakes.ibm import BOSTON, answering, dripping, remote_of, serving, submission_of
from service import LoopbackService, Rule

from hexmagic.backends.ibm.door import IbmSettings, open_remote
from hexmagic.backends.remote import (
    AccountError,
    NotAcceptedError,
    RejectedError,
    Remote,
    RemoteError,
    UnclearError,
)
from hexmagic.experiments.errors import RefusedError, UsageError

PROGRAMS = ["sampler", "executor"]
JOBS = "/jobs$"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackService]:
    with serving(monkeypatch) as running:
        yield running


@pytest.fixture(scope="module")
def body() -> bytes:
    """A job, encoded once: nothing in it is of the service that it is sent to."""
    with pytest.MonkeyPatch.context() as patch, serving(patch) as running:
        return bytes(remote_of(running).encode(submission_of()))


def times_posted(service: LoopbackService) -> int:
    return sum(one.method == "POST" and one.path.endswith("/jobs") for one in service.requests)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_job_goes_the_whole_road(service: LoopbackService, program: str) -> None:
    remote: Remote = remote_of(service, program=program)
    batch = remote.open_batch(BOSTON)
    job_id = remote.post(remote.encode(submission_of(batch=batch)))
    service.wait()
    assert [job.id for job in remote.find("hexmagic:1")] == [job_id]
    job = remote.look(job_id)
    assert (job.state, job.word, job.device) == ("done", "Completed", BOSTON)
    assert job.charged_seconds == service.jobs[0].charged_seconds
    assert remote.fetch(job_id) == service.jobs[0].text.encode()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_body_says_all_that_was_asked_for(service: LoopbackService, program: str) -> None:
    body = json.loads(remote_of(service, program=program).encode(submission_of(batch="b7")))
    assert body["program_id"] == program
    assert body["backend"] == BOSTON
    assert body["tags"] == ["hexmagic:1", "other"]
    assert body["session_id"] == "b7"
    assert body["cost"] == 77
    assert "private" not in body
    text = json.dumps(body)
    assert '"enable": true' not in text
    assert '"enable_gates": true' not in text


@pytest.mark.parametrize("program", PROGRAMS)
def test_encoding_posts_nothing_and_posting_sends_what_was_encoded(
    service: LoopbackService, program: str
) -> None:
    remote = remote_of(service, program=program)
    encoded = remote.encode(submission_of())
    assert times_posted(service) == 0
    remote.post(encoded)
    assert times_posted(service) == 1
    assert json.loads(service.jobs[0].params) == json.loads(encoded)["params"]


def test_the_identity_names_client_version_and_program() -> None:
    remote = open_remote(IbmSettings(program="executor"))
    assert remote.identity == "ibm qiskit-ibm-runtime 0.51.0 executor"


def test_opening_asks_nothing(service: LoopbackService) -> None:
    remote_of(service)
    assert service.requests == []


@pytest.mark.parametrize(
    ("fault", "error", "jobs"),
    [
        ({"status": 429, "when": "before"}, NotAcceptedError, 0),
        ({"status": 400, "when": "before"}, RejectedError, 0),
        ({"status": 404, "when": "before"}, RejectedError, 0),
        ({"status": 413, "when": "before"}, RejectedError, 0),
        ({"status": 401, "when": "before"}, NotAcceptedError, 0),
        ({"status": 403, "when": "before"}, AccountError, 0),
        ({"status": 408, "when": "after"}, UnclearError, 1),
        ({"status": 409, "when": "after"}, UnclearError, 1),
        ({"status": 302, "when": "after"}, UnclearError, 1),
        *[
            ({"status": status, "when": when}, UnclearError, jobs)
            for status in (500, 502, 503, 504, 520, 524)
            for when, jobs in (("before", 0), ("after", 1))
        ],
    ],
    ids=str,
)
def test_an_error_answer_to_a_submission_is_told_apart(
    service: LoopbackService, body: bytes, fault: dict[str, Any], error: type[Exception], jobs: int
) -> None:
    service.rules.append(Rule(kind="status", method="POST", path=JOBS, times=None, **fault))
    with pytest.raises(error) as caught:
        remote_of(service).post(body)
    assert type(caught.value) is error
    assert len(service.jobs) == jobs
    assert "\n" not in str(caught.value)
    assert times_posted(service) == 1


@pytest.mark.parametrize("kind", ["reset", "close", "truncate", "empty", "invalid_json"])
@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_damaged_answer_to_a_submission_is_unclear(
    service: LoopbackService, body: bytes, kind: Any, when: Any, jobs: int
) -> None:
    service.rules.append(Rule(kind=kind, method="POST", path=JOBS, times=None, when=when))
    with pytest.raises(UnclearError):
        remote_of(service).post(body)
    assert len(service.jobs) == jobs


def test_an_answer_without_the_id_is_unclear(service: LoopbackService, body: bytes) -> None:
    service.rules.append(Rule(kind="drop_key", key="id", method="POST", path=JOBS))
    with pytest.raises(UnclearError, match="without the id"):
        remote_of(service).post(body)
    assert len(service.jobs) == 1


def test_an_answer_without_the_backend_is_an_acceptance(
    service: LoopbackService, body: bytes
) -> None:
    service.rules.append(Rule(kind="drop_key", key="backend", method="POST", path=JOBS))
    assert remote_of(service).post(body) == service.jobs[0].id


@pytest.mark.parametrize(("given", "seconds"), [(7.0, 7.0), (None, None)])
def test_the_service_says_how_long_to_wait(
    service: LoopbackService, body: bytes, given: float | None, seconds: float | None
) -> None:
    rule = Rule(kind="status", status=429, retry_after=given, path=JOBS, when="before")
    remote = remote_of(service)
    service.rules.append(rule)
    with pytest.raises(NotAcceptedError) as caught:
        remote.post(body)
    assert caught.value.retry_after == seconds


def test_a_service_that_is_not_there_has_not_accepted(
    service: LoopbackService, body: bytes
) -> None:
    remote = remote_of(service)
    remote.usage()
    service.stop()
    with pytest.raises(NotAcceptedError, match="refused"):
        remote.post(body)


def test_a_name_that_is_not_found_has_not_accepted(service: LoopbackService, body: bytes) -> None:
    remote = remote_of(service, url="http://nowhere.invalid/api/v1")
    with pytest.raises(NotAcceptedError, match="not submitted"):
        remote.post(body)


def test_a_network_that_is_down_has_not_accepted(
    service: LoopbackService, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = remote_of(service)
    remote.usage()  # the account is open and the token is there

    def unreachable(*_: Any) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    with pytest.raises(NotAcceptedError, match="not submitted"):
        remote.post(body)
    assert not service.jobs


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_submission_that_hangs_is_unclear_after_the_wall_clock(
    service: LoopbackService, body: bytes, when: Any, jobs: int
) -> None:
    remote = remote_of(service, timeout_seconds=3.0)
    service.rules.append(Rule(kind="hang", method="POST", path=JOBS, when=when))
    with pytest.raises(UnclearError, match="not known"):
        remote.post(body)
    assert len(service.jobs) == jobs


def test_a_submission_to_a_server_that_drips_is_unclear(
    service: LoopbackService, body: bytes
) -> None:
    with dripping() as url, pytest.raises(UnclearError, match=r"no answer in 3 s"):
        remote_of(service, url=url, timeout_seconds=3.0).post(body)


def test_a_submission_that_waits_for_its_token_is_never_sent(
    service: LoopbackService, body: bytes
) -> None:
    service.rules.append(Rule(kind="slow", seconds=1.0, path="/identity/token"))
    with pytest.raises(NotAcceptedError, match="not submitted"):
        remote_of(service, timeout_seconds=0.5).post(body)
    time.sleep(1.0)  # until the call that nobody waits for has its token
    assert sum("search" in one.path for one in service.requests) == 1
    assert service.jobs == []


def test_a_connection_that_is_not_made_in_time_has_not_accepted(
    service: LoopbackService, body: bytes
) -> None:
    """A listener whose queue is full answers no more."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        port = listener.getsockname()[1]
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        remote = remote_of(service, url=f"http://127.0.0.1:{port}", timeout_seconds=1.5)
        with pytest.raises(NotAcceptedError, match="ConnectTimeout"):
            remote.post(body)


def test_a_submission_is_not_sent_on(service: LoopbackService, body: bytes) -> None:
    """A redirect with status 307 would have the body posted again, elsewhere."""
    elsewhere = f"Location: {service.url}/jobs"
    answer = f"HTTP/1.1 307 Temporary\r\n{elsewhere}\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(answer) as url, pytest.raises(UnclearError):
        remote_of(service, url=url).post(body)
    assert service.jobs == []


def test_a_token_that_has_expired_is_renewed_for_the_next_submission(
    service: LoopbackService,
    body: bytes,
) -> None:
    remote = remote_of(service)
    remote.usage()
    service.revoke_tokens()
    with pytest.raises(NotAcceptedError, match="401"):
        remote.post(body)
    assert remote.post(body) == service.jobs[0].id


def test_a_token_that_is_never_taken_ends_in_an_account_error(
    service: LoopbackService, body: bytes
) -> None:
    remote = remote_of(service)
    service.rules.append(Rule(kind="status", status=401, method="POST", path=JOBS, times=None))
    with pytest.raises(NotAcceptedError):
        remote.post(body)
    remote.usage()
    with pytest.raises(AccountError, match="does not take the account"):
        remote.post(body)


def test_different_shots_in_a_job_are_possible_for_one_program_only(
    service: LoopbackService,
) -> None:
    one, other = (submission_of(shots=shots).circuits[0] for shots in (10, 20))
    mixed = replace(submission_of(), circuits=(one, other))
    assert remote_of(service, program="sampler").encode(mixed)
    with pytest.raises(RefusedError, match="same number of shots"):
        remote_of(service, program="executor").encode(mixed)


@pytest.mark.parametrize(
    "settings", [{"timeout_seconds": 0.0}, {"account": "mine", "channel": "ibm_cloud"}]
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="ibm:"):
        IbmSettings(**settings)


def test_a_port_that_nobody_listens_to_is_a_remote_error(service: LoopbackService) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RemoteError, match="usage"):
        remote_of(service, url=f"http://127.0.0.1:{port}").usage()
