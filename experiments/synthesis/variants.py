"""Programs of the d = 3 schemes with any of the searched circuits, to hold them side by side.

Benchmarks and tests compare them; a search makes its program as they are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..block import Block, each
from ..detection import make_detection
from ..encode import make_encode
from ..hadamard import make_hadamard
from ..program import Program, assemble, make_patch, make_program
from ..readout import make_readout
from ..searched import DETECTION_13, HADAMARD_13, HADAMARD_14, parse_layers
from ..tree16 import DETECTION_TREE
from .earlier import (
    DETECTION_13_FEWEST,
    DETECTION_13_FIRST,
    DETECTION_TREE_FIRST,
    HADAMARD_13_FIRST,
    HADAMARD_14_FIRST,
)
from .layered import qubit_names

VARIANTS: dict[str, tuple[str, str | None, str]] = {
    "fold13 shipped": ("fold13", HADAMARD_13, DETECTION_13),
    "fold13 first": ("fold13", HADAMARD_13_FIRST, DETECTION_13_FIRST),
    "fold13 fewest": ("fold13", HADAMARD_13_FIRST, DETECTION_13_FEWEST),
    "fold14 shipped": ("fold14", HADAMARD_14, DETECTION_13),
    "fold14 first": ("fold14", HADAMARD_14_FIRST, DETECTION_13_FIRST),
    "fold14 fewest": ("fold14", HADAMARD_14_FIRST, DETECTION_13_FEWEST),
    "tree16 shipped": ("tree16", None, DETECTION_TREE),
    "tree16 first": ("tree16", None, DETECTION_TREE_FIRST),
}
"""Name -> (scheme, text of H_m or None for the shipped one, text of ED)."""


def variant_stages(scheme: str, hadamard: str | None, detection: str) -> list[Block]:
    """Return H_m and ED of a scheme with the circuits of two texts; None is the shipped H_m."""
    patch = make_patch(scheme, 3)
    names = qubit_names(patch)
    (shipped,) = make_detection(patch, scheme, 1)
    around = (each("adg", patch.data), each("a", patch.data))
    first = make_hadamard(patch, scheme, 1)
    if hadamard is not None:
        gates = (*around[0], *parse_layers(hadamard, names), *around[1])
        first = replace(first, gates=gates)
    return [first, replace(shipped, gates=parse_layers(detection, names))]


def variant_program(scheme: str, stages: list[Block]) -> Program:
    """Return the program of a scheme with H_m and ED given, read out in Z."""
    patch = make_patch(scheme, 3)
    return assemble(scheme, patch, [make_encode(patch), *stages, make_readout(patch, "Z")], "Z")


def variant_programs() -> Iterator[tuple[str, Program]]:
    """Yield every variant as a program by its name, and the plain fold."""
    for name, (scheme, hadamard, detection) in VARIANTS.items():
        yield name, variant_program(scheme, variant_stages(scheme, hadamard, detection))
    yield "fold", make_program(scheme="fold", distance=3, rounds=1, basis="Z")
