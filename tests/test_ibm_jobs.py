"""Jobs of IBM's service: found by tag, told in our words, fetched and cancelled."""

from collections.abc import Iterator
from typing import Any

import pytest
from fakes.ibm import remote_of, serving, submission_of
from service import LoopbackService, Rule

from hexmagic.backends.ibm.jobs import PAGE, ask_jobs, read_charge, read_job
from hexmagic.backends.remote import RemoteError, RemoteJob


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


@pytest.mark.parametrize("count", [-1, 1, 1000])
def test_a_count_that_disagrees_does_not_matter(
    service: LoopbackService, job_id: str, count: int
) -> None:
    service.rules.append(Rule(kind="wrong_count", count=count, path="jobs$", times=None))
    assert [job.id for job in remote_of(service).find("hexmagic:1")] == [job_id]


def test_only_jobs_with_exactly_the_tag_are_found_oldest_first(
    service: LoopbackService, body: bytes
) -> None:
    remote = remote_of(service)
    made = [remote.post(body) for _ in range(3)]
    assert [job.id for job in remote.find("hexmagic:1")] == made
    assert remote.find("hexmagic") == ()


class Listing:
    """A client that lists made-up jobs, and may go on for ever."""

    def __init__(self, number: int, *, endless: bool = False, tag: str = "t") -> None:
        self.jobs = [told(f"job{i:05}", tag=tag) for i in range(number)]
        self.endless, self.asked = endless, 0

    def jobs_get(self, *, limit: int, skip: int, **rest: Any) -> dict[str, Any]:
        assert rest == {"job_tags": ["t"], "descending": False}
        self.asked += 1
        start = 0 if self.endless else skip
        return {"jobs": self.jobs[start : start + limit], "count": 0}


def told(job_id: str, word: str = "Queued", tag: str = "t", **state: Any) -> dict[str, Any]:
    return {"id": job_id, "tags": [tag], "created": job_id, "state": {"status": word, **state}}


@pytest.mark.parametrize("number", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
def test_all_pages_of_a_listing_are_read(number: int) -> None:
    found = ask_jobs(Listing(number), "t")
    assert [job.id for job in found] == [f"job{i:05}" for i in range(number)]


def test_a_listing_that_repeats_itself_ends() -> None:
    listing = Listing(PAGE, endless=True)
    assert len(ask_jobs(listing, "t")) == PAGE
    assert listing.asked == 2


def test_a_listing_that_ignores_the_tag_is_filtered() -> None:
    assert ask_jobs(Listing(5, tag="t2"), "t") == ()


@pytest.mark.parametrize(
    ("word", "code", "state"),
    [
        ("Queued", None, "queued"),
        ("Running", None, "running"),
        ("Completed", None, "done"),
        ("Failed", 1517, "failed"),
        ("Cancelled", None, "cancelled"),
        ("Cancelled", 1305, "failed"),
        ("Cancelled - Ran too long", 1305, "failed"),
        ("Pending", None, "unrecognised"),
        ("Done", None, "unrecognised"),
    ],
)
def test_the_services_words_are_translated(word: str, code: int | None, state: str) -> None:
    job = read_job(told("j", word, reason_code=code, reason="because"))
    assert (job.state, job.word) == (state, word)
    assert job.reason == (f"because (code {code})" if code else "because")


def test_an_unknown_word_is_no_end_and_has_no_charge(service: LoopbackService, job_id: str) -> None:
    service.rules.append(Rule(kind="unknown_status", word="Meditating", path="jobs/[^/]+$"))
    job = remote_of(service).look(job_id)
    assert (job.state, job.word, job.charged_seconds) == ("unrecognised", "Meditating", None)
    assert not [one for one in service.requests if "metrics" in one.path]


@pytest.mark.parametrize(
    ("kind", "state"), [("job_failed", "failed"), ("job_cancelled", "cancelled")]
)
def test_a_job_that_did_not_end_well_tells_why_and_what_it_cost(
    service: LoopbackService, body: bytes, kind: Any, state: str
) -> None:
    service.rules.append(Rule(kind=kind, path="jobs$", reason="no helium", code=5))
    remote = remote_of(service)
    made = remote.post(body)
    service.wait()
    job = remote.look(made)
    assert (job.state, job.reason) == (state, "no helium (code 5)")
    assert job.charged_seconds == service.jobs[0].charged_seconds


def test_a_job_whose_metrics_are_not_to_be_had_has_no_charge_yet(
    service: LoopbackService, job_id: str
) -> None:
    service.rules.append(Rule(kind="status", status=500, path="metrics", times=None))
    job: RemoteJob = remote_of(service).look(job_id)
    assert (job.state, job.charged_seconds) == ("done", None)


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [
        ({"status": "final", "qpu_charge_time_seconds": 3}, 3.0),
        ({"status": "pending", "qpu_charge_time_seconds": 3}, None),
        ({"qpu_charge_time_seconds": 3}, None),
        ({"status": "final"}, None),
        ({}, None),
    ],
)
def test_a_charge_counts_once_it_is_settled(usage: dict[str, Any], seconds: float | None) -> None:
    assert read_charge({"usage": usage}) == seconds


def test_a_result_that_is_not_there_yet_is_an_error(service: LoopbackService, body: bytes) -> None:
    service.hold()
    remote = remote_of(service)
    made = remote.post(body)
    with pytest.raises(RemoteError, match="none yet"):
        remote.fetch(made)
    service.release()


@pytest.mark.parametrize("kind", ["results_truncated", "results_empty"])
def test_a_damaged_result_is_returned_as_it_came(
    service: LoopbackService, job_id: str, kind: Any
) -> None:
    whole = service.jobs[0].text.encode()
    service.rules.append(Rule(kind=kind, path="results"))
    got = remote_of(service).fetch(job_id)
    assert got == (b"" if kind == "results_empty" else whole[: len(whole) // 2])


def test_a_job_is_cancelled_and_one_that_is_over_stays(
    service: LoopbackService, job_id: str, body: bytes
) -> None:
    service.hold()
    remote = remote_of(service)
    waiting = remote.post(body)
    for job in (job_id, waiting):
        remote.cancel(job)
    assert [remote.look(job).state for job in (job_id, waiting)] == ["done", "cancelled"]


def test_a_job_that_the_service_does_not_know_is_an_error(service: LoopbackService) -> None:
    with pytest.raises(RemoteError, match="job nowhere: HTTP 404: Job not found"):
        remote_of(service).look("nowhere")
