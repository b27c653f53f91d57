"""What must hold of an experiment: before it runs, what it may cost, and what it must show."""

from __future__ import annotations

from dataclasses import dataclass, fields

from pydantic import ConfigDict, with_config

from . import fields as kinds
from .errors import FieldError

_STRICT = ConfigDict(extra="forbid")


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Conditions that are checked before anything is submitted.

    Attributes:
        min_predicted_acceptance: refuse a point whose acceptance is predicted below this.
        max_median_cz_error: refuse a device whose median two-qubit gate error is above this.
        max_median_readout_error: refuse a device whose median readout error is above this.
        max_queue: refuse a device on which more jobs than this wait; backend ibm only.
    """

    min_predicted_acceptance: kinds.Rate | None = None
    max_median_cz_error: kinds.Rate | None = None
    max_median_readout_error: kinds.Rate | None = None
    max_queue: kinds.JobCount | None = None

    def __post_init__(self) -> None:
        """Check that something is asked for."""
        _check_not_empty(self)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may cost.

    Attributes:
        qpu_seconds: most seconds of quantum processor time that the run may be charged.
    """

    qpu_seconds: kinds.Amount


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A closed interval within [0, 1]; a side that is None is open.

    Attributes:
        min: smallest value that passes.
        max: largest value that passes.
    """

    min: kinds.Rate | None = None
    max: kinds.Rate | None = None

    def __post_init__(self) -> None:
        """Check that some value passes, and that not all do."""
        _check_not_empty(self)
        if self.min is not None and self.max is not None and self.min > self.max:
            raise FieldError("", f"min {self.min} is above max {self.max}, so nothing passes")


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What the run must show; exit code 5 when it does not.

    Asked is every point of the protocol, and of it every estimate that `measure` lists: X and Z
    together, H, and H_ideal as `accept.readout` says. Not asked are baselines and the estimate
    with the readout error removed. The estimate itself is compared, not its interval; one that
    does not exist, because no shot was kept, misses every bound.

    Attributes:
        fidelity: bounds on the fidelity with the magic state.
        infidelity: bounds on 1 - fidelity.
        acceptance: bounds on the fraction of shots that are kept.
    """

    fidelity: Bounds | None = None
    infidelity: Bounds | None = None
    acceptance: Bounds | None = None

    def __post_init__(self) -> None:
        """Check that something is asked for."""
        _check_not_empty(self)


def _check_not_empty(section: Gates | Bounds | Expect) -> None:
    names = [f.name for f in fields(section)]
    if all(getattr(section, name) is None for name in names):
        raise FieldError("", f"checks nothing; give {' or '.join(names)}, or leave it out")
