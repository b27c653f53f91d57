import re
from dataclasses import replace
from html.parser import HTMLParser
from math import inf, nan
from typing import Any

import pandas as pd
from fakes.reports import (
    BARE,
    CERTIFICATE,
    ENCODED,
    PROTOCOL,
    UNFOLDED,
    frame,
    make_calibration,
    make_data,
    make_drawing,
    make_full_data,
    stage,
    tables,
)

from hexmagic.analysis.phases import FLAG, X_SYNDROME, Phase
from hexmagic.analysis.report.page import render_report
from hexmagic.analysis.report.summary import findings
from hexmagic.analysis.tables.basic import FIDELITY

VOID = {"meta", "br"}
EVIL = """<img src=x onerror="alert('1')">&amp;"""


class Page(HTMLParser):
    """A page's tags, its attributes and its text; unbalanced tags fail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def pictures(self) -> list[str]:
        return [value or "" for key, value in self.attributes if key == "aria-label"]


def page(*rows: dict[str, Any], **changes: Any) -> Page:
    return Page(render_report(make_data(*rows, **changes)))


def nothing_kept(point: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"kept": 0, "attempts_per_kept": inf}
    values |= {"acceptance": 0.0, "acceptance_low": 0.0, "acceptance_high": 1e-4}
    for name in ("fidelity", "infidelity"):
        values |= {name: nan, f"{name}_low": 0.0, f"{name}_high": 1.0}
    for basis in "xyz":
        values |= {basis: nan, f"{basis}_low": -1.0, f"{basis}_high": 1.0}
    return point | values


def swept(point: dict[str, Any], p: float) -> dict[str, Any]:
    changes = {"noise": f"uniform {p:g}", "sweep.device.noise.uniform": p}
    return point | changes | {"label": f"{point['label']} uniform={p:g}"}


def test_the_report_is_one_file_that_loads_nothing() -> None:
    report = page()
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(report.tags)
    references = [v for key, v in report.attributes if key in ("src", "href", "xlink:href")]
    assert all((value or "").startswith("#") for value in references)
    html = render_report(make_data())
    assert "://" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html
    assert len(html.encode()) < 1_000_000


def test_the_same_data_give_the_same_bytes() -> None:
    assert render_report(make_data()) == render_report(make_data())


def test_every_link_inside_the_page_has_its_target() -> None:
    attributes = page().attributes
    targets = [value for key, value in attributes if key == "id"]
    assert len(targets) == len(set(targets))
    links = {(value or "")[1:] for key, value in attributes if key == "href"}
    assert links <= set(targets)
    assert set(re.findall(r"url\(#([^)]+)\)", render_report(make_data()))) <= set(targets)


def test_every_picture_has_a_text_for_those_who_cannot_see_it() -> None:
    report = page()
    assert report.tags.count("svg") == report.attributes.count(("role", "img")) + 1  # hatchings
    assert any("Fidelity F" in words and "0.99975" in words for words in report.pictures())
    assert any("156" not in words and "12 qubits" in words for words in report.pictures())


def test_the_summary_gives_fidelity_acceptance_and_separation() -> None:
    text = page().text
    assert "F = 0.9998 [0.9977, 1.0019] at 74.21 % acceptance [73.86, 74.56]" in text
    assert "Baseline encoded d=3: F = 0.9612 [0.9586, 0.9638]; protocol 22.6 sigma above" in text
    assert "detection holds; correction fails: 1 counterexample." in text


def test_a_baseline_is_compared_within_its_grid_point_only() -> None:
    rows = [swept(point, p) for p in (1e-4, 1e-3) for point in (PROTOCOL, ENCODED)]
    labels = [[c.label for c in f.comparisons] for f in findings(frame(rows, FIDELITY))]
    assert labels == [["encoded d=3 uniform=0.0001"], ["encoded d=3 uniform=0.001"]]


def test_problems_come_before_the_summary() -> None:
    text = page(problems=("fold14 d=3 r=1 in X: 500 of 20000 shots",)).text
    assert text.index("500 of 20000 shots") < text.index("Encoded magic states")
    assert "⚠" not in page().text


def test_without_baselines_the_report_says_so() -> None:
    assert "There is no baseline to compare with." in page(PROTOCOL).text


def test_no_kept_shot_is_said_in_words_and_never_shown_as_nan() -> None:
    report = page(nothing_kept(PROTOCOL), nothing_kept(ENCODED))
    assert "0 kept of 60 000 shots. That is too little" in report.text
    assert "nan" not in report.text.lower().split()
    assert any("no shot kept" in words for words in report.pictures())


def test_a_run_without_any_result_is_reported() -> None:
    empty = {name: table.iloc[:0] for name, table in tables([PROTOCOL]).items()}
    report = page(**empty, drawing={}, stages={}, calibration=pd.DataFrame(), certificate=None)
    assert "No point of the protocol has a result yet." in report.text
    for words in ("No drawing", "No circuit", "No shots", "No certificate", "No calibration"):
        assert words in report.text


def test_several_points_of_a_sweep_are_all_there() -> None:
    rows = [swept(r, p) for p in (1e-4, 3e-4, 1e-3) for r in (PROTOCOL, BARE, UNFOLDED, ENCODED)]
    text = page(*rows).text
    for row_ in rows:
        assert row_["label"] in text


def test_points_with_the_same_drawing_share_it() -> None:
    drawings = {"a": make_drawing(), "b": make_drawing()}
    report = page(drawing=drawings)
    assert sum(words.startswith("Map of") for words in report.pictures()) == 1
    assert "a, b" in report.text


def test_the_phases_of_a_patch_are_drawn_side_by_side() -> None:
    roles = make_drawing().roles
    first, second = dict(roles) | {1: FLAG}, dict(roles) | {1: X_SYNDROME}
    phases = (
        Phase(title="H_m, here", stage="hadamard", roles=first, labels={1: "flag"}),
        Phase(title="ED, here", stage="detection", roles=second, labels={1: "X0"}),
    )
    drawn = page(drawing={"a": replace(make_drawing(), phases=phases)})
    both = [words for words in drawn.pictures() if "here on fake_boston" in words]
    assert ["flag: f1" in both[0], "X syndrome: f1 (X0)" in both[1]] == [True, True]
    assert "What is read from each ancilla in each phase" in drawn.text
    assert "What is read from each ancilla" not in page().text


def test_sections_of_shots_appear_only_with_their_tables() -> None:
    full, plain = Page(render_report(make_full_data())), page()
    names = {"flags", "predicted", "drift"}
    ids = [{v for key, v in one.attributes if key == "id"} & names for one in (full, plain)]
    assert ids == [names, set()]
    begins = ("Firing rate", "Measured and predicted", "Drift", "Bloch vector")
    drawn = [sum(w.startswith(begin) for w in full.pictures()) for begin in begins]
    assert drawn == [3, 1, 1, 1]


def test_nothing_that_a_person_wrote_becomes_markup() -> None:
    drawing = replace(make_drawing(), device=EVIL, roles={0: EVIL}, names={0: EVIL}, faces=())
    report = page(
        PROTOCOL | {"label": EVIL, "device": EVIL, "noise": EVIL},
        ENCODED | {"label": EVIL},
        **dict.fromkeys(("run", "name", "description", "created"), EVIL),
        drawing={EVIL: drawing},
        stages={EVIL: (stage(EVIL, EVIL, 1, 0, 0.0, 1e-6),)},
        certificate={EVIL: CERTIFICATE | {EVIL: EVIL, "list": [{EVIL: EVIL}]}},
        provenance={EVIL: {EVIL: EVIL}},
        **dict.fromkeys(("rewrites", "problems", "reproduce"), (EVIL,)),
    )
    assert "img" not in report.tags
    assert not [key for key, _ in report.attributes if key.startswith("on")]
    assert report.text.count(EVIL) > 15


def test_calibration_shows_units_and_leaves_out_what_is_not_known() -> None:
    text = page().text
    for value in ("292 µs", "353 µs", "0.42 %", "0.014 %", "0.130 %"):
        assert value in text
    frame_ = make_calibration().drop(columns=["t1_seconds", "two_qubit_error"])
    assert (
        "T1" not in page(calibration=frame_).text.split("Provenance")[-2].split("Calibration")[-1]
    )
