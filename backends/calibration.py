"""What a calibration says of one qubit and of one gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit.transpiler import Target

    from .snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Error probability (average gate infidelity; None if not calibrated) and duration."""

    error: float | None
    seconds: float

    def with_errors_scaled(self, factor: float) -> Operation:
        """Return it with its error multiplied; what is not calibrated stays unknown."""
        return replace(self, error=_times(self.error, factor))


@dataclass(frozen=True, slots=True, kw_only=True)
class QubitCalibration:
    """One qubit: times in seconds, errors as probabilities; None where nothing is calibrated."""

    t1_seconds: float | None
    t2_seconds: float | None
    prob_1_given_0: float | None
    prob_0_given_1: float | None
    one_qubit: Operation
    readout_seconds: float
    reset_seconds: float

    @property
    def readout_error(self) -> float | None:
        """Mean of both assignment errors."""
        if self.prob_1_given_0 is None or self.prob_0_given_1 is None:
            return None
        return (self.prob_1_given_0 + self.prob_0_given_1) / 2

    @property
    def durations(self) -> tuple[float, float, float]:
        """Seconds of a one-qubit gate, a readout and a reset."""
        return self.one_qubit.seconds, self.readout_seconds, self.reset_seconds

    def with_durations(self, seconds: float) -> QubitCalibration:
        """Return it with one duration for gate, readout and reset."""
        gate = replace(self.one_qubit, seconds=seconds)
        return replace(self, one_qubit=gate, readout_seconds=seconds, reset_seconds=seconds)

    def with_errors_scaled(self, factor: float) -> QubitCalibration:
        """Return it with its errors and the rates 1/T1 and 1/T2 multiplied."""
        rate = 1 / factor if factor else float("inf")
        return replace(
            self,
            t1_seconds=_times(self.t1_seconds, rate),
            t2_seconds=_times(self.t2_seconds, rate),
            prob_1_given_0=_times(self.prob_1_given_0, factor),
            prob_0_given_1=_times(self.prob_0_given_1, factor),
            one_qubit=self.one_qubit.with_errors_scaled(factor),
        )


def uncalibrated(*, gate: float, readout: float, reset: float) -> QubitCalibration:
    """Return a qubit of which only the durations are known, in seconds."""
    return QubitCalibration(
        t1_seconds=None,
        t2_seconds=None,
        prob_1_given_0=None,
        prob_0_given_1=None,
        one_qubit=Operation(error=None, seconds=gate),
        readout_seconds=readout,
        reset_seconds=reset,
    )


def read_qubit(target: Target | Snapshot, properties: Any, q: int) -> QubitCalibration:
    """Return what a snapshot, or the client of a machine, says of a qubit.

    Raises:
        AttributeError, TypeError, KeyError: it lacks something.
    """
    coherence = target.qubit_properties[q]
    sx, measure, reset = (target[gate][(q,)] for gate in ("sx", "measure", "reset"))
    return QubitCalibration(
        t1_seconds=coherence.t1,
        t2_seconds=coherence.t2,
        prob_1_given_0=_qubit_property(properties, q, "prob_meas1_prep0"),
        prob_0_given_1=_qubit_property(properties, q, "prob_meas0_prep1"),
        one_qubit=Operation(error=sx.error, seconds=float(sx.duration)),
        readout_seconds=float(measure.duration),
        reset_seconds=float(reset.duration),
    )


def _qubit_property(properties: Any, q: int, name: str) -> float | None:
    known = properties.qubit_property(q)
    return float(known[name][0]) if name in known else None


def _times(value: float | None, factor: float) -> float | None:
    return value * factor if value else value
