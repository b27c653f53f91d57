"""Devices as documents and as text: size, medians, and where the patches fit."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..backends.device import load_device
from ..backends.embedding import find_embeddings
from ..experiments.instructions import VIRTUAL_NAMES
from ..experiments.patch import make_fold_patch

if TYPE_CHECKING:
    from ..backends.device import Device

DISTANCES = (3, 5, 7)
_HEADS = ("device", "qubits", "edges", "faulty", "gate", "2q %", "read %", "T1 us", "T2 us")


def describe_device(name: str) -> dict[str, Any]:
    """Return a device in JSON types: counts, medians of what works, embeddings, durations.

    Raises:
        DeviceError: an unknown name, or a device that cannot run the protocol.
    """
    device = load_device(name)
    broken = set(device.faulty_qubits)
    qubits = [qubit for q, qubit in enumerate(device.qubits) if q not in broken]
    gates = [device.edge(*edge).seconds for edge in device.edges]
    return {
        "name": device.name,
        "num_qubits": device.num_qubits,
        "num_edges": len(device.edges),
        "faulty_edges": [list(edge) for edge in device.faulty_edges],
        "faulty_qubits": list(device.faulty_qubits),
        "two_qubit_gate": device.two_qubit_gate,
        "one_qubit_gates": list(device.one_qubit_gates),
        "calibrated_at": device.calibrated_at,
        "median_two_qubit_error": device.median_two_qubit_error,
        "median_one_qubit_error": _median(q.one_qubit.error for q in qubits),
        "median_readout_error": _median(q.readout_error for q in qubits),
        "median_t1_seconds": _median(q.t1_seconds for q in qubits),
        "median_t2_seconds": _median(q.t2_seconds for q in qubits),
        "median_two_qubit_seconds": _median(gates),
        "median_one_qubit_seconds": _median(q.one_qubit.seconds for q in qubits),
        "median_readout_seconds": _median(q.readout_seconds for q in qubits),
        "median_reset_seconds": _median(q.reset_seconds for q in qubits),
        "dt_seconds": device.dt_seconds,
        "embeddings": {str(d): _embeddings(device, d) for d in DISTANCES},
    }


def render_devices(documents: Sequence[Mapping[str, Any]]) -> str:
    """Return devices as a table, one a line; errors in per cent."""
    heads = (*_HEADS, *(f"d={d}" for d in DISTANCES))
    rows = [_row(document) for document in documents]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for row in (heads, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append(" ".join([row[0].ljust(widths[0]), *cells[1:]]))
    return "\n".join(lines) + "\n"


def render_device(document: Mapping[str, Any], width: int = 80) -> str:
    """Return one device in detail, within `width` columns."""
    faulty = ", ".join(f"{a}-{b}" for a, b in document["faulty_edges"]) or "none"
    bad = ", ".join(map(str, document["faulty_qubits"])) or "none"
    fits = ", ".join(f"{n} at d = {d}" for d, n in document["embeddings"].items())
    facts = (
        ("device", document["name"]),
        ("calibrated", document["calibrated_at"] or "no: a generated map"),
        ("qubits", f"{document['num_qubits']}, faulty: {bad}"),
        ("edges", f"{document['num_edges']}, faulty: {faulty}"),
        ("embeddings", f"of the fold patch: {fits}"),
        ("2-qubit gate", _gate(document["two_qubit_gate"], document, "two_qubit")),
        ("1-qubit gates", _gate(_one_qubit_gates(document), document, "one_qubit")),
        ("readout", _gate("measure", document, "readout")),
        ("reset", _time(document["median_reset_seconds"])),
        ("median T1", _time(document["median_t1_seconds"])),
        ("median T2", _time(document["median_t2_seconds"])),
        ("dt", _time(document["dt_seconds"])),
    )
    lines = []
    for name, text in facts:
        lines += textwrap.wrap(
            text, width, initial_indent=name.ljust(15), subsequent_indent=" " * 15
        )
    return "\n".join(lines) + "\n"


def _embeddings(device: Device, distance: int) -> int:
    return len(find_embeddings(make_fold_patch(distance), device))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _row(document: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        document["name"],
        str(document["num_qubits"]),
        str(document["num_edges"]),
        str(len(document["faulty_edges"])),
        document["two_qubit_gate"],
        _percent(document["median_two_qubit_error"]),
        _percent(document["median_readout_error"]),
        _whole_microseconds(document["median_t1_seconds"]),
        _whole_microseconds(document["median_t2_seconds"]),
        *(str(document["embeddings"][str(d)]) for d in DISTANCES),
    )


def _one_qubit_gates(document: Mapping[str, Any]) -> str:
    names = document["one_qubit_gates"]
    text = ", ".join(name for name in names if name not in VIRTUAL_NAMES)
    return text + " (rz is free)" if "rz" in names else text


def _gate(name: str, document: Mapping[str, Any], kind: str) -> str:
    error, seconds = document[f"median_{kind}_error"], document[f"median_{kind}_seconds"]
    known = "error not known" if error is None else f"median error {_error(error)}"
    return f"{name}: {known}, {_time(seconds)}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.3f}"


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.2e}"


def _whole_microseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1e6 * seconds:.0f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds < 1e-7:
        return f"{1e9 * seconds:.3g} ns"
    return f"{1e6 * seconds:.3g} us"
