"""The explorer in a browser: what a switch does, and that nothing leaves this machine."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fakes.browser import LEFT_OUT, find_browser, open_browser
from fakes.world import make_services, write_spec
from playwright.sync_api import Page

from hexmagic.analysis.choice import own_choice
from hexmagic.analysis.explore import explore
from hexmagic.analysis.explore_page import costs_rows, fidelity_of
from hexmagic.analysis.judge import Cut
from hexmagic.analysis.numbers import grouped, percent
from hexmagic.analysis.report.tables import fidelity_view
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.results import load_results
from hexmagic.driver.run import Run
from hexmagic.driver.start import run

HEXMAGIC = [sys.executable, "-c", "from hexmagic.driver.cli.main import main; main()"]

EXECUTABLE = find_browser()

pytestmark = pytest.mark.slow
needs_browser = pytest.mark.skipif(EXECUTABLE is None, reason=LEFT_OUT)
pytest.importorskip("marimo", reason="the extra `explore` is not installed")


class Watched:
    """A page, what it asked of whom, and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _asked(self, url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob"):
            self.hosts.add(urlsplit(url).netloc)

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def words(self, selector: str) -> str:
        return str(self.page.locator(selector).first.inner_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that lacks a shard of its bare baseline."""
    folder = tmp_path_factory.mktemp("made")
    found = run(write_spec(folder), runs=folder / "runs", services=make_services())
    next((found.folder / "shots").glob("p001-Z-*.parquet")).unlink()
    return found


@contextmanager
def explorer(
    folder: Path, *options: str, **changes: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `hexmagic explore` with an empty home; yield the address that it says."""
    command = [*HEXMAGIC, "explore", str(folder), *(options or ("--no-browser",))]
    pipe, home = subprocess.PIPE, folder / "home"
    environment = os.environ | {"HOME": str(home)} | changes
    home.mkdir(exist_ok=True)
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            (url,) = re.findall(r"^explorer: (http://127\.0\.0\.1:\d+) ", line)
            yield url, process
        finally:
            process.terminate()  # not killed: it has a temporary folder to remove
            process.wait(timeout=30)


@contextmanager
def watched(url: str, width: int) -> Iterator[Watched]:
    assert EXECUTABLE is not None
    with open_browser(EXECUTABLE) as browser:
        found = Watched(browser.new_page(viewport={"width": width, "height": 900}))
        found.page.goto(url)
        found.page.wait_for_selector("#acceptance", timeout=60_000)
        yield found


def cells(table: Any) -> list[str]:
    return [cell.text for row in table.rows for cell in row if cell.text]


@needs_browser
def test_a_switch_changes_the_page_to_what_the_analysis_says(made: Run) -> None:
    point = load_results(RunFolder(path=made.folder)).points[0]
    own = own_choice(point)
    without = replace(own, left_out=frozenset({Cut("syndromes", 1)}))
    with explorer(made.folder) as (url, process):
        with watched(url, 1280) as seen:
            assert "p001" not in seen.words("h1")
            assert "bare in Z: " in seen.words(".problems")
            for choice in (own, without, own):
                found = explore(point, choice)
                kept, shots = found.points["kept"].sum(), found.points["shots"].sum()
                share = percent(kept / shots)
                seen.page.wait_for_function(
                    "kept => document.querySelector('#kept')?.innerText.startsWith(kept)",
                    arg=grouped(int(kept)),
                )
                assert seen.words("#acceptance").splitlines()[0] == share
                expected = "the experiment's" if choice == own else "not the experiment's"
                assert seen.words("#own") == expected
                page = seen.words("body")
                for text in cells(fidelity_view(found.fidelity)) + cells(costs_rows(found.costs)):
                    assert text in page
                assert seen.words("#accept").strip() == found.accept.strip()
                seen.page.get_by_role("checkbox", name="syndromes", exact=True).click()
            assert seen.hosts == {urlsplit(url).netloc}
            assert seen.complaints == []
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0
        assert said == "explorer: ended\n"
        assert list((made.folder / "home").iterdir()) == []  # marimo would keep settings there


@needs_browser
def test_the_page_fits_a_phone_and_gives_the_table_as_csv(made: Run) -> None:
    point, baseline = load_results(RunFolder(path=made.folder)).points
    with explorer(made.folder) as (url, _), watched(url, 400) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 400
        seen.page.get_by_text("Select...").click()
        seen.page.locator("[role=option]:not(option)").filter(has_text="bare").click()
        seen.page.keyboard.press("Escape")
        seen.page.wait_for_function("document.querySelectorAll('tr.baseline').length > 0")
        controls = seen.page.get_by_role("checkbox").all()
        controls += [seen.page.get_by_text("Save the fidelity table as CSV")]
        assert len(controls) >= 5
        for box in (control.bounding_box() for control in controls):
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 400
        with seen.page.expect_download() as download:
            seen.page.get_by_text("Save the fidelity table as CSV").click()
        saved = Path(download.value.path()).read_text()
        table = fidelity_of(point, own_choice(point), [baseline])
        assert table["label"].tolist()[1:] == ["bare"]
        assert saved == table.to_csv(index=False, lineterminator="\n")
        assert seen.complaints == []


def test_the_page_is_opened_in_the_persons_browser_and_sigterm_ends_it(
    made: Run, tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1 $XDG_CONFIG_HOME" > {opened}\n')
    browser.chmod(0o755)
    settings = {"BROWSER": f"{browser} %s", "XDG_CONFIG_HOME": "the person's"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with explorer(made.folder, "--port", port, **settings) as (url, process):
        assert url == f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while not (opened.exists() and opened.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert opened.read_text() == f"{url} the person's\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
