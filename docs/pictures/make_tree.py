"""Draw docs/pictures/tree16.svg: the tree patch in H_m and in ED, side by side.

Run `.venv/bin/python docs/pictures/make_tree.py` after a change to the tree, its circuits or the
style.
"""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup

from hexmagic.analysis.phases import make_phases
from hexmagic.analysis.plots.drawings import PatchDrawing
from hexmagic.analysis.plots.phase_pictures import phase_picture, phase_words
from hexmagic.analysis.plots.svg import PICTURE_STYLE, THEME, hatchings, tag
from hexmagic.experiments.program import Program, make_program
from hexmagic.experiments.tree import FACES, tree_names

MARGIN, GAP = 16.0, 24.0


def main() -> None:
    """Write the picture beside this file."""
    program = make_program(scheme="tree16", distance=3, rounds=1, basis="Z")
    Path(__file__).with_name("tree16.svg").write_text(make_picture(program) + "\n")


def make_picture(program: Program) -> str:
    """Return the picture as a document of its own; it brings its ground, so any page will do."""
    drawing = _drawing(program)
    x, height, parts = MARGIN, 0.0, []
    for phase in drawing.phases:
        part = phase_picture(drawing, phase)
        width, tall = _size(part)
        parts.append(tag("g", part, transform=f"translate({x:g} {MARGIN:g})"))
        x, height = x + width + GAP, max(height, tall + 2 * MARGIN)
    width = x - GAP + MARGIN
    card = {"x": 1, "y": 1, "width": width - 2, "height": height - 2, "rx": 14}
    ground = tag("rect", **card, style="fill:var(--paper);stroke:var(--line)")
    style = tag("style", Markup(THEME + PICTURE_STYLE))
    words = " ".join(phase_words(drawing, phase) for phase in drawing.phases)
    size = {"width": width, "height": height, "role": "img", "aria_label": words}
    view = f"0 0 {width:g} {height:g}"
    inside = (style, hatchings(), ground, *parts)
    return str(tag("svg", *inside, xmlns="http://www.w3.org/2000/svg", viewBox=view, **size))


def _drawing(program: Program) -> PatchDrawing:
    """Return the patch on the plain lattice: a unit an edge, y downwards."""
    patch = program.patch
    names = tree_names(patch)
    return PatchDrawing(
        device="a heavy-hex lattice",
        positions=tuple((2 * x, -2 * y) for x, y in patch.positions),
        edges=patch.edges,
        roles=dict.fromkeys(patch.data, "data") | dict.fromkeys(patch.ancillas, "ancilla"),
        names={qubit: name for name, qubit in names.items()},
        faces=tuple(tuple(names[name] for name in face) for face in FACES),
        phases=make_phases(program.record, patch.data, patch.ancillas),
    )


def _size(svg: Markup) -> tuple[float, float]:
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if found is None:
        raise ValueError("a picture without a viewBox")
    return float(found[1]), float(found[2])


if __name__ == "__main__":
    main()
