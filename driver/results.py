"""From a run folder to tables: shots that are on disk, and what is missing."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from ..analysis.points import PointShots
from ..analysis.tables import cutflow_table, fidelity_table, points_table, shots_table
from ..experiments.shots import Shots, join_shots
from .circuits import PlannedCircuit
from .files import StorageError
from .plan import Point
from .run_folder import RunFolder
from .shards import Shard
from .workers import CircuitKey

if TYPE_CHECKING:
    from ..experiments.colour_code import Basis

TableKind = Literal["fidelity", "cutflow", "points"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Results:
    """The shots of a run, by point, and in words what is missing from them."""

    points: tuple[PointShots, ...]
    problems: tuple[str, ...]


def load_results(folder: RunFolder) -> Results:
    """Return the shots that a run folder holds; nothing but the folder is read.

    Missing and damaged shards are problems, not errors: what there is can be looked at.
    """
    plan, shards = folder.plan, _shards_by_circuit(folder)
    taken: dict[int, dict[Basis, Shots]] = {point.index: {} for point in plan.points}
    problems: list[str] = []
    for circuit in folder.circuits:
        parts, missing = _load(folder, shards[circuit.key])
        if missing:
            label = plan.points[circuit.point].label
            problems.append(f"{label} in {circuit.basis}: {missing}")
        if parts:
            taken[circuit.point][circuit.basis] = join_shots(parts)
    circuits = {circuit.point: circuit for circuit in folder.circuits}
    points = tuple(
        _point_shots(folder.run_id, point, taken[point.index], circuits[point.index])
        for point in plan.points
    )
    return Results(points=points, problems=tuple(problems))


def make_tables(points: Sequence[PointShots]) -> dict[TableKind, pd.DataFrame]:
    """Return the tables of a run that are made from its shots."""
    return {
        "fidelity": fidelity_table(points),
        "cutflow": cutflow_table(points),
        "points": points_table(points),
    }


def all_shots(points: Sequence[PointShots]) -> pd.DataFrame:
    """Return the shots tables of several points as one, with ("shot", "point").

    A bit that not every point records is nullable: missing in the shots of those that do not.
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
    """Return a table that the run has written, or None if it has not."""
    path = folder.path / "tables" / f"{kind}.parquet"
    if not path.is_file():
        return None
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read: {error}") from error


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
    """Return a table as a Parquet file; equal tables, equal bytes."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _json_value(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and not isfinite(value)):
        return None
    return value


def _shards_by_circuit(folder: RunFolder) -> dict[CircuitKey, list[Shard]]:
    shards: dict[CircuitKey, list[Shard]] = {}
    for shard in folder.shards:
        shards.setdefault((shard.point, shard.basis), []).append(shard)
    return shards


def _load(folder: RunFolder, shards: Sequence[Shard]) -> tuple[list[Shots], str]:
    """Return the shots of a circuit's shards, and in words what of them is missing."""
    parts: list[Shots] = []
    damaged: list[str] = []
    for shard in shards:
        try:
            shots = folder.load_shots(shard)
        except StorageError as error:
            damaged.append(str(error))
        else:
            parts += [] if shots is None else [shots]
    found, wanted = sum(map(len, parts)), sum(shard.shots for shard in shards)
    words = [f"{found} of {wanted} shots"] if found != wanted else []
    return parts, "; ".join(words + damaged)


def _point_shots(
    run: str,
    point: Point,
    shots: Mapping[Basis, Shots],
    circuit: PlannedCircuit,
) -> PointShots:
    return PointShots(
        run=run,
        point=point.index,
        label=point.label,
        scheme=point.protocol.scheme,
        distance=point.protocol.distance,
        rounds=point.protocol.rounds,
        baseline=point.baseline,
        device=point.device.name,
        noise=str(point.device.noise),
        backend=point.device.backend,
        swept=point.swept,
        accept=point.accept,
        shots=shots,
        readout_error=circuit.readout_error,
        reuse=None if point.protocol.rounds is None else circuit.reuse,
    )
