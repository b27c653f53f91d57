"""docs/overhead.md holds what `hexmagic overhead` prints, and says nothing that it does not.

`HEXMAGIC_REWRITE=1 .venv/bin/pytest tests/test_overhead_docs.py` puts the output into the page.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from hexmagic.analysis.overhead.comparison import COMPARISON, MEASURED, comparison, measured_points
from hexmagic.analysis.text.overhead import markdown_comparison

PAGE = Path(__file__).parents[1] / "docs" / "overhead.md"
BEGIN = "<!-- overhead: from here on the output of the command above -->\n\n"
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


def test_every_column_is_explained() -> None:
    explained = set(re.findall(r"`([a-z0-9_]+)`", page().partition("## Columns")[2]))
    ends = ("_low", "_high")
    named = {name for name in COMPARISON if not name.endswith(ends)}
    traced = {name for name in MEASURED if not name.endswith(ends)}
    assert (named | traced) - explained == set()


def test_the_page_is_short() -> None:
    assert len(page().splitlines()) < 150
