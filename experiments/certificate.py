"""The certificates: what every single fault of a compiled circuit does, exactly.

Let |psi_k> be the noiseless state in front of step k, projected on the expected outcomes so far,
and <phi_k| the final states of interest taken back to the end of step k through the rest of the
circuit, with its projections. If a fault makes the step F, the run ends in phi with the amplitude
<phi_k| F |psi_k>. One sweep forwards and one backwards give every fault of the circuit, without
any approximation and without replacing a gate by a Clifford gate.

The final states are all of the data's space (`logical_frame`): each syndrome, in the right and in
the wrong logical state, in front of the readout of the data, with every ancilla in the value that
was read last. A circuit that leaves an ancilla unread is simulated fault by fault (`traced`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .errors import HexmagicError, RefusedError
from .faults import Fault, single_faults
from .faulty_steps import FaultyStep, faulty_steps
from .instructions import Instruction
from .logical_frame import LogicalFrame, make_logical_frame
from .program import Program
from .statevector import Vectors, apply_matrix, block_indices, gate_matrix, zero_state
from .traced import trace_faults, unread_qubits

Kind = Literal["detection", "correction"]

MAX_QUBITS = 16
"""Largest circuit that the exact state vector takes."""

TOLERANCE = 1e-9
"""Probability from which a fault counts; amplitudes of real ones are of order sin(pi/8) or more."""

_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What each single fault does.

    Attributes:
        faults: every single fault.
        accepted: probability that every recorded ancilla bit is as expected, one per fault.
        accepted_readout: the same, with the readout's face parities trivial too.
        wrong_undetected: probability of being accepted with trivial syndromes in the wrong
            logical state (X and Z faces both seen).
        wrong_corrected: probability of being accepted and wrong after ideal decoding.
        fidelity: of the noiseless run, times its acceptance: 1 up to rounding.
    """

    faults: tuple[Fault, ...]
    accepted: NDArray[np.float64]
    accepted_readout: NDArray[np.float64]
    wrong_undetected: NDArray[np.float64]
    wrong_corrected: NDArray[np.float64]
    fidelity: float

    def failures(self, kind: Kind) -> tuple[Fault, ...]:
        """Return the counterexamples to a certificate: faults that it should have excluded.

        Detection, order 1: no accepted fault with trivial syndromes is in the wrong logical state.
        Correction, order 1: no accepted fault is wrong after ideal decoding.
        """
        wrong = self.wrong_undetected if kind == "detection" else self.wrong_corrected
        return tuple(self.faults[i] for i in np.flatnonzero(wrong > TOLERANCE))

    @cached_property
    def by_gadget(self) -> dict[str, dict[str, int]]:
        """Counts of faults and of counterexamples by gadget label, in the circuit's order."""
        totals = Counter(fault.gadget for fault in self.faults)
        bad = {
            kind: Counter(fault.gadget for fault in self.failures(kind))
            for kind in ("detection", "correction")
        }
        return {
            gadget: {
                "faults": count,
                "detection": bad["detection"][gadget],
                "correction": bad["correction"][gadget],
            }
            for gadget, count in totals.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return counts by gadget and every counterexample, JSON types only."""
        return {
            "order": 1,
            "faults": len(self.faults),
            "noiseless_fidelity": self.fidelity,
            "detection_failures": len(self.failures("detection")),
            "correction_failures": len(self.failures("correction")),
            "by_gadget": self.by_gadget,
            "counterexamples": [
                {
                    "certificate": kind,
                    "kind": fault.kind,
                    "instruction": fault.at,
                    "qubits": list(fault.qubits),
                    "pauli": fault.pauli,
                    "gadget": fault.gadget,
                }
                for kind in ("detection", "correction")
                for fault in self.failures(kind)
            ],
        }


def certify(program: Program, instructions: Sequence[Instruction]) -> Certificate:
    """Return what every single fault of a circuit does, by exact simulation.

    Args:
        program: the record map, the patch and the code.
        instructions: the circuit to certify, on patch qubits: the compiled, scheduled one.

    Raises:
        RefusedError: more qubits than an exact state vector can hold, or no code to certify.
        HexmagicError: a noiseless run does not give the expected outcomes.
    """
    code, num_qubits = program.patch.code, program.patch.num_qubits
    if code is None:
        raise RefusedError(f"scheme {program.scheme}: has no code, so nothing to certify")
    if num_qubits > MAX_QUBITS:
        raise RefusedError(
            f"certificate: {num_qubits} qubits, the exact state vector takes up to {MAX_QUBITS}"
        )
    frame = make_logical_frame(code)
    faults = tuple(single_faults(instructions, num_qubits))
    steps = faulty_steps(instructions, faults, program.record, num_qubits)
    states = _forward(steps, num_qubits)
    final = _final_states(program, frame, instructions)
    if set(unread_qubits(instructions, num_qubits)) - set(program.patch.data):
        rows, noiseless = trace_faults(steps, states, final, program.patch.data)
    else:
        rows, noiseless = _backward(steps, states, final)
    if abs(noiseless.sum() - 1) > _ROUNDING:
        raise HexmagicError(f"noiseless run: {noiseless.sum()} of it is accounted for, not all")
    return _summarise(
        program, frame, faults, np.array([rows[fault] for fault in faults]), noiseless
    )


def _forward(steps: Sequence[FaultyStep], num_qubits: int) -> list[Vectors]:
    """Return the noiseless state in front of each step."""
    state, states = zero_state(num_qubits), []
    for step in steps:
        states.append(state)
        branches = [apply_matrix(state, matrix, step.qubits) for matrix in step.kraus]
        alive = [branch for branch in branches if np.linalg.norm(branch) > TOLERANCE]
        if len(alive) != 1 or abs(np.linalg.norm(alive[0]) - 1) > TOLERANCE:
            raise HexmagicError(
                f"noiseless run: an outcome on qubit {step.qubits[0]} is not the expected one"
            )
        state = alive[0]
    return states


def _final_states(
    program: Program, frame: LogicalFrame, instructions: Sequence[Instruction]
) -> Vectors:
    """Return the frame on all qubits at the very end, ancillas as their last outcome leaves them.

    The frame is what the data hold in front of the readout, so the readout's own gates are
    applied to it.
    """
    data = program.patch.data
    place = sum(((np.arange(1 << len(data)) >> i) & 1) << q for i, q in enumerate(data))
    last = {bit.qubit: bit.expected for bit in program.record.bits if bit.role != "data"}
    raised = sum(1 << qubit for qubit, value in last.items() if value)
    vectors = np.zeros((1 << program.patch.num_qubits, frame.vectors.shape[1]), dtype=complex)
    vectors[place | raised] = frame.vectors
    readout = {gadget.label for gadget in program.gadgets if gadget.stage == "readout"}
    for instruction in instructions:
        if instruction.gadget in readout and instruction.name not in ("barrier", "measure"):
            vectors = apply_matrix(vectors, gate_matrix(instruction), instruction.qubits)
    return vectors


def _backward(
    steps: Sequence[FaultyStep], states: Sequence[Vectors], final: Vectors
) -> tuple[dict[Fault, NDArray[np.float64]], NDArray[np.float64]]:
    """Return each fault's probabilities of the final states, and those of the noiseless run."""
    branches = [(final, 0)]
    rows: dict[Fault, NDArray[np.float64]] = {}
    for step, state in zip(reversed(steps), reversed(states), strict=True):
        overlaps = [_overlaps(vectors, state, step.qubits) for vectors, _ in branches]
        for fault, kraus in step.faulty:
            terms = [abs(np.tensordot(m, t, 2)) ** 2 for m in kraus for t in overlaps]
            rows[fault] = np.sum(terms, axis=0)
        branches = _pull_back(branches, step)
    start = zero_state(int(np.log2(final.shape[0])))
    noiseless = sum(abs(vectors.conj().T @ start[:, 0]) ** 2 for vectors, _ in branches)
    return rows, np.asarray(noiseless)


def _pull_back(
    branches: Sequence[tuple[Vectors, int]], step: FaultyStep
) -> list[tuple[Vectors, int]]:
    """Take final states back through a step; a reset splits them by the value that it erased.

    One fault leaves at most one qubit in the wrong state between its measurement and its reset,
    so branches with two erased flips cannot be reached and are dropped.
    """
    pulled = []
    for vectors, flips in branches:
        for erased, matrix in enumerate(step.kraus):
            if flips + erased <= 1:
                back = apply_matrix(vectors, matrix.conj().T, step.qubits)
                if back.any():
                    pulled.append((back, flips + erased))
    return pulled


def _overlaps(vectors: Vectors, state: Vectors, qubits: tuple[int, ...]) -> NDArray[np.complex128]:
    """Return t[i, j, s] = sum over the rest of conj(vectors[i, rest, s]) state[j, rest]."""
    size = 1 << len(qubits)
    rows = block_indices(state.shape[0], qubits)
    columns = np.stack([state[rows[j], 0] for j in range(size)], axis=1)
    return np.stack([(vectors[rows[i]].conj().T @ columns).T for i in range(size)])


def _summarise(
    program: Program,
    frame: LogicalFrame,
    faults: tuple[Fault, ...],
    table: NDArray[np.float64],
    noiseless: NDArray[np.float64],
) -> Certificate:
    """`table` has a row per fault and a column per state of the frame."""
    by_syndrome = table.reshape(len(table), -1, 2)
    unseen = ~frame.seen(program.record.logical.basis)
    return Certificate(
        faults=faults,
        accepted=table.sum(axis=1),
        accepted_readout=by_syndrome[:, unseen].sum(axis=(1, 2)),
        wrong_undetected=by_syndrome[:, 0, 1],
        wrong_corrected=by_syndrome[:, :, 1].sum(axis=1),
        fidelity=float(noiseless[0]),
    )
