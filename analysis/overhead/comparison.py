"""What an accepted state costs: our schemes, the authors' figures and 15-to-1 distillation.

A state's cost is that of all the attempts it takes. Of an attempt with acceptance A: average qubits
= qubits / A, gates per state = two-qubit gates / A, space-time = average qubits x time steps.
Ratios are another's figure / ours, so they say how many times less ours is. Several protocols of
distillation are published for one p: each ratio is against the one that has least of its figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from math import nan
from typing import Any

import pandas as pd

from .distillation import (
    STEPS_PER_CYCLE,
    Distillation,
    after_15_to_1,
    distillations,
    fewest_qubits,
    least_space_time,
    lowest_error,
)
from .others import author_rows, distillation_row, distillation_rows, simulation_rows
from .side_by_side import OURS

Row = dict[str, Any]

MEASURED_FILE = "measured.csv"
DEVICE_P = 1e-3
"""The rate of the distillation that stands beside calibrated devices: the largest published."""

NONE = "none"
"""In `reaches` and `undecided`: there is distillation beside it, and no protocol that is so."""

_ENDS = ("", "_low", "_high")
_WHERE: Mapping[str, str] = {
    **dict.fromkeys(("scheme", "noise", "device"), "str"),
    **{"p": "float64", "distance": "Int64", "rounds": "Int64"},
    **dict.fromkeys(("reuse", "estimate", "readout"), "str"),
}
_ATTEMPT: Mapping[str, str] = {
    **dict.fromkeys(("qubits", "two_qubit_gates"), "Int64"),
    **dict.fromkeys(("time_steps", "seconds"), "float64"),
    **{name + end: "float64" for name in ("acceptance", "infidelity") for end in _ENDS},
    "level": "float64",
}
_TRACE: Mapping[str, str] = {
    **{"origin": "str", "seed": "int64", "shots": "int64", "run": "str", "point": "int64"},
    **dict.fromkeys(("hexmagic", "revision", "spec_sha256", "engine"), "str"),
}
MEASURED: Mapping[str, str] = {**_WHERE, **_ATTEMPT, **_TRACE}
"""Columns of measured attempts: see docs/overhead.md."""

_PER_STATE = (
    *("average_qubits", "gates_per_state", "seconds_per_state", "space_time", "qubit_rounds"),
    *("qubit_seconds", "after_15_to_1"),
)
_BEST = ("fewest_qubits", "least_space_time", "lowest_error")
_RATIOS = (
    *("qubits_ratio", "gates_ratio", "space_time_ratio", "error_ratio"),
    *("authors_qubits_ratio", "authors_space_time_ratio", "authors_error_ratio"),
)
COMPARISON: Mapping[str, str] = {
    **{"source": "str", **_WHERE, **_ATTEMPT},
    "two_qubit_gates": "float64",
    **dict.fromkeys(_PER_STATE, "float64"),
    **{"distillation_p": "float64", **dict.fromkeys((*_BEST, "reaches", "undecided"), "str")},
    **{**dict.fromkeys(_RATIOS, "float64"), "traced_to": "str"},
}
"""Columns of the comparison: see docs/overhead.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Where a run's figures come from.

    Attributes:
        origin: the experiment's file, or the run.
        seed: the experiment's.
        run: id of the run.
        hexmagic: version.
        revision: of its sources, "+" behind it if they were changed; empty for a wheel.
        spec_sha256: SHA-256 of the experiment's file as it was run.
        engine: with its version.
    """

    origin: str
    seed: int
    run: str
    hexmagic: str
    revision: str
    spec_sha256: str
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one attempt at a state takes, accepted or not.

    Attributes:
        qubits: data and ancillas.
        two_qubit_gates: of encoder, H_m and ED.
        time_steps: under the paper's noise, where every operation takes one; else NaN.
        seconds: on a device with a calibration; else NaN.
        trace: where the figures come from.
    """

    qubits: int
    two_qubit_gates: int
    time_steps: float
    seconds: float
    trace: Trace


def measured_points() -> pd.DataFrame:
    """Return the points that hexmagic ships, by benchmarks/overhead.py; columns: `MEASURED`."""
    with (files(__package__) / MEASURED_FILE).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=dict(MEASURED), keep_default_na=False, na_values=[""])


def run_points(fidelity: pd.DataFrame, attempts: Mapping[tuple[str, int], Attempt]) -> pd.DataFrame:
    """Return the points of runs, no baselines; of a point judged ideally only those rows.

    Args:
        fidelity: the fidelity table of one run or several.
        attempts: by (run, point), of every point that is no baseline.
    """
    own = fidelity[~fidelity["baseline"] & fidelity["estimate"].isin(("raw", "h_ideal"))]
    judged = {_key(row) for row in own.to_dict("records") if row["estimate"] == "h_ideal"}
    rows = [
        _measured_row(row, attempts[_key(row)])
        for row in own.to_dict("records")
        if row["estimate"] == "h_ideal" or _key(row) not in judged
    ]
    return _frame(rows, MEASURED)


