"""Published figures of 15-to-1 distillation, and what follows from them.

Source of the figures: D. Litinski, Quantum 3, 205 (2019), table 1. Its cycles are per state, failed
attempts included, and its qubits are all of a protocol: surface-code patches with as many ancillas
as data. What is derived from them here is marked so.
"""

from __future__ import annotations

from dataclasses import dataclass

from .published import Source

LITINSKI = Source(
    name="Litinski 2019",
    citation=(
        "D. Litinski, Magic state distillation: not as costly as you think, Quantum 3, 205 (2019), "
        "arXiv:1905.06903, table 1"
    ),
)
BRAVYI_KITAEV = Source(
    name="Bravyi and Kitaev 2005",
    citation=(
        "S. Bravyi and A. Kitaev, Universal quantum computation with ideal Clifford gates and "
        "noisy ancillas, Phys. Rev. A 71, 022316 (2005), arXiv:quant-ph/0403025"
    ),
)
FOWLER = Source(
    name="Fowler et al. 2012",
    citation=(
        "A. G. Fowler, M. Mariantoni, J. M. Martinis and A. N. Cleland, Surface codes: towards "
        "practical large-scale quantum computation, Phys. Rev. A 86, 032324 (2012), arXiv:1208.0928"
    ),
)

THRESHOLD = 0.141
"""Infidelity of H-type states (Clifford equivalents of T|+>) below which 15-to-1 improves them.

From Bravyi and Kitaev (2005). Their 5-to-1 protocol for T-type states has 0.173.
"""

STEPS_PER_CYCLE = 6
"""Time steps of a surface-code cycle: prepare the ancilla, four two-qubit gates, measure it.

Every step lasts as long as any other, as in the paper's noise. With Hadamards of their own
(Fowler et al. 2012, figure 1) a cycle has 8.
"""

GATES_PER_ANCILLA = 4
"""Two-qubit gates of a surface-code ancilla in a cycle; at a patch's border it has fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """One published 15-to-1 protocol.

    Attributes:
        name: with the three distances (d_X, d_Z, d_m) of its patches.
        p: physical error rate per location.
        output_error: probability that a state it gives is wrong.
        qubits: physical qubits.
        cycles: surface-code cycles for a state, failures included.
        source: who published it.
    """

    name: str
    p: float
    output_error: float
    qubits: int
    cycles: float
    source: Source = LITINSKI

    @property
    def time_steps(self) -> float:
        """Steps for a state: derived, `STEPS_PER_CYCLE` a cycle."""
        return STEPS_PER_CYCLE * self.cycles

    @property
    def two_qubit_gates(self) -> float:
        """Two-qubit gates for a state: derived, half of the qubits are ancillas."""
        return GATES_PER_ANCILLA * self.qubits / 2 * self.cycles

    @property
    def qubit_cycles(self) -> float:
        """Qubits x cycles, rounded in the source."""
        return self.qubits * self.cycles


DISTILLATIONS = (
    Distillation(name="15-to-1 (7,3,3)", p=1e-4, output_error=4.4e-8, qubits=810, cycles=18.1),
    Distillation(name="15-to-1 (9,3,3)", p=1e-4, output_error=9.3e-10, qubits=1150, cycles=18.1),
    Distillation(name="15-to-1 (17,7,7)", p=1e-3, output_error=4.5e-8, qubits=4620, cycles=42.6),
)


def smallest_distillation(p: float) -> Distillation | None:
    """Return the protocol with the fewest qubits at a physical error rate, or None."""
    known = (each for each in DISTILLATIONS if abs(each.p - p) <= 1e-9 * each.p)
    return min(known, key=lambda each: each.qubits, default=None)


def after_15_to_1(infidelity: float) -> float:
    """Return 35 e^3: what 15-to-1 with error-free Cliffords makes of 15 states of infidelity e.

    To leading order (Bravyi and Kitaev 2005); no infidelity below 0 is taken.
    """
    return 35 * max(infidelity, 0.0) ** 3
