"""Histories of a run on paid hardware, of several attempts, and what is said to an older ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hexmagic.backends.remote import NotAcceptedError, RejectedError, RemoteError, UnclearError

from .hardware import ONE, TWO, World

WAYS: Mapping[str, tuple[str, ...]] = {
    "tick": ("tick",),
    "cancel": ("cancel", "latest"),
    "resume": ("run", "--resume", "latest", "--no-wait"),
}
"""What a person, or a timer, may say first to an older ledger."""

LAG = 1000.0


def _start(world: World, text: str = ONE) -> None:
    world.call("run", world.spec(text=text), "--no-wait")


def _fail(world: World) -> None:
    world.remote.end("failed", reason="fridge warm")
    world.tick(code=4)


def _resume(world: World) -> None:
    world.clock.advance(1)
    world.call(*WAYS["resume"])


def _rejected(world: World) -> None:
    world.remote.fail("open_batch", RemoteError("HTTP 503: down"))
    _start(world)
    world.remote.fail("post", RejectedError("HTTP 400: no"))
    world.tick(code=4)
    _resume(world)


def _unclear(world: World) -> None:
    _start(world)
    _fail(world)
    world.remote.fail("post", UnclearError("lost"), after=True)
    _resume(world)
    world.clock.advance(121)
    for _ in range(3):
        world.tick()
    world.tick("--resubmit", "latest")


def _cancelled(world: World) -> None:
    _start(world)
    world.call("cancel", "latest")
    _resume(world)


def _busy(world: World) -> None:
    world.remote.fail("post", NotAcceptedError("HTTP 429: busy"))
    _start(world, TWO)
    world.clock.advance(121)
    world.tick(code=75)


def _thrice(world: World) -> None:
    _start(world)
    _fail(world)
    _resume(world)
    _fail(world)
    _resume(world)


HISTORIES: Mapping[str, Callable[[World], None]] = {
    "rejected, resumed": _rejected,
    "failed, resumed, unclear, submitted again": _unclear,
    "cancelled, resumed": _cancelled,
    "two jobs, HTTP 429": _busy,
    "failed, resumed, failed, resumed": _thrice,
}
"""Each ends with jobs in flight; to resume, and to submit again what is parked, a person says."""
