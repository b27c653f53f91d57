"""Our points beside the authors' at equal distance, and fits of both, as tables.

Source of theirs: C. Chamberland and K. Noh, npj Quantum Information 6:91 (2020). They publish
p_L = p_X + p_Z, the rates of logical X and Z flips of |H> after ideal correction (a Y counts in
both). |H> keeps half of its fidelity under X or Z and none under Y, so its infidelity is p_L / 2,
given that the logical errors are Pauli errors. `infidelity` holds theirs halved, `error_rate` ours
doubled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isclose, nan
from typing import Any

import pandas as pd

from ..exact_interval import normal_quantile
from .fits import Fit, LogPoints, fit_decay, fit_power, log_points
from .published import CIRCUITS, POINTS, PublishedCircuit, PublishedPoint, Quantity, published_fit

OURS = "hexmagic"
FLIPS_PER_INFIDELITY = 2
STAGES = ("encode", "hadamard", "detection")

Row = dict[str, Any]
Triple = tuple[float, float, float]

_CIRCUIT: Mapping[str, str] = {
    **dict.fromkeys(("source", "scheme"), "str"),
    **dict.fromkeys(("distance", "rounds"), "Int64"),
    **dict.fromkeys(("reuse", "device", "readout"), "str"),
    **dict.fromkeys(("qubits", "time_steps"), "Int64"),
}
_MEASURED = ("acceptance", "error_rate", "infidelity", "average_qubits", "space_time")
_RATIOS = ("qubits", "time_steps", "acceptance", "infidelity", "average_qubits", "space_time")
SIDE_BY_SIDE: Mapping[str, str] = {
    **_CIRCUIT,
    **{f"{stage}_steps": "Int64" for stage in STAGES},
    "p": "float64",
    **{name + end: "float64" for name in _MEASURED for end in ("", "_low", "_high")},
    "level": "float64",
    **{f"{name}_ratio": "float64" for name in _RATIOS},
    **{"run": "str", "point": "Int64"},
}
FITS: Mapping[str, str] = {
    **_CIRCUIT,
    **{"quantity": "str", "law": "str", "points": "int64"},
    **dict.fromkeys(("p_low", "p_high"), "float64"),
    **{n + e: "float64" for n in ("coefficient", "exponent", "bend") for e in ("", "_error")},
    **dict.fromkeys(("chi2_per_dof", "published"), "float64"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a circuit occupies.

    Attributes:
        qubits: data and ancillas.
        time_steps: from the first operation to the end of the last measurement of an ancilla.
        stage_steps: by stage, all rounds together: from its first operation to the next stage's
            first, so that they add up to `time_steps`.
    """

    qubits: int
    time_steps: int
    stage_steps: Mapping[str, int]


def side_by_side(
    fidelity: pd.DataFrame, footprints: Mapping[tuple[str, int], Footprint]
) -> pd.DataFrame:
    """Return the authors' points and ours: one row per distance, p, circuit and readout.

    Ours are the rows of the fidelity table with noise "paper <p>" and estimate "h_ideal", no
    baselines; the authors' are all at our distances, or all there are if we have none. Ratios are
    ours / theirs at equal distance and p. Columns: `SIDE_BY_SIDE`.

    Args:
        fidelity: the fidelity table of one run or several.
        footprints: by (run, point), of every point that has such a row.
    """
    chosen = fidelity[_comparable(fidelity)].to_dict("records")
    ours = [_our_row(row, footprints[row["run"], int(row["point"])]) for row in chosen]
    theirs = list(_their_rows({row["distance"] for row in ours}))
    rows = [*theirs, *(row | _ratios(row, theirs) for row in ours)]
    return _frame(sorted(rows, key=lambda row: (row["distance"], row["p"])), SIDE_BY_SIDE)


def fits_table(points: pd.DataFrame) -> pd.DataFrame:
    """Return the laws fitted to each circuit of a side-by-side table: see `fits`.

    Of the error rate: c p^k with k = (d + 1) / 2, the order that a fault-tolerant circuit has;
    the same with exp(b p), whose c is the limit at p -> 0; both with another whole k if the points
    are nearer to it; and c p^k with k free. Of the acceptance: exp(-N p), and exp(-N p - M p^2),
    whose N is the slope at p -> 0. A law with more parameters than there are different p has no
    row. Columns: `FITS`.
    """
    rows: list[Row] = []
    for _, group in points.groupby(list(_CIRCUIT), sort=False, dropna=False):
        common = {name: group[name].iloc[0] for name in _CIRCUIT}
        rows += [common | row for row in _fit_rows(group, int(common["distance"]))]
    return _frame(rows, FITS)


def _comparable(fidelity: pd.DataFrame) -> pd.Series[bool]:
    if "infidelity" not in fidelity:  # of a run from before there was an ideal check
        return pd.Series(data=False, index=fidelity.index, dtype=bool)
    paper = fidelity["noise"].str.startswith("paper ")
    return paper & (fidelity["estimate"] == "h_ideal") & ~fidelity["baseline"]


