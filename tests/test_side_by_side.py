"""Ours beside the authors': which rows, which figures, ratios, fits, and how they are shown."""

from __future__ import annotations

from math import exp, isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hexmagic.analysis.overhead.side_by_side import (
    FITS,
    SIDE_BY_SIDE,
    Footprint,
    fits_table,
    side_by_side,
)
from hexmagic.analysis.text.side_by_side import concise, markdown_side_by_side, render_side_by_side

RUN = "paper-d3-20261123-050000-ab12"
P = (1e-4, 2e-4, 5e-4, 1e-3)
SMALL = Footprint(
    qubits=14, time_steps=60, stage_steps={"encode": 12, "hadamard": 16, "detection": 32}
)
LARGE = Footprint(qubits=40, time_steps=150, stage_steps={})


def make_row(point: int, p: float, **changes: Any) -> dict[str, Any]:
    """Return a row of the fidelity table with 171 p^2 and exp(-500 p), both known to 5 %."""
    infidelity, acceptance = 171 * p**2, exp(-500 * p)
    row: dict[str, Any] = {
        **{"run": RUN, "point": point, "label": "fold14", "scheme": "fold14", "baseline": False},
        **{"distance": 3, "rounds": 1, "reuse": "reset", "device": "heavy_hex_5_cx"},
        **{"noise": f"paper {p!r}", "estimate": "h_ideal", "readout": "correct", "level": 0.95},
        **{"acceptance": acceptance, "infidelity": infidelity},
        **{"infidelity_low": 0.95 * infidelity, "infidelity_high": 1.05 * infidelity},
        **{"acceptance_low": 0.99 * acceptance, "acceptance_high": 1.01 * acceptance},
    }
    return row | changes


def make_frame(**changes: Any) -> pd.DataFrame:
    rows = [make_row(i, p) for i, p in enumerate(P)]
    detect = [make_row(i, p, readout="detect") for i, p in enumerate(P)]
    return pd.DataFrame([row | changes for row in (*rows, *detect)])


def compare(frame: pd.DataFrame) -> pd.DataFrame:
    keys = {(str(run), int(point)) for run, point in zip(frame["run"], frame["point"], strict=True)}
    return side_by_side(frame, dict.fromkeys(keys, SMALL))


def ours(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["source"] == "hexmagic"].reset_index(drop=True)


def test_the_tables_have_their_documented_columns_and_dtypes() -> None:
    points = compare(make_frame())
    for frame, schema in ((points, SIDE_BY_SIDE), (fits_table(points), FITS)):
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == schema


def test_the_authors_stand_beside_ours_at_our_distance_in_order_of_p() -> None:
    points = compare(make_frame())
    assert list(points["p"].unique()) == list(P)
    assert set(points["distance"]) == {3}
    at_1e4 = points[points["p"] == 1e-4]
    assert list(at_1e4["source"]) == ["Chamberland and Noh 2020", "hexmagic", "hexmagic"]
    assert list(at_1e4["readout"]) == ["correct", "correct", "detect"]


def test_without_points_of_ours_the_authors_stand_alone() -> None:
    points = side_by_side(pd.DataFrame(), {})
    assert len(points) == 7
    assert set(points["distance"]) == {3, 5, 7}
    assert points["infidelity_ratio"].isna().all()


@pytest.mark.parametrize(
    "changes",
    [
        {"noise": "uniform 0.001"},
        {"noise": "calibration"},
        {"estimate": "raw"},
        {"baseline": True},
    ],
)
def test_what_cannot_be_compared_is_left_out(changes: dict[str, Any]) -> None:
    assert ours(compare(make_frame(**changes))).empty


def test_the_error_rate_is_twice_the_infidelity_for_both() -> None:
    points = compare(make_frame())
    for end in ("", "_low", "_high"):
        known = points[points[f"error_rate{end}"].notna()]
        assert list(known[f"infidelity{end}"] * 2) == pytest.approx(list(known[f"error_rate{end}"]))
    theirs = points[points["source"] != "hexmagic"]
    assert list(theirs["error_rate"]) == [3.45e-6, 8.51e-5, 3.40e-4]


