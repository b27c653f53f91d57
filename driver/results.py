"""From a run folder to tables: shots that are on disk, and what is missing."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd
import pyarrow as pa

from ..analysis.cut_counts import CutCounts, count_cuts
from ..analysis.points import PointCounts, PointShots, Stratified
from ..analysis.tables.basic import cutflow_table, fidelity_table, points_table
from ..analysis.tables.drift import PARTS, drift_table
from ..analysis.tables.flags import flags_table
from ..analysis.tables.predicted import predicted_table
from ..analysis.tables.selection import selection_table
from ..analysis.tables.shots import shots_table
from ..analysis.tables.states import states_table
from ..analysis.tables.strata import strata_table
from ..experiments.counts import Counts
from ..experiments.measures import Measure
from ..experiments.shots import Shots, join_shots
from ..experiments.spec import HARDWARE
from .folder.checked_shots import checked_shards, strays
from .folder.files import StorageError
from .folder.prediction_files import load_predictions
from .folder.run_folder import RunFolder
from .folder.seals import check_seal, write_sealed
from .places import qubit_places
from .plan import CircuitKey, Point
from .provenance import PROVENANCE
from .shards import Shard, circuit_name
from .strata import Group, read_groups
from .strata_rounds import sampled_strata
from .table_kinds import TableKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Results:
    """What the shots of a run count, by point, and in words what is missing from them."""

    points: tuple[PointCounts, ...]
    problems: tuple[str, ...]


def load_results(folder: RunFolder) -> Results:
    """Return what the shards of a run folder count; nothing but the folder is read.

    One shard is in memory at a time. Missing and damaged ones are problems, not errors: what there
    is can be looked at.
    """
    plan, shards = folder.plan, _shards_by_circuit(folder)
    counts: dict[CircuitKey, Counts] = {}
    cuts: dict[CircuitKey, CutCounts] = {}
    problems: list[str] = []
    for circuit in folder.circuits:
        point = plan.points[circuit.point]
        if point.estimate.kind == "stratified":
            continue
        found, missing = _count(folder, shards[circuit.key])
        if isinstance(found, CutCounts):
            cuts[circuit.key], found = found, found.under(point.accept)
        if found is not None:
            counts[circuit.key] = found
        if missing:
            problems.append(f"{point.label} in {circuit.basis}: {missing}")
    stratified, damaged = _load_strata(folder)
    predicted, unusable = load_predictions(folder)
    points = tuple(
        PointCounts(
            **_info(folder, point),
            counts=_of(point, counts),
            stratified=_of(point, stratified),
            cuts=_of(point, cuts),
            predicted=_of(point, predicted),
        )
        for point in plan.points
    )
    return Results(points=points, problems=(*problems, *damaged, *unusable, *strays(folder)))


def load_shots(folder: RunFolder) -> tuple[PointShots, ...]:
    """Return the raw shots that a run folder holds, whole, by point.

    Shards that are missing or damaged are left out: `load_results` tells of them.
    """
    taken: dict[CircuitKey, list[Shots]] = {}
    for key, shards in _shards_by_circuit(folder).items():
        for _, shots, _ in checked_shards(folder, shards):
            if isinstance(shots, Shots):
                taken.setdefault(key, []).append(shots)
    return tuple(
        PointShots(
            **_info(folder, point),
            shots={basis: join_shots(part) for basis, part in _of(point, taken).items()},
        )
        for point in folder.plan.points
    )


def make_tables(points: Sequence[PointCounts]) -> dict[TableKind, pd.DataFrame]:
    """Return the tables of a run that are made from its shots; columns as docs/tables.md has."""
    return {
        "fidelity": fidelity_table(points),
        "cutflow": cutflow_table(points),
        "points": points_table(points),
        "strata": strata_table(points),
        "selection": selection_table(points),
        "states": states_table(points),
        "drift": drift_table(points),
        "flags": flags_table(points),
        "predicted": predicted_table(points),
    }


def all_shots(points: Sequence[PointShots]) -> pd.DataFrame:
    """Return the shots tables of several points as one, with ("shot", "point").

    One row per shot. A bit that not every point records is nullable: missing in the shots of those
    that do not.
    """
    tables = [shots_table(point) for point in points]
    shared = set.intersection(*(set(table.columns) for table in tables))
    for point, table in zip(points, tables, strict=True):
        table["shot", "point"] = point.point
    return pd.concat(
        [
            table.astype({name: "boolean" for name in table.columns[:-6] if name not in shared})
            for table in tables
        ],
        ignore_index=True,
    )


def save_tables(folder: RunFolder, tables: Mapping[Any, pd.DataFrame]) -> None:
    """Write each table as CSV and as Parquet."""
    for kind, table in tables.items():
        folder.write(folder.path / "tables" / f"{kind}.csv", csv_bytes(table))
        folder.write(folder.path / "tables" / f"{kind}.parquet", parquet_bytes(table))


def load_table(folder: RunFolder, kind: str) -> pd.DataFrame | None:
    """Return a table that the run has written, or None; columns as docs/tables.md has.

    Raises:
        StorageError: it is damaged, or of another run.
    """
    path = folder.path / "tables" / f"{kind}.parquet"
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        if not check_seal(content):
            raise ValueError("it has no seal: it is not as the run wrote it")
        table = pd.read_parquet(io.BytesIO(content))
        others = sorted({*table.get("run", ())} - {folder.run_id})
        if others:
            raise ValueError(f"it is of run {', '.join(others)}")
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path}: damaged: {error}; remove it, and the table is made from the shots again"
        ) from error
    return table


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as CSV with a heading; numbers in full precision, nothing for missing."""
    return str(table.to_csv(index=False, lineterminator="\n")).encode()


