"""The loopback service's faults: what the stock client makes of each, and what the server knows."""

import os
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.executor_sampler import Sampler
from service import LoopbackService, Rule, ServiceConfig, read_rules
from service.clients import open_client
from service.faults import choose
from service.wire import Request

pytestmark = [
    # The service serves the old program too: it is what most clients still post.
    pytest.mark.filterwarnings("ignore:The SamplerV2 class is deprecated:DeprecationWarning"),
]
POST: dict[str, Any] = {"method": "POST", "path": "/jobs$"}
POLL: dict[str, Any] = {"method": "GET", "path": "/jobs/[^/]+$"}
RESULTS: dict[str, Any] = {"method": "GET", "path": "/results$"}
PROGRAMS = {"sampler": SamplerV2, "executor": Sampler}


def make_circuit() -> QuantumCircuit:
    """Return a tiny circuit with two registers."""
    circuit = QuantumCircuit(133, 2)
    circuit.sx(5)
    circuit.measure([5, 6], [0, 1])
    return circuit


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    """One service for the file: each test has its own rules and looks at its own jobs."""
    config = ServiceConfig(devices=("torino",), overhead_seconds=1.0)
    with pytest.MonkeyPatch.context() as patch, LoopbackService(config) as running:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def backend(service: LoopbackService) -> Any:
    """The client's backend, with its target loaded."""
    backend = open_client(service).backend("ibm_torino")
    assert backend.target is not None
    return backend


@pytest.fixture(autouse=True)
def no_rules(service: LoopbackService) -> Iterator[None]:
    """Take the rules of a test away after it."""
    yield
    service.rules.clear()
    service.release()


def submit(backend: Any, program: str = "executor", tag: str = "t") -> Any:
    """Post a job of ten shots; return the client's handle."""
    sampler = PROGRAMS[program](mode=backend)
    sampler.options.environment.job_tags = [tag]
    return sampler.run([make_circuit()], shots=10)


def posts_of(service: LoopbackService, since: int) -> int:
    asked = service.requests[since:]
    return sum(line.method == "POST" and line.path.endswith("/jobs") for line in asked)


def status(code: int, when: str = "before", times: int = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": code, "when": when, "times": times, **more}


# rule, error of the client (empty: it returns normally), jobs on the server, posts
SUBMISSIONS: list[tuple[dict[str, Any], str, int, int]] = [
    *((status(code), "IBMRuntimeError", 0, 1) for code in (400, 403, 409, 422, 429, 523)),
    (status(429, retry_after=1), "IBMRuntimeError", 0, 1),
    (status(401), "IBMNotAuthorizedError", 0, 1),
    (status(404), "RuntimeProgramNotFound", 0, 1),
    *((status(code), "", 1, 2) for code in (500, 502, 503, 504, 520, 521, 522, 524)),
    (status(504, "after"), "", 2, 2),
    (status(500, "after", 2), "", 3, 3),
    ({"kind": "reset", "when": "before"}, "IBMRuntimeError", 0, 1),
    ({"kind": "reset", "when": "after"}, "IBMRuntimeError", 1, 1),
    ({"kind": "close", "when": "before"}, "IBMRuntimeError", 0, 1),
    ({"kind": "close", "when": "after"}, "IBMRuntimeError", 1, 1),
    ({"kind": "truncate"}, "IBMRuntimeError", 1, 1),
    ({"kind": "empty"}, "JSONDecodeError", 1, 1),
    ({"kind": "empty", "when": "before"}, "JSONDecodeError", 0, 1),
    ({"kind": "invalid_json"}, "JSONDecodeError", 1, 1),
    ({"kind": "drop_key", "key": "backend"}, "KeyError", 1, 1),
    ({"kind": "drop_key", "key": "id"}, "KeyError", 1, 1),
    ({"kind": "hang", "when": "before", "seconds": 0.2}, "IBMRuntimeError", 0, 1),
    ({"kind": "hang", "when": "after", "seconds": 0.2}, "IBMRuntimeError", 1, 1),
    ({"kind": "slow", "seconds": 0.2}, "", 1, 1),
    ({"kind": "token_expired", "when": "after"}, "", 1, 1),
]


@pytest.mark.parametrize("wish", SUBMISSIONS, ids=lambda wish: str([*wish[0].values(), *wish[1:]]))
def test_what_a_fault_does_to_a_submission(
    service: LoopbackService, wish: tuple[dict[str, Any], str, int, int]
) -> None:
    rule, error, jobs, posts = wish
    backend = open_client(service).backend("ibm_torino")
    known, asked = len(service.jobs), len(service.requests)
    service.rules.append(Rule(**rule, **POST))
    try:
        submit(backend)
    # The kinds of error are what this table is about.
    except Exception as caught:
        found = type(caught).__name__
    else:
        found = ""
    assert (found, len(service.jobs) - known, posts_of(service, asked)) == (error, jobs, posts)


@pytest.mark.slow
def test_five_hundred_for_ever_makes_six_jobs(service: LoopbackService, backend: Any) -> None:
    known = len(service.jobs)
    service.rules.append(Rule(kind="status", status=500, when="after", times=None, **POST))
    with pytest.raises(Exception, match="too many 500 error responses"):
        submit(backend)
    assert len(service.jobs) - known == 6


# rule, program, what `result()` gives: name of the error, or text of what is returned
FETCHES: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "results_truncated"}, "sampler", "str"),
    ({"kind": "results_truncated"}, "executor", "TypeError"),
    ({"kind": "results_empty"}, "sampler", "NoneType"),
    ({"kind": "results_empty"}, "executor", "NoneType"),
    ({"kind": "truncate"}, "sampler", "RequestsApiError"),
    ({"kind": "reset"}, "sampler", "10 shots"),
    ({"kind": "status", "status": 503}, "executor", "10 shots"),
    ({"kind": "results_shots", "count": 7}, "sampler", "7 shots"),
    ({"kind": "results_shots", "count": 7}, "executor", "7 shots"),
    ({"kind": "results_register"}, "sampler", "no registers"),
    ({"kind": "results_register", "key": "c"}, "executor", "StopIteration"),
    ({"kind": "results_register", "key": "other"}, "executor", "10 shots"),
]


