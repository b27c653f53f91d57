"""Limits: what a run may not exceed, checked before anything is made or submitted."""

from __future__ import annotations

from collections.abc import Iterator

from ..experiments.errors import RefusedError
from .adapters import Engine
from .prepare import Prepared, Where

REPETITION_DELAY_SECONDS = 250e-6
"""Wait between two shots on IBM hardware unless a job says otherwise: the qubits relax."""


def estimated_qpu_seconds(prepared: Prepared, point: int | None = None) -> float:
    """Return the quantum processor time of a plan, or of one point of it, in seconds.

    Shots x (circuit duration + repetition delay of 250 us), summed over the circuits. An emulator
    charges nothing; this is what the same plan would take on hardware. What hardware cannot do,
    H_ideal and shots with given faults, is left out.
    """
    shots = {p.index: p.shots for p in prepared.plan.points if p.estimate.kind == "direct"}
    return sum(
        shots.get(circuit.point, 0) * (circuit.duration_seconds + REPETITION_DELAY_SECONDS)
        for circuit in prepared.circuits
        if (point is None or circuit.point == point) and circuit.basis != "H_ideal"
    )


def check_gates(prepared: Prepared, where: Where) -> None:
    """Check the experiment's gates and its budget.

    Raises:
        RefusedError: one of them is not met, or cannot be evaluated.
    """
    for refusal in (*_acceptance_gate(prepared), *_error_gate(prepared), *_budget(prepared)):
        field, what = refusal
        raise RefusedError(f"{where(field)}: {what}")


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


def _acceptance_gate(prepared: Prepared) -> Iterator[tuple[str, str]]:
    gates = prepared.plan.gates
    if gates is None or gates.min_predicted_acceptance is None:
        return
    for circuit in prepared.circuits:
        point, predicted = prepared.plan.points[circuit.point], circuit.predicted_acceptance
        if predicted is None or point.baseline:
            continue
        if predicted < gates.min_predicted_acceptance:
            yield (
                "gates.min_predicted_acceptance",
                f"{point.label} in {circuit.basis}: predicted acceptance {predicted:.3g} "
                f"({circuit.prediction_method}), the gate asks for at least "
                f"{gates.min_predicted_acceptance:g}",
            )


def _error_gate(prepared: Prepared) -> Iterator[tuple[str, str]]:
    gates = prepared.plan.gates
    if gates is None or gates.max_median_cz_error is None:
        return
    for device in prepared.devices.values():
        error = device.median_two_qubit_error
        if error is None:
            what = f"{device.name} has no calibration, so its median error is not known"
            yield "gates.max_median_cz_error", what
        elif error > gates.max_median_cz_error:
            yield (
                "gates.max_median_cz_error",
                f"{device.name}: median {device.two_qubit_gate} error {error:.3g}, the gate allows "
                f"at most {gates.max_median_cz_error:g}",
            )


def _budget(prepared: Prepared) -> Iterator[tuple[str, str]]:
    budget = prepared.plan.budget
    seconds = estimated_qpu_seconds(prepared)
    if budget is not None and seconds > budget.qpu_seconds:
        yield (
            "budget.qpu_seconds",
            f"estimated {seconds:.3g} QPU seconds, the budget is {budget.qpu_seconds:g}; "
            "take fewer shots or raise it",
        )
