"""A run's compiled circuits, read from its folder: exactly what was planned, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit

from ..backends.calibration import Operation, QubitCalibration
from ..backends.compilation import Compiled
from ..backends.device import Device
from ..backends.ibm.checks import check_isa
from ..experiments.errors import HexmagicError, RefusedError
from ..experiments.program import Program
from .folder.archive import load_circuit, load_record
from .folder.files import StorageError, read_json
from .places import circuit_patch

if TYPE_CHECKING:
    from .circuits import PlannedCircuit
    from .folder.run_folder import RunFolder


def load_compiled(folder: RunFolder, circuit: PlannedCircuit) -> Compiled:
    """Return a planned circuit as the run folder holds it, with the calibration of its plan.

    Nothing is compiled: the circuit is that of `circuits/<name>.qpy`, which hardware was sent.

    Raises:
        StorageError: a file of it is missing or damaged.
        RefusedError: circuit, layout, record map and calibration together are not those that were
            planned: their fingerprint is another.
    """
    point = folder.plan.points[circuit.point]
    document = folder.read_json(f"calibration/{point.device.name}.json")
    device = _device(document, f"{folder.path}/calibration/{point.device.name}.json")
    if point.device.noise.kind == "paper" and not device.is_in_time_steps:
        device = device.in_time_steps()
    try:
        local = _on_patch(load_circuit(folder, circuit.name), circuit.layout)
        program = Program(
            scheme=point.protocol.scheme,
            patch=circuit_patch(point, circuit, document),
            circuit=local,
            record=load_record(folder, circuit.name),
            gadgets=(),
            reuse=circuit.reuse,
        )
        compiled = Compiled(
            program=program,
            device=device,
            layout=circuit.layout,
            local=local,
            duration_seconds=circuit.duration_seconds,
        )
        found = compiled.fingerprint
    except (HexmagicError, ValueError, KeyError) as error:
        if isinstance(error, StorageError):
            raise
        raise RefusedError(f"{_name(folder, circuit)} is not what was planned: {error}") from error
    if found != circuit.fingerprint:
        raise RefusedError(
            f"{_name(folder, circuit)} is not what was planned: circuit, record map and "
            f"calibration have the fingerprint {found[:12]}, the plan has "
            f"{circuit.fingerprint[:12]}; a file was changed, or another version of hexmagic made "
            "it: run `hexmagic predict` with that one"
        )
    return compiled


def with_newest_calibration(folder: RunFolder, compiled: Compiled) -> Compiled:
    """Return a circuit on its device as the run last saved it, no later than at collection.

    Circuit and schedule stay. A run on an emulator has the calibration of its plan alone.

    Raises:
        StorageError: a calibration file is damaged.
        RefusedError: under that calibration the circuit uses what is faulty, or not there.
    """
    planned = compiled.device
    saved = saved_calibrations(folder, planned.name)
    newest = max(saved, key=_time) if len(saved) > 1 else planned
    if newest.calibrated_at == planned.calibrated_at:
        return compiled
    check_isa(compiled.circuit, newest)
    return replace(compiled, device=newest)


def saved_calibrations(folder: RunFolder, name: str) -> tuple[Device, ...]:
    """Return every calibration of a device that a run folder holds: of its plan, and later ones.

    Raises:
        StorageError: a file is damaged.
    """
    paths = sorted((folder.path / "calibration").glob("*.json"))
    documents = {path: read_json(path) for path in paths}
    return tuple(
        _device(document, str(path))
        for path, document in documents.items()
        if isinstance(document, Mapping) and document.get("name") == name
    )


def _name(folder: RunFolder, circuit: PlannedCircuit) -> str:
    return f"run {folder.run_id}: circuit {circuit.name} in its folder"


def _time(device: Device) -> datetime:
    return datetime.fromisoformat(device.calibrated_at or "")


def _on_patch(wide: QuantumCircuit, layout: tuple[int, ...]) -> QuantumCircuit:
    """Return a circuit on all qubits of a device on those of its patch.

    Raises:
        HexmagicError: it uses a qubit beside the layout.
    """
    place = {physical: qubit for qubit, physical in enumerate(layout)}
    local = QuantumCircuit(len(layout), name=wide.name)
    for register in wide.cregs:
        local.add_register(register)
    for item in wide.data:
        found = [wide.find_bit(qubit).index for qubit in item.qubits]
        if strangers := set(found) - set(layout):
            raise HexmagicError(f"{item.operation.name} on qubit {min(strangers)}, not its own")
        local.append(item.operation, [place[qubit] for qubit in found], item.clbits)
    return local


def _device(document: Mapping[str, Any], source: str) -> Device:
    """Return the device that `save_calibration` wrote."""
    try:
        other = document.get("other_gates")
        return Device(
            name=document["name"],
            qubits=tuple(_qubit(qubit) for qubit in document["qubits"]),
            two_qubit_gate=document["two_qubit_gate"],
            two_qubit={
                (gate["control"], gate["target"]): Operation(
                    error=gate["error"], seconds=gate["seconds"]
                )
                for gate in document["two_qubit"]
            },
            dt_seconds=document["dt_seconds"],
            pulse_alignment=document["pulse_alignment"],
            acquire_alignment=document["acquire_alignment"],
            calibrated_at=document["calibrated_at"],
            **({} if other is None else {"other_gates": tuple(other)}),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{source}: not a calibration of this program: {error}") from error


def _qubit(document: Mapping[str, Any]) -> QubitCalibration:
    return QubitCalibration(**(dict(document) | {"one_qubit": Operation(**document["one_qubit"])}))
