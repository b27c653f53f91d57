"""Run folders that were renamed, doubled or damaged, and what a person said that only they know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fakes.hardware import (
    ONE,
    TWO,
    World,
    bring_the_ledger_back,
    keep_the_ledger,
    make_world,
    submitted,
    words,
)

from hexmagic.backends.remote import NotAcceptedError, RemoteError, UnclearError

DOWN = RemoteError("HTTP 503: down")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_two_renamed_folders_of_a_run_are_told_and_nothing_is_sent(world: World) -> None:
    world.remote.fail("open_batch", DOWN)
    folder = world.start(text=ONE).path
    shutil.copytree(folder, world.runs / "b")
    folder.rename(world.runs / "a")
    output = " ".join(world.tick(code=4).stdout.split())
    assert f"runs/a and runs/b are both run {folder.name}: move one of them away" in output
    assert world.remote.count("post") == 0
    shutil.rmtree(world.runs / "b")
    world.tick(code=75)
    assert world.states() == ["submitted"]


def test_beside_two_folders_of_a_submitted_run_no_other_submits(world: World) -> None:
    folder = world.start(text=ONE, name="x").path
    shutil.copytree(folder, world.runs / "b")
    folder.rename(world.runs / "a")
    result = world.call("run", world.spec(text=ONE, name="y"), "--no-wait")
    assert (result.exit_code, world.remote.count("post")) == (4, 1)
    assert "move one of them away" in result.output


def test_two_copies_of_a_run_that_has_ended_are_in_nobodys_way(world: World) -> None:
    folder = world.start(text=ONE, name="x").path
    world.remote.end()
    world.tick(code=0)
    other = world.path / "other"
    for name in ("a", "b"):
        shutil.copytree(folder, other / name)
    assert (
        world.call("run", world.spec(text=ONE, name="y"), "--no-wait", "--runs", other).exit_code
        == 0
    )
    assert world.tick("--runs", "other", code=75).stdout.startswith("y-")


@pytest.mark.parametrize("sent", [True, False])
def test_a_cancelled_run_stays_cancelled_with_an_older_ledger(world: World, sent: bool) -> None:
    if not sent:
        world.remote.fail("open_batch", DOWN)
    world.site("[ibm]\nposts_per_minute = 1\n")
    world.start(text=TWO)
    keep_the_ledger(world)
    world.call("cancel", "latest")
    bring_the_ledger_back(world)
    world.clock.advance(200)
    world.tick(code=0)
    assert (world.state(), world.states()) == ("cancelled", ["cancelled", "cancelled"])
    assert world.remote.count("post") == int(sent)


def test_a_cancelled_run_that_was_resumed_goes_on(world: World) -> None:
    world.remote.fail("open_batch", DOWN)
    world.start(text=ONE)
    world.call("cancel", "latest")
    world.remote.fail("open_batch", DOWN)
    world.call("run", "--resume", "latest", "--no-wait")
    world.tick(code=75)
    assert world.states() == ["cancelled", "submitted"]


def test_a_run_without_its_plan_is_told_and_can_be_given_up(world: World) -> None:
    folder = world.start(text=ONE).path
    (folder / "plan.json").unlink()
    assert "its folder, or plan.json in it, is gone" in " ".join(world.tick(code=4).stdout.split())
    assert world.call("cancel", folder.name).exit_code == 0
    assert words(world) == ["cancelled"]


def test_beside_a_submitted_run_without_a_plan_an_older_ledger_submits_nothing(
    world: World,
) -> None:
    world.start(text=ONE, name="x")
    keep_the_ledger(world)
    folder = world.start(text=ONE, name="y").path
    (folder / "plan.json").unlink()
    bring_the_ledger_back(world)
    result = world.call("run", world.spec(text=ONE, name="z"), "--no-wait")
    assert (result.exit_code, world.remote.count("post")) == (4, 2)
    assert f"{folder.name} was submitted and the ledger does not have it" in result.output


def test_a_run_that_was_resumed_and_cancelled_since_is_cancelled_again(world: World) -> None:
    world.start(text=ONE)
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)
    keep_the_ledger(world)
    world.call("run", "--resume", "latest", "--no-wait")
    world.remote.fail("cancel", DOWN)
    world.call("cancel", "latest")
    bring_the_ledger_back(world)
    world.tick()
    world.tick(code=0)
    assert (world.state(), words(world)) == ("cancelled", ["failed", "cancelled"])


@pytest.mark.parametrize("damage", ["", "{}"])
def test_a_run_whose_folder_does_not_say_how_it_stands_submits_nothing(
    world: World, damage: str
) -> None:
    world.remote.fail("open_batch", DOWN)
    folder = world.start(text=ONE).path
    good = (folder / "provenance.json").read_text()
    (folder / "provenance.json").write_text(damage)
    world.tick()
    assert world.remote.count("post") == 0
    assert world.call("run", world.spec(text=ONE, name="y"), "--no-wait").exit_code == 0
    assert world.remote.count("post") == 1
    (folder / "provenance.json").write_text(good)
    world.tick(code=75)
    assert world.states(folder.name) == ["submitted"]


def test_a_run_without_its_plan_is_given_up_with_what_an_older_ledger_lacks(world: World) -> None:
    world.remote.listing_lag = 1000
    world.remote.fail("open_batch", DOWN)
    folder = world.start(text=ONE).path
    keep_the_ledger(world)
    world.tick(code=75)
    (folder / "plan.json").unlink()
    bring_the_ledger_back(world)
    world.call("cancel", folder.name)
    assert words(world) == ["cancelled"]


@pytest.mark.parametrize("command", [["run", "--resume", "copy", "--no-wait"], ["cancel", "copy"]])
def test_a_copy_beside_its_original_is_not_gone_on_with(world: World, command: list[str]) -> None:
    folder = world.start(text=ONE).path
    shutil.copytree(folder, world.runs / "copy")
    world.call("cancel", folder.name)
    result = world.call(*command)
    assert (result.exit_code, world.state()) == (3, "cancelled")
    assert f"runs/copy: a copy of runs/{folder.name}; name that one instead" in result.output


def test_beside_a_newer_folder_of_itself_a_run_sends_nothing(world: World) -> None:
    world.remote.listing_lag = 1000
    world.remote.fail("open_batch", DOWN)
    folder = world.start(text=ONE).path
    keep_the_ledger(world)
    shutil.copytree(folder, world.path / "kept")
    world.tick(code=75)
    folder.rename(world.runs / "damaged")
    (world.path / "kept").rename(folder)
    bring_the_ledger_back(world)
    output = " ".join(world.tick(code=4).stdout.split())
    assert "put damaged in its place, else move damaged away" in output
    assert world.remote.count("post") == 1
    shutil.rmtree(folder)
    (world.runs / "damaged").rename(folder)
    world.tick(code=75)
    assert (world.states(), world.remote.count("post")) == (["submitted"], 1)


def test_a_folder_of_another_directory_cancels_nothing_here(world: World) -> None:
    world.remote.fail("open_batch", DOWN)
    folder = world.start(text=ONE).path
    shutil.copytree(folder, world.path / "other" / folder.name)
    world.tick(code=75)
    document = json.loads((folder / "submitted.json").read_text())
    (one,) = document["submissions"].values()
    document["submissions"] = {"hexmagic:another": one | {"id": "job-9"}}
    text = json.dumps(document)
    (world.path / "other" / folder.name / "submitted.json").write_text(text)
    shutil.copytree(world.path / "other" / folder.name, world.runs / "theirs")
    world.tick(code=4)
    assert words(world) == ["queued"]
    shutil.rmtree(world.runs / "theirs")
    world.remote.end()
    world.tick(code=0)
    assert world.state() == "done"


def test_a_folder_from_a_time_when_it_was_cancelled_cancels_no_later_attempt(
    world: World,
) -> None:
    folder = world.start(text=ONE).path
    world.call("cancel", "latest")
    shutil.copy(folder / "provenance.json", world.path / "kept")
    world.call("run", "--resume", "latest", "--no-wait")
    shutil.copy(world.path / "kept", folder / "provenance.json")
    world.tick(code=75)
    assert words(world) == ["cancelled", "queued"]


def test_of_two_folders_neither_is_gone_on_with_by_a_ledger_to_which_it_is_open(
    world: World,
) -> None:
    world.remote.fail("open_batch", DOWN)
    folder = world.start(text=ONE).path
    keep_the_ledger(world)
    world.call("cancel", "latest")
    shutil.copytree(folder, world.runs / "b")
    folder.rename(world.runs / "a")
    bring_the_ledger_back(world)
    assert "move one of them away" in " ".join(world.tick(code=4).stdout.split())
    assert world.remote.count("post") == 0


def test_the_id_of_a_job_that_was_found_by_its_tag_is_noted(world: World) -> None:
    world.remote.fail("post", UnclearError("lost"), after=True)
    world.start(text=ONE)
    world.tick(code=75)
    assert [one["id"] for one in entries(world)] == ["job-1"]


def test_what_was_not_sent_after_all_is_noted_as_it_was_before(world: World) -> None:
    world.remote.fail("post", UnclearError("lost"))
    world.start(text=ONE)
    world.clock.advance(121)
    for _ in range(3):
        world.tick()
    world.remote.fail("post", NotAcceptedError("no connection", sent=False))
    before = entries(world)
    world.tick("--resubmit", "latest", code=75)
    assert entries(world) == before
    with world.ledger() as ledger:
        (asked,) = ledger.submissions(world.run_ids()[-1])
    assert [(one["intended"], one["unclear"]) for one in before] == [
        (asked.intended, asked.unclear)
    ]


def entries(world: World) -> list[dict[str, object]]:
    """Return what the newest run's folder says of its submissions."""
    found: dict[str, dict[str, object]] = json.loads(json.dumps(submitted(world)["submissions"]))
    return list(found.values())
