"""Text tables of infidelities, of strata and of sweeps: nothing said wrongly, nothing alike."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from fakes.judged import (
    both_readouts,
    counts,
    ideal_counts,
    ideal_strata,
    make_point,
    outcome,
    swept_points,
)

from hexmagic.analysis.tables.basic import cutflow_table, fidelity_table, points_table
from hexmagic.analysis.text.tables import render_text
from hexmagic.experiments.counts import Counts

TOMOGRAPHY = {basis: counts(1000, 800, 100) for basis in "XYZ"}
EVERY = {**TOMOGRAPHY, "H": counts(1000, 700, 21), "H_ideal": ideal_counts()}
FLOW = Counts(shots=100, outcomes={"detect": outcome(80, 10)}, passed=(None, 95, 90, 85, 80))


def sweep(field: str = "device.noise.uniform", scheme: str = "fold13") -> pd.DataFrame:
    points = []
    for i, p in enumerate((0.0001, 0.0002, 0.0005, 0.001)):
        label = f"{scheme} d=3 r=1 {field.rpartition('.')[2]}={p}"
        found = {"H_ideal": replace(ideal_counts(), shots=1000 + i)}
        given = {"label": label, "noise": f"uniform {p}", "swept": {field: p}}
        points.append(make_point(point=i, counts=found, **given))
    return fidelity_table(points)


def keys(text: str) -> list[str]:
    """Return what stands in front of the numbers in the first block, row by row."""
    lines = text.split("\n\n")[1].splitlines()
    width = lines[0].index("1-F")
    return [line[:width].strip() for line in lines[2:]]


def test_an_infidelity_is_written_with_its_power_of_ten_and_its_interval() -> None:
    found = both_readouts(10**9, outcome(10**9, 171.0), outcome(10**9, 0.0))
    point = make_point(counts={"H_ideal": found})
    lines = render_text(fidelity_table([point]), 120).splitlines()
    assert lines[0] == (
        "Infidelity 1-F of |H>, H ideal, 95 % intervals: Clopper-Pearson; accepted: Wilson"
    )
    assert lines[3].split() == ["point", "readout", "1-F", "accepted", "%", "attempts"]
    assert "detect   1.71e-7 [1.46e-7, 1.99e-7]  100.000 [100.000, 100.000]" in lines[5]
    assert "correct  0 [0, 3.7e-9]" in lines[6]


def test_judged_rows_stand_below_those_of_tomography_with_their_own_columns() -> None:
    text = render_text(fidelity_table([make_point(counts=EVERY)]), 120)
    first, second = text.split("Infidelity 1-F")
    assert "<X>" in first and "H ideal" not in first and "1-F" not in first
    assert "<X>" not in second and "intervals: Wilson (H measured), Clopper-Pearson" in second
    assert "H measured  3.0e-2 [2.0e-2, 4.5e-2]" in second
    assert "1.00000" not in text


def test_a_basis_that_no_row_has_gets_no_column() -> None:
    measured = {basis: TOMOGRAPHY[basis] for basis in "XZ"}
    text = render_text(fidelity_table([make_point(counts=measured)]), 120)
    assert "<X>" in text and "<Z>" in text and "<Y>" not in text


def test_the_title_says_how_the_intervals_of_strata_were_made() -> None:
    found = {"H_ideal": ideal_strata(0.9, 0.1)}
    title = render_text(fidelity_table([make_point(stratified=found)])).splitlines()[0]
    assert title.endswith("H ideal, 95 % intervals: Clopper-Pearson by stratum")
    mixed = [make_point(counts=TOMOGRAPHY), make_point(point=1, stratified=_strata_of_bases())]
    title = " ".join(render_text(fidelity_table(mixed)).splitlines()[:2])
    assert "Wilson and Clopper-Pearson by stratum; F by MOVER of these" in title


def _strata_of_bases() -> dict[str, object]:
    return {basis: ideal_strata(0.9, 0.1) for basis in "XZ"}


@pytest.mark.parametrize("width", [50, 60, 72, 80, 100])
def test_the_points_of_a_sweep_stay_apart_at_any_width(width: int) -> None:
    for frame in (sweep(), sweep(scheme="fold13-with-quite-a-long-name-of-a-scheme")):
        text = render_text(frame, width)
        assert max(map(len, text.splitlines())) <= width
        assert len(set(keys(text))) == 8  # four points, two readouts


def test_a_noise_that_the_label_tells_as_a_swept_value_is_not_repeated() -> None:
    text = render_text(sweep(), 80)
    assert "uniform=0.0005" in text and "uniform 0.0005" not in text


def test_a_swept_value_has_its_own_column_where_labels_would_be_clipped() -> None:
    frame = sweep(scheme="fold13-with-a-name")
    assert "-name d=3 r=1 uniform=0.0001" in render_text(frame, 120)
    head, _, first = render_text(frame, 74).split("\n\n")[1].splitlines()[:3]
    assert head.split()[:3] == ["point", "uniform", "readout"]
    assert ".." not in first and first.split("  ")[1] == "0.0001"


def test_labels_that_are_alike_when_clipped_get_the_number_of_their_point() -> None:
    label = "a-very-long-name-of-a-scheme {} that-ends-as-all-the-others-do"
    points = [
        make_point(point=i, label=label.format(i), counts={"H_ideal": ideal_counts()})
        for i in (3, 4)
    ]
    text = render_text(fidelity_table(points), 60)
    assert text.split("\n\n")[1].split()[0] == "#"
    assert len(set(keys(text))) == 4


def test_labels_that_stay_apart_when_clipped_get_no_number() -> None:
    label = "a-very-long-name-of-a-scheme that-ends-in-a-number-of-its-own {}"
    points = [
        make_point(point=i, label=label.format(i), counts={"H_ideal": ideal_counts()})
        for i in (3, 4)
    ]
    text = render_text(fidelity_table(points), 60)
    assert text.split("\n\n")[1].split()[0] == "point"
    assert ".." in text and len(set(keys(text))) == 4


def test_points_by_several_methods_name_them_all() -> None:
    points = [make_point(counts=TOMOGRAPHY), make_point(point=1, stratified=_strata_of_bases())]
    title = " ".join(render_text(points_table(points)).split())
    assert "95 % intervals: Wilson and Clopper-Pearson by stratum" in title


def test_points_show_rates_of_minus_one_for_judged_measures() -> None:
    text = render_text(points_table([make_point(counts=EVERY)]), 120)
    first, second = text.split("\n\nKept shots and rates of outcome -1")
    assert "<P>" in first and "H_ideal" not in first
    assert "H_ideal" in second and "2.5e-3 [" in second and "<P>" not in second
    assert "kept / shots is not the acceptance" not in text


def test_of_strata_the_points_say_what_their_shots_are() -> None:
    text = render_text(points_table(swept_points()))
    assert "kept / shots is not the acceptance" in " ".join(text.split())


# Cut-flow


def test_a_cut_flow_of_early_shots_shows_each_measure() -> None:
    text = render_text(cutflow_table([make_point(counts=EVERY)]))
    assert text.startswith("Cut-flow: shots that pass all criteria, 95 % Wilson intervals\n")
    assert "X           1000     800  80.0 [77.4, 82.4]" in text
    assert "H_ideal     1000     800  80.0 [77.4, 82.4]" in text
    assert "not applied" not in text


def test_measures_with_and_without_a_cut_flow_stand_below_each_other() -> None:
    found = {"X": FLOW, "Z": FLOW, "H_ideal": ideal_counts()}
    text = render_text(cutflow_table([make_point(counts=found)]))
    assert text.index("criterion") < text.index("measure  entered")
    assert "kept           200     160  80.0" in text
    assert "H_ideal     1000     800" in text


def test_points_without_a_cut_flow_are_left_out() -> None:
    empty = make_point(label="strata alone", stratified={"H_ideal": ideal_strata(0.9, 0.1)})
    frame = cutflow_table([empty, make_point(point=1, counts={"X": FLOW})])
    assert "strata alone" not in render_text(frame)


def test_a_cut_flow_without_the_rows_of_all_bases_shows_the_first_basis() -> None:
    frame = cutflow_table([make_point(counts={"X": FLOW})])
    text = render_text(frame[frame["basis"] != "all"])
    assert "kept           100      80  80.0" in text


def test_no_cut_flow_at_all_says_where_to_look() -> None:
    frame = cutflow_table([make_point(stratified={"H_ideal": ideal_strata(0.9, 0.1)})])
    assert "--kind strata" in render_text(frame)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("make", [fidelity_table, points_table, cutflow_table])
def test_no_line_is_wider_than_asked(make: object, width: int) -> None:
    points = [*swept_points(), make_point(point=9, counts=EVERY, label="all " * 20)]
    text = render_text(make(points), width)  # type: ignore[operator]
    assert max(map(len, text.splitlines())) <= width
    assert text.isascii() and "nan" not in text
