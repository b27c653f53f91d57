"""Draw docs/pictures/circuits.svg: the three stages of scheme fold14, gate by gate.

Run `.venv/bin/python docs/pictures/make_circuits.py` after a change to the circuits or the style.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from markupsafe import Markup

from hexmagic.analysis.plots.svg import PICTURE_STYLE, THEME, line, tag, text
from hexmagic.experiments.block import Block, Gate
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.encode import make_encode
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.patch import make_fold14_patch, spider_names

STEP, ROW, LEFT, TOP = 26.0, 25.0, 62.0, 58.0
PANEL = 14 * ROW + TOP
# Neighbours on the patch are close to each other.
WIRES = [
    "x1",
    "f1",
    "n1",
    "e1",
    "c",
    "e2",
    "n2",
    "r",
    "f2",
    "x2",
    "e3",
    "n3",
    "f3",
    "x3",
]  # neighbours close to each other
TITLES = {
    "encode": "1 encode: |H⟩ into seven qubits",
    "hadamard": "2 H_m: the parity of H on all data; r is its outcome and is read at the end",
    "detection": "3 ED: X and Z of every face; ancillas are flags and syndromes at once",
}
LETTERS = {"h": "H", "s": "S", "sdg": "S†", "x": "X", "a": "A", "adg": "A†"}
STYLE = """
svg .wire{stroke:var(--faint)}svg .link{stroke:var(--ink);stroke-width:1.5}
svg .control{fill:var(--ink)}svg .target{fill:var(--paper);stroke:var(--ink);stroke-width:1.5}
svg .gate{fill:var(--panel);stroke:var(--muted)}svg .meter{fill:var(--root)}
"""


def main() -> None:
    """Write the picture beside this file."""
    Path(__file__).with_name("circuits.svg").write_text(make_picture() + "\n")


def make_picture() -> str:
    """Return the picture as a document of its own; it brings its ground, so any page will do."""
    patch = make_fold14_patch()
    names = spider_names(patch)
    rows = {names[name]: row for row, name in enumerate(WIRES)}
    blocks = [
        make_encode(patch),
        make_hadamard(patch, "fold14", 1),
        *make_detection(patch, "fold14", 1),
    ]
    columns = max(len(_layers(block, rows)) for block in blocks) + 1
    width, height = LEFT + columns * STEP + 24, len(blocks) * PANEL + 24
    parts = [
        tag("g", *_panel(block, rows), transform=f"translate(0 {i * PANEL:g})")
        for i, block in enumerate(blocks)
    ]
    card = {"x": 1, "y": 1, "width": width - 2, "height": height - 2, "rx": 14}
    ground = tag("rect", **card, style="fill:var(--paper);stroke:var(--line)")
    words = "; ".join(
        f"{TITLES[block.stage]}, {block.two_qubit_gates} two-qubit gates" for block in blocks
    )
    style = tag("style", Markup(THEME + PICTURE_STYLE + STYLE))
    size = {"width": width, "height": height, "role": "img", "aria_label": words}
    view = f"0 0 {width:g} {height:g}"
    inside = (style, ground, *parts)
    return str(tag("svg", *inside, xmlns="http://www.w3.org/2000/svg", viewBox=view, **size))


def _layers(block: Block, rows: Mapping[int, int]) -> list[list[Gate]]:
    """Return the gates in columns, each as early as the wires that its line crosses allow."""
    free: defaultdict[int, int] = defaultdict(int)
    layers: list[list[Gate]] = []
    for gate in block.gates:
        ends = [rows[qubit] for qubit in gate[1:]]
        crossed = range(min(ends), max(ends) + 1)
        column = max(free[row] for row in crossed)
        free.update(dict.fromkeys(crossed, column + 1))
        layers += [[] for _ in range(column + 1 - len(layers))]
        layers[column].append(gate)
    return layers


def _panel(block: Block, rows: Mapping[int, int]) -> Iterator[Markup]:
    y = {qubit: TOP + ROW * row for qubit, row in rows.items()}
    layers = _layers(block, rows)
    end = LEFT + STEP * (len(layers) + 1)
    yield text(20, TOP - 26, f"{TITLES[block.stage]} ({block.two_qubit_gates} CX)", "strong")
    for qubit, row in rows.items():
        yield text(LEFT - 16, y[qubit] + 4, WIRES[row], "small end")
        yield line((LEFT - 8, y[qubit]), (end, y[qubit]), "wire")
    for column, layer in enumerate(layers):
        for gate in layer:
            yield from _drawn(gate, LEFT + STEP * (column + 0.5), y)
    for read in block.reads:
        x = end - STEP / 2
        yield tag("rect", x=x - 9, y=y[read.qubit] - 9, width=18, height=18, class_="meter")
        yield text(x, y[read.qubit] + 4, "M", "small mid on")


def _drawn(gate: Gate, x: float, y: Mapping[int, float]) -> Iterator[Markup]:
    name, *qubits = gate
    if len(qubits) == 1:
        top = y[qubits[0]]
        yield tag("rect", x=x - 10, y=top - 9, width=20, height=18, class_="gate")
        yield text(x, top + 4, LETTERS[name], "small mid")
        return
    control, target = (y[qubit] for qubit in qubits)
    yield line((x, control), (x, target), "link")
    yield tag("circle", cx=x, cy=control, r=4, class_="control")
    if name == "cz":
        yield tag("circle", cx=x, cy=target, r=4, class_="control")
    else:
        yield tag("circle", cx=x, cy=target, r=7, class_="target")
        yield line((x - 7, target), (x + 7, target), "link")
        yield line((x, target - 7), (x, target + 7), "link")


if __name__ == "__main__":
    main()
