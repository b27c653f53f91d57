"""Infidelity against acceptance: every point is there, named once, and legible without colour."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pandas as pd
import pytest

from hexmagic.analysis.overhead.published import CHAMBERLAND_NOH, POINTS
from hexmagic.analysis.overhead.published_experiments import published_experiments
from hexmagic.analysis.plots.labels import Box, LabelRoom
from hexmagic.analysis.plots.published import WIDTH, published_plot
from hexmagic.analysis.plots.published_marks import published_marks, published_sources

FRAME = Box(0, 0, 300, 200)


def make_row(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        **{"label": "fold14 d=3 r=1", "scheme": "fold14", "distance": 3, "rounds": 1},
        **{"baseline": False, "device": "fake_boston", "noise": "calibration"},
        **{"estimate": "raw", "readout": "detect"},
        **{"acceptance": 0.5, "acceptance_low": 0.4, "acceptance_high": 0.6},
        **{"infidelity": 1e-3, "infidelity_low": 5e-4, "infidelity_high": 2e-3},
    }
    return row | changes


def plot(*rows: dict[str, Any]) -> str:
    return str(published_plot(pd.DataFrame(rows)))


def words(svg: str) -> str:
    found = re.search(r'aria-label="([^"]*)"', svg)
    assert found
    return found[1]


def bars(svg: str) -> set[str]:
    return {path for path in re.findall(r'<path d="([^"]*)" class="interval"', svg)}


def test_every_published_point_is_drawn_and_told() -> None:
    svg = plot()
    told = words(svg)
    assert all(source in told for source in published_experiments()["source"])
    drawn = svg.count('class="open axis"') - 5  # those of the legend
    authors = [p for p in POINTS if isinstance(p.error_rate, float) and p.p != 5e-4]
    assert drawn == len(published_experiments()) + len(authors)


def test_every_point_has_a_label_or_is_named_below() -> None:
    svg = plot(make_row())
    visible = " ".join(re.findall(r">([^<>]+)</text>", svg))
    numbers = {s.citation: s.number for s in published_sources()}
    for row in published_experiments().query("kind == 'experiment'").to_dict("records"):
        name = row["source"].rpartition(" ")[0]
        assert f"{name} [{numbers[row['citation']]}]" in visible
    assert "fold14" in visible


def test_every_label_has_the_number_of_a_source_and_every_source_a_point() -> None:
    sources = published_sources()
    assert [source.number for source in sources] == list(range(1, len(sources) + 1))
    marks = published_marks()
    numbers = [int(re.findall(r"\[(\d+)\]$", mark.label)[0]) for mark in marks]
    assert set(numbers) == {source.number for source in sources}
    for source in sources:
        assert len(source.points) == numbers.count(source.number)
    assert len({mark.label for mark in marks}) == len(marks)
    assert sources[-1].citation == CHAMBERLAND_NOH.citation


def test_labels_of_different_points_differ_even_if_only_the_distance_does() -> None:
    rows = [
        make_row(label=f"fold14 d={d} r=1", distance=d, infidelity=d * 1e-3, acceptance=d / 10)
        for d in (3, 5)
    ]
    svg = plot(*rows)
    assert ">fold14 d=3<" in svg and ">fold14 d=5<" in svg
    ideal = make_row(estimate="h_ideal", infidelity=1e-6)
    svg = plot(make_row(), ideal)
    assert ">fold14<" in svg and ">fold14, H ideal<" in svg


def test_two_bare_qubits_of_two_runs_are_two_lines() -> None:
    bare = make_row(scheme="bare", baseline=True, infidelity=0.0123)
    rows = [
        bare | {"run": name, "label": f"run {i}: bare", "infidelity": 0.01 * i}
        for i, name in ((1, "a"), (2, "b"))
    ]
    svg = plot(*rows)
    assert "run 1: bare qubit, fake_boston" in svg and "run 2: bare qubit, fake_boston" in svg


def test_ours_has_error_bars_both_ways() -> None:
    (own,) = bars(plot(make_row())) - bars(plot())
    ends = re.findall(r"M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)", own)
    assert len(ends) == 2
    (x0, _, x1, _), (_, y2, _, y3) = ends
    assert x0 == x1
    assert y2 == y3


def test_larger_acceptance_is_right_and_smaller_infidelity_below() -> None:
    def place(svg: str) -> list[float]:
        (mark,) = re.findall(r'<polygon points="([\d., ]+)" class="data"', svg)[:-1]
        numbers = [float(n) for n in re.split("[ ,]", mark)]
        return [min(numbers[0::2]), min(numbers[1::2])]

    low, high = plot(make_row(acceptance=0.2)), plot(make_row(acceptance=0.8))
    worse, better = plot(make_row(infidelity=2e-3)), plot(make_row(infidelity=6e-4))
    assert place(low)[0] < place(high)[0]
    assert place(worse)[1] < place(better)[1]


def test_decoded_states_are_open_and_checked_ones_filled() -> None:
    checked = plot(make_row(estimate="h_ideal"))
    decoded = plot(make_row(estimate="h_ideal", readout="correct"))
    assert checked.count('class="data"') == decoded.count('class="data"') + 1
    assert "readout correct:" in words(decoded)


def test_an_interval_that_reaches_zero_has_an_arrow() -> None:
    assert plot(make_row(infidelity_low=-1e-3)).count("bound-text") == (
        plot(make_row()).count("bound-text") + 1
    )


def test_an_estimate_below_zero_is_drawn_as_its_upper_end() -> None:
    svg = plot(make_row(infidelity=-1e-4, infidelity_low=-3e-4, infidelity_high=2e-4))
    assert svg.count('class="data"') == 1  # the legend's
    assert "-0.0001 [-0.0003, 0.0002]" in words(svg)


def test_a_bare_qubit_is_the_line_to_break_even() -> None:
    bare = make_row(label="bare", scheme="bare", baseline=True, infidelity=0.0123)
    removed = bare | {"estimate": "readout_removed", "infidelity": 0.001}
    svg = plot(make_row(), bare, removed)
    assert "bare qubit, fake_boston" in svg
    assert "1.2\N{MULTIPLICATION SIGN}10⁻²" in words(svg)
    assert "bare qubit" not in plot(make_row())


def test_bound_and_threshold_are_told_with_the_type_of_state() -> None:
    assert "stabiliser bound of |H&gt; 0.146; 15-to-1 threshold (H type) 0.141" in words(plot())


@pytest.mark.parametrize("name", ["infidelity", "acceptance"])
def test_rows_without_a_value_are_left_out(name: str) -> None:
    assert "This run" not in words(plot(make_row(**{name: float("nan")})))


def test_there_is_no_fixed_colour_and_no_size_beyond_a_telephone() -> None:
    svg = plot(make_row())
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b|rgb\(|fill=|stroke=", svg)
    assert WIDTH <= 430


def test_labels_never_overlap_nor_leave_the_frame() -> None:
    room = LabelRoom(FRAME)
    marks = [(f"label {i}", (20.0 + 37 * (i % 8), 30.0 + 45 * (i // 8))) for i in range(28)]
    room.labels(marks)
    assert len(room.taken) >= 20
    assert not any(a.overlaps(b) for a, b in combinations(room.taken, 2))
    assert all(FRAME.contains(box) for box in room.taken)


def test_what_finds_no_room_is_named_as_missed() -> None:
    room = LabelRoom(Box(0, 0, 60, 20))
    room.labels([("one", (10.0, 10.0)), ("a very long label", (30.0, 10.0))])
    assert "a very long label" in room.missed
    assert "one" not in room.missed
