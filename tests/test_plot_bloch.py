"""The Bloch vector's picture: where marks lie, and what it says to those who cannot see it."""

import re
from math import hypot, nan

import pandas as pd
import pytest
from fakes.reports import BARE, ENCODED, PROTOCOL, UNFOLDED, frame, interval

from hexmagic.analysis.plots.bloch import MAGIC, Window, _window, bloch_plot
from hexmagic.analysis.plots.bloch_rows import bloch_rows
from hexmagic.analysis.report.pictures import bloch_pictures
from hexmagic.analysis.tables.basic import FIDELITY


def one(x: float, z: float, half: float = 0.02, **changes: object) -> pd.DataFrame:
    parts = interval("x", x, half) | interval("z", z, half)
    return frame([PROTOCOL | parts | changes], FIDELITY)


def circles(svg: str, class_: str) -> list[tuple[float, float]]:
    found = re.findall(rf'<circle cx="([\d.-]+)" cy="([\d.-]+)" r="[\d.]+" class="{class_}"/>', svg)
    return [(float(x), float(y)) for x, y in found]


def test_the_whole_plane_has_the_vector_where_it_belongs() -> None:
    svg = bloch_plot(one(0.3, -0.6))
    ((left, top), *_), (x, y) = circles(svg, "ring"), circles(svg, "data")[0]
    radius = float(re.findall(r'r="([\d.]+)" class="ring"', svg)[0])
    assert ((x - left) / radius, (top - y) / radius) == pytest.approx((0.3, -0.6), abs=1e-3)


def test_the_enlarged_square_holds_every_interval_and_the_magic_state() -> None:
    window = Window(x=0.45, z=0.9, half=0.36)  # 0.2 +- 0.3 and 0.9 +- 0.3 with 1/sqrt 2: 0.81 wide
    assert window(0.45, 0.9) == pytest.approx((306, 132))
    assert window(0.09, 0.54) == pytest.approx((196, 242))
    svg = bloch_plot(one(0.2, 0.9, half=0.3))
    (bars,) = re.findall(r'<path d="(M[^MA-Z]*L[^MA-Z]*M[^MA-Z]*L[^MA-Z]*)" class="interval"', svg)
    ends = [tuple(map(float, end.split(","))) for end in re.split("[ML]", bars) if end]
    x, y = circles(svg, "data")[1]
    assert [x - ends[0][0], ends[1][0] - x] == pytest.approx([y - ends[3][1], ends[2][1] - y], 0.01)
    assert ends[1][0] - ends[0][0] == pytest.approx(220 * 0.6 / (1.2 * (MAGIC[0] + 0.1)), 0.001)
    for place in (*ends, (x, y)):
        assert 196 < place[0] < 416 and 22 < place[1] < 242


def test_a_state_at_h_lies_on_its_mark_and_one_elsewhere_does_not() -> None:
    for (x, z), near in ((MAGIC, True), ((0.6, 0.75), False)):
        svg = bloch_plot(one(x, z))
        mark = circles(svg, "data")[1]
        ((points),) = re.findall(r'points="([^"]+)" class="magic"', svg)
        corners = [tuple(map(float, pair.split(","))) for pair in points.split()]
        middle = (sum(c[0] for c in corners) / 4, sum(c[1] for c in corners) / 4)
        assert (hypot(mark[0] - middle[0], mark[1] - middle[1]) < 0.1) is near


def test_the_most_likely_state_is_a_ring_and_in_the_words() -> None:
    rows = one(0.72, 0.71)
    likely = rows.assign(ml_x=0.7121, ml_y=0.01, ml_z=0.7019)
    assert "most likely state" not in bloch_plot(rows)
    svg = bloch_plot(likely)
    assert "most likely state (0.7121, 0.0100, 0.7019)" in svg
    assert len(circles(svg, "ring strong-ring")) == 2  # one of them in the legend
    assert "most likely" not in bloch_plot(rows.assign(ml_x=nan, ml_y=nan, ml_z=nan))


