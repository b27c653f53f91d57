"""Snapshots: the devices that are served, from the calibrations that qiskit-ibm-runtime ships."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

__all__ = ["Device", "load_device"]

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_ERRORS = ("gate_error", "readout_error", "prob_meas0_prep1", "prob_meas1_prep0")
_VIRTUAL = ("rz", "barrier", "store")


class Device:
    """A device as it is served; all of it may be changed while the service runs.

    Attributes:
        name: such as ibm_boston.
        configuration: as the API gives it.
        properties: the calibration as the API gives it.
        history: all calibrations, the oldest first.
        operational: whether it takes up jobs; if not, they stay queued.
        message: status message, "active" if all is well.
        extra_queue: jobs of other people that wait, besides those of this service.
        noise_models: Aer's, of the calibration as it is, by qubits and whether they are twirled.
    """

    def __init__(self, configuration: dict[str, Any], properties: dict[str, Any]) -> None:
        self.name: str = configuration["backend_name"]
        self.configuration = configuration
        self.properties = properties
        self.history = [properties]
        self.operational = True
        self.message = "active"
        self.extra_queue = 0
        self._pairs = {tuple(pair) for pair in configuration["coupling_map"]}
        self.noise_models: dict[tuple[tuple[int, ...], bool], Any] = {}
        self._durations: dict[tuple[str, tuple[int, ...]], float] | None = None

    @property
    def max_shots(self) -> int:
        """Most shots of one circuit in a job."""
        return int(self.configuration["max_shots"])

    @max_shots.setter
    def max_shots(self, shots: int) -> None:
        self.configuration["max_shots"] = shots

    @property
    def dt_seconds(self) -> float:
        """Time unit of delays."""
        return float(self.configuration["dt"]) * 1e-9

    @property
    def repetition_delay_seconds(self) -> float:
        """Delay between two shots unless the job says otherwise."""
        return float(self.configuration["default_rep_delay"]) * 1e-6

    @property
    def calibrated_at(self) -> str:
        """Time of the calibration, ISO 8601."""
        return str(self.properties["last_update_date"])

    def properties_before(self, when: datetime | None) -> dict[str, Any]:
        """Return the newest calibration that is not newer than `when`, else the oldest."""
        if when is None:
            return self.properties
        dated = ((datetime.fromisoformat(p["last_update_date"]), p) for p in self.history)
        return ([p for date, p in dated if date <= when] or self.history[:1])[-1]

    def recalibrate(self, factor: float = 1.1, when: datetime | None = None) -> None:
        """Give the device a new calibration.

        Args:
            factor: multiplies gate and readout errors (up to 1) and divides T1 and T2.
            when: its time, now if not given.
        """
        date = (when or datetime.now(UTC)).isoformat()
        properties = copy.deepcopy(self.properties)
        properties["last_update_date"] = date
        values = [value for qubit in properties["qubits"] for value in qubit]
        values += [value for gate in properties["gates"] for value in gate["parameters"]]
        for value in values:
            value["date"] = date
            if value["name"] in _ERRORS:
                value["value"] = min(1.0, value["value"] * factor)
            elif value["name"] in {"T1", "T2"}:
                value["value"] /= factor
        self.properties = properties
        self.history.append(properties)
        self.noise_models = {}
        self._durations = None

    def seconds(self, name: str, qubits: tuple[int, ...]) -> float:
        """Return how long an instruction takes; 0 for what is virtual or not calibrated."""
        if self._durations is None:
            self._durations = {
                (gate["gate"], tuple(gate["qubits"])): value["value"] * _SECONDS[value["unit"]]
                for gate in self.properties["gates"]
                for value in gate["parameters"]
                if value["name"] == "gate_length"
            }
        if name in _VIRTUAL:
            return 0.0
        found = self._durations.get((name, qubits), self._durations.get((name, qubits[::-1])))
        if found is None and name in {"measure", "reset"}:
            return self._readout_seconds(qubits[0])
        return found or 0.0

    def _readout_seconds(self, qubit: int) -> float:
        lengths = [
            value["value"] * _SECONDS[value["unit"]]
            for value in self.properties["qubits"][qubit]
            if value["name"] == "readout_length"
        ]
        return lengths[0] if lengths else 0.0

    def complaint(self, name: str, qubits: tuple[int, ...]) -> str:
        """Return why an instruction cannot run here, empty if it can."""
        known = {*self.configuration["supported_instructions"], *self.configuration["basis_gates"]}
        known |= {"barrier", "rzz", "rx", "box"}
        if name not in known:
            return (
                f"The instruction {name} on qubits {qubits} is not supported by the target system."
            )
        if any(qubit >= self.configuration["n_qubits"] for qubit in qubits):
            return f"The target system has no qubits {qubits}."
        is_gate = name in self.configuration["basis_gates"] or name == "rzz"
        if is_gate and len(qubits) == 2 and qubits not in self._pairs:
            return (
                f"The instruction {name} on qubits {qubits} is not supported by the target system."
            )
        return ""


def load_device(name: str) -> Device:
    """Return the device of a snapshot, named boston, fake_boston or ibm_boston.

    Raises:
        ValueError: there is no such snapshot.
    """
    short = name.removeprefix("ibm_").removeprefix("fake_").lower()
    folder = Path(str(files("qiskit_ibm_runtime.fake_provider"))) / "backends" / short
    try:
        configuration = json.loads((folder / f"conf_{short}.json").read_text())
        properties = json.loads((folder / f"props_{short}.json").read_text())
    except FileNotFoundError:
        known = sorted(path.parent.name for path in folder.parent.glob("*/props_*.json"))
        raise ValueError(f"devices: no snapshot {name!r}; there are {', '.join(known)}") from None
    configuration.setdefault("max_shots", 100_000)
    configuration["backend_name"] = properties["backend_name"] = f"ibm_{short}"
    return Device(configuration, properties)
