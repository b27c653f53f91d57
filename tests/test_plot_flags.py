"""The heat map of firing rates: rows, columns, numbers in the cells, and marks without colour."""

import re
from math import nan

import pandas as pd
import pytest
from fakes.reports import make_flags

from hexmagic.analysis.plots.flags import FlagCell, flag_cells, flags_plot
from hexmagic.analysis.report.pictures import flag_pictures


def cell(frame: pd.DataFrame, bit: str) -> FlagCell:
    (found,) = [one for one in flag_cells(frame) if one.bit == bit]
    return found


def shades(svg: str) -> list[float]:
    drawn = svg.partition("<g")[0]
    return [
        float(v) for v in re.findall(r'height="32" class="data" fill-opacity="([\d.]+)"', drawn)
    ]


def test_a_bit_is_in_the_row_of_its_qubit_and_the_column_of_its_stage() -> None:
    found = cell(make_flags(), "syndrome[1]")
    assert (found.row, found.column) == ((42, "e2"), ("detection", 1, "syndrome", 1))
    assert cell(make_flags(), "syndrome[2]").column == ("detection", 1, "syndrome", 2)
    assert cell(make_flags(), "face 0").row == (None, "face 0")


def test_every_rate_is_in_its_cell_in_per_cent() -> None:
    svg = flags_plot(make_flags())
    for rate in ("4.85", "1.03", "3.02", "4.47", "3.26", "2.25", "2.76"):
        assert f">{rate}<" in svg
    assert ">12.3<" in flags_plot(make_flags().assign(rate=0.1234))


def test_three_sigma_and_more_have_a_frame_and_a_triangle() -> None:
    svg = flags_plot(make_flags())
    assert svg.count('class="alarm"') == 2
    assert ("▲ 6.3" in svg, "▼ 3.2" in svg) == (True, True)
    assert [one.bit for one in flag_cells(make_flags()) if one.alarming] == [
        "syndrome[1]",
        "syndrome[3]",
    ]
    calm = flags_plot(make_flags().assign(pull=2.99))
    assert 'class="alarm"' not in calm and "(3.41)" in calm


def test_without_a_prediction_there_are_neither_marks_nor_brackets() -> None:
    svg = flags_plot(make_flags().assign(predicted=nan, pull=nan))
    assert "σ" not in svg and "(" not in re.sub(r"<[^>]*>", "", svg)  # noqa: RUF001 - the sign itself
    assert "sigma" not in svg


def test_the_shade_grows_with_the_rate() -> None:
    frame = make_flags()
    found = shades(flags_plot(frame))
    assert len(found) == len(frame)
    ranks = pd.Series(found).rank(method="min")
    assert list(ranks) == list(frame["rate"].rank(method="min"))
    assert shades(flags_plot(frame.assign(rate=0.0))) == [0.0] * len(frame)


def test_the_maps_of_one_point_share_one_scale_of_shades() -> None:
    bases = [make_flags(basis=basis) for basis in "XYZ"]
    bases[1]["rate"] *= 4
    (found,) = flag_pictures(pd.concat(bases, ignore_index=True))
    x, y, z = (shades(str(svg)) for svg in found.pictures)
    assert x == z
    assert y == pytest.approx([4 * shade for shade in x], abs=0.03)  # two decimals are drawn
    largest = 100 * bases[1]["rate"].max()
    assert all(f"0 to {largest:.1f}" in str(svg) for svg in found.pictures)
    alone = flags_plot(bases[0])
    assert shades(str(alone)) != x


def test_the_words_name_the_bad_bits_first() -> None:
    (words,) = re.findall(r'aria-label="(Firing rate[^"]*)"', flags_plot(make_flags()))
    assert "of 7 checked bits of fold14 d=3 r=1 in X" in words
    bad = words.partition("All: ")[0]
    assert "qubit 42 e2, detection 1, syndrome syndrome[1]: 4.47" in bad
    assert "qubit 40" not in bad and "qubit 40" in words


def test_several_points_or_bases_are_not_mixed_in_one_picture() -> None:
    both = pd.concat([make_flags(basis="X"), make_flags(basis="Z")])
    with pytest.raises(ValueError, match="one basis, not of X, Z"):
        flags_plot(both)
    with pytest.raises(ValueError, match="one label, not of a, b"):
        flags_plot(pd.concat([make_flags("a"), make_flags("b")]))
    with pytest.raises(ValueError, match="at least one row"):
        flags_plot(make_flags().iloc[:0])
    (point,) = flag_pictures(both)
    assert [("basis X" in svg, "basis Z" in svg) for svg in point.pictures] == [
        (True, False),
        (False, True),
    ]


def test_bits_without_a_place_on_the_device_keep_a_row() -> None:
    frame = make_flags()
    frame["device_qubit"] = pd.array([None] * len(frame), dtype="Int64")
    assert cell(frame.assign(name=""), "root[0]").row == (None, "patch qubit 13")
    assert "–" in flags_plot(frame.assign(rate=nan))  # noqa: RUF001 - the dash of a missing value
