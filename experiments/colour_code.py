"""The triangular 6.6.6 colour code of any odd distance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

Basis = Literal["X", "Y", "Z"]
BASES: tuple[Basis, ...] = get_args(Basis)

CheckBasis = Literal["X", "Z"]
"""Pauli basis of a face's check."""

Coordinate = tuple[int, int]

_NEIGHBOURS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourCode:
    """The `[[(3d^2+1)/4, 1, d]]` triangular colour code.

    Every face carries an X and a Z stabiliser on the same data qubits, and logical X, Z and H
    are transversal (distance odd).

    Attributes:
        distance: odd code distance d >= 3.
        coordinates: position of each data qubit on the triangular lattice, sorted.
        faces: data-qubit indices of each face, sorted, 4 or 6 each.
    """

    distance: int
    coordinates: tuple[Coordinate, ...]
    faces: tuple[tuple[int, ...], ...]

    @property
    def num_data(self) -> int:
        """Number of data qubits n."""
        return len(self.coordinates)

    def neighbours(self, qubit: int) -> tuple[int, ...]:
        """Data qubits at lattice distance one from `qubit`, sorted (at most 3: a honeycomb)."""
        index = {place: i for i, place in enumerate(self.coordinates)}
        around = _around(self.coordinates[qubit])
        return tuple(sorted(index[place] for place in around if place in index))

    def logical_sign(self, basis: Basis) -> int:
        """Sign s for which the logical Pauli of `basis` is s times that Pauli on all data.

        Logical Y = i X Z, and X^n Z^n = (-i Y)^n, so its sign is i (-i)^n: -1 for n = 7 and 19,
        +1 for n = 37.
        """
        if basis != "Y":
            return 1
        return -1 if self.num_data % 4 == 3 else 1

    def face_sign(self, face: int, basis: Basis) -> int:
        """Value of the product of `basis` over a face in the code space.

        X and Z products are stabilisers (+1). Their product is (-1)^(w/2) times the Y product of
        a face of weight w, so hexagons (w = 6) read -1 in Y.
        """
        return -1 if basis == "Y" and len(self.faces[face]) % 4 == 2 else 1


@cache
def make_colour_code(distance: int) -> ColourCode:
    """Return the triangular colour code of an odd distance >= 3.

    Lattice points (a, b) with a, b >= 0 and a + b <= 3(d-1)/2; one residue class of (a - b) mod 3
    holds the face centres, the other two the data (H. Bombin and M. A. Martin-Delgado,
    Phys. Rev. Lett. 97, 180501, 2006). The class is the one that leaves only faces of weight 4
    and 6.

    Raises:
        ValueError: the distance is even or below 3.
    """
    if distance < 3 or distance % 2 == 0:
        raise ValueError(
            f"distance {distance}: the colour code needs an odd distance of at least 3"
        )
    points = tuple(_triangle(3 * (distance - 1) // 2))
    for residue in range(3):
        centres = [p for p in points if (p[0] - p[1]) % 3 == residue]
        data = tuple(p for p in points if (p[0] - p[1]) % 3 != residue)
        index = {p: i for i, p in enumerate(data)}
        faces = tuple(
            tuple(sorted(index[q] for q in _around(centre) if q in index)) for centre in centres
        )
        if all(len(face) in (4, 6) for face in faces):
            return ColourCode(distance=distance, coordinates=data, faces=faces)
    raise AssertionError(f"no face class for distance {distance}")  # cannot happen: see the test


def _triangle(side: int) -> Iterator[Coordinate]:
    return ((a, b) for a in range(side + 1) for b in range(side + 1 - a))


def _around(place: Coordinate) -> tuple[Coordinate, ...]:
    return tuple((place[0] + da, place[1] + db) for da, db in _NEIGHBOURS)
