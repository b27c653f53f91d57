"""From a plan to compiled circuits and shards: everything that can be known before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from ..experiments.errors import UsageError
from ..experiments.measures import Measure
from .adapters import Engine
from .circuits import PlannedCircuit, planned_gadgets, roles_on_device
from .plan import CircuitKey, Plan, Point, derive_seed
from .shards import Shard, shard_id, shard_sizes
from .workers import Kit, Task

if TYPE_CHECKING:
    from ..backends.compilation import Compiled
    from ..backends.device import Device
    from ..experiments.certificates.single import Certificate

Where = Callable[[str], str]

MOST_JOBS = 200_000
"""Of a run: more are weeks on an emulator that samples 500 shots at a time, and a slow ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A compiled circuit.

    Attributes:
        compiled: the circuit.
        readout_error: (P(1|0), P(0|1)) of the qubit of a `bare` circuit as emulated, else None.
    """

    compiled: Compiled
    readout_error: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is predicted of a compiled circuit.

    Attributes:
        acceptance: predicted acceptance rate, in [0, 1].
        method: how, in words.
        certificate: what it rests on, if it was made.
    """

    acceptance: float
    method: str
    certificate: Certificate | None


Build = Callable[[Point, Where], Mapping[Measure, Built]]


class Builder(Protocol):
    """Compiles a point in all its bases."""

    def __call__(
        self, point: Point, where: Where, /, load: Callable[[str], Device] | None = None
    ) -> Mapping[Measure, Built]:
        """Return its circuits; `load` gives devices, by default snapshots."""


