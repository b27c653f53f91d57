"""Published figures, as data with their citations: what our own points stand beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quantity = Literal["error_rate", "acceptance"]
Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where figures were published: a short name and the full citation."""

    name: str
    citation: str


CHAMBERLAND_NOH = Source(
    name="Chamberland and Noh 2020",
    citation=(
        "C. Chamberland and K. Noh, Very low overhead fault-tolerant magic state preparation using "
        "redundant ancilla encoding and flag qubits, npj Quantum Information 6:91 (2020), "
        "arXiv:2003.03049"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCircuit:
    """A published circuit for |H> in a code of some distance.

    Attributes:
        source: who published it.
        distance: of the code.
        rounds: of H_m and ED.
        qubits: data and ancillas.
        time_steps: of the whole circuit: tabulated space-time / tabulated average qubits.
        steps: of the encoder, of one H_m and of one ED. With the rounds they add up to
            `time_steps` at d = 3 and 5; at d = 7 they add up to 119.
    """

    source: Source
    distance: int
    rounds: int
    qubits: int
    time_steps: int
    steps: Triple


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPoint:
    """What was published for one circuit at one physical error rate; no intervals are given.

    Attributes:
        source: who published it.
        distance: of the code.
        p: physical error rate per location.
        error_rate: p_L = p_X + p_Z of the accepted states after ideal correction; where fits
            that differ were published instead, the lowest and the highest.
        acceptance: probability that all of it is accepted.
        average_qubits: qubits / acceptance, as tabulated.
        space_time: average qubits x time steps, in qubit-steps, as tabulated.
    """

    source: Source
    distance: int
    p: float
    error_rate: float | tuple[float, float]
    acceptance: float
    average_qubits: float
    space_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFit:
    """A fitted law as published: error rate c p^k or acceptance exp(-N p).

    Attributes:
        source: who published it.
        distance: of the code.
        quantity: what the law is of.
        part: "all", or which part of the error or of the circuit: "X", "Z", "encode",
            "H_m and ED".
        coefficient: c or N.
        exponent: k; None for the acceptance.
    """

    source: Source
    distance: int
    quantity: Quantity
    part: str
    coefficient: float
    exponent: int | None


def _circuit(distance: int, qubits: int, time_steps: int, steps: Triple) -> PublishedCircuit:
    return PublishedCircuit(
        source=CHAMBERLAND_NOH,
        distance=distance,
        rounds=(distance - 1) // 2,
        qubits=qubits,
        time_steps=time_steps,
        steps=steps,
    )


def _point(
    distance: int,
    p: float,
    error_rate: float | tuple[float, float],
    acceptance: float,
    average_qubits: float,
    space_time: float,
) -> PublishedPoint:
    return PublishedPoint(
        source=CHAMBERLAND_NOH,
        distance=distance,
        p=p,
        error_rate=error_rate,
        acceptance=acceptance,
        average_qubits=average_qubits,
        space_time=space_time,
    )


def _power(distance: int, part: str, c: float, k: int) -> PublishedFit:
    return PublishedFit(
        source=CHAMBERLAND_NOH,
        distance=distance,
        quantity="error_rate",
        part=part,
        coefficient=c,
        exponent=k,
    )


def _decay(distance: int, part: str, n: float) -> PublishedFit:
    return PublishedFit(
        source=CHAMBERLAND_NOH,
        distance=distance,
        quantity="acceptance",
        part=part,
        coefficient=n,
        exponent=None,
    )


CIRCUITS = (
    _circuit(3, 16, 36, (14, 8, 14)),
    _circuit(5, 55, 76, (14, 13, 18)),
    _circuit(7, 118, 107, (14, 17, 18)),
)

POINTS = (
    _point(3, 1e-4, 3.45e-6, 0.970, 16.5, 594),
    _point(3, 5e-4, 8.51e-5, 0.860, 18.6, 670),
    _point(3, 1e-3, 3.40e-4, 0.741, 21.6, 778),
    _point(5, 1e-4, 3.59e-8, 0.811, 67.8, 5152),
    _point(5, 5e-4, 5.23e-6, 0.352, 156, 11866),
    _point(5, 1e-3, 4.63e-5, 0.124, 443, 33660),
    _point(7, 1e-4, (3.2e-10, 4.9e-10), 0.512, 231, 24665),
)

FITS = (
    _power(3, "all", 342, 2),
    _power(3, "X", 63, 2),
    _power(3, "Z", 279, 2),
    _power(5, "all", 44_965, 3),
    _decay(3, "all", 302),
    _decay(3, "encode", 104),
    _decay(3, "H_m and ED", 198),
    _decay(5, "all", 2088),
    _decay(7, "all", 6674),
)


def published_fit(distance: int, quantity: Quantity) -> PublishedFit | None:
    """Return the authors' fit for a whole circuit, or None if they give none."""
    found = (
        fit for fit in FITS if (fit.distance, fit.quantity, fit.part) == (distance, quantity, "all")
    )
    return next(found, None)
