"""Stage `hadamard`: the flagged measurement H_m of the transversal Hadamard.

A = Ry(pi/4) turns Z into H, so H on all data is measured as A^-1 on all data, a flagged
measurement of the Z parity of all data, and A on all data.
"""

from __future__ import annotations

from dataclasses import replace

from .block import Block, Read, each
from .fold import fold_gates, make_fold_tree, tree_ancillas
from .patch import Patch, spider_names
from .searched import HADAMARD_13, HADAMARD_14, parse_layers
from .tree16 import tree_hadamard


def make_hadamard(patch: Patch, scheme: str, round_: int) -> Block:
    """Return H_m of one round: +1 reads 0, and every flag reads 0."""
    if scheme == "tree16":
        return tree_hadamard(patch, round_)
    if scheme in ("fold", "fold40"):
        tree = make_fold_tree(patch, patch.data)
        walk = fold_gates(patch, tree, "Z")
        root, *flags = tree_ancillas(patch, tree)
    else:
        names = spider_names(patch)
        text, top = (HADAMARD_14, "r") if scheme == "fold14" else (HADAMARD_13, "e1")
        walk = parse_layers(text, names)
        root = names[top]
        flags = [q for q in patch.ancillas if q != root]
    if scheme in ("fold14", "fold40"):
        flags = []  # these ancillas go on into ED, whose reads show their faults
    return Block(
        label=f"hadamard {round_}",
        stage="hadamard",
        round=round_,
        gates=(*each("adg", patch.data), *walk, *each("a", patch.data)),
        reads=(
            Read(qubit=root, role="hadamard", basis="Z", always_reset=scheme == "fold40"),
            *(Read(qubit=flag, role="flag", basis="Z") for flag in flags),
        ),
    )


def make_hadamard_readout(patch: Patch, scheme: str) -> Block:
    """Return H_m once more as the readout: the value of its outcome is the result.

    Every ancilla that it uses is read behind it. The data are not. `encoded`, which has no H_m of
    its own, gets that of `fold`.
    """
    block = make_hadamard(patch, "fold" if scheme == "encoded" else scheme, 0)
    root, *flags = block.reads
    unread = set(patch.ancillas).intersection(block.qubits) - {read.qubit for read in block.reads}
    return replace(
        block,
        label="readout",
        stage="readout",
        reads=(
            replace(root, expected=None),
            *flags,
            *(Read(qubit=qubit, role="flag", basis="Z") for qubit in sorted(unread)),
        ),
    )
