"""Circuits written layer by layer, in the form that `searched.parse_layers` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..block import Gate
from ..patch import Patch, spider_names
from ..tree import tree_names


def qubit_names(patch: Patch) -> dict[str, int]:
    """Return the qubit of each name on a patch that has names.

    Raises:
        ValueError: it has none.
    """
    return tree_names(patch) if patch.name == "tree" else spider_names(patch)


def write_layers(gates: Sequence[Gate], names: Mapping[str, int]) -> tuple[str, ...]:
    """Return a circuit of cx and h in layers, each gate in the first that its qubits are free in.

    Raises:
        ValueError: another gate.
    """
    name_of = {qubit: name for name, qubit in names.items()}
    free: dict[int, int] = {}
    layers: list[list[str]] = []
    for name, *qubits in gates:
        if name not in ("cx", "h"):
            raise ValueError(f"gate {name}: layers are written with cx and h")
        layer = max(free.get(qubit, 0) for qubit in qubits)
        free |= dict.fromkeys(qubits, layer + 1)
        if layer == len(layers):
            layers.append([])
        words = [name_of[qubit] for qubit in qubits]
        layers[layer].append(">".join(words) if name == "cx" else f"H:{words[0]}")
    return tuple(" ".join(layer) for layer in layers)