@pytest.mark.parametrize(("rule", "program", "expected"), FETCHES)
def test_what_a_fault_does_to_results(
    service: LoopbackService, backend: Any, rule: dict[str, Any], program: str, expected: str
) -> None:
    job = submit(backend, program)
    service.wait(20)
    service.rules.append(Rule(**rule, **RESULTS))
    try:
        result = job.result()
    # The kinds of error are what this table is about.
    except Exception as caught:
        found = type(caught).__name__
    else:
        found = describe(result)
    assert found == expected
    assert describe(job.result()) == "10 shots"  # fetched again, it is whole


def describe(result: Any) -> str:
    if result is None or isinstance(result, str):
        return type(result).__name__
    return f"{result[0].data.c.num_shots} shots" if list(result[0].data) else "no registers"


def test_a_job_that_is_doomed_fails_with_its_reason(service: LoopbackService, backend: Any) -> None:
    service.rules.append(Rule(kind="job_failed", reason="The fridge is warm", code=6000, **POST))
    job = submit(backend)
    with pytest.raises(Exception, match="6000; The fridge is warm"):
        job.result()
    assert job.status() == "ERROR"
    assert service.jobs[-1].charged_seconds == 0


def test_a_job_can_be_cancelled_by_the_service(service: LoopbackService, backend: Any) -> None:
    service.rules.append(Rule(kind="job_cancelled", **POST))
    job = submit(backend)
    service.wait(20)
    assert job.status() == "CANCELLED"


def test_an_unknown_status_word_is_no_end(service: LoopbackService, backend: Any) -> None:
    job = submit(backend)
    service.wait(20)
    service.rules.append(Rule(kind="unknown_status", word="Pondering", **POLL))
    assert job.status() == "PONDERING"
    assert job.status() == "DONE"


def test_a_cancellation_may_be_a_lie(service: LoopbackService, backend: Any) -> None:
    service.hold()
    job = submit(backend)
    service.rules.append(
        Rule(kind="status", status=204, when="before", method="POST", path="/cancel$")
    )
    job.cancel()
    service.release()
    service.wait(20)
    assert job.status() == "CANCELLED"
    assert service.jobs[-1].word == "Completed"


def test_a_poll_that_hangs_outlives_the_clients_timeout(
    service: LoopbackService, backend: Any
) -> None:
    job = submit(backend)
    service.rules.append(Rule(kind="hang", seconds=1.2, **POLL))
    start = time.monotonic()
    assert describe(job.result(timeout=0.2)) == "10 shots"
    assert time.monotonic() - start > 1.0


def test_a_wrong_count_sends_the_client_round_again(service: LoopbackService, backend: Any) -> None:
    client = backend.service
    submit(backend, tag="counted")
    service.rules.append(
        Rule(kind="wrong_count", count=3, times=4, method="GET", path="/api/v1/jobs$")
    )
    asked = len(service.requests)
    assert len(client.jobs(limit=None, job_tags=["counted"])) == 1
    assert len(service.requests) - asked == 5


@pytest.mark.parametrize("retry_after", [None, 1])
def test_too_many_reads_are_read_again_if_told_when(
    service: LoopbackService, backend: Any, retry_after: float | None
) -> None:
    rule = Rule(kind="status", status=429, path="/usage$", when="before", retry_after=retry_after)
    service.rules.append(rule)
    if retry_after is None:
        with pytest.raises(Exception, match="429"):
            backend.service.usage()
    start = time.monotonic()
    assert backend.service.usage()["usage_consumed_seconds"] >= 0
    assert (time.monotonic() - start >= 1) == (retry_after is not None)


