"""Two engines on one compiled circuit: what their shots are, and how far apart they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt
from typing import Literal
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from hexmagic.analysis.postselect import cut_flow, logical_outcomes
from hexmagic.backends.aer import engine as aer
from hexmagic.backends.clifft import engine as clifft_engine
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.noise.channels import CircuitNoise, PauliChannel, Relaxation
from hexmagic.backends.noise.models import make_noise
from hexmagic.backends.routing import route_program
from hexmagic.experiments.criteria import CRITERIA
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import make_program
from hexmagic.experiments.shots import Shots
from hexmagic.experiments.spec import Accept, NoiseSpec

EngineName = Literal["aer", "aer twirled", "clifft"]
Ints = NDArray[np.int64]

FAILED = CRITERIA[:4]
"""The criteria that ask for single bits; what passes them all is `POSSIBLE`."""
CORRECTED, KEPT = slice(4, 6), slice(6, 8)
POSSIBLE = slice(4, 8)
"""Classes of a shot: the first of FAILED that it fails; or (outcome +1, -1) after correction, with
faces that are not trivial (CORRECTED) or are (KEPT)."""


@cache
def circuit(scheme: str, device: str, measure: Measure, *, in_time_steps: bool = False) -> Compiled:
    """Return a scheme of d = 3 on its best qubits of a device."""
    distance = None if scheme == "bare" else 3
    rounds = None if scheme in ("encoded", "bare") else 1
    program = make_program(scheme=scheme, distance=distance, rounds=rounds, basis=measure)
    known = load_device(device)
    known = known.in_time_steps() if in_time_steps else known
    if scheme == "routed":
        routed = route_program(program, known, 1)
        return compile_program(routed.program, known, routed.layout)
    return compile_program(program, known, choose_embedding(program, known))


def classes(shots: Shots) -> Ints:
    """Return how many shots are in each class, shape (8,): disjoint, and all of them."""
    first = cut_flow(shots, Accept(readout="detect")).first_failed
    minus = logical_outcomes(shots, Accept(readout="correct")) < 0
    place = np.where(first < 0, KEPT.start, first)
    place = place + np.where(place >= POSSIBLE.start, minus, 0)
    counts: Ints = np.bincount(place, minlength=8)
    return counts


def take(engine: EngineName, compiled: Compiled, noise: NoiseSpec, shots: int, seed: int) -> Shots:
    """Return shots of an engine; `aer twirled` is Aer with the noise that clifft has."""
    if engine == "clifft":
        return clifft_engine.sample(compiled, noise, shots=shots, seed=seed)
    with aer_noise(twirled if engine == "aer twirled" else lambda noise: noise):
        return aer.sample(compiled, noise, shots=shots, seed=seed)


@contextmanager
def aer_noise(change: Callable[[CircuitNoise], CircuitNoise]) -> Iterator[None]:
    """Let Aer have other noise than it should."""
    with patch.object(aer, "make_noise", lambda compiled, spec: change(make_noise(compiled, spec))):
        yield


def twirled(noise: CircuitNoise, share: float = 1 / 4) -> CircuitNoise:
    """Return the noise with each relaxation replaced by Paulis, X and Y of a share of its decay."""
    channels = tuple(
        PauliChannel(at=c.at, qubits=c.qubits, probabilities=_paulis(c, share))
        if isinstance(c, Relaxation)
        else c
        for c in noise.channels
    )
    return replace(noise, channels=channels)


def _paulis(channel: Relaxation, share: float) -> dict[str, float]:
    """Return the Pauli twirl from T1 and T2 themselves; its X and Y are a quarter of the decay.

    E(Z) = (1 - decay) Z + ..., E(X) = coherence X: of a Pauli channel 1 - 2 (x + y) and
    1 - 2 (y + z), with x = y.
    """
    flip = share * channel.decay
    return {"X": flip, "Y": flip, "Z": max((1 - channel.coherence) / 2 - flip, 0.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One rate of two samples.

    Attributes:
        first: of the first sample.
        second: of the second.
        sigma: standard error of their difference, the statistics of both included.
    """

    first: float
    second: float
    sigma: float

    @property
    def sigmas(self) -> float:
        """The difference in units of its standard error; 0 where both are certain and equal."""
        away = self.first - self.second
        return away / self.sigma if self.sigma else 0.0 if away == 0 else np.inf


def compare(a: Ints, b: Ints) -> dict[str, Difference]:
    """Return every rate of two samples' classes: the cut-flow's, acceptances and <P>.

    A criterion that nothing fails has no row.
    """
    found = {}
    ours, theirs = _rates(a), _rates(b)
    for name, (hits, shots) in ours.items():
        others, other_shots = theirs[name]
        pooled = (hits + others) / (shots + other_shots)
        sigma = sqrt(pooled * (1 - pooled) * (1 / shots + 1 / other_shots))
        if sigma and name.startswith("<P>"):
            minus = hits / shots, others / other_shots
            found[name] = Difference(
                first=1 - 2 * minus[0], second=1 - 2 * minus[1], sigma=2 * sigma
            )
        elif sigma:
            found[name] = Difference(first=hits / shots, second=others / other_shots, sigma=sigma)
    return found


def _rates(counts: Ints) -> dict[str, tuple[int, int]]:
    """Return (how many, of how many) of each rate; of <P> the outcomes -1."""
    parts: list[int] = counts.tolist()
    left = [sum(parts[i:]) for i in range(POSSIBLE.start + 1)]
    kept, possible = sum(parts[KEPT]), left[-1]
    passed = {f"pass {name}": (left[i + 1], left[i]) for i, name in enumerate(FAILED)}
    return passed | {
        "pass readout": (kept, possible),
        "acceptance detect": (kept, left[0]),
        "acceptance correct": (possible, left[0]),
        "<P> detect": (parts[7], kept),
        "<P> correct": (parts[5] + parts[7], possible),
    }


def fidelity(x: Difference, z: Difference) -> Difference:
    """Return F = (1 + (<X> + <Z>) / sqrt 2) / 2 of both samples."""
    return Difference(
        first=(1 + (x.first + z.first) / sqrt(2)) / 2,
        second=(1 + (x.second + z.second) / sqrt(2)) / 2,
        sigma=sqrt((x.sigma**2 + z.sigma**2) / 8),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """A chi-square; sums of independent ones are one again."""

    value: float
    freedom: int

    def __add__(self, other: Square) -> Square:
        """Return the sum."""
        return Square(value=self.value + other.value, freedom=self.freedom + other.freedom)

    @property
    def p_value(self) -> float:
        """How likely it is to be at least so large by chance."""
        return float(chi2.sf(self.value, self.freedom)) if self.freedom else 1.0

    @property
    def sigmas(self) -> float:
        """The same as a deviation of a normal variable, one-sided."""
        return float(norm.isf(self.p_value))


def homogeneity(a: Ints, b: Ints, least: float = 8) -> Square:
    """Return the chi-square of two samples of one distribution; scarce classes are put together."""
    both = a + b
    smaller = min(a.sum(), b.sum()) / both.sum()
    scarce = both * smaller < least
    rows = [np.append(part[~scarce], part[scarce].sum()) for part in (a, b)]
    if rows[0][-1] + rows[1][-1] == 0:
        rows = [row[:-1] for row in rows]
    table = np.stack(rows).astype(float)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return Square(value=float(((table - expected) ** 2 / expected).sum()), freedom=len(rows[0]) - 1)
