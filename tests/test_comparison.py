"""Runs beside one another: known differences, and pools that are the sum of their parts."""

from __future__ import annotations

from dataclasses import replace
from math import hypot, isnan, sqrt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from hexmagic.analysis.comparison import combined_table, differences_table
from hexmagic.analysis.points import BASES, PointCounts
from hexmagic.analysis.tables.basic import fidelity_table
from hexmagic.analysis.text.tables import render_text
from hexmagic.driver.cli.main import cli
from hexmagic.experiments.counts import Counts, Outcome
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.spec import Accept

ACCEPT = Accept(hadamard=True, flags=True, syndromes=True, readout="detect")
SPEC = """\
schema_version: 1
name: tiny
protocol: {state: H, distance: 3, scheme: fold13}
device: {backend: clifft, name: heavy_hex_5, noise: {uniform: 0.002}}
measure: [X, Y, Z]
shots: 4000
seed: 3
"""


def make_counts(shots: int, kept: int, minus: int) -> Counts:
    outcome = Outcome(kept=kept, minus=minus, minus_squares=minus)
    return Counts(shots=shots, outcomes={"detect": outcome}, passed=(None, kept, kept, kept, kept))


def make_point(
    x: tuple[int, int, int], y: tuple[int, int, int], z: tuple[int, int, int], label: str = "p"
) -> PointCounts:
    """(shots, kept, outcomes -1) of each basis."""
    counts: dict[Measure, Counts] = {
        "X": make_counts(*x),
        "Y": make_counts(*y),
        "Z": make_counts(*z),
    }
    given: dict[str, Any] = {
        **{"run": "r", "point": 0, "label": label, "scheme": "fold14", "distance": 3},
        **{"rounds": 1, "baseline": False, "device": "paper", "noise": "none", "backend": "hand"},
        **{"swept": {}, "accept": ACCEPT, "counts": counts},
    }
    return PointCounts(**given)


GOOD = make_point((1000, 800, 120), (1000, 800, 400), (1000, 800, 120))
BAD = make_point((1000, 700, 210), (1000, 700, 350), (1000, 700, 210))
PRINTS: dict[tuple[str, str, Measure], str] = {
    (run, "p", m): f"print-{m}" for run in ("a", "b", "c") for m in BASES
}


def differences(runs: list[tuple[str, list[PointCounts]]]) -> pd.DataFrame:
    return differences_table([(run, fidelity_table(points)) for run, points in runs])


def of(frame: pd.DataFrame, quantity: str) -> dict[Any, Any]:
    (row,) = [row for row in frame.to_dict("records") if row["quantity"] == quantity]
    return row


def test_a_run_beside_itself_differs_by_nothing() -> None:
    frame = differences([("a", [GOOD]), ("b", [GOOD])])
    assert (frame["difference"] == 0).all() and (frame["pull"] == 0).all()
    assert list(frame["quantity"]) == ["fidelity", "infidelity", "acceptance", "x", "y", "z"]


def test_the_difference_is_the_run_less_the_first() -> None:
    frame = differences([("a", [GOOD]), ("b", [BAD])])
    accepted = of(frame, "acceptance")  # 0.8 and 0.7 of 3000 shots
    assert accepted["difference"] == pytest.approx(-0.1)
    error = hypot(sqrt(0.8 * 0.2 / 3000), sqrt(0.7 * 0.3 / 3000))
    assert accepted["pull"] == pytest.approx(-0.1 / error, rel=0.02)
    assert accepted["ratio"] == pytest.approx(7 / 8)
    assert accepted["ratio_low"] < 7 / 8 < accepted["ratio_high"] < 1
    x = of(frame, "x")  # 1 - 2 * 0.15 and 1 - 2 * 0.3
    assert (x["first"], x["value"]) == pytest.approx((0.7, 0.4))
    assert x["pull"] < -5 and isnan(x["ratio"])
    assert of(frame, "y")["difference"] == pytest.approx(0)
    swapped = differences([("b", [BAD]), ("a", [GOOD])])
    assert of(swapped, "x")["difference"] == pytest.approx(-x["difference"])


