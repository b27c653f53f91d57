"""The circuits of `tree16`, the d = 3 protocol on the ancilla tree (tree.py).

The nine ancillas change their role between the phases (redundant ancilla encoding: C. Chamberland
and K. Noh, npj Quantum Information 6:91, 2020). In H_m they are one GHZ state, each data qubit
is coupled to it by one controlled H, and when the state is undone the root holds the outcome of
H while the other eight must be 0. In ED the same nine are six syndrome qubits and three flags,
all read once, at the end. In a noiseless run each reads, whatever the data hold:

| ancilla | H_m | ED |
|---|---|---|
| v0 | outcome of H | Z parity of face 2 |
| v1 | flag | X parity of faces 0 and 2 |
| v2 | flag | X parity of faces 0 and 1 |
| v3 | flag | flag |
| v4 | flag | Z parity of face 0 |
| e1 | flag | flag |
| e2 | flag | Z parity of face 1 |
| e3 | flag | flag |
| e4 | flag | X parity of face 0 |

A parity of two faces is that of their product, of weight 4 like a face: three of the seven
products of the code's X faces tell the same as the three faces.
"""

from __future__ import annotations

from .block import Block, Gate, Read, each
from .colour_code import Basis
from .patch import Patch
from .searched import LayeredEncoder, parse_layers
from .tree import tree_names

HADAMARD_ROOT = "v0"

GROWTH = """
    v0>e3
    e3>v3 v0>e1
    v3>e4 e1>v1 v0>e2
    e4>v4 e2>v2
"""
"""8 CX that spread |+> on the root over the tree: a GHZ state."""

DETECTION_TREE = """
    a4>v4 a3>v3 a1>v1 H:e2 H:v2
    b1>v1 v4>e4 e2>v0
    e4>v3 H:v4 v1>a1
    v4>e4 v3>e3
    a3>v3 e3>v0 v4>b4
    e4>v3 v0>e3 H:v4
    v0>e1 e3>v3
    v3>e3 v0>e2 e1>v1
    e4>v3 v1>e1 v2>e2 e3>v0
    v1>a1 v4>e4 b2>v2 v3>a3 e1>v0
    a4>v4 v2>b2 v3>e3 b1>v1 v0>e1
    v4>e4 e2>v0 e3>v3 e1>v1 H:v2
    v0>e3 e4>v3 H:e2 v1>a1
    H:e4 e3>v3 v2>e2 v1>e1
    v4>e4 v3>a3 e2>v2 a1>v1
    H:v2 H:e2 H:e4 v1>b1
    a2>v2 v0>e2 v3>e4
    e1>v0 e3>v3 H:e4
    v0>e2 v4>e4
    v0>e3 e4>v4 e2>v2
    e3>v3 H:v4 e2>v0 H:e4 v2>a2
    v4>a4 v3>e4 e1>v0 v2>e2
    a4>v4 v3>a3 e3>v0 v1>e1 H:v2
    e4>v4 v3>e3 H:v1
    e4>v3 b4>v4
    H:e4
"""
"""74 CX, 26 layers with the Hadamards and 23 of CX (docs/synthesis.md)."""

SYNDROMES: dict[str, tuple[Basis, tuple[int, ...]]] = {
    "v0": ("Z", (2,)),
    "v1": ("X", (0, 2)),
    "v2": ("X", (0, 1)),
    "v4": ("Z", (0,)),
    "e2": ("Z", (1,)),
    "e4": ("X", (0,)),
}
"""Ancilla -> the faces whose common parity it holds after ED; the others are flags."""

ENCODER_TREE = LayeredEncoder(
    entry="e3",
    plus="e4 v0 v1",
    layers="""
        e4>v3 v0>e3 v1>e1
        e4>v4 v0>e2
        v4>e4 e3>v0 e2>v2
        v4>b4 e1>v0 e3>v3 v2>b2
        b4>v4 v1>e1 v0>e2 b2>v2 v3>e3
        v1>b1 e2>v2 v3>e4 e3>v0
        b1>v1 v2>e2 v3>e3 v0>e1
        e4>v3 v2>a2 e1>v1 v0>e3
        e4>v4 a2>v2 e1>v0 e3>v3
        v4>e4 v3>e3 v1>e1
        v4>a4 v3>a3 v1>a1
        a4>v4 a1>v1 a3>v3
    """,
)
"""42 CX in 12 layers."""


def tree_encoder(patch: Patch) -> tuple[Gate, ...]:
    """Return the encoder of |H>: not fault-tolerant, ancillas back in |0>."""
    return ENCODER_TREE.gates(tree_names(patch))


def tree_hadamard(patch: Patch, round_: int) -> Block:
    """Return H_m: 8 CX make the GHZ state, 7 controlled H = A CZ A^-1 couple it, 8 undo it."""
    names = tree_names(patch)
    root = names[HADAMARD_ROOT]
    grow = parse_layers(GROWTH, names)
    links = ((a, b) for a, b in patch.edges if a in patch.data)
    couple = tuple(("cz", ancilla, qubit) for qubit, ancilla in links)
    return Block(
        label=f"hadamard {round_}",
        stage="hadamard",
        round=round_,
        gates=(
            *each("adg", patch.data),
            ("h", root),
            *grow,
            *couple,
            *reversed(grow),
            ("h", root),
            *each("a", patch.data),
        ),
        reads=(
            Read(qubit=root, role="hadamard", basis="Z"),
            *(Read(qubit=q, role="flag", basis="Z") for q in patch.ancillas if q != root),
        ),
    )


def tree_detection(patch: Patch, round_: int) -> Block:
    """Return ED: all X and Z faces at once, every ancilla read at the end."""
    names = tree_names(patch)
    return Block(
        label=f"detection {round_}",
        stage="detection",
        round=round_,
        gates=parse_layers(DETECTION_TREE, names),
        reads=tuple(_read(name, names[name]) for name in names if names[name] in patch.ancillas),
    )


def _read(name: str, qubit: int) -> Read:
    if name not in SYNDROMES:
        return Read(qubit=qubit, role="flag", basis="Z")
    basis, faces = SYNDROMES[name]
    face = faces[0] if len(faces) == 1 else faces
    return Read(qubit=qubit, role="syndrome", basis=basis, face=face)
