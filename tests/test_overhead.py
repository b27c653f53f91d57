"""What a state costs: every figure and ratio by hand, and where each comes from."""

from __future__ import annotations

import hashlib
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fakes.attempts import ATTEMPT, ON_DEVICE, compare, make_row

from hexmagic.analysis.overhead.comparison import (
    COMPARISON,
    MEASURED,
    Attempt,
    comparison,
    measured_points,
    run_points,
)
from hexmagic.analysis.overhead.published import POINTS
from hexmagic.analysis.text.overhead import markdown_comparison, render_comparison
from hexmagic.analysis.text.overhead_words import rounded

ROOT = Path(__file__).parents[1]
SHIPPED = measured_points()


def ours(attempt: Attempt = ATTEMPT, **changes: Any) -> dict[Any, Any]:
    table = compare(attempt, **changes)
    row: dict[Any, Any] = table[table["source"] == "hexmagic"].iloc[0].to_dict()
    return row


def test_a_state_costs_all_the_attempts_it_takes() -> None:
    row = ours()
    assert (row["average_qubits"], row["gates_per_state"]) == (28, 214)
    assert row["space_time"] == 28 * 43
    assert row["qubit_rounds"] == pytest.approx(28 * 43 / 6)
    assert row["after_15_to_1"] == pytest.approx(35e-18)


def test_a_ratio_is_the_least_of_the_others_by_ours_at_the_same_p() -> None:
    row = ours()
    assert row["distillation_p"] == 1e-4
    assert row["fewest_qubits"] == "15-to-1 (9,3,3) small"
    assert row["qubits_ratio"] == pytest.approx(762 / 28)
    assert row["least_space_time"] == "15-to-1 (7,3,3)"
    assert row["gates_ratio"] == pytest.approx(4 * 405 * 18.1 / 214)
    assert row["space_time_ratio"] == pytest.approx(810 * 6 * 18.1 / (28 * 43))
    assert row["lowest_error"] == "15-to-1 (11,5,5)"
    assert row["error_ratio"] == pytest.approx(1e-6 / 1.9e-11)
    assert row["authors_qubits_ratio"] == pytest.approx(16.5 / 28)
    assert row["authors_space_time_ratio"] == pytest.approx(594 / (28 * 43))
    assert row["authors_error_ratio"] == pytest.approx(1e-6 / (3.45e-6 / 2))


def test_on_a_device_there_are_seconds_and_no_steps() -> None:
    row = ours(ON_DEVICE, noise="calibration", device="fake_boston")
    assert row["seconds_per_state"] == pytest.approx(12e-6)
    assert row["qubit_seconds"] == pytest.approx(28 * 6e-6)
    assert row["distillation_p"] == 1e-3
    assert row["fewest_qubits"] == row["least_space_time"] == "15-to-1 (17,7,7)"
    assert row["qubits_ratio"] == pytest.approx(4620 / 28)
    assert all(isnan(row[name]) for name in ("space_time", "space_time_ratio", "p"))
    assert isnan(row["authors_qubits_ratio"])


@pytest.mark.parametrize(
    "noise", ["paper 0.0005", "uniform 0.002", "calibration x 0.5", "none"], ids=str
)
def test_where_nothing_is_published_there_is_no_ratio(noise: str) -> None:
    row = ours(noise=noise)
    assert isnan(row["distillation_p"])
    assert all(pd.isna(row[name]) for name in ("fewest_qubits", "reaches", "qubits_ratio"))
    assert row["average_qubits"] == 28


def test_uniform_noise_is_not_the_papers() -> None:
    row = ours(noise="uniform 0.0001")
    assert row["qubits_ratio"] == pytest.approx(762 / 28)
    assert isnan(row["authors_qubits_ratio"])


def test_only_what_ours_are_compared_with_is_listed() -> None:
    table = compare()
    assert list(table) == list(COMPARISON)
    assert {name: str(t) for name, t in table.dtypes.items()} == dict(COMPARISON)
    assert table["p"].tolist() == [1e-4] * 7  # four protocols, Itogawa's, the authors', ours
    assert table[table["source"] == "Chamberland and Noh 2020"]["distance"].tolist() == [3]


def test_baselines_are_left_out_and_judged_points_have_only_judged_rows() -> None:
    rows = [make_row(), make_row(estimate="raw"), make_row(point=1, baseline=True)]
    points = run_points(pd.DataFrame(rows), {("r-1", 0): ATTEMPT})
    assert points["estimate"].tolist() == ["h_ideal"]
    raw = run_points(pd.DataFrame([make_row(estimate="raw")]), {("r-1", 0): ATTEMPT})
    assert raw["estimate"].tolist() == ["raw"]


