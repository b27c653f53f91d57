"""A page in headless Chromium: what it loads and says, and what of it cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, Route, sync_playwright

NAMES = ("chromium", "chromium-browser")
LEFT_OUT = (
    f"no {' or '.join(NAMES)} on the path, so the browser tests of the report are left out; "
    "on Debian and Ubuntu: apt-get install chromium"
)
PAPER_WIDTH = 688
"""Width of the text on A4 in pixels: 210 mm without two margins of 14 mm, at 96 to the inch."""

_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_LEAST_LETTERS = 9.0  # pixels
_MOST_LINES = 4.4
_PAPER_HEIGHT = 860.0  # of A4 without two margins of 14 mm, and without three headings
_LEAST_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA
_BACKGROUNDS = {
    "--on-role": ("--data", "--ancilla", "--root", "--x-check", "--z-check", "--xz-check"),
    "--muted": ("--paper", "--panel", "--idle"),
    "--ink": ("--paper", "--panel"),
}
_LOOK = """
({letters, contrast, backgrounds, rows, paper}) => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = text => rgb(text).slice(0, 3).map(v => v / 255).map(
    v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  ).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((p, q) => p - q);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if ((rgb(colour)[3] ?? 1) > 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const root = document.documentElement;
  const words = e => e.textContent.trim().replace(/\\s+/g, ' ').slice(0, 60);
  const pictures = [...document.querySelectorAll('svg:not([aria-hidden=true])')];
  const texts = pictures.flatMap(svg => [...svg.querySelectorAll('text')].map(t => [svg, t]));
  const scale = svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const size = (svg, t) => parseFloat(getComputedStyle(t).fontSize) * scale(svg);
  const inside = (svg, t) => {
    const a = svg.getBoundingClientRect(), b = t.getBoundingClientRect();
    return b.left >= a.left - 1 && b.right <= a.right + 1
      && b.top >= a.top - 1 && b.bottom <= a.bottom + 1;
  };
  const pale = [];
  for (const e of document.body.querySelectorAll('*')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest('svg')) continue;
    const r = ratio(getComputedStyle(e).color, behind(e));
    if (r < contrast) pale.push(`${words(e)} (${r.toFixed(2)})`);
  }
  const probe = document.createElement('i');
  document.body.append(probe);
  const colour = name => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  for (const [ink, papers] of Object.entries(backgrounds)) for (const paper of papers) {
    const r = ratio(colour(ink), colour(paper));
    if (r < contrast) pale.push(`${ink} on ${paper} (${r.toFixed(2)})`);
  }
  probe.remove();
  const lines = e => {
    const {paddingTop, paddingBottom, lineHeight, fontSize} = getComputedStyle(e);
    const inner = e.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
    return inner / (parseFloat(lineHeight) || 1.5 * parseFloat(fontSize));
  };
  const shy = e => getComputedStyle(e).breakInside === 'avoid';
  const boxes = paper ? [...document.querySelectorAll('.scroll, .points > div')].filter(shy) : [];
  const named = svg => svg.getAttribute('aria-label') || svg.querySelector(':scope > title');
  return {
    overflow: Math.max(0, root.scrollWidth - root.clientWidth),
    pictures: pictures.length,
    nameless: pictures.filter(s => s.getAttribute('role') !== 'img' || !named(s)).length,
    small: texts.filter(([s, t]) => size(s, t) < letters - 0.01).map(([, t]) => words(t)),
    cut: texts.filter(([s, t]) => !inside(s, t)).map(([, t]) => words(t)),
    tall: [...document.querySelectorAll('tbody th')].filter(e => lines(e) > rows).map(words),
    whole: boxes.filter(e => e.getBoundingClientRect().height > paper).map(words),
    pale,
  };
}
"""


@dataclass(frozen=True, kw_only=True)
class View:
    """How a page is looked at: width in pixels, theme, and screen or print."""

    width: int
    scheme: Literal["light", "dark"] = "light"
    media: Literal["screen", "print"] = "screen"


@dataclass(kw_only=True)
class Sight:
    """What was seen of a page.

    Attributes:
        console: warnings and errors on the console.
        errors: exceptions of scripts.
        requests: addresses that were asked for beside the page's own.
        overflow: pixels by which the page is wider than the window.
        pictures: number of pictures, `nameless` those without alternative text.
        small: text in pictures with letters below 9 pixels.
        cut: text that reaches beyond its picture.
        tall: heads of table rows that take more than 4 lines.
        whole: of a printed page, what must not be broken and leaves no room for its headings.
        pale: text that stands out too little from what is behind it.
    """

    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    overflow: int = 0
    pictures: int = 0
    nameless: int = 0
    small: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    tall: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    pale: list[str] = field(default_factory=list)

    def faults(self) -> dict[str, Any]:
        """Return what must not be, by name: nothing of a page that is right."""
        shown = {name: value for name, value in vars(self).items() if name != "pictures"}
        return {name: value for name, value in shown.items() if value}


def find_browser() -> str | None:
    """Return the path of the system's Chromium; None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_browser(executable: str) -> Iterator[Browser]:
    """Run the Chromium at a path, without a window."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def look(browser: Browser, path: Path, view: View) -> Sight:
    """Open a page and return what is to be seen; nothing but the page itself is loaded."""
    sight = Sight()
    with _opened(browser, path, view, sight) as page:
        question: Mapping[str, Any] = {
            "letters": 0.0 if view.media == "print" else _LEAST_LETTERS,
            "contrast": _LEAST_CONTRAST,
            "backgrounds": {ink: list(papers) for ink, papers in _BACKGROUNDS.items()},
            "rows": _MOST_LINES,
            "paper": _PAPER_HEIGHT if view.media == "print" else 0,
        }
        for name, value in page.evaluate(_LOOK, question).items():
            setattr(sight, name, value)
    return sight


def printed(browser: Browser, path: Path) -> bytes:
    """Return the page as PDF on A4."""
    with _opened(browser, path, View(width=PAPER_WIDTH, media="print"), Sight()) as page:
        return page.pdf(format="A4", prefer_css_page_size=True)


@contextmanager
def _opened(browser: Browser, path: Path, view: View, sight: Sight) -> Iterator[Page]:
    """Yield a loaded page; its messages and requests go to `sight`."""
    own = path.resolve().as_uri()

    def answer(route: Route) -> None:
        if route.request.url == own:
            route.continue_()
        else:
            route.abort()

    context = browser.new_context(
        viewport={"width": view.width, "height": 900}, color_scheme=view.scheme
    )
    page = context.new_page()
    page.on("console", lambda said: sight.console.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: sight.errors.append(str(error)))
    page.on("request", lambda asked: sight.requests.append(asked.url))
    page.route("**/*", answer)
    page.emulate_media(media=view.media, color_scheme=view.scheme)
    try:
        page.goto(own, wait_until="load")
        sight.requests.remove(own)
        yield page
    finally:
        context.close()
