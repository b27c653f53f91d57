r"""The tree patch: the d = 3 code around a tree of ancillas, 16 qubits of heavy-hex.

Five vertices v0-v4 of the lattice and the four edge sites e1-e4 between them are ancillas. The
seven other edge sites next to v1-v4 are exactly the data; only the tree joins them. v0 is the
middle: e1, e2, e3 lead to v1, v2, v3, and e4 leads from v3 on to v4. a_i and b_i are the data
next to v_i; v3 has one, as its other neighbour is e4.

    b1            b2
     \            /
      v1        v2
     /  e1    e2  \
    a1    \  /    a2
           v0
           e3
           v3    a4
          /  e4  /
        a3     v4
                |
               b4
"""

from __future__ import annotations

from functools import cache

from .colour_code import make_colour_code
from .patch import Patch

ANCILLAS = ("v0", "v1", "v2", "v3", "v4", "e1", "e2", "e3", "e4")

FACES = (("a1", "a3", "a4", "b4"), ("a2", "b2", "a3", "a4"), ("a1", "b1", "b2", "a4"))
"""The data of each face, in the order of the code's faces."""

BRIDGES = {"e1": ("v0", "v1"), "e2": ("v0", "v2"), "e3": ("v0", "v3"), "e4": ("v3", "v4")}
"""The two vertices that each of the tree's edge sites joins."""

_HALF_WIDTH = 3**0.5 / 2
_PLACES = {
    "v0": (0.0, 0.0),
    "v1": (-_HALF_WIDTH, 0.5),
    "v2": (_HALF_WIDTH, 0.5),
    "v3": (0.0, -1.0),
    "v4": (_HALF_WIDTH, -1.5),
    "a1": (-1.5 * _HALF_WIDTH, 0.25),
    "b1": (-_HALF_WIDTH, 1.0),
    "a2": (1.5 * _HALF_WIDTH, 0.25),
    "b2": (_HALF_WIDTH, 1.0),
    "a3": (-0.5 * _HALF_WIDTH, -1.25),
    "a4": (1.5 * _HALF_WIDTH, -1.25),
    "b4": (_HALF_WIDTH, -2.0),
}


@cache
def make_tree_patch() -> Patch:
    """Return the 16-qubit patch at d = 3: qubits 0-6 are the data, 7-15 the ancillas."""
    names = _names()
    data = [name for name in names if name not in ANCILLAS]
    links = [(name, "v" + name[1]) for name in data]
    links += [(v, e) for e, ends in BRIDGES.items() for v in ends]
    return Patch(
        name="tree",
        code=make_colour_code(3),
        data=tuple(names[name] for name in data),
        ancillas=tuple(names[name] for name in ANCILLAS),
        edges=tuple((names[a], names[b]) for a, b in links),
        positions=tuple(_place(name) for name in names),
    )


def tree_names(patch: Patch) -> dict[str, int]:
    """Return the qubit of each name: a1 b1 a2 b2 a3 a4 b4 (data), v0-v4 and e1-e4 (ancillas).

    Raises:
        ValueError: the patch is not the tree patch.
    """
    if patch.name != "tree":
        raise ValueError(f"patch {patch.name}: only the tree patch has these names")
    return _names()


def _names() -> dict[str, int]:
    """Return name -> qubit in the order of the qubits; the faces tell which data qubit is which."""
    code = make_colour_code(3)
    data = {name for face in FACES for name in face}
    by_faces = {tuple(name in face for face in FACES): name for name in data}
    order = [by_faces[tuple(q in face for face in code.faces)] for q in range(code.num_data)]
    return {name: qubit for qubit, name in enumerate((*order, *ANCILLAS))}


def _place(name: str) -> tuple[float, float]:
    """Return a drawing position, in units of the distance between two vertices."""
    if name in _PLACES:
        return _PLACES[name]
    (x, y), (x2, y2) = (_PLACES[v] for v in BRIDGES[name])
    return ((x + x2) / 2, (y + y2) / 2)
