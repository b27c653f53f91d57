"""Many submissions under a random mix of all faults: the server sees each of them once.

Every fault is drawn by the service's dice for each request. The world ticks until nothing is open;
what was parked is sent again by a person's word, as often as needed. The counts are printed
(`pytest -s`) and stand in the JUnit report.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fakes.loopback import SHOTS, SPEC, World, open_place
from service import Rule

from hexmagic.driver.hardware_run import plan_again
from hexmagic.driver.provenance import PROVENANCE
from hexmagic.driver.tick_report import FAILED, REFUSED, WAITING

MAX_SHOTS = 64
"""Of the machine: more jobs, and a canary just fits."""

WAIT_SECONDS = 1000.0
"""How long a job is looked for; of the world's clock, which we advance."""

LONGEST_LAG = 0.95
"""Of that: the ticks themselves take time too."""

NEVER = 1e9

POST: dict[str, Any] = {"method": "POST", "path": "/jobs$", "times": None}
LIST: dict[str, Any] = {"method": "GET", "path": "/jobs$", "times": None}
LOOK: dict[str, Any] = {"method": "GET", "path": "/jobs/[^/]+$", "times": None}
RESULTS: dict[str, Any] = {"method": "GET", "path": "/results$", "times": None}
ASKED: dict[str, Any] = {"method": "GET", "path": "/api/v1/", "times": None}
OPENED: dict[str, Any] = {"path": "/sessions", "times": None}

CODES = (500, 502, 503, 504, 520, 521, 522, 523, 524)


def all_faults() -> list[Rule]:
    """Return rules for everything that may go wrong with a job that runs, each rarely.

    Of the submissions a good third fails, half of those after they were accepted.
    """
    before = [Rule(kind="status", status=code, when="before", **POST) for code in CODES]
    before += [Rule(kind=kind, when="before", **POST) for kind in ("reset", "close", "empty")]
    refused = [
        Rule(kind="status", status=429, when="before", retry_after=wish, **POST)
        for wish in (None, 1.0)
    ]
    lost = [Rule(kind="status", status=code, when="after", **POST) for code in CODES]
    for kind in ("reset", "close", "truncate", "empty", "invalid_json"):
        lost += [Rule(kind=kind, **kinds) for kinds in (POST, LIST, LOOK, RESULTS, OPENED)]
    lost += [Rule(kind="drop_key", key=key, **POST) for key in ("id", "backend")]
    damaged = [
        Rule(kind="results_truncated", **RESULTS),
        Rule(kind="results_empty", **RESULTS),
        Rule(kind="results_shots", count=0, **RESULTS),
        Rule(kind="results_shots", count=7, **RESULTS),
        Rule(kind="results_register", **RESULTS),
    ]
    told = [Rule(kind="wrong_count", count=count, **LIST) for count in (-1, 5)] + [
        Rule(kind="unknown_status", **LOOK),
        Rule(kind="status", status=503, when="before", **ASKED),
        Rule(kind="slow", seconds=0.02, **ASKED),
        Rule(kind="token_expired", when="before", **POST),
        Rule(kind="token_expired", when="after", **ASKED),
        Rule(kind="recalibrate", **POST),
        Rule(kind="not_operational", **ASKED),
    ]
    rare = {"token_expired": 0.01, "recalibrate": 0.005, "not_operational": 0.002}
    rules = [*before, *refused, *refused, *lost, *damaged, *told]
    rules = [replace(rule, probability=rare.get(rule.kind, 0.02)) for rule in rules]
    hung = [Rule(kind="hang", **{**what, "times": 1, "skip": 100}) for what in (POST, LIST, LOOK)]
    return [*hung, *rules]


@contextmanager
def many(path: Path, jobs: int, **settings: Any) -> Iterator[World]:
    """Yield a world whose run has so many jobs."""
    spec = SPEC.replace(f"shots: {SHOTS}", f"shots: {jobs * MAX_SHOTS}")
    with open_place(path, spec=spec, fault_seed=jobs, overhead_seconds=0.5) as place:
        for device in place.service.devices.values():
            device.max_shots = MAX_SHOTS
        yield place.world(path / "runs", **settings)


@dataclass
class Weather:
    """What happens between two ticks, and how many there were."""

    world: World
    between: Callable[[], object]
    ticks: int = 0
    words: int = 0

    def tick_to_the_end(self, most: int = 2000) -> None:
        """Tick, saying the word whenever only parked jobs are left, until the run is done."""
        state = ""
        while state not in ("done", "failed"):
            assert self.ticks < most, (Counter(self.world.states()), self.world.events()[-5:])
            parked = state == "parked" and "parked" in self.world.states()
            self.words += parked
            step = self.world.tick(resubmit=parked)
            state = step.state
            expected = {"done": 0, "waiting": WAITING}.get(state, FAILED)
            if step.exit_code == REFUSED:  # two submissions in a row whose token had expired
                assert "the token is not valid" in step.waits[-1], step
                expected = REFUSED
            assert step.exit_code == expected, step
            self.ticks += 1
            self.between()


