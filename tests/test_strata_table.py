"""The strata table: what is in it, and how it is shown."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fakes.judged import ideal_strata, make_point, sampled, swept_points

from hexmagic.analysis.numbers import TIMES
from hexmagic.analysis.rates import measured_rates
from hexmagic.analysis.report.strata import strata_views
from hexmagic.analysis.strata.shown import shown_strata
from hexmagic.analysis.tables.strata import STRATA, strata_table
from hexmagic.analysis.text.tables import render_text

WEIGHTS = (0.9, 0.08, 0.019, 0.0009, 0.0001)


def ideal_frame(readout: str = "detect") -> pd.DataFrame:
    frame = strata_table([make_point(stratified={"H_ideal": ideal_strata(*WEIGHTS)})])
    return frame[frame["readout"] == readout].reset_index(drop=True)


def test_columns_and_dtypes_do_not_depend_on_the_rows() -> None:
    point = make_point(stratified={"H_ideal": ideal_strata(*WEIGHTS)})
    for points in ([], [make_point()], [point]):
        dtypes = {name: str(dtype) for name, dtype in strata_table(points).dtypes.items()}
        assert list(dtypes.items()) == list(STRATA.items())


def test_every_number_of_faults_has_a_row_for_each_ideal_readout() -> None:
    frame = strata_table([make_point(stratified={"H_ideal": ideal_strata(*WEIGHTS)})])
    assert frame["readout"].to_list() == ["detect"] * 5 + ["correct"] * 5
    assert frame["faults"].to_list() == [*range(5)] * 2
    assert frame["weight"].to_list() == [*WEIGHTS] * 2


def test_a_measure_with_a_readout_has_that_readout_alone() -> None:
    frame = strata_table([make_point(stratified={"X": sampled(500, 50, 0.9, 0.1)})])
    assert frame["readout"].to_list() == ["detect", "detect"]
    assert frame["keep_rate"].to_list() == [1.0, 0.5]
    assert frame["minus_rate"].to_list() == [0.1, 0.05]


def test_it_says_what_is_exact_sampled_certified_and_unknown() -> None:
    detect, correct = ideal_frame("detect"), ideal_frame("correct")
    certified = "nothing, certified never -1"
    assert detect["known"].to_list() == ["exact", "sampled", certified, "nothing", "nothing"]
    assert correct["known"].to_list() == ["exact", "sampled", *["nothing"] * 3]
    assert detect["shots"].to_list() == [0, 1000, 0, 0, 0]
    assert detect["keep_rate"].to_list()[:2] == [1.0, 0.1]
    assert detect["minus_rate"].to_list()[:2] == [0.0, 0.01]
    assert correct[["kept", "minus"]].iloc[1].to_list() == [200, 40]
    assert detect["keep_rate"].isna().to_list() == [False, False, True, True, True]
    assert detect["kept"].isna().to_list() == [True, False, True, True, True]


def test_the_weighted_rates_are_those_of_the_fidelity_table() -> None:
    point = make_point(stratified={"H_ideal": ideal_strata(0.9, 0.1)})
    frame = strata_table([point])
    for readout in ("detect", "correct"):
        part = frame[frame["readout"] == readout]
        kept, minus = ((part["weight"] * part[f"{x}_rate"]).sum() for x in ("keep", "minus"))
        rates = measured_rates(point, "H_ideal", readout, 0.95)
        assert kept == pytest.approx(rates.acceptance.value)
        assert minus / kept == pytest.approx(rates.minus.value)


# As shown


def test_the_end_of_which_nothing_is_known_is_one_row_with_its_whole_weight() -> None:
    shown = shown_strata(ideal_frame())
    assert shown["number"].to_list() == ["0", "1", "2", "3 to 4"]
    assert shown["weight"].iloc[-1] == pytest.approx(0.001)
    assert shown["share"].to_list()[:2] == [0, 1]


def test_one_last_unknown_stratum_stays_as_it_is() -> None:
    assert shown_strata(ideal_frame().head(4))["number"].to_list() == ["0", "1", "2", "3"]


def test_strata_without_any_error_have_no_shares() -> None:
    frame = strata_table([make_point(stratified={"X": sampled(500, 0, 0.0, 1.0)})])
    assert shown_strata(frame.assign(minus_rate=0.0))["share"].isna().all()


def test_the_text_shows_each_estimate_of_each_point_by_number_of_faults() -> None:
    text = render_text(strata_table([make_point(stratified={"H_ideal": ideal_strata(*WEIGHTS)})]))
    assert text.splitlines()[3:10] == [
        "fold13 d=3 r=1, H_ideal, readout detect",
        "faults   weight  shots      kept   and -1  of -1 %  known",
        "------  -------  -----  --------  -------  -------  ---------------------------",
        "     0  9.00e-1      -         1        0      0.0  exact",
        "     1  8.00e-2   1000  1.000e-1  1.00e-2    100.0  sampled",
        "     2  1.90e-2      -         -        -        -  nothing, certified never -1",
        "3 to 4  1.00e-3      -         -        -        -  nothing",
    ]
    assert "fold13 d=3 r=1, H_ideal, readout correct" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_of_the_text_is_wider_than_asked(width: int) -> None:
    text = render_text(strata_table(swept_points()), width)
    assert max(map(len, text.splitlines())) <= width
    assert text.isascii()


def test_an_empty_strata_table_says_what_it_lacks() -> None:
    assert "nothing was estimated by strata" in render_text(strata_table([]))


def test_the_report_shows_points_that_share_their_strata_in_one_table() -> None:
    shared, own = views_of("detect")
    assert shared.title == "fold13 d=3 r=1: H ideal, readout detect"
    assert shared.table.heads[:3] == (
        "faults",
        "weight at uniform=0.0001",
        "weight at uniform=0.001",
    )
    assert [row[0].text for row in shared.table.rows] == ["0", "1", "2", "3"]
    weights = [row[2].text.replace(TIMES, "x") for row in shared.table.rows]
    assert weights == ["9.00x10⁻¹", "9.00x10⁻²", "9.00x10⁻³", "1.00x10⁻³"]
    assert [row[1].text for row in shared.table.rows][3] == "0"  # beyond the other point's weights
    assert own.title == "encoded d=3 uniform=0.001: H ideal, readout detect"
    assert own.table.heads[1] == "weight"


def views_of(readout: str) -> list[Any]:
    views = strata_views(strata_table(swept_points()))
    return [view for view in views if view.title.endswith(readout)]
