"""The documentation as a site: the reference is the code's, it builds without warnings, links hold.

`HEXMAGIC_REWRITE=1 .venv/bin/pytest tests/test_docs_site.py` writes docs/reference/ again.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from fakes.page import ROOT

from hexmagic.driver.cli.main import cli
from hexmagic.driver.table_kinds import KINDS
from hexmagic.experiments.spec.schema import json_schema

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    pages: dict[str, str] = runpy.run_path(str(DOCS / "make_reference.py"))["pages"]()
    return pages


def test_the_reference_is_what_the_code_says(reference: dict[str, str]) -> None:
    if os.environ.get("HEXMAGIC_REWRITE"):
        for name, text in reference.items():
            (REFERENCE / name).write_text(text, encoding="utf-8")
    shown = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.iterdir()}
    assert shown == reference


def test_every_field_of_an_experiment_has_a_row(reference: dict[str, str]) -> None:
    rows = re.findall(r"^\| \**`(\w+)`\** \|", reference["experiment.md"], flags=re.MULTILINE)
    schema = json_schema()
    sections = [schema, *(one for one in schema["$defs"].values() if "properties" in one)]
    fields = [name for section in sections for name in section["properties"]]
    assert sorted(rows) == sorted(fields)
    assert len(fields) > 40


def test_every_verb_and_option_is_told(reference: dict[str, str]) -> None:
    page = reference["commands.md"]
    for name, command in cli.commands.items():
        section = page.split(f"## hexmagic {name}\n")[1].split("\n## ")[0]
        flags = {flag for one in command.params for flag in one.opts if flag.startswith("--")}
        assert {flag for flag in flags if f"{flag}" not in section} == set(), name


def test_every_exit_code_of_an_error_is_explained(reference: dict[str, str]) -> None:
    codes, errors = reference["exit_codes.md"].split("## The errors")
    explained = set(re.findall(r"^\| `(\d+)` \|", codes, flags=re.MULTILINE))
    used = set(re.findall(r"\| `(\d+)` \|", errors))
    assert used <= explained
    assert {"0", "2", "3", "4", "5", "75"} == explained
    assert len(re.findall(r"\| `hexmagic\.", errors, flags=re.MULTILINE)) > 20


def test_every_table_has_a_section() -> None:
    headings = re.findall(r"^## (\w+): one row", (DOCS / "tables.md").read_text(), re.MULTILINE)
    assert set(KINDS) | {"jobs", "shots"} <= set(headings)


@pytest.mark.parametrize("name", ["circuits", "protocol", "tree"])
def test_a_picture_is_what_its_code_draws(name: str, tmp_path: Path) -> None:
    script = tmp_path / f"make_{name}.py"  # it draws beside itself
    script.write_bytes((DOCS / "pictures" / script.name).read_bytes())
    runpy.run_path(str(script), run_name="__main__")
    (drawn,) = tmp_path.glob("*.svg")
    assert drawn.read_text() == (DOCS / "pictures" / drawn.name).read_text()


CODE = re.compile(r"^```.*?^```$|`[^`]*`|<!--.*?-->|\\<", re.DOTALL | re.MULTILINE)


def test_no_word_of_a_page_is_taken_for_a_tag_and_vanishes() -> None:
    for page in (ROOT / "README.md", *DOCS.rglob("*.md")):
        text = CODE.sub("", page.read_text(encoding="utf-8"))
        assert re.findall(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>\n]*)?/?>", text) == [], page.name


# --- the site ----------------------------------------------------------------------------------


class Page(HTMLParser):
    """The addresses that a page names and the anchors that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        target = given.get("href") or given.get("src")
        if target is not None:
            (self.links if tag == "a" else self.loaded).append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = ["-m", "sphinx", "-q", "-W", "--keep-going", "-d"]
    built = subprocess.run(
        [sys.executable, *words, folder / "doctrees", DOCS, folder / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, "")
    return folder / "html"


@pytest.mark.slow
def test_every_page_is_built_and_in_the_navigation(site: Path) -> None:
    wanted = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert {path for path in wanted if not (site / path).is_file()} == set()
    start = Page(site / "index.html")
    assert {str(path) for path in wanted} - {*start.links, "index.html"} == set()


@pytest.mark.slow
def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html")}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else {parts.fragment}
            if not target.is_file() or (parts.fragment and parts.fragment not in anchors):
                broken.append((path.name, link))
    assert broken == []
    assert sum(len(page.links) for page in pages.values()) > 500


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = [Page(path) for path in site.rglob("*.html")]
    loaded = [link for page in pages for link in page.loaded]
    assert [link for link in loaded if urlsplit(link).scheme or link.startswith("//")] == []
    sheets = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheets) == []
    assert len(loaded) > 50
