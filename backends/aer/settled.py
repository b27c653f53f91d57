"""Outcomes that are certain, so that shots which share a circuit share its simulation too.

A measurement or reset in the middle of a circuit makes Aer simulate every shot by itself. Where its
outcome is certain it changes nothing and draws nothing: whether it is, Aer's own probabilities at
that moment tell, and then it can be left out, a reset from |1> being an X.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction
from qiskit.circuit.library import XGate
from qiskit_aer.library import SaveProbabilities

from ...experiments.errors import HexmagicError

_CERTAIN = 1e-9  # far below any probability that a fault or a rotation leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A circuit that measures at its end only.

    Attributes:
        circuit: without the operations whose outcomes are certain.
        outcomes: the outcomes of the measurements that were left out, by classical bit.
    """

    circuit: QuantumCircuit
    outcomes: Mapping[int, bool]


def settle(circuit: QuantumCircuit, simulator: Any) -> Settled | None:
    """Return the circuit without its certain operations; None if one is not certain, or none is.

    Args:
        circuit: of gates, measurements and resets; one with any other channel is not settled.
        simulator: an Aer state-vector simulator; it runs one shot.

    Raises:
        HexmagicError: Aer fails.
    """
    watched = operations_in_the_middle(circuit)
    if not watched or any(item.operation.name == "kraus" for item in circuit.data):
        return None
    certain = _outcomes(circuit, watched, simulator)
    if certain is None:
        return None
    kept = circuit.copy_empty_like()
    recorded: dict[int, bool] = {}
    for i, item in enumerate(circuit.data):
        if i not in certain:
            kept.append(item)
        elif item.operation.name == "measure":
            recorded[circuit.find_bit(item.clbits[0]).index] = certain[i]
        elif certain[i]:
            kept.append(CircuitInstruction(XGate(), item.qubits))
    return Settled(circuit=kept, outcomes=recorded)


def checked(result: Any) -> Any:
    """Return Aer's result.

    Raises:
        HexmagicError: it is none.
    """
    if not result.success:
        raise HexmagicError(f"aer: {result.status}")
    return result


def operations_in_the_middle(circuit: QuantumCircuit) -> frozenset[int]:
    """Return the indices of resets, and of measurements whose qubit is used again."""
    used: set[Any] = set()
    found = set()
    for i in range(len(circuit.data) - 1, -1, -1):
        item = circuit.data[i]
        name = item.operation.name
        if name == "barrier":
            continue
        if name == "reset" or (name == "measure" and item.qubits[0] in used):
            found.add(i)
        used.update(item.qubits)
    return frozenset(found)


def _outcomes(
    circuit: QuantumCircuit, watched: frozenset[int], simulator: Any
) -> dict[int, bool] | None:
    """Return the outcome of each watched operation, None if one is not certain."""
    probe = circuit.copy_empty_like()
    for i, item in enumerate(circuit.data):
        if i in watched:
            probe.append(CircuitInstruction(SaveProbabilities(1, label=f"at{i}"), item.qubits))
        probe.append(item)
    result = checked(simulator.run(probe, shots=1, seed_simulator=0).result())
    ones = {i: float(result.data(0)[f"at{i}"][1]) for i in watched}
    if any(_CERTAIN < one < 1 - _CERTAIN for one in ones.values()):
        return None
    return {i: one > 0.5 for i, one in ones.items()}
