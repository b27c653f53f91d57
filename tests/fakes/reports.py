"""A report's data, made by hand: a demo-like run, and tables for the pictures of its shots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import Any, cast

import pandas as pd

from hexmagic.analysis.plots.drawings import PatchDrawing
from hexmagic.analysis.report.page import ReportData
from hexmagic.analysis.report.tables import CALIBRATION_COLUMNS
from hexmagic.analysis.tables.basic import CUTFLOW, FIDELITY, POINTS
from hexmagic.analysis.timeline import TimedBlock


def frame(rows: list[dict[str, Any]], schema: Mapping[str, str]) -> pd.DataFrame:
    values: dict[str, Any] = {key: [row[key] for row in rows] for key in schema}
    columns = {key: pd.Series(values[key], dtype=cast(Any, t)) for key, t in schema.items()}
    swept = dict.fromkeys(key for row in rows for key in row if key.startswith("sweep."))
    return pd.DataFrame(columns | {key: [row.get(key, nan) for row in rows] for key in swept})


def interval(name: str, value: float, half: float) -> dict[str, float]:
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def row(label: str, fidelity: float, half: float, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        **{"run": "20260101-120000-demo", "point": 0, "label": label, "baseline": True},
        **{"scheme": label.partition(" ")[0], "distance": 3, "rounds": None, "reuse": None},
        **{"device": "fake_boston", "noise": "calibration", "backend": "aer", "estimate": "raw"},
        **{"readout": "detect", "shots": 60000, "kept": 44526, "attempts_per_kept": 1 / 0.7421},
        **interval("acceptance", 0.7421, 0.0035),
        **interval("x", 0.7065, 0.0081),
        **interval("y", -0.0021, 0.0113),
        **interval("z", 0.7082, 0.0079),
        **interval("fidelity", fidelity, half),
        **interval("infidelity", 1 - fidelity, half),
        **{"level": 0.95, "method": "mover-wilson"},
    }
    return values | changes


PROTOCOL = row("fold14 d=3 r=1", 0.99975, 0.0021, baseline=False, rounds=1, reuse="xor")
BARE = row("bare", 0.9902, 0.0019, point=1, distance=None)
UNFOLDED = row("bare", 0.99961, 0.0019, point=1, distance=None, estimate="readout_removed")
ENCODED = row("encoded d=3", 0.9612, 0.0026, point=2)
FLOW = (("encode", 0), ("hadamard", 2510), ("flags", 8123), ("syndromes", 3317), ("readout", 1524))


def cutflow_of(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for basis in ("X", "Y", "Z", "all"):
        entered = 60000 if basis == "all" else 20000
        for criterion, lost in FLOW:
            failed = lost if basis == "all" else lost // 3
            rate = {"entered": entered, "passed": entered - failed, "failed": failed}
            shown = {"basis": basis, "criterion": criterion, "applied": criterion != "encode"}
            passed = interval("pass_rate", 1 - failed / entered, 0.001)
            rows.append(dict(point) | shown | rate | passed | {"method": "wilson"})
            entered -= failed
    return rows


def points_of(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    taken = {"shots": 20000, "kept": 14842, "method": "wilson"}
    expected = {"X": 0.7065, "Y": -0.0021, "Z": 0.7082}
    return [
        dict(point) | taken | {"basis": basis} | interval("expectation", value, 0.008)
        for basis, value in expected.items()
    ]


def tables(rows: list[dict[str, Any]]) -> dict[str, Any]:
    raw = [r for r in rows if r["estimate"] == "raw"]
    return {
        "fidelity": frame(rows, FIDELITY),
        "cutflow": frame([r for point in raw for r in cutflow_of(point)], CUTFLOW),
        "points": frame([r for point in raw for r in points_of(point)], POINTS),
    }


def make_drawing() -> PatchDrawing:
    ring = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2), (3, 2), (2, 2), (1, 2), (0, 2)]
    edges = tuple((i, (i + 1) % 12) for i in range(12))
    return PatchDrawing(
        device="fake_boston",
        positions=(*((float(x), float(y)) for x, y in ring), (0.0, 1.0)),
        edges=edges,
        roles=dict.fromkeys((0, 2, 4, 6), "data") | {1: "ancilla", 3: "ancilla (H_m root)"},
        names={0: "x1", 1: "f1", 2: "n1"},
        faces=((0, 2, 4, 6),),
        faulty_edges=((9, 10),),
        faulty_qubits=(8,),
    )


def stage(label: str, name: str, gates: int, reads: int, start: float, end: float) -> TimedBlock:
    values: dict[str, Any] = {"two_qubit_gates": gates, "measurements": reads, "resets": 0}
    values |= {"round": int(name in ("hadamard", "detection")), "seconds": end - start}
    return TimedBlock(label=label, stage=name, start_seconds=start, **values)


STAGES = (
    stage("encode", "encode", 30, 0, 0.0, 9.1e-7),
    stage("hadamard 1", "hadamard", 25, 1, 9.1e-7, 7.16e-6),
    stage("detection 1", "detection", 50, 6, 2.3e-6, 7.16e-6),
    stage("readout", "readout", 0, 7, 4.96e-6, 7.16e-6),
)
CERTIFICATE = {
    **{"order": 1, "faults": 2893, "detection_failures": 0, "correction_failures": 1},
    "by_gadget": {"encode": {"faults": 811, "detection": 0, "correction": 0}},
    "counterexamples": [{"kind": "correction", "gate": "cz", "qubits": [3, 4], "pauli": "ZZ"}],
}


def make_calibration() -> pd.DataFrame:
    qubit = {"device": "fake_boston", "kind": "qubit", "qubit": 3, "name": "n1", "role": "data"}
    times = {"t1_seconds": 2.92e-4, "t2_seconds": 3.53e-4, "one_qubit_error": 1.4e-4}
    readout = {"prob_1_given_0": 0.0042, "prob_0_given_1": 0.0061}
    edge = {"device": "fake_boston", "kind": "edge", "qubit": 3, "qubit_2": 4}
    rows = [qubit | times | readout, edge | {"two_qubit_error": 1.3e-3}]
    return pd.DataFrame(rows, columns=list(CALIBRATION_COLUMNS))


def make_data(*rows: dict[str, Any], **changes: Any) -> ReportData:
    data = ReportData(
        run="20260101-120000-demo",
        name="steane-h-boston",
        description="d = 3 |H> on a Heron r3 calibration, against its baselines",
        created="2026-01-01T12:00:00+00:00",
        **tables(list(rows) or [PROTOCOL, BARE, UNFOLDED, ENCODED]),
        drawing={"fold14 d=3 r=1": make_drawing()},
        stages={"fold14 d=3 r=1": STAGES, "encoded d=3": STAGES[::3]},
        calibration=make_calibration(),
        certificate=CERTIFICATE,
        provenance={"versions": {"qiskit": "2.6.2"}, "seeds": list(range(100)), "git": None},
        rewrites=("delays in front of a qubit's first gate are left out",),
    )
    return replace(data, **changes)


def make_flags(label: str = "fold14 d=3 r=1", basis: str = "X") -> pd.DataFrame:
    """Rates of a small patch, by hand: syndrome[1] fires 6 sigma more often than predicted."""
    bits: list[tuple[Any, ...]] = [
        ("hadamard", "hadamard", 1, "root", 0, 13, 40, "r", 1940, 0.0489, -0.1),
        ("flag", "hadamard", 1, "flag", 0, 7, 36, "f2", 410, 0.0106, -0.3),
        ("syndrome", "detection", 1, "syndrome", 0, 8, 37, "f1", 1210, 0.0308, -0.5),
        ("syndrome", "detection", 1, "syndrome", 1, 9, 42, "e2", 1790, 0.0341, 6.3),
        ("syndrome", "detection", 1, "syndrome", 2, 9, 42, "e2", 1303, nan, nan),
        ("syndrome", "detection", 1, "syndrome", 3, 10, 44, "e1", 900, 0.0279, -3.2),
        ("readout", "readout", 0, "", None, None, None, "face 0", 1102, 0.0271, 0.4),
    ]
    names = ("role", "stage", "round", "register", "index", "qubit", "device_qubit", "name")
    rows = [dict(zip((*names, "fired", "predicted", "pull"), bit, strict=True)) for bit in bits]
    found = pd.DataFrame(rows).assign(label=label, basis=basis, shots=40000)
    found["rate"] = found["fired"] / found["shots"]
    found["rate_low"], found["rate_high"] = found["rate"] - 0.002, found["rate"] + 0.002
    return found.astype(dict.fromkeys(("index", "qubit", "device_qubit"), "Int64"))


def make_predicted(label: str = "fold14 d=3 r=1") -> pd.DataFrame:
    """Five quantities, by hand: one 4.1 sigma below its prediction, one without any shot."""
    rows: list[tuple[Any, ...]] = [
        ("acceptance", "all", 0.7421, 0.0035, 0.7508, 0.0012, -4.1),
        ("x", "X", 0.7065, 0.0081, 0.7019, 0.0025, 1.0),
        ("y", "Y", -0.0021, 0.0113, 0.0004, 0.0031, -0.4),
        ("fidelity", "all", 0.99975, 0.0021, 0.9969, 0.0011, 2.4),
        ("pass hadamard", "Z", nan, nan, 0.9531, 0.0011, nan),
    ]
    names = ("quantity", "basis", "measured", "m", "predicted", "p", "pull")
    found = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows]).assign(label=label)
    for name, half in (("measured", "m"), ("predicted", "p")):
        found[f"{name}_low"] = found[name] - found[half]
        found[f"{name}_high"] = found[name] + found[half]
    return found.drop(columns=["m", "p"])


def make_drift(label: str = "fold14 d=3 r=1") -> pd.DataFrame:
    """Ten parts of three bases, by hand: the acceptance in Z falls, one part of Y keeps no shot."""
    rows = []
    for basis, expected, slope in (("X", 0.707, 0.0), ("Y", 0.0, 0.0), ("Z", 0.708, -0.004)):
        for part in range(10):
            wave = 0.003 * (-1) ** part
            empty = basis == "Y" and part == 3
            kept = 0 if empty else round(2000 * (0.742 + slope * part + wave))
            value = nan if empty else expected + wave
            taken = {"first_shot": 2000 * part, "shots": 2000, "kept": kept}
            rows.append(
                {"label": label, "basis": basis, "part": part}
                | taken
                | interval("acceptance", kept / 2000, 0.019)
                | interval("expectation", value, 0.036)
            )
    return pd.DataFrame(rows)


def make_full_data() -> ReportData:
    """The data of a report with every section that there can be but strata."""
    flags = pd.concat([make_flags(basis=basis) for basis in "XYZ"], ignore_index=True)
    return make_data(flags=flags, predicted=make_predicted(), drift=make_drift())
