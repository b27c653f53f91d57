"""A run on paid hardware, step by step, on a service that does what the test says."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.hardware import World, make_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_a_run_is_submitted_left_and_collected(world: World) -> None:
    folder = world.start()
    assert world.states() == ["submitted"] * 3
    world.tick(code=75)
    world.remote.end()
    world.tick(code=0)
    assert world.states() == ["done"] * 3
    assert world.state() == "done"
    assert (folder.path / "report.html").is_file()
