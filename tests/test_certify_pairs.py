"""`hexmagic certify --order 2`: text, JSON, exit codes, and progress on standard error alone."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from fakes.commands import Call, make_call
from fakes.world import write_spec

from hexmagic.driver import progress
from hexmagic.driver.progress import share_progress


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    write_spec(tmp_path, ("[X, Z]", "[Z]"))
    return make_call(tmp_path, monkeypatch)


def test_all_pairs_as_text_fit_80_columns_and_defeat_distance_3(call: Call) -> None:
    result = call("certify", "tiny.yaml", "--order", "2", "--budget-seconds", "1e6")
    assert result.exit_code == 5
    *_, line = result.stderr.splitlines()  # on a busy machine behind lines of progress
    assert line.startswith("tiny.yaml: the detection certificate fails: ")
    assert line.endswith(" pairs get through")
    assert max(map(len, result.stdout.splitlines())) <= 80
    text = " ".join(result.stdout.split())
    assert "pairs of faults: all of " in text
    assert "upper limit" not in text
    assert "detection, fault 1 of 2: " in text and "detection, fault 2 of 2: " in text


@pytest.mark.parametrize("kind", ["detection", "correction"])
def test_order_1_of_the_same_circuit_passes(call: Call, kind: str) -> None:
    result = call("certify", "tiny.yaml", "--order", "1", "--kind", kind)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "pairs" not in result.stdout


def test_all_pairs_as_json(call: Call) -> None:
    words = ("certify", "tiny.yaml", "--order", "2", "--budget-seconds", "1e6", "--format", "json")
    first, second = call(*words), call(*words)
    assert first.stdout == second.stdout  # kept, the seconds too
    document = json.loads(first.stdout)
    (circuit,) = document["circuits"]
    pairs = circuit["pairs"]
    assert circuit["order"] == 1 and pairs["order"] == 2
    assert pairs["exhaustive"] is True
    assert pairs["judged"] == pairs["pairs"] > 1e6
    assert pairs["faults"] == circuit["faults"]
    assert 0 < pairs["detection_failures"] < pairs["correction_failures"] < pairs["accepted"]
    assert 0 < pairs["detection_weight"] <= pairs["detection_failures"]
    assert pairs["detection_limit"] is pairs["correction_limit"] is None
    kinds = [found["certificate"] for found in pairs["counterexamples"]]
    assert set(kinds) == {"detection", "correction"}
    for found in pairs["counterexamples"]:
        one, two = found["faults"]
        assert (one["instruction"], one["qubits"]) != (two["instruction"], two["qubits"])
    assert f"0 single faults and {pairs['detection_failures']} pairs get" in first.stderr


def test_drawn_pairs_state_their_number_and_an_upper_limit(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEXMAGIC_CACHE", str(tmp_path / "cache"))  # all pairs may be kept already
    words = ("certify", "tiny.yaml", "--order", "2", "--budget-seconds", "1e-6")
    text = " ".join(call(*words).stdout.split())
    (circuit,) = json.loads(call(*words, "--format", "json").stdout)["circuits"]
    pairs = circuit["pairs"]
    assert pairs["exhaustive"] is False
    assert f"{pairs['judged']} drawn of {pairs['pairs']}" in text
    assert "95 % upper limits of the chance that an accepted pair is wrong" in text
    for kind in ("detection", "correction"):
        assert pairs[f"{kind}_weight"] / pairs["accepted"] < pairs[f"{kind}_limit"] < 1


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1"])
def test_a_budget_that_is_no_finite_time_is_a_usage_error(call: Call, seconds: str) -> None:
    result = call("certify", "tiny.yaml", "--order", "2", "--budget-seconds", seconds)
    assert (result.exit_code, result.stdout) == (2, "")


def test_progress_is_told_on_standard_error_alone(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setenv("HEXMAGIC_CACHE", str(tmp_path / "cache"))
    result = call("certify", "tiny.yaml", "--order", "2", "--format", "json")
    *lines, last = result.stderr.splitlines()
    assert lines and all(line.startswith("pairs of fold13 d=3 r=1 in Z: ") for line in lines)
    assert lines[-1].endswith("100%")
    assert last.startswith("tiny.yaml: ")
    json.loads(result.stdout)


def test_a_share_is_told_at_most_every_five_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([0.0, 1.0, 5.0, 5.0, 9.9, 10.0, 10.0])
    monkeypatch.setattr("hexmagic.driver.progress.time.monotonic", lambda: next(times))
    with share_progress("pairs") as tell:
        for share in (0.1, 0.25, 0.5, 1.0):
            tell(share)
    assert capsys.readouterr() == ("", "pairs: 25%\npairs: 100%\n")


def test_on_a_terminal_the_share_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with share_progress("pairs of it") as tell:
        tell(0.3)
        tell(1.0)
    assert "pairs of it" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
