"""A circuit on trial: what it does when some Paulis strike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..colour_code import ColourCode
from ..errors import HexmagicError, RefusedError
from ..instructions import Instruction
from ..measures import Measure
from ..program import Program
from .fault_sums import Kicks, expand
from .faults import Fault, single_faults
from .lighten import Rest, resting_places
from .noiseless import Noiseless, check_noiseless
from .pauli_frame import PauliFrame, make_pauli_frame
from .residual import residuals, seen

Floats = NDArray[np.float64]

MAX_DISTANCE = 7
"""At distance 9 the decoder's table would have 2^30 entries; at 11 the data exceed 64 bits."""

_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdicts:
    """Probabilities for each of several runs, shape (runs,).

    Attributes:
        accepted: every recorded ancilla value is as expected.
        accepted_readout: the same, with the face parities that the readout tells trivial too.
        wrong_undetected: accepted with trivial syndromes in the wrong logical state (X and Z faces
            both seen).
        wrong_corrected: accepted and wrong after ideal decoding.
    """

    accepted: Floats
    accepted_readout: Floats
    wrong_undetected: Floats
    wrong_corrected: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """A circuit whose noiseless run was checked, and all of its single faults.

    Attributes:
        code: the code.
        basis: what is measured at the end; not H.
        faults: every single fault.
        frame: the circuit and its faults, seen from its end.
        noiseless: what it does without faults.
        rests: where terms can be lightened.
    """

    code: ColourCode
    basis: Measure
    faults: tuple[Fault, ...]
    frame: PauliFrame
    noiseless: Noiseless
    rests: tuple[Rest, ...]

    def run(self, *kicks: Kicks) -> Verdicts:
        """Return what runs do, each with one of every given kicks."""
        sums = expand(self.frame, kicks, rests=self.rests)
        found = residuals(self.frame, self.code, self.noiseless.values, sums)
        rows, amplitudes = found.outcomes()
        right, wrong = (abs(amplitudes) ** 2).T
        trivial = (found.z_syndromes[rows] == 0) & (found.x_syndromes[rows] == 0)
        quiet = ~seen(found, self.basis)[rows]
        owners, runs = found.owners[rows], len(kicks[0])
        return Verdicts(
            accepted=np.bincount(owners, right + wrong, minlength=runs),
            accepted_readout=np.bincount(owners, (right + wrong) * quiet, minlength=runs),
            wrong_undetected=np.bincount(owners, wrong * trivial, minlength=runs),
            wrong_corrected=np.bincount(owners, wrong, minlength=runs),
        )


def make_trial(program: Program, instructions: Sequence[Instruction]) -> Trial:
    """Return a circuit on trial, its noiseless run checked.

    Args:
        program: the record map, the patch and the code.
        instructions: the circuit, on patch qubits: the compiled, scheduled one.

    Raises:
        RefusedError: no code to certify, one beyond distance 7, or a program that measures H.
        HexmagicError: a noiseless run does not give the expected outcomes.
    """
    code = _code_to_certify(program)
    faults = tuple(single_faults(instructions, program.patch.num_qubits))
    frame = make_pauli_frame(program, instructions, faults)
    noiseless = check_noiseless(frame, code)
    if noiseless.fidelity < 1 - _ROUNDING:
        raise HexmagicError(f"noiseless run: fidelity {noiseless.fidelity:.6f} with |H>, not 1")
    return Trial(
        code=code,
        basis=program.record.logical.basis,
        faults=faults,
        frame=frame,
        noiseless=noiseless,
        rests=resting_places(frame, code),
    )


def _code_to_certify(program: Program) -> ColourCode:
    code = program.patch.code
    if code is None:
        raise RefusedError(f"scheme {program.scheme}: has no code, so nothing to certify")
    if program.record.logical.basis == "H":
        raise RefusedError(
            "certificate: measure H is itself a measurement; certify X, Z or H_ideal"
        )
    if code.distance > MAX_DISTANCE:
        raise RefusedError(
            f"certificate of {program.scheme} at distance {code.distance}: the ideal decoder's "
            f"table of 2^{len(code.faces)} syndromes is too large; certify distance 7 or less"
        )
    return code
