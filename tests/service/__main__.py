"""Command line: `python -m tests.service --port 8042` from the root of the repository."""

from __future__ import annotations

import argparse
import shlex
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from .accounts import API_KEY
from .faults import read_rules
from .server import LoopbackService
from .simulation import NoiseKind
from .state import ServiceConfig

_EPILOG = "Stop it with Ctrl-C. What a rule looks like: README.md in tests/service."


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    usual = ServiceConfig()
    parser = argparse.ArgumentParser(
        prog="python -m tests.service", description=__doc__, epilog=_EPILOG
    )
    add = parser.add_argument
    add("--port", type=int, default=8042, help="to listen on, 0 for any (default 8042)")
    add("--host", default=usual.host, help=f"(default {usual.host})")
    add("--devices", default=",".join(usual.devices), help="snapshots, such as boston,torino")
    add("--noise", choices=get_args(NoiseKind), default=usual.noise, help="(default none)")
    add("--seed", type=int, default=usual.seed, help="of the simulations (default 0)")
    add("--api-key", default=API_KEY, help=f"the key that is taken (default {API_KEY})")
    add("--token-seconds", type=float, default=usual.token_seconds, help="lifetime of a token")
    add("--listing-lag", type=float, default=0.0, help="seconds until a job is in a listing")
    add("--queue", type=float, default=0.0, help="seconds that each job stays queued")
    add("--hold", action="store_true", help="jobs stay queued until POST /_control/release")
    add("--overhead", type=float, default=usual.overhead_seconds, help="charged for each job, s")
    add("--rules", type=Path, help="JSON file with fault rules")
    return parser


def describe(service: LoopbackService) -> str:
    """Return what to set so that a client finds the service: shell, Python, hexmagic."""
    exports = [
        f"export {name}={shlex.quote(value)}" for name, value in service.environment().items()
    ]
    return "\n".join(
        [
            f"# The loopback service answers at {service.url}",
            f"# with {', '.join(service.devices)}. In the shell of the client:",
            *exports,
            "# In Python: QiskitRuntimeService(",
            f'#     url_resolver=lambda url, instance, private_endpoint, channel: "{service.url}")',
            "# In hexmagic's settings:",
            f'# url = "{service.url}"',
            f"# What it knows: curl -s {service.root}/_control/jobs",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service until SIGINT or SIGTERM; return the exit code."""
    parser = make_parser()
    given = parser.parse_args(arguments)
    try:
        rules = read_rules(given.rules.read_text()) if given.rules else []
        service = LoopbackService(
            ServiceConfig(
                devices=tuple(given.devices.split(",")),
                noise=given.noise,
                seed=given.seed,
                host=given.host,
                port=given.port,
                api_keys=(given.api_key,),
                token_seconds=given.token_seconds,
                listing_lag_seconds=given.listing_lag,
                queue_seconds=given.queue,
                hold=given.hold,
                overhead_seconds=given.overhead,
            )
        )
    except (OSError, ValueError, TypeError) as error:
        parser.error(str(error))
    service.rules.extend(rules)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with service:
        print(describe(service), flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
