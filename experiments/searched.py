"""Searched d = 3 circuits, written down layer by layer in the names of the spider.

`a>b` is a CX with control a and target b, `H:a` a Hadamard; a line is a layer of gates that can
run at the same time. c is the centre, n1-n3 and x1-x3 the data of the legs, e1-e3 the ancillas
between c and n, f1-f3 those between n and x, r the extra root of the 14-qubit patch
(`patch.spider_names`). H_m is written without its rotations: it is the Z parity of all data.

The circuits were found by simulated annealing over CX insertions, deletions, moves and reversals
with the exact number of bad single faults as cost and few layers as aim (docs/synthesis.md). The
six checks of ED end on six different ancillas, so nothing is read in between: the ancillas that
flag faults of H_m hold the syndromes of ED.
"""

from __future__ import annotations

from dataclasses import dataclass

from .block import Gate, Read, cx
from .colour_code import Basis, ColourCode
from .patch import Patch, spider_names


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredEncoder:
    """An encoder in words: |H> enters on `entry`, `plus` start in |+>, the other qubits in |0>."""

    entry: str
    plus: str
    layers: str

    def gates(self, names: dict[str, int]) -> tuple[Gate, ...]:
        """Return its gates: not fault-tolerant, ancillas back in |0>."""
        start: list[Gate] = [("a", names[self.entry])]
        start += [("h", names[name]) for name in self.plus.split()]
        return (*start, *parse_layers(self.layers, names))


HADAMARD_13 = """
    x3>f3 x1>f1 x2>f2 c>e1 H:e3
    e3>c f1>n1 f2>n2 f3>n3
    n2>e2 n3>e3 n1>e1
    e2>c f3>n3
    x3>f3 n2>e2 e1>c
    e3>c f2>n2 n1>e1
    c>e1 f1>n1 x2>f2 H:e3
    e1>c x1>f1
"""
"""24 CX in 8 layers; e1 holds the parity, e2 e3 f1 f2 f3 are flags."""

HADAMARD_14 = """
    x3>f3 n2>r H:f2 H:e2 x1>f1
    f2>n2 f1>n1 f3>n3
    e2>n2 x2>f2 n1>e1 n3>e3
    f2>n2 e1>c
    n2>f2 e3>c
    r>n2 c>e2 H:f2
    e3>c e2>n2
    n3>e3 e1>c n2>r H:e2
    r>n2 f3>n3 n1>e1
    x3>f3 f1>n1
    x1>f1
"""
"""27 CX in 11 layers; r holds the parity, so the other ancillas go on into ED unread."""

DETECTION_13 = """
    c>e1 H:e3 H:f1 n2>e2 H:f2
    e3>c f1>n1 e2>n2
    e3>n3 e1>n1 c>e2
    e2>n2 n1>e1 n3>f3
    f2>n2 e3>n3 e1>c f1>n1 x3>f3
    n2>e2 c>e1 x1>f1 f3>x3
    f2>n2 e3>c e1>n1 f1>x1
    e2>c n3>e3 x2>f2 n1>e1
    c>e2 f2>x2 f1>n1 f3>n3
    e3>c n2>e2 H:f1 H:f3
    c>e3 e2>n2
    c>e2 n2>f2 n3>e3
    e1>c e2>n2
    e1>n1 e2>c n2>f2
    n1>e1 c>e3
    e3>n3 c>e1
    c>e3
    e2>c
    c>e3 H:e2
"""
"""51 CX, 19 layers with the Hadamards and 18 of CX; SYNDROMES_13 says what each ancilla holds."""

SYNDROMES_13 = {"e1": "Z1", "f2": "Z2", "e3": "Z3", "f1": "X1", "e2": "X2", "f3": "X3"}
"""Ancilla -> check that it reads after ED; face i is {x_i, n_i, c, n_(i+1)}."""

ENCODER_29 = LayeredEncoder(
    entry="e3",
    plus="e1 n2 n3",
    layers="""
        e1>c
        e3>c  n2>e2
        c>e2
        e2>c  n3>e3
        c>e3  e1>n1 n2>f2
        e3>c  f2>n2 n1>f1 n3>f3
        c>e1  e2>n2 f1>n1 f3>n3
        e2>c  e1>n1 e3>n3 f1>x1 f2>x2 f3>x3
        n1>e1 n2>e2 n3>e3 x1>f1 x2>f2 x3>f3
    """,
)
"""29 CX in 9 layers.

29 is the least number of CX. An encoder of 26 two-qubit gates exists, with one-qubit Cliffords
between them; it takes longer, and less is accepted on every device tried (docs/measured.md).
Found by `synthesis/encoders.py`.
"""


def parse_layers(text: str, names: dict[str, int]) -> tuple[Gate, ...]:
    """Return the gates of a circuit written in layers.

    Raises:
        ValueError: a word is not `a>b` or `H:a`, or two gates of a layer share a qubit.
    """
    gates: list[Gate] = []
    for line in text.strip().splitlines():
        layer = [_parse_gate(word, names) for word in line.split()]
        touched = [qubit for gate in layer for qubit in gate[1:]]
        if len(touched) != len(set(touched)):
            raise ValueError(f"layer {line.strip()!r}: two gates share a qubit")
        gates += layer
    return tuple(gates)


def _parse_gate(word: str, names: dict[str, int]) -> Gate:
    control, arrow, target = word.partition(">")
    if arrow:
        return cx(names[control], names[target])
    gate, colon, qubit = word.partition(":")
    if gate != "H" or not colon:
        raise ValueError(f"{word!r} is neither a>b nor H:a")
    return ("h", names[qubit])


def searched_encoder(patch: Patch) -> tuple[Gate, ...]:
    """Return the 29-CX encoder of |H>: not fault-tolerant, ancillas back in |0>."""
    return ENCODER_29.gates(spider_names(patch))


def searched_syndromes(patch: Patch, code: ColourCode) -> tuple[Read, ...]:
    """Return the six reads that end the searched ED."""
    names = spider_names(patch)
    reads = []
    for ancilla, check in SYNDROMES_13.items():
        leg = check[1]
        tip = names["x" + leg]
        face = next(i for i, members in enumerate(code.faces) if tip in members)
        basis: Basis = "X" if check[0] == "X" else "Z"
        reads.append(Read(qubit=names[ancilla], role="syndrome", basis=basis, face=face))
    return tuple(reads)
