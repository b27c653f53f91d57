"""Parity by folding: a flagged parity measurement along a tree of the patch.

To measure the Z parity of a set of data qubits, walk a spanning tree of it from the leaves to the
root edge. Each tree edge (u, v) with ancilla m in |0> does CX(u, m), CX(m, v): the parity so far
moves onto v. Both ends of the root edge then put their parity on its ancilla, and the walk is
undone: every other ancilla must come back to |0> and is read as a flag.
An X parity is the same with every CX reversed and the ancillas in |+>.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from .block import Gate, cx, each
from .colour_code import CheckBasis
from .patch import Patch


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldTree:
    """A spanning tree of a connected set of data qubits, hung from an edge.

    Attributes:
        root: the two data qubits of the root edge.
        steps: (child, parent) data pairs, leaves first.
    """

    root: tuple[int, int]
    steps: tuple[tuple[int, int], ...]


def make_fold_tree(patch: Patch, data: tuple[int, ...]) -> FoldTree:
    """Return the shallowest spanning tree of `data` that hangs from an edge of the patch.

    Ties go to the lowest qubit numbers, so the result is always the same.

    Raises:
        ValueError: the data are not connected by edges of the patch.
    """
    links = _links(patch, data)
    edges = sorted((u, v) for u in data for v in links[u] if u < v)
    trees = [(depth, edge) for edge in edges if (depth := _depth(links, edge)) is not None]
    if not trees:
        raise ValueError(f"data qubits {data} are not connected on patch {patch.name}")
    _, root = min(trees)
    parents = _parents(links, root)
    return FoldTree(root=root, steps=tuple((v, u) for v, u in reversed(parents.items())))


def fold_gates(patch: Patch, tree: FoldTree, kind: CheckBasis) -> tuple[Gate, ...]:
    """Return the gates that put the parity of a tree's data on the root edge's ancilla.

    The ancillas start in |0>; afterwards the root's ancilla holds the parity and the others are
    back in |0>, for a measurement of all of them in Z.
    """
    ancillas = tree_ancillas(patch, tree)
    down = [pair for v, u in tree.steps for m in [patch.between(v, u)] for pair in ((v, m), (m, u))]
    middle = [(end, ancillas[0]) for end in tree.root]
    walk = [*down, *middle, *reversed(down)]
    if kind == "Z":
        return tuple(cx(a, b) for a, b in walk)
    turn = each("h", ancillas)
    return (*turn, *(cx(b, a) for a, b in walk), *turn)


def tree_ancillas(patch: Patch, tree: FoldTree) -> tuple[int, ...]:
    """Return the ancilla of the root edge, then those of the other tree edges (the flags)."""
    return (patch.between(*tree.root), *(patch.between(v, u) for v, u in tree.steps))


def _links(patch: Patch, data: tuple[int, ...]) -> dict[int, list[int]]:
    if patch.code is None:
        raise ValueError(f"patch {patch.name} has no code")
    inside = set(data)
    return {u: [v for v in patch.code.neighbours(u) if v in inside] for u in data}


def _parents(links: Mapping[int, list[int]], root: tuple[int, int]) -> dict[int, int]:
    """Return child -> parent in breadth-first order from both ends of the root edge."""
    parents: dict[int, int] = {}
    queue = deque(root)
    while queue:
        u = queue.popleft()
        for v in links[u]:
            if v not in parents and v not in root:
                parents[v] = u
                queue.append(v)
    return parents


def _depth(links: Mapping[int, list[int]], root: tuple[int, int]) -> int | None:
    """Return the depth of the tree below a root edge, or None if it does not reach everything."""
    parents = _parents(links, root)
    if len(parents) + 2 != len(links):
        return None
    depth = dict.fromkeys(root, 0)
    for v, u in parents.items():
        depth[v] = depth[u] + 1
    return max(depth.values())