def comparison(points: pd.DataFrame) -> pd.DataFrame:
    """Return ours, the authors' and distillation's figures, one row each, with the ratios.

    Of the others' only those at a p (or, of the authors', a distance) that ours are compared at;
    with them simulations of other preparations at those p. Columns: `COMPARISON`.

    Args:
        points: as from `measured_points` or `run_points`.
    """
    ours = [_our_row(row) for row in points.to_dict("records")]
    rates = {row["distillation_p"] for row in ours if "distillation_p" in row}
    settings = {(row["distance"], row["p"]) for row in ours if _is_paper(row)}
    theirs = [*simulation_rows(rates), *author_rows(settings)]
    return _frame([*distillation_rows(rates), *theirs, *ours], COMPARISON)


def cite(row: Mapping[Any, Any]) -> str:
    """Return in words where a measured point comes from."""
    revision = f" ({row['revision']})" if row["revision"] == row["revision"] else ""
    return (
        f"{row['origin']}, seed {row['seed']}, {row['shots']} shots, hexmagic "
        f"{row['hexmagic']}{revision}, {row['engine']}, spec SHA-256 {row['spec_sha256'][:16]}"
    )


def _key(row: Mapping[Any, Any]) -> tuple[str, int]:
    return str(row["run"]), int(row["point"])


def _measured_row(row: Mapping[Any, Any], attempt: Attempt) -> Row:
    copied = (*_WHERE, *_ATTEMPT, "point", "shots")
    noise, _, rate = str(row["noise"]).rpartition(" ")
    facts = {name: value for name, value in asdict(attempt).items() if name != "trace"}
    return {
        **{name: row[name] for name in copied if name in row},
        **facts,
        **asdict(attempt.trace),
        "p": float(rate) if noise in ("paper", "uniform") else nan,
        "revision": attempt.trace.revision or None,
    }


def _our_row(point: Mapping[Any, Any]) -> Row:
    row = {name: point[name] for name in (*_WHERE, *_ATTEMPT)} | {"source": OURS}
    row |= _per_state(row) | {"traced_to": cite(point)}
    row |= _beside_distillation(row)
    if _is_paper(row):
        for each in author_rows({(row["distance"], row["p"])}):
            for name, key in (("qubits", "average_qubits"), ("space_time",) * 2):
                row[f"authors_{name}_ratio"] = each[key] / row[key]
            row["authors_error_ratio"] = row["infidelity"] / each["infidelity"]
    return row


def _per_state(row: Row) -> Row:
    acceptance = float(row["acceptance"])
    attempts = 1 / acceptance if acceptance else nan
    qubits = row["qubits"] * attempts
    space_time = qubits * row["time_steps"]
    return {
        "average_qubits": qubits,
        "gates_per_state": row["two_qubit_gates"] * attempts,
        "seconds_per_state": row["seconds"] * attempts,
        "space_time": space_time,
        "qubit_rounds": space_time / STEPS_PER_CYCLE,
        "qubit_seconds": qubits * row["seconds"],
        "after_15_to_1": after_15_to_1(row["infidelity"]),
    }


def _beside_distillation(row: Row) -> Row:
    """Return our ratios, and which protocols' output error ours lies below: nothing without any.

    A calibrated device stands beside those at `DEVICE_P`. Reached are protocols whose output error
    our whole interval lies below; undecided those whose error it contains.
    """
    p = DEVICE_P if row["noise"] in ("calibration", "hardware") else row["p"]
    best = fewest_qubits(p), least_space_time(p), lowest_error(p)
    if None in best:
        return {}
    known = [each for each in best if each is not None]
    small, cheap, good = map(distillation_row, known)
    low, high = row["infidelity_low"], row["infidelity_high"]
    protocols = distillations(p)
    return {
        **{"distillation_p": p, **{n: each.name for n, each in zip(_BEST, known, strict=True)}},
        "reaches": _names(each for each in protocols if high < each.output_error),
        "undecided": _names(each for each in protocols if low <= each.output_error <= high),
        "qubits_ratio": small["average_qubits"] / row["average_qubits"],
        "gates_ratio": cheap["gates_per_state"] / row["gates_per_state"],
        "space_time_ratio": cheap["space_time"] / row["space_time"],
        "error_ratio": row["infidelity"] / good["infidelity"],
    }


def _names(protocols: Iterable[Distillation]) -> str:
    return "; ".join(each.name for each in protocols) or NONE


def _is_paper(row: Row) -> bool:
    return str(row["noise"]).startswith("paper ")


def _frame(rows: list[Row], schema: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(dict(_columns(rows, schema)))


def _columns(rows: list[Row], schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, dtype in schema.items():
        missing = nan if dtype == "float64" else None
        yield name, pd.array([row.get(name, missing) for row in rows], dtype=dtype)
