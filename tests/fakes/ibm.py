"""The IBM adapter against the loopback service: settings, circuits, servers that misbehave."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from service import LoopbackService, ServiceConfig

from hexmagic.backends.ibm.door import IbmSettings, open_remote
from hexmagic.backends.remote import Submission

BOSTON = "ibm_boston"


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, **config: Any) -> Iterator[LoopbackService]:
    """Run the service with one machine, and make it the client's account."""
    with LoopbackService(ServiceConfig(devices=("boston",), **config)) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        yield service


def remote_of(service: LoopbackService, **settings: Any) -> Any:
    """Return the adapter; it does not really wait between two tries."""
    chosen = {"url": service.url, "timeout_seconds": 20.0, **settings}
    return open_remote(IbmSettings(**chosen), sleep=lambda _: None)


def circuit_on(num_qubits: int = 156, name: str = "tiny") -> QuantumCircuit:
    """Return an ISA circuit of boston with a register `out` (01 always) and a register `flag`."""
    registers = ClassicalRegister(2, "out"), ClassicalRegister(1, "flag")
    circuit = QuantumCircuit(QuantumRegister(num_qubits, "q"), *registers, name=name)
    circuit.x(0)
    circuit.cz(0, 1)
    circuit.barrier(0, 1)
    circuit.measure(0, 0)
    circuit.reset(1)
    circuit.delay(400, 1)
    circuit.measure(1, 2)
    return circuit


def submission_of(*, tag: str = "hexmagic:1", batch: str | None = None, shots: int = 10) -> Any:
    """Return a job of one circuit."""
    return Submission(
        device=BOSTON,
        circuits=((circuit_on(), shots),),
        tags=(tag, "other"),
        batch=batch,
        max_seconds=77,
    )


@contextmanager
def dripping() -> Iterator[str]:
    """Serve an answer that never ends, one byte at a time; yield its address."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            connection.sendall(b"x")

    with _listening(drip) as url:
        yield url


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Serve the same answer to whatever is asked, once a connection; yield its address."""

    def say(connection: socket.socket, over: threading.Event) -> None:
        connection.settimeout(0.05)
        connection.recv(65536)
        connection.sendall(answer)
        while not over.is_set():
            with suppress(TimeoutError):
                if not connection.recv(65536):
                    return

    with _listening(say) as url:
        yield url


@contextmanager
def _listening(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def run(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client has left
            serve(connection, over)

    def accept() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=run, args=(connection,)))
                threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        for thread in threads:
            thread.join()
        listener.close()
