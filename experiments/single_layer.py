"""Scheme `fold40`: H_m and ED of d = 5 by folding, every ancilla of a round read once, at its end.

Each check of ED has a root ancilla of its own, so that nothing is read between two checks. A later
check that walks through the root of an earlier one takes its value along: that outcome is counted
out again (`Read.xor`). An error that a flag would have shown stays on its ancilla and is seen at
the end. H_m's root takes no part in ED: it is read and reset meanwhile.

The order of the checks, their roots and the edges left out were found by simulated annealing with
two-qubit gates, Hadamards and waiting qubits as cost (docs/synthesis.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .block import Block, Gate, Read
from .colour_code import CheckBasis
from .fold import FoldTree, fold_gates, make_fold_tree, tree_ancillas
from .patch import Patch

CHECKS_5 = """
    Z2 1-5
    Z3 11-7 6-10
    Z0 5-6
    X6 16-14 10-13
    X7 13-15
    X8 17-18
    X0 6-2
    X4 9-5 6-10
    Z7 12-13
    X2 1-0
    Z1 7-3
    X3 3-2 6-10
    X5 11-14
    Z4 12-9 6-10
    Z5 7-8
    Z8 15-17
    X1 4-8
    Z6 13-10 14-16
"""
"""Check, its root edge and the edge of a hexagon that is left out, data by number in the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One face in X or Z, measured along a path around it."""

    basis: CheckBasis
    face: int
    tree: FoldTree


def read_checks(patch: Patch, text: str) -> tuple[Check, ...]:
    """Return checks written one a line: `X4 9-12` or, of a face that is a ring, `X4 9-12 6-10`.

    Raises:
        ValueError: the patch has no code, or the edges are not a path that covers the face.
    """
    checks = []
    for line in text.strip().splitlines():
        name, root, *left_out = line.split()
        tree = _hang(patch, int(name[1:]), _edge(root), [set(_edge(word)) for word in left_out])
        checks.append(Check(basis="X" if name[0] == "X" else "Z", face=int(name[1:]), tree=tree))
    return tuple(checks)


def single_layer_detection(patch: Patch, round_: int) -> Block:
    """Return ED at d = 5: all checks, then a read of every ancilla but H_m's root."""
    checks = read_checks(patch, CHECKS_5)
    root = tree_ancillas(patch, make_fold_tree(patch, patch.data))[0]
    gates = [gate for c in checks for gate in fold_gates(patch, c.tree, c.basis)]
    reads: list[Read] = []
    for check in checks:
        own, *others = tree_ancillas(patch, check.tree)
        taken = tuple(read.qubit for read in reads if read.qubit in others)
        reads.append(
            Read(qubit=own, role="syndrome", basis=check.basis, face=check.face, xor=taken)
        )
    used = {root, *(read.qubit for read in reads)}
    flags = (Read(qubit=q, role="flag", basis="Z") for q in patch.ancillas if q not in used)
    return Block(
        label=f"detection {round_}",
        stage="detection",
        round=round_,
        gates=without_repeats(gates),
        reads=(*reads, *flags),
    )


def without_repeats(gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """Return gates that are their own inverses without each two that cancel.

    Two equal gates cancel if every gate between them commutes: on other qubits, or CX that share
    controls or targets only.
    """
    kept: list[Gate] = []
    for gate in gates:
        equal = next((i for i in range(len(kept) - 1, -1, -1) if not _passes(gate, kept[i])), None)
        if equal is not None and kept[equal] == gate:
            del kept[equal]
        else:
            kept.append(gate)
    return tuple(kept)


def _passes(gate: Gate, other: Gate) -> bool:
    """Tell whether two gates are different and commute."""
    (_, *here), (_, *there) = gate, other
    if not set(here) & set(there):
        return True
    crossed = here[0] == there[-1] or here[-1] == there[0]
    return len(here) == len(there) == 2 and gate != other and not crossed


def _edge(word: str) -> tuple[int, int]:
    first, second = word.split("-")
    return int(first), int(second)


def _hang(patch: Patch, face: int, root: tuple[int, int], left_out: Sequence[set[int]]) -> FoldTree:
    """Return the path around a face, hung from an edge; both ends at the same pace."""
    if patch.code is None:
        raise ValueError(f"patch {patch.name} has no code")
    inside = patch.code.faces[face]
    links = {
        u: [v for v in patch.code.neighbours(u) if v in inside and {u, v} not in left_out]
        for u in inside
    }
    steps: list[tuple[int, int]] = []
    ends = [(root[0], root[1]), (root[1], root[0])]
    while ends and len(steps) < len(inside):
        ends = [(v, u) for u, back in ends for v in links[u] if v != back]
        steps += ends
    if {*root, *(v for v, _ in steps)} != set(inside) or len(steps) != len(inside) - 2:
        raise ValueError(f"face {face}: root {root} and what is left out give no path around it")
    return FoldTree(root=root, steps=tuple(reversed(steps)))
