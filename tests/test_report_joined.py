"""A report of two runs of one experiment: what it shows of each can be told from the other's."""

import re
from dataclasses import replace
from html import unescape

import pandas as pd
from fakes.two_runs import POINTS, RUNS, make_both, named

from hexmagic.analysis.report.page import render_report
from hexmagic.driver.report_data import join_reports


def pictures(html: str, words: str) -> list[str]:
    """Return the pictures whose alternative text begins so."""
    found = re.findall(r"<svg [^>]*aria-label=.*?</svg>", html, re.DOTALL)
    return [svg for svg in found if f'aria-label="{words}' in svg]


def texts(svg: str) -> list[str]:
    return [unescape(words) for words in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def test_each_row_of_the_fidelity_pictures_has_a_name_of_its_own() -> None:
    html = render_report(make_both())
    for begin in ("Fidelity F of", "Infidelity 1"):
        (svg,) = pictures(html, begin)
        names = [words for words in texts(svg) if "bare" in words or "d=3" in words]
        assert len(names) == 2 * POINTS
        assert len(set(names)) == len(names)
        for run in ("run 1", "run 2"):
            assert sum(name.startswith(run) for name in names) == POINTS


def test_each_bloch_vector_says_whose_it_is_and_its_list_tells_the_points_apart() -> None:
    drawn = pictures(render_report(make_both()), "Bloch vector")
    assert [texts(svg)[0] for svg in drawn] == ["run 1: fold14 d=3 r=1", "run 2: fold14 d=3 r=1"]
    for svg in drawn:
        listed = [words for words in texts(svg) if re.match(r"\d  ", words)]
        assert listed == [
            "1  fold14 d=3 r=1",
            "2  bare",
            "3  bare, readout removed",
            "4  encoded d=3",
        ]


def test_both_runs_have_a_label_beside_the_published_points() -> None:
    (svg,) = pictures(render_report(make_both()), "Infidelity against acceptance")
    shown = texts(svg)
    assert {"run 1: fold14", "run 2: fold14"} <= set(shown)
    assert not [words for words in shown if words.startswith("without a label") and "run" in words]


def test_the_report_begins_with_the_ids_of_its_runs() -> None:
    html = render_report(make_both())
    head = html[: html.index("<nav")]
    for i, run in enumerate(RUNS, start=1):
        assert f"<dt>run {i}</dt><dd><code>{run}</code>" in head
    assert "<title>2 runs of steane-h-boston</title>" in html


def test_no_label_of_a_table_or_picture_holds_an_id() -> None:
    html = render_report(make_both())
    cells = re.findall(r"<th scope=row[^>]*>(.*?)</th>", html, re.DOTALL)
    labels = [*cells, *re.findall(r"<text[^>]*>([^<]*)</text>", html)]
    labels += re.findall(r"<h3>(.*?)</h3>", html)
    assert len(labels) > 100
    assert not [label for label in labels if "20261123" in label]


def test_problems_and_commands_keep_the_ids() -> None:
    both = make_both()
    assert both.problems[1] == f"run 2, {RUNS[1]}: a shard is missing"
    assert [run in command for run, command in zip(RUNS, both.reproduce, strict=True)] == [True] * 2


def test_the_differences_are_those_of_the_second_run_from_the_first() -> None:
    frame = make_both().differences
    assert set(frame["run"]) == {"run 2"} and set(frame["first_run"]) == {"run 1"}
    fidelity = frame[frame["quantity"] == "fidelity"]
    assert list(fidelity["difference"].round(6)) == [-0.003] * POINTS


def test_a_single_run_is_called_by_its_id() -> None:
    html = render_report(named(RUNS[0], 0.0))
    assert f"Run <code>{RUNS[0]}</code>" in html and "run 1" not in html


def test_a_joined_report_without_tables_of_shots_has_no_sections_of_them() -> None:
    none = pd.DataFrame()
    data = [
        replace(named(run, 0.0), flags=none, drift=none, predicted=none, problems=())
        for run in RUNS
    ]
    html = render_report(join_reports(data))
    assert not [name for name in ("flags", "drift", "predicted") if f'id="{name}"' in html]
