"""What a run on paid hardware keeps beside its shots: the circuits as sent, and calibrations."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .circuit_files import QPY_VERSION, RECORD_SUFFIX, SUFFIXES
from .files import StorageError, canonical_json, read_json
from .run_folder import RunFolder
from .shapes import damage_told
from .shot_files import shared_record

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from ...backends.canary import Canary
    from ...backends.device import Device
    from ...experiments.record import RecordMap

CANARY_SUFFIX = ".canary"


def load_circuit(folder: RunFolder, name: str) -> QuantumCircuit:
    """Return a circuit as the run folder holds it: what was certified, what is submitted.

    Raises:
        StorageError: it is missing or damaged.
    """
    return _load_qpy(folder.path / "circuits" / f"{name}{SUFFIXES['qpy']}")


def load_record(folder: RunFolder, name: str) -> RecordMap:
    """Return the record map of a circuit.

    Raises:
        StorageError: it is missing or damaged.
    """
    path = folder.path / "circuits" / f"{name}{RECORD_SUFFIX}"
    with damage_told(path):
        return shared_record(read_json(path))


def save_canary(folder: RunFolder, name: str, canary: Canary) -> None:
    """Write the bit-order canary that goes with a circuit."""
    from qiskit import qpy

    buffer = io.BytesIO()
    qpy.dump(canary.circuit, buffer, version=QPY_VERSION)
    stem = folder.path / "circuits" / f"{name}{CANARY_SUFFIX}"
    folder.write(Path(f"{stem}{SUFFIXES['qpy']}"), buffer.getvalue())
    expected = [[*key, value] for key, value in canary.expected.items()]
    folder.write(Path(f"{stem}.json"), canonical_json({"expected": expected}).encode())


def load_canary(folder: RunFolder, name: str) -> Canary:
    """Return the bit-order canary that goes with a circuit."""
    from ...backends.canary import Canary

    stem = folder.path / "circuits" / f"{name}{CANARY_SUFFIX}"
    expected = read_json(Path(f"{stem}.json"))["expected"]
    return Canary(
        circuit=_load_qpy(Path(f"{stem}{SUFFIXES['qpy']}")),
        expected={(register, index): value for register, index, value in expected},
    )


def save_calibration(folder: RunFolder, device: Device) -> str:
    """Write a device's calibration unless the run has it already; return its file's name.

    The first one is `calibration/<device>.json`; a later one has its time in its name.
    """
    document = device.to_json() | {
        "faulty_edges": device.faulty_edges,
        "faulty_qubits": device.faulty_qubits,
    }
    first = f"calibration/{device.name}.json"
    if not (folder.path / first).is_file():
        folder.write_json(first, document)
        return first
    if folder.read_json(first)["calibrated_at"] == device.calibrated_at:
        return first
    time = datetime.fromisoformat(device.calibrated_at or "")
    name = f"calibration/{device.name}-{time:%Y%m%dT%H%M%S}.json"
    if not (folder.path / name).is_file():
        folder.write_json(name, document)
    return name


def _load_qpy(path: Path) -> QuantumCircuit:
    from qiskit import qpy

    try:
        with path.open("rb") as file:
            (circuit,) = qpy.load(file)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # whatever a reader of a binary format may raise
        raise StorageError(f"{path}: not a circuit file: {error}") from error
    return circuit