def test_average_qubits_and_space_time_follow_from_the_acceptance() -> None:
    row = ours(compare(make_frame())).iloc[0]
    assert (row["qubits"], row["time_steps"]) == (14, 60)
    assert row["average_qubits"] == pytest.approx(14 / row["acceptance"])
    assert row["average_qubits_low"] == pytest.approx(14 / row["acceptance_high"])
    assert row["average_qubits_high"] == pytest.approx(14 / row["acceptance_low"])
    for end in ("", "_low", "_high"):
        assert row[f"space_time{end}"] == pytest.approx(60 * row[f"average_qubits{end}"])
    steps = [row[f"{stage}_steps"] for stage in ("encode", "hadamard", "detection")]
    assert steps == [12, 16, 32]


def test_nothing_accepted_costs_without_end() -> None:
    row = make_row(0, 1e-3, acceptance=0.0, acceptance_low=0.0, infidelity=float("nan"))
    shown = ours(compare(pd.DataFrame([row]))).iloc[0]
    assert shown["average_qubits"] == shown["space_time_high"] == float("inf")
    assert shown["average_qubits_low"] < float("inf")


def test_the_ratios_are_ours_by_theirs_at_equal_p() -> None:
    points = ours(compare(make_frame()))
    row = points[points["p"] == 1e-3].iloc[0]
    assert row["infidelity_ratio"] == pytest.approx(171e-6 / 1.70e-4)
    assert row["acceptance_ratio"] == pytest.approx(exp(-0.5) / 0.741)
    assert row["qubits_ratio"] == 14 / 16
    assert row["time_steps_ratio"] == 60 / 36
    assert row["average_qubits_ratio"] == pytest.approx(14 / exp(-0.5) / 21.6)
    assert row["space_time_ratio"] == pytest.approx(60 * 14 / exp(-0.5) / 778)
    assert points[points["p"] == 2e-4]["infidelity_ratio"].isna().all()


def test_a_range_of_fits_has_ends_and_no_value() -> None:
    row = side_by_side(pd.DataFrame(), {}).iloc[-1]
    assert (row["distance"], row["error_rate_low"], row["error_rate_high"]) == (7, 3.2e-10, 4.9e-10)
    assert isnan(row["error_rate"])


def fit(fits: pd.DataFrame, source: str, law: str, readout: str = "correct") -> pd.Series[Any]:
    chosen = (fits["source"] == source) & (fits["law"] == law) & (fits["readout"] == readout)
    (row,) = (row for _, row in fits[chosen].iterrows())
    return row


def test_each_circuit_and_readout_has_its_laws() -> None:
    fits = fits_table(compare(make_frame()))
    laws = ["c p^2", "c p^2 exp(b p)", "c p^k", "exp(-N p)", "exp(-N p - M p^2)"]
    assert list(fits["law"]) == 3 * laws
    assert list(fits["readout"]) == ["correct"] * 10 + ["detect"] * 5
    row = fit(fits, "hexmagic", "c p^2")
    assert row["coefficient"] == pytest.approx(342)
    assert row["published"] == 342
    assert (row["points"], row["p_low"], row["p_high"]) == (4, 1e-4, 1e-3)
    assert fit(fits, "hexmagic", "exp(-N p)")["coefficient"] == pytest.approx(500)
    assert fit(fits, "Chamberland and Noh 2020", "c p^2")["coefficient"] == pytest.approx(
        342, rel=1e-3
    )
    assert isnan(fit(fits, "hexmagic", "c p^k")["published"])
    assert isnan(fit(fits, "hexmagic", "exp(-N p)")["exponent"])


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_the_errors_come_from_the_intervals_at_their_level(level: float) -> None:
    fits = fits_table(compare(make_frame(level=level)))
    quantile = {0.68: 0.994458, 0.95: 1.959964}[level]
    error = fit(fits, "hexmagic", "c p^2")["coefficient_error"]
    assert error == pytest.approx(342 * 0.05 / quantile, rel=1e-4)


def test_the_order_of_the_law_is_that_of_the_distance() -> None:
    frame = make_frame(distance=5, scheme="fold40", rounds=2)
    points = side_by_side(frame, {(RUN, i): LARGE for i in range(4)})
    assert "c p^3" in set(fits_table(points)["law"])
    assert fit(fits_table(points), "hexmagic", "c p^3")["published"] == 44_965


