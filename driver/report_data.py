"""What a run folder tells the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ..analysis.comparison import differences_table
from ..analysis.phases import make_phases
from ..analysis.report.members import Member, short_runs
from ..analysis.report.page import CALIBRATION_COLUMNS, PatchDrawing, ReportData
from ..analysis.timeline import TimedBlock
from ..backends.heavy_hex_drawing import heavy_hex_positions
from ..experiments.record import RecordMap
from .circuits import PlannedCircuit, PlannedGadget
from .folder.archive import load_record
from .folder.run_folder import CERTIFICATE, RunFolder
from .places import Calibration, circuit_patch, device_edges, short_names
from .plan import Plan, Point
from .provenance import PROVENANCE
from .table_kinds import TableKind


def make_report_data(
    folder: RunFolder, tables: Mapping[TableKind, pd.DataFrame], problems: tuple[str, ...]
) -> ReportData:
    """Return everything that the report of a run shows; only the run folder is read.

    Args:
        folder: the run.
        tables: its tables; fidelity, cutflow and points at least.
        problems: what failed or is missing, in words.
    """
    plan = folder.plan
    circuits = {circuit.point: circuit for circuit in reversed(folder.circuits)}
    names = {point.device.name for point in plan.points}
    devices = {name: folder.read_json(f"calibration/{name}.json") for name in names}
    provenance = dict(folder.read_json(PROVENANCE))
    jobs, remote = provenance.pop("jobs", []), provenance.pop("remote_jobs", [])
    nothing = pd.DataFrame()
    coded = [point for point in plan.points if point.protocol.scheme != "bare"]
    return ReportData(
        run=folder.run_id,
        name=plan.name,
        description=plan.description,
        created=folder.document["created"],
        fidelity=tables["fidelity"],
        cutflow=tables["cutflow"],
        points=tables["points"],
        strata=tables.get("strata", nothing),
        states=tables.get("states", nothing),
        flags=tables.get("flags", nothing),
        predicted=tables.get("predicted", nothing),
        drift=tables.get("drift", nothing),
        keeps_shots=_keeps_shots(plan),
        drawing={
            p.label: _drawing(
                p,
                circuits[p.index],
                devices[p.device.name],
                load_record(folder, circuits[p.index].name),
            )
            for p in plan.points
        },
        stages={p.label: _stages(circuits[p.index].gadgets) for p in coded},
        calibration=_calibration(plan, circuits, devices),
        certificate=_certificate(folder),
        provenance=provenance | _counted(jobs, remote),
        rewrites=tuple(provenance["rewrites"]),
        problems=problems,
    )


def _counted(jobs: Sequence[Any], remote: Sequence[Any]) -> dict[str, str]:
    """Return how many jobs there are, in words, where a list would be too long to read."""
    counts = {"jobs": len(jobs), "remote_jobs": len(remote)}
    return {name: f"{n}, listed in provenance.json" for name, n in counts.items() if n}


def _drawing(
    point: Point, circuit: PlannedCircuit, device: Calibration, record: RecordMap
) -> PatchDrawing:
    patch, layout = circuit_patch(point, circuit, device), circuit.layout
    edges = device_edges(device)
    code = patch.code
    faces = code.faces if code is not None else ()
    return PatchDrawing(
        device=device["name"],
        positions=heavy_hex_positions(len(device["qubits"]), edges),
        edges=tuple(edges),
        roles=_roles(circuit),
        names={layout[qubit]: name for qubit, name in short_names(patch).items()},
        faces=tuple(tuple(layout[patch.data[q]] for q in face) for face in faces),
        faulty_edges=tuple(tuple(edge) for edge in device["faulty_edges"]),
        faulty_qubits=tuple(device["faulty_qubits"]),
        phases=tuple(
            phase.on_device(layout)
            for phase in make_phases(record, patch.data, patch.ancillas)
            if patch.name != "routed"  # its data move, so no place has one role in a phase
        ),
    )


def _stages(gadgets: tuple[PlannedGadget, ...]) -> tuple[TimedBlock, ...]:
    return tuple(
        TimedBlock(
            label=gadget.label,
            stage=gadget.stage,
            round=gadget.round,
            two_qubit_gates=gadget.two_qubit_gates,
            measurements=gadget.measurements,
            resets=gadget.resets,
            start_seconds=gadget.start_seconds,
            seconds=gadget.seconds,
            reads=gadget.reads,
        )
        for gadget in gadgets
    )


def _calibration(
    plan: Plan, circuits: Mapping[int, PlannedCircuit], devices: Mapping[str, Calibration]
) -> pd.DataFrame:
    """Return one row per used qubit and edge of the protocol's points, each once."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for point in plan.points:
        if not point.baseline:
            device = devices[point.device.name]
            for row in _calibration_rows(point, circuits[point.index], device):
                key = tuple(
                    row.get(name) for name in ("device", "kind", "qubit", "qubit_2", "role")
                )
                rows.setdefault(key, row)
    return pd.DataFrame(list(rows.values()), columns=list(CALIBRATION_COLUMNS))


