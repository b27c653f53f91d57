"""Server: the service on a socket, in a thread of this process."""

from __future__ import annotations

import random
import select
import socket
import struct
import sys
import threading
import traceback
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from .control import PREFIX, Desk, control
from .faults import Rule, act, choose
from .records import Job
from .routes import API, answer_to
from .snapshots import Device
from .state import ServiceConfig, State
from .wire import Answer, Exchange, Request, ServiceError, error_answer

_ABRUPT = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends RST."""


class LoopbackService:
    """The service; `with LoopbackService(ServiceConfig(...)) as service:` starts and stops it."""

    def __init__(self, config: ServiceConfig | None = None) -> None:
        self.config = config or ServiceConfig()
        self.state = State(self.config)
        self.desk = Desk(state=self.state, dice=random.Random(self.config.fault_seed))
        self._server = _Server((self.config.host, self.config.port), self.desk)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="loopback-server"
        )

    def start(self) -> Self:
        """Start to answer."""
        self.state.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop: hanging answers are dropped, the job that runs is finished first."""
        self.state.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.drop_connections()
        self._server.server_close()
        self.state.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def root(self) -> str:
        """Address of the server."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def url(self) -> str:
        """Base address of the API, for the client's `url_resolver`."""
        return self.root + API

    @property
    def token(self) -> str:
        """An API key that is taken."""
        return self.config.api_keys[0]

    @property
    def instance(self) -> str:
        """Cloud resource name of the default instance."""
        return self.config.instances[0].crn

    def environment(self) -> dict[str, str]:
        """Return what a client's process needs in its environment, besides the `url_resolver`."""
        return {
            "IAM_URL": f"{self.root}/iam",
            "GLOBAL_SEARCH_URL": f"{self.root}/search",
            "GLOBAL_CATALOG_URL": f"{self.root}/catalog",
            "NO_PROXY": self.config.host,
            "no_proxy": self.config.host,
            "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
            "QISKIT_IBM_TOKEN": self.token,
            "QISKIT_IBM_INSTANCE": self.instance,
        }

    @property
    def jobs(self) -> list[Job]:
        """Server-side records of the jobs, in the order in which they were accepted."""
        return self.state.jobs

    @property
    def requests(self) -> list[Exchange]:
        """What was asked, the oldest first."""
        return self.desk.requests

    @property
    def rules(self) -> list[Rule]:
        """Rules that act on requests; append to it at any time."""
        return self.desk.rules

    @property
    def devices(self) -> dict[str, Device]:
        """Devices by name."""
        return self.state.devices

    def recalibrate(self, device: str, factor: float = 1.1) -> None:
        """Give a device a new calibration, its errors multiplied by `factor`."""
        with self.state.changed:
            self.devices[device].recalibrate(factor)

    def release(self, job_id: str | None = None) -> None:
        """Let one held job run, or all, also those to come."""
        self.state.release(job_id)

    def hold(self) -> None:
        """Keep jobs that are accepted from now on in the queue until `release()`."""
        self.state.holding = True

    def revoke_tokens(self) -> None:
        """Make every token that was given out invalid."""
        self.state.accounts.revoke()

    def wait(self, timeout: float = 60.0) -> None:
        """Return when no job is queued or running.

        Raises:
            TimeoutError: after `timeout` seconds.
        """
        with self.state.changed:
            if not self.state.changed.wait_for(
                lambda: all(job.is_final for job in self.jobs), timeout
            ):
                words = [job.word for job in self.jobs if not job.is_final]
                raise TimeoutError(f"after {timeout} s jobs are still {words}")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], desk: Desk) -> None:
        self.desk = desk
        self.connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        if request.fileno() >= 0 and request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
            request.close()  # a shutdown would send FIN before the RST
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away: that is what this service is for."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def drop_connections(self) -> None:
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by the other side or by its thread


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: `requests` is the log."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        answer, fault = _answer(self.server.desk, request)
        if answer.status == 204:
            answer = replace(answer, body=b"")  # has none by definition
        lost = answer.manner in {"reset", "close", "hang"}
        if not request.path.startswith(PREFIX):
            self.server.desk.requests.append(
                Exchange(request.method, request.path, None if lost else answer.status, fault)
            )
        self.close_connection = True
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        if answer.manner == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
        elif answer.manner == "hang":
            self._hang(answer.seconds)
        elif answer.manner != "close":
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self._send_body(answer)

    def _send_body(self, answer: Answer) -> None:
        body = answer.body
        if answer.manner == "truncate":
            body = body[: len(body) // 2]
        pieces = 20 if answer.manner == "slow" else 1
        size = max(1, -(-len(body) // pieces))
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            if answer.manner == "slow":
                self.wfile.flush()
                self.server.desk.state.stopping.wait(answer.seconds / pieces)

    def _hang(self, seconds: float) -> None:
        stopping, waited = self.server.desk.state.stopping, 0.0
        while not stopping.wait(0.05) and (not seconds or waited < seconds):
            waited += 0.05
            if select.select([self.connection], [], [], 0)[0]:
                return  # the client has gone


def _answer(desk: Desk, request: Request) -> tuple[Answer, str | None]:
    with desk.state.changed:
        if request.path.startswith(PREFIX):
            return _guarded(lambda asked: control(desk, asked), request), None
        rule = choose(desk.rules, request, desk.dice)
        if rule is None:
            return _guarded(lambda asked: answer_to(desk.state, asked), request), None
        effect = lambda asked: _guarded(lambda it: answer_to(desk.state, it), asked)  # noqa: E731
        return _guarded(lambda asked: act(rule, asked, desk.state, effect), request), rule.kind


def _guarded(route: Any, request: Request) -> Answer:
    try:
        answer: Answer = route(request)
    except ServiceError as error:
        return error_answer(error.status, error.code, str(error))
    except Exception:  # a mistake of this service: say so instead of closing the connection
        return error_answer(500, 500, "loopback service: " + traceback.format_exc())
    return answer
