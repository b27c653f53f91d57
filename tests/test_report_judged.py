"""The report of runs by H, by ideal judgement and by strata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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

from hexmagic.analysis.numbers import TIMES, scientific_interval
from hexmagic.analysis.plots.fidelity import fidelity_plot, infidelity_plot
from hexmagic.analysis.points import PointCounts
from hexmagic.analysis.report.judged import infidelity_view, judged_points
from hexmagic.analysis.report.page import ReportData, render_report
from hexmagic.analysis.tables.basic import cutflow_table, fidelity_table, points_table
from hexmagic.analysis.tables.strata import strata_table
from hexmagic.experiments.counts import Counts

TOMOGRAPHY = {basis: counts(1000, 800, 100) for basis in "XYZ"}
EVERY = {**TOMOGRAPHY, "H": counts(1000, 700, 21), "H_ideal": ideal_counts()}
FLOW = Counts(shots=100, outcomes={"detect": outcome(80, 10)}, passed=(None, 95, 90, 85, 80))


def page(points: Sequence[PointCounts], **changes: Any) -> str:
    """Return the page, with plain spaces and x for the multiplication sign."""
    given: dict[str, Any] = {
        "run": "r1",
        "name": "judged",
        "description": "",
        "created": "2026-01-01T12:00:00+00:00",
        "fidelity": fidelity_table(points),
        "cutflow": cutflow_table(points),
        "points": points_table(points),
        "strata": strata_table(points),
    }
    html = render_report(ReportData(**(given | changes)))
    return html.replace("\N{NARROW NO-BREAK SPACE}", " ").replace(TIMES, "x")


def infidelities(*values: tuple[float, float, float]) -> pd.DataFrame:
    frame = fidelity_table([make_point(counts={"H_ideal": ideal_counts()})]).head(1)
    ends = ["infidelity", "infidelity_low", "infidelity_high"]
    return pd.concat([frame.assign(**dict(zip(ends, v, strict=True))) for v in values])


# Summary


def test_the_summary_tells_every_judged_estimate_with_its_interval() -> None:
    html = page([make_point(counts=EVERY)])
    assert "<li>H measured: <b>3.0x10⁻²</b> [2.0x10⁻², 4.5x10⁻²], 70.0 % accepted" in html
    assert "<li>H ideal, readout detect: <b>2.5x10⁻³</b>" in html
    assert "<li>H ideal, readout correct: <b>1.00x10⁻²</b>" in html
    assert "No point of the protocol has a result yet" not in html


def test_a_single_judged_point_has_tiles() -> None:
    html = page([make_point(counts={"H_ideal": ideal_counts()})])
    assert "<dt>1 − F, H ideal, readout detect</dt><dd>2.5x10⁻³" in html  # noqa: RUF001 - minus sign
    assert "Certificate of" not in html and "No certificate of <b>fold13 d=3 r=1</b>" in html


def test_an_infidelity_is_compared_with_the_same_estimate_of_its_baseline_alone() -> None:
    found = judged_points(fidelity_table(swept_points()))
    assert list(found) == ["fold13 d=3 r=1 uniform=0.0001", "fold13 d=3 r=1 uniform=0.001"]
    assert [j.comparisons for j in found["fold13 d=3 r=1 uniform=0.0001"]] == [(), ()]
    ((label, value, times),) = found["fold13 d=3 r=1 uniform=0.001"][0].comparisons
    assert label == "encoded d=3 uniform=0.001"
    assert value.startswith("1.0") and times == "10 times the protocol's"


def test_no_error_of_the_protocol_gives_no_ratio() -> None:
    found = {"H_ideal": both_readouts(1000, outcome(900, 0.0), outcome(900, 0.0))}
    baseline = make_point(point=1, baseline=True, counts={"H_ideal": ideal_counts()})
    frame = fidelity_table([make_point(counts=found), baseline])
    ((_, _, times),) = judged_points(frame)["fold13 d=3 r=1"][0].comparisons
    assert times == "no ratio, as the protocol showed no error"


def test_nothing_kept_is_said_and_never_shown_as_nan() -> None:
    html = page([make_point(counts={"H": counts(1000, 0, 0)})])
    assert "H measured: no shot kept." in html
    assert "no shot kept: no value" in html
    assert ">nan" not in html


def test_a_baseline_of_another_estimate_is_not_compared_with_tomography() -> None:
    baseline = make_point(point=1, label="encoded d=3", baseline=True, counts=EVERY)
    html = page([make_point(counts=EVERY), baseline])
    assert "Baseline <b>encoded d=3</b>: F" in html
    assert "Baseline <b>encoded d=3, H" not in html


# Tables and sections


def test_the_infidelity_table_names_method_and_readout() -> None:
    table = infidelity_view(fidelity_table([make_point(counts=EVERY)]).tail(3))
    assert [row[1].text for row in table.rows] == ["H measured", "H ideal", "H ideal"]
    assert table.heads[2] == "readout faces"
    assert [row[-1].text for row in table.rows] == ["Wilson", *["Clopper-Pearson"] * 2]


def test_one_method_for_all_rows_is_said_once() -> None:
    table = infidelity_view(fidelity_table(swept_points()))
    assert ("interval", "Clopper-Pearson by stratum") in table.constants
    assert [row[-1].below for row in table.rows] == ["by stratum"] * 6


def test_a_stratified_run_has_a_section_of_strata_and_no_cut_flow() -> None:
    html = page(swept_points())
    assert 'id="strata"' in html and '<a href="#strata">Strata</a>' in html
    assert "has no cut-flow" in html and "No shots were recorded" not in html
    assert "4 to" not in html and ">exact<" in html and ">sampled<" in html


def test_a_direct_run_has_no_section_of_strata() -> None:
    html = page([make_point(counts={"X": FLOW, "Z": FLOW})])
    assert 'id="strata"' not in html and "#strata" not in html
    assert "no cut-flow" not in html


def test_early_shots_are_said_where_the_cut_flow_would_be() -> None:
    html = page([make_point(counts=EVERY)])
    assert "fold13 d=3 r=1 in X, Y, Z, H, H ideal." in html
    assert "hatched" not in html
    both = page([make_point(counts={"X": FLOW, "H_ideal": ideal_counts()})])
    assert "fold13 d=3 r=1 in H ideal." in both and "hatched" in both


@pytest.mark.parametrize(
    ("term", "points"),
    [
        ("H measured", [make_point(counts={"H": counts(1000, 700, 21)})]),
        ("H ideal", [make_point(counts={"H_ideal": ideal_counts()})]),
        ("Clopper-Pearson", [make_point(counts={"H_ideal": ideal_counts()})]),
        ("stratified, by stratum", [make_point(stratified={"H_ideal": ideal_strata(1.0)})]),
        ("Pauli twirl", [make_point(counts=TOMOGRAPHY)]),
    ],
)
def test_the_glossary_explains_a_word_where_it_is_used(
    term: str, points: list[PointCounts]
) -> None:
    usual = page([make_point(backend="aer", counts={"X": FLOW, "Z": FLOW})])
    assert f"<dt>{term}</dt>" in page(points)
    assert f"<dt>{term}</dt>" not in usual


def test_a_run_that_kept_no_shots_does_not_promise_them() -> None:
    points = [make_point(counts={"X": FLOW, "Z": FLOW})]
    assert "every raw shot" in page(points) and "run.shots()" in page(points)
    html = page(points, keeps_shots=False)
    assert "what the shots count" in html and "run.shots()" not in html


# Pictures


def test_judged_points_have_one_heading_and_a_row_for_each_estimate() -> None:
    plot = infidelity_plot(fidelity_table([make_point(counts=EVERY)]))
    assert plot.count(">fold13 d=3 r=1<") == 1
    for words in ("from ⟨X⟩ and ⟨Z⟩", "H measured", "H ideal, readout detect"):
        assert f">{words}<" in plot
    assert "open: readout correct" in plot
    assert plot.count('class="open axis"') == 2  # readout correct and the legend's


def test_the_axis_reaches_from_one_down_to_1e_12_with_names_that_do_not_touch() -> None:
    plot = infidelity_plot(infidelities((2e-12, 1.5e-12, 2.6e-12), (0.3, 0.2, 0.4)))
    names = [f">10{e}<" for e in ("⁻¹²", "⁻¹⁰", "⁻⁸", "⁻⁶", "⁻⁴", "⁻²", "⁰")]
    assert all(name in plot for name in names)
    assert ">10⁻¹¹<" not in plot
    assert f"2.00{TIMES}10⁻¹² [1.50{TIMES}10⁻¹², 2.60{TIMES}10⁻¹²]" in plot
    assert "2e-12, interval 1.5e-12 to 2.6e-12" in plot  # in words


def test_an_interval_from_zero_has_an_arrow_and_no_mark() -> None:
    plot = infidelity_plot(infidelities((0.0, 0.0, 3.7e-9)))
    assert plot.count("<polygon") == 1
    assert plot.count('class="data"') == 1  # the legend's
    assert f">0 [0, 3.7{TIMES}10⁻⁹]<" in plot


def test_a_tiny_lower_end_does_not_stretch_the_axis() -> None:
    plot = infidelity_plot(infidelities((1e-6, 1e-30, 5e-6)))
    assert plot.count("<polygon") == 1  # the interval goes on beyond the axis
    assert ">10⁻³⁰<" not in plot


def test_tomography_alone_is_drawn_as_before() -> None:
    frame = fidelity_table([make_point(counts=TOMOGRAPHY)])
    for plot in (fidelity_plot(frame), infidelity_plot(frame)):
        assert "from ⟨X⟩" not in plot
        assert 'viewBox="0 0 430 142"' in plot


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((1.712e-7, 1.603e-7, 1.836e-7), ("1.71x10⁻⁷", "[1.60x10⁻⁷, 1.84x10⁻⁷]")),
        ((0.0, 0.0, 1.887e-5), ("0", "[0, 1.89x10⁻⁵]")),
        ((2.369e-4, 2.36891e-4, 2.36909e-4), ("2.3690x10⁻⁴", "[2.3689x10⁻⁴, 2.3691x10⁻⁴]")),
        ((float("nan"), 0.0, 1.0), ("\N{EN DASH}", "[0, 1.00x10⁰]")),
    ],
)
def test_scientific_digits_follow_the_interval(
    ends: tuple[float, float, float], words: tuple[str, str]
) -> None:
    assert tuple(part.replace(TIMES, "x") for part in scientific_interval(*ends)) == words
