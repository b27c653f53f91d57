"""The stabilisers of a moment in a circuit where the data are in the code, pushed to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, reduce
from operator import mul

from ..colour_code import CheckBasis, ColourCode
from .pauli_frame import Cut, PauliFrame
from .pauli_sums import Pauli


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """A stabiliser and the operator that anticommutes with it and with no other one."""

    stabiliser: Pauli
    partner: Pauli


def begin_generators(cut: Cut) -> tuple[Generator, ...]:
    """Return Z and X of every wire: all are in |0>."""
    return tuple(Generator(stabiliser=z, partner=x) for x, z in zip(cut.x, cut.z, strict=True))


def all_generators(cut: Cut, code: ColourCode) -> tuple[Generator, ...]:
    """Return those of the code's faces and of every wire but the data's."""
    others = [pair for wire, pair in enumerate(begin_generators(cut)) if wire not in cut.data]
    return (*face_generators(cut, code), *others)


def face_generators(cut: Cut, code: ColourCode) -> tuple[Generator, ...]:
    """Return the X and Z stabilisers of the faces, with errors that each of them alone sees.

    The errors commute with the light logical operators (`light_logical`).
    """
    errors = _pure_errors(code)
    other: dict[CheckBasis, CheckBasis] = {"X": "Z", "Z": "X"}
    return tuple(
        Generator(
            stabiliser=product_of(cut, letter, [cut.data[q] for q in face]),
            partner=product_of(cut, other[letter], [cut.data[q] for q in error]),
        )
        for letter in other
        for face, error in zip(code.faces, errors, strict=True)
    )


def end_cut(frame: PauliFrame) -> Cut:
    """Return the end of a circuit, where each image is the operator itself."""
    wires = range(frame.num_wires)
    return Cut(
        at=1 << 62,
        data=frame.data,
        alive=frame.data,
        x=tuple(Pauli(1 << wire, 0) for wire in wires),
        z=tuple(Pauli(0, 1 << wire) for wire in wires),
    )


def product_of(cut: Cut, letter: CheckBasis, wires: Iterable[int]) -> Pauli:
    """Return the product of X or Z over some wires of a cut."""
    images = cut.x if letter == "X" else cut.z
    return reduce(mul, (images[wire] for wire in wires), Pauli(0, 0))


def light_logical(code: ColourCode) -> tuple[int, ...]:
    """Return the data of one side of the triangle: logical X, and Z, of weight `distance`.

    X (Z) on them is X (Z) on all data times stabilisers of value +1.
    """
    return tuple(q for q, (_, b) in enumerate(code.coordinates) if b == 0)


@cache
def _pure_errors(code: ColourCode) -> tuple[tuple[int, ...], ...]:
    """Return, for each face, data whose overlap is odd with it alone.

    The overlap with the other faces and with the light logical operator is even.
    """
    rows = [sum(1 << q for q in members) for members in (*code.faces, light_logical(code))]
    wanted = [1 << i for i in range(len(rows))]  # which of the original rows each one is made of
    pivots: list[int] = []
    for i in range(len(rows)):
        pivot = rows[i] & -rows[i]
        pivots.append(pivot)
        for j in range(len(rows)):
            if j != i and rows[j] & pivot:
                rows[j] ^= rows[i]
                wanted[j] ^= wanted[i]
    errors = []
    for face in range(len(code.faces)):
        mask = sum(pivot for pivot, made in zip(pivots, wanted, strict=True) if made >> face & 1)
        errors.append(tuple(q for q in range(code.num_data) if mask >> q & 1))
    return tuple(errors)
