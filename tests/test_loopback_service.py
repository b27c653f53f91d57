"""The loopback service under the real client: listings, batches, accounts, charges, control."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit_ibm_runtime import Batch, RuntimeJobMaxTimeoutError
from qiskit_ibm_runtime.exceptions import (
    IBMInputValueError,
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobNotFound,
)
from qiskit_ibm_runtime.executor_sampler import Sampler
from service import (
    Instance,
    circuit_seconds,
    make_crn,
)
from service.clients import make_circuit, open_client, starter, submit

pytestmark = [
    # The service serves the old program too: it is what most clients still post.
    pytest.mark.filterwarnings("ignore:The SamplerV2 class is deprecated:DeprecationWarning"),
]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start services with these settings; they end with the test."""
    with starter(monkeypatch) as begin:
        yield begin


def test_a_listing_lags_behind_acceptance(start: Any) -> None:
    service = start(listing_lag_seconds=0.5, hold=True)
    client = open_client(service)
    job = submit(client, [make_circuit()], tags=("mine",))
    assert client.jobs(job_tags=["mine"]) == []
    assert client.job(job.job_id()).status() == "QUEUED"
    time.sleep(0.5)
    assert [found.job_id() for found in client.jobs(job_tags=["mine"])] == [job.job_id()]


def test_a_listing_filters_and_turns_pages(start: Any) -> None:
    service = start(hold=True)
    client = open_client(service)
    tags = [("even", f"n{i}") if i % 2 == 0 else (f"n{i}",) for i in range(5)]
    ids = [submit(client, [make_circuit()], tags=tag).job_id() for tag in tags]

    def listed(**wish: Any) -> list[str]:
        return [job.job_id() for job in client.jobs(limit=None, **wish)]

    assert listed() == ids[::-1]
    assert listed(descending=False, skip=1) == ids[1:]
    assert listed(job_tags=["even", "n2"]) == [ids[2]]
    assert [job.job_id() for job in client.jobs(limit=2, skip=1)] == ids[3:1:-1]
    middle = service.jobs[2].created
    assert listed(created_after=middle) == ids[:1:-1]
    assert listed(created_before=middle + timedelta(microseconds=1)) == ids[2::-1]
    assert listed(pending=False) == []


def test_an_instance_does_not_see_anothers_jobs(start: Any) -> None:
    service = start(hold=True)
    mine = open_client(service)
    other = open_client(service, instance="loopback-paid")
    job = submit(mine, [make_circuit()])
    assert other.jobs() == []
    with pytest.raises(RuntimeJobNotFound):
        other.job(job.job_id())
    assert len(mine.jobs()) == 1


def test_a_batch_takes_jobs_until_it_is_closed(start: Any) -> None:
    service = start()
    client = open_client(service)
    with Batch(backend=client.backend("ibm_torino")) as batch:
        job = submit(client, [make_circuit()], mode=batch)
        job.result(poll_interval=0.1)
        assert batch.status() == "In progress, accepting new jobs"
    assert job.session_id == batch.session_id == service.jobs[0].session
    details = batch.details()
    assert (details["mode"], details["state"]) == ("batch", "closed")
    assert details["usage_time"] == service.jobs[0].charged_seconds
    again = Batch(backend=client.backend("ibm_torino"), create_new=False)
    again._session_id = batch.session_id  # the client refuses by itself; ask the service
    with pytest.raises(IBMRuntimeError, match="Session has been closed"):
        submit(client, [make_circuit()], mode=again)
    assert len(service.jobs) == 1


def test_cancelling_a_batch_cancels_what_waits(start: Any) -> None:
    client = open_client(start(hold=True))
    batch = Batch(backend=client.backend("ibm_torino"))
    jobs = [submit(client, [make_circuit()], mode=batch) for _ in range(2)]
    batch.cancel()
    assert [job.status() for job in jobs] == ["CANCELLED"] * 2


def test_a_queued_job_can_be_cancelled_and_a_finished_one_cannot(start: Any) -> None:
    service = start(hold=True)
    client = open_client(service)
    waiting, other = (submit(client, [make_circuit()]) for _ in range(2))
    waiting.cancel()
    service.release()
    other.result(poll_interval=0.1)
    assert [job.word for job in service.jobs] == ["Cancelled", "Completed"]
    assert service.jobs[0].charged_seconds == 0
    with pytest.raises(RuntimeInvalidStateError):
        other.cancel()


