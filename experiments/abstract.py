"""The protocol without a layout: what the scheme `routed` gives to a stock transpiler.

Any two qubits may meet, so each gadget is the textbook one. A parity is collected on one syndrome
qubit; a flag qubit is coupled to it after the first and in front of the last data qubit, and sees
every fault in between that would spread to more than one of them (R. Chao and B. W. Reichardt,
Phys. Rev. Lett. 121, 050502, 2018). Both ancillas are read after each gadget.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from math import cos, pi, sin

from .block import Block, Gate, Read, cx, each
from .colour_code import CheckBasis, make_colour_code
from .patch import Patch

_KINDS: tuple[CheckBasis, ...] = ("X", "Z")
_CODE = make_colour_code(3)


@cache
def make_abstract_patch() -> Patch:
    """Return 7 data, a syndrome qubit and a flag qubit, on a circle; every pair is an edge."""
    size = _CODE.num_data + 2
    turns = [2 * pi * q / size for q in range(size)]
    return Patch(
        name="routed",
        code=_CODE,
        data=tuple(range(_CODE.num_data)),
        ancillas=(_CODE.num_data, _CODE.num_data + 1),
        edges=tuple((a, b) for a, b in product(range(size), repeat=2) if a < b),
        positions=tuple((cos(turn), sin(turn)) for turn in turns),
    )


def make_routed_patch(
    layout: Sequence[int],
    data: Sequence[int],
    edges: Sequence[tuple[int, int]],
    positions: Sequence[tuple[float, float]],
) -> Patch:
    """Return the patch that a routed program is on.

    Args:
        layout: physical qubits in use; `layout[q]` is patch qubit q.
        data: patch qubit of each data qubit of the code, at the readout.
        edges: working edges of the device.
        positions: drawing position of each physical qubit.
    """
    local = {physical: q for q, physical in enumerate(layout)}
    return Patch(
        name="routed",
        code=_CODE,
        data=tuple(data),
        ancillas=tuple(q for q in range(len(layout)) if q not in set(data)),
        edges=tuple((local[a], local[b]) for a, b in edges if a in local and b in local),
        positions=tuple(positions[physical] for physical in layout),
    )


def make_abstract_blocks(patch: Patch, rounds: int) -> tuple[Block, ...]:
    """Return the protocol in front of the readout, on the patch of `make_abstract_patch`."""
    blocks = [_encode(patch)]
    for round_ in range(1, rounds + 1):
        blocks.append(_hadamard(patch, round_))
        blocks += [
            _face_check(patch, round_, kind, face)
            for kind in _KINDS
            for face in range(len(_CODE.faces))
        ]
    return tuple(blocks)


def _encode(patch: Patch) -> Block:
    """Return the 11-CX encoder of |H>.

    Each face owns one corner, which no other face has, and the three qubits of two faces carry a
    logical X: the state is copied onto them, then each face's corner in |+> onto its face.
    """
    faces = _CODE.faces
    shared = [q for q in patch.data if sum(q in face for face in faces) == 2]
    gates: list[Gate] = [("a", shared[0]), *(cx(shared[0], q) for q in shared[1:])]
    for face in faces:
        corner = next(q for q in face if sum(q in other for other in faces) == 1)
        gates += [("h", corner), *(cx(corner, q) for q in face if q != corner)]
    return Block(label="encode", stage="encode", round=0, gates=tuple(gates))


def _hadamard(patch: Patch, round_: int) -> Block:
    syndrome, flag = patch.ancillas
    return Block(
        label=f"hadamard {round_}",
        stage="hadamard",
        round=round_,
        gates=(
            *each("adg", patch.data),
            *_flagged_parity(patch, patch.data, "Z"),
            *each("a", patch.data),
        ),
        reads=(
            Read(qubit=syndrome, role="hadamard", basis="Z"),
            Read(qubit=flag, role="flag", basis="Z"),
        ),
    )


def _face_check(patch: Patch, round_: int, kind: CheckBasis, face: int) -> Block:
    syndrome, flag = patch.ancillas
    return Block(
        label=f"detection {round_} {kind}{face}",
        stage="detection",
        round=round_,
        gates=_flagged_parity(patch, _CODE.faces[face], kind),
        reads=(
            Read(qubit=syndrome, role="syndrome", basis=kind, face=face),
            Read(qubit=flag, role="flag", basis=kind, face=face),
        ),
    )


def _flagged_parity(patch: Patch, members: Sequence[int], kind: CheckBasis) -> tuple[Gate, ...]:
    """Return the gates that put a parity on the syndrome qubit; a flag that is raised reads 1.

    The Z parity is collected by CX onto the syndrome qubit, where a Z error spreads to the data
    that follow; the flag in |+> meets it by CX, which takes that Z to the flag. For X everything
    is the other way round.
    """
    syndrome, flag = patch.ancillas
    first, *middle, last = members
    walk = [(first, syndrome), (flag, syndrome)]
    walk += [(q, syndrome) for q in middle]
    walk += [(flag, syndrome), (last, syndrome)]
    turned = flag if kind == "Z" else syndrome
    gates = [cx(a, b) if kind == "Z" else cx(b, a) for a, b in walk]
    return (("h", turned), *gates, ("h", turned))
