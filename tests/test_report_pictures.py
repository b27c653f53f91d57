"""The report's pictures: what they say, and that they say it without colour."""

import re
import runpy
from dataclasses import replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hexmagic.analysis.numbers import grouped, seconds, with_interval
from hexmagic.analysis.plots.bars import (
    cutflow_plot,
    timeline_notes,
    timeline_plot,
)
from hexmagic.analysis.plots.drawings import PatchDrawing, device_map, face_keys, patch_picture
from hexmagic.analysis.plots.fidelity import fidelity_plot, infidelity_plot
from hexmagic.analysis.plots.geometry import convex_hull, label_place
from hexmagic.analysis.plots.svg import shape
from hexmagic.analysis.report.tables import cutflow_view
from hexmagic.analysis.timeline import TimedBlock, circuit_seconds
from hexmagic.experiments.colour_code import make_colour_code
from hexmagic.experiments.program import make_program


def fidelities(*rows: tuple[str, float, float, float], estimate: str = "raw") -> pd.DataFrame:
    names = ["label", "fidelity", "fidelity_low", "fidelity_high"]
    frame = pd.DataFrame(rows, columns=names).assign(baseline=True, estimate=estimate)
    ends = {"": "", "_low": "_high", "_high": "_low"}
    return frame.assign(**{f"infidelity{a}": 1 - frame[f"fidelity{b}"] for a, b in ends.items()})


def stage(label: str, name: str, duration: float, start: float | None = None) -> TimedBlock:
    counts: dict[str, Any] = {"two_qubit_gates": 30, "measurements": 0, "resets": 0}
    return TimedBlock(
        label=label, stage=name, round=0, seconds=duration, start_seconds=start, **counts
    )


def make_drawing() -> PatchDrawing:
    row = tuple((float(x), 0.0) for x in range(8))
    return PatchDrawing(
        device="row_of_8",
        positions=row,
        edges=tuple((x, x + 1) for x in range(7)),
        roles={0: "data", 1: "ancilla", 2: "data", 3: "ancilla (H_m root)"},
        names={0: "x1", 3: "r"},
        faces=((0, 2),),
        faulty_edges=((5, 6),),
        faulty_qubits=(7,),
    )


def test_an_interval_that_reaches_zero_infidelity_has_an_arrow() -> None:
    reaches = infidelity_plot(fidelities(("a", 0.999, 0.997, 1.001)))
    above = infidelity_plot(fidelities(("a", 0.97, 0.96, 0.98)))
    assert (reaches.count("<polygon"), above.count("<polygon")) == (1, 0)


def test_a_fidelity_wholly_above_one_is_said_not_dropped() -> None:
    beyond = fidelities(("a", 1.01, 1.005, 1.015), estimate="readout_removed")
    assert "wholly below 0" in infidelity_plot(beyond)


def test_a_point_without_kept_shots_keeps_its_line_in_the_plots() -> None:
    rows = fidelities(("a", 0.99, 0.98, 0.995), ("empty", nan, 0.0, 1.0))
    for plot in (fidelity_plot(rows), infidelity_plot(rows)):
        assert ">empty<" in plot
        assert "no shot kept: no value" in plot


def test_the_stabiliser_bound_is_in_both_plots() -> None:
    rows = fidelities(("a", 0.99, 0.98, 0.995))
    assert "stabiliser bound 0.8536" in fidelity_plot(rows)
    assert "stabiliser bound 0.146" in infidelity_plot(rows)


def test_the_cut_flow_names_what_was_not_applied() -> None:
    flow = pd.DataFrame(
        {
            "criterion": ["encode", "flags"],
            "applied": [False, True],
            "entered": [200, 200],
            "passed": [200, 150],
        }
    )
    plot = cutflow_plot(flow)
    assert "not applied" in plot
    assert "of 200 run: flags 150 of 200 (75.0" in plot
    assert "shots left" in plot and "of all run" in plot


def test_the_cut_flow_tells_the_same_shares_in_picture_and_table() -> None:
    flow = pd.DataFrame(
        {
            **{"criterion": ["hadamard", "flags"], "basis": ["all", "all"]},
            **{"applied": [True, True], "entered": [200, 150], "passed": [150, 60]},
            **{"failed": [50, 90], "pass_rate": [0.75, 0.4]},
            **{"pass_rate_low": [0.7, 0.3], "pass_rate_high": [0.8, 0.5]},
        }
    )
    table = cutflow_view(flow)
    entered, of_all = (
        [row[table.heads.index(head)].text for row in table.rows]
        for head in ("% of entered", "% of all")
    )
    assert [float(share) for share in entered] == [75, 40]
    assert of_all == ["75.0", "30.0"]
    plot = cutflow_plot(flow).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert [f"{share} %</text>" in plot for share in of_all] == [True, True]
    assert "40.0 %" not in plot


def reading(block: TimedBlock, *reads: tuple[float, float]) -> TimedBlock:
    return replace(block, measurements=len(reads), reads=reads)


def test_a_block_that_lasts_until_the_end_says_why() -> None:
    readout = reading(stage("r", "readout", 2e-6, 1e-6), (1e-6, 3e-6))
    early = stage("a", "encode", 9e-7, 0.0)
    late = stage("a", "encode", 3e-6, 0.0)
    assert timeline_notes([early, readout]) == ()
    (gates,) = timeline_notes([late, readout])
    assert gates.startswith("encode lasts until the end: gates on ancillas that nothing uses")
    (read,) = timeline_notes([reading(late, (1e-6, 3e-6)), readout])
    assert read.startswith("encode lasts until the end: ancillas") and "are read" in read
    two = [reading(late, (1e-6, 3e-6)), reading(replace(late, round=1), (1e-6, 3e-6)), readout]
    assert timeline_notes(two)[0].startswith("encode and encode 1 last until the end: ancillas")
    assert timeline_notes([replace(late, start_seconds=None), readout]) == ()


