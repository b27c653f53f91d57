"""Dynamical decoupling: sequences of pulses, the identity together, in the idles of a circuit."""

from __future__ import annotations

from math import pi
from typing import Any

from qiskit.circuit import Delay, Gate
from qiskit.circuit.library import RYGate, RZGate, XGate
from qiskit.transpiler import Target
from qiskit.transpiler.basepasses import BasePass
from qiskit.transpiler.passes import PadDelay, PadDynamicalDecoupling

from ..experiments.errors import UsageError
from ..experiments.instructions import VIRTUAL_NAMES
from ..experiments.spec.device import DECOUPLINGS, Decoupling

FILLED = 0.5
"""Share of an idle that pulses may take: in a shorter one they would do more harm than good."""

_CLASSICAL = frozenset({"reset", "measure"})
"""What leaves a qubit without a phase to keep."""


def make_padding(decoupling: Decoupling, target: Target) -> BasePass:
    """Return the pass that fills the idles of a scheduled circuit with delays, or with sequences.

    A qubit is left alone in front of its first gate and between a reset or a measurement and its
    next gate. A barrier ends an idle, so that every pulse is of the gadget that waits. No
    operation moves, and every pulse starts where the device's pulse alignment lets it.

    Raises:
        UsageError: an unknown sequence, or one that the device's gates cannot play.
    """
    if decoupling == "none":
        return PadDelay(target=target)
    if decoupling not in DECOUPLINGS:
        raise UsageError(f"decoupling {decoupling!r}: choose {', '.join(DECOUPLINGS)}")
    if "x" not in target.operation_names:
        raise UsageError(f"decoupling {decoupling}: the device has no x gate; write none")
    if decoupling == "xx":
        return _PadSequences(target, [XGate(), XGate()], [1 / 4, 1 / 2, 1 / 4])
    y, within = _native_y(target)
    wait = 1 / 4
    return _PadSequences(
        target,
        [XGate(), *y, XGate(), *y],
        [wait / 2, wait, *within, wait, wait, *within, wait / 2],
    )


def _native_y(target: Target) -> tuple[list[Gate], list[float]]:
    """Return Y, up to its phase, in the device's gates, and the spacing between those."""
    if "rz" in target.operation_names:
        return [RZGate(pi), XGate()], [0.0]  # a frame change and a pulse
    if "ry" in target.operation_names:
        return [RYGate(pi)], []
    raise UsageError("decoupling xy4: the device has neither rz nor ry to make Y; write xx")


# qiskit has no annotations: its classes are Any to mypy
class _PadSequences(PadDynamicalDecoupling):  # type: ignore[misc]
    """Qiskit's pass, which by itself sees a barrier after a reset as a reason to start."""

    def __init__(self, target: Target, sequence: list[Gate], spacing: list[float]) -> None:
        super().__init__(target=target, dd_sequence=sequence, spacing=spacing)

    def _pad(
        self,
        dag: Any,
        qubit: Any,
        t_start: int,
        t_end: int,
        next_node: Any,
        prev_node: Any,
    ) -> None:
        pulses = sum(self._dd_sequence_lengths.get(qubit, ()))
        aligned = t_start % self._alignment == 0 == t_end % self._alignment
        if aligned and pulses <= FILLED * (t_end - t_start) and not _is_classical(dag, qubit):
            super()._pad(dag, qubit, t_start, t_end, next_node, prev_node)
        else:
            self._apply_scheduled_op(dag, t_start, Delay(t_end - t_start, "dt"), qubit)


def _is_classical(dag: Any, qubit: Any) -> bool:
    """Return whether the last operation on a qubit so far left |0> or |1>; none leaves |0>."""
    names = (node.op.name for node in dag.nodes_on_wire(qubit, only_ops=True))
    played = [name for name in names if name not in VIRTUAL_NAMES and name != "delay"]
    return not played or played[-1] in _CLASSICAL
