"""Clients: the real client, opened on a service, for tests and for trying things out."""

from __future__ import annotations

from typing import Any

from .server import LoopbackService


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
