"""An existing Dask cluster: connecting to its scheduler, and whether its workers will do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import distributed
from distributed.comm.core import connect

from ...experiments.errors import RefusedError, UsageError
from .worker import differing, mismatch, software


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, in seconds, before giving up.

    Attributes:
        scheduler: for the scheduler to answer.
        workers: for a worker to appear, at the start and when all have died.
    """

    scheduler: float = 10.0
    workers: float = 60.0


def check_cluster(address: str, patience: Patience) -> None:
    """Check that a cluster can run shards.

    Raises:
        UsageError: no scheduler answers at the address.
        RefusedError: it has no workers, or they would not give the same results.
    """
    join_cluster(address, patience).close(timeout=patience.scheduler)


def join_cluster(address: str, patience: Patience) -> distributed.Client:
    """Return a client of a cluster whose workers have been checked; errors as `check_cluster`."""
    client = _connect(address, patience)
    try:
        _check_workers(client, address, patience)
    except BaseException:
        client.close(timeout=patience.scheduler)
        raise
    return client


def _connect(address: str, patience: Patience) -> distributed.Client:
    """Return a client, which is not Dask's default client for anything else in this process."""
    seconds = patience.scheduler
    try:
        with ThreadPoolExecutor(1) as thread:  # this one may have an event loop: a notebook
            thread.submit(asyncio.run, _greet(address, seconds)).result()
        return distributed.Client(address, name="hexmagic", timeout=seconds, set_as_default=False)
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(
            f"--executor {address}: no Dask scheduler answered within {seconds:g} s "
            f"({_words(error)}); start one with `dask scheduler`, or use --executor processes"
        ) from error


async def _greet(address: str, seconds: float) -> None:
    """Exchange greetings with a Dask process; `Client` waits for ever for a port that is silent."""
    security = distributed.Security().get_connection_args("client")
    async with asyncio.timeout(seconds):
        greeted = await connect(address, timeout=0.8 * seconds, **security)
    await greeted.close()


def _check_workers(client: distributed.Client, address: str, patience: Patience) -> None:
    try:
        client.wait_for_workers(1, timeout=patience.workers)
    except TimeoutError:
        raise RefusedError(
            f"--executor {address}: no worker came within {patience.workers:g} s; start some with "
            f"`dask worker {address} --nworkers N --nthreads 1`"
        ) from None
    _check_threads(client.nthreads(), address)
    try:
        found = client.sync(
            client.run, software, on_error="return", callback_timeout=patience.workers
        )
    except TimeoutError:
        raise RefusedError(
            f"--executor {address}: not every worker said within {patience.workers:g} s what it "
            "has installed; restart those that hang"
        ) from None
    _check_software(found, address)


def _check_threads(nthreads: Mapping[str, int], address: str) -> None:
    for worker, threads in nthreads.items():
        if threads != 1:
            raise RefusedError(
                f"--executor {address}: worker {worker} has {threads} threads and Aer needs a "
                "process for itself; start workers with --nthreads 1 and more of them (--nworkers)"
            )


def _check_software(found: Mapping[str, Any], address: str) -> None:
    ours = software()
    for worker, theirs in found.items():
        if isinstance(theirs, OSError):
            continue  # it died meanwhile
        if isinstance(theirs, Exception):
            raise RefusedError(
                f"--executor {address}: worker {worker} cannot run hexmagic ({_words(theirs)}); "
                "install hexmagic there as it is here and restart it"
            )
        differs = differing(theirs, ours)
        if differs:
            raise RefusedError(f"--executor {address}: worker {worker} {mismatch(*differs)}")


def _words(error: BaseException) -> str:
    """Return an error's text in one line; of a lost connection, what the system said first."""
    while isinstance(error.__cause__, OSError):
        error = error.__cause__
    return ": ".join([type(error).__name__, *filter(None, [" ".join(str(error).split())])])