Judge = Callable[[Point, "Compiled"], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan with its circuits, compiled, and its shards, named.

    Attributes:
        plan: the plan.
        compiled: its circuits.
        circuits: the same in numbers, in plan order.
        shards: in plan order.
        certificates: of the first basis of the points for which one was made, by label.
    """

    plan: Plan
    compiled: Mapping[CircuitKey, Compiled]
    circuits: tuple[PlannedCircuit, ...]
    shards: tuple[Shard, ...]
    certificates: Mapping[str, Certificate]

    @property
    def devices(self) -> dict[str, Device]:
        """The devices that are used, by name; in time steps only if it is used in no other way."""
        found = [compiled.device for compiled in self.compiled.values()]
        return {d.name: d for d in sorted(found, key=lambda device: not device.is_in_time_steps)}

    def compiled_by_name(self) -> dict[str, Compiled]:
        """Return the compiled circuits by the stem of their files, in plan order."""
        return {circuit.name: self.compiled[circuit.key] for circuit in self.circuits}

    def kit(self, engine: Engine) -> Kit:
        """Return what the workers need."""
        tasks = {
            (point.index, measure): _task(point, self.compiled[point.index, measure], engine)
            for point, measure in self.plan.circuits()
        }
        return Kit(sample=engine.sample, count=engine.count, tasks=tasks)


def prepare(
    plan: Plan, engine: Engine, *, build: Build, judge: Judge | None, where: Where
) -> Prepared:
    """Return a plan's circuits, compiled, with the shards that an engine would run.

    Args:
        plan: the plan.
        engine: enters the shards' identities and tells its rewrites.
        build: compiles a point in all its bases.
        judge: predicts the acceptance of a point from its first basis; None: not asked.
        where: names a dotted field for messages (`file:line: field`).

    Raises:
        UsageError: unknown device, device too small, embedding impossible.
    """
    built: dict[CircuitKey, Built] = {}
    verdicts: dict[CircuitKey, Verdict] = {}
    for point in plan.points:
        for basis, one in build(point, where).items():
            built[point.index, basis] = one
        first = (point.index, point.judged)
        if judge is not None:
            verdicts[first] = judge(point, built[first].compiled)
    circuits = tuple(
        _planned(point, basis, built[point.index, basis], verdicts, engine)
        for point, basis in plan.circuits()
    )
    _limit_jobs(plan, circuits, where)
    return Prepared(
        plan=plan,
        compiled={key: one.compiled for key, one in built.items()},
        circuits=circuits,
        shards=tuple(
            shard
            for (point, measure), circuit in zip(plan.circuits(), circuits, strict=True)
            if point.estimate.kind == "direct"
            for shard in make_shards(point, measure, circuit, engine)
        ),
        certificates=_certificates(plan, verdicts),
    )


def _limit_jobs(plan: Plan, circuits: Sequence[PlannedCircuit], where: Where) -> None:
    """Check that the ledger can hold a plan's jobs.

    Raises:
        UsageError: they are more than MOST_JOBS.
    """
    points = {point.index: point for point in plan.points if point.estimate.kind == "direct"}
    direct = [circuit for circuit in circuits if circuit.point in points]
    jobs = sum(-(-points[one.point].shots // one.shard_shots) for one in direct)
    if jobs > MOST_JOBS:
        raise UsageError(
            f"{where('shots')}: {jobs} jobs of at most {max(c.shard_shots for c in direct)} shots; "
            f"a run has at most {MOST_JOBS}: ask for fewer shots, or for backend clifft, whose "
            "jobs are larger"
        )


def make_shards(
    point: Point, measure: Measure, circuit: PlannedCircuit, engine: Engine
) -> Iterator[Shard]:
    """Yield the shards of a circuit, in order."""
    for index, shots in enumerate(shard_sizes(point.shots, circuit.shard_shots)):
        yield make_shard(point, measure, circuit, engine.identity, index=index, shots=shots)


def make_shard(
    point: Point,
    measure: Measure,
    circuit: PlannedCircuit,
    engine: str,
    *,
    index: int,
    shots: int,
    faults: int | None = None,
) -> Shard:
    """Return one shard of a circuit.

    A seed is hashed from the experiment's seed, the point's identity, the measure and the shard's
    index, so more shots leave the seeds of the full shards before them as they were. Shots that
    are only counted and shots of a stratum have seeds of their own.
    """
    gives = point.gives(measure)
    kind: tuple[str | int, ...] = () if gives == "shots" else ("counts",)
    kind += () if faults is None else ("faults", faults)
    seed = derive_seed(point.seed, point.identity, measure, index, *kind)
    counted = None if gives == "shots" else {"accept": asdict(point.accept), "faults": faults}
    name = shard_id(
        fingerprint=circuit.fingerprint,
        noise=str(point.device.noise),
        shots=shots,
        seed=seed,
        engine=engine,
        counted=counted,
    )
    return Shard(
        id=name,
        point=point.index,
        basis=measure,
        index=index,
        first_shot=index * circuit.shard_shots,
        shots=shots,
        seed=seed,
        gives=gives,
        faults=faults,
    )


@contextmanager
def located(where: Where, field: str) -> Iterator[None]:
    """Put the place of a field in front of a backend's UsageError, which does not know it.

    Raises:
        UsageError: that error, with the place.
    """
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where(field)}: {error}") from error


def _task(point: Point, compiled: Compiled, engine: Engine) -> Task:
    early = engine.counts_early
    return Task(
        compiled=compiled,
        noise=point.device.noise,
        accept=point.accept,
        counts_early=early is not None and early(compiled, point.device.noise),
    )


def _certificates(plan: Plan, verdicts: Mapping[CircuitKey, Verdict]) -> dict[str, Certificate]:
    return {
        plan.points[point].label: verdict.certificate
        for (point, _), verdict in verdicts.items()
        if verdict.certificate is not None
    }


def _planned(
    point: Point,
    basis: Measure,
    built: Built,
    verdicts: Mapping[CircuitKey, Verdict],
    engine: Engine,
) -> PlannedCircuit:
    compiled, verdict = built.compiled, verdicts.get((point.index, basis))
    return PlannedCircuit(
        point=point.index,
        basis=basis,
        fingerprint=compiled.fingerprint,
        layout=compiled.layout,
        roles=roles_on_device(compiled),
        depth=compiled.depth,
        duration_seconds=compiled.duration_seconds,
        predicted_acceptance=verdict.acceptance if verdict else None,
        prediction_method=verdict.method if verdict else None,
        readout_error=built.readout_error,
        gadgets=planned_gadgets(compiled),
        rewrites=engine.approximations(
            compiled, point.device.noise, stratified=point.estimate.kind == "stratified"
        ),
        shard_shots=engine.shots_per_shard(compiled, point.gives(basis) == "counts"),
        reuse=compiled.program.reuse,
        measurement_layers=compiled.measurement_layers,
    )
