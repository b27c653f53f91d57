"""The certificate of order 2: what every pair of faults does, or as many as the time allows.

Faults that do the same are put into classes (`fault_classes`), and each pair of classes that may
be accepted (`pair_table`) is simulated exactly. If that takes longer than the time given, pairs of
faults are drawn at random instead, and each of those is simulated exactly too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..instructions import Instruction
from ..program import Program
from .fault_classes import classify
from .fault_sums import make_kicks, settled_columns
from .faults import Fault
from .pair_table import PairTable, Place, make_pair_table, num_pairs, place_of
from .pauli_sums import pack
from .single import KINDS, TOLERANCE, Kind
from .trial import Trial, Verdicts, make_trial

_CHUNK = 5_000
"""Pairs that are simulated together."""

_DRAWN = 100_000
"""Pairs that are drawn together."""

_EXAMPLES = 10
"""Counterexamples of each kind that are kept."""

Progress = Callable[[float], None]
"""Called with the share of the work that is done, in [0, 1]."""


def say_nothing(share: float) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCertificate:
    """What pairs of faults at different places of a circuit do.

    Attributes:
        faults: single faults of the circuit.
        pairs: pairs of them at different places.
        exhaustive: whether every pair was judged; otherwise they were drawn at random.
        judged: pairs that were judged.
        accepted: sum of the judged pairs' probabilities that every recorded value is as expected.
        failures: judged pairs that are counterexamples, by kind of certificate.
        weights: sums of the probabilities of being accepted and wrong, by kind.
        examples: some counterexamples: (kind, first fault, second fault).
        seed: of the order and of the drawn pairs.
        seconds: that it took.
    """

    faults: int
    pairs: int
    exhaustive: bool
    judged: int
    accepted: float
    failures: dict[Kind, int]
    weights: dict[Kind, float]
    examples: tuple[tuple[Kind, Fault, Fault], ...]
    seed: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return {
            "order": 2,
            "faults": self.faults,
            "pairs": self.pairs,
            "exhaustive": self.exhaustive,
            "judged": self.judged,
            "accepted": self.accepted,
            **{f"{kind}_failures": count for kind, count in self.failures.items()},
            **{f"{kind}_weight": weight for kind, weight in self.weights.items()},
            "seed": self.seed,
            "seconds": self.seconds,
            "counterexamples": [
                {"certificate": kind, "faults": [first.to_json(), second.to_json()]}
                for kind, first, second in self.examples
            ],
        }


def certify_pairs(
    program: Program,
    instructions: Sequence[Instruction],
    *,
    budget_seconds: float,
    seed: int,
    progress: Progress = say_nothing,
) -> PairCertificate:
    """Return what pairs of faults of a circuit do, each judged exactly.

    Args:
        program: the record map, the patch and the code.
        instructions: the circuit to certify, on patch qubits: the compiled, scheduled one.
        budget_seconds: all pairs are judged if that is expected to fit, else as many drawn ones as
            do, at least one batch.
        seed: of the drawn pairs.
        progress: told how far it is.

    Raises:
        RefusedError: no code to certify.
        HexmagicError: a noiseless run does not give the expected outcomes.
    """
    started = time.monotonic()
    trial = make_trial(program, instructions)
    deadline = started + budget_seconds
    tally = _judge_all(trial, deadline, seed, progress)
    if tally is None:
        tally = _judge_drawn(trial, deadline, seed, progress)
    return PairCertificate(
        faults=len(trial.faults),
        pairs=num_pairs(trial.faults),
        exhaustive=tally.exhaustive,
        judged=tally.judged,
        accepted=tally.accepted,
        failures=tally.failures,
        weights=tally.weights,
        examples=tuple(tally.examples),
        seed=seed,
        seconds=time.monotonic() - started,
    )


PairsOf = Callable[[int], Iterable[tuple[int, int]]]
"""The pairs of faults, by index, behind a judged row."""


@dataclass(kw_only=True)
class _Tally:
    """Counts of what was judged so far."""

    faults: Sequence[Fault]
    exhaustive: bool
    judged: int = 0
    accepted: float = 0.0
    failures: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    weights: dict[Kind, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    examples: list[tuple[Kind, Fault, Fault]] = field(default_factory=list)

    def add(self, verdicts: Verdicts, counts: NDArray[np.int64], pairs_of: PairsOf) -> None:
        """Add judged rows, each of which stands for `counts` pairs of faults."""
        self.accepted += float(verdicts.accepted @ counts)
        wrong_by_kind: dict[Kind, NDArray[np.float64]] = {
            "detection": verdicts.wrong_undetected,
            "correction": verdicts.wrong_corrected,
        }
        for kind, wrong in wrong_by_kind.items():
            bad = np.flatnonzero((wrong > TOLERANCE) & (counts > 0))
            self.failures[kind] += int(counts[bad].sum())
            self.weights[kind] += float(wrong[bad] @ counts[bad])
            room = _EXAMPLES - sum(shown == kind for shown, _, _ in self.examples)
            self.examples += islice(self._examples(kind, bad, pairs_of), max(0, room))

    def _examples(
        self, kind: Kind, rows: NDArray[np.int64], pairs_of: PairsOf
    ) -> Iterator[tuple[Kind, Fault, Fault]]:
        for i, j in (pair for row in rows.tolist() for pair in pairs_of(row)):
            if place_of(self.faults[i]) != place_of(self.faults[j]):
                yield kind, self.faults[i], self.faults[j]


def _judge_all(trial: Trial, deadline: float, seed: int, progress: Progress) -> _Tally | None:
    """Return the tally of all pairs, or None if it would not be ready in time."""
    classes = classify(trial.frame, trial.code)
    table = make_pair_table(trial.frame, classes, trial.faults)
    firsts, seconds = (make_kicks(trial.frame, k) for k in (classes.firsts, classes.seconds))
    tally = _Tally(faults=trial.faults, exhaustive=True, judged=num_pairs(trial.faults))
    tally.accepted += table.cancelling
    order = np.random.default_rng(seed).permutation(len(table))
    groups = [(order[~table.alike[order]], seconds), (order[table.alike[order]], firsts)]
    started, done = time.monotonic(), 0
    for rows, partners in ((p, k) for group, k in groups for p in _chunks(group)):
        verdicts = trial.run(firsts[table.earlier[rows]], partners[table.later[rows]])
        tally.add(verdicts, table.counts[rows], partial(_behind, table, rows))
        done += len(rows)
        progress(done / len(order))
        now = time.monotonic()
        if now + (now - started) * (len(order) / done - 1) > deadline:
            return None
    return tally


def _judge_drawn(trial: Trial, deadline: float, seed: int, progress: Progress) -> _Tally:
    """Return the tally of as many drawn pairs as there is time for, at least one batch."""
    started, rng, frame = time.monotonic(), np.random.default_rng(seed), trial.frame
    effects = zip(frame.starts, frame.effects, strict=True)
    kicks = make_kicks(frame, [(start, pauli.x, pauli.z) for start, pauli in effects])
    settled = pack(settled_columns(frame), frame.num_columns)
    numbers: dict[Place, int] = {}
    places = np.array([numbers.setdefault(place_of(f), len(numbers)) for f in trial.faults])
    tally = _Tally(faults=trial.faults, exhaustive=False)
    while not tally.judged or time.monotonic() < deadline:
        drawn = rng.integers(len(trial.faults), size=(_DRAWN, 2))
        drawn = drawn[places[drawn[:, 0]] != places[drawn[:, 1]]]
        tally.judged += len(drawn)
        fixed = settled[kicks.starts[drawn].min(axis=1)]
        flips = (kicks.x[drawn[:, 0]] ^ kicks.x[drawn[:, 1]]) & fixed
        for part in _chunks(drawn[~flips.any(axis=1)]):
            verdicts = trial.run(kicks[part[:, 0]], kicks[part[:, 1]])
            tally.add(verdicts, np.ones(len(part), dtype=np.int64), partial(_this_pair, part))
        progress(min(1.0, (time.monotonic() - started) / max(1e-9, deadline - started)))
    return tally


def _chunks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (rows[first : first + _CHUNK] for first in range(0, len(rows), _CHUNK))


def _behind(table: PairTable, rows: NDArray[np.int64], k: int) -> Iterator[tuple[int, int]]:
    return table.fault_pairs(int(rows[k]))


def _this_pair(drawn: NDArray[np.int64], k: int) -> Iterator[tuple[int, int]]:
    yield int(drawn[k, 0]), int(drawn[k, 1])