def test_what_is_shipped_has_every_setting_of_the_comparison() -> None:
    assert {name: str(t) for name, t in SHIPPED.dtypes.items()} == dict(MEASURED)
    paper = SHIPPED[SHIPPED["noise"].str.startswith("paper")]
    schemes = {(row["distance"], row["scheme"]) for row in paper.to_dict("records")}
    assert schemes == {(3, "fold13"), (3, "fold14"), (3, "fold"), (5, "fold40"), (5, "fold")}
    assert set(paper["p"]) == {1e-4, 1e-3}
    boston = SHIPPED[SHIPPED["device"] == "fake_boston"]
    assert set(boston["distance"]) == {3, 5}
    assert boston["seconds"].notna().all()
    assert set(SHIPPED["readout"]) == {"detect", "correct"}


@pytest.mark.parametrize("origin", sorted(set(SHIPPED["origin"])))
def test_what_is_shipped_is_of_the_experiments_as_they_are(origin: str) -> None:
    rows = SHIPPED[SHIPPED["origin"] == origin]
    digest = hashlib.sha256((ROOT / origin).read_bytes()).hexdigest()
    assert set(rows["spec_sha256"]) == {digest}, "run benchmarks/overhead.py again"


def test_what_is_shipped_lies_in_its_intervals_and_where_it_can() -> None:
    for name in ("acceptance", "infidelity"):
        low, value, high = (SHIPPED[name + end] for end in ("_low", "", "_high"))
        assert ((low < value) & (value < high)).all(), name
        assert ((low >= 0) & (high <= 1)).all(), name
    assert (SHIPPED["level"] == 0.95).all()


def test_an_ideal_check_leaves_fewer_states_and_fewer_errors() -> None:
    keys = ["scheme", "noise", "device"]
    for _, pair in SHIPPED.groupby(keys):
        rows = pair.set_index("readout")
        assert sorted(rows.index) == ["correct", "detect"]
        for name in ("acceptance", "infidelity"):
            assert rows[f"{name}_high"]["detect"] < rows[f"{name}_low"]["correct"]


def test_shots_at_d5_are_spent_on_what_each_row_is_about() -> None:
    rows = SHIPPED[(SHIPPED["distance"] == 5) & SHIPPED["p"].notna()]
    origins = {"detect": "overhead_d5.yaml", "correct": "overhead_d5_correct.yaml"}
    expected = [f"experiments/{origins[readout]}" for readout in rows["readout"]]
    assert rows["origin"].tolist() == expected


def test_every_figure_is_traced_to_a_run_or_a_citation() -> None:
    table = comparison(SHIPPED)
    own = table["source"] == "hexmagic"
    assert table["traced_to"].notna().all()
    assert table[own]["traced_to"].str.contains(r"\.yaml, seed 2026, \d+ shots, hexmagic").all()
    assert table[~own]["traced_to"].str.contains("arXiv:").all()


def test_no_kept_shot_leaves_dashes() -> None:
    nothing = {"acceptance": 0.0, "acceptance_low": 0.0, "infidelity": float("nan")}
    text = render_comparison(compare(ATTEMPT, **nothing))
    (line, *_) = [line for line in text.splitlines() if line.startswith("d=3 fold14")]
    assert " - " in line
    assert "nan" not in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_text_fits(width: int) -> None:
    text = render_comparison(comparison(SHIPPED), width)
    assert max(map(len, text.splitlines())) <= width


def test_each_ratio_is_told_with_its_formula_and_an_example() -> None:
    text = " ".join(render_comparison(compare()).split())
    assert "fewer qubits = fewest qubits of those of distillation / our average qubits; " in text
    assert "d=3 fold14 correct and 15-to-1 (9,3,3) small: 762 / 28.00 = 27.2." in text
    assert "d=3 fold14 correct and 15-to-1 (7,3,3): 29322 / 214.0 = 137." in text


def test_every_state_points_to_its_source() -> None:
    table = comparison(SHIPPED)
    markdown = markdown_comparison(table)
    for i, source in enumerate(dict.fromkeys(table["traced_to"]), start=1):
        assert f"| [{i}] |" in markdown
        assert f"- [{i}] {source}." in markdown


def test_few_errors_are_shown_with_both_ends() -> None:
    text = render_comparison(compare(infidelity_low=1e-7, infidelity_high=5e-6))
    assert "1.0e-6 [1.0e-7, 5.0e-6]" in text


@pytest.mark.parametrize(
    ("value", "words"), [(62.517, "62.5"), (1544.2, "1540"), (4.2e-16, "4.20e-16"), (0.0, "0")]
)
def test_numbers_keep_three_digits(value: float, words: str) -> None:
    assert rounded(value) == words


def test_the_authors_are_read_from_the_one_table_of_theirs() -> None:
    table = comparison(SHIPPED)
    theirs = table[table["source"] == "Chamberland and Noh 2020"]
    known = {(p.distance, p.p): p.average_qubits for p in POINTS}
    for row in theirs.to_dict("records"):
        assert row["average_qubits"] == known[row["distance"], row["p"]]
