"""Stage `encode`: the encoded |H>, prepared without fault tolerance."""

from __future__ import annotations

from .block import Block, Gate, cx
from .colour_code import ColourCode
from .encode_searched import ENCODERS, layered_encoder
from .fold import make_fold_tree
from .patch import Patch
from .searched import searched_encoder
from .tree16 import tree_encoder


def make_encode(patch: Patch) -> Block:
    """Return the block that prepares the encoded |H> from |0> on every qubit.

    One bare qubit is rotated by A; at d = 3 it is the searched 29-CX encoder or, on the tree, that
    of tree16.py, at d = 5 and 7 those of encode_searched.py, beyond `fan_out_encoder`. Every
    ancilla ends in |0>.
    """
    if patch.code is None:
        gates: tuple[Gate, ...] = (("a", patch.data[0]),)
    elif patch.name == "tree":
        gates = tree_encoder(patch)
    elif patch.code.distance == 3:
        gates = searched_encoder(patch)
    elif patch.code.distance in ENCODERS:
        gates = layered_encoder(patch, patch.code.distance)
    else:
        gates = fan_out_encoder(patch, patch.code)
    return Block(label="encode", stage="encode", round=0, gates=gates)


def fan_out_encoder(patch: Patch, code: ColourCode) -> tuple[Gate, ...]:
    """Return an encoder for any distance, with two-qubit gates on the patch's own edges.

    |H> enters on one data qubit and is fanned out in X over a logical operator that avoids every
    pivot; then each face fans a fresh pivot in |+> out over its other qubits. The faces are
    ordered so that a pivot lies in no earlier face.
    """
    pivots = _pivots(code)
    logical = set(range(code.num_data))
    for pivot, face in reversed(pivots):
        if pivot in logical:
            logical ^= set(face)
    entry = min(logical)
    gates: list[Gate] = [("a", entry)]
    gates += _fan_out(patch, entry, logical, tuple(range(code.num_data)))
    for pivot, face in pivots:
        gates.append(("h", pivot))
        gates += _fan_out(patch, pivot, set(face), face)
    return tuple(gates)


def _pivots(code: ColourCode) -> list[tuple[int, tuple[int, ...]]]:
    """Return (pivot, face) in encoding order, by peeling off faces that own a qubit alone."""
    left = list(code.faces)
    order: list[tuple[int, tuple[int, ...]]] = []
    while left:
        pivot, face = next(
            (q, face) for face in left for q in face if sum(q in other for other in left) == 1
        )
        order.append((pivot, face))
        left.remove(face)
    return order[::-1]


def _fan_out(patch: Patch, source: int, members: set[int], inside: tuple[int, ...]) -> list[Gate]:
    """Return the gates of CX from `source` onto every other member, along a tree in `inside`.

    Conjugating one hop with the hops below it makes X of the parent become X of parent and
    members; a tree qubit that is no member only passes the value on and is cleaned again.
    """
    tree = _tree_from(patch, source, members, inside)
    spread = [_hop(patch, u, v) for u, v in tree]
    below = [hop for (u, _), hop in zip(tree, spread, strict=True) if u != source]
    clean = [
        hop for (_, v), hop in reversed(list(zip(tree, spread, strict=True))) if v not in members
    ]
    return [gate for hop in [*reversed(below), *spread, *clean] for gate in hop]


def _tree_from(
    patch: Patch, source: int, members: set[int], inside: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Return (parent, child) pairs of a tree from `source` to the members, parents first."""
    full = make_fold_tree(patch, inside)
    links: dict[int, set[int]] = {q: set() for q in inside}
    for u, v in [*full.steps, full.root]:
        links[u].add(v)
        links[v].add(u)
    order: list[tuple[int, int]] = []
    seen = {source}
    queue = [source]
    for u in queue:
        for v in sorted(links[u] - seen):
            seen.add(v)
            queue.append(v)
            order.append((u, v))
    needed = set(members)
    for u, v in reversed(order):
        if v in needed:
            needed.add(u)
    return [(u, v) for u, v in order if v in needed]


def _hop(patch: Patch, u: int, v: int) -> list[Gate]:
    """Return CX(u, v) through the ancilla between them, which starts and ends in |0>."""
    m = patch.between(u, v)
    return [cx(u, m), cx(m, v), cx(u, m)]
