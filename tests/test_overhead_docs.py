"""docs/overhead.md holds what `hexmagic overhead` prints, and says nothing that it does not.

`HEXMAGIC_REWRITE=1 .venv/bin/pytest tests/test_overhead_docs.py` puts the output into the page.
"""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path

import pytest

from hexmagic.analysis.overhead.comparison import COMPARISON, MEASURED, comparison, measured_points
from hexmagic.analysis.text.overhead import markdown_comparison

PAGE = Path(__file__).parents[1] / "docs" / "overhead.md"
BEGIN = "<!-- overhead: from here on the output of the command above -->\n\n"
COSTS = ("average_qubits", "gates_per_state", "space_time")
END = "\n<!-- overhead: to here -->"


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_holds_the_output() -> None:
    output = markdown_comparison(comparison(measured_points()))
    before, begin, rest = page().partition(BEGIN)
    shown, end, after = rest.partition(END)
    assert begin
    assert end
    if os.environ.get("HEXMAGIC_REWRITE") == "1":
        PAGE.write_text(before + begin + output + end + after, encoding="utf-8")
        shown = output
    assert shown == output


def test_the_table_of_the_headline_follows_from_the_points() -> None:
    table = comparison(measured_points())
    ours = table[(table["scheme"] == "fold40") & (table["p"] == 1e-4)]
    (row,) = ours[ours["readout"] == "detect"].to_dict("records")
    lines = [line.split(" | ") for line in page().splitlines() if line.startswith("| (")]
    told = {cells[0].strip("| ").partition(":")[0]: cells for cells in lines}
    distilled = table[(table["source"] == "Litinski 2019") & (table["p"] == 1e-4)]
    assert set(told) == {name.removeprefix("15-to-1 ") for name in distilled["scheme"]}
    for other in distilled.to_dict("records"):
        _, qubits, error, ratio, *less = told[other["scheme"].removeprefix("15-to-1 ")]
        assert (int(qubits), float(error)) == (other["qubits"], other["infidelity"])
        reached = row["infidelity_high"] < other["infidelity"]
        assert reached == ("reached" in ratio) == (other["scheme"] in row["reaches"])
        value = Fraction(ratio.strip("*").partition(" ")[0].partition(",")[0])
        assert row["infidelity"] / other["infidelity"] == pytest.approx(float(value), rel=0.02)
        for name, cell in zip(COSTS, less, strict=True):
            assert other[name] / row[name] == pytest.approx(float(cell.strip(" |")), rel=0.005)


def test_every_column_is_explained() -> None:
    explained = set(re.findall(r"`([a-z0-9_]+)`", page().partition("## Columns")[2]))
    ends = ("_low", "_high")
    named = {name for name in COMPARISON if not name.endswith(ends)}
    traced = {name for name in MEASURED if not name.endswith(ends)}
    assert (named | traced) - explained == set()


def test_what_is_written_around_the_tables_is_short() -> None:
    before, _, rest = page().partition(BEGIN)
    assert len((before + rest.partition(END)[2]).splitlines()) < 100
