"""The certificates: what every single fault of a compiled circuit does, exactly.

Between its rotations the circuit is Clifford, so a fault is a Pauli operator at the end of the
circuit, or a sum of a few of them for each rotation that it passes (`pauli_frame`, `fault_sums`).
What the sum makes of the noiseless final state is read off it (`residual`): which recorded values
it flips, which syndrome and which logical state it leaves. That the noiseless run ends in the
encoded |H>, with every outcome as expected, is checked as well (`noiseless`). Nothing is
approximated or sampled, and no gate is replaced by a Clifford gate, up to distance 7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..instructions import Instruction
from ..program import Program
from .fault_sums import Key, make_kicks
from .faults import Fault
from .trial import make_trial

Kind = Literal["detection", "correction"]
KINDS: tuple[Kind, ...] = ("detection", "correction")

TOLERANCE = 1e-9
"""Probability from which a fault counts; amplitudes of real ones are of order sin(pi/8) or more."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What each single fault does.

    Attributes:
        faults: every single fault.
        accepted: probability that every recorded ancilla bit is as expected, one per fault.
        accepted_readout: the same, with the face parities that the readout tells trivial too;
            for H_ideal those of X and of Z, seen ideally.
        wrong_undetected: probability of being accepted with trivial syndromes in the wrong
            logical state (X and Z faces both seen).
        wrong_corrected: probability of being accepted and wrong after ideal decoding.
        fidelity: of the noiseless run, all of which is accepted: 1 up to rounding.
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
        """Counts of faults and of counterexamples by gadget label, in the order of the faults."""
        totals = Counter(fault.gadget for fault in self.faults)
        bad = {kind: Counter(fault.gadget for fault in self.failures(kind)) for kind in KINDS}
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
                {"certificate": kind, **fault.to_json()}
                for kind in KINDS
                for fault in self.failures(kind)
            ],
        }


def certify(program: Program, instructions: Sequence[Instruction]) -> Certificate:
    """Return what every single fault of a circuit does, exactly.

    Args:
        program: the record map, the patch and the code.
        instructions: the circuit to certify, on patch qubits: the compiled, scheduled one.

    Raises:
        RefusedError: no code to certify, one beyond distance 7, or a program that measures H.
        HexmagicError: a noiseless run does not give the expected outcomes.
    """
    trial = make_trial(program, instructions)
    places: dict[Key, int] = {}
    which = [
        places.setdefault((start, pauli.x, pauli.z), len(places))
        for start, pauli in zip(trial.frame.starts, trial.frame.effects, strict=True)
    ]
    verdicts = trial.run(make_kicks(trial.frame, tuple(places)))
    return Certificate(
        faults=trial.faults,
        accepted=verdicts.accepted[which],
        accepted_readout=verdicts.accepted_readout[which],
        wrong_undetected=verdicts.wrong_undetected[which],
        wrong_corrected=verdicts.wrong_corrected[which],
        fidelity=trial.noiseless.fidelity,
    )
