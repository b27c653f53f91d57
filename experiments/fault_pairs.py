"""The certificate of order 2: what every pair of faults does, or as many as the time allows.

Faults that do the same are put into classes (`fault_classes`), and each pair of classes that may
be accepted (`pair_table`) is simulated exactly. If that takes longer than the time given, pairs of
faults are drawn at random instead, and each of those is simulated exactly too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .certificate import TOLERANCE, Kind
from .colour_code import ColourCode
from .errors import RefusedError
from .fault_classes import classify
from .fault_sums import Kicks, expand, make_kicks, settled_columns
from .faults import Fault, single_faults
from .instructions import Instruction
from .lighten import Rest, resting_places
from .noiseless import check_noiseless
from .pair_table import make_pair_table, num_pairs, place_of
from .pauli_frame import PauliFrame, make_pauli_frame
from .pauli_sums import Pauli, pack
from .program import Program
from .residual import residuals

_CHUNK = 5_000
"""Pairs that are simulated together."""

_DRAWN = 100_000
"""Pairs that are drawn together."""

_EXAMPLES = 10
"""Counterexamples of each kind that are kept."""

Progress = Callable[[float], None]
"""Called with the share of the work that is done, in [0, 1]."""


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
    progress: Progress = lambda share: None,
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
    code = program.patch.code
    if code is None:
        raise RefusedError(f"scheme {program.scheme}: has no code, so nothing to certify")
    faults = tuple(single_faults(instructions, program.patch.num_qubits))
    frame = make_pauli_frame(program, instructions, faults)
    judge = _Judge(
        code=code,
        faults=faults,
        frame=frame,
        values=check_noiseless(frame, code).values,
        rests=resting_places(frame, code),
    )
    deadline = started + budget_seconds
    tally = _judge_all(judge, deadline, seed, progress)
    if tally is None:
        tally = _judge_drawn(judge, deadline, seed, progress)
    return PairCertificate(
        faults=len(faults),
        pairs=num_pairs(faults),
        exhaustive=tally.exhaustive,
        judged=tally.judged,
        accepted=tally.accepted,
        failures=tally.failures,
        weights=tally.weights,
        examples=tuple(tally.examples),
        seed=seed,
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Judge:
    """A circuit on which pairs of kicks are tried."""

    code: ColourCode
    faults: tuple[Fault, ...]
    frame: PauliFrame
    values: tuple[int, ...]
    rests: tuple[Rest, ...]

    def judge(self, first: Kicks, second: Kicks) -> _Verdicts:
        """Return what each pair of kicks does."""
        sums = expand(self.frame, [first, second], rests=self.rests, accepted_only=True)
        found = residuals(self.frame, self.code, self.values, sums)
        rows, amplitudes = found.outcomes()
        right, wrong = (abs(amplitudes) ** 2).T
        trivial = (found.z_syndromes[rows] == 0) & (found.x_syndromes[rows] == 0)
        owners = found.owners[rows]
        return _Verdicts(
            accepted=np.bincount(owners, right + wrong, minlength=len(first)),
            wrong={
                "detection": np.bincount(owners, wrong * trivial, minlength=len(first)),
                "correction": np.bincount(owners, wrong, minlength=len(first)),
            },
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Verdicts:
    """Probabilities of each pair: of being accepted, and of being wrong as well."""

    accepted: NDArray[np.float64]
    wrong: dict[Kind, NDArray[np.float64]]


@dataclass(kw_only=True)
class _Tally:
    """Counts of what was judged so far."""

    faults: Sequence[Fault]
    exhaustive: bool
    judged: int = 0
    accepted: float = 0.0
    failures: dict[Kind, int] = field(default_factory=lambda: {"detection": 0, "correction": 0})
    weights: dict[Kind, float] = field(default_factory=lambda: {"detection": 0, "correction": 0})
    examples: list[tuple[Kind, Fault, Fault]] = field(default_factory=list)

    def add(
        self,
        verdicts: _Verdicts,
        counts: NDArray[np.int64],
        pairs_of: Callable[[int], Iterable[tuple[int, int]]],
    ) -> None:
        """Add judged rows that stand for `counts` pairs of faults, those of `pairs_of(row)`."""
        self.accepted += float(verdicts.accepted @ counts)
        for kind, wrong in verdicts.wrong.items():
            bad = np.flatnonzero((wrong > TOLERANCE) & (counts > 0))
            self.failures[kind] += int(counts[bad].sum())
            self.weights[kind] += float(wrong[bad] @ counts[bad])
            room = _EXAMPLES - sum(shown == kind for shown, _, _ in self.examples)
            self.examples += islice(self._examples(kind, bad, pairs_of), max(0, room))

    def _examples(
        self,
        kind: Kind,
        rows: NDArray[np.int64],
        pairs_of: Callable[[int], Iterable[tuple[int, int]]],
    ) -> Iterator[tuple[Kind, Fault, Fault]]:
        for row in rows.tolist():
            for i, j in pairs_of(row):
                if place_of(self.faults[i]) != place_of(self.faults[j]):
                    yield kind, self.faults[i], self.faults[j]


def _judge_all(judge: _Judge, deadline: float, seed: int, progress: Progress) -> _Tally | None:
    """Return the tally of all pairs, or None if it would not be ready in time."""
    classes = classify(judge.frame, judge.code)
    table = make_pair_table(judge.frame, classes, judge.faults)
    firsts, seconds = (
        make_kicks(judge.frame, [s for s, _, _ in keys], [Pauli(x, z) for _, x, z in keys])
        for keys in (classes.firsts, classes.seconds)
    )
    tally = _Tally(faults=judge.faults, exhaustive=True, judged=num_pairs(judge.faults))
    tally.accepted += table.cancelling
    order = np.random.default_rng(seed).permutation(len(table))
    order = order[np.argsort(table.alike[order], kind="stable")]
    started = time.monotonic()
    for part, partners in ((order[~table.alike[order]], seconds), (order[table.alike[order]], firsts)):
        for done in range(0, len(part), _CHUNK):
            rows = part[done : done + _CHUNK]
            verdicts = judge.judge(firsts[table.earlier[rows]], partners[table.later[rows]])
            tally.add(verdicts, table.counts[rows], lambda k, rows=rows: table.fault_pairs(rows[k]))
            share = (done + len(rows) + (len(order) - len(part)) * (partners is firsts)) / len(order)
            progress(share)
            now = time.monotonic()
            if now + (now - started) * (1 - share) / share > deadline:
                return None
    return tally


def _judge_drawn(judge: _Judge, deadline: float, seed: int, progress: Progress) -> _Tally:
    """Return the tally of as many drawn pairs as there is time for, at least one batch."""
    started, rng, frame = time.monotonic(), np.random.default_rng(seed), judge.frame
    kicks = make_kicks(frame, frame.starts, frame.effects)
    settled = np.vstack([pack([mask], frame.num_columns) for mask in settled_columns(frame)])
    numbers: dict[tuple[int, tuple[int, ...]], int] = {}
    places = np.array([numbers.setdefault(place_of(f), len(numbers)) for f in judge.faults])
    tally = _Tally(faults=judge.faults, exhaustive=False)
    while not tally.judged or time.monotonic() < deadline:
        drawn = rng.integers(len(judge.faults), size=(_DRAWN, 2))
        drawn = drawn[places[drawn[:, 0]] != places[drawn[:, 1]]]
        tally.judged += len(drawn)
        fixed = settled[kicks.starts[drawn].min(axis=1)]
        flips = (kicks.x[drawn[:, 0]] ^ kicks.x[drawn[:, 1]]) & fixed
        drawn = drawn[~flips.any(axis=1)]
        for first in range(0, len(drawn), _CHUNK):
            part = drawn[first : first + _CHUNK]
            verdicts = judge.judge(kicks[part[:, 0]], kicks[part[:, 1]])
            ones = np.ones(len(part), dtype=np.int64)
            tally.add(verdicts, ones, lambda k, part=part: [(part[k, 0], part[k, 1])])
        progress(min(1.0, (time.monotonic() - started) / max(1e-9, deadline - started)))
    return tally
