"""Published figures of 15-to-1 distillation, and what follows from them.

Source of the figures: D. Litinski, Quantum 3, 205 (2019), table 1. Its cycles are per state, failed
attempts included, and its qubits are all of a protocol: surface-code patches with as many ancillas
as data. Its output errors follow from an estimate of what surface-code patches suffer,
0.1 (100 p)^((d + 1) / 2) per code cycle, and not from a simulation of them. What is derived from
the table here is marked so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

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
"""Two-qubit gates of a surface-code ancilla in a cycle; at a patch's border it has fewer.

Counted for every ancilla in every cycle, which is too many: regions between patches rest while no
operator is measured across them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """One published protocol of a single level of 15-to-1.

    Attributes:
        distances: (d_X, d_Z, d_m) of its patches.
        small: whether its layout is the small-footprint one, slower on fewer qubits.
        p: physical error rate per location.
        output_error: probability that a state it gives is wrong, as its author estimates it.
        qubits: physical qubits, to three digits.
        cycles: surface-code cycles for a state, failures included.
        source: who published it.
    """

    distances: tuple[int, int, int]
    small: bool = False
    p: float
    output_error: float
    qubits: int
    cycles: float
    source: Source = LITINSKI

    @property
    def name(self) -> str:
        """The protocol with its distances and, unless it is the usual one, its layout."""
        distances = ",".join(map(str, self.distances))
        return f"15-to-1 ({distances}){' small' if self.small else ''}"

    @property
    def time_steps(self) -> float:
        """Steps for a state: derived, `STEPS_PER_CYCLE` a cycle."""
        return STEPS_PER_CYCLE * self.cycles

    @property
    def two_qubit_gates(self) -> float:
        """Two-qubit gates for a state, at most: derived, half of the qubits are ancillas."""
        return GATES_PER_ANCILLA * self.qubits / 2 * self.cycles

    @property
    def qubit_cycles(self) -> float:
        """Qubits x cycles, rounded in the source."""
        return self.qubits * self.cycles


def _row(
    p: float, distances: tuple[int, int, int], error: float, qubits: int, cycles: float
) -> Distillation:
    return Distillation(p=p, distances=distances, output_error=error, qubits=qubits, cycles=cycles)


DISTILLATIONS = (
    _row(1e-4, (7, 3, 3), 4.4e-8, 810, 18.1),
    replace(_row(1e-4, (9, 3, 3), 1.5e-9, 762, 36.2), small=True),
    _row(1e-4, (9, 3, 3), 9.3e-10, 1150, 18.1),
    _row(1e-4, (11, 5, 5), 1.9e-11, 2070, 30.0),
    _row(1e-3, (17, 7, 7), 4.5e-8, 4620, 42.6),
)
"""Every single-level 15-to-1 of the table whose input has the error rate of the gates.

The table's two-level protocols reach lower errors on 12 400 qubits and more and are not here.
"""


def distillations(p: float) -> tuple[Distillation, ...]:
    """Return the protocols published for a physical error rate."""
    return tuple(each for each in DISTILLATIONS if abs(each.p - p) <= 1e-9 * each.p)


def fewest_qubits(p: float) -> Distillation | None:
    """Return the protocol with the fewest qubits at a physical error rate, or None."""
    return _least(p, lambda each: each.qubits)


def least_space_time(p: float) -> Distillation | None:
    """Return the protocol with the fewest qubits x cycles, so the fewest gates, or None."""
    return _least(p, lambda each: each.qubit_cycles)


def lowest_error(p: float) -> Distillation | None:
    """Return the protocol whose states have the lowest error at a physical error rate, or None."""
    return _least(p, lambda each: each.output_error)


def after_15_to_1(infidelity: float) -> float:
    """Return 35 e^3: what 15-to-1 with error-free Cliffords makes of 15 states of infidelity e.

    To leading order (Bravyi and Kitaev 2005); no infidelity below 0 is taken.
    """
    return 35 * max(infidelity, 0.0) ** 3


def _least(p: float, key: Callable[[Distillation], float]) -> Distillation | None:
    return min(distillations(p), key=key, default=None)
