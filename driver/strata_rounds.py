"""Which shots a stratified run takes next, decided by what those before them count.

So a run that was stopped goes on as if it had not been: the same rounds follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from ..analysis.strata.allocation import NextShots, next_shots
from ..experiments.counts import Counts, Readout
from ..experiments.measures import Measure
from .folder.files import StorageError
from .folder.run_folder import RunFolder
from .plan import CircuitKey, Plan, Point
from .prepare import make_shard
from .shards import Shard
from .strata import Group, read_groups

_LEAST_BATCHES = 16


def planned_shots(folder: RunFolder) -> int:
    """Return the shots of a run's plan; of strata the most that they may take."""
    budgets = (folder.plan.points[group.owner].shots for group in read_groups(folder))
    return sum(shard.shots for shard in folder.shards) + sum(budgets)


def stratum_shard(folder: RunFolder, group: Group, faults: int, index: int) -> Shard:
    """Return one shard of a stratum: as the circuit's shards, but at least 16 for all shots."""
    circuit = {c.key: c for c in folder.circuits}[group.owner, group.measure]
    point = folder.plan.points[group.owner]
    size = min(circuit.shard_shots, -(-point.shots // _LEAST_BATCHES))
    return make_shard(
        point,
        group.measure,
        replace(circuit, shard_shots=size),
        folder.document["engine"],
        index=index,
        shots=size,
        faults=faults,
    )


def sampled_strata(folder: RunFolder, group: Group) -> dict[int, Counts]:
    """Return what the shards of a group count so far, by number of faults.

    Raises:
        StorageError: a file is damaged or another shard's, or one in a row is missing.
    """
    batches: dict[int, int] = {}
    first = folder.path / stratum_shard(folder, group, 0, 0).file_name
    for path in sorted(first.parent.glob(first.name.replace("-k00-00000", "-k*-*"))):
        faults = int(path.stem.rpartition("-k")[2].partition("-")[0])
        batches[faults] = batches.get(faults, 0) + 1
    return _counted(folder, {}, _shards(folder, group, {}, batches))


def stratified_rounds(folder: RunFolder) -> Iterator[list[Shard]]:
    """Yield the shards that are to be run next, until every group is done.

    Each round is asked for when the shards of the one before it are on disk; those that were run
    before, by a process that was stopped, are named again.
    """
    sampled: list[tuple[Group, Mapping[int, Counts]]] = [(g, {}) for g in read_groups(folder)]
    while sampled:
        asked = [
            (group, counts, _shards(folder, group, counts, _next(folder, group, counts).batches))
            for group, counts in sampled
        ]
        asked = [(group, counts, shards) for group, counts, shards in asked if shards]
        if asked:
            yield [shard for _, _, shards in asked for shard in shards]
        sampled = [(group, _counted(folder, counts, shards)) for group, counts, shards in asked]


def shortfalls(folder: RunFolder) -> dict[CircuitKey, str]:
    """Return, in words, which stratified measures are short of their goal, and why.

    One of which shards are lost or damaged is left out: `load_results` tells of it.
    """
    found: dict[CircuitKey, str] = {}
    for group in read_groups(folder):
        with suppress(StorageError):
            last = _next(folder, group, sampled_strata(folder, group))
            if last.status != "reached":
                words = _short(folder.plan, group, last)
                found |= {(point, group.measure): words for point in group.locations}
    return found


def _next(folder: RunFolder, group: Group, sampled: Mapping[int, Counts]) -> NextShots:
    point = folder.plan.points[group.owner]
    return next_shots(
        list(group.weights.values()),
        group.strata(sampled),
        readouts=_aimed_at(point, group.measure),
        relative_error=point.estimate.relative_error,
        budget=point.shots - sum(counts.shots for counts in sampled.values()),
        batch=stratum_shard(folder, group, 0, 0).shots,
    )


def _shards(
    folder: RunFolder, group: Group, sampled: Mapping[int, Counts], batches: Mapping[int, int]
) -> list[Shard]:
    """Return the shards of so many more batches of each number of faults."""
    size = stratum_shard(folder, group, 0, 0).shots
    shards = []
    for faults, number in batches.items():
        first = sampled[faults].shots // size if faults in sampled else 0
        new = range(first, first + number)
        shards += [stratum_shard(folder, group, faults, index) for index in new]
    return shards


def _counted(
    folder: RunFolder, sampled: Mapping[int, Counts], shards: Sequence[Shard]
) -> dict[int, Counts]:
    """Return the counts by number of faults with those of some more shards.

    Raises:
        StorageError: a file is damaged or another shard's, or missing.
    """
    total = dict(sampled)
    for shard in shards:
        counts, faults = folder.load_taken(shard), shard.faults
        if not isinstance(counts, Counts) or faults is None:
            raise StorageError(f"run {folder.run_id}: {shard.file_name} is missing")
        total[faults] = total[faults] + counts if faults in total else counts
    return total


def _aimed_at(point: Point, measure: Measure) -> Sequence[Readout]:
    """Return the treatments of the faces that the goal is about.

    Of H_ideal both are reported: with `accept.readout: detect` the goal is about both, with
    `correct` about that one alone, which needs far fewer shots.
    """
    both = measure == "H_ideal" and point.accept.readout == "detect"
    return ("detect", "correct") if both else (point.accept.readout,)


def _short(plan: Plan, group: Group, last: NextShots) -> str:
    point = plan.points[group.owner]
    goal = point.estimate.relative_error
    reason = {
        "budget": f"more would exceed the {point.shots} shots; allow more",
        "tail": "the goal is finer than the weights",
        "sampling": "it is not finished",
    }.get(last.status, last.status)
    found = f"relative error {last.relative_error:.2g}, the goal was {goal:g}"
    if last.relative_error <= goal:
        found = f"shots with more faults than were sampled may matter more than {goal / 10:g} of it"
    return f"{point.label} in {group.measure}: {found}: {reason}"
