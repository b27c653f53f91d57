"""Places: which patch qubit is where on its device, and what people call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..analysis.points import QubitPlace
from ..backends.heavy_hex_drawing import heavy_hex_positions
from ..experiments.abstract import make_routed_patch
from ..experiments.patch import Patch, spider_names
from ..experiments.program import make_patch
from ..experiments.tree import tree_names
from .circuits import DATA, PlannedCircuit
from .plan import Point

Calibration = Mapping[str, Any]


def qubit_places(
    point: Point, circuit: PlannedCircuit, device: Calibration
) -> dict[int, QubitPlace]:
    """Return where each patch qubit of a point's circuits is."""
    names = short_names(circuit_patch(point, circuit, device))
    return {
        qubit: QubitPlace(device_qubit=place, name=names.get(qubit, str(qubit)))
        for qubit, place in enumerate(circuit.layout)
    }


def short_names(patch: Patch) -> dict[int, str]:
    """Return short names of patch qubits: the tree's, the spider's at d = 3, else numbers."""
    if patch.name == "tree":
        return {qubit: name for name, qubit in tree_names(patch).items()}
    if patch.code is not None and patch.code.distance == 3 and patch.name != "routed":
        return {qubit: name for name, qubit in spider_names(patch).items()}
    data = {qubit: f"d{i}" for i, qubit in enumerate(patch.data)}
    return data | {qubit: f"a{i}" for i, qubit in enumerate(patch.ancillas)}


def circuit_patch(point: Point, circuit: PlannedCircuit, device: Calibration) -> Patch:
    """Return the patch of a point's circuit, on its device if it is routed there."""
    if point.protocol.scheme != "routed":
        return make_patch(point.protocol.scheme, point.protocol.distance)
    every = device_edges(device)
    faulty = {tuple(edge) for edge in device["faulty_edges"]}
    return make_routed_patch(
        circuit.layout,
        [circuit.layout.index(qubit) for qubit in circuit.roles[DATA]],
        [edge for edge in every if edge not in faulty],
        heavy_hex_positions(len(device["qubits"]), every),
    )


def device_edges(device: Calibration) -> list[tuple[int, int]]:
    """Return the pairs of qubits that have a two-qubit gate, each once, sorted."""
    pairs = ((gate["control"], gate["target"]) for gate in device["two_qubit"])
    return sorted({(min(pair), max(pair)) for pair in pairs})
