"""What is known of the shots with a given number of faults: counts, exact rates, certificates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...experiments.counts import Counts, Outcome, Readout
from ...experiments.errors import HexmagicError, UsageError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_ROUNDING = 1e-9
_REAL = 1e-6  # far below the square of any real probability of outcome -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactStratum:
    """Rates per shot that are known exactly.

    Attributes:
        kept: probability that a shot of this number of faults is kept.
        minus: probability that it is kept and its outcome is -1.
    """

    kept: float
    minus: float

    def __post_init__(self) -> None:
        """Cut what rounding left outside 0 <= minus <= kept <= 1.

        Raises:
            UsageError: more than rounding is outside.
        """
        kept = min(max(self.kept, 0.0), 1.0)
        minus = min(max(self.minus, 0.0), kept)
        if not (abs(kept - self.kept) <= _ROUNDING and abs(minus - self.minus) <= _ROUNDING):
            raise UsageError(
                f"exact rates kept {self.kept}, minus {self.minus}: not 0 <= minus <= kept <= 1"
            )
        object.__setattr__(self, "kept", kept)
        object.__setattr__(self, "minus", minus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """What is known of the shots with one number of faults.

    Attributes:
        counts: what sampling found; None if nothing was sampled.
        exact: by readout, rates that are known; they come before the counts.
        certified: readouts of which a certificate says that no kept shot has outcome -1.
    """

    counts: Counts | None = None
    exact: Mapping[Readout, ExactStratum] = field(default_factory=dict)
    certified: Collection[Readout] = ()

    def outcome(self, readout: Readout) -> Outcome | None:
        """Return what sampling found, of which a certified stratum keeps the acceptance alone.

        Raises:
            UsageError: the counts lack this readout.
            HexmagicError: the counts contradict the certificate.
        """
        if self.counts is None:
            return None
        if readout not in self.counts.outcomes:
            known = ", ".join(self.counts.outcomes)
            raise UsageError(f"readout {readout!r}: the counts have {known}")
        outcome = self.counts.outcomes[readout]
        if readout not in self.certified:
            return outcome
        if outcome.minus_squares > _REAL:
            raise HexmagicError(
                f"{outcome.minus} of {outcome.kept} kept shots ({readout}) have outcome -1 in a "
                "stratum that is certified to have none: certificate and emulator disagree"
            )
        return replace(outcome, minus=0.0, minus_squares=0.0)


Strata = Mapping[int, Stratum]
"""By number of faults; one that is missing is not known at all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StratumSums:
    """What is known of the strata of 0, 1, ... faults under one readout; each shape (strata,).

    Attributes:
        shots: float64: shots taken; 1 where the rates are exact, 0 where nothing is known.
        kept: float64: those that are kept, or the exact rate.
        minus: float64: their summed probability of outcome -1, or the exact rate.
        squares: float64: the same sum of squares; 0 where the rates are exact.
        known: whether anything is known.
        exact: whether the rates are exact.
        certified: whether no kept shot can have outcome -1.
    """

    shots: Floats
    kept: Floats
    minus: Floats
    squares: Floats
    known: Bools
    exact: Bools
    certified: Bools


def stratum_sums(strata: Strata, readout: Readout, length: int) -> StratumSums:
    """Return what is known of the strata 0 to length - 1.

    Raises:
        UsageError: the counts lack this readout.
        HexmagicError: the counts contradict a certificate.
    """
    sums = np.zeros((4, length))
    exact, certified = np.zeros(length, bool), np.zeros(length, bool)
    for k in range(length):
        stratum = strata.get(k, Stratum())
        certified[k], exact[k] = readout in stratum.certified, readout in stratum.exact
        outcome = stratum.outcome(readout)
        if exact[k]:
            sums[:, k] = 1, stratum.exact[readout].kept, stratum.exact[readout].minus, 0
        elif stratum.counts is not None and outcome is not None:
            shots = stratum.counts.shots
            sums[:, k] = shots, outcome.kept, outcome.minus, outcome.minus_squares
    return StratumSums(
        shots=sums[0],
        kept=sums[1],
        minus=sums[2],
        squares=sums[3],
        known=sums[0] > 0,
        exact=exact,
        certified=certified,
    )