def test_points_are_matched_by_label_and_others_left_out() -> None:
    other = replace(BAD, label="q", point=1)
    frame = differences([("a", [GOOD]), ("b", [other, GOOD]), ("c", [other])])
    assert set(zip(frame["label"], frame["run"], strict=True)) == {("p", "b")}


def test_identical_circuits_are_pooled_shot_for_shot() -> None:
    frame = combined_table([("a", [GOOD]), ("b", [BAD])], PRINTS)
    assert set(frame["how"]) == {"pooled"} and (frame["scale"] == 1).all()
    together = make_point((2000, 1500, 330), (2000, 1500, 750), (2000, 1500, 330))
    whole = fidelity_table([together])
    for name in ("acceptance", "x", "y", "z", "fidelity"):
        row = of(frame, name)
        expected = [whole[name + end][0] for end in ("", "_low", "_high")]
        assert [row["value"], row["low"], row["high"]] == pytest.approx(expected)
    assert of(frame, "acceptance")["p_value"] < 1e-6  # 0.8 and 0.7 are not one rate
    assert of(frame, "y")["p_value"] == pytest.approx(1)


def test_other_circuits_are_weighted_and_widened_where_they_disagree() -> None:
    prints = PRINTS | {("b", "p", "X"): "another"}
    frame = combined_table([("a", [GOOD]), ("b", [BAD])], prints)
    assert set(frame["how"]) == {"weighted"}
    x = of(frame, "x")
    assert 0.4 < x["value"] < 0.7
    assert x["scale"] > 5 and x["p_value"] < 1e-6
    assert of(frame, "y")["scale"] == 1
    unknown = combined_table([("a", [GOOD]), ("b", [BAD])], {})
    assert set(unknown["how"]) == {"weighted"}


def test_what_only_one_run_has_is_not_combined() -> None:
    frame = combined_table([("a", [GOOD]), ("b", [replace(BAD, label="q")])], PRINTS)
    assert frame.empty and "how" in frame


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare")
    for seed in (3, 4):
        (path / "tiny.yaml").write_text(SPEC.replace("seed: 3", f"seed: {seed}"))
        words = ["run", str(path / "tiny.yaml"), "--runs", str(path / "runs")]
        assert CliRunner().invoke(cli, words).exit_code == 0
    return path / "runs"


def call(runs: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, [*words, "--runs", str(runs)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("kind", ["differences", "combined"])
def test_the_command_line_compares_two_runs_within_eighty_columns(runs: Path, kind: str) -> None:
    first, second = sorted(path.name for path in runs.iterdir() if path.is_dir())
    code, out, _ = call(runs, "compare", first, second, "--kind", kind)
    assert code == 0 and "fold13 d=3 r=1, readout detect" in out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert ("2 runs, pooled" in out) == (kind == "combined")
    code, out, _ = call(runs, "compare", first, second, "--kind", kind, "--format", "csv")
    assert code == 0 and out.count("\n") == 7  # a heading and six quantities


def test_runs_that_have_nothing_in_common_or_are_one_are_refused(runs: Path) -> None:
    (first, _) = sorted(path.name for path in runs.iterdir() if path.is_dir())
    for words in ([first], [first, first], [first, str(runs / first)]):
        code, out, err = call(runs, "compare", *words)
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_text_of_no_rows_says_so() -> None:
    assert render_text(differences_table([])) == "no rows\n"


def test_a_report_of_two_runs_says_how_far_they_lie_apart(runs: Path, tmp_path: Path) -> None:
    first, second = sorted(path.name for path in runs.iterdir() if path.is_dir())
    assert call(runs, "report", first, second, "-o", str(tmp_path / "both.html"))[0] == 0
    both = (tmp_path / "both.html").read_text()
    assert "Each run less the first one, run 1" in both
    assert call(runs, "report", first, "-o", str(tmp_path / "one.html"))[0] == 0
    assert "Each run less the first one" not in (tmp_path / "one.html").read_text()
