"""Devices: heavy-hex calibration snapshots as values, and generated maps without calibration."""

from __future__ import annotations

import difflib
import re
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

from ..experiments.errors import UsageError
from .calibration import Operation, QubitCalibration, uncalibrated
from .snapshots import read_snapshot, snapshot_folders

Edge = tuple[int, int]

FAULTY_ERROR = 0.5
"""A gate or readout error from here on means that the element does not work."""

SMALLEST_PATCH = 13
"""Qubits of the d = 3 fold patch."""

TWO_QUBIT_GATES = ("cz", "ecr", "cx")
_NATIVE = ("sx", "x", "rz")
_PAPERS = ("cz", "h", "s", "sdg", "x", "ry")
_GENERATED = re.compile(r"heavy_hex_(\d+)(_cx)?")


class DeviceError(UsageError):
    """A device that does not exist or cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """A heavy-hex device as it was calibrated.

    Attributes:
        name: as in an experiment file.
        qubits: calibration of each physical qubit.
        two_qubit_gate: the native gate: cz, ecr or cx.
        other_gates: the rest of the native gates. A one-qubit gate is calibrated as
            `QubitCalibration.one_qubit`, but rz is a frame change without duration or error; a
            two-qubit gate is calibrated as `two_qubit_gate`.
        two_qubit: its calibration for each direction (control, target) that the device offers.
        dt_seconds: time unit of delays.
        pulse_alignment, acquire_alignment: in dt, where gates and measurements may start.
        calibrated_at: ISO time of the calibration, None for a generated map.
    """

    name: str
    qubits: tuple[QubitCalibration, ...]
    two_qubit_gate: str
    other_gates: tuple[str, ...] = _NATIVE
    two_qubit: Mapping[Edge, Operation]
    dt_seconds: float
    pulse_alignment: int = 1
    acquire_alignment: int = 1
    calibrated_at: str | None
    edges: tuple[Edge, ...] = field(init=False)

    def __post_init__(self) -> None:
        edges = sorted({(min(edge), max(edge)) for edge in self.two_qubit})
        object.__setattr__(self, "edges", tuple(edges))

    @property
    def num_qubits(self) -> int:
        """Number of physical qubits."""
        return len(self.qubits)

    @property
    def one_qubit_gates(self) -> tuple[str, ...]:
        """Names of the native one-qubit gates."""
        return tuple(name for name in self.other_gates if name not in TWO_QUBIT_GATES)

    @property
    def has_calibration(self) -> bool:
        """Whether errors and coherence times are known."""
        return self.calibrated_at is not None

    def edge(self, a: int, b: int) -> Operation:
        """Return the gate between two neighbours, in the direction that the device offers."""
        return self.two_qubit[(a, b) if (a, b) in self.two_qubit else (b, a)]

    @property
    def faulty_edges(self) -> tuple[Edge, ...]:
        """Edges that must not be used: no calibrated error, or one of at least FAULTY_ERROR."""
        if not self.has_calibration:
            return ()
        return tuple(edge for edge in self.edges if _is_faulty(self.edge(*edge).error))

    @property
    def faulty_qubits(self) -> tuple[int, ...]:
        """Qubits that must not be used: unknown coherence, readout or one-qubit error too large."""
        if not self.has_calibration:
            return ()
        return tuple(
            q
            for q, c in enumerate(self.qubits)
            if not (c.t1_seconds and c.t2_seconds)
            or _is_faulty(c.readout_error)
            or _is_faulty(c.one_qubit.error)
        )

    @property
    def working_edges(self) -> tuple[Edge, ...]:
        """Edges that may be used: neither they nor their qubits are faulty."""
        lost, broken = set(self.faulty_edges), set(self.faulty_qubits)
        return tuple(edge for edge in self.edges if edge not in lost and not broken & {*edge})

    @property
    def median_two_qubit_error(self) -> float | None:
        """Median error of the edges that work."""
        broken = set(self.faulty_edges)
        errors = [self.edge(*e).error for e in self.edges if e not in broken]
        known = [error for error in errors if error is not None]
        return statistics.median(known) if known else None

    @property
    def median_readout_error(self) -> float | None:
        """Median readout error of the qubits that work."""
        broken = set(self.faulty_qubits)
        errors = [c.readout_error for q, c in enumerate(self.qubits) if q not in broken]
        known = [error for error in errors if error is not None]
        return statistics.median(known) if known else None

    @property
    def is_in_time_steps(self) -> bool:
        """Whether every gate, measurement and reset takes one dt."""
        seconds = {operation.seconds for operation in self.two_qubit.values()}
        return seconds.union(*(qubit.durations for qubit in self.qubits)) == {self.dt_seconds}

    def in_time_steps(self) -> Device:
        """Return the device with one duration for every gate, measurement and reset: one dt.

        Its schedules count time steps as the paper does: rz takes none, everything else one, and
        a delay of n dt is n steps of waiting. A step lasts as long as the median two-qubit gate of
        the edges that work. Errors stay, so that the same elements are faulty.
        """
        broken = set(self.faulty_edges)
        working = [edge for edge in self.edges if edge not in broken] or self.edges
        step = statistics.median(self.edge(*edge).seconds for edge in working)
        return replace(
            self,
            qubits=tuple(qubit.with_durations(step) for qubit in self.qubits),
            two_qubit={e: replace(gate, seconds=step) for e, gate in self.two_qubit.items()},
            dt_seconds=step,
            pulse_alignment=1,
            acquire_alignment=1,
        )

    def with_errors_scaled(self, factor: float) -> Device:
        """Return the device with gate, readout and reset errors, 1/T1 and 1/T2 multiplied."""
        return replace(
            self,
            qubits=tuple(qubit.with_errors_scaled(factor) for qubit in self.qubits),
            two_qubit={e: gate.with_errors_scaled(factor) for e, gate in self.two_qubit.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the whole calibration in JSON types, seconds and probabilities."""
        own = self.other_gates != _NATIVE
        return ({"other_gates": list(self.other_gates)} if own else {}) | {
            "name": self.name,
            "calibrated_at": self.calibrated_at,
            "dt_seconds": self.dt_seconds,
            "pulse_alignment": self.pulse_alignment,
            "acquire_alignment": self.acquire_alignment,
            "two_qubit_gate": self.two_qubit_gate,
            "qubits": [asdict(qubit) for qubit in self.qubits],
            "two_qubit": [
                {"control": a, "target": b, **asdict(operation)}
                for (a, b), operation in sorted(self.two_qubit.items())
            ],
        }