def test_identity_that_fails_makes_the_client_send_its_key(service: LoopbackService) -> None:
    client = open_client(service)
    client._active_api_client._session.auth.tm.expire_time = 0  # as an hour later
    service.rules.append(Rule(kind="status", status=500, when="before", path="/identity/token$"))
    with (
        pytest.warns(UserWarning, match="API Key will be used instead"),
        pytest.raises(Exception, match="Invalid credentials"),
    ):
        client.usage()


def test_a_client_that_is_killed_leaves_a_job_that_its_tag_finds(
    service: LoopbackService, backend: Any
) -> None:
    known = len(service.jobs)
    service.rules.append(Rule(kind="hang", when="after", **POST))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from qiskit import QuantumCircuit\n"
        "from qiskit_ibm_runtime import QiskitRuntimeService\n"
        "from qiskit_ibm_runtime.executor_sampler import Sampler\n"
        "client = QiskitRuntimeService(url_resolver=lambda *_, **__: sys.argv[1])\n"
        "circuit = QuantumCircuit(133, 1)\n"
        "circuit.measure(0, 0)\n"
        "sampler = Sampler(mode=client.backend('ibm_torino'))\n"
        "sampler.options.environment.job_tags = ['orphan']\n"
        "sampler.run([circuit], shots=5)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, service.url], env=dict(os.environ))
    deadline = time.monotonic() + 30
    while len(service.jobs) == known and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert len(service.jobs) == known + 1
    [found] = backend.service.jobs(job_tags=["orphan"])
    assert found.result()[0].data.c.num_shots == 5


def test_a_rule_changes_the_calibration_after_a_submission(
    service: LoopbackService, backend: Any
) -> None:
    service.hold()
    before = service.devices["ibm_torino"].calibrated_at
    service.rules.append(Rule(kind="recalibrate", factor=1.5, **POST))
    submit(backend)
    assert service.devices["ibm_torino"].calibrated_at > before


def test_a_rule_closes_a_device(service: LoopbackService, backend: Any) -> None:
    service.rules.append(Rule(kind="not_operational", when="before", path="/status$"))
    assert not backend.status().operational
    service.devices["ibm_torino"].operational = True


def test_a_rule_uses_the_instance_up(service: LoopbackService, backend: Any) -> None:
    service.rules.append(Rule(kind="usage_exhausted", when="before", path="/usage$"))
    usage = backend.service.usage()
    assert (usage["usage_limit_reached"], usage["usage_remaining_seconds"]) == (True, 0)
    for instance in service.state.accounts.instances:
        instance.limit_seconds = None


def test_a_hanging_answer_ends_when_the_service_does() -> None:
    before = set(threading.enumerate())
    running = LoopbackService(ServiceConfig(devices=("torino",))).start()
    running.rules.append(Rule(kind="hang", when="before"))
    asked = threading.Thread(target=lambda: _swallow(f"{running.url}/backends"))
    asked.start()
    while not running.requests:
        time.sleep(0.01)
    start = time.monotonic()
    running.stop()
    asked.join(10)
    assert time.monotonic() - start < 5
    assert set(threading.enumerate()) <= before


def _swallow(address: str) -> None:
    try:
        urllib.request.urlopen(address, timeout=20).close()
    except OSError:
        return


def test_rules_count_skip_and_throw_dice() -> None:
    request, dice = Request(method="GET", path="/api/v1/jobs"), random.Random(3)
    rule = Rule(kind="reset", skip=2, times=2)
    assert [choose([rule], request, dice) is rule for _ in range(6)] == [
        False, False, True, True, False, False
    ]  # fmt: skip
    likely = [Rule(kind="reset", times=None, probability=0.3)]
    acted = [choose(likely, request, random.Random(5)) is not None for _ in range(3)]
    assert len(set(acted)) == 1
    hits = sum(choose(likely, request, dice) is not None for _ in range(2000))
    assert abs(hits - 600) < 5 * (2000 * 0.3 * 0.7) ** 0.5


def test_the_first_rule_that_matches_acts() -> None:
    request, dice = Request(method="GET", path="/api/v1/jobs/d1/results"), random.Random(0)
    rules = [Rule(kind="reset", **POST), Rule(kind="empty", **RESULTS), Rule(kind="close")]
    assert choose(rules, request, dice) is rules[1]
    assert choose(rules, request, dice) is rules[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"kind": "explode"}', "there are status"),
        ('[{"kind": "reset", "wen": "after"}]', "no field"),
        ('{"path": "/jobs"}', "has no kind"),
        ('{"kind": "job_failed", "when": "before"}', "write when: after"),
        ('{"kind": "reset", "when": "during"}', "before or after"),
        ("[", "Expecting"),
    ],
)
def test_a_wrong_rule_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_rules(text)
