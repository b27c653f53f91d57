"""The pages that a reader types along with: their files, commands and Python run in their order.

`HEXMAGIC_REWRITE=1 .venv/bin/pytest -m slow tests/test_docs_examples.py` renews what they show.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes.page import ROOT, Command, Outcome, commands, rewritten, same_words, shown_part

from hexmagic.driver.cli.main import cli

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(yaml|console|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MAKES = {"make demo"}
"""Commands that are make's: tests/test_docs_commands.py runs the demo's experiment."""


def follow(page: str) -> list[Outcome]:
    """Do what a page says in the working directory, from its first block to its last."""
    outcomes: list[Outcome] = []
    names: dict[str, Any] = {"__name__": "page"}
    for kind, block in BLOCK.findall(page):
        if kind == "yaml" and (found := re.match(r"# (\S+\.yaml)\n", block)):
            Path(found[1]).write_text(block, encoding="utf-8")
        elif kind == "python":
            exec(compile(block, "page", "exec"), names)
        elif kind == "console":
            outcomes += [call(one) for one in commands(block) if one.text not in MAKES]
    return outcomes


def call(command: Command) -> Outcome:
    program, *words = shlex.split(command.text)
    assert program == "hexmagic", command.text
    result = CliRunner().invoke(cli, words)
    return Outcome(command=command, code=result.exit_code, output=result.output)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tutorial", "dataframes", "extending_device", "extending_scheme"])
def test_a_page_does_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = DOCS / f"{name}.md"
    page = path.read_text(encoding="utf-8")
    assert "```python" in page
    monkeypatch.chdir(tmp_path)
    outcomes = follow(page)
    assert [(one.command.text, one.code) for one in outcomes] == [
        (one.command.text, one.command.code) for one in outcomes
    ], [one.output for one in outcomes]
    if os.environ.get("HEXMAGIC_REWRITE"):
        path.write_text(rewritten(page, outcomes), encoding="utf-8")
        pytest.skip("the page was rewritten, not compared")
    for one in outcomes:
        if one.command.shown:
            assert same_words(one.command.shown) == same_words(shown_part(one)), one.command.text
