"""A point by hand for the comparison of overheads: its row, and what an attempt at it takes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hexmagic.analysis.overhead.comparison import Attempt, Trace, comparison, run_points

TRACE = Trace(
    origin="run r-1",
    seed=7,
    run="r-1",
    hexmagic="9.8.7",
    revision="abc",
    spec_sha256="0" * 64,
    engine="clifft 0.12.0",
)
ATTEMPT = Attempt(
    qubits=14, two_qubit_gates=107, time_steps=43.0, seconds=float("nan"), trace=TRACE
)
ON_DEVICE = Attempt(
    qubits=14, two_qubit_gates=107, time_steps=float("nan"), seconds=6e-6, trace=TRACE
)


def make_row(**changes: Any) -> dict[str, Any]:
    """Return a row of the fidelity table: half is accepted, with an infidelity of 1e-6."""
    row: dict[str, Any] = {
        **{"run": "r-1", "point": 0, "label": "fold14", "scheme": "fold14", "baseline": False},
        **{"distance": 3, "rounds": 1, "reuse": "reset", "device": "heavy_hex_5_cx"},
        **{"noise": "paper 0.0001", "estimate": "h_ideal", "readout": "correct", "shots": 1000},
        **{"acceptance": 0.5, "acceptance_low": 0.4, "acceptance_high": 0.6, "level": 0.95},
        **{"infidelity": 1e-6, "infidelity_low": 9e-7, "infidelity_high": 1.1e-6},
    }
    return row | changes


def compare(attempt: Attempt = ATTEMPT, **changes: Any) -> pd.DataFrame:
    """Return the comparison of that one row, changed."""
    points = run_points(pd.DataFrame([make_row(**changes)]), {("r-1", 0): attempt})
    return comparison(points)