def _is_faulty(error: float | None) -> bool:
    return error is None or not error < FAULTY_ERROR


@cache
def load_device(name: str) -> Device:
    """Return a device by name: a shipped snapshot (`fake_boston`) or a map (`heavy_hex_9`).

    Snapshots are those that qiskit-ibm-runtime ships. `heavy_hex_<d>` is the heavy-hex
    graph of code distance d, with the gates and durations of a Heron device and no errors known.
    `heavy_hex_<d>_cx` has the paper's gates instead, CX, CZ, H, S and rotations about Y, so that
    every gate of a program is one gate of the device.

    Raises:
        DeviceError: an unknown name, a device that is not heavy-hex, or one without the gates,
            reset and durations that the protocol needs.
    """
    generated = _GENERATED.fullmatch(name)
    if generated:
        return _make_heavy_hex(name, int(generated[1]), papers=generated[2] is not None)
    from .device_reading import read_device

    folders = snapshot_folders()
    if name not in folders:
        near = difflib.get_close_matches(name, folders, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "see `hexmagic devices`"
        raise DeviceError(f"unknown device {name!r}; {hint}")
    snapshot = read_snapshot(folders[name])
    return read_device(name, snapshot, snapshot, calibrated_at=snapshot.calibrated_at)


def device_names() -> tuple[str, ...]:
    """Return the names of the heavy-hex snapshots with room for the smallest patch, sorted."""
    names = []
    for name in sorted(snapshot_folders()):
        try:
            device = load_device(name)
        except DeviceError:
            continue  # not heavy-hex, or without reset: load_device(name) says which
        if device.num_qubits >= SMALLEST_PATCH:
            names.append(name)
    return tuple(names)


def _make_heavy_hex(name: str, distance: int, *, papers: bool) -> Device:
    if distance % 2 == 0 or not 3 <= distance <= 31:
        form = "heavy_hex_<d>_cx" if papers else "heavy_hex_<d>"
        raise DeviceError(f"device {name}: {form} needs an odd d from 3 to 31")
    import rustworkx

    graph = rustworkx.generators.heavy_hex_graph(distance)
    gate = Operation(error=None, seconds=68e-9)
    qubit = uncalibrated(gate=32e-9, readout=2.2e-6, reset=2.232e-6)
    edges = {(min(a, b), max(a, b)) for a, b in graph.edge_list()}
    return Device(
        name=name,
        qubits=(qubit,) * graph.num_nodes(),
        two_qubit_gate="cx" if papers else "cz",
        other_gates=_PAPERS if papers else _NATIVE,
        two_qubit=dict.fromkeys([*edges, *((b, a) for a, b in edges)], gate),
        dt_seconds=4e-9,
        calibrated_at=None,
    )
