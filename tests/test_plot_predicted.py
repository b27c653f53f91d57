"""Predicted against measured: both with intervals, and the pull in figures."""

import re
from math import nan
from typing import Any

import pandas as pd
import pytest
from fakes.reports import make_predicted

from hexmagic.analysis.plots.predicted import compared, predicted_plot


def row(**changes: Any) -> pd.DataFrame:
    return make_predicted().iloc[:1].assign(**changes)


def places(svg: str) -> tuple[float, float]:
    """Return where the measured and the predicted value lie, left to right."""
    (measured,) = re.findall(r'<circle cx="([\d.]+)" cy="41" r="4.5" class="data"/>', svg)
    ((left, width),) = re.findall(r'x="([\d.]+)" y="52.95" width="([\d.]+)"', svg)
    return float(measured), float(left) + float(width) / 2


def test_the_pull_is_in_figures_and_a_large_one_is_marked() -> None:
    svg = predicted_plot(make_predicted())
    assert svg.count("alarm-text") == 1
    assert "▼ \N{MINUS SIGN}4.1" in svg
    assert ">+1.0" in svg and ">\N{MINUS SIGN}0.4" in svg and "no pull" in svg
    assert "alarm-text" not in predicted_plot(row(pull=-2.9))


def test_measured_lies_left_of_predicted_exactly_when_it_is_smaller() -> None:
    for measured, smaller in ((0.74, True), (0.76, False)):
        ends = {"measured_low": measured - 0.004, "measured_high": measured + 0.004}
        one, other = places(predicted_plot(row(measured=measured, **ends)))
        assert (one < other) is smaller


def test_both_values_are_there_with_their_intervals() -> None:
    svg = predicted_plot(make_predicted())
    assert "0.7421 [0.7386, 0.7456]" in svg and "0.7508 [0.7496, 0.7520]" in svg
    assert "0.9531 [0.9520, 0.9542]" in svg and ">no value<" in svg
    (words,) = re.findall(r'aria-label="([^"]*)"', svg)
    assert words.startswith("Measured and predicted, fold14 d=3 r=1. acceptance: measured 0.7421")
    assert "pass hadamard in Z: measured no value, predicted 0.9531" in words


def test_a_basis_is_named_where_the_quantity_does_not() -> None:
    names = [one.name for one in compared(make_predicted())]
    assert names == ["acceptance", "⟨X⟩", "⟨Y⟩", "fidelity", "pass hadamard in Z"]
    (special,) = compared(row(estimate="h_measured", basis="H"))
    assert special.name == "acceptance in H, H measured"


def test_a_prediction_without_an_interval_is_a_mark_alone() -> None:
    bare = row(predicted_low=nan, predicted_high=nan)
    svg = predicted_plot(bare)
    assert ">0.7508<" in svg
    assert places(svg)[1] > places(svg)[0]


def test_points_are_not_mixed() -> None:
    both = pd.concat([make_predicted("a"), make_predicted("b")])
    with pytest.raises(ValueError, match="one point, not of a, b"):
        predicted_plot(both)
    with pytest.raises(ValueError, match="not of none"):
        predicted_plot(both.iloc[:0])