def test_points_that_follow_another_order_are_fitted_with_it_too() -> None:
    frame = make_frame(distance=5, scheme="fold40", rounds=2)  # 171 p^2, whatever d promises
    points = side_by_side(frame, {(RUN, i): LARGE for i in range(4)})
    row = fit(fits_table(points), "hexmagic", "c p^2")
    assert row["coefficient"] == pytest.approx(342)
    assert isnan(row["published"])
    assert fit(fits_table(points), "hexmagic", "c p^3")["chi2_per_dof"] > 100


def test_different_circuits_are_fitted_apart_and_equal_ones_together() -> None:
    again = make_frame(run="paper-d3-20261124-050000-cd34")
    other = make_frame(run="paper-d3-20261125-050000-ef56", reuse="xor")
    fits = fits_table(compare(pd.concat([make_frame(), again, other], ignore_index=True)))
    plain = fits[(fits["source"] == "hexmagic") & (fits["law"] == "c p^2")]
    assert [*zip(plain["reuse"], plain["points"], strict=True)] == 2 * [("reset", 8)] + 2 * [
        ("xor", 4)
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_the_text_fits_and_shows_what_the_table_holds(width: int) -> None:
    points = compare(make_frame())
    text = render_side_by_side(points, fits_table(points), width)
    assert max(map(len, text.splitlines())) <= width
    line = next(x for x in text.splitlines() if x.startswith("d=3 p=1e-3 fold14 detect"))
    assert line.split()[4:8] == ["0.6065(61)", "3.42(17)e-4", "1.710(86)e-4", "14"]
    assert "d=3 fold14 correct" in text
    assert "npj Quantum" in text
    assert "342.0(8.7)" in text


def test_the_text_tells_circuits_of_one_scheme_apart() -> None:
    other = make_frame(run="other-20261125-050000-ef56", reuse="xor")
    points = compare(pd.concat([make_frame(), other], ignore_index=True))
    text = markdown_side_by_side(points, fits_table(points))
    assert "| d=3 p=1e-4 fold14 correct reset |" in text
    assert "| d=3 fold14 detect xor |" in text


def test_published_figures_alone_have_no_empty_columns() -> None:
    points = side_by_side(pd.DataFrame(), {})
    text = markdown_side_by_side(points, fits_table(points))
    assert "ratio" not in text.splitlines()[2]
    assert "| 3.2e-10 to 4.9e-10 | 1.6e-10 to 2.45e-10 | 118 |" in text


def test_every_row_of_the_markdown_has_every_column() -> None:
    points = compare(make_frame())
    rows = [x for x in markdown_side_by_side(points, fits_table(points)).splitlines() if "|" in x]
    assert {row.count("|") for row in rows} == {13, 10}
    assert len(rows) == (2 + 11) + (2 + 15)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (3.4567e-6, 1.2e-7, "3.46(12)e-6"),
        (0.95332, 0.0002, "0.95332(20)"),
        (0.0278, 0.0022, "0.0278(22)"),
        (463.8, 5.4, "463.8(5.4)"),
        (41123.4, 3041, "41100(3000)"),
        (-3984.1, 566.5, "-3980(570)"),
        (14.68551, 1e-9, "14.6855(1)"),
        (1.2e-7, 3e-6, "1(30)e-7"),
        (-4.2, 1400, "0(1400)"),
        (0.97, float("nan"), "0.97"),
        (3.4e-4, 0, "3.4e-4"),
        (float("nan"), 1, "-"),
        (float("inf"), float("nan"), "inf"),
        (594, float("nan"), "594"),
        (0, 0.1, "0.00(10)"),
    ],
)
def test_numbers_carry_their_error_in_the_last_digits(
    value: float, error: float, text: str
) -> None:
    assert concise(value, error) == text


def test_every_column_is_documented() -> None:
    documented = (Path(__file__).parent.parent / "docs" / "paper.md").read_text()
    named = {word.strip(",") for line in documented.splitlines() for word in line.split()}
    for column in (*SIDE_BY_SIDE, *FITS):
        assert column.removesuffix("_low").removesuffix("_high") in named | {"p"}