def json_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as a JSON list of rows in full precision; missing values are null.

    What JSON cannot hold is null too: `attempts_per_kept` is infinite where nothing is kept.
    """
    rows = [
        {str(name): _json_value(value) for name, value in row.items()}
        for row in table.to_dict("records")
    ]
    return (json.dumps(rows, allow_nan=False, indent=2) + "\n").encode()


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as a sealed Parquet file; equal tables, equal bytes."""
    return write_sealed(pa.Table.from_pandas(table, preserve_index=False))


def _json_value(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and not isfinite(value)):
        return None
    return value


def _shards_by_circuit(folder: RunFolder) -> dict[CircuitKey, list[Shard]]:
    shards: dict[CircuitKey, list[Shard]] = {}
    for shard in folder.shards:
        shards.setdefault((shard.point, shard.basis), []).append(shard)
    return shards


def _of[T](point: Point, values: Mapping[CircuitKey, T]) -> dict[Measure, T]:
    return {key[1]: value for key, value in values.items() if key[0] == point.index}


def _count(folder: RunFolder, shards: Sequence[Shard]) -> tuple[CutCounts | Counts | None, str]:
    """Return what a circuit's shards count, and in words what of them is missing."""
    total: Any = None
    damaged: list[str] = []
    wanted = sum(shard.shots for shard in shards)
    for shard, taken, damage in checked_shards(folder, shards):
        damaged += [damage] if damage else []
        if taken is not None:
            counted = _counted(taken, shard, wanted)
            total = counted if total is None else total + counted
    found = 0 if total is None else total.shots
    words = [f"{found} of {wanted} shots"] if found != wanted else []
    return total, "; ".join(words + damaged)


def _counted(taken: Shots | Counts, shard: Shard, of_shots: int) -> CutCounts | Counts:
    if isinstance(taken, Counts):
        return taken
    return count_cuts(taken, first_shot=shard.first_shot, of_shots=of_shots, parts=PARTS)


def _load_strata(folder: RunFolder) -> tuple[dict[CircuitKey, Stratified], list[str]]:
    """Return the stratified measures of every point, and in words what of them is damaged."""
    found: dict[CircuitKey, Stratified] = {}
    problems: list[str] = []
    for group in read_groups(folder):
        label = f"{folder.plan.points[group.owner].label} in {group.measure}"
        sampled: dict[int, Counts] = {}
        try:
            sampled = sampled_strata(folder, group)
        except StorageError as error:
            problems.append(f"{label}: {error}")
        else:
            found_shots, taken = sum(c.shots for c in sampled.values()), _taken(folder, group)
            if found_shots < taken:
                problems.append(f"{label}: {found_shots} of the {taken} shots that were taken")
        strata = group.strata(sampled)
        for point, weights in group.weights.items():
            found[point, group.measure] = Stratified(weights=weights, strata=strata)
    return found, problems


def _taken(folder: RunFolder, group: Group) -> int:
    """Return the shots of a group's shards that were done when the run last ended."""
    jobs = folder.read_json(PROVENANCE).get("jobs", [])
    circuit = circuit_name(group.owner, group.measure)
    done = {
        job["seed"]: job["shots"]
        for job in jobs
        if job["state"] == "done" and job["circuit"] == circuit
    }
    return int(sum(done.values()))


def _info(folder: RunFolder, point: Point) -> dict[str, Any]:
    """Return what the analysis knows of a point besides its shots."""
    circuit = next(c for c in folder.circuits if c.point == point.index)
    device = folder.read_json(f"calibration/{point.device.name}.json")
    return {
        "run": folder.run_id,
        "point": point.index,
        "label": point.label,
        "scheme": point.protocol.scheme,
        "distance": point.protocol.distance,
        "rounds": point.protocol.rounds,
        "baseline": point.baseline,
        "device": point.device.name,
        "noise": "hardware" if point.device.backend == HARDWARE else str(point.device.noise),
        "backend": point.device.backend,
        "swept": point.swept,
        "accept": point.accept,
        "measures": point.measure,
        "readout_error": circuit.readout_error,
        "reuse": None if point.protocol.rounds is None else circuit.reuse,
        "places": qubit_places(point, circuit, device),
    }
