"""Drift: parts in the order taken, their mean, and axes with round numbers."""

import re
from math import isnan

import pandas as pd
import pytest
from fakes.reports import make_drift
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.analysis.plots.axes import padded, round_ticks
from hexmagic.analysis.plots.drift import Panel, drift_panels, drift_plot


def panel(frame: pd.DataFrame, title: str) -> Panel:
    (found,) = [one for one in drift_panels(frame) if one.title == title]
    return found


def heights(svg: str) -> list[float]:
    return [float(y) for y in re.findall(r'cy="([\d.]+)" r="3" class="data"', svg)]


def test_the_mean_is_weighted_by_shots_and_of_p_by_kept_shots() -> None:
    frame = pd.DataFrame(
        [
            {"label": "a", "basis": "X", "part": 0, "shots": 100, "kept": 90, "acceptance": 0.9},
            {"label": "a", "basis": "X", "part": 1, "shots": 300, "kept": 30, "acceptance": 0.1},
        ]
    ).assign(expectation=[0.8, 0.4])
    ends = {
        f"{q}_{end}": frame[q] for q in ("acceptance", "expectation") for end in ("low", "high")
    }
    found = drift_panels(frame.assign(**ends))
    assert [one.mean for one in found] == pytest.approx([120 / 400, (90 * 0.8 + 30 * 0.4) / 120])
    assert found[0].starts == (0, 100, 400)


def test_a_part_without_kept_shots_has_an_acceptance_and_no_expectation() -> None:
    svg = drift_plot(make_drift())
    assert len(heights(svg)) == 6 * 10 - 1
    assert isnan(panel(make_drift(), "⟨P⟩ in Y").values[3][0])
    assert "⟨P⟩ in Y: 0.0030" in svg and ", none, " in svg


def test_a_falling_acceptance_falls_in_the_picture() -> None:
    only = make_drift().query("basis == 'Z'")
    found = heights(drift_plot(only))[:10]
    assert found[0] < found[4] < found[8]  # y grows downwards


def test_parts_are_drawn_in_order_however_the_table_is_sorted() -> None:
    mixed = make_drift().sample(frac=1, random_state=1).sort_values("basis")
    assert drift_plot(mixed) == drift_plot(make_drift())


def test_p_values_are_shown_if_the_table_has_them() -> None:
    values = {"acceptance_p_value": 0.0004, "expectation_p_value": 0.31}
    assert "p = " not in drift_plot(make_drift())
    svg = drift_plot(make_drift().assign(**values))
    assert "p = 4\N{MULTIPLICATION SIGN}10⁻⁴" in svg and "p = 0.31" in svg


def test_points_are_not_mixed_and_no_kept_shot_is_said() -> None:
    with pytest.raises(ValueError, match="one point, not of a, b"):
        drift_plot(pd.concat([make_drift("a"), make_drift("b")]))
    empty = make_drift().assign(expectation=float("nan"), kept=0)
    assert drift_plot(empty).count("no shot kept") == 3


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e3), st.integers(2, 8))
def test_ticks_are_round_inside_and_no_more_than_asked_for(
    low: float, span: float, most: int
) -> None:
    ticks = round_ticks(low, low + span, most)
    assert len(ticks) <= most
    assert all(low - 1e-6 * span <= value <= low + span * (1 + 1e-6) for value, _ in ticks)
    assert len({words for _, words in ticks}) == len(ticks)
    assert len(ticks) >= most // 3


def test_an_axis_must_grow_and_a_single_value_gets_room() -> None:
    with pytest.raises(ValueError, match="must grow"):
        round_ticks(1.0, 1.0)
    assert padded(2.0, 2.0) == (1.0, 3.0)
    assert padded(0.0, 0.0) == (-1.0, 1.0)
