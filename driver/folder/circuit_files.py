"""Circuit files: a compiled circuit and its record map in the formats that others read."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...experiments.errors import UsageError
from .files import Writer, canonical_json, write_bytes

if TYPE_CHECKING:
    from ...backends.compilation import Compiled

QPY_VERSION = 13
"""Readable by every qiskit from 1.3 on; qiskit 2.6 writes 18 by default, which 2.0 cannot read."""

SUFFIXES = {"qasm3": ".qasm", "qpy": ".qpy", "json": ".json"}
RECORD_SUFFIX = ".record.json"
ARCHIVED = ("qasm3", "qpy", "json")


def encode_circuit(compiled: Compiled, format_: str) -> bytes:
    """Return a compiled circuit on all qubits of its device, in one format.

    Args:
        compiled: the circuit.
        format_: qasm3, qpy (version 13) or json (canonical: equal circuits, equal bytes).

    Raises:
        UsageError: stim, which cannot hold the circuit, or an unknown format.
    """
    writers: Mapping[str, Callable[[Compiled], bytes]] = {
        "qasm3": _qasm3,
        "qpy": _qpy,
        "json": _json,
    }
    if format_ not in writers:
        raise UsageError(refusal(format_))
    return writers[format_](compiled)


def refusal(format_: str) -> str:
    """Return why a circuit cannot be exported to a format, and what to use instead."""
    if format_ == "stim":
        return (
            "--format stim: the circuits rotate by pi/4 about Y, which is no Clifford gate, and "
            "Stim's format has no rotations; use qasm3, qpy or json"
        )
    return f"--format {format_}: unknown; use {', '.join(SUFFIXES)}"


def write_circuits(
    folder: Path,
    circuits: Mapping[str, Compiled],
    write: Writer = write_bytes,
    *,
    formats: tuple[str, ...] = ARCHIVED,
) -> list[Path]:
    """Write each circuit in each format, with its record map beside it; return the paths."""
    paths = []
    for name, compiled in circuits.items():
        for format_ in formats:
            paths.append(folder / f"{name}{SUFFIXES[format_]}")
            write(paths[-1], encode_circuit(compiled, format_))
        paths.append(folder / f"{name}{RECORD_SUFFIX}")
        record = canonical_json(compiled.program.record.to_json())
        write(paths[-1], record.encode())
    return paths


def copy_circuits(source: Path, target: Path, format_: str) -> list[Path]:
    """Copy the circuits of a run folder in one of the formats that it holds; return the paths.

    Raises:
        UsageError: a format that it does not hold.
    """
    if format_ not in SUFFIXES:
        raise UsageError(refusal(format_))
    paths = []
    for record in sorted(source.glob(f"*{RECORD_SUFFIX}")):
        name = record.name.removesuffix(RECORD_SUFFIX)
        for suffix in (SUFFIXES[format_], RECORD_SUFFIX):
            paths.append(target / f"{name}{suffix}")
            write_bytes(paths[-1], (source / f"{name}{suffix}").read_bytes())
    return paths


def _qasm3(compiled: Compiled) -> bytes:
    from qiskit import qasm3

    return str(qasm3.dumps(compiled.circuit)).encode()


def _qpy(compiled: Compiled) -> bytes:
    from qiskit import qpy

    buffer = io.BytesIO()
    qpy.dump(compiled.circuit, buffer, version=QPY_VERSION)
    return buffer.getvalue()


def _json(compiled: Compiled) -> bytes:
    document: dict[str, Any] = {
        "schema_version": 1,
        "device": compiled.device.name,
        "num_qubits": compiled.device.num_qubits,
        "dt_seconds": compiled.device.dt_seconds,
        "layout": list(compiled.layout),
        "instructions": [
            {
                "name": item.name,
                "params": list(item.params),
                "qubits": [compiled.layout[qubit] for qubit in item.qubits],
                "clbits": [list(bit) for bit in item.bits],
                "gadget": item.gadget,
            }
            for item in compiled.instructions
        ],
    }
    return canonical_json(document).encode()
