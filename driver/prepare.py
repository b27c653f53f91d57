"""From a plan to compiled circuits and shards: everything that can be known before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..experiments.colour_code import Basis
from ..experiments.errors import UsageError
from .circuits import PlannedCircuit, planned_gadgets, roles_on_device
from .engine import Engine
from .plan import Plan, Point, derive_seed
from .shards import Shard, shard_id, shard_sizes
from .workers import CircuitKey, Kit, Task

if TYPE_CHECKING:
    from ..backends.compilation import Compiled
    from ..backends.device import Device
    from ..experiments.certificate import Certificate

Where = Callable[[str], str]


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


Builder = Callable[[Point, Where], Mapping[Basis, Built]]
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
        """The devices that are used, by name."""
        return {compiled.device.name: compiled.device for compiled in self.compiled.values()}

    def compiled_by_name(self) -> dict[str, Compiled]:
        """Return the compiled circuits by the stem of their files, in plan order."""
        return {circuit.name: self.compiled[circuit.key] for circuit in self.circuits}

    def kit(self, engine: Engine) -> Kit:
        """Return what the workers need."""
        tasks = {
            (point.index, basis): Task(
                compiled=self.compiled[point.index, basis], noise=point.device.noise
            )
            for point, basis in self.plan.circuits()
        }
        return Kit(sample=engine.sample, tasks=tasks)


def prepare(
    plan: Plan, engine: Engine, *, build: Builder, judge: Judge | None, where: Where
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
        first = (point.index, point.measure[0])
        if judge is not None:
            verdicts[first] = judge(point, built[first].compiled)
    circuits = tuple(
        _planned(point, basis, built[point.index, basis], verdicts, engine)
        for point, basis in plan.circuits()
    )
    return Prepared(
        plan=plan,
        compiled={key: one.compiled for key, one in built.items()},
        circuits=circuits,
        shards=tuple(
            shard
            for (point, basis), circuit in zip(plan.circuits(), circuits, strict=True)
            for shard in make_shards(point, basis, circuit.fingerprint, engine)
        ),
        certificates=_certificates(plan, verdicts),
    )


def make_shards(point: Point, basis: Basis, fingerprint: str, engine: Engine) -> Iterator[Shard]:
    """Yield the shards of a circuit, in order.

    A seed is hashed from the experiment's seed, the point's identity, the basis and the shard's
    index, so more shots leave the seeds of the full shards before them as they were.
    """
    for index, shots in enumerate(shard_sizes(point.shots)):
        seed = derive_seed(point.seed, point.identity, basis, index)
        name = shard_id(
            fingerprint=fingerprint,
            noise=str(point.device.noise),
            shots=shots,
            seed=seed,
            engine=engine.identity,
        )
        yield Shard(id=name, point=point.index, basis=basis, index=index, shots=shots, seed=seed)


@contextmanager
def located(where: Where, field: str) -> Iterator[None]:
    """Put the place of a field in front of a backend's UsageError, which does not know it."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where(field)}: {error}") from error


def _certificates(plan: Plan, verdicts: Mapping[CircuitKey, Verdict]) -> dict[str, Certificate]:
    return {
        plan.points[point].label: verdict.certificate
        for (point, _), verdict in verdicts.items()
        if verdict.certificate is not None
    }


def _planned(
    point: Point,
    basis: Basis,
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
        rewrites=engine.rewrites(compiled),
        reuse=compiled.program.reuse,
        measurement_layers=compiled.measurement_layers,
    )
