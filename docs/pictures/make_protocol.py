"""Draw docs/pictures/protocol.svg, the README's picture: the d = 3 patch and the protocol's stages.

Run `.venv/bin/python docs/pictures/make_protocol.py` after a change to the patch, the circuits or
the style.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import dist
from pathlib import Path

from markupsafe import Markup

from hexmagic.analysis.plots.drawings import face_fill, qubit_mark
from hexmagic.analysis.plots.geometry import centre, convex_hull
from hexmagic.analysis.plots.svg import (
    PICTURE_STYLE,
    THEME,
    Point,
    dots,
    hatchings,
    lines,
    polygon,
    tag,
    text,
)
from hexmagic.experiments.colour_code import make_colour_code
from hexmagic.experiments.patch import spider_names
from hexmagic.experiments.program import Gadget, Program, make_program

WIDTH, HEIGHT = 860.0, 710.0
PITCH = 104.0  # from one data qubit to the next
ORIGIN = (104.0, 362.0)  # the patch's qubit 0
LEGEND_LEFT = 556.0
BOX_TOP, BOX_WIDTH, BOX_HEIGHT, BOX_STEP = 526.0, 182.0, 104.0, 208.0
STAGES = {
    "encode": ("1 encode", "|H⟩ into seven qubits,", "not yet fault-tolerant"),
    "hadamard": ("2 H_m: measure H", "on all data at once,", "flagged; keep +1"),
    "detection": ("3 ED: find errors", "X and Z of every face,", "flagged; keep trivial"),
    "readout": ("4 read out", "all data in X, Y or Z:", "fidelity with |H⟩"),
}
STYLE = """
svg text{font-size:15px}svg .small{font-size:13.5px}svg .strong{font-size:15.5px}
svg .title{font-size:20px;font-weight:600}svg .card{fill:var(--paper);stroke:var(--line)}
svg .box{fill:var(--panel);stroke:var(--muted)}svg .tip{fill:var(--ink)}
svg .back{stroke:var(--bad);stroke-width:2;fill:none}svg .back-tip{fill:var(--bad)}
svg .back-text{fill:var(--bad)}
"""


def main() -> None:
    """Write the picture beside this file."""
    program = make_program(scheme="fold14", distance=3, rounds=1, basis="Z")
    Path(__file__).with_name("protocol.svg").write_text(make_picture(program) + "\n")


def make_picture(program: Program) -> str:
    """Return the picture as a document of its own; it brings its ground, so any page will do."""
    words = (
        "The 14-qubit patch on a heavy-hex lattice: seven data qubits (circles) on lattice "
        "vertices, seven ancillas on the edges next to them (squares; the root of the H "
        "measurement is a diamond) and three faces. Below it the stages: encode, measure H, detect "
        "errors, read out. Shots with a flag, H = -1 or a syndrome are discarded."
    )
    card = {"x": 1, "y": 1, "width": WIDTH - 2, "height": HEIGHT - 2, "rx": 14}
    parts = [
        tag("style", Markup(THEME + PICTURE_STYLE + STYLE)),
        hatchings(),
        tag("rect", **card, class_="card"),
        _patch(program),
        _legend(program),
        *(_stage(i, gadget) for i, gadget in enumerate(program.gadgets)),
        _discard(),
    ]
    view = f"0 0 {WIDTH:g} {HEIGHT:g}"
    size = {"width": WIDTH, "height": HEIGHT, "role": "img", "aria_label": words}
    return str(tag("svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=view, **size))


def _patch(program: Program) -> Markup:
    patch = program.patch
    places = [_place(position) for position in patch.positions]
    faces = [[places[patch.data[q]] for q in face] for face in make_colour_code(3).faces]
    bonds = {bond for face in faces for bond in _hexagon(face)}
    sites = {site for bond in bonds for site in bond}
    parts = [lines(sorted(bonds), "edge"), dots(sorted(sites), "dots")]
    parts += [face_fill(face, key) for face, key in zip(faces, "abc", strict=True)]
    parts.append(lines([(places[u], places[v]) for u, v in patch.edges], "used"))
    for name, qubit in spider_names(patch).items():
        x, y = places[qubit]
        role = _roles(program)[qubit]
        parts.append(qubit_mark(role, (x, y), 19, f"{name}: {role}"))
        parts.append(text(x, y + 5.5, name, "mid on strong"))
    for i, face in enumerate(faces):
        x, y = centre(convex_hull(face))
        back = tag("rect", x=x - 16, y=y - 12, width=32, height=24, rx=5, class_="paper")
        parts.append(back + text(x, y + 5.5, f"F{i}", "mid strong"))
    return Markup("").join(parts)


def _roles(program: Program) -> dict[int, str]:
    roots = {bit.qubit for bit in program.record.bits if bit.role == "hadamard"}
    ancillas = {q: "root of H_m" if q in roots else "ancilla" for q in program.patch.ancillas}
    return dict.fromkeys(program.patch.data, "data") | ancillas


def _place(position: Point) -> Point:
    return round(ORIGIN[0] + PITCH * position[0], 2), round(ORIGIN[1] - PITCH * position[1], 2)


def _hexagon(face: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """Yield the heavy-hex edges of the hexagon that a face lies in, and those that leave it."""
    a, b = max(combinations(face, 2), key=lambda pair: dist(*pair))
    x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    half = 3**0.5 / 2
    turns = [(1.0, 0.0), (0.5, half), (-0.5, half), (-1.0, 0.0), (-0.5, -half), (0.5, -half)]
    ring = [(round(x + PITCH * c, 2), round(y + PITCH * s, 2)) for c, s in turns]
    for corner, following, (c, s) in zip(ring, ring[1:] + ring[:1], turns, strict=True):
        out = (round(corner[0] + PITCH * c / 2, 2), round(corner[1] + PITCH * s / 2, 2))
        middle = centre([corner, following])
        middle = (round(middle[0], 2), round(middle[1], 2))
        yield from ((corner, out), (corner, middle), (middle, following))


def _legend(program: Program) -> Markup:
    roles = list(_roles(program).values())
    words = {
        "data": "data, on lattice vertices",
        "ancilla": "ancillas, on the edges between",
        "root of H_m": "ancilla that H is read from",
    }
    parts = [text(LEGEND_LEFT, 76, "A |H⟩ state on heavy-hex", "title")]
    y = 122.0
    for role, meaning in words.items():
        mark = qubit_mark(role, (LEGEND_LEFT + 14, y), 12, role)
        parts.append(mark + text(LEGEND_LEFT + 40, y + 5, f"{roles.count(role)} {meaning}"))
        y += 38
    box = [(LEGEND_LEFT + a, y + b) for a, b in ((0, -10), (28, -10), (28, 10), (0, 10))]
    parts.append(face_fill(box, "a") + text(LEGEND_LEFT + 40, y + 5, "3 faces: X and Z checks"))
    notes = (
        "The [[7,1,3]] code. Only neighbours",
        "interact: no SWAP. Each ancilla is read",
        "once: for H, a syndrome or a flag.",
    )
    parts += [text(LEGEND_LEFT, y + 52 + 22 * i, note, "muted") for i, note in enumerate(notes)]
    return Markup("").join(parts)


def _stage(i: int, gadget: Gadget) -> Markup:
    x, middle = _box_left(i), BOX_TOP + BOX_HEIGHT / 2
    title, *words = STAGES[gadget.stage]
    counts = f"{gadget.two_qubit_gates} two-qubit gates"
    if gadget.two_qubit_gates == 0:
        counts = f"{gadget.measurements} measurements"
    place = {"x": x, "y": BOX_TOP, "width": BOX_WIDTH, "height": BOX_HEIGHT, "rx": 8}
    parts = [tag("rect", **place, class_="box"), text(x + 14, BOX_TOP + 26, title, "strong")]
    parts += [text(x + 14, BOX_TOP + 49 + 18 * k, line, "small") for k, line in enumerate(words)]
    parts.append(text(x + 14, BOX_TOP + 91, counts, "small muted"))
    if i:
        tip = [(x - 2, middle), (x - 13, middle - 6), (x - 13, middle + 6)]
        parts.append(lines([((x - BOX_STEP + BOX_WIDTH, middle), (x - 12, middle))], "used"))
        parts.append(polygon(tip, "tip"))
    return Markup("").join(parts)


def _discard() -> Markup:
    """Return the way back: what fails a check starts again."""
    start, y = _box_left(0) + BOX_WIDTH / 2, BOX_TOP + BOX_HEIGHT
    ends = [_box_left(i) + BOX_WIDTH / 2 for i in (1, 2)]
    low = y + 30
    path = "".join(f"M{x:g},{y:g}V{low:g}" for x in ends) + f"M{ends[1]:g},{low:g}H{start:g}V{y:g}"
    tip = [(start, y + 2), (start - 6, y + 13), (start + 6, y + 13)]
    words = "H = \N{MINUS SIGN}1, a flag or a syndrome: discard and start again"
    label = text((start + ends[1]) / 2, low + 22, words, "mid back-text")
    return tag("path", d=path, class_="back") + polygon(tip, "back-tip") + label


def _box_left(i: int) -> float:
    return 27 + BOX_STEP * i


if __name__ == "__main__":
    main()