def _calibration_rows(
    point: Point, circuit: PlannedCircuit, device: Calibration
) -> Iterator[dict[str, Any]]:
    patch, layout, roles = circuit_patch(point, circuit, device), circuit.layout, _roles(circuit)
    for qubit, name in sorted(short_names(patch).items()):
        place = layout[qubit]
        known = device["qubits"][place]
        yield {
            "device": device["name"],
            "kind": "qubit",
            "qubit": place,
            "name": name,
            "role": roles[place],
            "one_qubit_error": known["one_qubit"]["error"],
            **{key: known[key] for key in ("t1_seconds", "t2_seconds")},
            **{key: known[key] for key in ("prob_1_given_0", "prob_0_given_1")},
        }
    errors = {(gate["control"], gate["target"]): gate["error"] for gate in device["two_qubit"]}
    for a, b in patch.edges:
        u, v = sorted((layout[a], layout[b]))
        error = errors[(u, v) if (u, v) in errors else (v, u)]
        found = {"device": device["name"], "kind": "edge", "qubit": u, "qubit_2": v}
        yield found | {"two_qubit_error": error}


def _keeps_shots(plan: Plan) -> bool:
    """Return whether the shots of some circuit are kept, not only counted."""
    return any(point.gives(measure) == "shots" for point, measure in plan.circuits())


def _certificate(folder: RunFolder) -> dict[str, Any] | None:
    if not (folder.path / CERTIFICATE).is_file():
        return None
    document: dict[str, Any] = folder.read_json(CERTIFICATE)
    return document or None


def _roles(circuit: PlannedCircuit) -> dict[int, str]:
    return {qubit: role for role, qubits in circuit.roles.items() for qubit in qubits}


def join_reports(reports: Sequence[ReportData]) -> ReportData:
    """Return several runs as one report: every point is named by its run and its label.

    Runs are called "run 1", "run 2" and so on, in the order given, as ids of runs of one
    experiment are long and much alike; the report begins with their ids.
    """
    shorts = short_runs(len(reports))
    pairs = list(zip(shorts, reports, strict=True))
    return ReportData(
        members=tuple(
            Member(short=short, run=r.run, name=r.name, created=r.created) for short, r in pairs
        ),
        run=", ".join(report.run for report in reports),
        name=" and ".join(dict.fromkeys(report.name for report in reports)),
        description="; ".join(dict.fromkeys(r.description for r in reports if r.description)),
        created=", ".join(report.created for report in reports),
        fidelity=_joined([(short, r.fidelity) for short, r in pairs]),
        cutflow=_joined([(short, r.cutflow) for short, r in pairs]),
        points=_joined([(short, r.points) for short, r in pairs]),
        strata=_joined([(short, r.strata) for short, r in pairs if not r.strata.empty]),
        states=_joined([(short, r.states) for short, r in pairs if not r.states.empty]),
        flags=_joined([(short, r.flags) for short, r in pairs if not r.flags.empty]),
        predicted=_joined([(short, r.predicted) for short, r in pairs if not r.predicted.empty]),
        drift=_joined([(short, r.drift) for short, r in pairs if not r.drift.empty]),
        differences=differences_table([(short, r.fidelity) for short, r in pairs]),
        keeps_shots=any(report.keeps_shots for report in reports),
        drawing=_named([(short, r.drawing) for short, r in pairs]),
        stages=_named([(short, r.stages) for short, r in pairs]),
        calibration=pd.concat(
            [r.calibration for r in reports], ignore_index=True
        ).drop_duplicates(),
        certificate=_named([(short, r.certificate or {}) for short, r in pairs]) or None,
        provenance={short: r.provenance for short, r in pairs},
        rewrites=tuple(dict.fromkeys(text for report in reports for text in report.rewrites)),
        problems=tuple(f"{short}, {r.run}: {text}" for short, r in pairs for text in r.problems),
        reproduce=tuple(f"hexmagic run runs/{report.run}/spec.yaml" for report in reports),
    )


def _joined(frames: Sequence[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    named = [frame.assign(label=f"{short}: " + frame["label"]) for short, frame in frames]
    return pd.concat(named, ignore_index=True) if named else pd.DataFrame()


def _named[T](parts: Sequence[tuple[str, Mapping[str, T]]]) -> dict[str, T]:
    return {f"{short}: {label}": value for short, part in parts for label, value in part.items()}