def counts(world: World, jobs: int) -> dict[str, int]:
    """Return what became of the submissions, from the server's records and the ledger's."""
    tags = world.tags()
    steps = Counter((event.from_state, event.to_state) for event in world.events())
    return {
        "submissions": jobs,
        "posts": world.posts(),
        "jobs on the server": len(world.service.jobs),
        "doubled": sum(number > 1 for number in tags.values()),
        "lost": len(world.service.jobs) - sum(remote.kept for remote in world.remotes()),
        "adopted": steps["unknown", "submitted"] + steps["parked", "submitted"],
        "parked": steps["unknown", "parked"],
        "sent again by a word": steps["parked", "planned"],
        "not accepted": steps["unknown", "planned"],
        "damaged results": sum(remote.fetches for remote in world.remotes()),
    }


def assert_each_once(world: World, found: dict[str, int], accepted: int) -> None:
    """Check that the server has each submission once, and that ours are all of its jobs."""
    assert (found["doubled"], found["lost"]) == (0, 0)
    assert found["jobs on the server"] == len(world.tags()) == accepted
    assert {job.id for job in world.service.jobs} == {r.remote_id for r in world.remotes()}
    assert not [job for job in world.service.jobs if "by the user" in job.reason]
    told = world.folder.read_json(PROVENANCE)
    charged = sum(job.charged_seconds for job in world.service.jobs)
    assert told["seconds_charged"] == pytest.approx(charged) and told["charges_open"] == 0


def fuzz(
    path: Path, jobs: int, record: Callable[[str, object], None], *, lagging: bool = False
) -> None:
    """Bring a run of so many jobs through the weather and check what became of each."""
    begun = time.monotonic()
    with many(path, jobs, timeout_seconds=3.0, listing_wait_seconds=WAIT_SECONDS) as world:
        assert len(world.folder.shards) == jobs
        world.inject(*all_faults())
        between = Laggard(world) if lagging else lambda: calm(world, WAIT_SECONDS / 4)
        weather = Weather(world, between)
        weather.tick_to_the_end()
        found = counts(world, jobs)
        assert set(world.states()) == {"done"}
        assert_each_once(world, found, jobs)
    found |= {"ticks": weather.ticks, "words": weather.words}
    print({**found, "seconds": round(time.monotonic() - begun)})
    for name, number in found.items():
        record(name, number)


def calm(world: World, seconds: float = 60.0) -> None:
    """Let time pass and the machine be repaired."""
    world.clock.advance(seconds)
    world.device.operational = True


class Laggard:
    """Lists no job before a time of its own has passed, up to the wait of the settings."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = random.Random(5)
        self.due: dict[str, float] = {}
        world.lag(NEVER)

    def __call__(self) -> None:
        """Let a quarter of the wait pass and list what is due."""
        wait, jobs = self.world.ticker.site.ibm.listing_wait_seconds, self.world.service.jobs
        for job in jobs:
            lag = self.dice.uniform(0, LONGEST_LAG * wait)
            self.due.setdefault(job.id, self._now() + lag)
        calm(self.world, wait / 4)
        listed = [job for job in jobs if self.due[job.id] < self._now()]
        for job in listed:
            job.accepted = -NEVER

    def _now(self) -> float:
        return self.world.clock.ahead.total_seconds()


def test_40_submissions_under_all_faults_are_on_the_server_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    fuzz(tmp_path, 40, record_property)


def test_20_submissions_are_not_doubled_where_the_listing_lags(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    fuzz(tmp_path, 20, record_property, lagging=True)


def test_jobs_that_fail_there_too_are_tried_again_under_a_tag_of_their_own(tmp_path: Path) -> None:
    with many(tmp_path, 12, timeout_seconds=3.0) as world:
        ends = [
            Rule(kind=kind, probability=0.2, **POST) for kind in ("job_failed", "job_cancelled")
        ]
        world.inject(*ends, *all_faults())
        weather = Weather(world, lambda: calm(world))
        weather.tick_to_the_end()
        while set(world.states()) != {"done"}:
            plan_again(world.folder, world.ticker.services)
            weather.tick_to_the_end()
        ended = Counter(job.word for job in world.service.jobs)
        assert ended["Completed"] == 12 and ended["Failed"] and ended["Cancelled"]
        assert Counter(row.state for row in world.rows()) == {
            "done": 12,
            "failed": ended["Failed"],
            "cancelled": ended["Cancelled"],
        }
        assert_each_once(world, counts(world, 12), ended.total())


@pytest.mark.slow
def test_200_submissions_under_all_faults_are_on_the_server_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    fuzz(tmp_path, 200, record_property)


@pytest.mark.slow
def test_200_submissions_are_not_doubled_where_the_listing_lags(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    fuzz(tmp_path, 200, record_property, lagging=True)
