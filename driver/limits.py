"""Limits: what a run may not exceed, checked before anything is made or submitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..experiments.errors import RefusedError
from .adapters import Engine
from .circuits import PlannedCircuit
from .costs import JOB_SECONDS, REPETITION_DELAY_SECONDS
from .machines import is_hardware
from .plan import Plan
from .prepare import Prepared, Where

if TYPE_CHECKING:
    from ..backends.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that has to hold before anything is submitted.

    Attributes:
        field: dotted name of the field that asks for it; empty if none does.
        ok: whether it holds.
        text: in words, with the values.
        lasting: whether it will not come to hold by itself, another day; told only if not `ok`.
    """

    field: str
    ok: bool
    text: str
    lasting: bool = False


def estimated_qpu_seconds(prepared: Prepared, point: int | None = None) -> float:
    """Return the quantum processor time of a plan, or of one point of it, in seconds.

    Shots x (circuit duration + repetition delay of 250 us), summed over the circuits; on hardware
    also JOB_SECONDS for each job. An emulator charges nothing; this is what the same plan would
    take on hardware, but for its jobs. What hardware cannot do, H_ideal and shots with given
    faults, is left out.
    """
    shots = {p.index: p.shots for p in prepared.plan.points if p.estimate.kind == "direct"}
    seconds = sum(
        shots.get(circuit.point, 0) * (circuit.duration_seconds + REPETITION_DELAY_SECONDS)
        for circuit in prepared.circuits
        if (point is None or circuit.point == point) and circuit.basis != "H_ideal"
    )
    jobs = [shard for shard in prepared.shards if point is None or shard.point == point]
    return seconds + (JOB_SECONDS * len(jobs) if is_hardware(prepared.plan) else 0.0)


def check_gates(prepared: Prepared, where: Where) -> None:
    """Check the experiment's gates and its budget.

    Raises:
        RefusedError: one of them is not met, or cannot be evaluated.
    """
    gates = gate_checks(prepared.plan, prepared.circuits, prepared.devices.values())
    refuse_failed((*gates, *_budget(prepared)), where)


def refuse_failed(checks: Iterable[Check], where: Where) -> None:
    """Raise for the first check that is not met.

    Raises:
        RefusedError: with the place of the field that asks for it.
    """
    for check in checks:
        if not check.ok:
            place = f"{where(check.field)}: " if check.field else ""
            raise RefusedError(f"{place}{check.text}")


def engine_refusals(prepared: Prepared, engine: Engine) -> tuple[str, ...]:
    """Return, in words, which points the engine cannot hold."""
    largest = {p.index: 0 for p in prepared.plan.points}
    for circuit in prepared.circuits:
        largest[circuit.point] = max(largest[circuit.point], len(circuit.layout))
    return tuple(
        f"{point.label}: {largest[point.index]} qubits, {engine.name} holds at most "
        f"{engine.max_qubits}"
        for point in prepared.plan.points
        if engine.max_qubits is not None and largest[point.index] > engine.max_qubits
    )


def check_engine(prepared: Prepared, engine: Engine, where: Where) -> None:
    """Check that the engine can hold every circuit.

    Raises:
        RefusedError: a circuit has too many qubits.
    """
    refusals = engine_refusals(prepared, engine)
    if refusals:
        more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
        raise RefusedError(
            f"{where('device.backend')}: {refusals[0]}{more}; "
            "backend clifft holds any size, `hexmagic check` works without one"
        )


def gate_checks(
    plan: Plan, circuits: Iterable[PlannedCircuit], devices: Iterable[Device]
) -> Iterator[Check]:
    """Yield what became of the gates that a calibration and a prediction can tell.

    Args:
        plan: the plan.
        circuits: its circuits, some with a predicted acceptance.
        devices: the devices that they are on.
    """
    gates = plan.gates
    if gates is None:
        return
    if gates.min_predicted_acceptance is not None:
        yield from _acceptance_gate(plan, circuits, gates.min_predicted_acceptance)
    for device in devices:
        for field, what, error, limit in (
            (
                "gates.max_median_cz_error",
                f"median {device.two_qubit_gate} error",
                device.median_two_qubit_error,
                gates.max_median_cz_error,
            ),
            (
                "gates.max_median_readout_error",
                "median readout error",
                device.median_readout_error,
                gates.max_median_readout_error,
            ),
        ):
            if limit is not None:
                yield _error_gate(device.name, field, what, error, limit)


def _acceptance_gate(
    plan: Plan, circuits: Iterable[PlannedCircuit], least: float
) -> Iterator[Check]:
    for circuit in circuits:
        point, predicted = plan.points[circuit.point], circuit.predicted_acceptance
        if predicted is None or point.baseline:
            continue
        yield Check(
            field="gates.min_predicted_acceptance",
            ok=predicted >= least,
            text=f"{point.label} in {circuit.basis}: predicted acceptance {predicted:.3g} "
            f"({circuit.prediction_method}), the gate asks for at least {least:g}",
        )


def _error_gate(device: str, field: str, what: str, error: float | None, limit: float) -> Check:
    if error is None:
        text = f"{device} has no calibration, so its {what} is not known"
        return Check(field=field, ok=False, text=text)
    return Check(
        field=field,
        ok=error <= limit,
        text=f"{device}: {what} {error:.3g}, the gate allows at most {limit:g}",
    )


def _budget(prepared: Prepared) -> Iterator[Check]:
    budget = prepared.plan.budget
    seconds = estimated_qpu_seconds(prepared)
    if budget is not None:
        yield Check(
            field="budget.qpu_seconds",
            ok=seconds <= budget.qpu_seconds,
            text=f"estimated {seconds:.3g} QPU seconds, the budget is {budget.qpu_seconds:g}; "
            "take fewer shots or raise it",
        )
