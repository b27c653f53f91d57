"""Embedding: where on a device a patch sits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import rustworkx
from numpy.typing import NDArray

from ..experiments.errors import UsageError
from ..experiments.patch import Patch
from ..experiments.program import Program
from .compilation import Compiled, compile_program
from .device import Device

Layout = tuple[int, ...]


class EmbeddingError(UsageError):
    """A patch that does not fit on a device."""


def find_embeddings(patch: Patch, device: Device) -> tuple[Layout, ...]:
    """Return every way to put a patch on the working qubits and edges of a device, sorted.

    `layout[patch qubit]` is the physical qubit. All subgraph matches (VF2), so the symmetries of
    the patch count separately. Faulty qubits and edges are never used.
    """
    broken = set(device.faulty_qubits)
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(device.num_qubits))
    graph.add_edges_from_no_data(list(device.working_edges))
    pattern = rustworkx.PyGraph()
    pattern.add_nodes_from(range(patch.num_qubits))
    pattern.add_edges_from_no_data(list(patch.edges))
    found = []
    for match in rustworkx.vf2_mapping(graph, pattern, subgraph=True, induced=False):
        place = {qubit: physical for physical, qubit in match.items()}
        layout = tuple(place[qubit] for qubit in range(patch.num_qubits))
        if not broken & {*layout}:
            found.append(layout)
    return tuple(sorted(found))


def choose_embedding(
    program: Program, device: Device, embedding: Literal["best"] | Sequence[int] = "best"
) -> Layout:
    """Return the layout to use: the one asked for, or the best of all embeddings.

    The best one has the largest probability that nothing at all goes wrong, from the calibrated
    errors, T1 and T2 and the use that the program makes of each qubit and edge (`no_fault_log`).
    Without a calibration all are equal and the first is taken.

    Raises:
        EmbeddingError: the patch does not fit. A layout that is asked for is checked by
            `compile_program`.
    """
    if embedding != "best":
        return tuple(embedding)
    layouts = find_embeddings(program.patch, device)
    if not layouts:
        raise _does_not_fit(program.patch, device)
    if not device.has_calibration:
        return layouts[0]
    scores = no_fault_log(compile_program(program, device, layouts[0]), layouts)
    return layouts[int(np.argmax(scores))]


def require_room(patch: Patch, device: Device) -> None:
    """Check that a device has as many qubits as a patch, before anything is made for it.

    Raises:
        EmbeddingError: it has fewer.
    """
    if patch.num_qubits > device.num_qubits:
        raise _does_not_fit(patch, device)


def _does_not_fit(patch: Patch, device: Device) -> EmbeddingError:
    return EmbeddingError(
        f"device {device.name}: the {patch.name} patch ({patch.num_qubits} qubits) does not fit on "
        f"its {device.num_qubits} qubits and working edges; `hexmagic devices` lists how often "
        "each patch fits"
    )


def no_fault_log(reference: Compiled, layouts: Sequence[Layout]) -> NDArray[np.float64]:
    """Return the logarithm of the probability that no fault happens: shape (layouts,).

    Args:
        reference: the program compiled on any layout of the device; it tells how often each
            qubit and edge is used and for how long each qubit idles.
        layouts: candidates, all on working qubits and edges.
    """
    device, places = reference.device, np.array(layouts)
    two_qubit = np.zeros((device.num_qubits, device.num_qubits))
    for a, b in device.edges:
        two_qubit[a, b] = two_qubit[b, a] = device.edge(a, b).error or 0.0
    one_qubit = np.array([q.one_qubit.error or 0.0 for q in device.qubits])
    wrong = {
        "reads 0": np.array([q.prob_1_given_0 or 0.0 for q in device.qubits]),
        "reads 1": np.array([q.prob_0_given_1 or 0.0 for q in device.qubits]),
        "reads any": np.array([q.readout_error or 0.0 for q in device.qubits]),
    }
    idle_rate = np.array(
        [0.25 / (q.t1_seconds or np.inf) + 0.5 / (q.t2_seconds or np.inf) for q in device.qubits]
    )
    score = np.zeros(len(places))
    for (kind, *qubits), amount in _usage(reference).items():
        where = places[:, [int(qubit) for qubit in qubits]]
        if kind == "two_qubit":
            # an average infidelity r is a probability 5r/4 of one of the 15 Paulis
            score += amount * np.log1p(-1.25 * two_qubit[where[:, 0], where[:, 1]])
        elif kind == "one_qubit":
            score += amount * np.log1p(-1.5 * one_qubit[where[:, 0]])
        elif kind in wrong:
            score += amount * np.log1p(-wrong[str(kind)][where[:, 0]])
        else:
            score -= amount * device.dt_seconds * idle_rate[where[:, 0]]
    return score


def _usage(compiled: Compiled) -> Counter[tuple[str | int, ...]]:
    """Return (kind, patch qubits...) -> number of operations, or dt for idle."""
    expected = compiled.program.record.expected_raw
    usage: Counter[tuple[str | int, ...]] = Counter()
    for instruction in compiled.instructions:
        if instruction.name == "delay":
            usage["idle", instruction.qubits[0]] += int(instruction.params[0])
        elif instruction.is_two_qubit_gate:
            usage["two_qubit", *sorted(instruction.qubits)] += 1
        elif instruction.name == "measure":
            value = expected[instruction.bits[0]]
            usage[f"reads {'any' if value is None else value}", instruction.qubits[0]] += 1
        elif instruction.name == "reset":  # leaves |1> with P(1|0), see noise/calibration.py
            usage["reads 0", instruction.qubits[0]] += 1
        elif instruction.name in ("sx", "x"):
            usage["one_qubit", instruction.qubits[0]] += 1
    return usage