def test_the_bound_does_not_cross_the_words_of_an_interval_below_zero() -> None:
    below, above = ("a", 1.012, 1.004, 1.02), ("b", 0.99, 0.98, 0.995)
    heights = []
    for rows in ((above, above), (below, above)):
        (bound,) = re.findall(
            r'<path d="([^"]*)" class="bound"', infidelity_plot(fidelities(*rows))
        )
        heights.append(bound.count("M"))
    assert heights == [3, 2]  # above the rows, and beside each that has a bar


def test_a_cut_flow_of_no_shots_has_no_rates() -> None:
    row = {"criterion": ["flags"], "applied": [True], "entered": [0], "passed": [0]}
    assert "%" not in cutflow_plot(pd.DataFrame(row))


def test_roles_differ_in_shape_and_faulty_elements_are_crossed() -> None:
    svg = patch_picture(make_drawing())
    assert [svg.count(f'class="{role}"') for role in ("data", "ancilla", "root")] == [3, 2, 2]
    assert 'points="' in svg[: svg.index('class="root"')].rpartition("<")[2]  # a diamond
    assert device_map(make_drawing()).count('class="bad"') == 2
    assert device_map(replace(make_drawing(), faulty_edges=())).count('class="bad"') == 1


@pytest.mark.parametrize("distance", [3, 5, 7])
def test_faces_that_touch_differ_in_hatching(distance: int) -> None:
    faces = make_colour_code(distance).faces
    keys = face_keys(faces)
    assert set(keys) == {"a", "b", "c"}
    for i, face in enumerate(faces):
        for j, other in enumerate(faces[:i]):
            assert keys[i] != keys[j] or len(set(face) & set(other)) < 2


def test_faces_that_overlap_still_get_labels_apart() -> None:
    square = convex_hull([(0, 0), (100, 0), (100, 100), (0, 100)])
    shifted = convex_hull([(40, 40), (150, 40), (150, 150), (40, 150)])
    x, y = label_place(square, [shifted], [(0, 0), (100, 0)])
    assert min(x, y) <= 40


def test_a_timeline_uses_recorded_starts_and_lets_blocks_overlap() -> None:
    blocks = [stage("a", "encode", 9.1e-7, 0.0), stage("b", "readout", 1.31e-6, 5e-7)]
    words = str(timeline_plot(blocks)).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "encode from 0 s to 910 ns, readout from 500 ns to 1.81 µs" in words
    assert circuit_seconds(blocks) == pytest.approx(1.81e-6)


@pytest.mark.parametrize("unknown", [stage("b", "readout", 1e-6), stage("b", "readout", nan, 0.0)])
def test_without_starts_or_durations_there_is_no_timeline_and_no_sum(unknown: TimedBlock) -> None:
    blocks = [stage("a", "encode", 9e-7, 0.0), unknown]
    assert timeline_plot(blocks) is None
    assert isnan(circuit_seconds(blocks))


def test_durations_and_counts_have_units_and_thin_spaces() -> None:
    values = [seconds(v) for v in (6.8e-8, 2.92e-4, 9.996e-7, 0.0, nan)] + [grouped(20000)]
    plain = [value.replace("\N{NARROW NO-BREAK SPACE}", " ") for value in values]
    assert plain == ["68.0 ns", "292 µs", "1000 ns", "0 s", "\N{EN DASH}", "20 000"]


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.99975, 0.9977, 1.0019, ("0.9998", "[0.9977, 1.0019]")),
        (-0.0021, -0.0134, 0.0092, ("\N{MINUS SIGN}0.002", "[\N{MINUS SIGN}0.013, 0.009]")),
        (nan, 0.0, 1.0, ("\N{EN DASH}", "[0.00, 1.00]")),
        (-1e-9, -0.1, 0.1, ("0.00", "[\N{MINUS SIGN}0.10, 0.10]")),
    ],
)
def test_digits_follow_the_interval(
    value: float, low: float, high: float, words: tuple[str, str]
) -> None:
    assert with_interval(value, low, high) == words


def test_a_coordinate_that_is_not_a_number_is_an_error_not_a_blank_picture() -> None:
    with pytest.raises(ValueError, match="coordinate nan"):
        shape("circle", (nan, 0.0), 1.0, "data")


def test_the_picture_of_the_readme_is_up_to_date() -> None:
    folder = Path(__file__).parents[1] / "docs" / "pictures"
    script = runpy.run_path(str(folder / "make_protocol.py"))
    program = make_program(scheme="fold14", distance=3, rounds=1, basis="Z")
    assert script["make_picture"](program) + "\n" == (folder / "protocol.svg").read_text()


def test_the_timeline_shows_the_layers_of_measurement() -> None:
    early = replace(stage("a", "hadamard", 4e-6, 0.0), reads=((2e-6, 3e-6), (2e-6, 3e-6)))
    late = replace(stage("b", "detection", 4e-6, 3e-6), reads=((6e-6, 7e-6),))
    drawn = timeline_plot([early, late])
    assert drawn is not None and drawn.count('class="hatch-a"') == 2
    assert "Hatched: 2 layers of measurement." in drawn
    plain = timeline_plot([replace(early, reads=()), replace(late, reads=())])
    assert plain is not None and "atched" not in plain
