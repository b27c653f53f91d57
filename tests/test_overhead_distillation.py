"""Distillation as published: every single-level 15-to-1 of the table, and what is best at what."""

from __future__ import annotations

from math import floor, log10

import pytest

from hexmagic.analysis.overhead.distillation import (
    DISTILLATIONS,
    Distillation,
    after_15_to_1,
    distillations,
    fewest_qubits,
    least_space_time,
    lowest_error,
)


def name(protocol: Distillation) -> str:
    return protocol.name


def three_digits(value: float) -> float:
    return round(value, 2 - floor(log10(value)))


def test_it_is_litinskis_table_with_the_small_footprint_and_all_the_others() -> None:
    """Table 1: output error, qubits and cycles of each single level of 15-to-1."""
    table = {
        (1e-4, "15-to-1 (7,3,3)"): (4.4e-8, 810, 18.1),
        (1e-4, "15-to-1 (9,3,3)"): (9.3e-10, 1150, 18.1),
        (1e-4, "15-to-1 (11,5,5)"): (1.9e-11, 2070, 30.0),
        (1e-4, "15-to-1 (9,3,3) small"): (1.5e-9, 762, 36.2),
        (1e-3, "15-to-1 (17,7,7)"): (4.5e-8, 4620, 42.6),
    }
    known = {(e.p, e.name): (e.output_error, e.qubits, e.cycles) for e in DISTILLATIONS}
    assert known == table


@pytest.mark.parametrize("protocol", DISTILLATIONS, ids=name)
def test_the_qubits_are_those_of_the_layout(protocol: Distillation) -> None:
    """Patches of d_X x (d_X + 4 d_Z) data and two (small: one) such regions, and d_m at a corner.

    So the program that its author published with the paper counts; half of all are ancillas.
    """
    dx, dz, dm = protocol.distances
    regions = 2 if protocol.small else 3
    data = regions * dx * (dx + 4 * dz) + (1 if protocol.small else 2) * dm
    assert three_digits(2 * data) == protocol.qubits


@pytest.mark.parametrize("protocol", DISTILLATIONS, ids=name)
def test_few_attempts_fail(protocol: Distillation) -> None:
    """An attempt takes 6 d_m cycles, in the small layout 12 d_m; some 15 p of them fail."""
    attempt = (12 if protocol.small else 6) * protocol.distances[2]
    assert 1 <= protocol.cycles / attempt < 1.02


def test_each_is_called_best_at_what_it_is_best_at() -> None:
    protocols = distillations(1e-4)
    assert len(protocols) == 4
    small, cheap, good = fewest_qubits(1e-4), least_space_time(1e-4), lowest_error(1e-4)
    assert small is not None
    assert cheap is not None
    assert good is not None
    assert (small.qubits, small.small) == (762, True)
    assert (cheap.distances, cheap.small) == ((7, 3, 3), False)
    assert good.distances == (11, 5, 5)
    assert small.qubits == min(each.qubits for each in protocols)
    assert cheap.time_steps * cheap.qubits == min(e.time_steps * e.qubits for e in protocols)
    assert cheap.two_qubit_gates == min(each.two_qubit_gates for each in protocols)
    assert good.output_error == min(each.output_error for each in protocols)


@pytest.mark.parametrize("best", [fewest_qubits, least_space_time, lowest_error])
def test_where_nothing_is_published_nothing_is_best(best: object) -> None:
    assert callable(best)
    assert best(2e-4) is None
    assert distillations(2e-4) == ()


def test_steps_and_gates_are_derived() -> None:
    cheap = least_space_time(1e-4)
    assert cheap is not None
    assert cheap.two_qubit_gates == pytest.approx(29_322)
    assert cheap.time_steps == pytest.approx(108.6)
    volumes = [round(each.qubit_cycles, -2) for each in DISTILLATIONS]
    assert volumes == [14_700, 27_600, 20_800, 62_100, 196_800]


def test_15_to_1_leaves_the_cube_and_nothing_of_a_negative_estimate() -> None:
    assert after_15_to_1(1e-3) == pytest.approx(3.5e-8)
    assert after_15_to_1(-1e-3) == 0
