"""Rows of the comparison that are not ours: distillation, the authors, others' simulations."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from math import isclose, nan
from typing import Any

from .distillation import STEPS_PER_CYCLE, Distillation, after_15_to_1, distillations
from .published import CIRCUITS, POINTS, PublishedPoint
from .published_experiments import published_experiments
from .side_by_side import FLIPS_PER_INFIDELITY

Row = dict[str, Any]


def distillation_rows(rates: Collection[float]) -> list[Row]:
    """Return a row for each distillation published for one of these physical error rates."""
    return [distillation_row(each) for p in sorted(rates) for each in distillations(p)]


def simulation_rows(rates: Collection[float]) -> Iterator[Row]:
    """Yield a row for each point that others simulated at one of these physical error rates."""
    table = published_experiments()
    for point in table[table["kind"] == "simulation"].to_dict("records"):
        if any(isclose(point["p"], p, rel_tol=1e-9) for p in rates):
            yield {
                **{"source": point["source"], "scheme": point["what"], "p": point["p"]},
                **{"noise": f"circuit-level {point['p']!r}", "distance": point["distance"]},
                **{name: point[name] for name in ("acceptance", "infidelity")},
                **{name: point[name] for name in ("infidelity_low", "infidelity_high")},
                "after_15_to_1": after_15_to_1(point["infidelity"]),
                "traced_to": f"{point['citation']}; {point['checked']}",
            }


def author_rows(settings: Collection[tuple[Any, float]]) -> list[Row]:
    """Return the authors' rows at some (distance, p)."""
    return [_author_row(point) for point in POINTS if _wanted(point, settings)]


def distillation_row(protocol: Distillation) -> Row:
    """Return a protocol's row: it always gives its state, so all is per state already."""
    return {
        **{"source": protocol.source.name, "scheme": protocol.name, "p": protocol.p},
        **{"noise": f"circuit-level {protocol.p!r}", "qubits": protocol.qubits},
        **{"two_qubit_gates": protocol.two_qubit_gates, "time_steps": protocol.time_steps},
        **{"average_qubits": float(protocol.qubits), "gates_per_state": protocol.two_qubit_gates},
        "space_time": protocol.qubits * protocol.time_steps,
        **{"qubit_rounds": protocol.qubit_cycles, "infidelity": protocol.output_error},
        "traced_to": protocol.source.citation,
    }


def _wanted(point: PublishedPoint, settings: Collection[tuple[Any, float]]) -> bool:
    return any(
        point.distance == distance and isclose(point.p, p, rel_tol=1e-9) for distance, p in settings
    )


def _author_row(point: PublishedPoint) -> Row:
    circuit = next(each for each in CIRCUITS if each.distance == point.distance)
    rate = point.error_rate
    rates = (nan, *rate) if isinstance(rate, tuple) else (rate, nan, nan)
    error, low, high = (each / FLIPS_PER_INFIDELITY for each in rates)
    return {
        **{"source": point.source.name, "noise": f"paper {point.p!r}", "p": point.p},
        **{"distance": point.distance, "rounds": circuit.rounds, "readout": "correct"},
        **{"qubits": circuit.qubits, "time_steps": float(circuit.time_steps)},
        **{"acceptance": point.acceptance, "infidelity": error},
        **{"infidelity_low": low, "infidelity_high": high},
        **{"average_qubits": point.average_qubits, "space_time": point.space_time},
        "qubit_rounds": point.space_time / STEPS_PER_CYCLE,
        **{"after_15_to_1": after_15_to_1(error), "traced_to": point.source.citation},
    }