def test_one_held_job_can_be_released(start: Any) -> None:
    service = start(hold=True)
    client = open_client(service)
    first, second = (submit(client, [make_circuit()]) for _ in range(2))
    service.release(second.job_id())
    second.result(timeout=20)
    assert first.status() == "QUEUED"


def test_a_job_waits_as_long_as_the_queue_says(start: Any) -> None:
    service = start(queue_seconds=0.4)
    job = submit(open_client(service), [make_circuit()])
    assert job.status() == "QUEUED"
    job.result(poll_interval=0.1)
    assert service.jobs[0].started - service.jobs[0].created >= timedelta(seconds=0.4)


def test_charges_are_shots_times_their_duration_and_add_up(start: Any) -> None:
    service = start()
    client, circuit = open_client(service), make_circuit()
    jobs = [submit(client, [circuit] * n, shots=100) for n in (1, 2)]
    charges = [
        job.result(poll_interval=0.1) and job.metrics()["usage"]["quantum_seconds"] for job in jobs
    ]
    each = 100 * (circuit_seconds(circuit, service.devices["ibm_torino"]) + 250e-6)
    assert charges == pytest.approx([1 + each, 1 + 2 * each], abs=2e-6)
    assert [job.usage() for job in jobs] == charges
    assert client.usage()["usage_consumed_seconds"] == pytest.approx(sum(charges))
    stamps = jobs[0].metrics()["timestamps"]
    assert stamps["created"] <= stamps["running"] <= stamps["finished"]


def test_delays_and_repetition_delay_are_charged(start: Any) -> None:
    service = start()
    sampler = Sampler(mode=open_client(service).backend("ibm_torino"))
    circuit = QuantumCircuit(133, 1)
    circuit.delay(1_000_000, 0)  # 4 ms
    circuit.measure(0, 0)
    for delay in (0.0, 0.0004):
        sampler.options.execution.rep_delay = delay
        sampler.run([circuit], shots=1000).result(poll_interval=0.1)
    charges = [job.charged_seconds for job in service.jobs]
    assert charges[1] - charges[0] == pytest.approx(0.4, abs=1e-5)
    assert charges[0] == pytest.approx(5.0, abs=0.01)


def test_a_job_that_would_run_too_long_is_stopped_and_charged_its_limit(start: Any) -> None:
    service = start()
    job = submit(open_client(service), [make_circuit()], shots=50_000, max_seconds=3)
    with pytest.raises(RuntimeJobMaxTimeoutError, match="maximum execution time"):
        job.result(poll_interval=0.1)
    assert service.jobs[0].charged_seconds == 3
    assert job.status() == "ERROR"


def test_no_job_runs_longer_than_three_hours(start: Any) -> None:
    service, circuit = start(), QuantumCircuit(133, 1)
    circuit.delay(30_000_000, 0)  # 0.12 s
    circuit.measure(0, 0)
    job = submit(open_client(service), [circuit], shots=100_000)
    with pytest.raises(RuntimeJobMaxTimeoutError, match="10800 seconds"):
        job.result(poll_interval=0.1)
    assert service.jobs[0].charged_seconds == 10800


@pytest.mark.parametrize(
    ("circuit", "shots", "said"),
    [
        (lambda c: c.cz(0, 2), 10, "cz on qubits"),
        (lambda c: c.h(0), 10, "h on qubits"),
        (lambda c: c.x(0), 100_001, "100001 shots"),
    ],
)
def test_what_the_device_cannot_do_fails(start: Any, circuit: Any, shots: int, said: str) -> None:
    wrong = QuantumCircuit(133, 1)
    circuit(wrong)
    wrong.measure(0, 0)
    job = submit(open_client(start()), [wrong], shots=shots)
    with pytest.raises(RuntimeJobFailureError, match=said):
        job.result(poll_interval=0.1)


def test_too_many_posts_in_a_minute_are_refused(start: Any) -> None:
    service = start(posts_per_minute=2)
    client = open_client(service)
    for _ in range(2):
        submit(client, [make_circuit()])
    with pytest.raises(IBMRuntimeError, match="429"):
        submit(client, [make_circuit()])
    assert len(service.jobs) == 2


def test_a_wrong_key_is_refused(start: Any) -> None:
    with pytest.raises(Exception, match="valid API token"):
        open_client(start(), token="somebody-elses")


def test_a_token_ends_with_its_lifetime_and_the_client_fetches_another(start: Any) -> None:
    service = start(token_seconds=1)
    client = open_client(service)
    time.sleep(1.2)
    assert client.usage()["usage_consumed_seconds"] == 0
    tokens = [line for line in service.requests if line.path.endswith("/identity/token")]
    assert len(tokens) > 2


