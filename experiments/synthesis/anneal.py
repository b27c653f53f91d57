"""Simulated annealing over circuits that do what they should: bad faults, gates and waiting cost.

A step edits the circuit a little (`moves`), drops the change if the circuit is no longer right,
and else accepts it by its cost at the temperature of the step. Going backwards through the edited
part is enough to see that most changes are wrong, so a step takes some tens of microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from random import Random

from .couplings import Coupling, all_couplings, turned
from .effects import Effects, span
from .judges import Judge
from .moves import Proposal, propose
from .objective import Cost, Objective, cost_of
from .problem import Problem
from .signs import keeps_signs

_TURN_RATE = 0.03
"""Share of the steps that also turn the axis in which an ancilla is read."""

_MOST_REMEMBERED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The length of a search and its temperatures: from hot to cold in every cycle, geometric."""

    steps: int
    cycles: int
    hot: float
    cold: float

    def temperature(self, step: int) -> float:
        """Return the temperature of a step, in units of cost."""
        length = max(1, self.steps // self.cycles)
        return float(self.hot * (self.cold / self.hot) ** (step % length / length))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A circuit with what it costs.

    Attributes:
        codes: its couplings, by their number in `all_couplings`.
        ends: ancillas that are read in X: a Hadamard stands in front of their measurement.
        bad: number of single faults that fail the correction certificate.
        cost: of the objective, bad faults included.
    """

    codes: tuple[int, ...]
    ends: frozenset[int]
    bad: int
    cost: float

    @property
    def rank(self) -> tuple[bool, float]:
        """What is best is least: no bad fault, then the cost."""
        return self.bad > 0, self.cost


class Annealer:
    """One search: `advance` takes steps, `best` is the best circuit so far."""

    def __init__(
        self,
        *,
        problem: Problem,
        judge: Judge,
        objective: Objective,
        schedule: Schedule,
        seed: int,
    ) -> None:
        self.problem = problem
        self.schedule = schedule
        self.couplings = all_couplings(problem)
        self.random = Random(seed)
        self.step = 0
        self._judge = judge
        self._objective = objective
        self._rows = [coupling.row for coupling in self.couplings]
        self._related = _related(self.couplings)
        self._known: dict[tuple[int, int, int, int], int] = {}
        self._fronts: list[Effects] = []
        self._bads: list[int] = []

    def start(self, couplings: Sequence[Coupling], ends: frozenset[int]) -> None:
        """Begin from a circuit.

        Raises:
            ValueError: it is not on the edges of the problem, or does not do what it should.
        """
        number = {coupling: code for code, coupling in enumerate(self.couplings)}
        if not number.keys() >= set(couplings):
            raise ValueError("the start has a gate that is on no edge of the patch")
        self.put([number[coupling] for coupling in couplings], ends)
        if not self._keeps_signs(self.current):
            raise ValueError("the start gives an observable a minus sign")
        self.best = self.current

    def put(self, codes: Sequence[int], ends: frozenset[int]) -> None:
        """Make a circuit the current one.

        Raises:
            ValueError: it does not do what it should.
        """
        fronts, bads = self._judged(codes, 0, [turned(self._judge.behind, ends)], [0])
        if not self._judge.is_right(fronts[-1]):
            raise ValueError("the circuit does not do what its stage should")
        self.current = self.candidate(codes, ends)
        self._fronts, self._bads = fronts, bads

    def candidate(self, codes: Sequence[int], ends: frozenset[int]) -> Candidate:
        """Return a right circuit with its bad faults and its cost."""
        fronts, bads = self._judged(codes, 0, [turned(self._judge.behind, ends)], [0])
        bad = bads[-1] + self._judge.bad_inputs(fronts[-1])
        cost = self.cost(codes, ends).total(self._objective) + self._objective.bad * bad
        return Candidate(codes=tuple(codes), ends=ends, bad=bad, cost=cost)

    def cost(self, codes: Sequence[int], ends: frozenset[int]) -> Cost:
        """Return the parts of a circuit's cost."""
        rows = [self._rows[code] for code in codes]
        return cost_of(rows, ends, self.problem.num_qubits, self.problem.data)

    def front_of(self, found: Candidate) -> Effects:
        """Return the effects in front of a circuit."""
        return self._back(found.codes, turned(self._judge.behind, found.ends))

    def advance(self, steps: int) -> None:
        """Take some steps."""
        for _ in range(steps):
            self._take(propose(self.random, self.current.codes, self._related), self._new_ends())
            self.step += 1

    def _new_ends(self) -> frozenset[int]:
        if self.random.random() >= _TURN_RATE:
            return self.current.ends
        ancillas = self.problem.ancillas
        return self.current.ends ^ {ancillas[int(self.random.random() * len(ancillas))]}

    def _take(self, proposal: Proposal, ends: frozenset[int]) -> None:
        """Accept a changed circuit or not."""
        codes, lead, tail = proposal
        fronts, bads = self._fronts, self._bads
        if ends != self.current.ends:
            lead, tail, fronts, bads = 0, 0, [turned(self._judge.behind, ends)], [0]
        if not self._is_right(codes, lead, tail, fronts[tail]):
            return
        temperature = self.schedule.temperature(self.step)
        highest = self.current.cost - temperature * log(1 - self.random.random())
        price = self.cost(codes, ends).total(self._objective)
        if price > highest:
            return
        fronts, bads = self._judged(codes, tail, fronts, bads)
        bad = bads[-1] + self._judge.bad_inputs(fronts[-1])
        cost = price + self._objective.bad * bad
        if cost <= highest:
            self.current = Candidate(codes=tuple(codes), ends=ends, bad=bad, cost=cost)
            self._fronts, self._bads = fronts, bads
            if self.current.rank < self.best.rank and self._keeps_signs(self.current):
                self.best = self.current

    def _keeps_signs(self, found: Candidate) -> bool:
        couplings = [self.couplings[code] for code in found.codes]
        return keeps_signs(couplings, found.ends, self._judge.observables)

    def _is_right(self, codes: Sequence[int], lead: int, tail: int, behind: Effects) -> bool:
        """Return whether a circuit of which only the middle is new does what it should."""
        front = self._back(codes[lead : len(codes) - tail], behind)
        if front == self._fronts[len(self.current.codes) - lead]:
            return True
        return self._judge.is_right(self._back(codes[:lead], front))

    def _back(self, codes: Sequence[int], behind: Effects) -> Effects:
        front, rows = behind[:], self._rows
        for code in reversed(codes):
            _, _, i, j, k, m = rows[code]
            front[i] ^= front[j]
            front[k] ^= front[m]
        return front

    def _judged(
        self, codes: Sequence[int], tail: int, fronts: list[Effects], bads: list[int]
    ) -> tuple[list[Effects], list[int]]:
        """Return effects in front of, and bad faults within, the last 0, 1, 2... couplings.

        `fronts` and `bads` are known for the last `tail` couplings.
        """
        fronts, bads = fronts[: tail + 1], bads[: tail + 1]
        front, bad = fronts[-1][:], bads[-1]
        for code in reversed(codes[: len(codes) - tail]):
            a, b, i, j, k, m = self._rows[code]
            key = (front[a], front[a + 1], front[b], front[b + 1])
            found = self._known.get(key)
            bad += self._count(key) if found is None else found
            front[i] ^= front[j]
            front[k] ^= front[m]
            fronts.append(front[:])
            bads.append(bad)
        return fronts, bads

    def _count(self, key: tuple[int, int, int, int]) -> int:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = found = sum(map(self._judge.bad, span(key)))
        return found


def _related(couplings: Sequence[Coupling]) -> list[list[int]]:
    """Return, for each coupling, the numbers of the others that share a qubit with it."""
    ends = [{coupling.first, coupling.second} for coupling in couplings]
    return [
        [other for other in range(len(couplings)) if other != one and ends[one] & ends[other]]
        for one in range(len(couplings))
    ]
