"""Stage `detection` (ED): every X and Z face of the code, flagged."""

from __future__ import annotations

from .block import Block, Read
from .colour_code import CheckBasis
from .fold import fold_gates, make_fold_tree, tree_ancillas
from .patch import Patch, spider_names
from .searched import DETECTION_13, parse_layers, searched_syndromes
from .single_layer import single_layer_detection
from .tree16 import tree_detection


def make_detection(patch: Patch, scheme: str, round_: int) -> tuple[Block, ...]:
    """Return ED of one round: one block a check for `fold`, one block for a searched circuit.

    Raises:
        ValueError: the patch has no code.
    """
    code = patch.code
    if code is None:
        raise ValueError("a bare qubit has no faces to check")
    if scheme == "tree16":
        return (tree_detection(patch, round_),)
    if scheme == "fold40":
        return (single_layer_detection(patch, round_),)
    if scheme == "fold":
        kinds: tuple[CheckBasis, ...] = ("X", "Z")
        return tuple(
            _face_check(patch, round_, kind, face)
            for kind in kinds
            for face in range(len(code.faces))
        )
    return (
        Block(
            label=f"detection {round_}",
            stage="detection",
            round=round_,
            gates=parse_layers(DETECTION_13, spider_names(patch)),
            reads=searched_syndromes(patch, code),
        ),
    )


def _face_check(patch: Patch, round_: int, kind: CheckBasis, face: int) -> Block:
    if patch.code is None:
        raise ValueError("a bare qubit has no faces to check")
    tree = make_fold_tree(patch, patch.code.faces[face])
    root, *flags = tree_ancillas(patch, tree)
    return Block(
        label=f"detection {round_} {kind}{face}",
        stage="detection",
        round=round_,
        gates=fold_gates(patch, tree, kind),
        reads=(
            Read(qubit=root, role="syndrome", basis=kind, face=face),
            *(Read(qubit=flag, role="flag", basis=kind, face=face) for flag in flags),
        ),
    )
