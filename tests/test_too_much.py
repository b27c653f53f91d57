"""Plans that are too much for a machine are refused at once, before anything is computed."""

from pathlib import Path

import pytest
from fakes.commands import Call, make_call
from fakes.world import write_spec

from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import EmbeddingError, require_room
from hexmagic.driver import prepare
from hexmagic.driver.plan import make_plan
from hexmagic.experiments.program import make_patch
from hexmagic.experiments.spec import parse_experiment


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_thousand_million_shots_of_the_slow_engine_are_refused(
    call: Call, tmp_path: Path, verb: str
) -> None:
    write_spec(tmp_path, ("1200", "1e9"))
    result = call(verb, "tiny.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("tiny.yaml:")
    assert ": shots: 8000000 jobs of at most 500 shots; a run has at most 200000: ask for" in line
    assert not (tmp_path / "runs").exists()


def test_the_last_run_that_is_not_too_large(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_spec(tmp_path)
    monkeypatch.setattr(prepare, "MOST_JOBS", 12)  # two points, two measures, three jobs each
    assert call("check", "tiny.yaml").exit_code == 0
    monkeypatch.setattr(prepare, "MOST_JOBS", 11)
    assert call("check", "tiny.yaml").exit_code == 2


def test_a_patch_that_is_larger_than_the_device_is_refused_before_its_circuits_are_made(
    call: Call, tmp_path: Path
) -> None:
    write_spec(tmp_path, ("distance: 3, scheme: fold13", "distance: 31, scheme: fold"))
    result = call("check", "tiny.yaml")
    assert result.exit_code == 2
    assert "patch (1756 qubits) does not fit on its" in result.stderr


def test_room_is_a_matter_of_numbers() -> None:
    device = load_device("fake_boston")
    require_room(make_patch("fold", 7), device)
    with pytest.raises(EmbeddingError, match=r"\(139 qubits\) does not fit on its 19 qubits"):
        require_room(make_patch("fold", 9), load_device("heavy_hex_3"))


def test_a_thousand_points_have_labels_of_their_own() -> None:
    seeds = ", ".join(map(str, range(1_000)))
    text = "schema_version: 1\nname: many\nprotocol: {scheme: fold13, distance: 3}\n"
    text += "device: {backend: clifft, name: fake_boston, noise: none}\nshots: 1\nseed: 1\n"
    plan = make_plan(parse_experiment(text + f"sweep: {{seed: [{seeds}]}}\n", source="x.yaml"))
    assert len({point.label for point in plan.points}) == 1_000
