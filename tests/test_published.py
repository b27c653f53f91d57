"""Published figures agree with one another: typing errors would show."""

from __future__ import annotations

from math import exp

import pytest

from hexmagic.analysis.overhead.published import (
    CIRCUITS,
    FITS,
    POINTS,
    PublishedPoint,
    published_fit,
)

CIRCUIT = {circuit.distance: circuit for circuit in CIRCUITS}


def name(point: PublishedPoint) -> str:
    return f"d={point.distance} p={point.p:g}"


def rounding(value: float) -> float:
    """Half of the last of three digits."""
    return 0.5 * 10.0 ** (len(f"{value:.0f}") - 3)


@pytest.mark.parametrize("point", POINTS, ids=name)
def test_average_qubits_are_qubits_by_acceptance(point: PublishedPoint) -> None:
    qubits = CIRCUIT[point.distance].qubits
    slack = rounding(point.average_qubits) + qubits * 0.0005 / point.acceptance**2
    assert abs(qubits / point.acceptance - point.average_qubits) <= slack


@pytest.mark.parametrize("point", POINTS, ids=name)
def test_space_time_is_average_qubits_by_steps(point: PublishedPoint) -> None:
    steps = CIRCUIT[point.distance].time_steps
    slack = steps * rounding(point.average_qubits) + 0.5
    assert abs(steps * point.average_qubits - point.space_time) <= slack


@pytest.mark.parametrize(("distance", "steps"), [(3, 36), (5, 76), (7, 119)])
def test_stages_add_up_to_the_time_steps_but_at_d7(distance: int, steps: int) -> None:
    circuit = CIRCUIT[distance]
    encode, hadamard, detection = circuit.steps
    assert encode + circuit.rounds * (hadamard + detection) == steps
    assert (circuit.time_steps == steps) == (distance != 7)


@pytest.mark.parametrize("point", POINTS, ids=name)
def test_the_acceptance_follows_the_quoted_decay(point: PublishedPoint) -> None:
    fit = published_fit(point.distance, "acceptance")
    assert fit is not None
    assert point.acceptance == pytest.approx(exp(-fit.coefficient * point.p), abs=0.002)


def test_the_parts_of_a_fit_add_up() -> None:
    parts = {(fit.quantity, fit.part): fit.coefficient for fit in FITS if fit.distance == 3}
    assert parts["error_rate", "X"] + parts["error_rate", "Z"] == parts["error_rate", "all"]
    stages = parts["acceptance", "encode"] + parts["acceptance", "H_m and ED"]
    assert stages == parts["acceptance", "all"]


def test_what_is_not_published_is_none() -> None:
    assert published_fit(7, "error_rate") is None
    assert published_fit(9, "acceptance") is None


def test_every_figure_has_a_citation() -> None:
    for figure in (*CIRCUITS, *POINTS, *FITS):
        assert "npj Quantum Information 6:91 (2020)" in figure.source.citation
        assert figure.source.name == "Chamberland and Noh 2020"