def test_lines_of_equal_fidelity_end_at_one() -> None:
    shown = [float(f) for f in re.findall(r">F ([\d.]+)<", bloch_plot(one(0.70, 0.71, half=0.1)))]
    assert shown and max(shown) == 1.0 and min(shown) > 0.8


def test_a_point_without_kept_shots_is_named_and_has_no_mark() -> None:
    nothing = {key: nan for basis in "xyz" for key in (basis, f"{basis}_low", f"{basis}_high")}
    svg = bloch_plot(frame([PROTOCOL | nothing], FIDELITY))
    assert "no value" in svg and "fold14" in svg
    assert len(circles(svg, "data")) == 1  # in the list, not in the plane


def test_protocol_and_baselines_differ_in_shape_and_number() -> None:
    rows = bloch_rows(frame([PROTOCOL, BARE, UNFOLDED, ENCODED], FIDELITY))
    assert [row.kind[0] for row in rows] == ["circle", "square", "diamond", "square"]
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert "3  bare, readout removed" in bloch_plot(frame([PROTOCOL, BARE, UNFOLDED], FIDELITY))


def test_each_number_stands_nearer_to_its_own_mark_than_to_any_other_or_is_tied_to_it() -> None:
    shifts = ((0.0, 0.0), (0.012, -0.002), (0.013, -0.002), (-0.01, 0.008))
    points = [PROTOCOL, BARE, UNFOLDED, ENCODED]
    rows = [
        point | interval("x", 0.70 + x, 0.02) | interval("z", 0.70 + z, 0.02)
        for point, (x, z) in zip(points, shifts, strict=True)
    ]
    table = frame(rows, FIDELITY)
    svg = bloch_plot(table)
    window = _window(bloch_rows(table))
    marks = {row.number: window(row.x[0], row.z[0]) for row in bloch_rows(table)}
    tied = [
        tuple(map(float, ends))
        for ends in re.findall(
            r'<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)" class="edge"/>'
            r'(?=<text [^>]*class="small strong")',
            svg,
        )
    ]
    labels = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="small strong" [^>]*>(\d)<', svg)
    assert sorted(int(number) for _, _, number in labels) == [1, 2, 3, 4]
    for x, y, number in labels:
        middle = (float(x) + 3, float(y) - 4)
        away = {n: hypot(middle[0] - a, middle[1] - b) for n, (a, b) in marks.items()}
        own = marks[int(number)]
        held = any(hypot(line[0] - own[0], line[1] - own[1]) < 9.1 for line in tied)
        assert away[int(number)] <= min(away.values()) + 3 or held, number


def test_each_protocol_point_has_the_baselines_of_its_own_grid_point() -> None:
    rows = [
        point | {"sweep.p": p, "label": f"{point['label']} p={p}"}
        for p in (0.1, 0.2)
        for point in (PROTOCOL, ENCODED)
    ]
    drawn = bloch_pictures(frame(rows, FIDELITY), pd.DataFrame())
    assert [("p=0.1" in svg, "p=0.2" in svg) for svg in drawn] == [(True, False), (False, True)]
    assert all("encoded" in svg for svg in drawn)


def test_the_most_likely_state_is_of_the_readout_that_was_asked_for_and_of_raw_rows_only() -> None:
    table = frame([PROTOCOL, BARE, UNFOLDED], FIDELITY)
    state = {"run": PROTOCOL["run"], "readout": "detect", "x": 0.7, "y": 0.0, "z": 0.71}
    rows = [state | {"point": 0, "asked": True}, state | {"point": 0, "asked": False, "x": 0.1}]
    (svg,) = bloch_pictures(table, pd.DataFrame([*rows, state | {"point": 1, "asked": True}]))
    assert svg.count("most likely state (0.7000, 0.0000, 0.7100)") == 2
