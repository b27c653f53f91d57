"""The problem of a search: the qubits, the code on them and the pairs that may interact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from ..patch import Patch


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A patch as the search sees it.

    Attributes:
        num_qubits: data and ancillas, numbered from 0.
        data: the data qubits.
        faces: data qubits of each face, which is an X and a Z check.
        edges: pairs that may interact.
    """

    num_qubits: int
    data: tuple[int, ...]
    faces: tuple[tuple[int, ...], ...]
    edges: tuple[tuple[int, int], ...]

    @cached_property
    def ancillas(self) -> tuple[int, ...]:
        """The qubits that hold no data, sorted."""
        return tuple(sorted(set(range(self.num_qubits)) - set(self.data)))

    @cached_property
    def syndrome_bits(self) -> int:
        """Number of low bits of an effect that the data alone decide (see `effects`)."""
        return 2 + 2 * len(self.faces)

    @cached_property
    def lightest(self) -> Mapping[int, tuple[int, ...]]:
        """A lightest set of data that causes each syndrome of one kind of face."""
        found: dict[int, tuple[int, ...]] = {}
        for weight in range(len(self.data) + 1):
            for qubits in combinations(self.data, weight):
                found.setdefault(self.syndrome(qubits), qubits)
            if len(found) == 1 << len(self.faces):
                break
        return found

    @cached_property
    def correction_parity(self) -> tuple[int, ...]:
        """Parity of a lightest set of data that causes each syndrome of one kind of face."""
        return tuple(len(self.lightest[syndrome]) & 1 for syndrome in range(1 << len(self.faces)))

    def syndrome(self, qubits: Sequence[int]) -> int:
        """Return which faces hold an odd number of some qubits: bit f for face f."""
        return sum((len(set(face) & set(qubits)) & 1) << f for f, face in enumerate(self.faces))


def make_problem(patch: Patch) -> Problem:
    """Return a patch as a problem.

    Raises:
        ValueError: the patch has no code.
    """
    if patch.code is None:
        raise ValueError(f"patch {patch.name}: has no code, so nothing to search for")
    return Problem(
        num_qubits=patch.num_qubits,
        data=patch.data,
        faces=tuple(tuple(patch.data[q] for q in face) for face in patch.code.faces),
        edges=patch.edges,
    )
