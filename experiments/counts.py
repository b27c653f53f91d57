"""Counts: what is left of shots when they are only counted. They add over shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Readout = Literal["detect", "correct"]
"""What becomes of a shot whose readout violates a face: it is discarded, or decoded."""

READOUTS: tuple[Readout, ...] = get_args(Readout)

Passed = Sequence[int | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Kept shots and their logical outcomes under one treatment of the readout's faces.

    Attributes:
        kept: shots that post-selection keeps.
        minus: sum over the kept shots of the probability of outcome -1: their number where the
            outcome is sampled (X, Y, Z, H), which makes it whole; of H_ideal, where each kept
            shot tells its probability, any number.
        minus_squares: the same sum of the squared probabilities; equals `minus` if sampled.
    """

    kept: int
    minus: float
    minus_squares: float

    def __add__(self, other: Outcome) -> Outcome:
        """Return the sums over both."""
        return Outcome(
            kept=self.kept + other.kept,
            minus=self.minus + other.minus,
            minus_squares=self.minus_squares + other.minus_squares,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Shots of one circuit, counted.

    Attributes:
        shots: how many were taken.
        outcomes: by treatment of the readout's faces; one, that of `accept.readout`, but both of
            H_ideal, whose faces are ideal checks.
        passed: how many shots are left after each criterion of the cut-flow, in its order, None
            for one that is not applied; as a whole None where shots were discarded as soon as one
            criterion failed, whichever it was.
    """

    shots: int
    outcomes: Mapping[Readout, Outcome]
    passed: Passed = None

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both.

        Raises:
            ValueError: they do not count the same things.
        """
        if self.outcomes.keys() != other.outcomes.keys():
            raise ValueError(f"counts of {[*self.outcomes]} and {[*other.outcomes]} do not add")
        if _applied(self.passed) != _applied(other.passed):
            raise ValueError("counts with different cut-flows do not add")
        return Counts(
            shots=self.shots + other.shots,
            outcomes={name: one + other.outcomes[name] for name, one in self.outcomes.items()},
            passed=_sum(self.passed, other.passed),
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return {
            "shots": self.shots,
            "outcomes": {name: asdict(outcome) for name, outcome in self.outcomes.items()},
            "passed": None if self.passed is None else list(self.passed),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Counts:
        """Return the counts that `to_json` wrote.

        Raises:
            ValueError: a field is missing or unknown.
        """
        try:
            passed = document["passed"]
            return cls(
                shots=document["shots"],
                outcomes={name: Outcome(**one) for name, one in document["outcomes"].items()},
                passed=None if passed is None else tuple(passed),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not counts: {error}") from error


def _applied(passed: Passed) -> list[bool] | None:
    return None if passed is None else [count is not None for count in passed]


def _sum(passed: Passed, others: Passed) -> Passed:
    if passed is None or others is None:
        return None
    pairs = zip(passed, others, strict=True)
    return tuple(None if a is None or b is None else a + b for a, b in pairs)
