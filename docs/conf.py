"""Sphinx's settings for this folder: `make docs` builds it into build/docs.

Nothing is fetched, at build or at view time: system fonts, local scripts, no remote images.
"""

import re
from importlib.metadata import version as installed
from typing import Any

project = "hexmagic"
author = "the hexmagic authors"
copyright = "the hexmagic authors, Apache-2.0"
version = release = installed("hexmagic")

extensions = ["myst_parser"]
exclude_patterns = ["examples", "pictures"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["myst.strikethrough"]

html_theme = "furo"
html_title = "hexmagic"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "default"

_OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./((?:[\w-]+/)*[\w-]+\.md)(?:#[^)]*)?\)")


def setup(app: Any) -> None:
    """Have a link to a Markdown page outside this folder, which is not built, become its name."""
    app.connect("source-read", _name_what_is_outside)


def _name_what_is_outside(app: Any, name: str, source: list[str]) -> None:  # noqa: ARG001 - Sphinx's form
    if "/" not in name:
        source[0] = _OUTSIDE.sub(r"\1 (`\2`)", source[0])
