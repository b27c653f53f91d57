"""The patch: the qubits that a protocol uses, and the pairs of them that may interact.

Here are the fold patches; tree.py and abstract.py have others. In a fold patch the data are on
lattice vertices and the ancillas on the edges between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .colour_code import ColourCode, make_colour_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A set of heavy-hex sites with the code that lives on it.

    Attributes:
        name: scheme family, for messages and drawings.
        code: the colour code, or None for a single physical qubit.
        data: qubit ids of the data qubits; `data[i]` holds data qubit i of the code.
        ancillas: qubit ids of the ancillas.
        edges: nearest-neighbour pairs, the only ones that may interact: (data, ancilla), and in
            a tree of ancillas also (ancilla, ancilla).
        positions: drawing position of each qubit, in lattice units.
    """

    name: str
    code: ColourCode | None
    data: tuple[int, ...]
    ancillas: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    positions: tuple[tuple[float, float], ...]

    @property
    def num_qubits(self) -> int:
        """Number of qubits, data and ancillas."""
        return len(self.data) + len(self.ancillas)

    def between(self, u: int, v: int) -> int:
        """Return the ancilla on the edge between two data qubits.

        Raises:
            ValueError: no ancilla touches both.
        """
        shared = self._ancillas_of(u) & self._ancillas_of(v)
        if len(shared) != 1:
            raise ValueError(f"data qubits {u} and {v} are not joined by an edge of the patch")
        return shared.pop()

    def _ancillas_of(self, qubit: int) -> set[int]:
        return {a for d, a in self.edges if d == qubit}


@cache
def make_fold_patch(distance: int) -> Patch:
    """Return the fold patch: 13, 40, 82 qubits at d = 3, 5, 7.

    The data of the colour code sit on the vertices of a honeycomb, which are the degree-3 sites
    of heavy-hex; the qubit on each honeycomb edge between two data is an ancilla. Qubits 0..n-1
    are the data in the code's order, then the ancillas.
    """
    code = make_colour_code(distance)
    n = code.num_data
    pairs = [(u, v) for u in range(n) for v in code.neighbours(u) if u < v]
    edges = [(q, n + k) for k, pair in enumerate(pairs) for q in pair]
    corners = [(a + b / 2, b * 3**0.5 / 2) for a, b in code.coordinates]
    middles = [
        ((corners[u][0] + corners[v][0]) / 2, (corners[u][1] + corners[v][1]) / 2) for u, v in pairs
    ]
    return Patch(
        name="fold",
        code=code,
        data=tuple(range(n)),
        ancillas=tuple(range(n, n + len(pairs))),
        edges=tuple(edges),
        positions=tuple(corners + middles),
    )


@cache
def make_fold14_patch() -> Patch:
    """Return the d = 3 fold patch with one more edge qubit, next to n2: 14 qubits."""
    patch = make_fold_patch(3)
    names = spider_names(patch)
    n2, root = names["n2"], patch.num_qubits
    x, y = (
        3 * here - first - second
        for here, first, second in zip(
            *(patch.positions[names[name]] for name in ("n2", "e2", "f2")), strict=True
        )
    )
    return Patch(
        name="fold14",
        code=patch.code,
        data=patch.data,
        ancillas=(*patch.ancillas, root),
        edges=(*patch.edges, (n2, root)),
        positions=(*patch.positions, (x, y)),  # opposite its two neighbours
    )


@cache
def make_bare_patch() -> Patch:
    """Return one physical qubit: the baseline that no code protects."""
    return Patch(name="bare", code=None, data=(0,), ancillas=(), edges=(), positions=((0.0, 0.0),))


def spider_names(patch: Patch) -> dict[str, int]:
    """Return the qubit of each name in the d = 3 spider: c, n1-n3, x1-x3, e1-e3, f1-f3 (and r).

    Three legs c - e_i - n_i - f_i - x_i leave the centre c, and the faces are
    {x_i, n_i, c, n_(i+1)}; r is the extra root of the 14-qubit patch.

    Raises:
        ValueError: the patch is not a d = 3 fold patch.
    """
    code = patch.code
    if code is None or code.distance != 3 or not patch.name.startswith("fold"):
        raise ValueError(
            f"patch {patch.name}: spider names exist on a fold patch of distance 3 only"
        )
    c = next(q for q in patch.data if len(code.neighbours(q)) == 3)
    tip = {n: next(q for q in code.neighbours(n) if q != c) for n in code.neighbours(c)}
    following = {
        n: next(m for f in code.faces if tip[n] in f for m in f if m in tip and m != n) for n in tip
    }
    names = {"c": c}
    n = min(tip)
    for leg in ("1", "2", "3"):
        names |= {"n" + leg: n, "x" + leg: tip[n]}
        names |= {"e" + leg: patch.between(c, n), "f" + leg: patch.between(n, tip[n])}
        n = following[n]
    spare = set(patch.ancillas) - set(names.values())
    return names | dict.fromkeys(["r"] if spare else [], max(patch.ancillas))
