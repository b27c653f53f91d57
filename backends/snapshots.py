"""Calibration snapshots, read from the files that qiskit-ibm-runtime ships.

Importing the client takes longer than everything else that `hexmagic check` does, and a snapshot
is two JSON files. What is read here equals what the client makes of them: a test compares all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..experiments.errors import UsageError

_PREFIXES = {"n": 1e9, "u": 1e6, "µ": 1e6}  # divided by, as the client does: the last bit agrees
_ALWAYS = ("measure", "reset", "delay")
Gates = dict[tuple[int, ...], SimpleNamespace]


def snapshot_folders() -> dict[str, Path]:
    """Return the folder of each snapshot by the device's name, `fake_boston` for example.

    Raises:
        UsageError: the client is not installed, or keeps its snapshots elsewhere.
    """
    client = find_spec("qiskit_ibm_runtime")
    for place in (client.submodule_search_locations if client else None) or ():
        folders = Path(place, "fake_provider", "backends")
        found = {f"fake_{file.parent.name}": file.parent for file in folders.glob("*/props_*.json")}
        if found:
            return found
    raise UsageError(
        "the installed qiskit-ibm-runtime has no calibration snapshots in "
        "fake_provider/backends/*/props_*.json; install a version that pyproject.toml names"
    )


@dataclass(frozen=True)
class Snapshot:
    """Configuration and properties of one snapshot, in the shape of the client's Target.

    Attributes:
        configuration, properties: the two files, as decoded JSON.
    """

    configuration: Mapping[str, Any]
    properties: Mapping[str, Any]

    @property
    def num_qubits(self) -> int:
        """Number of physical qubits."""
        return int(self.configuration["n_qubits"])

    @property
    def dt(self) -> float:
        """Time unit of delays in seconds; KeyError for simulators' files, which have none."""
        return float(self.configuration["dt"]) * 1e-9

    @property
    def pulse_alignment(self) -> int:
        """In dt, where gates may start."""
        return self._timing("pulse_alignment")

    @property
    def acquire_alignment(self) -> int:
        """In dt, where measurements may start."""
        return self._timing("acquire_alignment")

    @property
    def calibrated_at(self) -> str:
        """ISO time of the calibration."""
        return datetime.fromisoformat(self.properties["last_update_date"]).isoformat()

    @cached_property
    def operation_names(self) -> frozenset[str]:
        """Names of the gates, and of measurement, reset and delay as far as supported."""
        supported = self.configuration.get("supported_instructions", _ALWAYS)
        return frozenset(self.configuration["basis_gates"]) | {*_ALWAYS}.intersection(supported)

    @cached_property
    def qubit_properties(self) -> tuple[SimpleNamespace, ...]:
        """`t1` and `t2` of each qubit in seconds, None where unknown."""
        known = (self.qubit_property(q) for q in range(self.num_qubits))
        unknown = (None,)
        return tuple(
            SimpleNamespace(t1=one.get("T1", unknown)[0], t2=one.get("T2", unknown)[0])
            for one in known
        )

    def qubit_property(self, q: int) -> dict[str, tuple[float]]:
        """Return what is known of a qubit: name -> (value in seconds or as probability,)."""
        return self._qubits[q]

    def __getitem__(self, name: str) -> Gates:
        """Return qubits -> `error` and `duration` in seconds of an operation; None if unknown."""
        return self._gates[name]

    @cached_property
    def _gates(self) -> dict[str, Gates]:
        gates: dict[str, Gates] = {
            gate["name"]: {tuple(where): _operation({}, "", "") for where in gate["coupling_map"]}
            for gate in self.configuration["gates"]
            if "coupling_map" in gate
        }
        for gate in self.properties["gates"]:
            known = _values(gate["parameters"])
            where = gates.setdefault(gate["gate"], {})
            where[tuple(gate["qubits"])] = _operation(known, "gate_error", "gate_length")
        gates["measure"] = {
            (q,): _operation(known, "readout_error", "readout_length")
            for q, known in enumerate(self._qubits)
        }
        return gates

    @cached_property
    def _qubits(self) -> tuple[dict[str, tuple[float]], ...]:
        return tuple(_values(qubit) for qubit in self.properties["qubits"])

    def _timing(self, name: str) -> int:
        return int(self.configuration.get("timing_constraints", {}).get(name, 1))


def read_snapshot(folder: Path) -> Snapshot:
    """Return the snapshot in a folder of the client.

    Raises:
        OSError, ValueError: its files cannot be read.
    """
    name = folder.name
    return Snapshot(
        *(json.loads((folder / f"{kind}_{name}.json").read_text()) for kind in ("conf", "props"))
    )


def _values(parameters: Iterable[Mapping[str, Any]]) -> dict[str, tuple[float]]:
    return {one["name"]: (_scaled(one["value"], one["unit"]),) for one in parameters}


def _scaled(value: float, unit: str) -> float:
    """Return a time in seconds; frequencies, which nobody reads, as they are."""
    return float(value / _PREFIXES[unit[0]] if unit in ("ns", "us", "µs") else value)


def _operation(known: Mapping[str, tuple[float]], error: str, seconds: str) -> SimpleNamespace:
    unknown = (None,)
    return SimpleNamespace(
        error=known.get(error, unknown)[0], duration=known.get(seconds, unknown)[0]
    )
