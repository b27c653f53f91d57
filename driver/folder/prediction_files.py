"""Prediction files: what an emulation of a run's circuits counts, one JSON file for each circuit.

`predicted/<circuit>.json` holds schema_version; circuit, its planned `fingerprint` and
`record_sha256`; what was emulated: `sampled` (the fingerprint under the calibration that was
taken), calibrated_at, noise, engine, approximations, seed, shots; what came of it: cuts, counts
(rows [failed cuts, outcome, outcome after correction, shots] of what occurred), fired, faces; and
sha256 of all this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...analysis.cut_counts import CutCounts, no_shots
from ...experiments.record import RecordMap
from .archive import load_record
from .files import StorageError, canonical_json, json_digest, read_json

if TYPE_CHECKING:
    from ..circuits import PlannedCircuit
    from ..plan import CircuitKey
    from .run_folder import RunFolder

SCHEMA_VERSION = 1
FOLDER = "predicted"
_AGAIN = "run `hexmagic predict` again"


def prediction_path(folder: RunFolder, circuit: PlannedCircuit) -> Path:
    """Return where the prediction of a circuit is."""
    return folder.path / FOLDER / f"{circuit.name}.json"


def make_note(circuit: PlannedCircuit, record: RecordMap, **emulated: Any) -> dict[str, Any]:
    """Return what a prediction file says of what was emulated: all but what came of it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "circuit": circuit.name,
        "fingerprint": circuit.fingerprint,
        "record_sha256": json_digest(record.to_json()),
        **emulated,
    }


def encode_prediction(note: Mapping[str, Any], counts: CutCounts) -> bytes:
    """Return a prediction file's content; equal predictions, equal bytes."""
    document = dict(note) | {
        "cuts": [[cut.criterion, cut.round] for cut in counts.cuts],
        "counts": [list(row) for row in counts.rows()],
        "fired": counts.fired.tolist(),
        "faces": counts.faces.tolist(),
    }
    return canonical_json(document | {"sha256": json_digest(document)}).encode()


def decode_prediction(
    document: Any, circuit: PlannedCircuit, record: RecordMap, *, source: str
) -> CutCounts:
    """Return what a prediction counts, checked against the circuit that it must be of.

    Raises:
        StorageError: damaged, or of another circuit; names `source`.
    """
    try:
        note = dict(document)
        sha256 = note.pop("sha256")
        if sha256 != json_digest(note):
            raise ValueError("its checksum is not that of its content")
        if note["schema_version"] != SCHEMA_VERSION:
            raise ValueError(
                f"schema_version {note['schema_version']}, this program reads {SCHEMA_VERSION}"
            )
        if note["fingerprint"] != circuit.fingerprint or note["circuit"] != circuit.name:
            raise ValueError(
                f"of circuit {note['circuit']} ({note['fingerprint'][:12]}), not of "
                f"{circuit.name} ({circuit.fingerprint[:12]})"
            )
        if note["record_sha256"] != json_digest(record.to_json()):
            raise ValueError("its record map is not the circuit's")
        return _counts(note, record)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise StorageError(f"{source}: not a prediction of this run: {reason}; {_AGAIN}") from error


def load_predictions(folder: RunFolder) -> tuple[dict[CircuitKey, CutCounts], list[str]]:
    """Return the predictions that a run carries, and in words which are damaged or of no use."""
    found: dict[CircuitKey, CutCounts] = {}
    problems: list[str] = []
    known = {prediction_path(folder, circuit): circuit for circuit in folder.circuits}
    for path in sorted((folder.path / FOLDER).glob("*.json")):
        circuit = known.get(path)
        if circuit is None:
            problems.append(f"{path}: the run has no circuit of this name")
            continue
        try:
            record = load_record(folder, circuit.name)
            document = _read(path)
            found[circuit.key] = decode_prediction(document, circuit, record, source=str(path))
        except StorageError as error:
            label = folder.plan.points[circuit.point].label
            problems.append(f"{label} in {circuit.basis}: {error}")
    return found, problems


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except StorageError as error:
        raise StorageError(f"{error}; {_AGAIN}") from error


def _counts(note: Mapping[str, Any], record: RecordMap) -> CutCounts:
    empty = no_shots(record)
    if note["cuts"] != [[cut.criterion, cut.round] for cut in empty.cuts]:
        raise ValueError(f"cuts {note['cuts']} are not those of its record map")
    counts = empty.with_rows(note["counts"])
    fired, faces = (np.array(note[name], np.int64) for name in ("fired", "faces"))
    if fired.shape != empty.fired.shape or faces.shape != empty.faces.shape:
        raise ValueError("its record map has another number of bits or faces")
    if counts.shots != note["shots"]:
        raise ValueError(f"{counts.shots} shots are counted, {note['shots']} were taken")
    return replace(counts, fired=fired, faces=faces)
