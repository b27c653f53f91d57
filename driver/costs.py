"""Costs: what each job on paid hardware asks for, in seconds of quantum processor time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from ..backends.canary import CANARY_SHOTS
from .circuits import PlannedCircuit
from .plan import Plan
from .shards import Shard

REPETITION_DELAY_SECONDS = 250e-6
"""Wait between two shots on IBM hardware unless a job says otherwise: the qubits relax."""

JOB_SECONDS = 2.0
"""What IBM's documentation adds for each job: loading its circuits onto the control electronics."""

_MARGIN = 2
"""A job is stopped by the service after so many times its estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a shard on hardware asks for.

    Attributes:
        device: the machine.
        canary_shots: shots of the bit-order canary in its job; 0: its job has none.
        estimated_seconds: of processor time.
        most_seconds: after which the service stops it.
    """

    device: str
    canary_shots: int
    estimated_seconds: float
    most_seconds: int


def costs(
    plan: Plan,
    circuits: Sequence[PlannedCircuit],
    shards: Iterable[Shard],
    *,
    delays: Mapping[str, float],
    program: str,
) -> dict[str, Cost]:
    """Return what each shard costs, by its id, its bit-order canary included.

    Every job has a canary of a few shots. The program `executor` takes but one number of shots for
    a whole job, so there only the first job on a machine has one, and the others wait for it.

    Args:
        plan: the plan.
        circuits: its circuits.
        shards: its shards.
        delays: repetition delay of each machine, in seconds.
        program: of the service: sampler or executor.
    """
    by_key = {circuit.key: circuit for circuit in circuits}
    found: dict[str, Cost] = {}
    watched: set[str] = set()
    for shard in shards:
        device = plan.points[shard.point].device.name
        canary = CANARY_SHOTS
        if program == "executor":
            canary = 0 if device in watched else shard.shots
        watched.add(device)
        duration = by_key[shard.point, shard.basis].duration_seconds
        estimated = job_seconds(shard.shots + canary, duration, delays[device])
        found[shard.id] = Cost(
            device=device,
            canary_shots=canary,
            estimated_seconds=estimated,
            most_seconds=most_seconds(estimated),
        )
    return found


def job_seconds(shots: int, duration_seconds: float, repetition_delay_seconds: float) -> float:
    """Return the processor time that one job on hardware is estimated to be charged, in seconds."""
    return JOB_SECONDS + shots * (duration_seconds + repetition_delay_seconds)


def most_seconds(estimated: float) -> int:
    """Return after how many seconds the service is to stop a job: the most it can be charged."""
    return ceil(_MARGIN * estimated)