def test_a_revoked_token_is_refused(start: Any) -> None:
    service = start()
    client = open_client(service)
    service.revoke_tokens()
    with pytest.raises(Exception, match="Invalid credentials"):
        client.usage()


def test_instances_are_found_by_name_and_must_exist(start: Any) -> None:
    crn = make_crn(7)
    service = start(instances=(Instance(crn=crn, name="mine", limit_seconds=600.0),))
    client = open_client(service, instance="mine")
    assert client.active_instance() == crn
    assert client.usage()["usage_remaining_seconds"] == 600
    with pytest.raises(IBMInputValueError):
        open_client(service, instance=make_crn(8))


def test_without_usage_left_jobs_wait(start: Any) -> None:
    crn = make_crn(7)
    instance = Instance(crn=crn, name="mine", limit_seconds=600.0, consumed_seconds=600.0)
    service = start(instances=(instance,))
    client = open_client(service)
    with pytest.warns(UserWarning, match="usage limit"):
        job = submit(client, [make_circuit()])
    time.sleep(0.1)
    assert job.status() == "QUEUED"


def test_a_device_that_is_closed_lets_jobs_wait(start: Any) -> None:
    service = start()
    client, device = open_client(service), service.devices["ibm_torino"]
    device.operational, device.message, device.extra_queue = False, "maintenance", 3
    job = submit(client, [make_circuit()])
    status = client.backend("ibm_torino").status()
    assert (status.operational, status.status_msg) == (False, "maintenance")
    assert status.pending_jobs == 4
    time.sleep(0.1)
    assert job.status() == "QUEUED"
    device.operational = True
    job.result(timeout=20)


def test_a_calibration_between_submission_and_run_is_the_one_that_counts(start: Any) -> None:
    service = start(hold=True)
    client = open_client(service)
    job = submit(client, [make_circuit()])
    backend = client.backend("ibm_torino")
    before = backend.properties()
    service.recalibrate("ibm_torino", 2.0)
    service.release()
    job.result(poll_interval=0.1)
    after = backend.properties(refresh=True)
    assert after.t1(0) == pytest.approx(before.t1(0) / 2)
    assert after.gate_error("sx", 0) == pytest.approx(2 * before.gate_error("sx", 0))
    assert after.last_update_date > before.last_update_date
    assert service.jobs[0].calibrated_at == service.devices["ibm_torino"].calibrated_at
    old = backend.properties(datetime=datetime(2026, 1, 1, tzinfo=UTC))
    assert old.t1(0) == pytest.approx(before.t1(0))


def test_stopping_leaves_no_thread_behind(start: Any) -> None:
    before = set(threading.enumerate())
    service = start(hold=True)
    submit(open_client(service), [make_circuit()])
    service.stop()
    assert set(threading.enumerate()) <= before


def ask(address: str, body: Any = None) -> Any:
    """Post `body` as JSON, or get without one; return the decoded answer."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address, data), timeout=10) as answer:
        return json.load(answer)


def test_the_service_is_controlled_over_http(start: Any) -> None:
    service = start(hold=True)
    submit(open_client(service), [make_circuit()], tags=("seen",))
    desk = f"{service.root}/_control"
    assert ask(f"{desk}/jobs")[0]["tags"] == ["seen"]
    ask(f"{desk}/release", {})
    service.wait(20)
    assert ask(f"{desk}/jobs")[0]["seeds"] == service.jobs[0].seeds
    assert ask(f"{desk}/rules", {"kind": "reset", "path": "/jobs$"})[0]["times"] == 1
    assert ask(f"{desk}/recalibrate", {"device": "ibm_torino"})["calibrated_at"] > "2026"
    assert ask(f"{desk}/device", {"device": "ibm_torino", "max_shots": 5})["max_shots"] == 5
    assert service.devices["ibm_torino"].max_shots == 5
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(f"{desk}/rules", {"kind": "reset", "spelling": "wrong"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_line_says_what_to_set_and_ends_on_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.service", "--port", "0", "--devices", "torino"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        lines = [process.stdout.readline() for _ in range(13)]
        root = address.removesuffix("/api/v1")
        assert f"export IAM_URL={root}/iam\n" in lines
        assert f'# url = "{address}"\n' in lines
        assert ask(f"{root}/_control/jobs") == []
        process.send_signal(number)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
