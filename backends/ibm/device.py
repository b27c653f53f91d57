"""A live machine: what the service says of it now, as a `Device` and as the client's backend."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qiskit.exceptions import QiskitError
from qiskit_ibm_runtime import IBMBackend
from qiskit_ibm_runtime.utils.backend_converter import convert_to_target
from qiskit_ibm_runtime.utils.backend_decoder import (
    configuration_from_server_data,
    properties_from_server_data,
)

from ..calibration import read_qubit
from ..device import TWO_QUBIT_GATES, Device, DeviceError
from ..device_reading import read_device
from ..redaction import one_line
from ..remote import MachineStanding, RemoteError
from .account import Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine as it was asked for.

    Attributes:
        backend: the client's, with its properties and target; asks nothing more.
        device: the same calibration as a value.
    """

    backend: Any
    device: Device

    @property
    def max_shots(self) -> int:
        """Most shots of one circuit in one job."""
        return int(self.backend.configuration().max_shots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the service tells of a machine, as it came, and over which account and interface."""

    opened: Opened
    client: Any
    configuration: dict[str, Any]
    properties: dict[str, Any]


def ask_machine(opened: Opened, client: Any, name: str) -> Told:
    """Return what the service tells of a machine now.

    Raises:
        Exception: any of the client's.
    """
    return Told(
        opened=opened,
        client=client,
        configuration=client.backend_configuration(name, refresh=True),
        properties=client.backend_properties(name),
    )


def make_machine(name: str, told: Told) -> Machine:
    """Return a machine; asks nothing.

    Raises:
        DeviceError: not a machine that hexmagic can use.
        RemoteError: what is told makes no sense.
    """
    if not told.properties:
        raise DeviceError(f"device {name}: the service tells no calibration of it")
    with warnings.catch_warnings():
        # a gate that qiskit does not know is left out, and is none that is used here
        warnings.filterwarnings("ignore", "No gate definition for", RuntimeWarning)
        try:
            return _make_machine(name, told)
        except (AttributeError, LookupError, TypeError, ValueError, QiskitError) as error:
            if isinstance(error, DeviceError):
                raise
            text = one_line(f"{type(error).__name__}: {error}")
    raise RemoteError(f"machine {name}: what the service tells of it makes no sense ({text})")


def _make_machine(name: str, told: Told) -> Machine:
    backend = IBMBackend(
        configuration=_read_configuration(name, told.configuration, told.opened),
        service=told.opened.service,
        api_client=told.client,
        instance=told.opened.instance,
    )
    calibrated_at = _utc(told.properties["last_update_date"])  # the client takes all for UTC
    properties = properties_from_server_data(told.properties)
    backend._properties = properties  # otherwise it asks again
    target = convert_to_target(backend.configuration(), properties, filter_faulty=False)
    device = read_device(
        name,
        target,
        properties,
        calibrated_at=calibrated_at,
        broken_qubits=frozenset(_broken_qubits(target, properties)),
        broken_edges=frozenset(_broken_edges(target, properties)),
    )
    backend.target  # noqa: B018 # the client makes it when asked first, and keeps it
    return Machine(backend=backend, device=device)


def ask_standing(opened: Opened, client: Any, name: str) -> MachineStanding:
    """Return how a machine stands now.

    Raises:
        Exception: any of the client's.
    """
    status = client.backend_status(name)
    told = client.backend_configuration(name, refresh=True)
    configuration = _read_configuration(name, told, opened)
    return MachineStanding(
        operational=status["operational"],
        message=str(status["status_msg"]),
        queue=int(status["pending_jobs"]),
        max_shots=int(configuration.max_shots),
        repetition_delay_seconds=float(configuration.default_rep_delay),
    )


def unknown_machine(name: str, client: Any) -> DeviceError:
    """Return the error for a name that the service does not know: the nearest it knows first."""
    known = sorted(str(device["name"]) for device in client.list_backends())
    near = difflib.get_close_matches(name, known, n=len(known) or 1, cutoff=0.0)
    seen = f"the account sees {', '.join(near)}" if near else "the account sees none at all"
    return DeviceError(f"unknown machine {name!r}; {seen}")


def _read_configuration(name: str, told: dict[str, Any], opened: Opened) -> Any:
    configuration = configuration_from_server_data(told, instance=opened.instance)
    if configuration is None:
        raise ValueError(f"the configuration of {name} makes no sense")
    return configuration


def _utc(stamp: str) -> str:
    """Return an ISO time in UTC; the service means UTC where it tells no offset."""
    when = datetime.fromisoformat(stamp)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _broken_qubits(target: Any, properties: Any) -> Iterator[int]:
    """Yield the qubits out of operation, with such a gate, or with something untold."""
    yield from properties.faulty_qubits()
    for gate in properties.faulty_gates():
        if len(gate.qubits) == 1:
            yield gate.qubits[0]
    for q in range(target.num_qubits):
        try:
            read_qubit(target, properties, q)
        except (AttributeError, TypeError, KeyError):
            yield q


def _broken_edges(target: Any, properties: Any) -> Iterator[tuple[int, int]]:
    """Yield the edges out of operation, or with something untold."""
    for gate in properties.faulty_gates():
        if gate.gate in TWO_QUBIT_GATES:
            yield gate.qubits[0], gate.qubits[1]
    for name in set(TWO_QUBIT_GATES).intersection(target.operation_names):
        for edge, known in target[name].items():
            if known is None or known.duration is None:
                yield edge