def _our_row(row: Mapping[Any, Any], footprint: Footprint) -> Row:
    acceptance, infidelity = (
        (float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"]))
        for name in ("acceptance", "infidelity")
    )
    average = _quotient(footprint.qubits, acceptance)
    return {
        **{name: row[name] for name in ("scheme", "reuse", "device", "readout", "run")},
        **{"source": OURS, "p": float(row["noise"].removeprefix("paper ")), "level": row["level"]},
        **{name: int(row[name]) for name in ("distance", "rounds", "point")},
        **{"qubits": footprint.qubits, "time_steps": footprint.time_steps},
        **{f"{stage}_steps": footprint.stage_steps.get(stage) for stage in STAGES},
        **_interval("acceptance", acceptance),
        **_interval("error_rate", _scaled(infidelity, FLIPS_PER_INFIDELITY)),
        **_interval("infidelity", infidelity),
        **_interval("average_qubits", average),
        **_interval("space_time", _scaled(average, footprint.time_steps)),
    }


def _their_rows(distances: Collection[int]) -> Iterator[Row]:
    circuits = {circuit.distance: circuit for circuit in CIRCUITS}
    for point in POINTS:
        if not distances or point.distance in distances:
            yield _their_row(point, circuits[point.distance])


def _their_row(point: PublishedPoint, circuit: PublishedCircuit) -> Row:
    rate = point.error_rate
    errors: Triple = (nan, *rate) if isinstance(rate, tuple) else (rate, nan, nan)
    encode, *rounds = circuit.steps
    steps = (encode, *(circuit.rounds * each for each in rounds))
    return {
        **{"source": point.source.name, "readout": "correct", "p": point.p},
        **{name: getattr(circuit, name) for name in ("distance", "rounds", "qubits", "time_steps")},
        **{f"{stage}_steps": n for stage, n in zip(STAGES, steps, strict=True)},
        **{name: getattr(point, name) for name in ("acceptance", "average_qubits", "space_time")},
        **_interval("error_rate", errors),
        **_interval("infidelity", _scaled(errors, 1 / FLIPS_PER_INFIDELITY)),
    }


def _ratios(ours: Row, theirs: Sequence[Row]) -> Row:
    """Return ours / theirs; empty if they have no point at this distance and p."""
    for row in theirs:
        if row["distance"] == ours["distance"] and isclose(row["p"], ours["p"], rel_tol=1e-9):
            return {f"{name}_ratio": ours[name] / row[name] for name in _RATIOS}
    return {}


def _fit_rows(group: pd.DataFrame, distance: int) -> Iterator[Row]:
    errors, accepted = (_log_points(group, name) for name in ("error_rate", "acceptance"))
    free = fit_power(errors, exponent=None)
    laws: list[tuple[Quantity, Fit | None]] = [
        ("error_rate", fit_power(errors, exponent=order, bend=bend))
        for order in _orders(distance, free)
        for bend in (False, True)
    ]
    laws.append(("error_rate", free))
    laws += [("acceptance", fit_decay(accepted, bend=bend)) for bend in (False, True)]
    for quantity, fit in laws:
        if fit is not None:
            yield _fit_row(quantity, fit) | {"published": _published(distance, quantity, fit)}


def _orders(distance: int, free: Fit | None) -> list[int]:
    """Return (d + 1) / 2 and, if another whole number fits better, that as well."""
    nearest = [] if free is None or free.exponent is None else [round(free.exponent.value)]
    return list(dict.fromkeys([(distance + 1) // 2, *nearest]))


def _published(distance: int, quantity: Quantity, fit: Fit) -> float:
    """Return the authors' coefficient; NaN if they give none, or none for this exponent."""
    theirs = published_fit(distance, quantity)
    exponent = None if fit.exponent is None else fit.exponent.value
    return nan if theirs is None or theirs.exponent != exponent else theirs.coefficient


def _log_points(group: pd.DataFrame, name: str) -> LogPoints:
    """Return a column's points, the standard error of each from the width of its interval."""
    quantiles = [normal_quantile(level) for level in group["level"].fillna(0.95)]
    width = group[f"{name}_high"] - group[f"{name}_low"]
    return log_points(list(group["p"]), list(group[name]), list(width / quantiles / 2))


def _fit_row(quantity: Quantity, fit: Fit) -> Row:
    row: Row = {"quantity": quantity}
    for name in ("law", "points", "p_low", "p_high", "chi2_per_dof"):
        row[name] = getattr(fit, name)
    for name in ("coefficient", "exponent", "bend"):
        parameter = getattr(fit, name)
        row[name], row[f"{name}_error"] = (
            (nan, nan) if parameter is None else (parameter.value, parameter.error)
        )
    return row


def _quotient(n: float, rate: Triple) -> Triple:
    value, low, high = (n / x if x else inf for x in (rate[0], rate[2], rate[1]))
    return value, low, high


def _scaled(triple: Triple, factor: float) -> Triple:
    return triple[0] * factor, triple[1] * factor, triple[2] * factor


def _interval(name: str, ends: Triple) -> Row:
    return {name: ends[0], f"{name}_low": ends[1], f"{name}_high": ends[2]}


def _frame(rows: Sequence[Row], schema: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.array([row.get(name) for row in rows], dtype=dtype)
            for name, dtype in schema.items()
        }
    )
