"""Clients: the real client, opened on a service, and small jobs for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .server import LoopbackService
from .state import ServiceConfig

if TYPE_CHECKING:
    import pytest
    from qiskit import QuantumCircuit
    from qiskit.circuit import Parameter


def open_client(
    service: LoopbackService, *, token: str | None = None, instance: str | None = None
) -> Any:
    """Return a `QiskitRuntimeService` that talks to the service.

    The process must have `service.environment()` in its environment.

    Args:
        service: that is running.
        token: an API key, the service's own if not given.
        instance: name or CRN, the default one if not given.
    """
    from qiskit_ibm_runtime import QiskitRuntimeService

    return QiskitRuntimeService(
        channel="ibm_quantum_platform",
        token=token or service.token,
        instance=instance or service.instance,
        url_resolver=lambda url, instance, private_endpoint, channel: service.url,  # noqa: ARG005 (the client passes them by name)
    )


@contextmanager
def starter(patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a function that starts services with settings of `ServiceConfig`; they end with it."""
    running: list[LoopbackService] = []

    def begin(**settings: Any) -> LoopbackService:
        usual: dict[str, Any] = {"devices": ("torino",), "overhead_seconds": 1.0}
        service = LoopbackService(ServiceConfig(**(usual | settings))).start()
        running.append(service)
        for name, value in service.environment().items():
            patch.setenv(name, value)
        return service

    try:
        yield begin
    finally:
        for service in running:
            service.stop()


def make_circuit(device: str = "ibm_torino", angle: float | Parameter = 0.7) -> QuantumCircuit:
    """Return three entangled qubits in two registers, on all qubits of a device."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    qubits = QuantumRegister({"ibm_torino": 133, "ibm_boston": 156}[device], "q")
    circuit = QuantumCircuit(qubits, ClassicalRegister(2, "a"), ClassicalRegister(1, "b"))
    circuit.sx(3)
    circuit.rz(angle, 3)
    circuit.sx(3)
    circuit.cz(3, 4)
    circuit.delay(400, 4)
    circuit.x(5)
    circuit.cz(4, 5)
    circuit.barrier()
    circuit.measure([3, 4, 5], [0, 1, 2])
    return circuit


def submit(
    client: Any,
    circuits: list[Any],
    *,
    program: str = "executor",
    device: str = "ibm_torino",
    shots: int = 50,
    tags: tuple[str, ...] = (),
    max_seconds: int | None = None,
    mode: Any = None,
) -> Any:
    """Post a job; return the client's handle."""
    from qiskit_ibm_runtime import SamplerV2
    from qiskit_ibm_runtime.executor_sampler import Sampler

    sampler = {"sampler": SamplerV2, "executor": Sampler}[program](
        mode=mode or client.backend(device)
    )
    sampler.options.environment.job_tags = list(tags)
    if max_seconds is not None:
        sampler.options.max_execution_time = max_seconds
    return sampler.run(circuits, shots=shots)
