"""Bad input on the command line: exit 2, one line with its place, nothing written."""

import json
from pathlib import Path

import pytest
from fakes.commands import Call, make_call, one_line

MALFORMED = Path(__file__).parent / "malformed"
EXPECTED = json.loads((MALFORMED / "expectations.json").read_text())
DEMO = (Path(__file__).parent.parent / "experiments" / "steane_h.yaml").read_text()


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_malformed_file_ends_with_2_and_leaves_nothing(
    call: Call, tmp_path: Path, name: str
) -> None:
    result = call("run", str(MALFORMED / name))
    assert result.exit_code == 2
    line = one_line(result)
    place = EXPECTED[name]["line"]
    assert f"{name}:{place}:" in line if place else name in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("name: fake_boston", "name: fake_bostn", "name", "did you mean fake_boston"),
        ("name: fake_boston", "name: fake_lagos", "name", "does not fit"),
        ("name: fake_boston", "name: fake_nighthawk", "name", "not heavy-hex"),
        ("name: fake_boston", "name: heavy_hex_9", "noise", "no calibration"),
        (
            "embedding: best",
            "embedding: [0, 1, 2]",
            "embedding",
            "3 qubits, the fold14 patch has 14",
        ),
    ],
)
def test_a_device_that_cannot_be_used_is_named_with_its_line(
    call: Call, tmp_path: Path, old: str, new: str, field: str, said: str
) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text(DEMO.replace(old, new, 1))
    result = call("run", str(spec))
    assert result.exit_code == 2
    lines = spec.read_text().splitlines()
    device = lines.index("device:")
    line = next(i for i in range(device, len(lines)) if lines[i].startswith(f"  {field}:")) + 1
    assert f"mine.yaml:{line}: device.{field}: " in one_line(result)
    assert said in one_line(result)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("path", [".", "no-such-file.yaml"])
def test_a_directory_or_a_missing_file_is_no_experiment(
    call: Call, tmp_path: Path, path: str
) -> None:
    result = call("run", str(tmp_path / path))
    assert result.exit_code == 2
    assert one_line(result)
    assert not (tmp_path / "runs").exists()


def test_more_qubits_than_the_engine_holds_are_refused_with_3(call: Call, tmp_path: Path) -> None:
    spec = Path(__file__).parent.parent / "experiments" / "ideal_d5.yaml"
    result = call("run", str(spec))
    assert result.exit_code == 3
    assert "40 qubits" in one_line(result)
    assert not (tmp_path / "runs").exists()
