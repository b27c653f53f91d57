import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from math import inf, nan
from typing import Any, cast

import pandas as pd

from hexmagic.analysis.drawings import PatchDrawing
from hexmagic.analysis.phases import FLAG, X_SYNDROME, Phase
from hexmagic.analysis.plot_bars import Stage
from hexmagic.analysis.report import ReportData, render_report
from hexmagic.analysis.report_summary import findings
from hexmagic.analysis.report_tables import CALIBRATION_COLUMNS
from hexmagic.analysis.tables import CUTFLOW, FIDELITY, POINTS

VOID = {"meta", "br"}
EVIL = """<img src=x onerror="alert('1')">&amp;"""


def frame(rows: list[dict[str, Any]], schema: Mapping[str, str]) -> pd.DataFrame:
    values: dict[str, Any] = {key: [row[key] for row in rows] for key in schema}
    columns = {key: pd.Series(values[key], dtype=cast(Any, t)) for key, t in schema.items()}
    swept = dict.fromkeys(key for row in rows for key in row if key.startswith("sweep."))
    return pd.DataFrame(columns | {key: [row.get(key, nan) for row in rows] for key in swept})


def interval(name: str, value: float, half: float) -> dict[str, float]:
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def row(label: str, fidelity: float, half: float, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        **{"run": "20260101-120000-demo", "point": 0, "label": label, "baseline": True},
        **{"scheme": label.partition(" ")[0], "distance": 3, "rounds": None, "reuse": None},
        **{"device": "fake_boston", "noise": "calibration", "backend": "aer", "estimate": "raw"},
        **{"readout": "detect", "shots": 60000, "kept": 44526, "attempts_per_kept": 1 / 0.7421},
        **interval("acceptance", 0.7421, 0.0035),
        **interval("x", 0.7065, 0.0081),
        **interval("y", -0.0021, 0.0113),
        **interval("z", 0.7082, 0.0079),
        **interval("fidelity", fidelity, half),
        **interval("infidelity", 1 - fidelity, half),
        **{"level": 0.95, "method": "mover-wilson"},
    }
    return values | changes


PROTOCOL = row("fold14 d=3 r=1", 0.99975, 0.0021, baseline=False, rounds=1, reuse="xor")
BARE = row("bare", 0.9902, 0.0019, point=1, distance=None)
UNFOLDED = row("bare", 0.99961, 0.0019, point=1, distance=None, estimate="readout_removed")
ENCODED = row("encoded d=3", 0.9612, 0.0026, point=2)
FLOW = (("encode", 0), ("hadamard", 2510), ("flags", 8123), ("syndromes", 3317), ("readout", 1524))


def cutflow_of(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for basis in ("X", "Y", "Z", "all"):
        entered = 60000 if basis == "all" else 20000
        for criterion, lost in FLOW:
            failed = lost if basis == "all" else lost // 3
            rate = {"entered": entered, "passed": entered - failed, "failed": failed}
            shown = {"basis": basis, "criterion": criterion, "applied": criterion != "encode"}
            passed = interval("pass_rate", 1 - failed / entered, 0.001)
            rows.append(dict(point) | shown | rate | passed | {"method": "wilson"})
            entered -= failed
    return rows


def points_of(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    taken = {"shots": 20000, "kept": 14842, "method": "wilson"}
    expected = {"X": 0.7065, "Y": -0.0021, "Z": 0.7082}
    return [
        dict(point) | taken | {"basis": basis} | interval("expectation", value, 0.008)
        for basis, value in expected.items()
    ]


def tables(rows: list[dict[str, Any]]) -> dict[str, Any]:
    raw = [r for r in rows if r["estimate"] == "raw"]
    return {
        "fidelity": frame(rows, FIDELITY),
        "cutflow": frame([r for point in raw for r in cutflow_of(point)], CUTFLOW),
        "points": frame([r for point in raw for r in points_of(point)], POINTS),
    }


def make_drawing() -> PatchDrawing:
    ring = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2), (3, 2), (2, 2), (1, 2), (0, 2)]
    edges = tuple((i, (i + 1) % 12) for i in range(12))
    return PatchDrawing(
        device="fake_boston",
        positions=(*((float(x), float(y)) for x, y in ring), (0.0, 1.0)),
        edges=edges,
        roles=dict.fromkeys((0, 2, 4, 6), "data") | {1: "ancilla", 3: "ancilla (H_m root)"},
        names={0: "x1", 1: "f1", 2: "n1"},
        faces=((0, 2, 4, 6),),
        faulty_edges=((9, 10),),
        faulty_qubits=(8,),
    )


def stage(label: str, name: str, gates: int, reads: int, start: float, end: float) -> Stage:
    values: dict[str, Any] = {"two_qubit_gates": gates, "measurements": reads, "resets": 0}
    values |= {"round": int(name in ("hadamard", "detection")), "seconds": end - start}
    return Stage(label=label, stage=name, start_seconds=start, **values)


STAGES = (
    stage("encode", "encode", 30, 0, 0.0, 9.1e-7),
    stage("hadamard 1", "hadamard", 25, 1, 9.1e-7, 7.16e-6),
    stage("detection 1", "detection", 50, 6, 2.3e-6, 7.16e-6),
    stage("readout", "readout", 0, 7, 4.96e-6, 7.16e-6),
)
CERTIFICATE = {
    **{"order": 1, "faults": 2893, "detection_failures": 0, "correction_failures": 1},
    "by_gadget": {"encode": {"faults": 811, "detection": 0, "correction": 0}},
    "counterexamples": [{"kind": "correction", "gate": "cz", "qubits": [3, 4], "pauli": "ZZ"}],
}


def make_calibration() -> pd.DataFrame:
    qubit = {"device": "fake_boston", "kind": "qubit", "qubit": 3, "name": "n1", "role": "data"}
    times = {"t1_seconds": 2.92e-4, "t2_seconds": 3.53e-4, "one_qubit_error": 1.4e-4}
    readout = {"prob_1_given_0": 0.0042, "prob_0_given_1": 0.0061}
    edge = {"device": "fake_boston", "kind": "edge", "qubit": 3, "qubit_2": 4}
    rows = [qubit | times | readout, edge | {"two_qubit_error": 1.3e-3}]
    return pd.DataFrame(rows, columns=list(CALIBRATION_COLUMNS))


def make_data(*rows: dict[str, Any], **changes: Any) -> ReportData:
    data = ReportData(
        run="20260101-120000-demo",
        name="steane-h-boston",
        description="d = 3 |H> on a Heron r3 calibration, against its baselines",
        created="2026-01-01T12:00:00+00:00",
        **tables(list(rows) or [PROTOCOL, BARE, UNFOLDED, ENCODED]),
        drawing={"fold14 d=3 r=1": make_drawing()},
        stages={"fold14 d=3 r=1": STAGES, "encoded d=3": STAGES[::3]},
        calibration=make_calibration(),
        certificate=CERTIFICATE,
        provenance={"versions": {"qiskit": "2.6.2"}, "seeds": list(range(100)), "git": None},
        rewrites=("delays in front of a qubit's first gate are left out",),
    )
    return replace(data, **changes)


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
