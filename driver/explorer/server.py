"""The explorer's server: a page on this machine's own address, for its own browser alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import click

from ...analysis.explore_page import STYLE
from ...experiments.errors import UsageError
from ..error_lines import EXIT_TERMINATED, TerminatedError
from ..folder.run_folder import RunFolder
from ..results import Results, load_results

HOST = "127.0.0.1"
APP = Path(__file__).with_name("app.py")
MISSING = "hexmagic explore needs: pip install 'hexmagic[explore]'"

# The page may ask nothing of any other address, whatever the library would like to.
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


@cache
def results_of(folder: str) -> Results:
    """Return what the run in a folder found, as it was when this process first looked."""
    return load_results(RunFolder(path=Path(folder)))


def serve(folders: Sequence[RunFolder], *, port: int, browser: bool) -> NoReturn:
    """Show runs in a page until Ctrl-C, which ends this process.

    Args:
        folders: of the runs.
        port: to listen on; 0 for any that is free.
        browser: whether to open the page in a browser.

    Raises:
        UsageError: the extra is not installed, the port is taken, or a run cannot be read.
    """
    with _own_settings() as environment:
        code = _serve(folders, port, environment if browser else None)
    click.echo("explorer: ended", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # at once: marimo has threads that would wait for browsers that have gone


def _serve(folders: Sequence[RunFolder], port: int, browser: Mapping[str, str] | None) -> int:
    """Serve until a signal; return the exit code. `browser` is the environment to open one in."""
    try:
        import marimo
        import uvicorn
    except ImportError as error:
        raise UsageError(MISSING) from error
    for folder in folders:
        results_of(str(folder.path))
    listening = _listen(port)
    address = f"{HOST}:{listening.getsockname()[1]}"
    head = f'<style>{STYLE}</style><meta name="color-scheme" content="light dark">'
    builder = marimo.create_asgi_app(quiet=True, html_head=head)
    inner: Any = builder.with_app(path="", root=str(APP)).build()
    app = guard(inner, address, [str(folder.path) for folder in folders])

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _announce(f"http://{address}", browser)

    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    try:
        Server(config).run(sockets=[listening])
    except TerminatedError:
        return EXIT_TERMINATED
    except KeyboardInterrupt:
        return 0
    return 0


def guard(app: Asgi, address: str, folders: Iterable[str]) -> Asgi:
    """Return the app, for pages of this address only, and told which runs it is to show.

    Another page that is open in the same browser could otherwise read the tables.
    """
    hosts = {address, address.replace(HOST, "localhost")}
    own = {f"http://{host}".encode() for host in hosts}
    meta = {"folders": list(folders)}

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = (b"content-security-policy", POLICY.encode())
                message["headers"] = [*message.get("headers", []), added]
            await send(message)

        headers = dict(scope.get("headers", []))
        known = headers.get(b"host", b"").decode("latin-1") in hosts
        if known and headers.get(b"origin") in {None, *own}:
            await app({**scope, "meta": meta}, receive, with_policy)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"not for this address\n"})

    return guarded


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"--port {port}: {error.strerror}; leave it out for one that is free"
        ) from error
    return listening


def _announce(url: str, browser: Mapping[str, str] | None) -> None:
    click.echo(f"explorer: {url} (Ctrl-C ends it)")
    if browser is not None:
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-m", "webbrowser", url]
        subprocess.Popen(command, env=browser, stdin=quiet, stdout=quiet, stderr=quiet)


@contextmanager
def _own_settings() -> Iterator[dict[str, str]]:
    """Keep marimo from the person's settings, and from writing there; yield the environment."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="hexmagic-explore-") as home:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = home
        os.environ["MARIMO_SKIP_UPDATE_CHECK"] = "1"
        try:
            yield before
        finally:
            os.environ.clear()
            os.environ.update(before)
