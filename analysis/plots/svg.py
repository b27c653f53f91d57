"""The few SVG parts that all pictures share: elements, shapes, hatchings and one theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from markupsafe import Markup, escape

Point = tuple[float, float]

_LEAST_SIZE = 9 / 11

SHAPES = ("circle", "square", "diamond", "house", "funnel", "hexagon")

# Every colour is a variable, so one picture serves light and dark screens and paper. Hatchings and
# shapes say what the colours say.
THEME = """
:root{--ink:#1c2128;--muted:#59636e;--faint:#c4ccd4;--idle:#e6eaee;--line:#d8dee4;
--paper:#ffffff;--panel:#f5f7f9;--data:#0b62a4;--ancilla:#b4540a;--root:#0b7a5a;--on-role:#ffffff;--bad:#b3261e;--bound:#7a3fb0;
--x-check:#7a3fb0;--z-check:#a31563;--xz-check:#59636e;
--face-a:#c9ddf5;--face-b:#f7dcc0;--face-c:#cdeadd;--hatch:#59636e}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6edf3;--muted:#9da7b3;--faint:#4a545f;
--idle:#252c34;--line:#30363d;--paper:#0f141a;--panel:#171d25;
--data:#6cb2ff;--ancilla:#ffa657;--root:#56d8a8;
--x-check:#cfa4ff;--z-check:#ff94c2;--xz-check:#b6c2cf;
--on-role:#0b1016;--bad:#ff8178;--bound:#cfa4ff;--face-a:#16304f;--face-b:#46301a;--face-c:#143a2d;
--hatch:#9da7b3}}
"""
PICTURE_STYLE = """
svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
font-size:13px;fill:var(--ink)}
svg .muted{fill:var(--muted)}svg .small{font-size:11px}svg .strong{font-weight:600}
svg .end{text-anchor:end}svg .mid{text-anchor:middle}svg .on{fill:var(--on-role)}
svg .data{fill:var(--data)}svg .ancilla{fill:var(--ancilla)}svg .root{fill:var(--root)}
svg .x-check{fill:var(--x-check)}svg .z-check{fill:var(--z-check)}
svg .xz-check{fill:var(--xz-check)}svg .unread{fill:var(--paper);stroke:var(--muted)}
svg .base{fill:var(--muted)}
svg .open{fill:var(--paper)}svg .idle{fill:var(--idle);stroke:var(--faint)}
svg .trough{fill:var(--line)}
svg .dots{stroke:var(--faint);stroke-width:6.5;stroke-linecap:round}
svg .edge{stroke:var(--faint);stroke-width:1.5}svg .used{stroke:var(--ink);stroke-width:3}
svg .axis{stroke:var(--muted);stroke-width:1}svg .interval{stroke:var(--ink);stroke-width:1.5}
svg .grid{stroke:var(--line);stroke-width:1}
svg .bad{stroke:var(--bad);stroke-width:2}svg .broken{stroke-dasharray:2 3}
svg .bound{stroke:var(--bound);stroke-width:2}
svg .bound-text,svg .magic{fill:var(--bound)}
svg .guide{stroke:var(--muted);stroke-width:1;stroke-dasharray:4 3}
svg .ring,svg .cell,svg .alarm{fill:none;stroke:var(--muted)}svg .strong-ring{stroke:var(--ink);
stroke-width:2}svg .cell{stroke:var(--line)}svg .alarm{stroke:var(--bad);stroke-width:3}
svg .alarm-text{fill:var(--bad)}
svg .face-a,svg .face-b,svg .face-c{fill-opacity:.7}
svg .face-a{fill:var(--face-a)}svg .face-b{fill:var(--face-b)}svg .face-c{fill:var(--face-c)}
svg .hatch-a{fill:url(#hatch-a)}svg .hatch-b{fill:url(#hatch-b)}svg .hatch-c{fill:url(#hatch-c)}
svg .hatch{stroke:var(--hatch);stroke-width:1;fill:none}svg .paper{fill:var(--paper)}
"""


def tag(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """Return one SVG element; text and attribute values are escaped.

    Attribute names lose a trailing underscore and turn the others into hyphens (`class_`,
    `text_anchor`); None leaves an attribute out; floats keep two decimals.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    if not children:
        return Markup("<{}{}/>").format(Markup(name), written)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)


def text(x: float, y: float, words: object, class_: str | None = None) -> Markup:
    """Return a line of text with its baseline at (x, y)."""
    return tag("text", str(words), x=x, y=y, class_=class_)


def line(start: Point, end: Point, class_: str) -> Markup:
    """Return a straight line."""
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def polygon(corners: Sequence[Point], class_: str) -> Markup:
    """Return a closed polygon."""
    return tag(
        "polygon", points=" ".join(f"{_value(x)},{_value(y)}" for x, y in corners), class_=class_
    )


def shape(kind: str, centre: Point, radius: float, class_: str, *inside: Markup) -> Markup:
    """Return a mark of about the same area as a circle of that radius.

    A house is a square with a point upwards, a funnel one with a point downwards, a hexagon has
    both.

    Raises:
        ValueError: an unknown shape.
    """
    x, y = centre
    if kind == "circle":
        return tag("circle", *inside, cx=x, cy=y, r=radius, class_=class_)
    if kind == "square":
        half = 0.9 * radius
        place = {"x": x - half, "y": y - half, "width": 2 * half, "height": 2 * half}
        return tag("rect", *inside, **place, class_=class_)
    if kind == "diamond":
        far = 1.3 * radius
        corners = [(x, y - far), (x + far, y), (x, y + far), (x - far, y)]
        return tag("polygon", *inside, points=_points(corners), class_=class_)
    if kind in ("house", "funnel", "hexagon"):
        half, eaves, tip = 0.9 * radius, 0.5 * radius, 1.3 * radius
        roof = [(x - half, y - eaves), (x, y - tip), (x + half, y - eaves)]
        floor = [(x + half, y + eaves), (x, y + tip), (x - half, y + eaves)]
        if kind == "house":
            floor = [(x + half, y + half), (x - half, y + half)]
        elif kind == "funnel":
            roof = [(x - half, y - half), (x + half, y - half)]
        return tag("polygon", *inside, points=_points([*roof, *floor]), class_=class_)
    raise ValueError(f"shape {kind!r}: the shapes are {', '.join(SHAPES)}")


def dots(places: Iterable[Point], class_: str) -> Markup:
    """Return many equal dots as one path; their size is the class' stroke width."""
    return tag("path", d="".join(f"M{_value(x)},{_value(y)}h0" for x, y in places), class_=class_)


def lines(pairs: Iterable[tuple[Point, Point]], class_: str) -> Markup:
    """Return many equal straight lines as one path."""
    ends = (f"M{_points([start])}L{_points([end])}" for start, end in pairs)
    return tag("path", d="".join(ends), class_=class_)


def cross(centre: Point, radius: float) -> Markup:
    """Return a cross, the mark of what must not be used."""
    x, y = centre
    r = radius
    return lines([((x - r, y - r), (x + r, y + r)), ((x - r, y + r), (x + r, y - r))], "bad")


def picture(width: float, height: float, words: str, *children: Markup) -> Markup:
    """Return an inline SVG with its alternative text.

    It scales down with the page as far as its letters, of 11 pixels at least, stay legible: to
    9 pixels; below that its frame scrolls.
    """
    return tag(
        "svg",
        *children,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=words,
        style=f"min-width:{_value(_LEAST_SIZE * width)}px",
    )


def hatchings() -> Markup:
    """Return the `defs` of the three hatchings; a page needs them once."""
    strokes = {"a": "M-2,2l4,-4M0,8l8,-8M6,10l4,-4", "b": "M-2,6l4,4M0,0l8,8M6,-2l4,4"}
    patterns = [_pattern(key, tag("path", d=d, class_="hatch")) for key, d in strokes.items()]
    dots = tag("circle", cx=4, cy=4, r=1, class_="hatch")
    return tag("defs", *patterns, _pattern("c", dots))


def shorten(words: str, length: int) -> str:
    """Return the words cut to `length` characters, with an ellipsis if anything went."""
    return words if len(words) <= length else words[: length - 1] + "…"


def _pattern(key: str, content: Markup) -> Markup:
    size = {"width": 8, "height": 8}
    return tag("pattern", content, id=f"hatch-{key}", patternUnits="userSpaceOnUse", **size)


def _points(corners: Sequence[Point]) -> str:
    return " ".join(f"{_value(x)},{_value(y)}" for x, y in corners)


def _value(value: object) -> str:
    """Return an attribute's value; a number that is not finite would draw nothing, silently."""
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"a picture cannot hold the coordinate {value}")
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
