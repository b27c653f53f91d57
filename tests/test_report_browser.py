"""The report in Chromium: it loads nothing, fits and can be read, wherever it is shown."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes.browser import LEFT_OUT, PAPER_WIDTH, View, find_browser, look, open_browser, printed
from fakes.reports import make_full_data
from fakes.two_runs import make_both
from playwright.sync_api import Browser

from hexmagic.analysis.report.page import render_report
from hexmagic.driver.cli.main import cli

ROOT = Path(__file__).parents[1]
WIDE, PHONE = View(width=1280), View(width=400)
VIEWS = {
    "wide": WIDE,
    "wide-dark": View(width=1280, scheme="dark"),
    "phone": PHONE,
    "phone-dark": View(width=400, scheme="dark"),
    "paper": View(width=PAPER_WIDTH, media="print"),
    "paper-dark": View(width=PAPER_WIDTH, scheme="dark", media="print"),
}
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        pytest.skip(LEFT_OUT)
    with open_browser(executable) as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(make_full_data()))
    return path


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two runs of one experiment."""
    path = tmp_path_factory.mktemp("joined") / "report.html"
    path.write_text(render_report(make_both()))
    return path


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the demo experiment, with few shots; without a browser it is not run."""
    assert browser.is_connected()
    runs = tmp_path_factory.mktemp("demo")
    words = ["run", str(ROOT / "experiments/steane_h.yaml"), "--shots", "100", "--runs", str(runs)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    (found,) = runs.glob("*/report.html")
    return found


def changed(report: Path, folder: Path, *, added: str = "", policy: bool = True) -> Path:
    """Return the report with something added to its end, and without its policy if it is to."""
    html = report.read_text()
    if not policy:
        html, removed = POLICY.subn("", html)
        assert removed == 1
    path = folder / "changed.html"
    path.write_text(html.replace("</main>", f"{added}</main>"))
    return path


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_report_loads_nothing_fits_and_can_be_read(
    browser: Browser, report: Path, view: View
) -> None:
    sight = look(browser, report, view)
    assert sight.faults() == {}
    assert sight.pictures >= 13


@pytest.mark.parametrize("name", ["wide", "phone-dark", "paper"])
def test_the_report_of_two_runs_loads_nothing_fits_and_can_be_read(
    browser: Browser, joined: Path, name: str
) -> None:
    sight = look(browser, joined, VIEWS[name])
    assert sight.faults() == {}
    assert sight.pictures >= 25


def test_a_high_head_of_a_row_and_a_figure_of_a_page_are_found(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    id_ = "steane-h-boston-20261123-143306-7dcf: bare, readout removed"
    cells = f"<tbody><tr><th scope=row>{id_}</th><td>{'1 ' * 400}</td></tr></tbody>"
    table = f'<div class="scroll"><table>{cells}</table></div>'
    assert "tall" in look(browser, changed(report, tmp_path, added=table), PHONE).faults()
    high = '<div class="points"><div style="height:900px">high</div></div>'
    added = changed(report, tmp_path, added=high)
    assert look(browser, added, VIEWS["paper"]).whole == ["high"]
    assert look(browser, added, WIDE).faults() == {}


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_report_of_the_demo_loads_nothing_fits_and_can_be_read(
    browser: Browser, demo: Path, view: View
) -> None:
    sight = look(browser, demo, view)
    assert sight.faults() == {}
    assert sight.pictures >= 12


@pytest.mark.slow
def test_the_demo_is_printed_on_a_few_pages(browser: Browser, demo: Path) -> None:
    document = printed(browser, demo)
    assert document.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", document)) <= 18


def test_a_wide_element_is_found_unless_it_scrolls_in_its_own_box(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    wide = '<div style="width:1000px">wide</div>'
    found = look(browser, changed(report, tmp_path, added=wide), PHONE)
    assert (list(found.faults()), found.overflow) == (["overflow"], 612)  # 12 of margin
    boxed = changed(report, tmp_path, added=f'<div class="scroll">{wide}</div>')
    assert look(browser, boxed, PHONE).faults() == {}


def test_what_comes_from_elsewhere_is_found_and_the_policy_of_the_page_refuses_it(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    image = '<img src="http://127.0.0.1:9/x.png" alt="elsewhere">'
    asked = look(browser, changed(report, tmp_path, added=image, policy=False), WIDE)
    assert asked.requests == ["http://127.0.0.1:9/x.png"]
    refused = look(browser, changed(report, tmp_path, added=image), WIDE)
    assert "Content Security Policy" in "".join(refused.console)


def test_an_error_of_a_script_is_found_and_the_policy_lets_no_script_run(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    script = "<script>throw new Error('broken on purpose')</script>"
    thrown = look(browser, changed(report, tmp_path, added=script, policy=False), WIDE)
    assert thrown.errors == ["broken on purpose"]
    stopped = look(browser, changed(report, tmp_path, added=script), WIDE)
    assert (stopped.errors, len(stopped.console)) == ([], 1)


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ('<svg width="9" height="9" viewBox="0 0 9 9"></svg>', "nameless"),
        ('<svg role="img" width="9" height="9" viewBox="0 0 9 9"></svg>', "nameless"),
        ('<svg role="img" aria-label="a" width="300" viewBox="0 0 600 9">{}</svg>', "small"),
        ('<svg role="img" aria-label="a" width="30" viewBox="0 0 30 60">{}</svg>', "cut"),
        ('<p style="color:#999">pale</p>', "pale"),
        ("<style>:root{--on-role:#777}</style>", "pale"),
    ],
    ids=["no-role", "no-words", "small-letters", "cut-letters", "pale", "pale-on-role"],
)
def test_what_cannot_be_read_is_found(
    browser: Browser, report: Path, tmp_path: Path, added: str, fault: str
) -> None:
    words = added.format('<text x="1" y="20">letters</text>') if "{}" in added else added
    assert fault in look(browser, changed(report, tmp_path, added=words), WIDE).faults()


def test_the_report_follows_the_dark_theme_on_a_screen_and_not_on_paper(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    pale = changed(report, tmp_path, added='<p style="color:#1c2128">ink of the light theme</p>')
    assert list(look(browser, pale, VIEWS["wide-dark"]).faults()) == ["pale"]
    assert look(browser, pale, VIEWS["paper-dark"]).faults() == {}


@pytest.mark.slow
def test_without_a_browser_the_tests_pass_and_say_that_they_were_left_out(tmp_path: Path) -> None:
    words = ["-p", "no:cacheprovider", "-m", "not slow", str(Path(__file__).resolve())]
    done = subprocess.run(
        [sys.executable, "-c", "import pytest, sys; sys.exit(pytest.main())", *words],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "SKIPPED" in done.stdout and LEFT_OUT in done.stdout
    assert "passed" not in done.stdout
